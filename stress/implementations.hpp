// What the scenarios are run on: the lock-free types as they come, with cells for all threads; the compact breaker, one
// word for everybody; both with words so narrow that every tally and tag overflows all the time; the breaker with fewer
// cells than threads; and the mutex reference. Bulkheads likewise with one word of permits and with several.
#pragma once

#include "../checks/clock.hpp"

#include <bulwark/bulwark.hpp>
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <utility>

namespace bulwark::stress {

/// Time that moves by one nanosecond with every reading: threads that race for the clock use their readings in any
/// order, and every boundary of the configuration is met all the time.
struct ticking_clock : checks::nanosecond_clock<ticking_clock> {
    static time_point now() noexcept { return time_point(duration(ticks.fetch_add(1, std::memory_order_relaxed))); }
    static inline std::atomic<rep> ticks{0};
};

struct lock_free {
    static constexpr const char* name = "lock-free";
    static constexpr bool has_cells = true;
    template <class Clock>
    using breaker = basic_circuit_breaker<Clock>;
    using bulkhead = bulwark::bulkhead;
};

/// A breaker with so many cells, whatever the configuration says.
template <std::uint32_t Cells, class Clock, class Traits = bulwark::detail::default_traits>
class breaker_with_cells : public basic_circuit_breaker<Clock, Traits> {
    using sound = basic_circuit_breaker<Clock, Traits>;

public:
    explicit breaker_with_cells(circuit_breaker_config config = {}) : sound(with_cells(std::move(config))) {}

private:
    static circuit_breaker_config with_cells(circuit_breaker_config config) {
        config.cells = Cells;
        return config;
    }
};

/// A bulkhead with so many stripes, or as many of them as it has permits for, whatever the configuration says.
template <std::uint32_t Stripes>
class striped_bulkhead : public bulkhead {
public:
    explicit striped_bulkhead(const bulkhead_config& c) : bulkhead(with_stripes(c)) {}

private:
    static bulkhead_config with_stripes(bulkhead_config c) {
        c.stripes = std::bit_floor(std::min(Stripes, c.max_concurrent));
        return c;
    }
};

struct lock_free_compact {
    static constexpr const char* name = "compact";
    static constexpr bool has_cells = false;
    template <class Clock>
    using breaker = breaker_with_cells<0, Clock>;
    using bulkhead = striped_bulkhead<8>;
};

/// Some threads have a cell, the others count on the word that all share.
struct lock_free_two_cells {
    static constexpr const char* name = "two-cells";
    static constexpr bool has_cells = true;
    template <class Clock>
    using breaker = breaker_with_cells<2, Clock>;
    using bulkhead = striped_bulkhead<2>;
};

/// Two bits a tally. The epoch stays wide: its width is what makes the words unique, see detail/layout.hpp.
struct thin_traits : detail::default_traits {
    using layout = detail::basic_layout<detail::layout_widths{
        .requests = 2, .successes = 2, .failures = 2, .ignored = 1, .run = 2}>;
    static void pause() noexcept {}
};

struct lock_free_thin {
    static constexpr const char* name = "lock-free-thin";
    static constexpr bool has_cells = true;
    template <class Clock>
    using breaker = basic_circuit_breaker<Clock, thin_traits>;
    using bulkhead = bulwark::bulkhead;
};

struct lock_free_compact_thin {
    static constexpr const char* name = "compact-thin";
    static constexpr bool has_cells = false;
    template <class Clock>
    using breaker = breaker_with_cells<0, Clock, thin_traits>;
    using bulkhead = striped_bulkhead<8>;
};

struct mutex_reference {
    static constexpr const char* name = "reference";
    static constexpr bool has_cells = false;
    template <class Clock>
    using breaker = reference::basic_circuit_breaker<Clock>;
    using bulkhead = reference::bulkhead;
};

// Bulkheads alone, for what only they can do.

struct lock_free_bytes {
    static constexpr const char* name = "bytes";
    using bulkhead = memory_bulkhead;
};

struct mutex_reference_bytes {
    static constexpr const char* name = "reference-bytes";
    using bulkhead = reference::memory_bulkhead;
};

}  // namespace bulwark::stress
