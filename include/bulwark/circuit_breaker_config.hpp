// How a circuit breaker is set up, and what it refuses to be set up with.
#pragma once

#include <bulwark/backoff.hpp>
#include <bulwark/breaker_types.hpp>
#include <bulwark/sliding_window.hpp>
#include <bulwark/trip_policy.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>
#include <functional>

namespace bulwark::inline BULWARK_ABI {

/// Durations are in the time of the breaker's clock. They saturate: a sum past the range of the clock means never.
struct circuit_breaker_config {
    /// Half-open: how many probes are admitted, and how many successes in a row close the breaker. At least 1.
    std::uint32_t max_requests = 1;
    /// Closed: the window of the counts, [start, start + interval). 0 means one endless window.
    std::chrono::nanoseconds interval = std::chrono::seconds(10);
    /// Open: how long until the first probe. 0 means that the next caller is a probe.
    std::chrono::nanoseconds timeout = std::chrono::seconds(60);
    /// Half-open: how long probes may stay silent before the test begins anew. 0 means for ever.
    std::chrono::nanoseconds probe_timeout = std::chrono::seconds(60);
    /// Closed: asked after each failure, with counts that include it. It must be pure: it may be asked more than once
    /// for one failure, and from several threads at once. Where it throws, the failure is counted, the breaker does
    /// not trip on it, and the exception goes to the caller of failure() or execute(); where another exception is
    /// already under way (a function that threw, a permit destroyed by unwinding) it is dropped.
    std::function<bool(const breaker_counts&)> ready_to_trip = failure_ratio(0.5, 5);
    /// Told of every transition, once, after it, in the thread that made it, with nothing held: it may call the
    /// breaker. Two threads may be in it at once; the generation tells the order. What it throws is dropped.
    std::function<void(const transition&)> on_state_change = nullptr;
    /// Closed: false leaves calls that succeed uncounted, request and all, but for the few that end a row of failures
    /// or meet a change of window. For policies that look at failures only, such as consecutive_failures: a call that
    /// succeeds then writes nothing at all, and with an interval of 0 it reads no clock either. Not with a
    /// failure_ratio. (The mutex reference always counts.)
    bool count_successes = true;
    /// How many threads have a cell of their own, 64 bytes each, in which they count the calls that succeed without a
    /// locked instruction: the first so many that are alive. Threads beyond them have eight cells between them, and
    /// count by compare-and-swap. 0 makes the breaker compact: one word for everybody, 384 bytes in all. At most 1024.
    std::uint32_t cells = 32;

    // The open time. By default every opening lasts `timeout`.

    /// The n-th opening since the breaker was closed last takes timeout * timeout_multiplier^(n - 1), as backoff_delay
    /// computes it. At least 1.
    double timeout_multiplier = 1.0;
    /// No opening takes longer, but for hints. At least `timeout`; 0 means that there is no such bound.
    std::chrono::nanoseconds max_timeout = std::chrono::nanoseconds(0);
    /// Which part of that is left to chance, so that the breakers of many callers do not try the service all at once.
    jitter timeout_jitter = jitter::none;
    /// Chance is output number `generation` of the generator SplitMix64, begun with this number: so all threads take
    /// an opening for equally long. 0 stands for a number of the breaker's own, another each time.
    std::uint64_t seed = 0;
    /// How far ahead a hint of the service (permit::failure(retry_after), hold_off) may keep the breaker open; longer
    /// ones are cut to it. 0: hints are not heard.
    std::chrono::nanoseconds max_hint = std::chrono::nanoseconds(0);

    // A watched breaker: one for which any of the following is set. They cost a breaker that has none of them nothing.
    // A watched one counts a call when it ends, not when it begins (so counts().requests are those that ended), does
    // not count ignored calls, has no use for `cells` and `count_successes`, and starts each window when it says here.
    // An admission writes nothing, but for a ramp; an outcome costs two or three compare-and-swaps on lines that all
    // threads share. Outcomes in half-open, and the test itself, are as ever.

    /// Closed: which calls are counted, instead of those of `interval`: last_calls(n) or last_time(span, buckets).
    /// ready_to_trip is asked with their counts, and counts() reports them. A row of equal outcomes counts as far as it
    /// lies in the window. Of the two policies of the library it is known how many calls they need; last_calls() of
    /// fewer is refused.
    sliding_window window = {};
    /// A call is slow where it ends so long after its admission, or later: by the breaker's clock, a coarse one by
    /// default. 0: none is. Half-open: a slow success counts as a failure.
    std::chrono::nanoseconds slow_call = std::chrono::nanoseconds(0);
    /// Closed: trips when slow calls, successes and failures alike, make up this share of the window: greater than 0,
    /// at most 1. Asked after each slow call, before ready_to_trip is. Without a sliding window the windows are [start
    /// + k interval, start + (k + 1) interval), counted from when the breaker was made or closed, as those of
    /// last_time(interval, 1); with an interval of 0 it is one endless window. (Of a ramp alone, too.)
    double slow_call_ratio = 1.0;
    /// Not before so many calls in the window have ended. At most the calls of a window of last_calls().
    std::uint32_t slow_call_min_requests = 5;
    /// After half-open: for so long after it closed the breaker lets a share of the calls through, that grows evenly
    /// from ramp_from to all; the others get errc::circuit_ramping. 0: all at once. Not after construction, nor after
    /// reset(). Which calls is not left to chance: of n in a row, at a constant share s, n s +- 1, the very first
    /// among them.
    std::chrono::nanoseconds ramp = std::chrono::nanoseconds(0);
    /// Greater than 0, at most 1.
    double ramp_from = 0.1;
};

/// Throws std::invalid_argument that names the first field that makes no sense; otherwise does nothing.
void validate(const circuit_breaker_config& config);

}  // namespace bulwark::inline BULWARK_ABI
