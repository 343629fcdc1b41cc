// The breaker's scenarios: small enough to be explored to the end, and each about one race. Two threads are explored
// without bounds but in lagging-initiator; three with two preemptions and one lag (search.hpp), or without bounds where
// no thread helps another.
//
// Time stands still while the threads run, but in helpers-clock: an operation that has read the clock and is then
// delayed acts as of its reading, which the specification, run one operation at a time, cannot do.
#pragma once

#include <explore/scenario.hpp>

#include <bulwark/trip_policy.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace explore {

inline std::function<bool(const bulwark::breaker_counts&)> failures(std::uint32_t n) {
    return [n](const bulwark::breaker_counts& counts) { return counts.total_failures >= n; };
}

/// Closed, one endless window, trips at `n` failures; open for a second, unless told otherwise.
inline bulwark::circuit_breaker_config trips_at(std::uint32_t n) {
    using namespace std::chrono_literals;
    return {.interval = 0ns, .timeout = 1s, .probe_timeout = 0ns, .ready_to_trip = failures(n)};
}

/// The same, where the next call after the trip is a probe; `probes` may be under way.
inline bulwark::circuit_breaker_config probes_at_once(std::uint32_t probes) {
    using namespace std::chrono_literals;
    return {
        .max_requests = probes, .interval = 0ns, .timeout = 0ns, .probe_timeout = 0ns, .ready_to_trip = failures(1)};
}

