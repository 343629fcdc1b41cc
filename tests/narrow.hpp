// Breakers whose packed fields are so narrow that every full tally, carry, count limit and epoch wrap is met within a
// few dozen calls.
#pragma once

#include "slots.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/clock.hpp>

namespace bulwark::test {

template <detail::layout_widths Widths>
struct traits_of {
    using layout = detail::basic_layout<Widths>;
    template <class T>
    using atomic = detail::atomic<T>;
    static void pause() noexcept {}
    static std::uint32_t thread_slot() noexcept { return played_slot; }
    static std::uint32_t known_thread_slot() noexcept { return thread_slot(); }
};

/// One bit a tally, four epochs, counts up to 9.
inline constexpr detail::layout_widths narrowest{
    .requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1, .epoch = 2, .max_count = 9};

/// One bit a tally, four epochs, counts as far as the product's: the contract holds for it to the letter.
inline constexpr detail::layout_widths thin{
    .requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1, .epoch = 2};

/// Rows that fill their tally before the totals do.
inline constexpr detail::layout_widths short_rows{
    .requests = 4, .successes = 3, .failures = 3, .ignored = 1, .run = 1, .epoch = 3, .max_count = 40};

/// Tallies of unequal width, 32 epochs, counts up to 100.
inline constexpr detail::layout_widths narrow{
    .requests = 3, .successes = 2, .failures = 1, .ignored = 2, .run = 3, .epoch = 5, .max_count = 100};

// A cell takes a head that it finds again for the one that it knows, so its layouts have epochs enough for a whole
// test.

/// A move at nearly every call that goes over the head, and no epoch that comes again.
inline constexpr detail::layout_widths one_bit{.requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1};

/// The same, and a cell looks at each request whether the counts come near their end, which they never do.
inline constexpr detail::layout_widths one_bit_looks{
    .requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1, .cell_stride = 1};

/// Shared cells that are full after two counts.
inline constexpr detail::layout_widths two_shared{
    .requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1, .shared_cells = 1, .shared_count = 2};

/// Counts up to 100; a cell looks at each request whether they come near.
inline constexpr detail::layout_widths one_stride{.requests = 1,
                                                  .successes = 1,
                                                  .failures = 1,
                                                  .ignored = 1,
                                                  .run = 1,
                                                  .max_count = 100,
                                                  .cell_stride = 1,
                                                  .shared_cells = 1};

/// Counts up to 200; a cell looks at every fourth request, and the head counts up to three in between.
inline constexpr detail::layout_widths four_strides{.requests = 2,
                                                    .successes = 2,
                                                    .failures = 2,
                                                    .ignored = 1,
                                                    .run = 2,
                                                    .max_count = 200,
                                                    .cell_stride = 4,
                                                    .shared_cells = 1};

template <detail::layout_widths Widths, class Clock = manual_clock>
using breaker_of = basic_circuit_breaker<Clock, traits_of<Widths>>;

}  // namespace bulwark::test
