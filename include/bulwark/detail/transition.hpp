// The state machine of the circuit breaker: pure functions from (words, event, time, limits) to what follows.
//
// Nothing here knows of threads, clocks or callbacks; every function is constexpr and is tested row by row. The
// breaker core decides with these functions and applies what they say by compare-and-swap.
//
// An event either adds to the tallies of the head, or is refused, or begins a *move*: the head is frozen with the
// move's name, the record of the next epoch is written, and the head that follow() names takes the frozen one's place.
#pragma once

#include <bulwark/backoff.hpp>
#include <bulwark/breaker_types.hpp>
#include <bulwark/detail/layout.hpp>
#include <bulwark/detail/random_sequence.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace bulwark::inline BULWARK_ABI::detail {

/// Nanoseconds of the breaker's clock, moved up by 2^63 so that order is unsigned.
using instant = std::uint64_t;

constexpr instant to_instant(std::int64_t nanoseconds_since_epoch) noexcept {
    return static_cast<std::uint64_t>(nanoseconds_since_epoch) ^ (std::uint64_t{1} << 63);
}

/// Past the range of the clock.
inline constexpr instant never = std::numeric_limits<instant>::max();

/// Time since then; a clock read out of order stands still, it never runs backwards.
constexpr std::uint64_t elapsed(instant since, instant now) noexcept {
    return now > since ? now - since : 0;
}

/// Which calls of a closed breaker the core counts.
enum class counting : std::uint8_t {
    all,
    failures,   ///< not those that succeed
    elsewhere,  ///< none: somebody stands beside it who does (see watch.hpp)
};

/// The configuration's numbers; durations in ns.
struct limits {
    std::uint32_t max_requests = 1;
    counting counted = counting::all;
    std::uint64_t interval = 0;
    std::uint64_t timeout = 0;
    std::uint64_t probe_timeout = 0;
    // Past here are numbers that a closed breaker never looks at.
    bool timeout_varies = false;  ///< from one opening to the next, as the four say that follow
    jitter timeout_jitter = jitter::none;
    double timeout_multiplier = 1;
    std::uint64_t max_timeout = std::numeric_limits<std::int64_t>::max();
    std::uint64_t seed = 0;
    std::uint64_t max_hint = 0;  ///< 0: no hints are heard
};

/// What an epoch's lanes hold.
struct record {
    /// So many openings mean that it is open until an operator says otherwise.
    static constexpr std::uint32_t forced = std::numeric_limits<std::uint32_t>::max();

    instant since = 0;  ///< start of the window (closed), of the waiting (open), of the test (half-open)
    std::uint64_t generation = 1;
    /// Rises with every window and every transition: tells in which a call was admitted. It rises by one more than the
    /// failures of the window that ends, so that window + failures names a row of successes.
    std::uint64_t window = 1;
    // The counts up to the start of the epoch; `run` is the length of the row that was going on.
    std::uint32_t requests = 0;
    std::uint32_t successes = 0;
    std::uint32_t failures = 0;
    std::uint32_t ignored = 0;
    std::uint32_t run = 0;
    /// Open and half-open: how often it opened since it was closed last; or `forced`.
    std::uint32_t openings = 0;
    /// Open: before then the service wants no call.
    instant not_before = 0;

    friend constexpr bool operator==(const record&, const record&) = default;
};

/// What the threads have counted beside the head in a window (see cells.hpp).
struct cell_counts {
    std::uint64_t requests = 0;
    std::uint64_t successes = 0;
    std::uint64_t row = 0;  ///< successes since the last failure
};

/// What a head can be frozen for. The head's state says from where, so three bits are enough: some moves have a second
/// name, for where they come from another state.
enum class move : std::uint8_t {
    none,
    carry,    ///< tallies, and the hint for an open breaker, into the record; nothing else changes
    roll,     ///< closed: a new window
    trip,     ///< closed -> open; on an operator's word also open, its time over -> open
    probe,    ///< open -> half-open; the caller is the first probe
    close,    ///< half-open -> closed
    force,    ///< an operator's, from any state -> open, until another word
    disable,  ///< likewise -> calls go through uncounted, until another word

