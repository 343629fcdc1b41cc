// What is claimed of the circuit breaker with cells, in which threads count closed calls and their successes by plain
// stores, and what is checked with it.
//
// While time stands still, every operation takes effect at instants between its invocation and its return, as follows.
//
//  1. At one instant, exactly: every admission and refusal, every ignored or dropped call, all transitions and
//     callbacks, and whether a result is counted or stale. So are all of half-open and open.
//  2. A failure weighs the counts of one instant, that of its report, but for total_successes (and requests, at which
//     no policy here looks): these may be of an earlier instant of its call, as long as from there to the report no
//     other failure was counted, no window began and no transition was made. So it weighs every failure before it, and
//     every success that returned before its call, or before the last failure that it weighs was invoked.
//  3. A success in the closed state is judged at one instant (counted or stale, and that it ends a row of failures); it
//     raises total_successes at the same instant or later in its call, and consecutive_successes at that instant or
//     later still. Where a failure is reported in between, the success stays before it in the row, and is in the totals
//     from its own instant on; where a window or a transition comes in between, it counts nowhere any more, and its
//     answer, true, stands. A success that ends a row of failures, or that was admitted in an earlier window, does all
//     of it at one instant.
//  4. A snapshot of the closed state is read at up to four instants of its call, in this order: total_ignored and
//     consecutive_failures; then total_successes, and consecutive_successes (either may be the earlier); and last
//     requests. State, generation and total_failures are those of all four instants: no failure, no window and no
//     transition comes between them (a window that is over shows as the next one, empty). Always consecutive_successes
//     <= total_successes, and requests >= total_successes + total_failures + total_ignored.
//
// What is not claimed, though one might wish it: that the six counts of a snapshot are those of one instant, that a
// success which overlaps a trip is weighed in it, or that a success which overlaps a failure and the snapshot after it
// is on the same side of both. Where nothing overlaps, all of it is exact, and equal to breaker_spec.
//
// "Before" is real time here, since the stamps of a history are locked instructions; in C++ it is happens-before.
//
// How it is checked. An operation is put in order in parts: a success as judge, total, row; a failure as look and
// report; a snapshot as its four readings. All parts of an operation have its interval, the specification refuses a
// part that comes before its turn, and the search is the same as ever. Wholes are tried first, because almost always
// there is an order of them.
#pragma once

#include "breaker_call.hpp"
#include "breaker_spec.hpp"
#include "checker.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace bulwark::lin {

enum class breaker_part : std::uint8_t {
    whole,
    judge,  ///< of a success: counted or stale
    total,
    row,
    look,  ///< of a failure: takes the successes that it will weigh
    report,
    read_head,  ///< of a snapshot: what only the head counts
    read_row,
    read_successes,
    read_requests,
};

struct breaker_part_call {
    breaker_call of;
    breaker_part part = breaker_part::whole;
    std::size_t caller = 0;  ///< tells operations apart that are under way at once
};

class celled_breaker_spec : public breaker_spec {
public:
    using call = breaker_part_call;
    /// Nothing: the part cannot come now.
    using answer = std::optional<breaker_answer>;

    static constexpr std::size_t callers = 5;
    static constexpr std::size_t most_parts = 4;

    /// Nothing is under way.
    explicit celled_breaker_spec(const breaker_spec& from) : breaker_spec(from) {}

    answer apply(const call& c) {
        under_way& op = under_way_.at(c.caller);
        switch (c.part) {
            case breaker_part::whole: return breaker_spec::apply(c.of);
            case breaker_part::judge: return judge(op, c.of.permit);
            case breaker_part::total: return count_total(op);
            case breaker_part::row: return count_row(op);
            case breaker_part::look: return look_at_successes(op, c.of.permit);
            case breaker_part::report: return report(op, c.of.permit);
            case breaker_part::read_head:
            case breaker_part::read_row:
            case breaker_part::read_successes:
            case breaker_part::read_requests: return read(op, c.part);
        }
        return std::nullopt;
    }

