// The sliding window of the last so long: a ring of buckets, one for each slice of time, of which the last B count.
//
// Slices. A slice is span / B long, rounded up to a nanosecond; slice k of a generation is
// [start + k slice, start + (k + 1) slice), where start is when the generation began. An outcome belongs to the slice
// of the clock's reading in the call that reports it. The window is the running slice and the B - 1 before it. With one
// bucket it is a tumbling window that keeps to its grid; a span of 0 is one slice without end.
//
// A slice of a generation g has the name  start / slice + k + (B + 1) g,  with start taken from when the window was
// made. Names rise with time, and from one generation to the next by more than a window is wide: no window of a
// generation reaches back to an older one, and what a stale result still adds is in no window. That holds because who
// reads the clock loads the breaker's generation after it, so the time is not past the end of the generation. (One more
// than B, so that it holds as well where the clock steps back by up to a slice.)
//
// Words. Of each bucket three, with the lower half of the slice's name as their tag: successes, failures, slow calls.
//
//     63            32 31             0
//    +----------------+----------------+
//    |  slice (tag)   |     count      |
//    +----------------+----------------+
//
// One word, `last_`, is the latest slice that anybody has come to. Who comes to a later one first empties the buckets
// that it takes over, the oldest first, then names it there. One more word has the row of equal outcomes:
//
//     63            33  32   31             0
//    +----------------+----+----------------+
//    |   generation   |fail|    length      |
//    +----------------+----+----------------+
//
// Every outcome is added to its bucket first and to the row then, by a swap that both acquires and releases: so all
// outcomes are in one order, and one that comes later sees the counts of those before.
//
// What a failure weighs, or a slow call. It adds itself, then reads the buckets from the newest to the oldest: failures
// and slow calls, then successes, then failures and slow calls again, until the two readings agree. So it weighs all
// that happens before it, itself, and of what overlaps any part that some instant of its call, after it was added,
// might have shown: failures, slow calls and successes belong together. A slice may leave the window meanwhile, where
// the clock of another thread says so. It is never late: of several that make up a threshold the last in the order of
// the row weighs all. It is never early: it weighs no sum that was not. Its row is exact. (Two failures that overlap
// may disagree on the order of others that overlap both, on machines on which a store reaches some cores sooner than
// others.)
//
// Invariants
//  - When `last_` says s, the words of the buckets of s - B + 1 to s have the tags of these slices, or later ones.
//  - The name in `last_` rises; the tag of a word goes from one lap to a later one once, and while it stays the count
//    only grows.
//  - In a bucket failures are emptied before slow calls, and these before successes; older buckets before younger.
//  - A count that is full, at 2^32 - 1 in one slice, stays there and does not run into the tag.
//
// Wrap. Names have 64 bits, and `last_` has them all. A tag has 32: the bucket that is taken over is known by the tag
// that it must have had, so no idle time is too long; the tags of threads that take it over at the same time are
// compared. Harm is done only by a thread that sleeps between its load and its swap of a word for an exact multiple of
// 2^32 slices, and finds the count of then, or within come_to() for 2^31 slices; or by two that empty a bucket side by
// side after it lay idle for an exact multiple of 2^32 slices, one of which has counted. The generation of the row has
// 31 bits, to be compared.
//
// Progress: lock-free; a swap or a reading is repeated only when another thread added something or came to a later
// slice. Cost: two compare-and-swaps an outcome (three a slow one) on lines that all threads share; a failure and a
// slow call read three words a bucket, two of them twice. Memory: 64 bytes a bucket.
//
// Synchronizing edges, by number:
//  (17) come_to() releases the name of a slice -> load_last() acquires it: its buckets are emptied.
//  (18) every swap of a count or of the row releases -> read() and continue_row() acquire: who sees an outcome sees
//       what happened before it, and who sees a bucket emptied sees those emptied that are older.
#pragma once

#include <bulwark/detail/layout.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/transition.hpp>
#include <bulwark/detail/window_counts.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

