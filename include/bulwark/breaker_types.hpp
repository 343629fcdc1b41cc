// The values a circuit breaker speaks in: its state, its counts, a transition, a snapshot. They have no behaviour of
// their own, so the lock-free breaker and the mutex reference share them.
#pragma once

#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace bulwark::inline BULWARK_ABI {

enum class breaker_state : std::uint8_t {
    closed,     ///< calls go through and are counted
    open,       ///< calls are refused until the timeout has passed
    half_open,  ///< a few probes go through to test the service
};

/// "closed", "open" or "half-open".
std::string_view to_string(breaker_state state) noexcept;
std::ostream& operator<<(std::ostream& out, breaker_state state);

/// Calls of the current window (closed) or of the current test of the service (half-open).
/// Always: requests >= total_successes + total_failures + total_ignored; the difference is under way.
struct breaker_counts {
    std::uint32_t requests = 0;
    std::uint32_t total_successes = 0;
    std::uint32_t total_failures = 0;
    std::uint32_t total_ignored = 0;
    std::uint32_t consecutive_successes = 0;
    std::uint32_t consecutive_failures = 0;

    friend constexpr bool operator==(const breaker_counts&, const breaker_counts&) = default;
};

std::ostream& operator<<(std::ostream& out, const breaker_counts& counts);

/// A change of state. `from` and `to` are both half_open where silent probes made the breaker begin its test anew.
struct transition {
    breaker_state from = breaker_state::closed;
    breaker_state to = breaker_state::closed;
    std::uint64_t generation = 0;  ///< the generation just entered

    friend constexpr bool operator==(const transition&, const transition&) = default;
};

std::ostream& operator<<(std::ostream& out, const transition& change);

/// All that a breaker tells of itself, taken at one instant.
struct breaker_snapshot {
    breaker_state state = breaker_state::closed;
    std::uint64_t generation = 0;
    breaker_counts counts{};
    std::chrono::nanoseconds retry_after{0};  ///< 0 unless open; nanoseconds::max() means never
    bool manual = false;                      ///< an operator's word: forced open, or disabled (and then closed)

    friend constexpr bool operator==(const breaker_snapshot&, const breaker_snapshot&) = default;
};

/// One readable line: state, generation, counts, and the time left where it is open.
std::string to_string(const breaker_snapshot& snapshot);
std::ostream& operator<<(std::ostream& out, const breaker_snapshot& snapshot);

}  // namespace bulwark::inline BULWARK_ABI
