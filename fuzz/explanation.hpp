// Whether an order of calls explains what they saw, one of them interrupted by the others: the reference, which plays
// them in that order, must show the same, but for what the cells of a breaker leave open, and no more:
//
//  - A call that a cell counts is decided at one instant and counted at later ones, first in the totals, then in the
//    row of successes; the calls in between do not see it yet.
//  - A failure weighs successes and requests as each was at some instant of its call at which no failure had been
//    counted that it does not weigh. The rest is exact.
//  - An observer sees the row, the successes and the requests as each was at some instant of its call, in this order.
//    The rest is exact, and of one instant.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/detail/thread_slot.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace bulwark::fuzz {

enum class act : std::uint8_t { acquire, success, failure, ignore, observe };

/// A call, resolved: `permit` names one by the number of the call that got it.
struct call {
    unsigned number = 0;
    act what = act::observe;
    unsigned permit = 0;
    std::uint32_t slot = detail::no_thread_slot;  ///< of the thread that makes it
    std::chrono::nanoseconds at{};                ///< the time of the clock
    bool trips = false;                           ///< what the policy said of it
};

/// All that one call shows.
struct record {
    int answer = 0;
    breaker_snapshot snapshot;
    std::vector<transition> made;

    bool operator==(const record&) const = default;
};

inline bool tripped(const record& r) {
    return std::ranges::any_of(
        r.made, [](const transition& t) { return t.from == breaker_state::closed && t.to == breaker_state::open; });
}

/// What the reference says of a call.
struct testimony {
    breaker_snapshot before;
    record shown;
    std::optional<breaker_counts> asked;  ///< what its policy was asked with
};

class explanation {
public:
    /// The interrupted call is at `place`; the last one is an observer when all is at rest.
    explanation(const std::vector<call>& order, const std::vector<record>& seen, const std::vector<testimony>& told,
                std::size_t place, const circuit_breaker_config& config)
        : order_(order), seen_(seen), told_(told), place_(place), config_(config) {}

    bool holds() const {
        if (seen_.back() != told_.back().shown) return false;
        for (std::size_t i = 0; i + 1 != order_.size(); ++i) {
            if (!same_but_for_counts(seen_[i], told_[i].shown)) return false;
        }
        if (!interrupted_call_fits()) return false;
        const std::size_t rest = order_.size() - 1;
        if (!counted_late()) return others_fit(place_, place_);
        for (std::size_t in_totals = place_ + 1; in_totals <= rest; ++in_totals) {
            for (std::size_t in_row = in_totals; in_row <= rest; ++in_row) {
                if (others_fit(in_totals, in_row)) return true;
            }
        }
        return false;
    }

private:
    static bool same_but_for_counts(const record& a, const record& b) {
        const auto exact = [](breaker_snapshot s) {
            s.counts.requests = s.counts.total_successes = s.counts.consecutive_successes = 0;
            return s;
        };
        return a.answer == b.answer && a.made == b.made && exact(a.snapshot) == exact(b.snapshot);
    }

    /// The interrupted call is one that a cell, its own or a shared one, may count.
    bool counted_late() const {
        const call& mine = order_[place_];
        const breaker_snapshot& before = told_[place_].before;
        const record& shown = told_[place_].shown;
        if (config_.cells == 0 || before.state != breaker_state::closed || !shown.made.empty()) return false;
        if (mine.what == act::acquire) return shown.answer == 0;
        const bool of_this_window = told_[place_ + 1].before.counts.requests == before.counts.requests;
        return mine.what == act::success && shown.answer == 1 && before.counts.consecutive_failures == 0 &&
               of_this_window;
    }

    /// What the call at that place sees of these counts, where the interrupted call was not yet in all of them.
    breaker_counts seen_at(std::size_t at, breaker_counts counts, std::size_t in_totals, std::size_t in_row) const {
        const breaker_snapshot& before = told_[at].before;
        const breaker_snapshot& then = told_[place_].before;
        if (at <= place_ || before.generation != then.generation) return counts;
        if (at < in_totals) --(order_[place_].what == act::acquire ? counts.requests : counts.total_successes);
        const bool same_row = before.counts.total_failures == then.counts.total_failures;
        if (at < in_row && order_[place_].what == act::success && same_row && counts.consecutive_successes != 0) {
            --counts.consecutive_successes;
        }
        return counts;
    }

    bool others_fit(std::size_t in_totals, std::size_t in_row) const {
        for (std::size_t i = 0; i + 1 != order_.size(); ++i) {
            if (i == place_) continue;
            if (order_[i].what == act::observe) {
                const breaker_counts exact = told_[i].shown.snapshot.counts;
                if (seen_[i].snapshot.counts != seen_at(i, exact, in_totals, in_row)) return false;
            } else if (told_[i].asked && !decides(order_[i], seen_at(i, *told_[i].asked, in_totals, in_row))) {
                return false;
            }
        }
        return true;
    }

    bool decides(const call& c, breaker_counts counts) const {
        counts.requests =
            std::max(counts.requests, counts.total_successes + counts.total_failures + counts.total_ignored);
        return config_.ready_to_trip(counts) == c.trips;
    }

    bool interrupted_call_fits() const {
        if (order_[place_].what == act::observe) return observes_instants();
        return !told_[place_].asked || decides_at_instants();
    }

    /// An instant of the interrupted call: what was before the call at that place was before one of its accesses.
    const breaker_counts& counts_at(std::size_t instant) const { return told_[instant].before.counts; }

    bool decides_at_instants() const {
        const breaker_counts& now = counts_at(place_);
        for (std::size_t s = 0; s <= place_; ++s) {
            for (std::size_t q = 0; q <= place_; ++q) {
                if (!weighs_all(s) || !weighs_all(q)) continue;
                breaker_counts weighed = *told_[place_].asked;
                weighed.total_successes -= now.total_successes - counts_at(s).total_successes;
                weighed.requests -= now.requests - counts_at(q).requests;
                if (decides(order_[place_], weighed)) return true;
            }
        }
        return false;
    }

    /// No failure has been counted since that instant.
    bool weighs_all(std::size_t instant) const {
        return told_[instant].before.generation == told_[place_].before.generation &&
               counts_at(instant).total_failures == counts_at(place_).total_failures;
    }

    bool observes_instants() const {
        const std::size_t end = order_.size() - 1;
        const breaker_counts& seen = seen_[place_].snapshot.counts;
        if (seen.requests < seen.total_successes + seen.total_failures + seen.total_ignored) return false;
        const auto of_one_window = [&](std::size_t i) {
            return told_[i].before.generation == told_[place_].before.generation;
        };
        const auto next = [&](std::size_t from, auto member, bool same_row) {
            for (std::size_t i = from; i <= end; ++i) {
                if (of_one_window(i) && counts_at(i).*member == seen.*member && (!same_row || weighs_all(i))) return i;
            }
            return end + 1;
        };
        const std::size_t row = next(0, &breaker_counts::consecutive_successes, true);
        const std::size_t successes = next(row, &breaker_counts::total_successes, false);
        return next(successes, &breaker_counts::requests, false) <= end;
    }

    const std::vector<call>& order_;
    const std::vector<record>& seen_;
    const std::vector<testimony>& told_;
    const std::size_t place_;
    const circuit_breaker_config& config_;
};

}  // namespace bulwark::fuzz