    bool operator==(const celled_breaker_spec&) const = default;

    std::size_t hash() const {
        std::uint64_t h = breaker_spec::hash();
        const auto mix = [&h](std::uint64_t x) { h = (h ^ x) * 0x9E3779B97F4A7C15U + (h >> 29); };
        for (const under_way& op : under_way_) {
            if (op.done == 0) continue;
            mix(std::uint64_t{op.done} << 32 | op.successes);
            mix(std::uint64_t{op.window} << 32 | op.mark);
        }
        return static_cast<std::size_t>(h);
    }

    /// What a part answers, of the answer of its operation.
    static breaker_answer share_of(breaker_part part, const breaker_answer& a) {
        switch (part) {
            case breaker_part::total:
            case breaker_part::row:
            case breaker_part::look: return {};
            case breaker_part::read_head:
            case breaker_part::read_row:
            case breaker_part::read_successes:
            case breaker_part::read_requests: return {.seen = share_of(part, a.seen), .change = {}};
            default: return a;
        }
    }

private:
    /// Of an operation of which some parts have come. All zero where there is none.
    struct under_way {
        std::uint16_t done = 0;  ///< a bit for each part
        bool beside_head = false;
        std::uint32_t window = 0;  ///< in which the parts before this one came
        std::uint32_t mark = 0;    ///< what else must not have changed since
        std::uint32_t successes = 0;
        std::uint32_t in_a_row = 0;

        bool operator==(const under_way&) const = default;

        bool has(breaker_part p) const { return (done & bit(p)) != 0; }
        void set(breaker_part p) { done = static_cast<std::uint16_t>(done | bit(p)); }
        static unsigned bit(breaker_part p) { return 1U << (static_cast<unsigned>(p) - 1); }
    };

    static breaker_snapshot share_of(breaker_part part, breaker_snapshot seen) {
        if (part != breaker_part::read_head) {
            seen.counts.total_ignored = 0;
            seen.counts.consecutive_failures = 0;
        }
        if (part != breaker_part::read_successes) seen.counts.total_successes = 0;
        if (part != breaker_part::read_row) seen.counts.consecutive_successes = 0;
        if (part != breaker_part::read_requests) seen.counts.requests = 0;
        return seen;
    }

    bool is_current(std::size_t permit) const { return tickets_[permit].generation == generation_; }

    /// A success that may be counted in a cell.
    bool goes_beside_head(std::size_t permit) const {
        return is_current(permit) && state_ == breaker_state::closed && !window_over() &&
               tickets_[permit].window == window_ && counts_.consecutive_failures == 0;
    }

    answer judge(under_way& op, std::size_t permit) {
        op = {};
        op.set(breaker_part::judge);
        op.beside_head = goes_beside_head(permit);
        if (!op.beside_head) return end(permit, breaker_verb::success);
        op.window = window_;
        op.mark = counts_.total_failures;
        tickets_[permit] = {};
        breaker_answer a;
        a.counted = true;
        return a;
    }

    answer count_total(under_way& op) {
        if (!op.has(breaker_part::judge) || op.has(breaker_part::total)) return std::nullopt;
        op.set(breaker_part::total);
        if (op.beside_head && op.window == window_) ++counts_.total_successes;
        return breaker_answer{};
    }

    answer count_row(under_way& op) {
        if (!op.has(breaker_part::total)) return std::nullopt;
        if (op.beside_head && op.window == window_ && op.mark == counts_.total_failures) {
            ++counts_.consecutive_successes;
        }
        op = {};
        return breaker_answer{};
    }

    answer look_at_successes(under_way& op, std::size_t permit) {
        // A failure can look in vain, and again: only its last look counts.
        op = {};
        op.set(breaker_part::look);
        if (is_current(permit) && state_ == breaker_state::closed) {
            if (window_over()) begin_window();
            op.beside_head = true;
            op.window = window_;
            op.mark = counts_.total_failures;
            op.successes = counts_.total_successes;
        }
        return breaker_answer{};
    }

