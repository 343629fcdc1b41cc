// bulwark-lin: records histories of real threads on breakers and bulkheads and checks each against the sequential
// specification: the breaker with cells against celled_breaker_spec.hpp, all else against the exact ones. Ends with a
// table of what was done and what it cost; a refused history is printed with its seed. Planted defects are run as well:
// they pass when they are found.
#include "../stress/implementations.hpp"
#include "../stress/planted_waiting.hpp"
#include "../stress/run.hpp"
#include "breaker_target.hpp"
#include "bulkhead_target.hpp"
#include "dawdling.hpp"
#include "planted.hpp"
#include "planted_cells.hpp"
#include "recorder.hpp"

#include <checks/command_line.hpp>
#include <checks/thread_sanitizer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace bulwark::lin;
using bulwark::manual_clock;
namespace stress = bulwark::stress;

struct subject {
    std::string name;
    bool sound;  ///< or planted: then a history must be refused
    std::function<tally(stress::run&)> record;
};

template <class Target>
subject one(const std::string& name, bool sound) {
    return {name, sound, [](stress::run& r) { return recorder<Target>(r).record(); }};
}

template <class Breaker>
subject exact_breaker(const std::string& name, bool sound = true) {
    return one<breaker_target<Breaker, breaker_spec>>(name, sound);
}

template <class Breaker>
subject celled_breaker(const std::string& name, bool sound = true) {
    return one<breaker_target<Breaker, celled_breaker_spec>>(name, sound);
}

template <class Bulkhead, bulkhead_calls Calls = bulkhead_calls{}>
subject bulkhead(const std::string& name, bool sound = true) {
    return one<bulkhead_target<Bulkhead, Calls>>(name, sound);
}

constexpr bulkhead_calls single_calls{.figures = false, .weights = false};
constexpr bulkhead_calls single_calls_and_figures{.weights = false};
constexpr bulkhead_calls all_but_resizing{.waits = true};
constexpr bulkhead_calls all_but_figures{.figures = false, .waits = true, .resizes = true};
constexpr bulkhead_calls every_call{.waits = true, .resizes = true};

using stress::planted::defect;
template <defect Defect>
using waiting_with = stress::planted::waiting_bulkhead<Defect>;

std::vector<subject> all_subjects() {
    using clock = manual_clock;
    using stress::breaker_with_cells;
    std::vector<subject> all{
        celled_breaker<stress::lock_free::breaker<clock>>("breaker/lock-free"),
        celled_breaker<stress::lock_free_thin::breaker<clock>>("breaker/lock-free-thin"),
        celled_breaker<breaker_with_cells<32, clock, dawdling_traits>>("breaker/lock-free-dawdling"),
        celled_breaker<breaker_with_cells<1, clock, dawdling_traits>>("breaker/one-cell-dawdling"),
        exact_breaker<stress::lock_free_compact::breaker<clock>>("breaker/compact"),
        exact_breaker<stress::lock_free_compact_thin::breaker<clock>>("breaker/compact-thin"),
        exact_breaker<breaker_with_cells<0, clock, dawdling_traits>>("breaker/compact-dawdling"),
        exact_breaker<stress::mutex_reference::breaker<clock>>("breaker/reference"),
        bulkhead<stress::lock_free::bulkhead>("bulkhead/lock-free"),
        bulkhead<stress::striped_bulkhead<2>, bulkhead_calls{.figures = false}>("bulkhead/two-stripes"),
        bulkhead<stress::lock_free::bulkhead, all_but_resizing>("bulkhead/waiting"),
        bulkhead<stress::lock_free::bulkhead, all_but_figures>("bulkhead/resized"),
        bulkhead<stress::striped_bulkhead<2>, all_but_figures>("bulkhead/two-stripes-resized"),
        bulkhead<bulwark::memory_bulkhead, all_but_figures>("bulkhead/bytes"),
        bulkhead<stress::mutex_reference::bulkhead, every_call>("bulkhead/reference"),
        celled_breaker<planted::lost_update<clock>>("planted/lost-update", false),
        celled_breaker<planted::probe_leak<clock>>("planted/probe-leak", false),
        celled_breaker<planted::torn_snapshot<clock>>("planted/torn-snapshot", false),
        celled_breaker<planted::late_reset<clock>>("planted/late-reset", false),
        celled_breaker<planted::requests_first<clock>>("planted/requests-first", false),
        celled_breaker<planted::old_sum<clock>>("planted/old-sum", false),
        celled_breaker<planted::unchecked_ticket<clock>>("planted/unchecked-ticket", false),
        exact_breaker<planted::compact<planted::lost_update<clock>>>("planted/compact-lost-update", false),
        exact_breaker<planted::compact<planted::torn_snapshot<clock>>>("planted/compact-torn-snapshot", false),
        bulkhead<planted::hasty_refusal, single_calls>("planted/hasty-refusal", false),
        bulkhead<planted::over_admitting_bulkhead, single_calls_and_figures>("planted/over-admitting-bulkhead", false),
        bulkhead<waiting_with<defect::keeps_permit>, every_call>("planted/waiter-keeps-permit", false),
        bulkhead<waiting_with<defect::lets_newcomers>, every_call>("planted/newcomer-slips-in", false),
        bulkhead<waiting_with<defect::small_first>, every_call>("planted/small-ones-first", false),
    };
    // A data race as well, which the canary in stress/ is for.
    if (!bulwark::checks::under_thread_sanitizer) {
        all.push_back(celled_breaker<planted::shared_cell<clock>>("planted/shared-cell", false));
    }
    return all;
}

