// bulwark-model: runs the models, or some of them, and prints what was searched and what came of it.
#include "catalogue.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace bulwark::model;

struct options {
    std::string only;
    std::uint64_t executions = 0;
    unsigned switches = 0;
    unsigned stale = 2;
    bool list = false;
    bool trace = false;
};

/// The plan of the model, or the one that was asked for in its place.
search_plan plan_for(const entry& e, const options& o) {
    const bool random = e.plan.random_executions != 0;
    if (random && o.executions != 0) return at_random(o.executions);
    if (!random && o.switches != 0) return bounded(o.switches, o.stale);
    return e.plan;
}

bool run(const entry& e, const options& o) {
    const search_plan plan = plan_for(e, o);
    const auto begin = std::chrono::steady_clock::now();
    current_sabotage = e.planted;
    const search_result found = e.search(plan, o.trace);
    current_sabotage = {};
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;

    const bool defect = !found.defect.empty();
    const bool good = defect == e.must_fail;
    const char* const verdict = good ? (defect ? "killed" : "passed") : (defect ? "FAILED" : "FAILED: it lives");
    std::printf("%-42s %7u  %-26s %11llu %8.2f  %s\n", e.name.c_str(), e.threads, describe(plan).c_str(),
                static_cast<unsigned long long>(found.executions), spent.count(), verdict);
    if (defect && (!good || o.trace)) std::printf("  %s\n%s\n", found.defect.c_str(), found.trace.c_str());
    std::fflush(stdout);
    return good;
}

int check(int argc, char** argv) {
    CLI::App app(
        "Runs bulwark's headers over simulated atomics, through thread switches and weak memory, and checks what each "
        "execution told its threads. Mutants are planted defects that must be found.");
    options o;
    app.add_option("--only", o.only, "run the models that have this in their name");
    app.add_option("--executions", o.executions, "length of the random searches (default 50000; mutants 300000)");
    app.add_option("--switches", o.switches, "bound of the other searches, in context switches");
    app.add_option("--stale", o.stale, "with --switches: how far loads may lag in one execution (default 2)");
    app.add_flag("--trace", o.trace, "show every step of an execution that goes wrong");
    app.add_flag("--list", o.list, "print the models and stop");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }

    std::vector<entry> all;
    add_breaker_models(all);
    add_bulkhead_models(all);
    std::erase_if(all, [&](const entry& e) { return e.name.find(o.only) == std::string::npos; });
    if (all.empty()) {
        std::fprintf(stderr, "bulwark-model: nothing matches --only %s\n", o.only.c_str());
        return 2;
    }
    if (o.list) {
        for (const entry& e : all) {
            std::printf("%s, %u threads, %s\n", e.name.c_str(), e.threads, describe(e.plan).c_str());
        }
        return 0;
    }

    std::printf("%-42s %7s  %-26s %11s %8s  %s\n", "model", "threads", "search", "executions", "seconds", "verdict");
    int failed = 0;
    for (const entry& e : all) {
        if (!run(e, o)) ++failed;
    }
    std::printf("%d passed, %d failed\n", static_cast<int>(all.size()) - failed, failed);
    return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return check(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "bulwark-model: %s\n", e.what());
        return 1;
    }
}
