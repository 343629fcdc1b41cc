// The breaker's scenarios: small enough to be explored to the end, and each about one race. Two threads are explored
// without bounds but in lagging-initiator; three with two preemptions and one lag (search.hpp), or without bounds where
// no thread helps another.
//
// With cells, the words that the owner of a cell stores plainly are (cells.hpp): requests_, successes_, row_ and
// window_ in enter(), requests_ in count_request(), successes_ and row_ in count_success(). A plain store goes to the
// end of the modification order (memory.hpp). That loses nothing here, because each of these words has one writer, so
// that its modification order is a program order; but it is an argument and no proof, and model/ has the cells as well.
// Looks of the threads are blurred (scenario.hpp), those after them are exact.
//
// Time stands still while the threads run, but in helpers-clock: an operation that has read the clock and is then
// delayed acts as of its reading, which the specification, run one operation at a time, cannot do.
#pragma once

#include <explore/scenario.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace explore {

/// Closed, one endless window, trips at a failure once `n` calls have ended; open for a second, unless told otherwise.
inline bulwark::lin::breaker_rules trips_at(std::uint32_t n) {
    using namespace std::chrono_literals;
    return {.timeout = 1s, .trips = {.in_a_row = 0, .percent = 1, .at_least = n}};
}

/// The same, where the next call after the trip is a probe; `probes` may be under way.
inline bulwark::lin::breaker_rules probes_at_once(std::uint32_t probes) {
    return {.max_requests = probes, .trips = {.in_a_row = 1}};
}

inline std::vector<breaker_scenario> breaker_scenarios() {
    using namespace std::chrono_literals;
    const auto window = [](std::uint32_t n) {
        bulwark::lin::breaker_rules c = trips_at(n);
        c.interval = 10ns;
        return c;
    };
    const auto impatient = [](std::uint32_t probes) {
        bulwark::lin::breaker_rules c = probes_at_once(probes);
        c.probe_timeout = 5ns;
        return c;
    };
    const auto in_a_row = [](std::uint32_t n) {
        bulwark::lin::breaker_rules c = trips_at(n);
        c.trips = {.in_a_row = n};
        return c;
    };
    const auto slow = [](bulwark::lin::breaker_rules c) {
        c.timeout = 20ns;
        return c;
    };
    const auto thin = [](breaker_scenario s) {
        s.layout = widths::thin;
        return s;
    };
    const auto bounded = [](breaker_scenario s, unsigned preemptions) {
        s.preemptions = preemptions;
        s.lags = 1;
        return s;
    };
    const auto reduced = [](breaker_scenario s) {
        s.reduce = true;
        return s;
    };
    const auto celled = [](breaker_scenario s, std::uint32_t cells) {
        s.layout = widths::shipped;
        s.cells = cells;
        return s;
    };
    const auto in_time = [](breaker_scenario s) {
        s.time_moves = true;
        return s;
    };
    return {
        {"threshold", trips_at(2), "a0 a1 | f0 l, f1 l | l a5"},
        {"trip-admission", trips_at(1), "a0 | f0 l, a1 s1 l | l"},
        {"trip-then-look", trips_at(1), "a0 | f0 l a2, l a1 | l"},
        {"probe-race", probes_at_once(1), "a0 f0 | a1 l, a2 l | s1 s2 l"},
        {"probe-limit", probes_at_once(2), "a0 f0 a1 | a2 s2, a3 i3 | l a4 a5"},
        {"probe-verdicts", probes_at_once(2), "a0 f0 a1 a2 | s1 l, f2 a3 | l"},
        {"two-successes", probes_at_once(2), "a0 f0 a1 a2 | s1 l, s2 l | l"},
        {"stale", probes_at_once(1), "a0 a1 | f0 a2, f1 | l s2 l"},
        {"stale-probe", probes_at_once(2), "a0 f0 a1 a2 | f1 a3, s2 | l f3 l"},
        {"roll-report", window(2), "a0 a1 f0 +10 | f1 l, a2 f2 | l"},
        {"roll-roll", window(2), "a0 +10 | a1 s0, a2 l | l"},
        {"renew-late", impatient(1), "a0 f0 a1 +5 | s1 l, a2 s2 | l"},
        {"observer", probes_at_once(1), "a0 | f0 a1, l l | l"},
        thin({"carry-admissions", trips_at(3), "a0 | a1 s1, a2 l | l"}),
        thin({"carry-trip", trips_at(3), "a0 a1 a2 f2 | f0 l, f1 | l"}),
        thin({"carry-mixed", trips_at(4), "a0 a1 a2 f2 | f0 a3, s1 l | l"}),
        thin({"carry-row", in_a_row(3), "a0 a1 a2 f2 | f0 l, s1 | l"}),
        thin({"carry-ignored", probes_at_once(2), "a0 f0 a1 a2 | i1 a3, i2 a4 s4 | l"}),
        thin({"carry-roll", window(3), "a0 a1 a2 +10 | f0, f1 l | l"}),
        thin({"carry-observer", trips_at(9), "a0 | a1 s1, l l | l"}),
        bounded({"lagging-initiator", probes_at_once(1), "a0 | f0 l, a1 s1 | l"}, 3),
        in_time({"helpers-clock", slow(trips_at(1)), "a0 | +7 f0, l a1 | l"}),
        reduced({"3-threshold", trips_at(3), "a0 a1 a2 | f0, f1, f2 l | l"}),
        bounded({"3-probe-race", probes_at_once(2), "a0 f0 | a1, a2, a3 | l"}, 2),
        reduced({"3-place", probes_at_once(1), "a0 f0 a1 | i1, a2, a3 l | l"}),
        bounded({"3-renew", impatient(1), "a0 f0 a1 +5 | f1, a2, a3 l | l"}, 2),
        bounded({"3-roll", window(2), "a0 a1 a2 f0 +10 | f1, f2, a3 l | l"}, 2),
        bounded(thin({"3-carry", trips_at(3), "a0 a1 a2 | f0 l, f1, f2 | l"}), 2),
        bounded({"3-mixed", probes_at_once(1), "a0 a1 a2 | f0 a3, f1, s2 | l"}, 2),
        celled({"cells-trip", in_a_row(1), "a0 a1 | s0 l, f1 | l a2"}, 2),
        celled({"cells-own-failure", in_a_row(2), "| a0 f0, l l | l"}, 2),
        celled({"cells-row", in_a_row(3), "a0 a1 a2 a3 f0 | s1 s3 l, f2 l | l"}, 2),
        bounded(celled({"cells-anew", probes_at_once(1), "a0 s0 a1 s1 a2 | f2 a3 s3 a4, l | l"}, 2), 2),
        celled({"cells-first", in_a_row(9), "| a0 s0, a1 s1 | l"}, 2),
        celled({"cells-met", in_a_row(9), "a0 a1 | s0 m, m f1 l | l"}, 2),
        celled({"cells-one", in_a_row(3), "a0 a1 a2 | s0 a3, s1 f2 l | l"}, 1),
        bounded(celled({"3-cells-shared", in_a_row(9), "a0 | l, a1 s0, a2 s2 | l"}, 1), 2),
        bounded(celled({"3-cells-shared-anew", probes_at_once(1), "a0 a1 | f0, a2 s2 a3 s3, s1 | l"}, 1), 1),
        bounded(celled({"3-cells-hands", in_a_row(9), "a0 | a1 m, m s1 l, l | l"}, 3), 2),
    };
}

}  // namespace explore
