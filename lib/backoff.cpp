// What a back-off refuses to be set up with.
#include <bulwark/backoff.hpp>
#include <bulwark/detail/config_check.hpp>

#include <limits>

namespace bulwark::inline BULWARK_ABI {

void validate(const backoff_config& config) {
    constexpr detail::config_check require("backoff_config");
    require(config.initial.count() >= 0, "initial", "must not be negative");
    // NaN compares as neither.
    const bool grows = config.multiplier >= 1.0 && config.multiplier <= std::numeric_limits<double>::max();
    require(grows, "multiplier", "must be a number and at least 1");
    require(config.ceiling >= config.initial, "ceiling", "must be at least the initial delay");
    const bool known = config.jitter == jitter::none || config.jitter == jitter::full || config.jitter == jitter::equal;
    require(known, "jitter", "must be none, full or equal");
}

}  // namespace bulwark::inline BULWARK_ABI
