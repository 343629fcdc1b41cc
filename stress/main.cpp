// bulwark-stress: hammers the lock-free types and the mutex reference with many threads and checks, while they run and
// after, what must hold whatever the interleaving. Ends with a table of what was done; a failure names its seed.
// Planted leaks are run as well: they pass when they are found.
#include "breaker_scenarios.hpp"
#include "bulkhead_scenarios.hpp"
#include "call_rounds.hpp"
#include "compartment_scenarios.hpp"
#include "count_scenarios.hpp"
#include "place_rounds.hpp"
#include "planted.hpp"
#include "planted_waiting.hpp"
#include "waiting_rounds.hpp"
#include "waiting_scenarios.hpp"

#include <checks/command_line.hpp>
#include <checks/thread_sanitizer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace bulwark::stress;

enum class kind : std::uint8_t {
    crowd,          ///< many threads, each as fast as it can
    rounds,         ///< two threads, one operation each at a time: they must overlap
    planted_leak,   ///< two threads, and something must be found wrong
    planted_crowd,  ///< likewise, of many threads
};

struct entry {
    std::string scenario;
    std::string implementation;
    kind what;
    std::function<void(run&)> repeat;
};

template <class Impl>
void add(std::vector<entry>& all) {
    const auto one = [&](const char* scenario, std::function<void(run&)> repeat) {
        all.push_back({scenario, Impl::name, kind::crowd, std::move(repeat)});
    };
    one("trip-at-the-threshold", &repeat<trip_at_the_threshold<Impl>>);
    one("probe-limit", &repeat<probe_limit<Impl>>);
    one("stale-results", &repeat<stale_results<Impl>>);
    one("hung-probes", &repeat<hung_probes<Impl>>);
    one("counts-add-up", &repeat<counts_add_up<Impl>>);
    one("everything-at-once", &repeat<everything_at_once<Impl>>);
    one("thread-churn", &repeat<thread_churn<Impl>>);
    one("handed-on", &repeat<permits_handed_on<Impl>>);
    one("many-breakers", &repeat<many_breakers<Impl>>);
    one("quiet-moments", &repeat<exact_in_quiet_moments<Impl>>);
    one("permits-are-conserved", &repeat<permits_are_conserved<Impl>>);
    one("refused-only-when-full", &repeat<refused_only_when_full<Impl>>);
    const auto rounds = [&](const char* scenario, std::function<void(run&)> play) {
        all.push_back({scenario, Impl::name, kind::rounds, std::move(play)});
    };
    rounds("call-rounds", &play_rounds<calls_are_counted<Impl>>);
    rounds("probe-rounds", &play_rounds<places_come_back<probe_places<Impl>>>);
    rounds("permit-rounds", &play_rounds<places_come_back<bulkhead_places<Impl>>>);
}

template <class Impl>
void add_waiting(std::vector<entry>& all) {
    const auto one = [&](const char* scenario, std::function<void(run&)> repeat) {
        all.push_back({scenario, Impl::name, kind::crowd, std::move(repeat)});
    };
    one("waiters-conserve", &repeat<waiters_conserve_permits<Impl>>);
    one("waiters-are-woken", &repeat<waiters_are_woken<Impl>>);
    one("waiters-in-order", &repeat<waiters_are_in_order<Impl>>);
    one("large-not-starved", &repeat<large_request_is_not_starved<Impl>>);
    all.push_back({"wait-rounds", Impl::name, kind::rounds, &play_rounds<waiter_meets_its_end<Impl>>});
}

void add_planted(std::vector<entry>& all) {
    all.push_back({"probe-leak", planted::probe_leak::name, kind::planted_leak,
                   &play_rounds<places_come_back<probe_places<planted::probe_leak>>>});
    all.push_back({"permit-leak", planted::permit_leak::name, kind::planted_leak,
                   &play_rounds<places_come_back<bulkhead_places<planted::permit_leak>>>});
    using planted::defect;
    const auto crowd = [&](const char* scenario, std::function<void(run&)> play) {
        all.push_back({scenario, "planted", kind::planted_crowd, std::move(play)});
    };
    crowd("waiter-keeps-permit", &repeat<waiters_conserve_permits<planted::waiting<defect::keeps_permit>>>);
    crowd("lost-wake-up", &repeat<waiters_are_woken<planted::waiting<defect::looks_too_soon>>>);
    crowd("newcomer-slips-in", &repeat<waiters_are_in_order<planted::waiting<defect::lets_newcomers>>>);
    crowd("small-ones-first", &repeat<large_request_is_not_starved<planted::waiting<defect::small_first>>>);
    all.push_back({"race-for-the-queue", "planted", kind::planted_leak,
                   &play_rounds<waiter_meets_its_end<planted::waiting<defect::looks_too_soon>>>});
    // ThreadSanitizer sees a race there, as it must: see canary.cpp.
    if (bulwark::checks::under_thread_sanitizer) return;
    all.push_back({"shared-slot", planted::shared_slot::name, kind::planted_leak,
                   &play_rounds<calls_are_counted<planted::shared_slot>>});
}

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
constexpr double time_to_find = 5;

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
    add<lock_free>(all);
    add<lock_free_thin>(all);
    add<lock_free_two_cells>(all);
    add<lock_free_compact>(all);
    add<lock_free_compact_thin>(all);
    add<mutex_reference>(all);
    add_waiting<lock_free>(all);
    add_waiting<lock_free_two_cells>(all);
    add_waiting<lock_free_compact>(all);
    add_waiting<lock_free_bytes>(all);
    add_waiting<mutex_reference>(all);
    add_waiting<mutex_reference_bytes>(all);
    add_compartments(all, kind::crowd, kind::rounds);
    add_planted(all);
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
