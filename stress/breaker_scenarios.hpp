// What must hold of a circuit breaker whatever the interleaving: one scenario for each promise.
#pragma once

#include "implementations.hpp"
#include "run.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace bulwark::stress {

inline bool chance(random_source& random, unsigned one_in) {
    return random() % one_in == 0;
}

/// Holds of any counts at any instant.
inline void check_counts(run& r, const breaker_counts& c) {
    r.check(c.requests >= c.total_successes + c.total_failures + c.total_ignored, "more outcomes than requests:", c);
    r.check(c.consecutive_successes == 0 || c.consecutive_failures == 0, "in a row of both kinds:", c);
    r.check(c.consecutive_successes <= c.total_successes, "in a row more successes than there are:", c);
    r.check(c.consecutive_failures <= c.total_failures, "in a row more failures than there are:", c);
}

/// Holds as well where successes and the row that they are in are counted at one instant.
inline void check_last_outcome(run& r, const breaker_counts& c) {
    const bool any = c.total_successes + c.total_failures != 0;
    r.check(!any || c.consecutive_successes + c.consecutive_failures != 0, "outcomes, but no last one:", c);
}

/// Of what an observer was shown.
template <class Impl>
void check_seen(run& r, const breaker_counts& c) {
    check_counts(r, c);
    if constexpr (!Impl::has_cells) check_last_outcome(r, c);
}

/// Transitions as they are told, by any thread at any time.
class transition_log {
public:
    void add(const transition& t) {
        const std::lock_guard lock(mutex_);
        all_.push_back(t);
    }

    std::vector<transition> in_order() const {
        const std::lock_guard lock(mutex_);
        auto sorted = all_;
        std::sort(sorted.begin(), sorted.end(),
                  [](const transition& a, const transition& b) { return a.generation < b.generation; });
        return sorted;
    }

    /// One call a transition: generations 2, 3, ... without gap or double, each beginning where the last one ended.
    void check_chain(run& r) const {
        breaker_state state = breaker_state::closed;
        std::uint64_t generation = 1;
        for (const transition& t : in_order()) {
            r.check(t.generation == generation + 1, "callbacks skip or repeat a generation:", t);
            r.check(t.from == state, "a callback begins where the one before it did not end:", t);
            const bool possible = (t.from == breaker_state::closed && t.to == breaker_state::open) ||
                                  (t.from == breaker_state::open && t.to == breaker_state::half_open) ||
                                  t.from == breaker_state::half_open;
            r.check(possible, "there is no such transition:", t);
            state = t.to;
            generation = t.generation;
        }
    }

    std::uint64_t last_generation() const {
        const std::lock_guard lock(mutex_);
        return 1 + all_.size();
    }

private:
    mutable std::mutex mutex_;
    std::vector<transition> all_;
};

/// Fewer failures than the threshold never trip; as many always have, when all calls have returned. Successes and
/// ignored calls run in between, and failures before are counted in.
template <class Impl>
class trip_at_the_threshold {
public:
    explicit trip_at_the_threshold(run& r)
        : run_(r),
          each_(1 + static_cast<std::uint32_t>(r.random()() % 4)),
          failures_(each_ * r.threads()),
          reached_(r.random()() % 2 == 0),
          breaker_({.interval = std::chrono::nanoseconds(0),
                    .timeout = std::chrono::hours(1),
                    .ready_to_trip =
                        [this](const breaker_counts& c) {
                            check_counts(run_, c);
                            check_last_outcome(run_, c);
                            run_.check(c.consecutive_failures >= 1, "asked about counts without the failure:", c);
                            return c.total_failures >= failures_ + (reached_ ? 0 : 1);
                        },
                    .on_state_change = [this](const transition& t) { log_.add(t); }}) {}

    void act(unsigned, random_source& random) {
        for (std::uint32_t i = 0; i != each_; ++i) {
            auto failing = breaker_.try_acquire();
            run_.check(failing.has_value(), "refused before the threshold was reached");
            if (chance(random, 2)) {
                if (auto other = breaker_.try_acquire()) chance(random, 3) ? other->ignore() : other->success();
            }
            if (failing) run_.check(failing->failure(), "a failure before the trip was not counted");
        }
        run_.add_operations(each_ * 3);
    }

