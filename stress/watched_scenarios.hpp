// What must hold of a watched breaker whatever the interleaving: no trip is late, the window holds exactly its outcomes
// when nobody calls, the ramp keeps to its share, and the transitions are in order.
#pragma once

#include "breaker_scenarios.hpp"
#include "implementations.hpp"
#include "run.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace bulwark::stress {

inline sliding_window some_window(random_source& random) {
    switch (random() % 4) {
        case 0: return last_calls(1000);
        case 1: return last_time(std::chrono::hours(1), 1);
        case 2: return last_time(std::chrono::hours(1), 100);
        default: return last_time(std::chrono::microseconds(1), 5);
    }
}

/// In a window that nothing leaves: fewer failures (or slow calls) than the threshold never trip; as many always have,
/// when all calls have returned.
template <class Impl>
class watched_threshold {
    using breaker = typename Impl::template breaker<manual_clock>;

public:
    explicit watched_threshold(run& r)
        : run_(r),
          each_(1 + static_cast<std::uint32_t>(r.random()() % 4)),
          threshold_(each_ * r.threads() + static_cast<std::uint32_t>(r.random()() % 2)),
          by_slowness_(r.random()() % 2 == 0),
          breaker_(config(r)) {}

    void act(unsigned, random_source& random) {
        for (std::uint32_t i = 0; i != each_; ++i) {
            auto p = breaker_.try_acquire();
            run_.check(p.has_value(), "refused before the threshold was reached");
            // No slow call but these: all are admitted before the first has ended.
            if (!by_slowness_ && chance(random, 2)) {
                if (auto other = breaker_.try_acquire()) chance(random, 3) ? other->ignore() : other->success();
            }
            if (!p) continue;
            // A hint on its way must not hide an outcome from the window.
            if (chance(random, 3)) breaker_.hold_off(std::chrono::microseconds(1 + random() % 1'000'000));
            const bool counted = by_slowness_ ? (manual_clock::advance(slow), p->success()) : p->failure();
            run_.check(counted, "an outcome before the trip was not counted");
        }
        run_.add_operations(each_ * 3);
    }

    void finish() {
        const bool reached = threshold_ == each_ * run_.threads();
        run_.check((breaker_.state() == breaker_state::open) == reached,
                   reached ? "threshold reached, still closed:" : "tripped below the threshold:", breaker_.snapshot());
    }

private:
    static constexpr std::chrono::nanoseconds slow{1};

    circuit_breaker_config config(run& r) {
        circuit_breaker_config c;
        c.timeout = std::chrono::hours(24);
        c.max_hint = std::chrono::hours(1);
        c.window = r.random()() % 2 == 0 ? last_calls(1000) : last_time(std::chrono::hours(1), 1);
        c.ready_to_trip = [this](const breaker_counts& seen) {
            check_counts(run_, seen);
            run_.check(seen.consecutive_failures >= 1, "asked about counts without the failure:", seen);
            return !by_slowness_ && seen.total_failures >= threshold_;
        };
        if (by_slowness_) {
            c.slow_call = slow;
            c.slow_call_min_requests = threshold_;
        }
        return c;
    }

    run& run_;
    const std::uint32_t each_;
    const std::uint32_t threshold_;
    const bool by_slowness_;
    breaker breaker_;
};

/// Outcomes of many threads at once; then those of one, one after the other, must drive them out exactly.
template <class Impl>
class watched_sums {
    using breaker = typename Impl::template breaker<manual_clock>;

public:
    explicit watched_sums(run& r)
        : run_(r),
          calls_(1 + static_cast<std::uint32_t>(r.random()() % 50)),
          by_calls_(r.random()() % 2 == 0),
          breaker_({.ready_to_trip = [](const breaker_counts&) { return false; },
                    .window = by_calls_ ? last_calls(calls_) : last_time(span, 4)}) {}

    void act(unsigned, random_source& random) {
        constexpr int steps = 100;
        std::uint32_t failures = 0;
        for (int i = 0; i != steps; ++i) {
            auto p = breaker_.try_acquire();
            run_.check(p.has_value(), "refused while closed");
            if (!p) return;
            const bool fails = chance(random, 3);
            if (fails) ++failures;
            run_.check(fails ? p->failure() : p->success(), "an outcome was not counted");
            if (chance(random, 8)) {
                const breaker_counts c = breaker_.counts();
                check_counts(run_, c);
                run_.check(!by_calls_ || c.requests <= calls_, "more calls than the window has:", c);
            }
        }
        all_.fetch_add(steps, std::memory_order_relaxed);
        failures_.fetch_add(failures, std::memory_order_relaxed);
        run_.add_operations(steps);
    }

