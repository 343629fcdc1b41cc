// What each type shows of itself: the names, helps and units of all metrics of the library, in one place.
#include <bulwark/adaptive_limit_config.hpp>
#include <bulwark/call_meter.hpp>
#include <bulwark/detail/exceptions.hpp>
#include <bulwark/metrics.hpp>
#include <bulwark/retry_config.hpp>

#if BULWARK_HAS_EXCEPTIONS  // or there is no pool
#include <bulwark/thread_pool_bulkhead.hpp>
#endif

#include <array>
#include <cstddef>
#include <limits>
#include <numeric>

namespace bulwark::inline BULWARK_ABI {
namespace {

double in_seconds(std::chrono::nanoseconds time) {
    if (time == std::chrono::nanoseconds::max()) return std::numeric_limits<double>::infinity();
    return std::chrono::duration<double>(time).count();
}

double number(std::uint64_t n) {
    return static_cast<double>(n);
}

metric_labels with(metric_labels labels, std::string name, std::string_view value) {
    labels.push_back({.name = std::move(name), .value = std::string(value)});
    return labels;
}

/// waits[i] counts [2^i, 2^(i+1)) ns. From a microsecond to half a minute, what is beyond in the last or in infinity.
std::vector<metric_bucket> buckets_of(const std::array<std::uint64_t, 64>& waits) {
    constexpr std::size_t first = 9;
    constexpr std::size_t last = 34;
    std::vector<metric_bucket> buckets;
    std::uint64_t at_most = std::accumulate(waits.begin(), waits.begin() + first, std::uint64_t{0});
    for (std::size_t i = first; i <= last; ++i) {
        at_most += waits[i];
        buckets.push_back(
            {.upper_bound = static_cast<double>(std::uint64_t{2} << i) * 1e-9, .cumulative_count = at_most});
    }
    return buckets;
}

void describe_times(metric_writer& to, std::string_view name, std::string_view help, const metric_labels& labels,
                    const std::array<std::uint64_t, 64>& waits, std::chrono::nanoseconds total) {
    const std::uint64_t count = std::accumulate(waits.begin(), waits.end(), std::uint64_t{0});
    to.histogram(name, help, labels, buckets_of(waits), count, in_seconds(total));
}

/// What bulkheads of calls and of bytes have in common, each under names of its own.
struct caller_names {
    std::string_view waiting, requests, waited, longest, wait;
};
constexpr caller_names of_calls{"bulwark_bulkhead_waiting", "bulwark_bulkhead_requests_total",
                                "bulwark_bulkhead_waited_seconds_total", "bulwark_bulkhead_longest_wait_seconds",
                                "bulwark_bulkhead_wait_seconds"};
constexpr caller_names of_bytes{"bulwark_memory_bulkhead_waiting", "bulwark_memory_bulkhead_requests_total",
                                "bulwark_memory_bulkhead_waited_seconds_total",
                                "bulwark_memory_bulkhead_longest_wait_seconds", "bulwark_memory_bulkhead_wait_seconds"};

void describe_callers(metric_writer& to, const caller_names& names, const metric_labels& labels,
                      const bulkhead_snapshot& seen) {
    to.gauge(names.waiting, "Callers that wait for permits.", labels, number(seen.waiting));
    const auto ended = [&](std::string_view how, std::uint64_t n) {
        to.counter(names.requests, "Requests for permits, by how they ended.", with(labels, "outcome", how), number(n));
    };
    ended("admitted", seen.admitted);
    ended("refused", seen.refused);
    ended("timed_out", seen.timed_out);
    ended("stopped", seen.stopped);
    to.counter(names.waited, "Time that callers spent waiting, added up.", labels, in_seconds(seen.total_wait));
    to.gauge(names.longest, "The longest that a caller ever waited.", labels, in_seconds(seen.longest_wait));
    if (!seen.has_waits) return;
    describe_times(to, names.wait, "Time that a caller waited, however that ended.", labels, seen.waits,
                   seen.total_wait);
}

}  // namespace

void describe(metric_writer& to, const metric_labels& labels, const breaker_snapshot& seen) {
    const auto in = [&](std::string_view name, breaker_state state) {
        to.gauge("bulwark_circuit_breaker_state", "1 for the state that the breaker is in, 0 for the others.",
                 with(labels, "state", name), seen.state == state ? 1 : 0);
    };
    in("closed", breaker_state::closed);
    in("open", breaker_state::open);
    in("half_open", breaker_state::half_open);
    to.gauge("bulwark_circuit_breaker_manual", "1 where an operator forced the breaker open or disabled it.", labels,
             seen.manual ? 1 : 0);
    to.counter("bulwark_circuit_breaker_transitions_total", "Changes of state.", labels, number(seen.generation - 1));
    to.gauge("bulwark_circuit_breaker_retry_after_seconds",
             "Until the first probe; 0 unless open, +Inf where it never comes by itself.", labels,
             in_seconds(seen.retry_after));
    to.gauge("bulwark_circuit_breaker_window_requests", "Calls admitted in the current window.", labels,
             seen.counts.requests);
    const auto ended = [&](std::string_view how, std::uint32_t n) {
        to.gauge("bulwark_circuit_breaker_window_outcomes", "Calls of the current window, by how they ended.",
                 with(labels, "outcome", how), n);
    };
    ended("success", seen.counts.total_successes);
    ended("failure", seen.counts.total_failures);
    ended("ignored", seen.counts.total_ignored);
    to.gauge("bulwark_circuit_breaker_consecutive_failures", "Failures in a row.", labels,
             seen.counts.consecutive_failures);
    to.gauge("bulwark_circuit_breaker_consecutive_successes", "Successes in a row.", labels,
             seen.counts.consecutive_successes);
}

void describe(metric_writer& to, const metric_labels& labels, const bulkhead_snapshot& seen) {
    to.gauge("bulwark_bulkhead_capacity", "Permits: calls that may be inside at once.", labels, number(seen.capacity));
    to.gauge("bulwark_bulkhead_in_use", "Permits in use; above the capacity for a while after a shrink.", labels,
             number(seen.in_use));
    describe_callers(to, of_calls, labels, seen);
}

void detail::describe_bytes(metric_writer& to, const metric_labels& labels, const bulkhead_snapshot& seen) {
    to.gauge("bulwark_memory_bulkhead_capacity_bytes", "Bytes that may be in use at once.", labels,
             number(seen.capacity));
    to.gauge("bulwark_memory_bulkhead_in_use_bytes", "Bytes in use.", labels, number(seen.in_use));
    describe_callers(to, of_bytes, labels, seen);
}

#if BULWARK_HAS_EXCEPTIONS
void describe(metric_writer& to, const metric_labels& labels, const thread_pool_bulkhead_snapshot& seen) {
    to.gauge("bulwark_thread_pool_threads", "Workers.", labels, seen.threads);
    to.gauge("bulwark_thread_pool_busy", "Workers that run a call.", labels, seen.busy);
    to.gauge("bulwark_thread_pool_queued", "Calls that wait for a worker.", labels, seen.queued);
    to.counter("bulwark_thread_pool_submitted_total", "Calls accepted.", labels, number(seen.submitted));
    const auto ended = [&](std::string_view how, std::uint64_t n) {
        to.counter("bulwark_thread_pool_calls_total", "Calls, by how they ended.", with(labels, "outcome", how),
                   number(n));
    };
    ended("completed", seen.completed);
    ended("failed", seen.failed);
    ended("cancelled", seen.cancelled);
    ended("refused", seen.refused);
    ended("stopped", seen.stopped);
    to.gauge("bulwark_thread_pool_longest_queued_seconds", "The longest that a call stood in the queue.", labels,
             in_seconds(seen.longest_queued));
    describe_times(to, "bulwark_thread_pool_queue_seconds", "Time that a call stood in the queue.", labels, seen.waits,
                   seen.total_queued);
}
#endif

void describe(metric_writer& to, const metric_labels& labels, const adaptive_limit_snapshot& seen) {
    to.gauge("bulwark_adaptive_limit_limit", "Calls that may be under way at once, at present.", labels, seen.limit);
    to.gauge("bulwark_adaptive_limit_in_use", "Calls under way.", labels, seen.in_use);
    to.gauge("bulwark_adaptive_limit_short_latency_seconds", "Mean latency of the last window.", labels,
             in_seconds(seen.short_latency));
    to.gauge("bulwark_adaptive_limit_long_latency_seconds", "What the algorithm holds the latency against.", labels,
             in_seconds(seen.long_latency));
}

void describe(metric_writer& to, const metric_labels& labels, const retry_snapshot& seen) {
    to.counter("bulwark_retry_retries_total", "Attempts made, apart from the first of each call.", labels,
               number(seen.retries));
    const auto given_up = [&](std::string_view why, std::uint64_t n) {
        to.counter("bulwark_retry_given_up_total",
                   "Calls whose last attempt was to be followed by another, and was not.", with(labels, "reason", why),
                   number(n));
    };
    given_up("exhausted", seen.exhausted);
    given_up("budget", seen.refused_by_budget);
    given_up("out_of_time", seen.out_of_time);
    given_up("stopped", seen.stopped);
}

void describe(metric_writer& to, const metric_labels& labels, const call_meter_snapshot& seen) {
    const auto ended = [&](outcome how, std::uint64_t n) {
        to.counter("bulwark_calls_total", "Calls that were made, by what became of them.",
                   with(labels, "outcome", to_string(how)), number(n));
    };
    ended(outcome::success, seen.successes);
    ended(outcome::failure, seen.failures);
    ended(outcome::ignored, seen.ignored);
    for (const errc why : detail::errcs) {
        to.counter("bulwark_calls_refused_total", "Calls that a layer refused, by its error.",
                   with(labels, "reason", to_string(why)), number(seen.refused[detail::index_of(why)]));
    }
    if (!seen.has_times) return;
    describe_times(to, "bulwark_call_duration_seconds", "Time that calls took which were not refused.", labels,
                   seen.times, seen.total_time);
}

namespace detail {

void describe_rate(metric_writer& to, const metric_labels& labels, std::uint64_t available, std::uint64_t burst,
                   double retry_after) {
    to.gauge("bulwark_rate_limiter_available", "Permits that could be taken now.", labels, number(available));
    to.gauge("bulwark_rate_limiter_burst", "The most permits that can be taken at once.", labels, number(burst));
    to.gauge("bulwark_rate_limiter_retry_after_seconds", "Until one permit can be taken.", labels, retry_after);
}

void describe_budget(metric_writer& to, const metric_labels& labels, double balance) {
    to.gauge("bulwark_retry_budget_balance", "Retries that could be made now.", labels, balance);
}

void describe_late(metric_writer& to, const metric_labels& labels, std::uint64_t late) {
    to.counter("bulwark_late_results_total", "Answers that came after their deadline, and were dropped.", labels,
               number(late));
}

void describe_left(metric_writer& to, const metric_labels& labels, std::uint64_t skipped, std::uint64_t under_way) {
    to.counter("bulwark_left_calls_skipped_total", "Calls that were left before they had begun.", labels,
               number(skipped));
    to.gauge("bulwark_left_calls_under_way", "Calls that run, some of them left by their callers.", labels,
             number(under_way));
}

void describe_hedges(metric_writer& to, const metric_labels& labels, std::uint64_t hedges) {
    to.counter("bulwark_hedge_attempts_total", "Second attempts begun.", labels, number(hedges));
}

}  // namespace detail

}  // namespace bulwark::inline BULWARK_ABI
