// The generic cell rate algorithm on one word: the theoretical arrival time (TAT), in units of time since construction.
//
// Were permits emitted at the rate and no faster, the TAT is when the last one that was taken would have been out. It
// runs ahead of the clock by what was taken early, up to a burst; where it has fallen behind, nothing is saved up for
// that: it starts from now. A caller moves it on by the cost of its permits with one compare-and-swap, or, where it
// would then be more than a burst ahead of the clock, is refused or waits until it is not.
//
// Invariants. All numbers are whole, no sum is rounded (see emission.hpp); b is a burst.
//   - n permits granted at an instant t of the clock moved the word from some v <= t + b - cost(n) to
//     max(v, t) + cost(n).
//   - The bound: in any window [s, t] at most burst + rate * (t - s) permits are granted. Let f be the first of those
//     granted in it, in the order of the word, and l the last. f left the word at s + cost(f) or above; the others
//     added their costs; before l it was at t + b - cost(l) or below. So their costs are together at most t + b - s.
//     The clock need not agree with the order of the word: threads may read it long before they swap, and it may stand
//     or step back.
//   - A reservation is cancelled only where the word is as its owner left it. Later ones are above it, so all of them
//     were cancelled, and the word becomes what it was before. Anything else would hand out places twice.
//   - The word is never further ahead of a clock that does not step back than a burst and the longest wait, 2^62 units.
//     So it is told from one that has fallen behind unless it did so by more than 2^63, the horizon; and a clock may
//     step back by 2^62.
//
// Linearization: an admission at its successful swap. A refusal at its reading of the clock, after the load: the word
// was at least what was loaded, unless a reservation was cancelled in between; then at the load.
// Progress: take() and reserve() are lock-free (they repeat only when another has changed the word), the rest is
// wait-free. A refusal writes nothing.
//
// Synchronizing edges, by number:
//   (22) every grant and reservation releases -> read() acquires: who finds what another took then reads a clock that
//        is not behind the other's reading. Without it a caller could be refused by what was taken later than the time
//        that it looks at, though a permit was free all the time.
#pragma once

#include <bulwark/detail/emission.hpp>
#include <bulwark/detail/time_limit.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <ratio>

namespace bulwark::inline BULWARK_ABI::detail {

template <class Clock, class Traits>
class alignas(64) gcra {
    using nanoseconds = std::chrono::nanoseconds;
    static_assert(std::integral<typename Clock::rep>, "a rate limiter needs a clock that counts in whole numbers");

public:
    enum class answer : std::uint8_t {
        granted,
        later,     ///< reserved, for a time to come
        too_late,  ///< its time would be after the end
        too_far,   ///< its time would be further away than anybody may wait
    };

    /// A place in the order of emission; instants.
    struct reservation {
        std::uint64_t before = 0;  ///< the word that its owner found
        std::uint64_t word = 0;    ///< and left
        std::uint64_t due = 0;     ///< when its permits may be used
    };

    gcra(const emission& rate, nanoseconds max_wait)
        : rate_(rate),
          max_wait_(std::min(static_cast<std::uint64_t>(max_wait.count()), emission::longest / rate.per_ns())),
          began_(Clock::now()) {}

    /// The most at once, in permits.
    std::uint64_t most() const noexcept { return rate_.most(); }

    /// n permits, at most a burst: now or not at all.
    [[gnu::always_inline]] bool take(std::uint64_t n) noexcept(noexcept(Clock::now())) {
        const std::uint64_t cost = n * rate_.interval();
        for (std::uint64_t seen = read();;) {
            const std::uint64_t now = instant();
            const std::uint64_t lead = ahead(seen, now) + cost;
            if (lead > rate_.burst()) return false;
            if (swap(seen, now + lead)) [[likely]]
                return true;
            Traits::pause();
            seen = read();
        }
    }