    reopen = trip,  ///< half-open -> open
    renew = probe,  ///< half-open -> half-open, because probes are silent
    reset = close,  ///< an operator's, from any state -> closed
};

/// A transition is a move that raises the generation.
constexpr bool is_transition(move m) noexcept {
    return m >= move::trip;
}

/// What an event leads to: the head to put in place, or, where there is none, the refusal.
struct step {
    std::uint64_t head = 0;
    errc refusal{};

    friend constexpr bool operator==(const step&, const step&) = default;
};

template <class Layout>
struct machine {
    using L = Layout;

    /// The state field has one value more than breaker_state: disabled, which looks closed from outside.
    static constexpr std::uint64_t disabled_state = 3;

    static constexpr bool is_disabled(std::uint64_t head) noexcept { return L::state::get(head) == disabled_state; }
    static constexpr breaker_state state_of(std::uint64_t head) noexcept {
        return is_disabled(head) ? breaker_state::closed : static_cast<breaker_state>(L::state::get(head));
    }
    static constexpr move move_of(std::uint64_t head) noexcept { return static_cast<move>(L::move::get(head)); }
    static constexpr std::uint64_t frozen(std::uint64_t head, move m) noexcept {
        return L::move::put(head, static_cast<std::uint64_t>(m));
    }

    /// Closed, and no move under way: the everyday head.
    static constexpr bool is_plain(std::uint64_t head) noexcept {
        static_assert(static_cast<int>(breaker_state::closed) == 0 && static_cast<int>(move::none) == 0);
        return (head & (L::state::mask | L::move::mask)) == 0;
    }

    /// Closed, and no transition under way: perhaps another move, after which it is as closed as before.
    static constexpr bool stays_closed(std::uint64_t head) noexcept {
        return (head & L::state::mask) == 0 && !is_transition(move_of(head));
    }

    /// Closed or open, and no move under way: what the next calls will find does not change but by time.
    static constexpr bool is_lasting(std::uint64_t head) noexcept {
        return move_of(head) == move::none && state_of(head) != breaker_state::half_open && !is_disabled(head);
    }

    /// Open until an operator says otherwise.
    static constexpr bool is_forced(std::uint64_t head, const record& r) noexcept {
        return state_of(head) == breaker_state::open && r.openings == record::forced;
    }

    /// Open: how long, but for hints.
    static constexpr std::uint64_t open_time(const record& r, const limits& lim) noexcept {
        return lim.timeout_varies ? varied_open_time(r, lim) : lim.timeout;
    }

    /// Until when a lasting head certainly wants no move because of the time; `never` where it does not depend on it.
    static constexpr instant certain_until(std::uint64_t head, const record& r, const limits& lim) noexcept {
        const bool closed = state_of(head) == breaker_state::closed;
        if (closed && lim.interval == 0) return never;
        const std::uint64_t span = closed ? lim.interval : open_time(r, lim);
        const instant end = r.since > never - span ? never : std::min(r.since + span, never - 1);
        if (closed) return end;
        if (is_forced(head, r)) return never;
        // A clock read out of order counts as `since`.
        if (r.not_before > r.since) return std::max(end, r.not_before);
        return span == 0 ? 0 : end;
    }

    /// The last outcome was a failure.
    static constexpr bool in_row_of_failures(std::uint64_t head) noexcept { return L::run_of_failures::get(head) != 0; }

    static constexpr bool window_over(instant since, instant now, const limits& lim) noexcept {
        return lim.interval != 0 && elapsed(since, now) >= lim.interval;
    }

    static constexpr std::uint64_t initial_head() noexcept { return L::epoch::put(0, 1); }

    static constexpr std::uint32_t failures(std::uint64_t head, const record& r) noexcept {
        return r.failures + tally<typename L::failures>(head);
    }

