// The cells of a circuit breaker: a cache line for each of the first so many threads, in which that thread alone counts
// the calls that the closed breaker admits and the successes of these, without a locked instruction.
//
// A cell has two halves. The *memo* is the owner's: up to when the head that it saw last lets calls through or refuses
// them, so that it need not read the lanes again. The *counts* are for everybody to read: those of one window, which
// they name. Nothing is ever reset for others; a cell that names another window counts nothing in this one.
//
// Invariants
//  - Only the thread at whose slot the cell stands writes to it.
//  - A cell names a window only after its owner saw the head in that window; the windows that it names only rise.
//  - Within a window the counts only grow, and a success is written before the row that it belongs to.
// So a reader that finds the head unchanged after the cells has read the counts of the window of that head; each sum is
// one that was true at some instant in between, since it grows by ones from its value at the first read to its value at
// the last. Requests are read after all outcomes: no outcome is seen without its request.
//
// Progress: everything here is wait-free. Cost: a load and a store to count; reading them all is three loads a cell,
// and a cache miss where the owner is at work.
//
// Synchronizing edges, by number:
//   (5) the owner releases every word of the counts -> sum() acquires it: a reader that meets a later window sees the
//       later head as well when it looks again, and one that meets a success sees the request.
#pragma once

#include <bulwark/detail/shared_cell.hpp>
#include <bulwark/detail/thread_slot.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/transition.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace bulwark::inline BULWARK_ABI::detail {

/// 64 bytes, the property of one thread.
template <class Traits>
class alignas(64) cell {
    using word = typename Traits::template atomic<std::uint64_t>;

public:
    /// What the memo says of the head that it is for.
    std::uint64_t head = ~std::uint64_t{0};  ///< its bits that do not change from call to call; at first, of no head
    instant certain_until = never;           ///< before that time no move is due
    std::uint64_t generation = 0;
    std::uint32_t failures = 0;  ///< of the window, up to the start of the epoch

    /// Makes the memo one of a head and its record.
    void remember(std::uint64_t lasting_bits, const record& r, instant until) noexcept {
        head = lasting_bits;
        certain_until = until;
        generation = r.generation;
        failures = r.failures;
    }

    /// The window of the counts.
    std::uint64_t window() const noexcept {
        // relaxed: the owner reads what it wrote itself.
        return window_.load(memory_order_relaxed);
    }

    void enter(std::uint64_t next) noexcept {
        if (window() == next) return;
        // (5) release: synchronizes with the acquires (5) in add_outcomes() and add_requests().
        requests_.store(0, memory_order_release);
        // (5) release: likewise.
        successes_.store(0, memory_order_release);
        // (5) release: likewise.
        row_.store(0, memory_order_release);
        // (5) release: likewise; last, so that who finds the window named finds the counts begun.
        window_.store(next, memory_order_release);
    }

    std::uint64_t requests() const noexcept {
        // relaxed: see window().
        return requests_.load(memory_order_relaxed);
    }

    void count_request(std::uint64_t so_far) noexcept {
        // (5) release: synchronizes with the acquire (5) in add_requests().
        requests_.store(so_far + 1, memory_order_release);
    }

    /// `failures_so_far` names the row: the one since that failure of the window.
    [[gnu::always_inline]] void count_success(std::uint32_t failures_so_far) noexcept {
        // relaxed: see window().
        const std::uint64_t successes = successes_.load(memory_order_relaxed);
        // (5) release: synchronizes with the acquire (5) in add_outcomes().
        successes_.store(successes + 1, memory_order_release);
        // relaxed: see window().
        const std::uint64_t row = row_.load(memory_order_relaxed);
        const std::uint64_t begun = lane::tag(row) == failures_so_far ? row : lane::pack(failures_so_far, 0);
        // (5) release: synchronizes with the acquire (5) in add_outcomes().
        row_.store(begun + 1, memory_order_release);
    }

    void add_outcomes(cell_counts& sum, std::uint64_t of_window, std::uint32_t failures_so_far) const noexcept {
        // (5) acquire: synchronizes with the release (5) in enter().
        if (window_.load(memory_order_acquire) != of_window) return;
        // (5) acquire: synchronizes with the releases (5) in count_success() and enter(). The row first, so that
        // it is no longer than the successes are many.
        const std::uint64_t row = row_.load(memory_order_acquire);
        if (lane::tag(row) == failures_so_far) sum.row += lane::payload(row);
        // (5) acquire: likewise.
        sum.successes += successes_.load(memory_order_acquire);
    }

