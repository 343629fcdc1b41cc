// Sleeping on a condition variable until a time of any clock.
#pragma once

#include <bulwark/clock.hpp>
#include <bulwark/deadline.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <type_traits>

namespace bulwark::inline BULWARK_ABI::detail {

/// Clocks whose time passes by itself. Any other may be turned by hand, and is looked at every millisecond.
template <class Clock>
inline constexpr bool runs_by_itself =
    std::is_same_v<Clock, std::chrono::steady_clock> || std::is_same_v<Clock, std::chrono::system_clock> ||
    std::is_same_v<Clock, coarse_clock>;

/// Until somebody notifies, or the time has come, or sooner: the caller looks again.
template <class Clock>
void sleep_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, basic_deadline<Clock> end) {
    if (end.is_never()) return changed.wait(lock);
    // An hour at a time, so that no sum of times passes the end of the clock.
    constexpr std::chrono::nanoseconds most =
        runs_by_itself<Clock> ? std::chrono::nanoseconds(std::chrono::hours(1)) : std::chrono::milliseconds(1);
    changed.wait_for(lock, std::min(end.remaining(), most));
}

}  // namespace bulwark::inline BULWARK_ABI::detail