    static constexpr breaker_counts counts(std::uint64_t head, const record& r,
                                           const cell_counts& cells = {}) noexcept {
        const std::uint32_t run = tally<typename L::run>(head) + (L::run_joined::get(head) ? r.run : 0);
        const bool of_failures = L::run_of_failures::get(head) != 0;
        return {.requests = r.requests + tally<typename L::requests>(head) + narrow(cells.requests),
                .total_successes = r.successes + tally<typename L::successes>(head) + narrow(cells.successes),
                .total_failures = failures(head, r),
                .total_ignored = r.ignored + tally<typename L::ignored>(head),
                .consecutive_successes = of_failures ? 0 : run + narrow(cells.row),
                .consecutive_failures = of_failures ? run : 0};
    }

    /// Whether time matters to the next event.
    static constexpr bool timed(std::uint64_t head, const limits& lim) noexcept {
        switch (static_cast<breaker_state>(L::state::get(head))) {
            case breaker_state::closed: return lim.interval != 0;
            case breaker_state::open: return true;
            case breaker_state::half_open: return lim.probe_timeout != 0;
        }
        return false;  // disabled
    }

    /// The move that the next call would have to make first, or none.
    static constexpr move due(std::uint64_t head, const record& r, instant now, const limits& lim) noexcept {
        const std::uint64_t age = elapsed(r.since, now);
        switch (static_cast<breaker_state>(L::state::get(head))) {
            case breaker_state::closed:
                return window_over(r.since, now, lim) || counted_out(head, r) ? move::roll : move::none;
            case breaker_state::open: return wait_over(head, r, now, lim) ? move::probe : move::none;
            case breaker_state::half_open: {
                const breaker_counts c = counts(head, r);
                const bool silent = lim.probe_timeout != 0 && age >= lim.probe_timeout && under_way(c) != 0;
                return silent || (counted_out(head, r) && has_place(c, lim)) ? move::renew : move::none;
            }
        }
        return move::none;  // disabled
    }

    /// A caller asks to be let through. Where the head that results is frozen for a transition, the caller is the
    /// first probe of the new generation; frozen for another move, it asks again after the move.
    static constexpr step admit(std::uint64_t head, const record& r, instant now, const limits& lim) noexcept {
        if (const move m = due(head, r, now, lim); m != move::none) return {frozen(head, m)};
        if (state_of(head) == breaker_state::open) return {0, errc::circuit_open};
        if (state_of(head) == breaker_state::half_open && !has_place(counts(head, r), lim)) {
            return {0, errc::too_many_probes};
        }
        if (L::requests::full(head)) return {frozen(head, move::carry)};
        return {head + L::requests::unit};
    }

    /// A call that was admitted in the record's generation, in the given window, ended. The head that results is
    /// frozen for a transition where the outcome made it; frozen for another move, the outcome is reported again.
    /// Never refused; not asked while the breaker is disabled, nor is admit().
    static constexpr step report(std::uint64_t head, const record& r, outcome o, std::uint64_t window, instant now,
                                 const limits& lim) noexcept {
        if (state_of(head) == breaker_state::half_open) {
            if (o == outcome::failure) return {frozen(head, move::reopen)};
            if (o == outcome::success && counts(head, r).consecutive_successes + 1 >= lim.max_requests) {
                return {frozen(head, move::close)};
            }
            return count(head, o);
        }
        if (window_over(r.since, now, lim)) return {frozen(head, move::roll)};
        if (r.window == window) return count(head, o);
        // Admitted in an earlier window: its request is counted here as well.
        if (counted_out(head, r)) return {frozen(head, move::roll)};
        if (L::requests::full(head)) return {frozen(head, move::carry)};
        const step counted = count(head, o);
        return move_of(counted.head) == move::none ? step{counted.head + L::requests::unit} : counted;
    }

