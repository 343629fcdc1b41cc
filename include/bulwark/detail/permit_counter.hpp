// The lock-free permit counter of the bulkhead: free permits in one word, or spread over several *stripes*, each a word
// on a cache line of its own, so that threads at work on different stripes do not wait for each other's lines.
//
//     63           33  32  31             0           63  62                            0
//    +---------------+---+----------------+          +---+-------------------------------+
//    |     puts      | c |  free permits  |          | c |         free permits          |
//    +---------------+---+----------------+          +---+-------------------------------+
//     striped_word                                    wide_word, for one stripe only
//
// A thread takes from its own stripe, and where that has too few from another. It gives back to its own stripe and
// counts the put there, in one addition. It is refused only after it has read all stripes twice and found them equal
// and too poor together: no permit came back in between, so too few were free at the instant between the two readings.
// One stripe needs one reading.
//
// The flag c says that the stripe is *closed*: nothing may be taken from it, and who gives back to it is told so by the
// same addition. Closing, collecting and opening are for the waiting line (waiting_line.hpp), which does them with its
// lock held; a counter that is never closed can do without it.
//
// Invariants
//  - Free permits of all stripes + permits held + what the line holds == capacity, at every instant: a permit is never
//    between two stripes.
//  - `puts` rises with every permit that comes back, from a holder or from the line. It has 31 bits: a refusal is wrong
//    only where exactly 2^31 puts, or a multiple, come to one stripe and are taken again between its two readings of
//    it.
//  - A closed stripe has no free permits but those that came back to it since.
//  - A single stripe is closed only by one that found fewer permits than it wanted: a closed one is a full one.
//
// Linearization: take at its successful compare-and-swap, or, refused, between its last two readings; give_back at
// its addition, where the stripe was open. Counts never pass from one stripe to another, which would hide them on their
// way.
// Progress: take is lock-free (it repeats only when another thread took or gave a permit); give_back is wait-free.
//
// Synchronizing edges, by number:
//   (3) give_back() and open() release -> take_from() and shut() acquire: what a holder did happens before what the
//       next holder of that permit does. Every write of the word is a read-modify-write, so the release sequence is
//       never broken.
//   (7) every change of a stripe releases -> read() acquires: a thread that has met a change sees, in its second
//       reading, the changes of other stripes that came before it; and what the line said when it closed a stripe.
#pragma once

#include <bulwark/detail/traits.hpp>
#include <bulwark/version.hpp>

#include <cstdint>
#include <limits>
#include <memory>

namespace bulwark::inline BULWARK_ABI::detail {

/// Up to 2^32 - 1 permits, and the puts that a refusal over several stripes counts.
struct striped_word {
    static constexpr std::uint64_t closed = std::uint64_t{1} << 32;
    static constexpr std::uint64_t one_put = closed << 1;
    static constexpr std::uint64_t free(std::uint64_t seen) noexcept { return static_cast<std::uint32_t>(seen); }
    static constexpr std::uint64_t puts(std::uint64_t seen) noexcept { return seen >> 33; }
    /// Open, with n free permits, fewer than 2^32. One comparison: with the flag the lower 33 bits are beyond any
    /// number of permits.
    static constexpr bool has(std::uint64_t seen, std::uint64_t n) noexcept {
        return (seen & (one_put - 1)) - n < closed - n;
    }
};

/// Up to 2^62 permits, and no puts.
struct wide_word {
    static constexpr std::uint64_t closed = std::uint64_t{1} << 63;
    static constexpr std::uint64_t one_put = 0;
    static constexpr std::uint64_t free(std::uint64_t seen) noexcept { return seen & ~closed; }
    static constexpr std::uint64_t puts(std::uint64_t /*seen*/) noexcept { return 0; }
    static constexpr bool has(std::uint64_t seen, std::uint64_t n) noexcept { return seen < closed && seen >= n; }
};

enum class taking : std::uint8_t {
    taken,
    full,          ///< too few were free at one instant of the call, or the only stripe is closed
    ask_the_line,  ///< a stripe of several is closed, or no stripe alone has as many as all together
};

/// What the stripes say one after the other.
struct stripes_read {
    std::uint64_t free = 0;
    std::uint64_t puts = 0;
    std::uint64_t closed = 0;  ///< not 0 where any was