    void finish() {
        run_.check((breaker_.state() == breaker_state::open) == reached_,
                   reached_ ? "threshold reached, still closed:" : "tripped below the threshold:", breaker_.snapshot());
        run_.check(log_.last_generation() == (reached_ ? 2U : 1U), "callbacks of the trip:", log_.last_generation());
    }

private:
    run& run_;
    const std::uint32_t each_;
    const std::uint32_t failures_;
    const bool reached_;
    transition_log log_;
    typename Impl::template breaker<manual_clock> breaker_;
};

/// Half-open admits max_requests callers, not one more, whoever races; one of them makes the transition; as many
/// successes close it, given back places are given again.
template <class Impl>
class probe_limit {
public:
    explicit probe_limit(run& r)
        : run_(r),
          places_(1 + static_cast<std::uint32_t>(r.random()() % (r.threads() + 1))),
          breaker_({.max_requests = places_,
                    .interval = std::chrono::nanoseconds(0),
                    .timeout = std::chrono::nanoseconds(0),
                    .ready_to_trip = consecutive_failures(1),
                    .on_state_change = [this](const transition& t) { log_.add(t); }}) {
        (void)breaker_.try_acquire()->failure();
    }

    void act(unsigned, random_source& random) {
        for (int i = 0; i != 3; ++i) {
            auto probe = breaker_.try_acquire();
            if (!probe) {
                run_.check(probe.error() == errc::too_many_probes, "refused for another reason than the limit");
                continue;
            }
            const std::uint32_t inside = inside_.fetch_add(1, std::memory_order_relaxed) + 1;
            run_.check(inside <= places_, "more probes than places:", inside);
            if (chance(random, 3)) {
                inside_.fetch_sub(1, std::memory_order_relaxed);  // before its place is free for another
                chance(random, 2) ? (void)probe->ignore() : (void)std::move(*probe);
            } else {
                const std::lock_guard lock(mutex_);
                kept_.push_back(std::move(*probe));
            }
        }
        run_.add_operations(3);
    }

    void finish() {
        while (kept_.size() < places_) {
            auto probe = breaker_.try_acquire();
            run_.check(probe.has_value(), "a place was lost");
            if (!probe) return;
            kept_.push_back(std::move(*probe));
        }
        run_.check(kept_.size() == places_ && !breaker_.try_acquire(), "probes kept:", kept_.size());
        for (auto& probe : kept_) run_.check(probe.success(), "a probe's success was not counted");
        run_.check(breaker_.state() == breaker_state::closed, "all probes succeeded:", breaker_.snapshot());
        run_.check(log_.last_generation() == 4, "transitions of one recovery:", log_.last_generation());
        log_.check_chain(run_);
    }

private:
    run& run_;
    const std::uint32_t places_;
    std::atomic<std::uint32_t> inside_{0};
    transition_log log_;
    typename Impl::template breaker<manual_clock> breaker_;
    std::mutex mutex_;
    std::vector<typename Impl::template breaker<manual_clock>::permit> kept_;
};

/// Results of calls from before a trip never count in a later generation, however late or early they race with it.
template <class Impl>
class stale_results {
public:
    explicit stale_results(run& r)
        : run_(r),
          breaker_({.interval = std::chrono::nanoseconds(0),
                    .timeout = std::chrono::nanoseconds(0),
                    .ready_to_trip = [this](const breaker_counts& c) { return c.total_failures >= 1 && !recovered_; },
                    .on_state_change = [this](const transition& t) { log_.add(t); }}),
          old_(4 * r.threads()) {
        for (auto& permit : old_) permit.emplace(breaker_.try_acquire().value());
    }

