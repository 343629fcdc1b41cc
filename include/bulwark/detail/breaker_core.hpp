// The lock-free circuit breaker without its clothes: one head, two banks of lanes (see layout.hpp), and the loops
// that advance them by compare-and-swap as the pure state machine (transition.hpp) says.
//
// How it works. A call that only counts is one compare-and-swap of the head. Everything else is a *move*, in three
// steps that any thread can finish:
//   1. freeze: the thread that wants the move swaps the head for the same head marked with the move. From then on the
//      only head that can follow is that of the next epoch, so all that it must hold is settled, but for the time.
//   2. publish: the record of the next epoch is written into the idle bank, lane by lane. Every lane is swapped from
//      the tag it has (epoch - 1) to the tag of the next epoch, so each is written once, whoever writes it.
//   3. follow: the head is swapped for that of the next epoch.
// Whoever meets a frozen head does steps 2 and 3 itself, then goes on; nobody waits for anybody. Observers do not
// write: for them a move has not happened until step 3.
//
// The time of a move is the one thing that helpers do not compute alike: each proposes its own reading of the clock,
// taken after the freeze. It takes two lanes. The upper half is agreed first; then each proposes the lower half of the
// time nearest to its own that has the agreed upper half. The time so put together lies between two of the readings.
//
// Beside the head. A thread that has a cell (cells.hpp) counts the calls that a closed breaker admits, and their
// successes, in its cell and leaves the head alone: it only looks whether the head is still the one that its cell
// knows. Threads beyond the cells do so in cells that they share (shared_cell.hpp). The first success after a failure
// is the exception: it ends the row of failures, which is the head's. Failures stay on the head, one after another, so
// the last one to reach a threshold has seen all others.
//
// Linearization, without cells: admit and report at the compare-and-swap of the head that counts them, or at step 3 of
// the transition that they make; or, where they are refused or stale, at the load of the head that showed it. Observers
// at the load of the head. Counts are exact: every snapshot is one that was.
// With cells, state, generation, admissions, failures and rows of failures stay exact. What the cells add is looser:
//  - A failure weighs successes, and requests, each as they were at an instant of its own call, after the last failure
//    that it weighs. A success that is counted between that instant and the trip is not weighed.
//  - A success of the closed state is judged (counted or stale) at its load of the head, and is in the sums from its
//    stores on, a little later.
//  - A closed snapshot is read at several instants of its call, between which nothing failed and no window began: first
//    what the head alone counts, then successes and row, and requests last.
// lin/celled_breaker_spec.hpp has this to the letter. What happens before a call is always seen by it.
// Time is as exact as its reading: an operation that has read the clock and is then delayed acts as of its reading (see
// docs/design.md).
//
// An operator's word (make) is a move like the others. Open by force is a number of openings that no breaker has. A
// disabled breaker is one state more: its head counts nothing and is nobody's memo, so every call of it takes the long
// way, and none is slower for it while it is not disabled.
//
// A hint of the service ("not before ...") is put into a word beside the head (hint.hpp), from where the next opening
// takes it into its record; only there it counts, so the closed state knows nothing of it. Where the breaker is open
// already, a carry takes it there. hold_off() makes a carry in the other states too: an opening that is under way
// either comes after it and sees the hint, or makes it fail and try again. Linearization: at step 3 of that carry, or,
// where it changed nothing, at the load of the head. Helpers that read different hints agree as they do on the time.
//
// Progress: all is lock-free (each operation repeats only when another thread advanced the head or raised the hint),
// given that the clock and the policy return. No locks, no allocation, no exceptions.
//
// Synchronizing edges, by number:
//   (1) settle() releases the head of a new epoch -> load_head() acquires it: its lanes are in place.
//       The swaps of the head between the two continue the release sequence.
//   (2) freeze releases the frozen head -> load_head() acquires it: a helper's clock is read after the initiator's.
//   (8) count() releases the head -> load_head() acquires it: who sees an outcome sees its request, which its thread
//       may have counted in a cell.
//  (13) hold_off() releases a hint -> hold_off() acquires it: who finds a hint sees the head for which it was raised.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/detail/cells.hpp>
#include <bulwark/detail/hint.hpp>
#include <bulwark/detail/layout.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/transition.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace bulwark::inline BULWARK_ABI::detail {