    template <class Word>
    void add(std::uint64_t seen) noexcept {
        free += Word::free(seen);
        puts += Word::puts(seen);
        closed |= seen & Word::closed;
    }
};

template <class Traits, class Word = striped_word>
class permit_counter {
public:
    /// `stripes`: a power of two; 1 for a word without puts. Throws std::bad_alloc where it is more than 1.
    explicit permit_counter(std::uint64_t permits, std::uint32_t stripes = 1)
        : others_(stripes == 1 ? nullptr : std::make_unique<stripe[]>(stripes - 1)), mask_(stripes - 1) {
        // relaxed: nobody else has the counter before its constructor returns.
        for (std::uint32_t i = 0; i != stripes; ++i) at(i).store(share(permits, i), memory_order_relaxed);
    }

    taking take(std::uint64_t n = 1) noexcept {
        word& mine = at(own());
        std::uint64_t seen = read(mine);
        const bool tries = Word::has(seen, n);
        if (tries && take_from(mine, seen, n)) [[likely]]
            return taking::taken;
        if (!tries && mask_ == 0) return taking::full;
        return take_from_any(n, tries);
    }
    /// For counters without a line behind them: n permits of one stripe.
    bool try_take(std::uint64_t n = 1) noexcept { return take(n) == taking::taken; }

    /// Whether the stripe was closed: then the line is to be visited.
    bool give_back(std::uint64_t n = 1) noexcept {
        // (3) release: synchronizes with the acquires (3) in take_from(), shut(), collect() and open().
        // (7) release: synchronizes with the acquire (7) in read().
        const std::uint64_t seen = at(own()).fetch_add(Word::one_put + n, memory_order_release);
        return (seen & Word::closed) != 0;
    }

    /// Exact where nobody takes or gives; otherwise a figure for people.
    std::uint64_t available() const noexcept { return look().free; }
    stripes_read look() const noexcept {
        stripes_read all;
        // relaxed: no data is reached through it.
        for (std::uint32_t i = 0; i <= mask_; ++i) all.add<Word>(at(i).load(memory_order_relaxed));
        return all;
    }

    bool striped() const noexcept { return mask_ != 0; }

    // What follows is for the line, which calls it with its lock held.

    /// True: n permits were taken from the only stripe, which stays open. False: all stripes are closed, and `found` is
    /// what was free in them.
    bool take_or_close(std::uint64_t n, std::uint64_t& found) noexcept {
        if (mask_ == 0) return !shut(at(0), n, found);
        for (std::uint32_t i = 0; i <= mask_; ++i) shut(at(i), most, found);
        return false;
    }

    /// Takes what came back since the stripes were closed.
    std::uint64_t collect() noexcept {
        std::uint64_t found = 0;
        for (std::uint32_t i = 0; i <= mask_; ++i) {
            const std::uint64_t came = Word::free(read(at(i)));
            // (3) acquire: synchronizes with the release (3) in give_back(). A subtraction of what was seen: a closed
            // stripe only gains meanwhile.
            // (7) release: synchronizes with the acquire (7) in read().
            if (came != 0) at(i).fetch_add(0 - came, memory_order_acq_rel);
            found += came;
        }
        return found;
    }

    /// Ends the closing, and spreads `permits` over the stripes. Returns what else was in them.
    std::uint64_t open(std::uint64_t permits) noexcept {
        std::uint64_t found = 0;
        for (std::uint32_t i = 0; i <= mask_; ++i) {
            // (3) acquire: synchronizes with the release (3) in give_back(), whose permits are found here.
            // (3) release: synchronizes with the acquires (3) in take_from() and shut().
            // (7) release: synchronizes with the acquire (7) in read(). The flag is set and nobody else clears it, so
            // that taking it away is a subtraction. A put, always: the stripe may have been closed between two
            // readings.
            found +=
                Word::free(at(i).fetch_add(Word::one_put + share(permits, i) - Word::closed, memory_order_acq_rel));
        }
        return found;
    }