    /// n permits, at most a burst: now, or at the time that is then in `mine`. `end`: or no later; may be null.
    answer reserve(std::uint64_t n, const time_limit* end, reservation& mine) {
        const std::uint64_t cost = n * rate_.interval();
        for (;; Traits::pause()) {
            mine.before = read();
            const std::uint64_t now = instant();
            const std::uint64_t lead = ahead(mine.before, now);
            const std::uint64_t wait = wait_for(lead + cost);
            if (wait != 0) {
                if (end != nullptr && wait > static_cast<std::uint64_t>(end->left().count())) return answer::too_late;
                if (wait > max_wait_) return answer::too_far;
            }
            const std::uint64_t passes = wait * rate_.per_ns();
            mine.due = now + passes;
            mine.word = now + std::max(lead, passes) + cost;
            if (swap(mine.before, mine.word)) return wait == 0 ? answer::granted : answer::later;
        }
    }

    /// Gives a reservation back before its time. False: others reserved behind it, and it stays used.
    bool cancel(const reservation& mine) noexcept {
        std::uint64_t seen = mine.word;
        // relaxed: what those before it released goes on in the release sequence of the word (22); this adds nothing.
        return word_.compare_exchange_strong(seen, mine.before, memory_order_relaxed);
    }

    /// 0 where its time has come.
    nanoseconds left(const reservation& mine) const { return as_ns(rate_.ns_of(ahead(mine.due, instant()))); }

    /// When n permits, at most a burst, could be taken; 0 where that is now.
    nanoseconds left(std::uint64_t n) const {
        const std::uint64_t seen = read();
        return as_ns(wait_for(ahead(seen, instant()) + n * rate_.interval()));
    }

    /// Permits that could be taken now.
    std::uint64_t available() const {
        const std::uint64_t seen = read();
        const std::uint64_t lead = ahead(seen, instant());
        return lead < rate_.burst() ? (rate_.burst() - lead) / rate_.interval() : 0;
    }

private:
    using word = typename Traits::template atomic<std::uint64_t>;

    /// By how much; 0 where it is behind.
    static std::uint64_t ahead(std::uint64_t word, std::uint64_t now) noexcept {
        const std::uint64_t lead = word - now;
        return static_cast<std::int64_t>(lead) > 0 ? lead : 0;
    }

    /// How long, in ns, until what would be so far ahead is ahead by no more than a burst.
    std::uint64_t wait_for(std::uint64_t lead) const noexcept {
        return lead > rate_.burst() ? rate_.ns_of(lead - rate_.burst()) : 0;
    }

    std::uint64_t read() const noexcept {
        // (22) acquire: synchronizes with the release (22) in swap().
        return word_.load(memory_order_acquire);
    }
    bool swap(std::uint64_t seen, std::uint64_t next) noexcept {
        // (22) release: synchronizes with the acquire (22) in read().
        return word_.compare_exchange_weak(seen, next, memory_order_release);
    }

    /// Now, in units since construction; 0 where the clock stepped back behind it.
    std::uint64_t instant() const noexcept(noexcept(Clock::now())) {
        using tick_in_ns = std::ratio_divide<typename Clock::period, std::nano>;
        const typename Clock::time_point now = Clock::now();
        if (now <= began_) return 0;
        // Unsigned: the difference of two times may not fit otherwise.
        const std::uint64_t steps = static_cast<std::uint64_t>(now.time_since_epoch().count()) -
                                    static_cast<std::uint64_t>(began_.time_since_epoch().count());
        if constexpr (tick_in_ns::den == 1) {
            return steps * static_cast<std::uint64_t>(tick_in_ns::num) * rate_.per_ns();
        } else {
            const auto ns = static_cast<double_word>(steps) * static_cast<std::uint64_t>(tick_in_ns::num) /
                            static_cast<std::uint64_t>(tick_in_ns::den);
            return static_cast<std::uint64_t>(ns) * rate_.per_ns();
        }
    }

    static nanoseconds as_ns(std::uint64_t ns) noexcept { return nanoseconds(static_cast<nanoseconds::rep>(ns)); }

    const emission rate_;
    const std::uint64_t max_wait_;
    const typename Clock::time_point began_;
    word word_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
