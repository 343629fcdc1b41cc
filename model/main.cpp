// bulwark-model: runs the models, or some of them, and prints what was searched and what came of it.
#include "catalogue.hpp"

#include <checks/command_line.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace bulwark::model;

struct options {
    std::uint64_t executions = 0;
    unsigned switches = 0;
    unsigned stale = 2;
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
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    bulwark::checks::command_line line(
        "bulwark-model",
        "Runs bulwark's headers over simulated atomics, through thread switches and weak memory, and checks what each "
        "execution told its threads. Mutants are planted defects that must be found.");
    return line.run([&] {
        options o;
        line.options.add_option("--executions", o.executions,
                                "length of the random searches (default 50000; mutants 300000)");
        line.options.add_option("--switches", o.switches, "bound of the other searches, in context switches");
        line.options.add_option("--stale", o.stale,
                                "with --switches: how far loads may lag in one execution (default 2)");
        line.options.add_flag("--trace", o.trace, "show every step of an execution that goes wrong");
        line.parse(argc, argv);
        std::vector<entry> chosen;
        add_breaker_models(chosen);
        add_celled_models(chosen);
        add_bulkhead_models(chosen);
        add_waiting_models(chosen);
        add_window_models(chosen);
        add_limit_models(chosen);
        add_retry_models(chosen);
        add_rate_models(chosen);
        add_name_table_models(chosen);
        line.choose(
            chosen, [](const entry& e) { return e.name; },
            [](const entry& e) { return e.name + ", " + std::to_string(e.threads) + " threads, " + describe(e.plan); });

        std::printf("%-42s %7s  %-26s %11s %8s  %s\n", "model", "threads", "search", "executions", "seconds",
                    "verdict");
        bulwark::checks::score score;
        for (const entry& e : chosen) score.add(run(e, o));
        return score.close();
    });
}