    /// Adds permits to the only stripe, which is open.
    void grow(std::uint64_t permits) noexcept {
        // (3), (7) release: as in give_back().
        at(0).fetch_add(Word::one_put + permits, memory_order_release);
    }

private:
    using word = typename Traits::template atomic<std::uint64_t>;
    struct alignas(64) stripe {
        word permits;
    };

    static constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

    word& at(std::uint32_t i) noexcept { return i == 0 ? first_.permits : others_[i - 1].permits; }
    const word& at(std::uint32_t i) const noexcept { return i == 0 ? first_.permits : others_[i - 1].permits; }
    std::uint32_t own() const noexcept { return mask_ == 0 ? 0 : Traits::thread_slot() & mask_; }
    /// Of stripe i.
    std::uint64_t share(std::uint64_t permits, std::uint32_t i) const noexcept {
        const std::uint64_t stripes = std::uint64_t{mask_} + 1;
        return permits / stripes + (i < permits % stripes ? 1 : 0);
    }

    static std::uint64_t read(const word& from) noexcept {
        // (7) acquire: synchronizes with the releases (7) in all that changes a stripe.
        return from.load(memory_order_acquire);
    }

    /// False: another thread was faster.
    static bool take_from(word& from, std::uint64_t& seen, std::uint64_t n) noexcept {
        // (3) acquire: synchronizes with the releases (3) in give_back(), open() and grow().
        // (7) release: synchronizes with the acquire (7) in read().
        return from.compare_exchange_weak(seen, seen - n, memory_order_acq_rel);
    }

    /// `lost`: a race, just before.
    [[gnu::noinline]] taking take_from_any(std::uint64_t n, bool lost) noexcept {
        if (lost) Traits::pause();
        for (;;) {
            const std::uint32_t mine = own();
            stripes_read all;
            for (std::uint32_t i = 0; i <= mask_; ++i) {
                if (take_where_it_has(at((mine + i) & mask_), n, all)) return taking::taken;
            }
            if (mask_ == 0) return taking::full;
            if (all.closed != 0 || all.free >= n) return taking::ask_the_line;
            if (still_empty(all.puts)) return taking::full;
        }
    }

    /// False where the stripe had too few or was closed; then `all` has what it said.
    static bool take_where_it_has(word& from, std::uint64_t n, stripes_read& all) noexcept {
        for (;;) {
            std::uint64_t seen = read(from);
            if (!Word::has(seen, n)) {
                all.add<Word>(seen);
                return false;
            }
            if (take_from(from, seen, n)) return true;
            Traits::pause();
        }
    }

    /// Closes the stripe and adds what was free to `found`, or takes n permits from it where it has them: then false.
    static bool shut(word& stripe, std::uint64_t n, std::uint64_t& found) noexcept {
        for (;;) {
            std::uint64_t seen = read(stripe);
            const std::uint64_t free = Word::free(seen);
            const bool closes = free < n;
            const std::uint64_t next = closes ? (seen | Word::closed) - free : seen - n;
            // (3) acquire: synchronizes with the releases (3) in give_back(), open() and grow().
            // (7) release: synchronizes with the acquire (7) in read().
            if (stripe.compare_exchange_weak(seen, next, memory_order_acq_rel)) {
                if (closes) found += free;
                return closes;
            }
            Traits::pause();
        }
    }

    /// No stripe was closed, and they have seen so many puts still. They were found too poor together, and could get
    /// richer only by a put; puts only rise, so an equal sum means that none came.
    bool still_empty(std::uint64_t puts) const noexcept {
        stripes_read again;
        for (std::uint32_t i = 0; i <= mask_; ++i) again.add<Word>(read(at(i)));
        return again.closed == 0 && again.puts == puts;
    }

    const std::unique_ptr<stripe[]> others_;
    const std::uint32_t mask_;
    stripe first_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