/// Proves in which generation and window a call was admitted. A request that was not counted is of no window: its
/// outcome counts it, as it does that of a call from an earlier window.
struct ticket {
    std::uint64_t generation = 0;
    std::uint64_t window = 0;
};

struct admission {
    ticket admitted;                 ///< where refusal is not set
    errc refusal{};                  ///< 0: let through
    std::optional<transition> made;  ///< the transition that this call made
};

struct report_result {
    bool counted = false;            ///< false: stale
    std::optional<transition> made;  ///< the transition that this outcome made
};

template <class Clock, class Traits>
class breaker_core {
    using L = typename Traits::layout;
    using M = machine<L>;

public:
    /// `cells`: how many threads count beside the head; 0 is the compact form. Throws std::bad_alloc where it is not 0.
    explicit breaker_core(const limits& lim, std::uint32_t cells = 0)
        : head_(M::initial_head()), hint_(hint_word::none), cells_(cells), limits_(lim) {
        const std::uint32_t epoch = L::epoch_of(M::initial_head());
        const record first{.since = read_clock()};
        for (std::size_t i = 0; i != lane_count; ++i) {
            // relaxed: nobody else has the breaker before its constructor returns.
            bank(epoch)[i].store(lane::pack(epoch, payload(first, i)), memory_order_relaxed);
            bank(L::epoch_after(epoch))[i].store(lane::pack(L::epoch_before(epoch), 0), memory_order_relaxed);
        }
    }

    /// The everyday answers: let through by a closed breaker, its window not over and no tally full; or refused by an
    /// open one of which the thread's cell knows. False where it is anything else; then nothing has happened, and
    /// admit() does all of it.
    [[gnu::always_inline]] bool admit_plainly(ticket& admitted, errc& refusal) noexcept {
        const std::uint32_t slot = Traits::known_thread_slot();
        if (slot < cells_.size()) [[likely]]
            return admit_in(cells_[slot], admitted, refusal);
        if (slot == unclaimed_thread_slot) return false;
        admitted = cells_.size() == 0 ? admit_on_head() : admit_beside(slot);
        return admitted.generation != 0;
    }

    /// Whether it is closed, and no transition under way; then also in which generation, and since when. A carry, as a
    /// hint makes it, changes neither: an outcome that meets one is of this generation and counts.
    bool closed(record& r) const noexcept {
        return stamped(r, [](std::uint64_t head) { return M::stays_closed(head); });
    }
    /// The same for an observer, for whom a move that is under way has not happened.
    bool closed_for_now(record& r) const noexcept {
        return stamped(r, [](std::uint64_t head) { return M::is_plain(M::frozen(head, move::none)); });
    }

    /// Asks to be let through. `ElsewhereIfClosed`: unless it is closed; the answer then is a ticket of generation 0.
    template <bool ElsewhereIfClosed = false>
    [[gnu::noinline]] admission admit() noexcept {
        if (admission answer; admit_anew(answer.admitted, answer.refusal)) return answer;
        operation_time now;
        for (;;) {
            // relaxed: before the head, so that it is not of a later generation; nothing is reached through it.
            const std::uint64_t hint = limits_.max_hint == 0 ? hint_word::none : hint_.load(memory_order_relaxed);
            const std::uint64_t head = load_head();
            record r;
            if (help(head) || !read(head, r)) continue;
            if (M::is_disabled(head)) return {.admitted = {r.generation, no_window}, .made = {}};
            if constexpr (ElsewhereIfClosed) {
                if (M::is_plain(head)) return {};
            }
            step next = M::admit(head, r, now.at(head, limits_), limits_);
            if (nearly_counted_out(head, r)) next = {M::frozen(head, move::roll)};
            if (next.refusal != errc{}) return {.admitted = {}, .refusal = next.refusal, .made = {}};
            const move m = M::move_of(next.head);
            if (!advance(head, next.head)) continue;
            if (m == move::none) return {.admitted = {r.generation, r.window}, .made = {}};
            if (m == move::probe && hint != hint_word::none) forget(hint);
            if (is_transition(m)) {
                return {.admitted = {r.generation + 1, M::next_window(next.head, r)},
                        .made = transition_from(next.head, r)};
            }
        }
    }

