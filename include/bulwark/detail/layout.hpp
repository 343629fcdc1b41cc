// The packed words of a circuit breaker, bit by bit.
//
// Two kinds of 64-bit word exist. There is one *head*; it changes with every call:
//
//     63            32 31   29 28  27  26        25       24..19  18 17   16..12    11..6     5..0
//    +----------------+-------+------+----------+--------+-------+-------+--------+---------+--------+
//    |     epoch      | move  | state| run of   | run    | run   | ignored failures successes requests|
//    |                |       |      | failures | joined |       |            tallies                 |
//    +----------------+-------+------+----------+--------+-------+-------------------------------------+
//
// and there are 2 x 11 *lanes*; they change only when the epoch does:
//
//     63            32 31             0
//    +----------------+----------------+
//    |   epoch (tag)  |    payload     |
//    +----------------+----------------+
//
// A bank of eleven lanes holds the record of one epoch: when the current window or state began, its generation, its
// window, and the counts up to the start of the epoch. The counts of the breaker are those of the record plus the
// tallies of the head. Epoch e keeps its record in bank e mod 2. Only a closed breaker ever has failures to carry on;
// in the other states their lane says how many openings there were since it was closed.
//
// Invariants
//  - The record of epoch e is complete before the head says e, and is never written while the head says e.
//  - A lane goes from tag e - 1 to tag e + 1 exactly once, while the head says e.
//  - A head whose move is not `none` is frozen: the only word that can follow it is that of epoch e + 1.
//  - No field carries into its neighbour: a tally that is full begins a move (carry) instead of rising.
//
// Wrap. The generation and the window have 64 bits: at one transition every 50 ns they wrap after 29,000 years. The
// epoch has 32; it has to be unique while a thread stands between its load of a word and its compare-and-swap, and
// between two calls of a thread that has a cell. An epoch passes every 63 successes counted on the head, 31 failures or
// 3 ignored calls, at a new window and at a transition. At ten million epochs a second, which no two cores reach, 2^32
// of them take seven minutes, and the thread would have to wake at the one epoch in 2^32 that repeats, with equal
// tallies, or, where it has a cell, within the same window as far as the clock can tell.
#pragma once

#include <bulwark/version.hpp>

#include <cstdint>
#include <limits>

namespace bulwark::inline BULWARK_ABI::detail {

/// A field of a packed word. `add one` is `word + unit`, allowed only where full(word) is false.
template <unsigned Shift, unsigned Width>
struct bit_field {
    static_assert(Width >= 1 && Shift + Width <= 64);
    static constexpr unsigned end = Shift + Width;
    static constexpr std::uint64_t unit = std::uint64_t{1} << Shift;
    static constexpr std::uint64_t max = ~std::uint64_t{0} >> (64 - Width);
    static constexpr std::uint64_t mask = max << Shift;

    static constexpr std::uint64_t get(std::uint64_t word) noexcept { return (word >> Shift) & max; }
    static constexpr bool full(std::uint64_t word) noexcept { return (word & mask) == mask; }
    static constexpr std::uint64_t put(std::uint64_t word, std::uint64_t value) noexcept {
        return (word & ~mask) | ((value << Shift) & mask);
    }
};

/// How wide the fields are, and how far counts go. The defaults are the product; narrow ones let tests reach every
/// wrap and every full tally within a few steps.
struct layout_widths {
    unsigned requests = 6;
    unsigned successes = 6;
    unsigned failures = 5;
    unsigned ignored = 2;
    unsigned run = 6;
    unsigned epoch = 32;
    /// No count of a window passes this; the call that would begins a new window.
    std::uint32_t max_count = std::numeric_limits<std::uint32_t>::max();
    /// A power of two: a cell that counted so many more requests looks whether all of them together come near
    /// max_count, which is to be greater than (cells + shared_cells + 2) strides.
    std::uint32_t cell_stride = std::uint32_t{1} << 16;
    /// A power of two: how many cells the threads share that have none of their own; and how far each counts.
    std::uint32_t shared_cells = 8;
    std::uint32_t shared_count = (std::uint32_t{1} << 24) - 1;
};

template <layout_widths W = layout_widths{}>
struct basic_layout {
    // Tallies: what happened in this epoch. `run` is the length of the current row of equal outcomes.
    using requests = bit_field<0, W.requests>;
    using successes = bit_field<requests::end, W.successes>;
    using failures = bit_field<successes::end, W.failures>;
    using ignored = bit_field<failures::end, W.ignored>;
    using run = bit_field<ignored::end, W.run>;
    /// The row began in an earlier epoch: its length is the record's plus the tally.
    using run_joined = bit_field<run::end, 1>;
    /// The row is of failures; clear, of successes.
    using run_of_failures = bit_field<run_joined::end, 1>;
    using state = bit_field<run_of_failures::end, 2>;
    using move = bit_field<state::end, 3>;
    using epoch = bit_field<move::end, W.epoch>;

    static constexpr std::uint32_t max_count = W.max_count;
    static constexpr std::uint32_t cell_stride = W.cell_stride;
    static constexpr std::uint32_t shared_cells = W.shared_cells;
    static constexpr std::uint32_t shared_count = W.shared_count;

    /// The bits of a head that no count changes: what a cell's memo is for.
    static constexpr std::uint64_t lasting = state::mask | move::mask | epoch::mask;

    static_assert(epoch::end <= 64, "the head is one word");
    static_assert(W.epoch >= 2, "an epoch, the one before it and the one after it must differ");
    static_assert(W.epoch <= 32, "a lane keeps 32 bits for the tag");
    static_assert(W.max_count > requests::max, "counts must go further than a tally");
    static_assert(W.cell_stride != 0 && (W.cell_stride & (W.cell_stride - 1)) == 0, "a stride is a power of two");
    static_assert(W.shared_cells != 0 && (W.shared_cells & (W.shared_cells - 1)) == 0, "a mask picks the cell");
    static_assert(W.shared_count != 0 && W.shared_count < std::uint32_t{1} << 24, "24 bits of a shared word count");

    static constexpr std::uint32_t epoch_of(std::uint64_t head) noexcept {
        return static_cast<std::uint32_t>(epoch::get(head));
    }
    static constexpr std::uint32_t epoch_after(std::uint32_t e) noexcept {
        return static_cast<std::uint32_t>((e + std::uint64_t{1}) & epoch::max);
    }
    static constexpr std::uint32_t epoch_before(std::uint32_t e) noexcept {
        return static_cast<std::uint32_t>((e - std::uint64_t{1}) & epoch::max);
    }
};

using layout = basic_layout<>;
static_assert(layout::epoch::end == 64, "the default layout uses every bit of the head");

/// A word of a record: the epoch it belongs to, and 32 bits of content.
struct lane {
    static constexpr std::uint64_t pack(std::uint32_t tag, std::uint32_t payload) noexcept {
        return std::uint64_t{tag} << 32 | payload;
    }
    static constexpr std::uint32_t tag(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 32); }
    static constexpr std::uint32_t payload(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }
};

}  // namespace bulwark::inline BULWARK_ABI::detail