    /// Whether an operator's move would change anything: trip, force, disable or reset.
    static constexpr bool can_make(move m, std::uint64_t head, const record& r, instant now,
                                   const limits& lim) noexcept {
        switch (m) {
            case move::trip:
                if (is_disabled(head)) return false;
                return state_of(head) != breaker_state::open || wait_over(head, r, now, lim);
            case move::force: return !is_forced(head, r);
            case move::disable: return !is_disabled(head);
            default: return m == move::reset;
        }
    }

    /// Adds an outcome to the tallies, or asks for a carry where one of them is full.
    static constexpr step count(std::uint64_t head, outcome o) noexcept {
        switch (o) {
            case outcome::success: return count_in_row<typename L::successes>(head, 0);
            case outcome::failure: return count_in_row<typename L::failures>(head, 1);
            case outcome::ignored: break;
        }
        if (L::ignored::full(head)) return {frozen(head, move::carry)};
        return {head + L::ignored::unit};
    }

    /// Whether a frozen head leads to where hints count: into the open state, or on in it.
    static constexpr bool hears(std::uint64_t head) noexcept {
        return move_of(head) == move::trip || (move_of(head) == move::carry && state_of(head) == breaker_state::open);
    }

    /// The record of the epoch that follows a frozen head. `hint`: where it hears, the instant that the service asked
    /// for; else 0.
    static constexpr record next_record(std::uint64_t head, const record& r, instant now, instant hint = 0) noexcept {
        if (move_of(head) == move::carry) {
            const breaker_counts c = counts(head, r);
            record next = r;
            // Not past the point from which a full tally of requests means max_count, so that counted_out() can tell.
            next.requests = std::min(c.requests, last_base);
            next.successes = c.total_successes;
            next.failures = c.total_failures;
            next.ignored = c.total_ignored;
            next.run = std::max(c.consecutive_successes, c.consecutive_failures);
            next.not_before = std::max(r.not_before, hint);
            return next;
        }
        record next;
        next.since = std::max(now, r.since);
        next.generation = r.generation + (is_transition(move_of(head)) ? 1 : 0);
        next.window = next_window(head, r);
        next.openings = next_openings(move_of(head), r);
        next.not_before = hint;
        return next;
    }

    /// The window that a frozen head leads to, unless it is frozen for a carry.
    static constexpr std::uint64_t next_window(std::uint64_t head, const record& r) noexcept {
        return r.window + failures(head, r) + 1;
    }

    /// The head that follows a frozen one.
    static constexpr std::uint64_t next_head(std::uint64_t head, const record& r) noexcept {
        const std::uint64_t fresh = L::epoch::put(0, L::epoch_after(L::epoch_of(head)));
        switch (move_of(head)) {
            case move::carry: {
                std::uint64_t next = L::state::put(fresh, L::state::get(head));
                next = L::run_of_failures::put(next, L::run_of_failures::get(head));
                next = L::run_joined::put(next, 1);
                const std::uint32_t requests = counts(head, r).requests;
                return L::requests::put(next, requests - std::min(requests, last_base));
            }
            case move::trip:
            case move::force: return with_state(fresh, breaker_state::open);
            case move::probe: return with_state(fresh, breaker_state::half_open) + L::requests::unit;
            case move::disable: return L::state::put(fresh, disabled_state);
            case move::none:
            case move::roll:
            case move::close: break;
        }
        return with_state(fresh, breaker_state::closed);
    }

    /// What the next call would find; a move that is under way has not happened yet.
    static constexpr breaker_snapshot observe(std::uint64_t head, const record& r, instant now, const limits& lim,
                                              const cell_counts& cells = {}) noexcept {
        const move next = due(head, r, now, lim);
        if (is_transition(next))
            return {.state = breaker_state::half_open, .generation = r.generation + 1, .counts = {}};
        breaker_snapshot seen{.state = state_of(head), .generation = r.generation, .counts = {}};
        if (seen.state == breaker_state::open) {  // then nothing is counted
            seen.retry_after = time_left(head, r, now, lim);
            seen.manual = is_forced(head, r);
        } else if (next == move::none) {
            seen.counts = counts(head, r, cells);
            seen.manual = is_disabled(head);
        }
        return seen;
    }

private:
    static constexpr std::uint32_t last_base = L::max_count - static_cast<std::uint32_t>(L::requests::max);

