// The lock-free permit counter of the bulkhead: free permits in one word, or spread over several *stripes*, each a word
// on a cache line of its own, so that threads at work on different stripes do not wait for each other's lines.
//
//     63            32 31             0
//    +----------------+----------------+
//    |      puts      |  free permits  |
//    +----------------+----------------+
//
// A thread takes from its own stripe, and one from another where its own is empty. It gives back to its own stripe and
// counts the put there, in one addition. It is refused only after it has read all stripes twice and found them equal
// and empty: no permit came back in between, so all were in use at the instant between the two readings. One stripe
// needs one reading.
//
// Invariants
//  - Free permits of all stripes + permits held == capacity, at every instant: a permit is never between two stripes.
//  - `puts` rises with every permit that comes back. It has 32 bits: a refusal is wrong only where exactly 2^32
//  permits,
//    or a multiple, come back to one stripe and are taken again between its two readings of it.
//
// Linearization: try_take at its successful compare-and-swap, or, refused, between its last two readings; give_back at
// its addition. Counts never pass from one stripe to another, which would hide them on their way.
// Progress: try_take is lock-free (it repeats only when another thread took or gave a permit); the rest is wait-free.
//
// Synchronizing edges, by number:
//   (3) give_back() releases -> take_from() acquires: what a holder did happens before what the next holder of that
//       permit does. Every write of the word is a read-modify-write, so the release sequence is never broken.
//   (7) every change of a stripe releases -> read() acquires: a thread that has met a change sees, in its second
//       reading, the changes of other stripes that came before it.
#pragma once

#include <bulwark/detail/traits.hpp>

#include <cstdint>
#include <memory>

namespace bulwark::detail {

template <class Traits>
class permit_counter {
public:
    /// `stripes`: a power of two. Throws std::bad_alloc where it is more than 1.
    explicit permit_counter(std::uint32_t permits, std::uint32_t stripes = 1)
        : others_(stripes == 1 ? nullptr : std::make_unique<stripe[]>(stripes - 1)), mask_(stripes - 1) {
        // relaxed: nobody else has the counter before its constructor returns.
        for (std::uint32_t i = 0; i != stripes; ++i) {
            at(i).store(permits / stripes + (i < permits % stripes ? 1 : 0), memory_order_relaxed);
        }
    }

    bool try_take() noexcept {
        for (;;) {
            const std::uint32_t mine = own();
            std::uint64_t puts = 0;
            for (std::uint32_t i = 0; i <= mask_; ++i) {
                if (take_from(at((mine + i) & mask_), puts)) return true;
            }
            if (mask_ == 0 || still_empty(puts)) return false;
        }
    }

    void give_back() noexcept {
        // (3) release: synchronizes with the acquire (3) in take_from().
        // (7) release: synchronizes with the acquire (7) in read().
        at(own()).fetch_add(one_put, memory_order_release);
    }

    /// Exact where nobody takes or gives; otherwise a figure for people.
    std::uint32_t available() const noexcept {
        std::uint64_t sum = 0;
        // relaxed: no data is reached through it.
        for (std::uint32_t i = 0; i <= mask_; ++i) sum += free(at(i).load(memory_order_relaxed));
        return static_cast<std::uint32_t>(sum);
    }

private:
    using word = typename Traits::template atomic<std::uint64_t>;
    struct alignas(64) stripe {
        word permits;
    };

    static constexpr std::uint64_t one_put = (std::uint64_t{1} << 32) + 1;
    static constexpr std::uint32_t free(std::uint64_t seen) noexcept { return static_cast<std::uint32_t>(seen); }

    word& at(std::uint32_t i) noexcept { return i == 0 ? first_.permits : others_[i - 1].permits; }
    const word& at(std::uint32_t i) const noexcept { return i == 0 ? first_.permits : others_[i - 1].permits; }
    std::uint32_t own() const noexcept { return mask_ == 0 ? 0 : Traits::thread_slot() & mask_; }

    static std::uint64_t read(const word& from) noexcept {
        // (7) acquire: synchronizes with the releases (7) in take_from() and give_back().
        return from.load(memory_order_acquire);
    }

    /// False where the stripe was empty; then the puts that it has seen are added.
    static bool take_from(word& from, std::uint64_t& puts) noexcept {
        for (;;) {
            std::uint64_t seen = read(from);
            if (free(seen) == 0) {
                puts += seen >> 32;
                return false;
            }
            // (3) acquire: synchronizes with the release (3) in give_back().
            // (7) release: synchronizes with the acquire (7) in read().
            if (from.compare_exchange_weak(seen, seen - 1, memory_order_acq_rel)) return true;
            Traits::pause();
        }
    }

    /// The stripes have seen so many puts still. Each was found empty, and could have a permit again only by a put;
    /// puts only rise, so an equal sum means that none came.
    bool still_empty(std::uint64_t puts) const noexcept {
        for (std::uint32_t i = 0; i <= mask_; ++i) puts -= read(at(i)) >> 32;
        return puts == 0;
    }

    const std::unique_ptr<stripe[]> others_;
    const std::uint32_t mask_;
    stripe first_;
};

}  // namespace bulwark::detail
