// A cell for threads that have none of their own: several count in it, by compare-and-swap.
//
//     63                      24 23         0
//    +--------------------------+------------+
//    |   tag                    |   count    |
//    +--------------------------+------------+
//
// Each count is a word of its own and says in its tag of what it is the count: requests and successes of a window, the
// row of successes of a row. Both are numbers that only rise (a row's is its window's plus the failures before it), so
// a word whose tag is older than the one asked for counts nothing of it, and is begun anew by whoever counts next.
//
// Invariants
//  - The tag of a word only rises; while it stays, so does the count.
//  - A word carries a window's tag only after some thread saw the head in that window.
//  - A success is counted before its place in the row, and after its request.
//
// A count that is full counts no more: the caller goes to the head instead. Tags have 40 bits: a count of an old window
// would be taken for a new one's where nobody used the cell for exactly 2^40 windows and failures, or a multiple: 15
// hours, to the event, at 50 ns each.
//
// Progress: lock-free; a swap is repeated only when another thread counted in the same cell. Reading is wait-free.
//
// Synchronizing edges, by number:
//   (5) as in cells.hpp: every swap of a count releases -> add_outcomes() and add_requests() acquire. All writes are
//       swaps, so a reader of a later one synchronizes with the earlier ones as well.
#pragma once

#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/transition.hpp>
#include <bulwark/version.hpp>

#include <cstdint>

namespace bulwark::inline BULWARK_ABI::detail {

template <class Traits>
class alignas(64) shared_cell {
    using L = typename Traits::layout;
    using word = typename Traits::template atomic<std::uint64_t>;

public:
    /// False where it cannot be counted here: another window has begun, or the count is full, or `may_count`, which is
    /// asked at every so many requests (layout_widths::cell_stride), says no.
    template <class MayCount>
    bool count_request(std::uint64_t window, const MayCount& may_count) noexcept {
        return raise(requests_, window,
                     [&](std::uint64_t so_far) { return (so_far + 1) % L::cell_stride != 0 || may_count(); });
    }

    /// False likewise, and nothing is counted.
    bool count_success(std::uint64_t window, std::uint32_t failures_so_far) noexcept {
        const auto always = [](std::uint64_t) { return true; };
        if (!raise(successes_, window, always)) return false;
        // Not counted where a failure has ended the row meanwhile. Not longer than the successes, so never full.
        raise(row_, window + failures_so_far, always);
        return true;
    }

    void add_outcomes(cell_counts& sum, std::uint64_t window, std::uint32_t failures_so_far) const noexcept {
        // (5) acquire: synchronizes with the release (5) in raise(). The row first, so that it is no longer than the
        // successes are many.
        sum.row += count_of(row_.load(memory_order_acquire), window + failures_so_far);
        // (5) acquire: likewise.
        sum.successes += count_of(successes_.load(memory_order_acquire), window);
    }

    void add_requests(cell_counts& sum, std::uint64_t window) const noexcept {
        // (5) acquire: likewise.
        sum.requests += count_of(requests_.load(memory_order_acquire), window);
    }

private:
    static constexpr unsigned tag_shift = 24;
    static constexpr std::uint64_t most = L::shared_count;
    static_assert(most < std::uint64_t{1} << tag_shift);

    static constexpr std::uint64_t tagged(std::uint64_t of) noexcept { return of << tag_shift; }

    static constexpr std::uint64_t count_of(std::uint64_t seen, std::uint64_t of) noexcept {
        const std::uint64_t count = seen - tagged(of);
        return count <= most ? count : 0;
    }

    /// False where the tag is later than `of`, or the count full, or goes_on(count) says no.
    template <class GoesOn>
    static bool raise(word& counter, std::uint64_t of, const GoesOn& goes_on) noexcept {
        // relaxed: the swap below checks it, and nothing is reached through it.
        std::uint64_t seen = counter.load(memory_order_relaxed);
        for (;;) {
            const std::uint64_t count = count_of(seen, of);
            if (count == 0 && static_cast<std::int64_t>(seen - tagged(of)) > 0) return false;
            if (count == most || !goes_on(count)) return false;
            // (5) release: synchronizes with the acquires (5) in add_outcomes() and add_requests().
            if (counter.compare_exchange_weak(seen, tagged(of) + count + 1, memory_order_release)) return true;
            Traits::pause();
        }
    }

    word requests_;
    word successes_;
    word row_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