    /// The everyday success, as admit_plainly() is the everyday admission. False where report() must do it.
    [[gnu::always_inline]] bool succeed_plainly(ticket admitted) noexcept {
        const std::uint32_t slot = Traits::known_thread_slot();
        if (slot < cells_.size()) [[likely]]
            return succeed_in(cells_[slot], admitted);
        if (slot == unclaimed_thread_slot) return false;
        return cells_.size() == 0 ? succeed_on_head(admitted) : succeed_beside(slot, admitted);
    }

    /// Says how an admitted call ended. `trips` is asked, with counts that include it, about a failure in the closed
    /// state; it must not throw.
    template <class TripPolicy>
    [[gnu::noinline]] report_result report(ticket admitted, outcome o, const TripPolicy& trips) noexcept {
        if (o == outcome::success && succeed_anew(admitted)) return {.counted = true, .made = {}};
        operation_time now;
        beside_head beside;
        for (;;) {
            const std::uint64_t head = load_head();
            record r;
            if (help(head) || !read(head, r)) continue;
            if (r.generation != admitted.generation || M::is_disabled(head)) return {};
            std::uint64_t next = M::report(head, r, o, admitted.window, now.at(head, limits_), limits_).head;
            if (M::move_of(next) == move::carry && nearly_counted_out(head, r)) next = M::frozen(head, move::roll);
            if (M::is_plain(next) && o == outcome::failure && trips(counts_at_failure(head, next, r, beside))) {
                next = M::frozen(head, move::trip);
            }
            const move m = M::move_of(next);
            if (!advance(head, next)) continue;
            if (m == move::none) return {.counted = true, .made = {}};
            if (is_transition(m)) return {.counted = true, .made = transition_from(next, r)};
        }
    }

    /// An operator's word: trip, force, disable or reset. The transition, where it makes one.
    std::optional<transition> make(move wanted) noexcept {
        return make(wanted, [](std::uint64_t) {});
    }
    /// `announce` is told the generation that it would begin, each time before that is tried: who sees the generation
    /// sees, by edges (2) and (1), what was written there.
    template <class Announce>
    [[gnu::noinline]] std::optional<transition> make(move wanted, const Announce& announce) noexcept {
        for (;;) {
            const std::uint64_t head = load_head();
            record r;
            if (help(head) || !read(head, r)) continue;
            if (!M::can_make(wanted, head, r, read_clock_for(head), limits_)) return std::nullopt;
            announce(r.generation + 1);
            const std::uint64_t next = M::frozen(head, wanted);
            if (advance(head, next)) return transition_from(next, r);
        }
    }

    /// Opens a breaker that is closed and still in that generation, as ready_to_trip does.
    [[gnu::noinline]] std::optional<transition> trip(std::uint64_t generation) noexcept {
        for (;;) {
            const std::uint64_t head = load_head();
            record r;
            if (help(head)) continue;
            if (!M::is_plain(head)) return std::nullopt;
            if (!read_stamp(head, r)) continue;
            if (r.generation != generation) return std::nullopt;
            const std::uint64_t next = M::frozen(head, move::trip);
            if (advance(head, next)) return transition_from(next, r);
        }
    }

    /// Any generation.
    static constexpr std::uint64_t whichever = 0;

    /// Where the breaker is open, or the next to happen is that it opens, it stays open for so many ns from now at
    /// least. False where that changes nothing, and where another generation has begun than the one asked for.
    [[gnu::noinline]] bool hold_off(std::uint64_t span, std::uint64_t generation = whichever) noexcept {
        if (limits_.max_hint == 0 || span == 0) return false;
        span = std::min(span, limits_.max_hint);
        const instant now = read_clock();
        const instant to = hint_word::rounded(now > never - span ? never : now + span);
        bool raised = false;
        for (;;) {
            // (13) acquire: synchronizes with the release (13) below. Before the head, so that the word is not of a
            // later generation than the head.
            std::uint64_t hint = hint_.load(memory_order_acquire);
            const std::uint64_t head = load_head();
            record r;
            if (help(head) || !read(head, r)) continue;
            if (generation != whichever && r.generation != generation) return raised;
            if (M::is_disabled(head) || M::is_forced(head, r)) return raised;
            const bool open = M::state_of(head) == breaker_state::open;
            if (open && r.not_before >= to) return raised;
            const std::uint64_t next = hint_word::raised(hint, to, r.generation, open);
            // (13) release: synchronizes with the acquire (13) above.
            if (next != hint && !hint_.compare_exchange_strong(hint, next, memory_order_release)) continue;
            raised |= next != hint;
            // Whoever is about to open the breaker, or to let the first probe through, did not see the hint, perhaps;
            // then this fails, or that does.
            if (advance(head, M::frozen(head, move::carry)) && !open) return raised;
        }
    }

