// bulwark-stress: hammers the lock-free types and the mutex reference with many threads and checks, while they run and
// after, what must hold whatever the interleaving. Ends with a table of what was done; a failure names its seed.
#include "breaker_scenarios.hpp"
#include "bulkhead_scenarios.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace bulwark::stress;

struct entry {
    std::string scenario;
    std::string implementation;
    std::function<void(run&)> repeat;
};

template <class Impl>
void add(std::vector<entry>& all) {
    const auto one = [&](const char* scenario, std::function<void(run&)> repeat) {
        all.push_back({scenario, Impl::name, std::move(repeat)});
    };
    one("trip-at-the-threshold", &repeat<trip_at_the_threshold<Impl>>);
    one("probe-limit", &repeat<probe_limit<Impl>>);
    one("stale-results", &repeat<stale_results<Impl>>);
    one("hung-probes", &repeat<hung_probes<Impl>>);
    one("counts-add-up", &repeat<counts_add_up<Impl>>);
    one("everything-at-once", &repeat<everything_at_once<Impl>>);
    one("permits-are-conserved", &repeat<permits_are_conserved<Impl>>);
    one("refused-only-when-full", &repeat<refused_only_when_full<Impl>>);
}

struct options {
    double seconds = 30;
    unsigned threads = 0;
    std::uint64_t seed = 0;
    std::string only;
    bool list = false;
};

/// One entry for its share of the time, with 2, 4, 8 and 16 threads, or as many as were asked for.
bool hammer(const entry& e, const options& o, double seconds) {
    const std::vector<unsigned> teams = o.threads != 0 ? std::vector{o.threads} : std::vector{2U, 4U, 8U, 16U};
    std::uint64_t operations = 0;
    std::uint64_t rounds = 0;
    for (const unsigned threads : teams) {
        const std::chrono::duration<double> share(seconds / static_cast<double>(teams.size()));
        run r(
            {.threads = threads, .seed = o.seed, .time = std::chrono::duration_cast<std::chrono::nanoseconds>(share)});
        e.repeat(r);
        operations += r.operations();
        rounds += r.rounds();
        if (const std::string failure = r.failure(); !failure.empty()) {
            std::printf("FAILED %s on %s: %s\n  again: --seed %llu --threads %u --only %s/%s\n", e.scenario.c_str(),
                        e.implementation.c_str(), failure.c_str(), static_cast<unsigned long long>(o.seed), threads,
                        e.implementation.c_str(), e.scenario.c_str());
            return false;
        }
    }
    std::printf("%-24s %-16s %10llu rounds %14llu operations %8.2f s\n", e.scenario.c_str(), e.implementation.c_str(),
                static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(operations), seconds);
    std::fflush(stdout);
    return true;
}

int stress(int argc, char** argv) {
    CLI::App app("Hammers bulwark's breakers and bulkheads, lock-free and mutex, and checks what must always hold.");
    options o;
    app.add_option("--seconds", o.seconds, "time for the whole run (default 30)")->check(CLI::Range(0.1, 86400.0));
    app.add_option("--threads", o.threads, "threads (default: 2, 4, 8 and 16 in turn)")->check(CLI::Range(2, 64));
    app.add_option("--seed", o.seed, "seed of the random choices (default: a new one)");
    app.add_option("--only", o.only, "run what has this in its implementation/scenario");
    app.add_flag("--list", o.list, "print the scenarios and stop");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }
    if (app.count("--seed") == 0) o.seed = std::random_device{}();

    std::vector<entry> all;
    add<lock_free>(all);
    add<lock_free_thin>(all);
    add<mutex_reference>(all);
    std::erase_if(
        all, [&](const entry& e) { return (e.implementation + '/' + e.scenario).find(o.only) == std::string::npos; });
    if (all.empty()) {
        std::fprintf(stderr, "bulwark-stress: nothing matches --only %s\n", o.only.c_str());
        return 2;
    }
    if (o.list) {
        for (const entry& e : all) std::printf("%s/%s\n", e.implementation.c_str(), e.scenario.c_str());
        return 0;
    }

    std::printf("seed %llu\n", static_cast<unsigned long long>(o.seed));
    int failed = 0;
    for (const entry& e : all) {
        if (!hammer(e, o, o.seconds / static_cast<double>(all.size()))) ++failed;
    }
    std::printf("%d passed, %d failed\n", static_cast<int>(all.size()) - failed, failed);
    return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return stress(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "bulwark-stress: %s\n", e.what());
        return 1;
    }
}