template <class Traits>
class time_window {
    using word = typename Traits::template atomic<std::uint64_t>;

public:
    /// 1 to most_buckets_of_window; a span of 0 is endless. `origin`: no generation begins before. Throws
    /// std::bad_alloc.
    time_window(std::uint64_t span, std::uint32_t buckets, instant origin)
        : origin_(origin),
          slice_(span / buckets + (span % buckets != 0 ? 1 : 0)),
          size_(buckets),
          buckets_(std::make_unique<bucket[]>(buckets)),
          last_(buckets - 1),
          row_(0) {
        for (std::uint64_t name = 0; name != buckets; ++name) {
            for (word* w : {&buckets_[name].failures, &buckets_[name].slow, &buckets_[name].successes}) {
                // relaxed: nobody else has the window before its constructor returns.
                w->store(tagged(name), memory_order_relaxed);
            }
        }
    }

    /// Adds an outcome of a call of a generation that began at `start`; `now` was read before it was seen to be the
    /// breaker's. Tells what the window then holds: all of it where the call failed or was slow, else nothing but that
    /// it was added. Nothing where the generation is over, or the slice has left the window.
    std::optional<window_counts> add(std::uint64_t generation, instant start, instant now, bool failed,
                                     bool slow) noexcept {
        const std::uint64_t name = name_of(generation, start, now);
        if (come_to(name) - name >= size_) return std::nullopt;
        bucket& into = buckets_[name % size_];
        word& own = failed ? into.failures : into.successes;
        if (!raise(own, name)) return std::nullopt;
        if (slow) raise(into.slow, name);
        const std::optional<std::uint64_t> row = continue_row(generation, failed);
        if (!row) return std::nullopt;
        std::optional<window_counts> all(std::in_place);
        if (failed || slow) all = weigh(name);
        // Where its slice is still there, it was in the counts.
        if (!all || lane::tag(read(own)) != tag(name)) return std::nullopt;
        put_row(*all, *row);
        return all;
    }

    /// What it holds, for a breaker that is in that generation at that time; nothing where the time is long past.
    std::optional<window_counts> observe(std::uint64_t generation, instant start, instant now) const noexcept {
        // The row first, so that all that made it is in the counts.
        const std::uint64_t row = read(row_);
        if (row_generation::get(row) != (generation & row_generation::max)) return window_counts{};
        std::optional<window_counts> all = weigh(name_of(generation, start, now));
        if (all) put_row(*all, row);
        return all;
    }

private:
    struct alignas(64) bucket {
        word successes;
        word failures;
        word slow;
    };

    using row_length = bit_field<0, 32>;
    using row_failed = bit_field<32, 1>;
    using row_generation = bit_field<33, 31>;

    static constexpr std::uint32_t full = std::numeric_limits<std::uint32_t>::max();

    static constexpr std::uint32_t tag(std::uint64_t name) noexcept { return static_cast<std::uint32_t>(name); }
    static constexpr std::uint64_t tagged(std::uint64_t name) noexcept { return lane::pack(tag(name), 0); }

    std::uint64_t name_of(std::uint64_t generation, instant start, instant now) const noexcept {
        const std::uint64_t slices = slice_ == 0 ? 0 : elapsed(origin_, start) / slice_ + elapsed(start, now) / slice_;
        return slices + generation * (size_ + 1);
    }

    std::uint64_t load_last() const noexcept {
        // (17) acquire: synchronizes with the release (17) in come_to().
        return last_.load(memory_order_acquire);
    }

    static std::uint64_t read(const word& from) noexcept {
        // (18) acquire: synchronizes with the releases (18) in raise(), empty() and continue_row().
        return from.load(memory_order_acquire);
    }

    /// Makes a slice the last, unless a later one is that; the last.
    std::uint64_t come_to(std::uint64_t name) noexcept {
        for (;;) {
            std::uint64_t last = load_last();
            if (name <= last) return last;
            const std::uint64_t oldest = std::max(last, name - size_) + 1;
            for (std::uint64_t i = oldest; i != name + 1; ++i) {
                const std::uint64_t laps = (i - last + size_ - 1) / size_;
                bucket& b = buckets_[i % size_];
                for (word* w : {&b.failures, &b.slow, &b.successes}) empty(*w, i - laps * size_, i);
            }
            // (17) release: synchronizes with the acquire (17) in load_last().
            if (last_.compare_exchange_strong(last, name, memory_order_release)) return name;
        }
    }

