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

#include <bulwark/detail/thread_slot.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/transition.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace bulwark::detail {

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
    void count_success(std::uint32_t failures_so_far) noexcept {
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

template <class Traits>
class cell_array {
public:
    /// Throws std::bad_alloc.
    explicit cell_array(std::uint32_t size)
        : cells_(size == 0 ? nullptr : std::make_unique<cell<Traits>[]>(size)), size_(size) {}

    std::uint32_t size() const noexcept { return size_; }
    bool in_use() const noexcept {
        // relaxed: see sum().
        return in_use_.load(memory_order_relaxed) != 0;
    }

    /// The cell of the thread at that slot.
    cell<Traits>& operator[](std::uint32_t slot) const noexcept { return cells_[slot]; }

    /// Before a cell counts for the first time.
    void put_to_use(const cell<Traits>& own) noexcept {
        const std::uint64_t place = static_cast<std::uint64_t>(&own - cells_.get()) + 1;
        // relaxed: (the swap too) who sees a count by edge (5) sees the cell in use as well.
        std::uint64_t seen = in_use_.load(memory_order_relaxed);
        while (seen < place && !in_use_.compare_exchange_weak(seen, place, memory_order_relaxed)) {
        }
    }

    cell_counts sum(std::uint64_t window, std::uint32_t failures_so_far) const noexcept {
        cell_counts all;
        // relaxed: a cell that is not seen in use has counted nothing that this thread has heard of. Read again for the
        // second pass, since the outcomes may be of requests in cells put to use meanwhile.
        for (std::uint64_t i = in_use_.load(memory_order_relaxed); i-- != 0;) {
            cells_[i].add_outcomes(all, window, failures_so_far);
        }
        // relaxed: likewise.
        for (std::uint64_t i = in_use_.load(memory_order_relaxed); i-- != 0;) cells_[i].add_requests(all, window);
        return all;
    }

private:
    const std::unique_ptr<cell<Traits>[]> cells_;
    const std::uint32_t size_;
    typename Traits::template atomic<std::uint64_t> in_use_;  ///< cells from this one on have never counted
};

}  // namespace bulwark::detail
