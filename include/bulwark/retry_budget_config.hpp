// How a retry budget is set up, and what it refuses to be set up with.
#pragma once

#include <bulwark/version.hpp>

#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

struct retry_budget_config {
    /// How many retries 100 calls may cause in the long run. 0 to 1000, in steps of 10^-7, to the nearest of which it
    /// is rounded; greater than 100 only for those who know why. 0: no more than the initial ones.
    double percent = 20;
    /// How many retries can be saved up while all goes well; at least 1. As many may follow at once when it no longer
    /// does.
    std::uint32_t max_saved = 100;
    /// How many are saved at the beginning; at most max_saved.
    std::uint32_t initial = 0;
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const retry_budget_config& config);

namespace detail {

/// Budgets count in billionths of a retry.
inline constexpr std::uint64_t one_retry = 1'000'000'000;

/// What one call deposits.
constexpr std::uint64_t retry_units(double percent) noexcept {
    const double units = percent * (static_cast<double>(one_retry) / 100);
    const auto whole = static_cast<std::uint64_t>(units);
    return units - static_cast<double>(whole) < 0.5 ? whole : whole + 1;
}

}  // namespace detail

}  // namespace bulwark::inline BULWARK_ABI
