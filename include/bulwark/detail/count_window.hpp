// The sliding window of the last N calls: a ring of N entries, one for each outcome, and a head that has the totals.
//
//     head     63                           30 29      20 19      10 9        0
//             +-------------------------------+----------+----------+----------+
//             |  place of the next outcome    |   slow   | failures | successes|
//             +-------------------------------+----------+----------+----------+
//
//     entry    63          36 35        16 15     6   5      4      3      2       1      0
//             +--------------+------------+--------+-----+--------+------+--------+------+--------+
//             | place (tag)  | generation |  row   |first| before |failed|  slow  | slow | failed |
//             |              |            |        |     | counted|      |        |      |        |
//             +--------------+------------+--------+-----+-- of the one before ---+------+--------+
//
// How it works. An outcome is entered in two steps that any thread can finish:
//   1. announce: the entry at the head's place is swapped from the one of N places before to the new one, which also
//      remembers what the old one counted for.
//   2. follow: the head is swapped for the one of the next place; what changes in the totals is all in the entry.
// Whoever finds an entry at the head's place that is of that place does step 2 for it, then goes on; nobody waits for
// anybody.
//
// Generations. An entry carries the generation in which its call was admitted, and the first of a generation begins the
// totals anew: `first`. What an older one left in the ring counts for nothing when it is replaced. The breaker is asked
// for its generation after the head was loaded: where it is still that of the call, all entries so far are of this
// generation or an older one, so equality of the tags is all that is ever asked; and where an entry of a newer one is
// made before the announcement, that fails.
//
// Linearization: at the swap of step 2, or of step 1 where N is 1, add() and the totals that it returns; observe() at
// its load of the head, or of the entry where N is 1; a call of an older generation at the look at the breaker. So
// everything is exact: the totals are at every instant those of the last N outcomes of the generation, a failure weighs
// exactly the N outcomes that end with itself, and whoever completes a threshold sees it. What overlaps has some order,
// the same for all.
//
// Invariants
//  - An entry goes from the tag of one lap to that of the next exactly once, while the head is at its place.
//  - The entry before the head's place has the tag of that place, until a whole lap has passed.
//  - successes + failures is the number of entries of the last N that are of the generation of the last; slow is at
//    most that, and no field carries into its neighbour: the most that one can hold is N.
//
// Wrap. Places are counted modulo a multiple of N of nearly 2^34. A head comes again after so many outcomes, an entry
// after 2^28 with equal content: a thread would have to be asleep between a load and a compare-and-swap for exactly a
// multiple of that, and find equal totals, or an equal entry: 27 s at ten million outcomes a second, to the outcome.
// The generation's tag has 20 bits: two are taken for one where exactly a multiple of 2^20 lie between them, and at
// most N outcomes.
//
// Progress: lock-free; a step is repeated only when another thread advanced the head. Cost: two compare-and-swaps an
// outcome, on lines that all threads share. Memory: 8 bytes for each of the N calls,
// in whole lines of 64.
//
// Synchronizing edges, by number:
//  (16) announce() releases an entry -> entry_at() acquires it: the breaker's generation on which it was made. Each
//       maker of an entry has acquired the one before.
#pragma once

#include <bulwark/detail/layout.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/window_counts.hpp>
#include <bulwark/version.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace bulwark::inline BULWARK_ABI::detail {

/// `PlaceBits`: how far places are counted; fewer for tests, so that they meet the wrap.
template <class Traits, unsigned PlaceBits = 34>
class count_window {
    using word = typename Traits::template atomic<std::uint64_t>;

public:
    /// 1 to most_calls_in_window. Throws std::bad_alloc.
    explicit count_window(std::uint32_t calls)
        : size_(calls),
          places_((std::uint64_t{1} << PlaceBits) / calls * calls),
          ring_(std::make_unique<line[]>((calls + entries_of_a_line - 1) / entries_of_a_line)),
          head_(0) {
        for (std::uint32_t i = 0; i != calls; ++i) {
            // relaxed: nobody else has the window before its constructor returns.
            slot(i).store(tagged(places_ - calls + i), memory_order_relaxed);
        }
    }

    /// Enters an outcome of a call of that generation, and tells what the window then holds; nothing where `current`,
    /// which says whether that is still the breaker's, says no.
    template <class Current>
    std::optional<window_counts> add(std::uint64_t generation, bool failed, bool slow,
                                     const Current& current) noexcept {
        for (;;) {
            const std::uint64_t head = load_head();
            const std::uint64_t place = head_place::get(head);
            const std::uint64_t index = place % size_;
            const std::uint64_t last = entry_at(before(index));
            const std::uint64_t found = entry_at(index);
            if (tag_of(found) == tag(place)) {
                follow(head, found);
                continue;
            }
            if (tag_of(found) != tag(before(place, size_)) || tag_of(last) != tag(before(place, 1))) continue;
            if (!current()) return std::nullopt;
            const std::uint64_t entry = entry_after(last, found, place, generation, failed, slow);
            if (!announce(index, found, entry)) {
                Traits::pause();
                continue;
            }
            follow(head, entry);
            return counts(next_head(head, entry), entry);
        }
    }

