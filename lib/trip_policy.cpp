// The trip policies: what they refuse to be built from, and the arithmetic of the ratio.
#include <bulwark/detail/config_check.hpp>
#include <bulwark/trip_policy.hpp>

namespace bulwark::inline BULWARK_ABI {

failure_ratio_policy::failure_ratio_policy(double ratio, std::uint32_t min_requests)
    : ratio_(ratio), min_requests_(min_requests) {
    // Written so that NaN, for which every comparison is false, is refused too.
    constexpr detail::config_check require("failure_ratio");
    require(ratio > 0.0 && ratio <= 1.0, "ratio", "must be greater than 0 and at most 1");
}

bool failure_ratio_policy::operator()(const breaker_counts& counts) const noexcept {
    const double failures = counts.total_failures;
    const double total = failures + counts.total_successes;
    if (total == 0.0 || total < min_requests_) return false;
    // Divided, not multiplied: 7 of 100 must reach a ratio written 0.07, and 0.07 * 100 is a little more than 7.
    return failures / total >= ratio_;
}

consecutive_failures_policy::consecutive_failures_policy(std::uint32_t limit) : limit_(limit) {
    constexpr detail::config_check require("consecutive_failures");
    require(limit != 0, "n", "must be at least 1");
}

}  // namespace bulwark::inline BULWARK_ABI
