// Counts that many threads make together, of which each may keep its share in a place of its own: whoever made them,
// and whether or not he is still there, they add up, and in quiet moments they are exact.
#pragma once

#include "breaker_scenarios.hpp"
#include "implementations.hpp"
#include "run.hpp"

#include <array>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace bulwark::stress {

/// What one thread has done, or several.
struct calls_made {
    std::uint32_t successes = 0;
    std::uint32_t failures = 0;
    std::uint32_t ignored = 0;

    calls_made& operator+=(const calls_made& more) {
        successes += more.successes;
        failures += more.failures;
        ignored += more.ignored;
        return *this;
    }

    void check(run& r, const breaker_snapshot& s) const {
        const breaker_counts& c = s.counts;
        r.check(s.state == breaker_state::closed && s.generation == 1, "no longer as it began:", s);
        r.check(c.total_successes == successes && c.total_failures == failures && c.total_ignored == ignored &&
                    c.requests == successes + failures + ignored,
                "calls were lost or counted twice: successes", successes, "failures", failures, "ignored", ignored,
                "but", c);
    }
};

/// One endless window, and no failure is one too many.
inline circuit_breaker_config counts_only() {
    return {.interval = std::chrono::nanoseconds(0), .ready_to_trip = [](const breaker_counts&) { return false; }};
}

template <class Permit>
void end_somehow(run& r, Permit& p, random_source& random, calls_made& made) {
    switch (random() % 8) {
        case 0:
            ++made.failures;
            r.check(p.failure(), "a failure was not counted");
            break;
        case 1:
            ++made.ignored;
            r.check(p.ignore(), "an ignored call was not counted");
            break;
        default:
            ++made.successes;
            r.check(p.success(), "a success was not counted");
            break;
    }
}

template <class Breaker>
void call_somehow(run& r, Breaker& b, random_source& random, calls_made& made) {
    auto p = b.try_acquire();
    r.check(p.has_value(), "refused while closed");
    if (p) end_somehow(r, *p, random, made);
}

/// Threads begin and end while others count: what a thread counted outlives it, and who is given its slot goes on from
/// there. A call that it began is ended by another.
template <class Impl>
class thread_churn {
    using breaker = typename Impl::template breaker<manual_clock>;

public:
    explicit thread_churn(run& r) : run_(r), breaker_(counts_only()) {}

    void act(unsigned thread, random_source& random) {
        calls_made made;
        if (thread % 2 == 0) {
            for (int i = 0; i != lives; ++i) live(random, made);
        } else {
            for (int i = 0; i != lives * calls; ++i) call_somehow(run_, breaker_, random, made);
        }
        run_.add_operations(2 * lives * calls);
        const std::lock_guard lock(mutex_);
        made_ += made;
    }

    void finish() { made_.check(run_, breaker_.snapshot()); }

private:
    static constexpr int lives = 4;
    static constexpr int calls = 20;

    void live(random_source& random, calls_made& made) {
        std::optional<typename breaker::permit> left;
        std::jthread([&] {
            for (int i = 0; i != calls; ++i) call_somehow(run_, breaker_, random, made);
            if (auto p = breaker_.try_acquire()) left.emplace(std::move(*p));
        }).join();
        run_.check(left.has_value(), "refused while closed");
        if (left) end_somehow(run_, *left, random, made);
    }

    run& run_;
    breaker breaker_;
    std::mutex mutex_;
    calls_made made_;
};

/// Calls that one thread began and another ends; observers never see an outcome without its request.
template <class Impl>
class permits_handed_on {
    using breaker = typename Impl::template breaker<manual_clock>;

public:
    explicit permits_handed_on(run& r) : run_(r), breaker_(counts_only()), hands_(r.threads()) {}

    void act(unsigned thread, random_source& random) {
        calls_made made;
        constexpr int calls = 200;
        for (int i = 0; i != calls; ++i) {
            auto p = breaker_.try_acquire();
            run_.check(p.has_value(), "refused while closed");
            if (!p) return;
            const std::size_t to = (thread + 1 + random() % (hands_.size() - 1)) % hands_.size();
            // What lay there already is ended here: begun by anybody.
            auto found = put_into(hands_[to], std::move(*p));
            if (found) end_somehow(run_, *found, random, made);
            if (chance(random, 16)) check_seen<Impl>(run_, breaker_.counts());
        }
        run_.add_operations(2 * calls);
        const std::lock_guard lock(mutex_);
        made_ += made;
    }

    void finish() {
        random_source random(run_.rounds());
        for (hand& h : hands_) {
            if (h.held) end_somehow(run_, *h.held, random, made_);
        }
        made_.check(run_, breaker_.snapshot());
    }

private:
    using permit = typename breaker::permit;
    struct alignas(128) hand {
        std::mutex mutex;
        std::optional<permit> held;
    };

