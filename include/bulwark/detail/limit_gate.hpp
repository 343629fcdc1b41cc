// How many calls may be inside, and how many are: both in one word, so that admission is one compare-and-swap that
// knows both, and a change of the limit takes part in the same order.
//
//     63            32  31             0
//    +----------------+-----------------+
//    |     limit      |     inside      |
//    +----------------+-----------------+
//
// Invariants
//  - enter() never leaves more inside than the limit in the word that it swapped. Where the limit fell below what is
//    inside, nobody is admitted until enough have left.
//  - inside == enters - leaves: a change of the limit is an addition to the upper half and cannot lose one.
//  - One thread at a time sets the limit: what it adds is the difference to the limit that it knows.
//
// Linearization: enter at its compare-and-swap, or, refused, at its load; leave and set_limit at their addition.
// Progress: enter is lock-free (it repeats only when another thread entered or left, or the limit changed); a refusal,
// leave and set_limit are wait-free.
//
// Synchronizing edge (24): leave() releases -> enter() acquires: what one call did happens before what a call does that
// is admitted after it left. Every write of the word is a read-modify-write, so the release sequence is never broken.
#pragma once

#include <bulwark/detail/traits.hpp>
#include <bulwark/version.hpp>

#include <cstdint>

namespace bulwark::inline BULWARK_ABI::detail {

/// The two halves.
struct gate_view {
    std::uint32_t limit = 0;
    std::uint32_t inside = 0;
};

template <class Traits>
class limit_gate {
public:
    explicit limit_gate(std::uint32_t limit) noexcept : word_(one_of_limit * limit) {}

    /// `seen`: as it was just before. False where it was full.
    [[gnu::always_inline]] bool enter(gate_view& seen) noexcept {
        // relaxed: no data is reached through a refusal; the exchange below checks the value.
        std::uint64_t word = word_.load(memory_order_relaxed);
        for (;;) {
            seen = view(word);
            if (seen.inside >= seen.limit) return false;
            // (24) acquire: synchronizes with the release (24) in leave().
            if (word_.compare_exchange_weak(word, word + 1, memory_order_acquire)) [[likely]]
                return true;
            Traits::pause();
        }
    }

    [[gnu::always_inline]] void leave() noexcept {
        // (24) release: synchronizes with the acquire (24) in enter().
        word_.fetch_add(0 - std::uint64_t{1}, memory_order_release);
    }

    /// By one thread at a time, who knows what the limit is.
    void set_limit(std::uint32_t from, std::uint32_t to) noexcept {
        // relaxed: the limit stands for nothing but itself.
        word_.fetch_add(one_of_limit * to - one_of_limit * from, memory_order_relaxed);
    }

    gate_view look() const noexcept {
        // relaxed: no data is reached through it.
        return view(word_.load(memory_order_relaxed));
    }

private:
    static constexpr std::uint64_t one_of_limit = std::uint64_t{1} << 32;
    static constexpr gate_view view(std::uint64_t word) noexcept {
        return {.limit = static_cast<std::uint32_t>(word >> 32), .inside = static_cast<std::uint32_t>(word)};
    }

    typename Traits::template atomic<std::uint64_t> word_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
