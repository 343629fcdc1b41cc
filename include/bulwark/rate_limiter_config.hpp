// How a rate limiter is set up, and what it refuses to be set up with.
#pragma once

#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

/// `permits` in each `period`, and `burst` of them at once where nobody took any for a while.
struct rate_limiter_config {
    /// At least 1 and at most one a nanosecond; there is no default. Rates that are hard to represent are rounded down
    /// a little: see rate_limiter.hpp.
    std::uint64_t permits = 0;
    /// At most 73 years (2^61 ns).
    std::chrono::nanoseconds period = std::chrono::seconds(1);
    /// How many permits may be taken at once; no call may ask for more. At least 1, and so many that they are earned in
    /// 73 years. A limiter begins with a full burst.
    std::uint64_t burst = 1;
    /// How far ahead a waiter may book: one whose time would come later is refused at once, with errc::queue_full. That
    /// bounds the queue to permits / period * max_wait. 0: nobody waits. Never more than a year.
    std::chrono::nanoseconds max_wait = std::chrono::nanoseconds::max();
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const rate_limiter_config& config);

}  // namespace bulwark::inline BULWARK_ABI
