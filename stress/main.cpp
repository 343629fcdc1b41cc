// bulwark-stress: hammers the lock-free types and the mutex reference with many threads and checks, while they run and
// after, what must hold whatever the interleaving. Ends with a table of what was done; a failure names its seed.
// Planted leaks are run as well: they pass when they are found.
#include "entries.hpp"
#include "rounds.hpp"

#include <checks/command_line.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace bulwark::stress;

struct options {
    double seconds = 30;
    unsigned threads = 0;
    std::uint64_t seed = 0;
};

/// Crowds have as many threads as were asked for, or 2, 4, 8 and 16. Rounds have two: each thread needs a core.
std::vector<unsigned> teams_for(const entry& e, const options& o) {
    if (e.what == kind::rounds || e.what == kind::planted_leak) return {2};
    if (o.threads != 0) return {o.threads};
    return {2, 4, 8, 16};
}

bool is_planted(const entry& e) {
    return e.what == kind::planted_leak || e.what == kind::planted_crowd;
}

/// What is planted may take longer than its share: it stops where it is found.
constexpr double time_to_find = 60;

/// One entry for its share of the time.
bool hammer(const entry& e, const options& o, double seconds) {
    const std::vector<unsigned> teams = teams_for(e, o);
    std::uint64_t operations = 0;
    std::uint64_t rounds = 0;
    std::uint64_t overlaps = 0;
    if (is_planted(e)) seconds = std::max(seconds, time_to_find);
    for (const unsigned threads : teams) {
        const std::chrono::duration<double> share(seconds / static_cast<double>(teams.size()));
        run r(
            {.threads = threads, .seed = o.seed, .time = std::chrono::duration_cast<std::chrono::nanoseconds>(share)});
        e.repeat(r);
        operations += r.operations();
        rounds += r.rounds();
        overlaps += r.overlaps();
        if (const std::string failure = r.failure(); !failure.empty()) {
            if (is_planted(e)) {
                std::printf("%-24s %-16s %10llu rounds, then found: %s\n", e.scenario.c_str(), e.implementation.c_str(),
                            static_cast<unsigned long long>(rounds), failure.c_str());
                return true;
            }
            std::printf("FAILED %s on %s: %s\n  again: --seed %llu --threads %u --only %s/%s\n", e.scenario.c_str(),
                        e.implementation.c_str(), failure.c_str(), static_cast<unsigned long long>(o.seed), threads,
                        e.implementation.c_str(), e.scenario.c_str());
            return false;
        }
    }
    if (is_planted(e)) {
        std::printf("FAILED %s: the planted leak was not found in %llu rounds\n", e.scenario.c_str(),
                    static_cast<unsigned long long>(rounds));
        return false;
    }
    std::printf("%-24s %-16s %10llu rounds %14llu operations %8.2f s", e.scenario.c_str(), e.implementation.c_str(),
                static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(operations), seconds);
    if (e.what == kind::crowd) {
        std::printf("\n");
        return true;
    }
    const double of_each = operations == 0 ? 0 : static_cast<double>(overlaps) / static_cast<double>(operations);
    std::printf(" %6.2f overlaps an operation\n", of_each);
    if (of_each >= fewest_overlaps) return true;
    std::printf("FAILED %s on %s: at least %.2f overlaps an operation are needed; has each of two threads a core?\n",
                e.scenario.c_str(), e.implementation.c_str(), fewest_overlaps);
    return false;
}

std::vector<entry> all_entries() {
    std::vector<entry> all;
    add_scenarios(all);
    add_waiting_scenarios(all);
#if defined(BULWARK_STRESS_WITH_ASIO)
    add_asio_scenarios(all);
#endif
    add_timeout_scenarios(all);
    add_rate_scenarios(all);
    add_watched_scenarios(all);
    add_planted(all);
    add_planted_waiting(all);
    add_planted_rate(all);
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    bulwark::checks::command_line line(
        "bulwark-stress", "Hammers bulwark's breakers and bulkheads, lock-free and mutex, and checks what must hold.");
    return line.run([&] {
        options o;
        line.seconds(o.seconds, "time for the whole run");
        line.seed(o.seed);
        line.options.add_option("--threads", o.threads, "threads (default: 2, 4, 8 and 16 in turn; rounds have 2)")
            ->check(CLI::Range(2, 64));
        line.parse(argc, argv);
        std::vector<entry> chosen = all_entries();
        line.choose(chosen, [](const entry& e) { return e.implementation + '/' + e.scenario; });

        std::printf("seed %llu\n", static_cast<unsigned long long>(o.seed));
        bulwark::checks::score score;
        for (const entry& e : chosen) score.add(hammer(e, o, o.seconds / static_cast<double>(chosen.size())));
        return score.close();
    });
}
