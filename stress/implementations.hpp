// What the scenarios are run on: the lock-free types, the lock-free breaker with words so narrow that every tally and
// tag overflows all the time, and the mutex reference.
#pragma once

#include <bulwark/bulwark.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace bulwark::stress {

/// Time that moves by one nanosecond with every reading: threads that race for the clock use their readings in any
/// order, and every boundary of the configuration is met all the time.
struct ticking_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<ticking_clock>;
    static constexpr bool is_steady = true;
    static time_point now() noexcept { return time_point(duration(ticks.fetch_add(1, std::memory_order_relaxed))); }
    static inline std::atomic<rep> ticks{0};
};

struct lock_free {
    static constexpr const char* name = "lock-free";
    template <class Clock>
    using breaker = basic_circuit_breaker<Clock>;
    using bulkhead = bulwark::bulkhead;
};

/// Two bits a tally. The epoch stays wide: its width is what makes the words unique, see detail/layout.hpp.
struct thin_traits {
    using layout = detail::basic_layout<detail::layout_widths{
        .requests = 2, .successes = 2, .failures = 2, .ignored = 1, .run = 2}>;
    template <class T>
    using atomic = detail::atomic<T>;
    static void pause() noexcept {}
};

struct lock_free_thin {
    static constexpr const char* name = "lock-free-thin";
    template <class Clock>
    using breaker = basic_circuit_breaker<Clock, thin_traits>;
    using bulkhead = bulwark::bulkhead;
};

struct mutex_reference {
    static constexpr const char* name = "reference";
    template <class Clock>
    using breaker = reference::basic_circuit_breaker<Clock>;
    using bulkhead = reference::bulkhead;
};

}  // namespace bulwark::stress