    static std::optional<permit> put_into(hand& h, permit&& p) {
        const std::lock_guard lock(h.mutex);
        auto found = std::exchange(h.held, std::nullopt);
        h.held.emplace(std::move(p));
        return found;
    }

    run& run_;
    breaker breaker_;
    std::vector<hand> hands_;
    std::mutex mutex_;
    calls_made made_;
};

/// The same threads at many breakers, so that what one of them has in its cells is the concern of that one alone.
template <class Impl>
class many_breakers {
public:
    explicit many_breakers(run& r) : run_(r) {
        for (auto& b : breakers_) b.emplace(counts_only());
    }

    void act(unsigned, random_source& random) {
        std::array<calls_made, count> made{};
        constexpr int calls = 300;
        for (int i = 0; i != calls; ++i) {
            const std::size_t at = random() % count;
            call_somehow(run_, *breakers_[at], random, made[at]);
        }
        run_.add_operations(2 * calls);
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i != count; ++i) made_[i] += made[i];
    }

    void finish() {
        for (std::size_t i = 0; i != count; ++i) made_[i].check(run_, breakers_[i]->snapshot());
    }

private:
    static constexpr std::size_t count = 16;

    run& run_;
    std::array<std::optional<typename Impl::template breaker<manual_clock>>, count> breakers_;
    std::mutex mutex_;
    std::array<calls_made, count> made_{};
};

/// Where all threads have come to a halt every one of them finds all six counts exact: after a crowd of calls, after
/// one failure, after a row of successes, and at the end of a window with calls under way.
template <class Impl>
class exact_in_quiet_moments {
public:
    explicit exact_in_quiet_moments(run& r)
        : run_(r),
          halt_(static_cast<std::ptrdiff_t>(r.threads())),
          breaker_({.interval = std::chrono::nanoseconds(1),
                    .ready_to_trip = [](const breaker_counts&) { return false; }}) {}

    void act(unsigned thread, random_source& random) {
        const auto threads = static_cast<std::uint32_t>(run_.threads());
        crowd(random);
        halt_.arrive_and_wait();
        const breaker_counts before = breaker_.counts();
        {
            const std::lock_guard lock(mutex_);
            made_.check(run_, breaker_.snapshot());
        }
        halt_.arrive_and_wait();

        if (thread == 0) call(outcome::failure);
        halt_.arrive_and_wait();
        breaker_counts expected = before;
        ++expected.requests;
        ++expected.total_failures;
        ++expected.consecutive_failures;
        expected.consecutive_successes = 0;
        check(expected);

        const auto each = static_cast<std::uint32_t>(1 + run_.rounds() % 20);
        for (std::uint32_t i = 0; i != each; ++i) call(outcome::success);
        halt_.arrive_and_wait();
        expected.requests += each * threads;
        expected.total_successes += each * threads;
        expected.consecutive_successes = each * threads;
        expected.consecutive_failures = 0;
        check(expected);

        auto late = breaker_.try_acquire();
        run_.check(late.has_value(), "refused while closed");
        halt_.arrive_and_wait();
        if (thread == 0) manual_clock::advance(std::chrono::nanoseconds(1));
        halt_.arrive_and_wait();
        check({});
        // Half of them end in the new window, their requests with them; the others begin calls there.
        thread % 2 == 0 ? (void)late->success() : (void)breaker_.try_acquire()->success();
        halt_.arrive_and_wait();
        check({.requests = threads, .total_successes = threads, .consecutive_successes = threads});
        if (thread % 2 != 0) run_.check(late->success(), "a call longer than its window was not counted");
        const std::uint32_t all = threads + threads / 2;
        halt_.arrive_and_wait();
        run_.check(breaker_.counts() == breaker_counts{all, all, 0, 0, all, 0},
                   "calls longer than the window:", breaker_.counts(), "of", all);
        run_.add_operations(std::uint64_t{2} * (each + some_calls + 2));
    }

    void finish() {}

private:
    static constexpr int some_calls = 50;

    void crowd(random_source& random) {
        calls_made made;
        for (int i = 0; i != some_calls; ++i) call_somehow(run_, breaker_, random, made);
        const std::lock_guard lock(mutex_);
        made_ += made;
    }

    void call(outcome o) {
        auto p = breaker_.try_acquire();
        run_.check(p.has_value() && (o == outcome::success ? p->success() : p->failure()), "a call was not counted");
    }

    /// All threads look, then all go on.
    void check(const breaker_counts& expected) {
        const breaker_counts now = breaker_.counts();
        run_.check(now == expected, "in a quiet moment: expected", expected, "but", now);
        halt_.arrive_and_wait();
    }

    run& run_;
    std::barrier<> halt_;
    typename Impl::template breaker<manual_clock> breaker_;
    std::mutex mutex_;
    calls_made made_;
};

}  // namespace bulwark::stress
