// What a rate limiter refuses to be set up with.
#include <bulwark/detail/config_check.hpp>
#include <bulwark/detail/emission.hpp>
#include <bulwark/rate_limiter_config.hpp>

namespace bulwark::inline BULWARK_ABI {

void validate(const rate_limiter_config& config) {
    constexpr detail::config_check require("rate_limiter_config");
    using detail::emission;
    using std::chrono::nanoseconds;
    require(config.period > nanoseconds::zero() && config.period <= nanoseconds(emission::longest), "period",
            "must be more than 0 and at most 73 years");
    const auto period = static_cast<std::uint64_t>(config.period.count());
    require(config.permits != 0, "permits", "must be at least 1");
    require(config.permits <= period, "permits", "must be at most one a nanosecond");
    require(config.burst != 0, "burst", "must be at least 1");
    require(config.burst <= emission::most(config.permits, period), "burst", "must be earned within 73 years");
    require(config.max_wait >= nanoseconds::zero(), "max_wait", "must not be negative");
}

}  // namespace bulwark::inline BULWARK_ABI