    /// What the next call would find. Writes nothing.
    breaker_snapshot observe() const noexcept {
        for (;;) {
            const std::uint64_t head = load_head();
            record r;
            if (!read(head, r)) continue;
            const instant now = read_clock_for(head);
            cell_counts beside;
            if (M::state_of(head) == breaker_state::closed && cells_.in_use() && !read_cells(head, r, beside)) continue;
            return M::observe(head, r, now, limits_, beside);
        }
    }

private:
    enum lane_index : std::size_t {
        since_upper,
        since_lower,
        generation_upper,
        generation_lower,
        window_upper,
        window_lower,
        requests,   ///< open: not_before, the upper half
        successes,  ///< open: not_before, the lower half
        failures,   ///< not closed: openings
        ignored,
        run,
        lane_count
    };

    static constexpr std::uint64_t no_window = 0;

    using word = typename Traits::template atomic<std::uint64_t>;
    using own_cell = cell<Traits>;

    /// The counts of all cells, and of which window and failure they are.
    struct beside_head {
        std::uint64_t window = 0;
        std::uint32_t failures = 0;
        cell_counts sum;
    };

    /// The time of one operation. Closed, it is read once, or an operation on a window of a nanosecond would find it
    /// over again after every roll. In the other states it is read for every head that is tried: what another thread
    /// did in between may be later than the last reading.
    class operation_time {
    public:
        instant at(std::uint64_t head, const limits& lim) noexcept {
            const bool closed = M::state_of(head) == breaker_state::closed;
            if (M::timed(head, lim) && !(closed && known_)) {
                now_ = read_clock();
                known_ = true;
            }
            return now_;
        }

    private:
        instant now_ = 0;
        bool known_ = false;
    };