    static constexpr std::uint32_t narrow(std::uint64_t count) noexcept { return static_cast<std::uint32_t>(count); }

    template <class Field>
    static constexpr std::uint32_t tally(std::uint64_t head) noexcept {
        return static_cast<std::uint32_t>(Field::get(head));
    }

    static constexpr std::uint64_t with_state(std::uint64_t head, breaker_state state) noexcept {
        return L::state::put(head, static_cast<std::uint64_t>(state));
    }

    /// requests has reached max_count.
    static constexpr bool counted_out(std::uint64_t head, const record& r) noexcept {
        return L::requests::full(head) && r.requests == last_base;
    }

    static constexpr std::uint32_t under_way(const breaker_counts& c) noexcept {
        return c.requests - c.total_successes - c.total_failures - c.total_ignored;
    }

    static constexpr bool has_place(const breaker_counts& c, const limits& lim) noexcept {
        return c.requests - c.total_ignored < lim.max_requests;
    }

    template <class Total>
    static constexpr step count_in_row(std::uint64_t head, std::uint64_t of_failures) noexcept {
        if (Total::full(head)) return {frozen(head, move::carry)};
        if (L::run_of_failures::get(head) != of_failures) {
            head = L::run_of_failures::put(head, of_failures);
            head = L::run_joined::put(head, 0);
            head = L::run::put(head, 0);
        }
        if (L::run::full(head)) return {frozen(head, move::carry)};
        return {head + Total::unit + L::run::unit};
    }

    /// Not inline: who looks at a breaker whose openings are all alike does not pay for the room that this takes.
    [[gnu::noinline]] static constexpr std::uint64_t varied_open_time(const record& r, const limits& lim) noexcept {
        using std::chrono::nanoseconds;
        const backoff_config growth{.initial = nanoseconds(static_cast<std::int64_t>(lim.timeout)),
                                    .multiplier = lim.timeout_multiplier,
                                    .ceiling = nanoseconds(static_cast<std::int64_t>(lim.max_timeout)),
                                    .jitter = lim.timeout_jitter};
        const std::uint64_t random = nth_draw(lim.seed, r.generation);
        return static_cast<std::uint64_t>(backoff_delay(growth, r.openings, random).count());
    }

    /// Open: whether the next call is a probe.
    static constexpr bool wait_over(std::uint64_t head, const record& r, instant now, const limits& lim) noexcept {
        if (is_forced(head, r) || elapsed(r.since, now) < open_time(r, lim)) return false;
        return r.not_before != never && std::max(now, r.since) >= r.not_before;
    }

    /// Open, and the wait not over.
    static constexpr std::chrono::nanoseconds time_left(std::uint64_t head, const record& r, instant now,
                                                        const limits& lim) noexcept {
        const std::uint64_t span = open_time(r, lim);
        if (is_forced(head, r) || r.since > never - span || r.not_before == never) {
            return std::chrono::nanoseconds::max();
        }
        const std::uint64_t age = elapsed(r.since, now);
        const std::uint64_t of_span = span > age ? span - age : 0;
        const std::uint64_t left = std::max(of_span, elapsed(std::max(now, r.since), r.not_before));
        constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
        return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(left, most)));
    }

    static constexpr std::uint32_t next_openings(move m, const record& r) noexcept {
        switch (m) {
            case move::trip: return std::min(r.openings, record::forced - 2) + 1;
            case move::force: return record::forced;
            case move::probe: return r.openings;
            default: return 0;
        }
    }
};

}  // namespace bulwark::inline BULWARK_ABI::detail
