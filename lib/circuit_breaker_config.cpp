// What a circuit breaker refuses to be set up with.
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/detail/config_check.hpp>
#include <bulwark/detail/thread_slot.hpp>
#include <bulwark/detail/watch.hpp>
#include <bulwark/detail/window_counts.hpp>

namespace bulwark::inline BULWARK_ABI {
namespace {

/// How many calls must be in the window before it can trip, as far as is known of the policy.
std::uint32_t calls_to_trip(const circuit_breaker_config& config) {
    if (const auto* ratio = config.ready_to_trip.target<failure_ratio_policy>()) return ratio->min_requests();
    if (const auto* row = config.ready_to_trip.target<consecutive_failures_policy>()) return row->limit();
    return 0;
}

}  // namespace

void validate(const circuit_breaker_config& config) {
    constexpr detail::config_check require("circuit_breaker_config");
    using std::chrono::nanoseconds;
    require(config.max_requests != 0, "max_requests", "must be at least 1");
    require(config.interval >= nanoseconds::zero(), "interval", "must not be negative");
    require(config.timeout >= nanoseconds::zero(), "timeout", "must not be negative");
    require(config.probe_timeout >= nanoseconds::zero(), "probe_timeout", "must not be negative");
    require(static_cast<bool>(config.ready_to_trip), "ready_to_trip", "must not be empty");
    require(config.cells <= detail::max_thread_slots, "cells", "must be at most 1024");
    // NaN is not at least 1 either.
    require(config.timeout_multiplier >= 1, "timeout_multiplier", "must be at least 1");
    require(config.max_timeout == nanoseconds::zero() || config.max_timeout >= config.timeout, "max_timeout",
            "must be 0 or at least timeout");
    require(config.timeout_jitter <= jitter::equal, "timeout_jitter", "must be one of the three");
    require(config.max_hint >= nanoseconds::zero(), "max_hint", "must not be negative");
    const sliding_window& w = config.window;
    require(w.of != sliding_window::kind::count || (w.calls >= 1 && w.calls <= detail::most_calls_in_window), "window",
            "must be of 1 to 1000 calls");
    // A breaker that cannot trip looks like one whose service is well.
    require(w.of != sliding_window::kind::count || calls_to_trip(config) <= w.calls, "ready_to_trip",
            "must not need more calls than window has: it would never trip");
    require(w.of != sliding_window::kind::time || (w.buckets >= 1 && w.buckets <= detail::most_buckets_of_window),
            "window", "must have 1 to 100 buckets");
    require(w.of != sliding_window::kind::time || w.span >= nanoseconds(w.buckets), "window",
            "must be at least 1 ns long for each bucket");
    require(config.slow_call >= nanoseconds::zero(), "slow_call", "must not be negative");
    require(config.slow_call_ratio > 0 && config.slow_call_ratio <= 1, "slow_call_ratio",
            "must be greater than 0 and at most 1");
    require(config.slow_call == nanoseconds::zero() || w.of != sliding_window::kind::count ||
                config.slow_call_min_requests <= w.calls,
            "slow_call_min_requests", "must not be more than the calls of window: it would never trip");
    require(config.count_successes || config.ready_to_trip.target<failure_ratio_policy>() == nullptr ||
                detail::is_watched(config),
            "count_successes", "must be true where ready_to_trip is a failure_ratio");
    require(config.ramp >= nanoseconds::zero(), "ramp", "must not be negative");
    require(config.ramp_from > 0 && config.ramp_from <= 1, "ramp_from", "must be greater than 0 and at most 1");
}

}  // namespace bulwark::inline BULWARK_ABI
