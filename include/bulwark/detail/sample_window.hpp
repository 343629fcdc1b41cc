// What the calls of a window showed, added up in one word by whoever ends a call, and taken out whole by the one who
// ends the window.
//
//      63   62  61        52 51        42 41                        0
//    +----+----+------------+------------+---------------------------+
//    |shut| ltd|  dropped   | succeeded  |  their time, in 64 ns     |
//    +----+----+------------+------------+---------------------------+
//
// A call adds itself by a compare-and-swap. The one that finds the window due, by time and by number, swaps the sums
// for an empty window that is *shut*: he has them, to the last call, and until he opens it again nobody else can end
// it. Meanwhile others go on adding, to the window that comes. So whoever ends a window is alone with what the limit
// knows, though nobody waits for him; if he is preempted, the limit stays as it is for as long.
//
// Invariants
//  - Every call that is added is in the sums of exactly one window.
//  - One thread at a time is between an add() that answered true and its open().
//  - No field carries into its neighbour: a time is cut to 32 bits (4 minutes and 34 seconds), and where a number would
//    pass 10 bits all of them are halved first, and the time in proportion. So of a window of more than 1023 calls the
//    older ones weigh less.
//
// What can go wrong, and how far: a window can end before its time where a thread, between reading the word and
// swapping it, sleeps through the whole of a window, and then finds every bit of the word as it was. No call is lost by
// that.
//
// Progress: lock-free (an addition repeats only when another call was added, or the window ended).
//
// Synchronizing edge (25): open() releases -> add() acquires: the end and the beginning of the window, and all that the
// thread that ended the last one wrote, to the thread that ends this one. Every write of the word is a
// read-modify-write, so the release sequence is never broken.
#pragma once

#include <bulwark/detail/traits.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace bulwark::inline BULWARK_ABI::detail {

struct ended_call {
    std::int64_t took = 0;  ///< ns
    bool dropped = false;
    bool limited = false;  ///< it found the limit half used, or more
};

/// The sums of a window.
struct window_sums {
    std::uint64_t units = 0;  ///< of 64 ns, of those that succeeded
    std::uint32_t succeeded = 0;
    std::uint32_t dropped = 0;
    bool limited = false;

    /// At least 1 where there is any.
    std::int64_t mean_ns() const noexcept {
        if (succeeded == 0) return 0;
        return std::max<std::int64_t>(static_cast<std::int64_t>(units * 64 / succeeded), 1);
    }
};

template <class Traits>
class sample_window {
public:
    /// `end`: of the first window. Times are ns since the epoch of a clock.
    sample_window(std::uint32_t min_samples, std::int64_t end) noexcept : min_samples_(min_samples), end_(end) {}

    /// True where this call ended the window: then `sums` are its sums, and open() is to be called.
    bool add(const ended_call& call, std::int64_t now, window_sums& sums) noexcept {
        for (;;) {
            // (25) acquire: synchronizes with the release (25) in open().
            std::uint64_t seen = word_.load(memory_order_acquire);
            // relaxed: it is written before the window is opened, which the line above acquires.
            const bool late = now >= end_.load(memory_order_relaxed);
            const std::uint64_t with = sum(seen, call);
            const bool ends = late && (seen & shut) == 0 && number_in(with) >= min_samples_;
            // (25) acquire: synchronizes with the release (25) in open(); the word may have been through a whole window
            // since it was read.
            if (word_.compare_exchange_weak(seen, ends ? shut : with, memory_order_acquire)) {
                if (ends) sums = taken(with);
                return ends;
            }
            Traits::pause();
        }
    }

    /// By the thread that ended a window.
    void open(std::int64_t end) noexcept {
        // relaxed: published by the addition below.
        end_.store(end, memory_order_relaxed);
        // (25) release: synchronizes with the acquire (25) in add(). The flag is set and nobody else clears it, so that
        // taking it away is a subtraction.
        word_.fetch_add(0 - shut, memory_order_release);
    }

private:
    static constexpr std::uint64_t field = (1U << 10) - 1;
    static constexpr std::uint64_t most_units = (std::uint64_t{1} << 42) - 1;
    static constexpr unsigned succeeded_at = 42;
    static constexpr unsigned dropped_at = 52;
    static constexpr std::uint64_t limited = std::uint64_t{1} << 62;
    static constexpr std::uint64_t shut = std::uint64_t{1} << 63;
    static constexpr std::int64_t longest = std::numeric_limits<std::uint32_t>::max();

    static std::uint64_t units_of(const ended_call& call) noexcept {
        // To the nearest. A clock that stepped back says nothing.
        const std::int64_t took = std::max<std::int64_t>(call.took, 0);
        return static_cast<std::uint64_t>(std::min(took / 64 + (took % 64 >= 32 ? 1 : 0), longest));
    }

    static window_sums taken(std::uint64_t word) noexcept {
        return {.units = word & most_units,
                .succeeded = static_cast<std::uint32_t>((word >> succeeded_at) & field),
                .dropped = static_cast<std::uint32_t>((word >> dropped_at) & field),
                .limited = (word & limited) != 0};
    }
    static std::uint32_t number_in(std::uint64_t word) noexcept {
        const window_sums s = taken(word);
        return s.succeeded + s.dropped;
    }

    /// Half the calls, their mean time as it was.
    static std::uint64_t halved(std::uint64_t word) noexcept {
        const window_sums s = taken(word);
        const std::uint64_t succeeded = s.succeeded / 2;
        const std::uint64_t units = succeeded == 0 ? 0 : s.units * succeeded / s.succeeded;
        return (word & (shut | limited)) | std::uint64_t{s.dropped / 2} << dropped_at | succeeded << succeeded_at |
               units;
    }

    static std::uint64_t sum(std::uint64_t word, const ended_call& call) noexcept {
        if (number_in(word) >= field) word = halved(word);
        if (call.limited) word |= limited;
        if (call.dropped) return word + (std::uint64_t{1} << dropped_at);
        return word + (std::uint64_t{1} << succeeded_at) + units_of(call);
    }

    const std::uint32_t min_samples_;
    typename Traits::template atomic<std::uint64_t> word_{0};
    typename Traits::template atomic<std::int64_t> end_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
