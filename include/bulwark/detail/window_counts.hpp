// What a sliding window holds, as its two kinds tell it.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI::detail {

/// What the packed words of the windows have room for.
inline constexpr std::uint32_t most_calls_in_window = 1000;
inline constexpr std::uint32_t most_buckets_of_window = 100;

/// Of one instant.
struct window_counts {
    std::uint32_t successes = 0;
    std::uint32_t failures = 0;
    std::uint32_t slow = 0;  ///< of both
    std::uint32_t row = 0;   ///< how many of the same kind ended last; perhaps more than the window holds
    bool row_of_failures = false;

    friend constexpr bool operator==(const window_counts&, const window_counts&) = default;
};

/// A call is in a sliding window from its end on, so there are as many requests as outcomes; ignored ones are in none.
/// A row counts as far as it lies in the window: nothing but the row can be of its kind and later than what has left.
constexpr breaker_counts to_breaker_counts(const window_counts& c) noexcept {
    const std::uint64_t all = std::uint64_t{c.successes} + c.failures;
    return {.requests = static_cast<std::uint32_t>(std::min<std::uint64_t>(all, ~std::uint32_t{0})),
            .total_successes = c.successes,
            .total_failures = c.failures,
            .total_ignored = 0,
            .consecutive_successes = c.row_of_failures ? 0 : std::min(c.row, c.successes),
            .consecutive_failures = c.row_of_failures ? std::min(c.row, c.failures) : 0};
}

}  // namespace bulwark::inline BULWARK_ABI::detail