    answer report(under_way& op, std::size_t permit) {
        if (!op.has(breaker_part::look)) return std::nullopt;
        std::optional<std::uint32_t> weighed;
        if (is_current(permit) && state_ == breaker_state::closed) {
            if (!op.beside_head || op.window != window_ || op.mark != counts_.total_failures) return std::nullopt;
            weighed = op.successes;
        }
        op = {};
        return end(permit, breaker_verb::failure, weighed);
    }

    answer read(under_way& op, breaker_part part) {
        const breaker_snapshot now = look();
        if (now.state != breaker_state::closed || op.has(part)) return std::nullopt;
        // A window that is over shows as the next one, which some call will begin.
        const std::uint32_t window = window_ + (window_over() ? 1 : 0);
        if (part == breaker_part::read_head) {
            op.window = window;
            op.mark = now.counts.total_failures;
        } else if (!op.has(breaker_part::read_head) || op.window != window || op.mark != now.counts.total_failures) {
            return std::nullopt;
        }
        op.set(part);
        if (part == breaker_part::read_successes) op.successes = now.counts.total_successes;
        if (part == breaker_part::read_row) op.in_a_row = now.counts.consecutive_successes;
        if (part == breaker_part::read_requests) {
            if (!op.has(breaker_part::read_successes) || !op.has(breaker_part::read_row)) return std::nullopt;
            if (op.in_a_row > op.successes) return std::nullopt;
            op = {};
        }
        return breaker_answer{.seen = share_of(part, now), .change = {}};
    }

    std::array<under_way, callers> under_way_{};
};

/// Calls `use(part)` with each part that an operation can be taken apart into, in an order that is possible.
template <class Use>
void for_each_part(const breaker_call& c, const breaker_answer& a, const Use& use) {
    const auto use_all = [&](auto... parts) { (use(parts), ...); };
    const bool closed = a.seen.state == breaker_state::closed;
    if (c.verb == breaker_verb::success) {
        use_all(breaker_part::judge, breaker_part::total, breaker_part::row);
    } else if (c.verb == breaker_verb::failure) {
        use_all(breaker_part::look, breaker_part::report);
    } else if (c.verb == breaker_verb::snapshot && closed) {
        use_all(breaker_part::read_head, breaker_part::read_row, breaker_part::read_successes,
                breaker_part::read_requests);
    } else {
        use(breaker_part::whole);
    }
}

/// The parts of all operations that overlap another; alone, parts are no different from the whole.
inline history<breaker_part_call, celled_breaker_spec::answer> taken_apart(
    const history<breaker_call, breaker_answer>& h) {
    history<breaker_part_call, celled_breaker_spec::answer> parts;
    parts.reserve(h.size() * celled_breaker_spec::most_parts);
    for (const auto& o : h) {
        const auto add = [&](breaker_part p) {
            parts.push_back({.thread = o.thread,
                             .invoked = o.invoked,
                             .returned = o.returned,
                             .call = {o.call, p, o.thread},
                             .answer = celled_breaker_spec::share_of(p, o.answer)});
        };
        const bool alone = std::none_of(h.begin(), h.end(), [&o](const auto& other) {
            return other.thread != o.thread && !(other.returned < o.invoked || o.returned < other.invoked);
        });
        if (alone) {
            add(breaker_part::whole);
        } else {
            for_each_part(o.call, o.answer, add);
        }
    }
    return parts;
}

/// Throws as check() does, where the parts are more than 64.
inline verdict check(const history<breaker_call, breaker_answer>& h, const celled_breaker_spec& initial) {
    const breaker_spec& exact = initial;
    const verdict wholes = check(h, exact);
    if (wholes.linearizable) return wholes;
    verdict v = check(taken_apart(h), initial);
    v.taken_apart = true;
    v.steps += wholes.steps;
    return v;
}

inline bool linearizable(const history<breaker_call, breaker_answer>& h, const celled_breaker_spec& initial) {
    return check(h, initial).linearizable;
}

}  // namespace bulwark::lin
