// The situations of breaker_scenario.hpp. With three threads each has one more contender than with two.
//
// Time moves in a thread only where nothing but the time of a move depends on it: an operation decides on the clock
// that it has read, and time that passes in the middle of it is no defect (docs/design.md).
#include "breaker_scenario.hpp"

#include <bulwark/trip_policy.hpp>

#include <cstdint>

namespace bulwark::model {
namespace {

using namespace std::chrono_literals;
constexpr auto never = std::chrono::nanoseconds::max();

std::function<bool(const breaker_counts&)> failures(std::uint32_t n) {
    return [n](const breaker_counts& c) { return c.total_failures >= n; };
}

/// Trips at the n-th failure and stays open.
circuit_breaker_config trips_for_good(std::uint32_t n) {
    return {.interval = 0ns, .timeout = never, .probe_timeout = 0ns, .ready_to_trip = failures(n)};
}

/// Trips at the first failure, and the next caller is a probe.
circuit_breaker_config probes_at_once(std::uint32_t probes) {
    return {
        .max_requests = probes, .interval = 0ns, .timeout = 0ns, .probe_timeout = 0ns, .ready_to_trip = failures(1)};
}

/// The same, with a timeout: an open breaker stays open while the threads run.
circuit_breaker_config probes_later(std::uint32_t probes) {
    circuit_breaker_config config = probes_at_once(probes);
    config.timeout = 10ns;
    return config;
}

scenario with(scenario s, unsigned threads) {
    s.threads.resize(threads);
    s.config.cells = 0;
    return s;
}

}  // namespace

std::vector<std::vector<step>> sequences(const scenario& s) {
    std::vector<std::vector<step>> all{s.before};
    all.insert(all.end(), s.threads.begin(), s.threads.end());
    all.push_back(s.after);
    return all;
}

scenario threshold(unsigned threads) {
    scenario s{
        .name = "failures reach the threshold",
        .config = trips_for_good(threads),
        .before = {admit(0), admit(1), admit(2)},
        .threads = {{fail(0), look()}, {fail(1), look()}, {fail(2)}},
        .promise = [](const summary& end) { return end.last.state == breaker_state::open && end.transitions == 1; }};
    return with(s, threads);
}

scenario trip_against_admission(unsigned threads) {
    return with(
        {.name = "trip against admission",
         .config = trips_for_good(1),
         .before = {admit(0)},
         .threads = {{fail(0), look()}, {admit(1), succeed(1)}, {admit(2), look()}},
         .promise = [](const summary& end) { return end.last.state == breaker_state::open && end.transitions == 1; }},
        threads);
}

scenario probe_race(unsigned threads) {
    return with({.name = "open to half-open, raced",
                 .config = probes_at_once(1),
                 .before = {admit(0), fail(0)},
                 .threads = {{admit(1), look()}, {admit(2)}, {admit(3)}},
                 .promise = [](const summary& end) { return end.admitted == 1 && end.transitions == 1; }},
                threads);
}

scenario probe_limit(unsigned threads) {
    return with({.name = "probe limit",
                 .config = probes_at_once(2),
                 .before = {admit(0), fail(0), admit(1)},
                 .threads = {{admit(2)}, {admit(3), look()}, {admit(4)}},
                 .promise = [](const summary& end) { return end.admitted == 1 && end.last.counts.requests == 2; }},
                threads);
}

scenario success_against_failure(unsigned threads) {
    return with({.name = "success and failure of probes",
                 .config = probes_later(threads),
                 .before = {admit(0), fail(0), wait(10), admit(1), admit(2), admit(3)},
                 .threads = {{succeed(1), look()}, {fail(2), admit(4)}, {succeed(3)}},
                 .promise =
                     [](const summary& end) {
                         return end.last.state == breaker_state::open && end.transitions == 1 && end.admitted == 0;
                     }},
                threads);
}

scenario successes_close(unsigned threads) {
    return with({.name = "successes of probes close",
                 .config = probes_later(threads),
                 .before = {admit(0), fail(0), wait(10), admit(1), admit(2), admit(3)},
                 .threads = {{succeed(1), look()}, {succeed(2)}, {succeed(3)}},
                 .promise =
                     [](const summary& end) {
                         return end.last.state == breaker_state::closed && end.transitions == 1 &&
                                end.last.counts == breaker_counts{};
                     }},
                threads);
}

scenario stale_result(unsigned threads) {
    return with({.name = "stale result, new generation",
                 .config = probes_at_once(1),
                 .before = {admit(0), admit(1), admit(2)},
                 .threads = {{fail(0), admit(3), succeed(3)}, {fail(1), look()}, {succeed(2)}}},
                threads);
}

scenario roll_against_report(unsigned threads) {
    return with({.name = "window roll against record",
                 .config = {.interval = 10ns, .timeout = never, .ready_to_trip = failures(2)},
                 .before = {admit(0), admit(1), admit(2), fail(0), wait(10)},
                 .threads = {{fail(1), look()}, {admit(3), fail(3)}, {succeed(2)}},
                 .promise =
                     [](const summary& end) {
                         return end.last.state == breaker_state::open && end.transitions == 1 && end.admitted <= 1;
                     }},
                threads);
}

scenario probe_timeout(unsigned threads) {
    circuit_breaker_config config = probes_at_once(1);
    config.probe_timeout = 5ns;
    return with({.name = "probe time-out, late result",
                 .config = config,
                 .before = {admit(0), fail(0), admit(1), wait(5)},
                 .threads = {{succeed(1), look()}, {admit(2), succeed(2)}, {admit(3)}}},
                threads);
}

scenario place_given_back(unsigned threads) {
    return with({.name = "place of a probe given back",
                 .config = probes_at_once(1),
                 .before = {admit(0), fail(0), admit(1)},
                 .threads = {{ignore(1)}, {admit(2), look()}, {admit(3)}},
                 .promise =
                     [](const summary& end) {
                         const breaker_counts& c = end.last.counts;
                         return end.admitted <= 1 && c.total_ignored == 1 &&
                                c.requests - c.total_ignored == end.admitted;
                     }},
                threads);
}

scenario carry(unsigned threads) {
    return with(
        {.name = "full tallies are carried",
         .config = trips_for_good(threads),
         .before = {admit(0), admit(1), admit(2)},
         .threads = {{fail(0), admit(3)}, {fail(1), look()}, {fail(2)}},
         .promise = [](const summary& end) { return end.last.state == breaker_state::open && end.transitions == 1; }},
        threads);
}

scenario own_transition(unsigned threads) {
    // Thread 0 trips and stalls while it writes the record. Thread 1 helps, and goes on through a probe and its
    // success. Thread 0 then finds a later record in its way, and must not look at its own frozen head again.
    return with(
        {.name = "a transition seen by its maker",
         .config = probes_at_once(1),
         .before = {admit(0)},
         .threads = {{fail(0), look()}, {admit(1), succeed(1), admit(2), fail(2), admit(3)}, {admit(4), fail(4)}}},
        threads);
}

scenario late_helper(unsigned threads) {
    // Thread 0 comes once, perhaps to a move that is under way, and has seen nothing of the moves before it.
    return with({.name = "a helper comes late",
                 .config = probes_at_once(1),
                 .before = {admit(0)},
                 .threads = {{admit(3)}, {fail(0), admit(1), fail(1), admit(2)}, {admit(4), look()}}},
                threads);
}

scenario agreed_time(unsigned threads) {
    // The halves of the time differ between the readings of thread 0 and of its helpers.
    circuit_breaker_config config = trips_for_good(1);
    config.timeout = 100ns;
    return with({.name = "helpers agree on the time",
                 .config = config,
                 .before = {admit(0)},
                 .threads = {{fail(0), look()}, {wait(1), wait(1), wait(1)}, {admit(1), look()}},
                 .begins_at = std::chrono::nanoseconds((std::int64_t{7} << 32) - 2)},
                threads);
}

scenario time_of_a_trip() {
    // Thread 1 may finish the move of thread 0, and must then have read a clock that is not before the failure.
    circuit_breaker_config config = trips_for_good(1);
    config.timeout = 100ns;
    return with({.name = "a helper's clock",
                 .config = config,
                 .before = {admit(0)},
                 .threads = {{wait(5), fail(0)}, {admit(1)}},
                 .promise = [](const summary& end) { return end.last.retry_after == 100ns; }},
                2);
}

scenario reset_against_trip(unsigned threads) {
    return with({.name = "reset against a trip",
                 .config = trips_for_good(1),
                 .before = {admit(0)},
                 .threads = {{fail(0), look()}, {reset(), look()}, {admit(1)}},
                 .promise =
                     [](const summary& end) {
                         return end.last.state == breaker_state::closed && end.last.generation == end.transitions + 1;
                     }},
                threads);
}

scenario force_against_verdict(unsigned threads) {
    return with({.name = "forced open against the success of a probe",
                 .config = probes_later(1),
                 .before = {admit(0), fail(0), wait(10), admit(1)},
                 .threads = {{succeed(1), look()}, {force(), look()}, {admit(2)}},
                 .promise =
                     [](const summary& end) {
                         return end.last.state == breaker_state::open && end.last.manual &&
                                end.last.retry_after == never;
                     }},
                threads);
}

scenario disable_against_count(unsigned threads) {
    return with({.name = "disabled against counts",
                 .config = trips_for_good(1),
                 .before = {admit(0), admit(1)},
                 .threads = {{succeed(0), look()}, {disable(), admit(3), fail(3)}, {fail(1), look()}},
                 .promise =
                     [](const summary& end) {
                         return end.last.state == breaker_state::closed && end.last.manual &&
                                end.last.counts == breaker_counts{};
                     }},
                threads);
}

scenario trip_against_close(unsigned threads) {
    return with({.name = "tripped against the last success",
                 .config = probes_later(1),
                 .before = {admit(0), fail(0), wait(10), admit(1)},
                 .threads = {{succeed(1), look()}, {trip()}, {admit(2), look()}},
                 .promise = [](const summary& end) { return end.last.retry_after == 10ns; }},
                threads);
}

// Of a hint it does not matter when it comes, as long as it comes before the first probe.

scenario hint_against_opening(unsigned threads) {
    circuit_breaker_config config = probes_later(1);
    config.max_hint = 1us;
    return with({.name = "hint against the opening",
                 .config = config,
                 .before = {admit(0)},
                 .threads = {{fail(0), look()}, {hold(1), look()}, {admit(1)}},
                 .promise = [](const summary& end) { return end.last.retry_after == 256ns; }},
                threads);
}

scenario hint_against_probe(unsigned threads) {
    circuit_breaker_config config = probes_later(1);
    config.timeout = 256ns;
    config.max_hint = 1us;
    return with({.name = "hint against the first probe",
                 .config = config,
                 .before = {admit(0), fail(0), wait(256)},
                 .threads = {{admit(1), look()}, {hold(2), look()}, {look(), look()}},
                 .after = {fail(1), look()},
                 .promise = [](const summary& end) { return end.last.retry_after == 512ns; }},
                threads);
}

scenario hint_after_reset(unsigned threads) {
    circuit_breaker_config config = probes_later(1);
    config.max_hint = 1us;
    return with({.name = "hints before and after a reset",
                 .config = config,
                 .before = {admit(0), fail(0)},
                 .threads = {{reset(), hold(2)}, {hold(1)}, {admit(2), look()}},
                 .after = {admit(1), fail(1), look()},
                 .promise = [](const summary& end) { return end.last.retry_after == 512ns; }},
                threads);
}

scenario two_hints(unsigned threads) {
    circuit_breaker_config config = probes_later(1);
    config.max_hint = 1us;
    return with({.name = "two hints, the later one counts",
                 .config = config,
                 .before = {admit(0), admit(1)},
                 .threads = {{hold(2), look()}, {hold(1), fail(0)}, {fail(1), look()}},
                 .promise = [](const summary& end) { return end.last.retry_after == 512ns; }},
                threads);
}

}  // namespace bulwark::model
