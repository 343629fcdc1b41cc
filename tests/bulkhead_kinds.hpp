// The bulkheads that the typed tests run over: lock-free in one stripe and in several, over either parker, of calls and
// of bytes, and the mutex reference.
#pragma once

#include <bulwark/bulkhead.hpp>
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>

namespace bulwark::test {

/// What every kind can be set up with.
struct setup {
    std::uint32_t capacity = 1;
    std::uint32_t max_waiting = std::numeric_limits<std::uint32_t>::max();
    bool wait_histogram = false;
    std::function<void(const bulkhead_event&)> on_event = nullptr;
};

template <std::uint32_t Stripes, std::uint32_t Cells = 32>
struct of_calls {
    static constexpr const char* field = "max_concurrent";
    static bulkhead_config config(const setup& s) {
        std::uint32_t stripes = Stripes;
        while (stripes > s.capacity && stripes > 1) stripes /= 2;
        return {.max_concurrent = s.capacity,
                .max_waiting = s.max_waiting,
                .stripes = stripes,
                .cells = Cells,
                .wait_histogram = s.wait_histogram,
                .on_event = s.on_event};
    }
};
struct of_bytes {
    static constexpr const char* field = "max_bytes";
    static memory_bulkhead_config config(const setup& s) {
        return {.max_bytes = s.capacity,
                .max_waiting = s.max_waiting,
                .wait_histogram = s.wait_histogram,
                .on_event = s.on_event};
    }
};

/// Waiters sleep on condition variables, as where there is no futex; nobody has a cell.
struct portable_traits : detail::default_traits {
    using parker = detail::condition_parker;
};

struct lock_free : of_calls<1> {
    using pool = bulkhead;
};
struct striped : of_calls<4> {
    using pool = bulkhead;
};
struct portable : of_calls<2, 0> {
    using pool = basic_bulkhead<detail::calls, portable_traits>;
};
struct memory : of_bytes {
    using pool = memory_bulkhead;
};
struct reference_calls : of_calls<1> {
    using pool = reference::bulkhead;
};
struct reference_memory : of_bytes {
    using pool = reference::memory_bulkhead;
};

using bulkhead_kinds = ::testing::Types<lock_free, striped, portable, memory, reference_calls, reference_memory>;

}  // namespace bulwark::test