    /// What it holds of that generation.
    window_counts observe(std::uint64_t generation) const noexcept {
        for (;;) {
            const std::uint64_t head = load_head();
            const std::uint64_t place = head_place::get(head);
            const std::uint64_t last = entry_at(before(place % size_));
            // In a window of one call the next entry takes the place of the last before the head follows: then this is
            // what the head will be.
            const bool announced = tag_of(last) == tag(place);
            if (!announced && tag_of(last) != tag(before(place, 1))) continue;
            if (!counts_for(last, generation)) return {};
            return counts(announced ? next_head(head, last) : head, last);
        }
    }

private:
    // An entry.
    using is_failed = bit_field<0, 1>;
    using is_slow = bit_field<1, 1>;
    /// What leaves the window with it: whether there is anything, and of what kind.
    using leaving = bit_field<2, 1>;
    using leaving_failed = bit_field<3, 1>;
    using leaving_slow = bit_field<4, 1>;
    /// Of its generation.
    using is_first = bit_field<5, 1>;
    using row = bit_field<6, 10>;
    using generation_tag = bit_field<row::end, 20>;
    using place_tag = bit_field<generation_tag::end, (PlaceBits < 28 ? PlaceBits : 28)>;
    // The head.
    using successes = bit_field<0, 10>;
    using failures = bit_field<successes::end, 10>;
    using slows = bit_field<failures::end, 10>;
    using head_place = bit_field<slows::end, PlaceBits>;
    static_assert(most_calls_in_window < successes::max && most_calls_in_window <= row::max);
    static_assert(head_place::end <= 64 && place_tag::end <= 64);

    static constexpr std::uint32_t entries_of_a_line = 8;
    struct alignas(64) line {
        word entries[entries_of_a_line];
    };

    word& slot(std::uint64_t index) const noexcept {
        return ring_[index / entries_of_a_line].entries[index % entries_of_a_line];
    }

    static constexpr std::uint64_t tag(std::uint64_t place) noexcept { return place & place_tag::max; }
    static constexpr std::uint64_t tag_of(std::uint64_t entry) noexcept { return place_tag::get(entry); }
    static constexpr std::uint64_t tagged(std::uint64_t place) noexcept { return place_tag::put(0, place); }

    std::uint64_t before(std::uint64_t place, std::uint64_t by) const noexcept {
        return place >= by ? place - by : place + places_ - by;
    }
    /// Of the ring.
    std::uint64_t before(std::uint64_t index) const noexcept { return (index == 0 ? size_ : index) - 1; }
    std::uint64_t after(std::uint64_t place) const noexcept { return place + 1 == places_ ? 0 : place + 1; }

    /// Not an entry of the beginning, which has no row.
    static constexpr bool counts_for(std::uint64_t entry, std::uint64_t generation) noexcept {
        return row::get(entry) != 0 && generation_tag::get(entry) == (generation & generation_tag::max);
    }

    std::uint64_t entry_after(std::uint64_t last, std::uint64_t old, std::uint64_t place, std::uint64_t generation,
                              bool failed, bool slow) const noexcept {
        const bool goes_on = counts_for(last, generation);
        const bool same = goes_on && is_failed::get(last) == (failed ? 1 : 0);
        const std::uint64_t so_far = same ? row::get(last) : 0;
        std::uint64_t entry = tagged(place);
        entry = generation_tag::put(entry, generation);
        entry = row::put(entry, so_far == size_ ? so_far : so_far + 1);
        if (failed) entry |= is_failed::mask;
        if (slow) entry |= is_slow::mask;
        if (!goes_on) return entry | is_first::mask;
        if (counts_for(old, generation)) {
            entry |= leaving::mask;
            entry = leaving_failed::put(entry, is_failed::get(old));
            entry = leaving_slow::put(entry, is_slow::get(old));
        }
        return entry;
    }

    std::uint64_t next_head(std::uint64_t head, std::uint64_t entry) const noexcept {
        const std::uint64_t place = after(head_place::get(head));
        std::uint64_t next = is_first::get(entry) != 0 ? 0 : head;
        next += is_failed::get(entry) != 0 ? failures::unit : successes::unit;
        if (is_slow::get(entry) != 0) next += slows::unit;
        if (leaving::get(entry) != 0) {
            next -= leaving_failed::get(entry) != 0 ? failures::unit : successes::unit;
            if (leaving_slow::get(entry) != 0) next -= slows::unit;
        }
        return head_place::put(next, place);
    }

    static constexpr window_counts counts(std::uint64_t head, std::uint64_t last) noexcept {
        return {.successes = static_cast<std::uint32_t>(successes::get(head)),
                .failures = static_cast<std::uint32_t>(failures::get(head)),
                .slow = static_cast<std::uint32_t>(slows::get(head)),
                .row = static_cast<std::uint32_t>(row::get(last)),
                .row_of_failures = is_failed::get(last) != 0};
    }

    std::uint64_t load_head() const noexcept {
        // relaxed: what is read for this place tells by its tag whether it is of it, and edge (16) is that of the
        // entries.
        return head_.load(memory_order_relaxed);
    }

    std::uint64_t entry_at(std::uint64_t index) const noexcept {
        // (16) acquire: synchronizes with the release (16) in announce().
        return slot(index).load(memory_order_acquire);
    }

    /// Step 1.
    bool announce(std::uint64_t index, std::uint64_t old, std::uint64_t entry) noexcept {
        // (16) release: synchronizes with the acquire (16) in entry_at().
        return slot(index).compare_exchange_strong(old, entry, memory_order_release);
    }

    /// Step 2, for who announced and for every helper alike. Where it fails, another thread has done it.
    void follow(std::uint64_t head, std::uint64_t entry) noexcept {
        // relaxed: see load_head().
        head_.compare_exchange_strong(head, next_head(head, entry), memory_order_relaxed);
    }

    const std::uint64_t size_;
    const std::uint64_t places_;  ///< a multiple of the size
    const std::unique_ptr<line[]> ring_;
    alignas(64) word head_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
