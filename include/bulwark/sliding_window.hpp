// Which calls the counts of a closed circuit breaker are of: the last so many, or those of the last so long. For
// circuit_breaker_config::window.
#pragma once

#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

/// Made by last_calls() or last_time(); as it is by default there is no sliding window, and
/// circuit_breaker_config::interval says which calls are counted.
struct sliding_window {
    enum class kind : std::uint8_t { none, count, time };

    kind of = kind::none;
    std::uint32_t calls = 0;           ///< of kind count
    std::chrono::nanoseconds span{0};  ///< of kind time
    std::uint32_t buckets = 0;         ///< likewise

    friend constexpr bool operator==(const sliding_window&, const sliding_window&) = default;
};

/// The last n calls that ended, ignored ones not counted: 1 to 1000.
constexpr sliding_window last_calls(std::uint32_t n) noexcept {
    return {.of = sliding_window::kind::count, .calls = n};
}

/// The calls that ended in the running slice of time or in the `buckets` - 1 before it: 1 to 100. A slice is
/// span / buckets long, rounded up to a nanosecond; the first begins when the breaker is made or closes. So what is
/// counted ended less than `span` ago, and all that ended less than span - span / buckets ago is counted. The span is
/// at least 1 ns for each bucket.
constexpr sliding_window last_time(std::chrono::nanoseconds span, std::uint32_t buckets = 10) noexcept {
    return {.of = sliding_window::kind::time, .span = span, .buckets = buckets};
}

}  // namespace bulwark::inline BULWARK_ABI
