// The circuit breaker as a sequential machine: what one thread alone would find, written from the contract. It shares
// neither code nor representation with the lock-free breaker or with the mutex reference.
//
// What is claimed of the compact breaker (no cells) and of the mutex reference, and checked with it: while time stands
// still, try_acquire, the outcomes and the observers are linearizable, all six counts and the callbacks included. What
// is claimed of the breaker with cells is in celled_breaker_spec.hpp; one thread alone finds no difference.
//
// Time moves between histories only. An operation that reads the clock and is overtaken by a step of time acts as of
// its reading: that is documented (docs/design.md), and is not linearizable with the step as an operation of its own.
#pragma once

#include "breaker_call.hpp"

#include <bulwark/breaker_types.hpp>
#include <bulwark/errc.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace bulwark::lin {

/// When a closed breaker trips: after so many failures in a row, or, where that is 0, at a share of failures.
struct trip_rule {
    std::uint32_t in_a_row = 0;
    std::uint32_t percent = 50;
    std::uint32_t at_least = 5;

    bool says_yes(const breaker_counts& c) const {
        if (in_a_row != 0) return c.consecutive_failures >= in_a_row;
        const std::uint32_t ended = c.total_successes + c.total_failures;
        return ended >= at_least && c.total_failures * 100 >= ended * percent;
    }

    bool operator==(const trip_rule&) const = default;
};

/// As circuit_breaker_config: durations of 0 mean endless, at once and for ever.
struct breaker_rules {
    std::uint32_t max_requests = 1;
    std::chrono::nanoseconds interval{0};
    std::chrono::nanoseconds timeout{0};
    std::chrono::nanoseconds probe_timeout{0};
    trip_rule trips;

    bool operator==(const breaker_rules&) const = default;
};

class breaker_spec {
public:
    using call = breaker_call;
    using answer = breaker_answer;

    static constexpr std::size_t permits = 24;

    breaker_spec(const breaker_rules& rules, std::chrono::nanoseconds now) : rules_(rules), now_(now), since_(now) {}

    answer apply(const call& c) {
        switch (c.verb) {
            case breaker_verb::acquire: return acquire(c.permit);
            case breaker_verb::success:
            case breaker_verb::failure:
            case breaker_verb::ignore:
            case breaker_verb::drop: return end(c.permit, c.verb);
            case breaker_verb::snapshot: break;
        }
        answer a;
        a.seen = look();
        return a;
    }

    /// Between histories.
    void advance(std::chrono::nanoseconds by) { now_ += by; }

    /// What the next call would find.
    breaker_snapshot look() const {
        if (window_over()) return {.state = state_, .generation = generation_, .counts = {}};
        if (test_due()) return {.state = breaker_state::half_open, .generation = generation_ + 1, .counts = {}};
        const bool open = state_ == breaker_state::open;
        return {.state = state_,
                .generation = generation_,
                .counts = counts_,
                .retry_after = open ? since_ + rules_.timeout - now_ : std::chrono::nanoseconds(0)};
    }

    /// How long the current window, waiting or test has lasted.
    std::chrono::nanoseconds age() const { return now_ - since_; }

    bool operator==(const breaker_spec&) const = default;

    /// Of what operations change.
    std::size_t hash() const {
        std::uint64_t h = generation_ * 8 + static_cast<std::uint64_t>(state_);
        const auto mix = [&h](std::uint64_t x) { h = (h ^ x) * 0x9E3779B97F4A7C15U + (h >> 29); };
        mix(window_);
        mix(std::uint64_t{counts_.requests} << 32 | counts_.total_successes);
        mix(std::uint64_t{counts_.total_failures} << 32 | counts_.total_ignored);
        mix(std::uint64_t{counts_.consecutive_successes} << 32 | counts_.consecutive_failures);
        for (const ticket& t : tickets_) mix(std::uint64_t{t.generation} << 32 | t.window);
        return static_cast<std::size_t>(h);
    }

protected:
    /// When a call was admitted. All zero: none is under way in this place, so that states with equal futures are
    /// equal.
    struct ticket {
        std::uint32_t generation = 0;
        std::uint32_t window = 0;

        bool operator==(const ticket&) const = default;
    };

    bool window_over() const {
        return state_ == breaker_state::closed && rules_.interval.count() != 0 && age() >= rules_.interval;
    }

    /// Open and waited for long enough, or half-open with probes that were silent for too long.
    bool test_due() const {
        if (state_ == breaker_state::open) return age() >= rules_.timeout;
        const std::uint32_t ended = counts_.total_successes + counts_.total_failures + counts_.total_ignored;
        return state_ == breaker_state::half_open && rules_.probe_timeout.count() != 0 &&
               age() >= rules_.probe_timeout && counts_.requests != ended;
    }

    answer acquire(std::size_t permit) {
        answer a;
        if (window_over()) begin_window();
        if (test_due()) a.tell(enter(breaker_state::half_open));
        if (state_ == breaker_state::open) {
            a.refusal = errc::circuit_open;
        } else if (state_ == breaker_state::half_open &&
                   counts_.requests - counts_.total_ignored >= rules_.max_requests) {
            a.refusal = errc::too_many_probes;
        } else {
            ++counts_.requests;
            tickets_[permit] = {generation_, window_};
        }
        return a;
    }

    /// `weighed`: the successes that a failure decides with, where they are not those of now.
    answer end(std::size_t permit, breaker_verb how, std::optional<std::uint32_t> weighed = {}) {
        answer a;
        const ticket admitted = std::exchange(tickets_[permit], ticket{});
        if (admitted.generation != generation_) return a;
        a.counted = how != breaker_verb::drop;
        if (window_over()) begin_window();
        if (admitted.window != window_) ++counts_.requests;
        count(how);
        if (how == breaker_verb::failure && (state_ == breaker_state::half_open || trips(weighed))) {
            a.tell(enter(breaker_state::open));
        } else if (state_ == breaker_state::half_open && counts_.consecutive_successes == rules_.max_requests) {
            a.tell(enter(breaker_state::closed));
        }
        return a;
    }

    bool trips(std::optional<std::uint32_t> weighed) const {
        breaker_counts c = counts_;
        c.total_successes = weighed.value_or(c.total_successes);
        return rules_.trips.says_yes(c);
    }

    void count(breaker_verb how) {
        if (how == breaker_verb::success) {
            ++counts_.total_successes;
            ++counts_.consecutive_successes;
            counts_.consecutive_failures = 0;
        } else if (how == breaker_verb::failure) {
            ++counts_.total_failures;
            ++counts_.consecutive_failures;
            counts_.consecutive_successes = 0;
        } else {
            ++counts_.total_ignored;
        }
    }

    void begin_window() {
        since_ = now_;
        ++window_;
        counts_ = {};
    }

    transition enter(breaker_state to) {
        const breaker_state from = std::exchange(state_, to);
        ++generation_;
        begin_window();
        return {.from = from, .to = to, .generation = generation_};
    }

    breaker_rules rules_;
    std::chrono::nanoseconds now_;
    std::chrono::nanoseconds since_;
    breaker_state state_ = breaker_state::closed;
    // 32 bits keep the copies small that the checker makes; a history is short.
    std::uint32_t generation_ = 1;
    std::uint32_t window_ = 0;
    breaker_counts counts_;
    std::array<ticket, permits> tickets_{};
};

}  // namespace bulwark::lin