    void finish() {
        const std::uint32_t all = all_.load();
        const breaker_counts quiet = breaker_.counts();
        if (!by_calls_) {
            run_.check(quiet.requests == all && quiet.total_failures == failures_.load(), "outcomes were lost:", quiet);
            manual_clock::advance(span);
            run_.check(breaker_.counts() == breaker_counts{}, "they have not left:", breaker_.counts());
            return;
        }
        run_.check(quiet.requests == std::min(all, calls_), "not as many as the window holds:", quiet);
        for (std::uint32_t i = 0; i != calls_; ++i) {
            breaker_.try_acquire().value().success();
            check_counts(run_, breaker_.counts());
        }
        const breaker_counts end = breaker_.counts();
        run_.check(end.total_successes == calls_ && end.total_failures == 0,
                   "the totals are not those of the ring:", end);
    }

private:
    static constexpr std::chrono::nanoseconds span = std::chrono::hours(1);

    run& run_;
    const std::uint32_t calls_;
    const bool by_calls_;
    breaker breaker_;
    std::atomic<std::uint32_t> all_{0};
    std::atomic<std::uint32_t> failures_{0};
};

/// Of all calls that ask during a ramp that stands still, the share is let through, give or take one.
template <class Impl>
class ramp_share {
    using breaker = typename Impl::template breaker<manual_clock>;

public:
    explicit ramp_share(run& r)
        : run_(r),
          share_(0.01 + 0.01 * static_cast<double>(r.random()() % 99)),
          breaker_({.timeout = std::chrono::nanoseconds(0),
                    .window = some_window(r.random()),
                    .ramp = std::chrono::hours(1),
                    .ramp_from = share_}) {
        breaker_.trip();
        breaker_.try_acquire().value().success();
    }

    void act(unsigned, random_source&) {
        constexpr int steps = 200;
        std::uint32_t admitted = 0;
        for (int i = 0; i != steps; ++i) {
            if (auto p = breaker_.try_acquire()) {
                ++admitted;
                p->success();
            } else {
                run_.check(p.error() == errc::circuit_ramping, "refused, and not by the ramp");
            }
        }
        admitted_.fetch_add(admitted, std::memory_order_relaxed);
        run_.add_operations(steps);
    }

    void finish() {
        const double due = share_ * 200 * run_.threads();
        const double got = admitted_.load();
        run_.check(got <= due + 1.01 && got >= due - 1.01, "let through", got, "where it should be", due);
    }

private:
    run& run_;
    const double share_;
    breaker breaker_;
    std::atomic<std::uint32_t> admitted_{0};
};

/// Time that never stands still, calls of any length, operators: the callbacks are in order, observers see possible
/// counts, and generations do not go back.
template <class Impl>
class watched_everything {
    using breaker = typename Impl::template breaker<ticking_clock>;

public:
    explicit watched_everything(run& r)
        : run_(r),
          breaker_({.max_requests = 1 + static_cast<std::uint32_t>(r.random()() % 3),
                    .timeout = std::chrono::nanoseconds(20),
                    .probe_timeout = std::chrono::nanoseconds(200),
                    .on_state_change = [this](const transition& t) { log_.add(t); },
                    .window = some_window(r.random()),
                    .slow_call = std::chrono::nanoseconds(r.random()() % 2 == 0 ? 0 : 30),
                    .slow_call_ratio = 0.5,
                    .ramp = std::chrono::nanoseconds(r.random()() % 2 == 0 ? 0 : 100)}) {}

    void act(unsigned, random_source& random) {
        std::vector<typename breaker::permit> held;
        std::uint64_t last_generation = 0;
        constexpr int steps = 100;
        for (int i = 0; i != steps; ++i) {
            if (chance(random, 2)) {
                if (auto p = breaker_.try_acquire()) held.push_back(std::move(*p));
            } else if (!held.empty()) {
                auto ending = std::move(held.back());
                held.pop_back();
                switch (random() % 5) {
                    case 0:
                    case 1: ending.failure(); break;
                    case 2: ending.ignore(); break;
                    default: ending.success(); break;
                }
            }
            if (chance(random, 8)) {
                const breaker_snapshot s = breaker_.snapshot();
                check_counts(run_, s.counts);
                run_.check(s.generation + 1 >= last_generation, "the generation went back:", s);
                last_generation = std::max(last_generation, s.generation);
            }
        }
        run_.add_operations(steps);
    }

    void finish() {
        log_.check_chain(run_);
        const breaker_snapshot end = breaker_.snapshot();
        const std::uint64_t told = log_.last_generation();
        run_.check(end.generation == told || end.generation == told + 1, "callbacks", told, "but", end);
    }

private:
    run& run_;
    transition_log log_;
    breaker breaker_;
};

}  // namespace bulwark::stress