    void act(unsigned thread, random_source& random) {
        const auto speak = [&](unsigned i) {
            auto& permit = old_[4 * thread + i];
            switch (random() % 3) {
                case 0: (void)permit->success(); break;
                case 1: (void)permit->ignore(); break;
                default: permit.reset(); break;
            }
        };
        if (thread == 0) {
            run_.check(old_[0]->failure(), "the failure that trips was not counted");
            auto probe = breaker_.try_acquire();
            run_.check(probe.has_value(), "no probe after a timeout of 0");
            if (probe) run_.check(probe->success(), "the probe was not counted");
            recovered_ = true;
            auto fresh = breaker_.try_acquire();
            run_.check(fresh.has_value() && fresh->success(), "a fresh success was not counted");
        } else {
            for (unsigned i = 0; i != 3; ++i) speak(i);
            const std::uint64_t generation = breaker_.generation();
            const bool counted = old_[4 * thread + 3]->success();
            run_.check(!counted || generation < 2, "a stale success was counted in generation", generation);
        }
        run_.add_operations(4);
    }

    void finish() {
        for (auto& permit : old_) {
            if (permit) run_.check(!permit->failure(), "a stale failure was counted");
        }
        const breaker_snapshot end = breaker_.snapshot();
        run_.check(end.state == breaker_state::closed && end.generation == 4, "ended elsewhere:", end);
        run_.check(end.counts == breaker_counts{1, 1, 0, 0, 1, 0}, "stale results were counted:", end.counts);
        log_.check_chain(run_);
    }

private:
    run& run_;
    std::atomic<bool> recovered_{false};
    transition_log log_;
    typename Impl::template breaker<manual_clock> breaker_;
    std::vector<std::optional<typename Impl::template breaker<manual_clock>::permit>> old_;
};

/// Probes that hang, are dropped, or fail never wedge the breaker: after each probe timeout somebody is let through,
/// and at the end one success closes it.
template <class Impl>
class hung_probes {
public:
    explicit hung_probes(run& r)
        : run_(r),
          breaker_({.max_requests = 1,
                    .interval = std::chrono::nanoseconds(0),
                    .timeout = std::chrono::nanoseconds(0),
                    .probe_timeout = std::chrono::nanoseconds(1),
                    .ready_to_trip = consecutive_failures(1),
                    .on_state_change = [this](const transition& t) { log_.add(t); }}) {
        (void)breaker_.try_acquire()->failure();
    }

    void act(unsigned, random_source& random) {
        std::vector<permit> hung;
        for (int i = 0; i != 8; ++i) {
            if (chance(random, 3)) manual_clock::advance(std::chrono::nanoseconds(1));
            auto probe = breaker_.try_acquire();
            if (!probe) {
                run_.check(probe.error() == errc::too_many_probes, "refused as open after a timeout of 0");
                continue;
            }
            switch (random() % 4) {
                case 0: probe->failure(); break;
                case 1: {
                    const auto dropped = std::move(*probe);
                } break;
                default: hung.push_back(std::move(*probe));
            }
        }
        for (auto& late : hung) {
            if (chance(random, 4)) late.failure();
        }
        const std::lock_guard lock(mutex_);
        for (auto& never : hung) hung_.push_back(std::move(never));
        run_.add_operations(16);
    }

    void finish() {
        manual_clock::advance(std::chrono::nanoseconds(1));
        auto probe = breaker_.try_acquire();
        run_.check(probe.has_value(), "wedged:", breaker_.snapshot());
        if (probe) run_.check(probe->success(), "the probe was not counted");
        run_.check(breaker_.state() == breaker_state::closed, "not closed:", breaker_.snapshot());
        const auto closed = breaker_.snapshot();
        for (auto& late : hung_) run_.check(!late.success(), "a late word of a hung probe was counted");
        run_.check(breaker_.snapshot() == closed, "a late word changed something:", breaker_.snapshot());
        log_.check_chain(run_);
    }

private:
    using permit = typename Impl::template breaker<manual_clock>::permit;

    run& run_;
    transition_log log_;
    typename Impl::template breaker<manual_clock> breaker_;
    std::mutex mutex_;
    std::vector<permit> hung_;
};

/// In one endless window every call is counted once, exactly; observers see counts that only rise.
template <class Impl>
class counts_add_up {
public:
    explicit counts_add_up(run& r)
        : run_(r), breaker_({.interval = std::chrono::nanoseconds(0), .ready_to_trip = [this](const breaker_counts& c) {
                                 check_counts(run_, c);
                                 check_last_outcome(run_, c);
                                 return false;
                             }}) {}

