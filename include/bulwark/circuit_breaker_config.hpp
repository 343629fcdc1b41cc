// How a circuit breaker is set up, and what it refuses to be set up with.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/trip_policy.hpp>

#include <chrono>
#include <cstdint>
#include <functional>

namespace bulwark {

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
    /// succeeds then writes nothing at all, and with an interval of 0 it reads no clock either. (The mutex reference
    /// always counts.)
    bool count_successes = true;
    /// How many threads have a cell of their own, 64 bytes each, in which they count the calls that succeed without a
    /// locked instruction: the first so many that are alive. Threads beyond them have eight cells between them, and
    /// count by compare-and-swap. 0 makes the breaker compact: one word for everybody, 384 bytes in all. At most 1024.
    std::uint32_t cells = 32;
};

/// Throws std::invalid_argument that names the first field that makes no sense; otherwise does nothing.
void validate(const circuit_breaker_config& config);

}  // namespace bulwark
