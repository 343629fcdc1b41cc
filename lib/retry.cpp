// What retries and their budget refuse to be set up with, and the sleep before a retry.
#include <bulwark/detail/config_check.hpp>
#include <bulwark/detail/parker.hpp>
#include <bulwark/detail/retry_rules.hpp>
#include <bulwark/detail/time_limit.hpp>
#include <bulwark/retry_budget_config.hpp>
#include <bulwark/retry_config.hpp>

#include <chrono>
#include <stop_token>

namespace bulwark::inline BULWARK_ABI {

void validate(const retry_budget_config& config) {
    constexpr detail::config_check require("retry_budget_config");
    // NaN compares as neither. What is more than nothing must not be rounded to nothing.
    const bool sound = config.percent == 0 || (config.percent >= 1e-7 && config.percent <= 1000);
    require(sound, "percent", "must be 0, or at least 0.0000001 and at most 1000");
    require(config.max_saved != 0, "max_saved", "must be at least 1");
    require(config.initial <= config.max_saved, "initial", "must be at most max_saved");
}

void validate(const retry_config& config) {
    constexpr detail::config_check require("retry_config");
    require(config.max_attempts != 0, "max_attempts", "must be at least 1");
    require(config.longest_hint.count() >= 0, "longest_hint", "must not be negative");
    validate(config.backoff);
}

namespace detail {

void interruptible_sleep::operator()(std::chrono::nanoseconds time, const std::stop_token& stop) const {
    const auto end = steady_after(time);
    parker alarm;
    // Where the stop is asked for already, the callback runs at once. Its destructor waits for one that runs elsewhere,
    // so that the parker outlives it.
    const std::stop_callback asked(stop, [&alarm] { alarm.finish(1); });
    alarm.wait_until(0, end);
}

}  // namespace detail

}  // namespace bulwark::inline BULWARK_ABI