inline std::vector<breaker_scenario> breaker_scenarios() {
    using namespace std::chrono_literals;
    const auto thin = widths::thin;
    const auto two = widths::two;
    const operations opened{admit(0), fail(0)};
    const operations probing{admit(0), fail(0), admit(1)};
    const operations probing_twice{admit(0), fail(0), admit(1), admit(2)};
    const auto window = [](std::uint32_t n) {
        bulwark::circuit_breaker_config c = trips_at(n);
        c.interval = 10ns;
        return c;
    };
    const auto impatient = [](std::uint32_t probes) {
        bulwark::circuit_breaker_config c = probes_at_once(probes);
        c.probe_timeout = 5ns;
        return c;
    };
    const auto in_a_row = [](std::uint32_t n) {
        bulwark::circuit_breaker_config c = trips_at(n);
        c.ready_to_trip = bulwark::consecutive_failures(n);
        return c;
    };
    const auto slow = [](bulwark::circuit_breaker_config c) {
        c.timeout = 20ns;
        return c;
    };
    return {
        {.name = "threshold",
         .layout = two,
         .config = trips_at(2),
         .before = {admit(0), admit(1)},
         .threads = {{fail(0), look()}, {fail(1), look()}},
         .after = {look(), admit(5)}},
        {.name = "trip-admission",
         .layout = two,
         .config = trips_at(1),
         .before = {admit(0)},
         .threads = {{fail(0), look()}, {admit(1), succeed(1), look()}},
         .after = {look()}},
        {.name = "trip-then-look",
         .layout = two,
         .config = trips_at(1),
         .before = {admit(0)},
         .threads = {{fail(0), look(), admit(2)}, {look(), admit(1)}},
         .after = {look()}},
        {.name = "probe-race",
         .layout = two,
         .config = probes_at_once(1),
         .before = opened,
         .threads = {{admit(1), look()}, {admit(2), look()}},
         .after = {succeed(1), succeed(2), look()}},
        {.name = "probe-limit",
         .layout = two,
         .config = probes_at_once(2),
         .before = probing,
         .threads = {{admit(2), succeed(2)}, {admit(3), ignore(3)}},
         .after = {look(), admit(4), admit(5)}},
        {.name = "probe-verdicts",
         .layout = two,
         .config = probes_at_once(2),
         .before = probing_twice,
         .threads = {{succeed(1), look()}, {fail(2), admit(3)}},
         .after = {look()}},
        {.name = "two-successes",
         .layout = two,
         .config = probes_at_once(2),
         .before = probing_twice,
         .threads = {{succeed(1), look()}, {succeed(2), look()}},
         .after = {look()}},
        {.name = "stale",
         .layout = two,
         .config = probes_at_once(1),
         .before = {admit(0), admit(1)},
         .threads = {{fail(0), admit(2)}, {fail(1)}},
         .after = {look(), succeed(2), look()}},
        {.name = "stale-probe",
         .layout = two,
         .config = probes_at_once(2),
         .before = probing_twice,
         .threads = {{fail(1), admit(3)}, {succeed(2)}},
         .after = {look(), fail(3), look()}},
        {.name = "roll-report",
         .layout = two,
         .config = window(2),
         .before = {admit(0), admit(1), fail(0), advance(10ns)},
         .threads = {{fail(1), look()}, {admit(2), fail(2)}},
         .after = {look()}},
        {.name = "roll-roll",
         .layout = two,
         .config = window(2),
         .before = {admit(0), advance(10ns)},
         .threads = {{admit(1), succeed(0)}, {admit(2), look()}},
         .after = {look()}},
        {.name = "renew-late",
         .layout = two,
         .config = impatient(1),
         .before = {admit(0), fail(0), admit(1), advance(5ns)},
         .threads = {{succeed(1), look()}, {admit(2), succeed(2)}},
         .after = {look()}},
        {.name = "observer",
         .layout = two,
         .config = probes_at_once(1),
         .before = {admit(0)},
         .threads = {{fail(0), admit(1)}, {look(), look()}},
         .after = {look()}},
        {.name = "carry-admissions",
         .layout = thin,
         .config = trips_at(3),
         .before = {admit(0)},
         .threads = {{admit(1), succeed(1)}, {admit(2), look()}},
         .after = {look()}},
        {.name = "carry-trip",
         .layout = thin,
         .config = trips_at(3),
         .before = {admit(0), admit(1), admit(2), fail(2)},
         .threads = {{fail(0), look()}, {fail(1)}},
         .after = {look()}},
        {.name = "carry-mixed",
         .layout = thin,
         .config = trips_at(4),
         .before = {admit(0), admit(1), admit(2), fail(2)},
         .threads = {{fail(0), admit(3)}, {succeed(1), look()}},
         .after = {look()}},
        {.name = "carry-row",
         .layout = thin,
         .config = in_a_row(3),
         .before = {admit(0), admit(1), admit(2), fail(2)},
         .threads = {{fail(0), look()}, {succeed(1)}},
         .after = {look()}},
        {.name = "carry-ignored",
         .layout = thin,
         .config = probes_at_once(2),
         .before = probing_twice,
         .threads = {{ignore(1), admit(3)}, {ignore(2), admit(4), succeed(4)}},
         .after = {look()}},
        {.name = "carry-roll",
         .layout = thin,
         .config = window(3),
         .before = {admit(0), admit(1), admit(2), advance(10ns)},
         .threads = {{fail(0)}, {fail(1), look()}},
         .after = {look()}},
        {.name = "carry-observer",
         .layout = thin,
         .config = trips_at(9),
         .before = {admit(0)},
         .threads = {{admit(1), succeed(1)}, {look(), look()}},
         .after = {look()}},
        {.name = "lagging-initiator",
         .layout = two,
         .config = probes_at_once(1),
         .before = {admit(0)},
         .threads = {{fail(0), look()}, {admit(1), succeed(1)}},
         .after = {look()},
         .preemptions = 3,
         .lags = 1},
        {.name = "helpers-clock",
         .layout = two,
         .config = slow(trips_at(1)),
         .before = {admit(0)},
         .threads = {{advance(7ns), fail(0)}, {look(), admit(1)}},
         .after = {look()},
         .time_moves = true},
        {.name = "3-threshold",
         .layout = two,
         .config = trips_at(3),
         .before = {admit(0), admit(1), admit(2)},
         .threads = {{fail(0)}, {fail(1)}, {fail(2), look()}},
         .after = {look()},
         .reduce = true},
        {.name = "3-probe-race",
         .layout = two,
         .config = probes_at_once(2),
         .before = opened,
         .threads = {{admit(1)}, {admit(2)}, {admit(3)}},
         .after = {look()},
         .preemptions = 2,
         .lags = 1},
        {.name = "3-place",
         .layout = two,
         .config = probes_at_once(1),
         .before = probing,
         .threads = {{ignore(1)}, {admit(2)}, {admit(3), look()}},
         .after = {look()},
         .reduce = true},
        {.name = "3-renew",
         .layout = two,
         .config = impatient(1),
         .before = {admit(0), fail(0), admit(1), advance(5ns)},
         .threads = {{fail(1)}, {admit(2)}, {admit(3), look()}},
         .after = {look()},
         .preemptions = 2,
         .lags = 1},
        {.name = "3-roll",
         .layout = two,
         .config = window(2),
         .before = {admit(0), admit(1), admit(2), fail(0), advance(10ns)},
         .threads = {{fail(1)}, {fail(2)}, {admit(3), look()}},
         .after = {look()},
         .preemptions = 2,
         .lags = 1},
        {.name = "3-carry",
         .layout = thin,
         .config = trips_at(3),
         .before = {admit(0), admit(1), admit(2)},
         .threads = {{fail(0), look()}, {fail(1)}, {fail(2)}},
         .after = {look()},
         .preemptions = 2,
         .lags = 1},
        {.name = "3-mixed",
         .layout = two,
         .config = probes_at_once(1),
         .before = {admit(0), admit(1), admit(2)},
         .threads = {{fail(0), admit(3)}, {fail(1)}, {succeed(2)}},
         .after = {look()},
         .preemptions = 2,
         .lags = 1},
    };
}

}  // namespace explore
