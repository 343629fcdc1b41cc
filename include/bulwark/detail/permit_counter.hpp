// The lock-free permit counter of the bulkhead: one word, the number of free permits.
//
// Invariant: free permits + permits held == capacity, at every instant; hence 0 <= free <= capacity.
// Linearization: try_take at its successful compare-and-swap, or, refused, at the load that found 0: the counter was
// empty at that instant. give_back at its addition.
// Progress: try_take is lock-free (it repeats only when another thread took or gave a permit); the rest is wait-free.
//
// Synchronizing edges, by number:
//   (3) give_back() releases -> try_take() acquires: what a holder did happens before what the next holder of that
//       permit does. Every write of the word is a read-modify-write, so the release sequence is never broken.
#pragma once

#include <bulwark/detail/traits.hpp>

#include <cstdint>

namespace bulwark::detail {

template <class Traits>
class permit_counter {
public:
    explicit permit_counter(std::uint64_t permits) noexcept : free_(permits) {}

    bool try_take() noexcept {
        // relaxed: a guess for the exchange below to check; a 0 is a refusal and publishes nothing.
        std::uint64_t free = free_.load(memory_order_relaxed);
        while (free != 0) {
            // (3) acquire: synchronizes with the release (3) in give_back().
            if (free_.compare_exchange_weak(free, free - 1, memory_order_acquire)) return true;
            Traits::pause();
        }
        return false;
    }

    void give_back() noexcept {
        // (3) release: synchronizes with the acquire (3) in try_take().
        free_.fetch_add(1, memory_order_release);
    }

    std::uint64_t available() const noexcept {
        // relaxed: a figure for people; no data is reached through it.
        return free_.load(memory_order_relaxed);
    }

private:
    alignas(64) typename Traits::template atomic<std::uint64_t> free_;
};

}  // namespace bulwark::detail