constexpr unsigned most_threads = 4;

struct options {
    double seconds = 30;
    unsigned threads = 0;
    std::uint64_t seed = 0;
    bool show_planted = false;
};

unsigned long long printable(std::uint64_t n) {
    return n;
}

double per(double amount, std::uint64_t n) {
    return n == 0 ? 0 : amount / static_cast<double>(n);
}

/// Fewer overlapping pairs an operation than this, and the histories were almost sequential: they prove nothing.
constexpr double fewest_overlaps = 0.2;

void print_heading() {
    std::printf("%-32s %9s %10s %7s %11s %9s %10s %11s %14s\n", "", "histories", "operations", "ops/his", "histories/s",
                "overlaps/", "by parts", "check, mean", "longest check");
}

void print_row(const subject& s, const tally& t) {
    const double seconds = std::chrono::duration<double>(t.recording_and_checking).count();
    const double checking = std::chrono::duration<double, std::micro>(t.checking).count();
    const double longest = std::chrono::duration<double, std::micro>(t.longest_check).count();
    std::printf("%-32s %9llu %10llu %7.1f %11.0f %9.2f %10llu %8.2f us %6.0f us, %llu steps\n", s.name.c_str(),
                printable(t.histories), printable(t.operations), per(static_cast<double>(t.operations), t.histories),
                static_cast<double>(t.histories) / seconds, per(static_cast<double>(t.overlaps), t.operations),
                printable(t.taken_apart), per(checking, t.histories), longest, printable(t.most_steps));
}

/// 2, 3 and 4 threads, as far as each can have a core: threads that take turns on one hardly ever overlap.
std::vector<unsigned> default_teams() {
    std::vector<unsigned> teams{2};
    while (teams.back() < most_threads && teams.back() < std::thread::hardware_concurrency()) {
        teams.push_back(teams.back() + 1);
    }
    return teams;
}

/// What is planted may take longer than its share: it stops where it is found.
constexpr double time_to_find = 5;

/// One subject for its share of the time.
bool examine(const subject& s, const options& o, double seconds, tally& sum) {
    const std::vector<unsigned> teams = o.threads != 0 ? std::vector{o.threads} : default_teams();
    if (!s.sound) seconds = std::max(seconds, time_to_find);
    tally t;
    for (const unsigned threads : teams) {
        const std::chrono::duration<double> share(seconds / static_cast<double>(teams.size()));
        stress::run r(
            {.threads = threads, .seed = o.seed, .time = std::chrono::duration_cast<std::chrono::nanoseconds>(share)});
        t += s.record(r);
        const std::string refused = r.failure();
        if (refused.empty()) continue;
        if (!s.sound) {
            std::printf("%-32s found after %llu histories, %llu operations\n", s.name.c_str(), printable(t.histories),
                        printable(t.operations));
            if (o.show_planted) std::printf("%s\n", refused.c_str());
            return true;
        }
        std::printf(
            "FAILED %s: %s\n  again (the threads' choices, not their timing): --seed %llu --threads %u --only %s\n",
            s.name.c_str(), refused.c_str(), printable(o.seed), threads, s.name.c_str());
        return false;
    }
    if (!s.sound) {
        std::printf("FAILED %s: not found in %llu histories\n", s.name.c_str(), printable(t.histories));
        return false;
    }
    print_row(s, t);
    sum += t;
    const double overlaps = per(static_cast<double>(t.overlaps), t.operations);
    if (overlaps >= fewest_overlaps) return true;
    std::printf("FAILED %s: %.2f overlapping pairs an operation, at least %.2f are needed\n", s.name.c_str(), overlaps,
                fewest_overlaps);
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    bulwark::checks::command_line line(
        "bulwark-lin", "Checks that bulwark's breakers and bulkheads are linearizable, on histories of real threads.");
    return line.run([&] {
        options o;
        line.seconds(o.seconds, "time for the whole run");
        line.seed(o.seed);
        line.options.add_option("--threads", o.threads, "threads (default: 2, 3 and 4 in turn, as there are cores)")
            ->check(CLI::Range(2U, most_threads));
        line.parse(argc, argv);
        std::vector<subject> subjects = all_subjects();
        line.choose(subjects, [](const subject& s) { return s.name; });
        o.show_planted = o.threads != 0 || line.has_only();

        std::printf("seed %llu\n", printable(o.seed));
        print_heading();
        bulwark::checks::score score;
        tally sum;
        for (const subject& s : subjects) {
            score.add(examine(s, o, o.seconds / static_cast<double>(subjects.size()), sum));
        }
        if (sum.histories != 0) print_row({"all that are sound", true, {}}, sum);
        return score.close();
    });
}