    void add_requests(cell_counts& sum, std::uint64_t of_window) const noexcept {
        // (5) acquire: synchronizes with the release (5) in enter().
        if (window_.load(memory_order_acquire) != of_window) return;
        // (5) acquire: synchronizes with the releases (5) in count_request() and enter().
        sum.requests += requests_.load(memory_order_acquire);
    }

private:
    word window_;  ///< no window is 0
    word requests_;
    word successes_;
    word row_;  ///< its name, and how many successes of this cell are in it
};

/// Cells for the first so many threads, and a few that the others share; or none at all.
template <class Traits>
class cell_array {
    static constexpr std::uint32_t shared_cells = Traits::layout::shared_cells;

public:
    /// Throws std::bad_alloc.
    explicit cell_array(std::uint32_t size)
        : cells_(size == 0 ? nullptr : std::make_unique<cell<Traits>[]>(size)),
          shared_(size == 0 ? nullptr : std::make_unique<shared_cell<Traits>[]>(shared_cells)),
          size_(size) {}

    /// How many threads can have one of their own; where that is 0 there are no others either.
    std::uint32_t size() const noexcept { return size_; }
    /// In how many cells at most a request may be counted.
    std::uint32_t all() const noexcept { return size_ + shared_cells; }

    bool in_use() const noexcept {
        // relaxed: see for_each_in_use().
        return in_use_.load(memory_order_relaxed) != 0;
    }

    /// The cell of the thread at that slot.
    cell<Traits>& operator[](std::uint32_t slot) const noexcept { return cells_[slot]; }

    /// The cell of all threads at such a slot.
    shared_cell<Traits>& shared(std::uint32_t slot) const noexcept { return shared_[place_of(slot)]; }

    /// Before a cell counts for the first time.
    void put_to_use(std::uint32_t slot) noexcept {
        const bool owned = slot < size_;
        // relaxed: (the swap too) who sees a count by edge (5) sees the cell in use as well.
        std::uint64_t seen = in_use_.load(memory_order_relaxed);
        for (;;) {
            const bounds now = unpack(seen);
            const bounds next{.own = owned ? std::max(now.own, slot + 1) : now.own,
                              .shared = owned ? now.shared : std::max(now.shared, place_of(slot) + 1)};
            if (pack(next) == seen || in_use_.compare_exchange_weak(seen, pack(next), memory_order_relaxed)) return;
        }
    }

    cell_counts sum(std::uint64_t window, std::uint32_t failures_so_far) const noexcept {
        cell_counts all;
        const auto add_outcomes = [&](const auto& c) { c.add_outcomes(all, window, failures_so_far); };
        const auto add_requests = [&](const auto& c) { c.add_requests(all, window); };
        for_each_in_use(add_outcomes);
        for_each_in_use(add_requests);
        return all;
    }

private:
    std::uint32_t place_of(std::uint32_t slot) const noexcept {
        return slot == no_thread_slot ? 0 : (slot - size_) & (shared_cells - 1);
    }

    /// Cells from these on have never counted.
    struct bounds {
        std::uint32_t own = 0;
        std::uint32_t shared = 0;
    };
    static constexpr std::uint64_t pack(bounds b) noexcept { return std::uint64_t{b.shared} << 32 | b.own; }
    static constexpr bounds unpack(std::uint64_t seen) noexcept {
        return {.own = static_cast<std::uint32_t>(seen), .shared = static_cast<std::uint32_t>(seen >> 32)};
    }

    template <class Visit>
    void for_each_in_use(const Visit& visit) const noexcept {
        // relaxed: a cell that is not seen in use has counted nothing that this thread has heard of. Read at each pass,
        // since the outcomes of one may be of requests in cells put to use meanwhile.
        const bounds seen = unpack(in_use_.load(memory_order_relaxed));
        for (std::uint32_t i = 0; i != seen.own; ++i) visit(cells_[i]);
        for (std::uint32_t i = 0; i != seen.shared; ++i) visit(shared_[i]);
    }

    const std::unique_ptr<cell<Traits>[]> cells_;
    const std::unique_ptr<shared_cell<Traits>[]> shared_;
    const std::uint32_t size_;
    typename Traits::template atomic<std::uint64_t> in_use_;  ///< bounds
};

}  // namespace bulwark::inline BULWARK_ABI::detail