    static instant read_clock() noexcept {
        const auto now = Clock::now().time_since_epoch();
        return to_instant(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
    }

    instant read_clock_for(std::uint64_t head) const noexcept {
        return M::timed(head, limits_) ? read_clock() : instant{0};
    }

    static transition transition_from(std::uint64_t frozen, const record& r) noexcept {
        return {
            .from = M::state_of(frozen), .to = M::state_of(M::next_head(frozen, r)), .generation = r.generation + 1};
    }

    static constexpr std::uint32_t payload(const record& r, std::size_t i) noexcept {
        switch (i) {
            case since_upper: return static_cast<std::uint32_t>(r.since >> 32);
            case since_lower: return static_cast<std::uint32_t>(r.since);
            case generation_upper: return static_cast<std::uint32_t>(r.generation >> 32);
            case generation_lower: return static_cast<std::uint32_t>(r.generation);
            case window_upper: return static_cast<std::uint32_t>(r.window >> 32);
            case window_lower: return static_cast<std::uint32_t>(r.window);
            // Of each two one is 0.
            case requests: return r.requests + static_cast<std::uint32_t>(r.not_before >> 32);
            case successes: return r.successes + static_cast<std::uint32_t>(r.not_before);
            case failures: return r.failures + r.openings;
            case ignored: return r.ignored;
            default: return r.run;
        }
    }

    word* bank(std::uint32_t epoch) noexcept { return lanes_ + (epoch & 1) * lane_count; }
    const word* bank(std::uint32_t epoch) const noexcept { return lanes_ + (epoch & 1) * lane_count; }

    std::uint64_t load_head() const noexcept {
        // (1) acquire: synchronizes with the release (1) in settle().
        // (2) acquire: synchronizes with the release (2) in freeze().
        // (8) acquire: synchronizes with the release (8) in count().
        return head_.load(memory_order_acquire);
    }

    /// A payload of the record of the head's epoch. `strangers` collects what is wrong with the tags.
    std::uint32_t read_lane(std::uint64_t head, lane_index i, std::uint64_t& strangers) const noexcept {
        const std::uint32_t epoch = L::epoch_of(head);
        // relaxed: (1) has made the lanes of this epoch visible; a later one betrays itself by its tag.
        const std::uint64_t seen = bank(epoch)[i].load(memory_order_relaxed);
        strangers |= seen ^ lane::pack(epoch, 0);
        return lane::payload(seen);
    }

    /// What most have to know of a record. Not initialized: that would be stores on the everyday paths.
    struct stamp {
        instant since;
        std::uint64_t generation;
        std::uint64_t window;
    };

    /// When and in which generation and window the head's epoch stands; false where it has passed meanwhile.
    template <class Stamped>
    bool read_stamp(std::uint64_t head, Stamped& r) const noexcept {
        std::uint64_t strangers = 0;
        const auto at = [&](lane_index i) { return read_lane(head, i, strangers); };
        r.since = std::uint64_t{at(since_upper)} << 32 | at(since_lower);
        r.generation = std::uint64_t{at(generation_upper)} << 32 | at(generation_lower);
        r.window = std::uint64_t{at(window_upper)} << 32 | at(window_lower);
        return lane::tag(strangers) == 0;
    }

    /// The whole record of the head's epoch; false where it has passed meanwhile.
    bool read(std::uint64_t head, record& r) const noexcept {
        std::uint64_t strangers = 0;
        const auto at = [&](lane_index i) { return read_lane(head, i, strangers); };
        const breaker_state state = M::state_of(head);
        if (state == breaker_state::closed) {
            r.failures = at(failures);
        } else {
            r.openings = at(failures);
        }
        if (state == breaker_state::open) {  // then nothing is counted
            if (limits_.max_hint != 0) r.not_before = std::uint64_t{at(requests)} << 32 | at(successes);
            return lane::tag(strangers) == 0 && read_stamp(head, r);
        }
        r.requests = at(requests);
        r.successes = at(successes);
        r.ignored = at(ignored);
        r.run = at(run);
        return lane::tag(strangers) == 0 && read_stamp(head, r);
    }

    /// What is counted beside a closed head, and, since the cells were read, on it; false where they were not of this
    /// window and of this row, as they are if the head still is.
    bool read_cells(std::uint64_t head, const record& r, cell_counts& beside) const noexcept {
        const std::uint32_t failed = M::failures(head, r);
        beside = cells_.sum(r.window, failed);
        const std::uint64_t later = load_head();
        std::uint64_t strangers = 0;
        const auto at = [&](lane_index i) { return read_lane(later, i, strangers); };
        record s;  // as much of it as is asked for here
        s.window = std::uint64_t{at(window_upper)} << 32 | at(window_lower);
        s.failures = at(failures);
        s.requests = at(requests);
        if (lane::tag(strangers) != 0 || s.window != r.window || M::failures(later, s) != failed) return false;
        // Requests may have been counted on the head meanwhile, the outcomes of which are in the sum.
        beside.requests += M::counts(later, s).requests - M::counts(head, r).requests;
        return true;
    }

    /// What the service asked for, where the move leads to where that counts.
    instant hint_for(std::uint64_t frozen, const record& r) const noexcept {
        if (limits_.max_hint == 0 || !M::hears(frozen)) return 0;
        // relaxed: who raised it before the freeze is seen by edge (2); who does later makes a move of his own.
        const std::uint64_t hint = hint_.load(memory_order_relaxed);
        const std::uint64_t opening = r.generation + (is_transition(M::move_of(frozen)) ? 1 : 0);
        return hint_word::is_for(hint, opening, true) ? hint_word::not_before(hint) : 0;
    }

    /// The hint has had its time, or is of a generation long past. A newer one stays.
    void forget(std::uint64_t hint) noexcept {
        // relaxed: nothing is reached through the word; who sees it cleared takes it for an old one.
        hint_.compare_exchange_strong(hint, hint_word::none, memory_order_relaxed);
    }

    template <class Wanted>
    bool stamped(record& r, const Wanted& wanted) const noexcept {
        for (;;) {
            const std::uint64_t head = load_head();
            if (!wanted(head)) return false;
            if (read_stamp(head, r)) return true;
        }
    }

    /// Finishes the move that another thread began; false where there is none.
    bool help(std::uint64_t head) noexcept {
        if (M::move_of(head) == move::none) return false;
        settle(head);
        return true;
    }

    [[gnu::always_inline]] bool admit_in(own_cell& own, ticket& admitted, errc& refusal) noexcept {
        const instant now = time_against(own);
        const std::uint64_t head = load_head();
        if (own.head != (head & L::lasting) || now >= own.certain_until) [[unlikely]]
            return false;
        if (!M::is_plain(head)) {
            refusal = errc::circuit_open;
            return true;
        }
        if (limits_.counted != counting::all) {
            admitted = {own.generation, no_window};
            return true;
        }
        const std::uint64_t so_far = own.requests();
        if ((so_far + 1) % L::cell_stride == 0 && nearly_counted_out(head)) [[unlikely]]
            return false;
        own.count_request(so_far);
        admitted = {own.generation, own.window()};
        return true;
    }

    [[gnu::always_inline]] bool succeed_in(own_cell& own, ticket admitted) noexcept {
        const instant now = time_against(own);
        const std::uint64_t head = load_head();
        // A head in a row of failures differs from the memo as well: the success that ends the row is the head's. A
        // memo of an open head is of a later generation.
        if (own.head != (head & (L::lasting | L::run_of_failures::mask)) || now >= own.certain_until ||
            own.generation != admitted.generation) [[unlikely]]
            return false;
        if (limits_.counted != counting::all) return true;
        if (own.window() != admitted.window) [[unlikely]]
            return false;
        own.count_success(own.failures + static_cast<std::uint32_t>(L::failures::get(head)));
        return true;
    }

    /// A time to compare with that of the cell's memo. Read before the head: after it, it takes 1 ns more.
    static instant time_against(const own_cell& own) noexcept { return own.certain_until == never ? 0 : read_clock(); }

    /// What admit_plainly() does, after the cell, if the thread has one, was made acquainted with the head.
    bool admit_anew(ticket& admitted, errc& refusal) noexcept {
        const std::uint32_t slot = Traits::thread_slot();
        if (slot >= cells_.size()) return false;
        while (adopt(slot, load_head())) {
            if (admit_in(cells_[slot], admitted, refusal)) return true;
        }
        return false;
    }
    bool succeed_anew(ticket admitted) noexcept {
        const std::uint32_t slot = Traits::thread_slot();
        if (slot >= cells_.size()) return false;
        while (adopt(slot, load_head())) {
            if (succeed_in(cells_[slot], admitted)) return true;
        }
        return false;
    }

    /// Makes the memo of the thread's cell one of this head. False where it is one already, or where the head says
    /// nothing of the calls to come.
    bool adopt(std::uint32_t slot, std::uint64_t head) noexcept {
        own_cell& own = cells_[slot];
        record r;
        if (own.head == (head & L::lasting) || !M::is_lasting(head) || !read(head, r)) return false;
        cells_.put_to_use(slot);
        own.remember(head & L::lasting, r, M::certain_until(head, r, limits_));
        if (M::is_plain(head)) own.enter(r.window);
        return true;
    }

    /// Whether a new window is due because the counts of this one, all cells together, come near to what they can hold.
    bool nearly_counted_out(std::uint64_t head, const record& r) const noexcept {
        if (!cells_.in_use() || M::state_of(head) != breaker_state::closed) return false;
        // What the head and every cell may still add before one of them looks again.
        const std::uint64_t unseen = (cells_.all() + std::uint64_t{2}) * L::cell_stride;
        const std::uint64_t beside = cells_.sum(r.window, M::failures(head, r)).requests;
        return M::counts(head, r).requests + beside + unseen > L::max_count;
    }

    [[gnu::noinline]] bool nearly_counted_out(std::uint64_t head) const noexcept {
        record r;
        return !read(head, r) || nearly_counted_out(head, r);
    }

    /// The counts that a failure makes, which would turn head into next.
    breaker_counts counts_at_failure(std::uint64_t head, std::uint64_t next, const record& r,
                                     beside_head& beside) const noexcept {
        const std::uint32_t before = M::failures(head, r);
        // What was read for the same failure holds: it is of an instant at which no more had failed. Without that, a
        // failure could starve while other threads count on the head.
        if (beside.window != r.window || beside.failures != before) {
            beside = {.window = r.window, .failures = before, .sum = cells_.sum(r.window, before)};
        }
        breaker_counts all = M::counts(next, r, beside.sum);
        // The head may be newer than the cells.
        all.requests = std::max(all.requests, all.total_successes + all.total_failures + all.total_ignored);
        return all;
    }

    /// In a cell that the thread shares with others. A ticket of generation 0, which no breaker has, where it is not to
    /// be had plainly.
    [[gnu::noinline]] ticket admit_beside(std::uint32_t slot) noexcept {
        const std::uint64_t head = load_head();
        stamp r;
        if (!M::is_plain(head) || !read_stamp(head, r) || M::window_over(r.since, read_clock_for(head), limits_))
            return {};
        if (limits_.counted != counting::all) return {r.generation, no_window};
        cells_.put_to_use(slot);
        const auto may_count = [&] { return !nearly_counted_out(head); };
        if (!cells_.shared(slot).count_request(r.window, may_count)) return {};
        return {r.generation, r.window};
    }

    [[gnu::noinline]] bool succeed_beside(std::uint32_t slot, ticket admitted) noexcept {
        const std::uint64_t head = load_head();
        // As in succeed_in().
        if (!M::is_plain(head) || M::in_row_of_failures(head)) return false;
        stamp r;
        std::uint64_t strangers = 0;
        const std::uint32_t before = read_lane(head, failures, strangers);
        if (lane::tag(strangers) != 0 || !read_stamp(head, r) || r.generation != admitted.generation ||
            M::window_over(r.since, read_clock_for(head), limits_)) {
            return false;
        }
        if (limits_.counted != counting::all) return true;
        if (r.window != admitted.window) return false;
        cells_.put_to_use(slot);
        return cells_.shared(slot).count_success(r.window, before + static_cast<std::uint32_t>(L::failures::get(head)));
    }

    /// Where there are no cells; else as admit_beside().
    [[gnu::noinline]] ticket admit_on_head() noexcept {
        const auto always = [](std::uint64_t, const stamp&) { return true; };
        const auto add = [](std::uint64_t head) {
            return L::requests::full(head) ? M::frozen(head, move::carry) : head + L::requests::unit;
        };
        stamp r;
        if (!count_plainly(r, always, add)) return {};
        return {r.generation, limits_.counted == counting::all ? r.window : no_window};
    }

    [[gnu::noinline]] bool succeed_on_head(ticket admitted) noexcept {
        const auto fresh = [&](std::uint64_t head, const stamp& now) {
            if (limits_.counted == counting::all) return now.window == admitted.window;
            return now.generation == admitted.generation && !M::in_row_of_failures(head);
        };
        const auto add = [](std::uint64_t head) { return M::count(head, outcome::success).head; };
        stamp r;
        return count_plainly(r, fresh, add);
    }

    /// Adds to the tallies, for as long as the breaker is plainly closed and in the epoch in which its stamp was read;
    /// where successes are not counted, adds nothing. `applies` looks at the head and that stamp; `add` gives the new
    /// head, frozen where a tally is full.
    template <class Applies, class Add>
    bool count_plainly(stamp& r, Applies applies, Add add) noexcept {
        std::uint64_t head = load_head();
        const std::uint32_t epoch = L::epoch_of(head);
        if (!M::is_plain(head) || !read_stamp(head, r) || !applies(head, r) ||
            M::window_over(r.since, read_clock_for(head), limits_)) {
            return false;
        }
        if (limits_.counted != counting::all) return limits_.counted == counting::failures;
        for (;;) {
            const std::uint64_t next = add(head);
            if (!M::is_plain(next)) return false;
            if (count(head, next)) return true;
            // Another thread counted: what was read of this epoch holds as long as it lasts.
            if (L::epoch_of(head) != epoch) return false;
            Traits::pause();
        }
    }

    /// A mere count. Where it fails, `head` becomes the one found.
    bool count(std::uint64_t& head, std::uint64_t next) noexcept {
        // (8) release: synchronizes with the acquire (8) in load_head(). Of (1) and (2) it continues the sequence.
        return head_.compare_exchange_weak(head, next, memory_order_release);
    }

    /// Step 1.
    bool freeze(std::uint64_t head, std::uint64_t frozen) noexcept {
        // (2) release: synchronizes with the acquire (2) in load_head().
        return head_.compare_exchange_weak(head, frozen, memory_order_release);
    }

    /// Counts, or makes the move for which `next` is frozen; false where another thread advanced the head first.
    bool advance(std::uint64_t head, std::uint64_t next) noexcept {
        if (M::move_of(next) == move::none ? !count(head, next) : !freeze(head, next)) {
            Traits::pause();
            return false;
        }
        if (M::move_of(next) != move::none) settle(next);
        return true;
    }

    /// Steps 2 and 3, for the thread that froze the head and for every helper alike.
    void settle(std::uint64_t frozen) noexcept {
        record from;
        if (!read(frozen, from)) return;
        const record to = M::next_record(frozen, from, read_clock(), hint_for(frozen, from));
        publish(L::epoch_of(frozen), to);
        // (1) release: synchronizes with the acquire (1) in load_head(). Lanes that a helper wrote are covered too:
        // this thread has read them, and what it read happens before what follows the acquire. Tried even where
        // another thread has finished the move: the failure shows this thread a later head, so that it cannot go on to
        // see the old one.
        head_.compare_exchange_strong(frozen, M::next_head(frozen, from), memory_order_release);
    }

    /// Step 2. Stops where another thread has already finished the move.
    void publish(std::uint32_t epoch, const record& to) noexcept {
        word* const into = bank(L::epoch_after(epoch));
        if (!agree_on_both(into, epoch, to, since_upper)) return;
        // Two counts, on which all are agreed from the start; or the two halves of a hint, on which they may not be.
        if (!agree_on_both(into, epoch, to, requests)) return;
        for (std::size_t i = generation_upper; i != lane_count; ++i) {
            if (i != requests && i != successes && !agree(into[i], epoch, payload(to, i))) return;
        }
    }

    /// The halves of an instant in the lane `upper` and the one after it.
    static bool agree_on_both(word* into, std::uint32_t epoch, const record& to, std::size_t upper) noexcept {
        const std::uint32_t proposed = payload(to, upper);
        const std::optional<std::uint32_t> agreed = agree(into[upper], epoch, proposed);
        if (!agreed) return false;
        const std::uint32_t lower = *agreed == proposed  ? payload(to, upper + 1)
                                    : *agreed < proposed ? std::numeric_limits<std::uint32_t>::max()
                                                         : 0;
        return agree(into[upper + 1], epoch, lower).has_value();
    }

    /// Writes a lane of the epoch after the given one, unless that is done; the payload that it then has, or nothing
    /// where a later epoch owns the lane.
    static std::optional<std::uint32_t> agree(word& into, std::uint32_t epoch, std::uint32_t proposed) noexcept {
        const std::uint32_t tag = L::epoch_after(epoch);
        // relaxed: the tag says whether the value is the one to replace; the swap below checks the whole word.
        std::uint64_t seen = into.load(memory_order_relaxed);
        // relaxed: readers come to the lane through the head, edge (1).
        if (lane::tag(seen) == L::epoch_before(epoch) &&
            into.compare_exchange_strong(seen, lane::pack(tag, proposed), memory_order_relaxed)) {
            return proposed;
        }
        if (lane::tag(seen) != tag) return std::nullopt;
        return lane::payload(seen);
    }

    // What calls write comes first and fills three lines; then what they only read, the everyday part of it in one
    // line.
    alignas(64) word head_;
    word lanes_[2 * lane_count];
    word hint_;  ///< see hint.hpp
    cell_array<Traits> cells_;
    const limits limits_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