    /// From one slice to a later one, unless another thread has done it. That may have had a slice in mind that lies
    /// between: then it goes on from there.
    static void empty(word& w, std::uint64_t from, std::uint64_t to) noexcept {
        std::uint64_t seen = read(w);
        while (lane::tag(seen) == tag(from) || static_cast<std::int32_t>(lane::tag(seen) - tag(to)) < 0) {
            // (18) release: synchronizes with the acquire (18) in read().
            if (w.compare_exchange_strong(seen, tagged(to), memory_order_release)) return;
        }
    }

    /// False where a later slice has the word.
    static bool raise(word& w, std::uint64_t name) noexcept {
        std::uint64_t seen = read(w);
        for (;;) {
            if (lane::tag(seen) != tag(name)) return false;
            if (lane::payload(seen) == full) return true;
            // (18) release: synchronizes with the acquire (18) in read().
            if (w.compare_exchange_weak(seen, seen + 1, memory_order_release)) return true;
            Traits::pause();
        }
    }

    /// The row that this outcome makes; nothing where a later generation has begun one.
    std::optional<std::uint64_t> continue_row(std::uint64_t generation, bool failed) noexcept {
        const std::uint64_t begun = row_failed::put(row_generation::put(0, generation), failed ? 1 : 0);
        // relaxed: the swap below acquires.
        std::uint64_t seen = row_.load(memory_order_relaxed);
        for (;;) {
            // The difference of two tags, at the upper end of a word so that its sign is the word's.
            if (static_cast<std::int64_t>((begun >> 33 << 33) - (seen >> 33 << 33)) < 0) return std::nullopt;
            const bool same = seen >> 32 == begun >> 32;
            std::uint64_t next = begun | (same ? row_length::get(seen) : 0);
            if (!row_length::full(next)) ++next;
            // (18) acquire: synchronizes with the release (18) here, in the thread whose outcome comes before this one.
            // (18) release: synchronizes with the acquires (18) here and in read().
            if (row_.compare_exchange_weak(seen, next, memory_order_acq_rel)) return next;
            Traits::pause();
        }
    }

    static void put_row(window_counts& all, std::uint64_t row) noexcept {
        all.row = static_cast<std::uint32_t>(row_length::get(row));
        all.row_of_failures = row_failed::get(row) != 0;
    }

    /// The counts of the window that ends with that slice, or with a later one that is the last. Nothing where the
    /// slice is not in that window: then it may be one of a later generation.
    std::optional<window_counts> weigh(std::uint64_t name) const noexcept {
        for (;;) {
            const std::uint64_t last = load_last();
            const std::uint64_t end = std::max(name, last);
            if (end - name >= size_) return std::nullopt;
            const total failures = sum(&bucket::failures, end, last);
            const total slow = sum(&bucket::slow, end, last);
            const total successes = sum(&bucket::successes, end, last);
            if (sum(&bucket::failures, end, last).words == failures.words &&
                sum(&bucket::slow, end, last).words == slow.words) {
                return window_counts{.successes = narrow(successes.count),
                                     .failures = narrow(failures.count),
                                     .slow = narrow(slow.count)};
            }
            Traits::pause();
        }
    }

    /// Two that are equal in `words` were read from equal words, since a word only rises, tag and all.
    struct total {
        std::uint64_t words = 0;
        std::uint64_t count = 0;
    };

    static std::uint32_t narrow(std::uint64_t count) noexcept {
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(count, full));
    }

    /// Of the slices of the window that ends at `end`, as far as they are begun: from the newest to the oldest.
    total sum(word bucket::* which, std::uint64_t end, std::uint64_t last) const noexcept {
        total all;
        std::uint64_t at = last % size_;
        for (std::uint64_t i = last; end - i < size_; --i) {
            const std::uint64_t seen = read(buckets_[at].*which);
            at = at == 0 ? size_ - 1 : at - 1;
            all.words += seen;
            if (lane::tag(seen) == tag(i)) all.count += lane::payload(seen);
        }
        return all;
    }

    const instant origin_;
    const std::uint64_t slice_;  ///< 0: without end
    const std::uint64_t size_;
    const std::unique_ptr<bucket[]> buckets_;
    alignas(64) word last_;
    word row_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