    void act(unsigned thread, random_source& random) {
        std::uint32_t successes = 0;
        std::uint32_t failures = 0;
        std::uint32_t ignored = 0;
        breaker_counts last;
        constexpr int calls = 200;
        for (int i = 0; i != calls; ++i) {
            auto p = breaker_.try_acquire();
            run_.check(p.has_value(), "refused while closed");
            if (!p) return;
            switch (random() % 4) {
                case 0:
                    ++failures;
                    p->failure();
                    break;
                case 1: ++ignored; break;  // dropped
                default:
                    ++successes;
                    p->success();
                    break;
            }
            if (thread != 0) continue;
            const breaker_counts now = breaker_.counts();
            check_seen<Impl>(run_, now);
            run_.check(now.requests >= last.requests && now.total_successes >= last.total_successes &&
                           now.total_failures >= last.total_failures && now.total_ignored >= last.total_ignored,
                       "counts fell:", last, "then", now);
            last = now;
        }
        successes_.fetch_add(successes, std::memory_order_relaxed);
        failures_.fetch_add(failures, std::memory_order_relaxed);
        ignored_.fetch_add(ignored, std::memory_order_relaxed);
        run_.add_operations(2 * calls);
    }

    void finish() {
        const breaker_counts c = breaker_.counts();
        run_.check(c.total_successes == successes_ && c.total_failures == failures_ && c.total_ignored == ignored_ &&
                       c.requests == successes_ + failures_ + ignored_,
                   "calls were lost or counted twice:", c);
    }

private:
    run& run_;
    std::atomic<std::uint32_t> successes_{0};
    std::atomic<std::uint32_t> failures_{0};
    std::atomic<std::uint32_t> ignored_{0};
    typename Impl::template breaker<manual_clock> breaker_;
};

/// Everything at once: windows, trips, probes, hung and late calls, observers, on a clock that never stands still.
/// One callback a transition, in agreement with the generation; observed generations go forward but for a new test of
/// the service that a late probe made unnecessary; at the end every call is accounted for.
template <class Impl>
class everything_at_once {
public:
    explicit everything_at_once(run& r)
        : run_(r),
          breaker_({.max_requests = 1 + static_cast<std::uint32_t>(r.random()() % 3),
                    .interval = std::chrono::nanoseconds(r.random()() % 40),
                    .timeout = std::chrono::nanoseconds(r.random()() % 30),
                    .probe_timeout = std::chrono::nanoseconds(r.random()() % 30),
                    .ready_to_trip =
                        [this](const breaker_counts& c) {
                            check_counts(run_, c);
                            check_last_outcome(run_, c);
                            run_.check(c.consecutive_failures >= 1, "asked about counts without the failure:", c);
                            return c.total_failures >= 3;
                        },
                    .on_state_change =
                        [this](const transition& t) {
                            log_.add(t);
                            check_seen<Impl>(run_, breaker_.counts());  // a callback may call the breaker
                        }}) {}

    void act(unsigned, random_source& random) {
        std::vector<permit> held;
        std::uint64_t last_generation = 0;
        constexpr int steps = 100;
        for (int i = 0; i != steps; ++i) {
            if (chance(random, 2)) {
                if (auto p = breaker_.try_acquire()) held.push_back(std::move(*p));
            } else if (!held.empty()) {
                std::swap(held[random() % held.size()], held.back());
                permit ending = std::move(held.back());
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
                check_seen<Impl>(run_, s.counts);
                run_.check(s.generation + 1 >= last_generation, "the generation went back:", s);
                run_.check(s.state == breaker_state::open || s.retry_after == std::chrono::nanoseconds(0),
                           "time to wait, though not open:", s);
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
        if (end.generation == told && end.state == breaker_state::closed) {
            const breaker_counts& c = end.counts;
            run_.check(c.requests == c.total_successes + c.total_failures + c.total_ignored,
                       "a call is neither ended nor under way:", c);
        }
    }

private:
    using permit = typename Impl::template breaker<ticking_clock>::permit;

    run& run_;
    transition_log log_;
    typename Impl::template breaker<ticking_clock> breaker_;
};

}  // namespace bulwark::stress
