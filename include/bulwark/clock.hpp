// The clocks: the default one, cheap and coarse, and one that tests turn by hand.
//
// Any std::chrono clock with a static now() serves a breaker; a steady one should. A breaker measures from the latest
// time at which it changed, and a reading before that time counts as that time.
#pragma once

#include <bulwark/detail/atomics.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>

#if defined(__linux__)
#include <time.h>
#endif

namespace bulwark::inline BULWARK_ABI {

#if defined(CLOCK_MONOTONIC_COARSE)
namespace detail {
using time_function = int (*)(clockid_t, timespec*) noexcept;
/// ::clock_gettime, or the same function of the kernel without the detour through the C library, which takes as long
/// again as reading the coarse clock.
extern time_function gettime;
}  // namespace detail
#endif

/// Monotonic time as of the kernel's last timer tick: 4 ms on most Linux builds (1 to 10 ms, see resolution()).
/// A reading lags by less than one tick, so a measured duration is off by less than one tick either way: an interval
/// or timeout of 60 s ends within 60 s +- 4 ms, and durations shorter than a tick are not told apart. Where that
/// matters, name std::chrono::steady_clock instead: exact to the nanosecond, at several times the cost of a reading.
/// Where the system has no such clock, this one reads std::chrono::steady_clock. Thread-safe, wait-free.
class coarse_clock {
public:
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<coarse_clock>;
    static constexpr bool is_steady = true;

#if defined(CLOCK_MONOTONIC_COARSE)
    static time_point now() noexcept { return time_point(read(detail::gettime)); }
    static duration resolution() noexcept { return read(&::clock_getres); }

private:
    static duration read(detail::time_function source) noexcept {
        timespec t;  // written by the call, which cannot fail for a clock that there is
        source(CLOCK_MONOTONIC_COARSE, &t);
        return std::chrono::seconds(t.tv_sec) + duration(t.tv_nsec);
    }
#else
    static time_point now() noexcept {
        const auto since_epoch = std::chrono::steady_clock::now().time_since_epoch();
        return time_point(std::chrono::duration_cast<duration>(since_epoch));
    }
    static duration resolution() noexcept { return std::chrono::steady_clock::duration(1); }
#endif
};

/// Time for tests: it stands still until it is advanced, and every thread sees the same. Starts at 0.
/// now() is wait-free; advance() is lock-free.
class manual_clock {
public:
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<manual_clock>;
    static constexpr bool is_steady = true;

    static time_point now() noexcept {
        // (4) acquire: synchronizes with the release (4) in advance() and reset(), so that what was done before time
        // moved is seen by whoever reads the new time.
        return time_point(duration(ticks_.load(detail::memory_order_acquire)));
    }

    /// Moves time on. Stops at the end of the clock's range instead of passing it.
    static void advance(duration by) noexcept {
        // relaxed: only the exact value matters, the exchange below checks it.
        rep from = ticks_.load(detail::memory_order_relaxed);
        // (4) release: synchronizes with the acquire (4) in now().
        while (!ticks_.compare_exchange_weak(from, saturated_sum(from, by.count()), detail::memory_order_release)) {
        }
    }

    static void reset() noexcept {
        // (4) release: synchronizes with the acquire (4) in now().
        ticks_.store(0, detail::memory_order_release);
    }

private:
    static constexpr rep saturated_sum(rep a, rep b) noexcept {
        if (b > 0 && a > duration::max().count() - b) return duration::max().count();
        if (b < 0 && a < duration::min().count() - b) return duration::min().count();
        return a + b;
    }

    static inline detail::atomic<rep> ticks_{0};
};

}  // namespace bulwark::inline BULWARK_ABI
