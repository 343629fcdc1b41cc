// Calls through a closed breaker, one step of one call a thread at a time: after every round the counts are exactly
// those of the calls so far, and the breaker is open where the failures have reached the threshold, and only there.
#pragma once

#include "implementations.hpp"
#include "rounds.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace bulwark::stress {

/// A thread with a permit says how its call ended, one without asks for one.
template <class Impl>
class calls_are_counted {
    using breaker = typename Impl::template breaker<manual_clock>;

public:
    explicit calls_are_counted(run& r) : run_(r), hands_(r.threads()) { start_again(); }

    void choose(unsigned thread, random_source& random) {
        hand& h = hands_[thread];
        h.tells = h.held.has_value();
        const auto dice = random() % 4;
        h.ending = dice == 0 ? outcome::success : dice == 1 ? outcome::ignored : outcome::failure;
    }

    void act(unsigned thread) {
        hand& h = hands_[thread];
        if (h.tells) {
            h.counted = tell(*h.held, h.ending);
            return;
        }
        auto admitted = breaker_->try_acquire();
        h.counted = admitted.has_value();
        if (admitted) h.held.emplace(std::move(*admitted));
    }

    void check() {
        for (hand& h : hands_) {
            if (h.counted) ++(h.tells ? expected_of(h.ending) : expected_.requests);
            if (h.tells) h.held.reset();
        }
        const breaker_snapshot now = breaker_->snapshot();
        const bool tripped = now.state == breaker_state::open;
        run_.check(expected_.total_failures <= threshold_, "failures counted after the trip: threshold", threshold_,
                   "but", expected_);
        run_.check(tripped == (expected_.total_failures >= threshold_),
                   tripped ? "tripped below the threshold:" : "threshold reached, still closed:", threshold_, expected_,
                   now);
        // relaxed: the threads that made transitions have met this one since
        const std::uint64_t told = transitions_.load(std::memory_order_relaxed);
        run_.check(told == (tripped ? 1U : 0U) && now.generation == 1 + told, "callbacks", told, "but", now);
        if (tripped) {
            for (hand& h : hands_) run_.check(!h.held || !h.held->success(), "a stale success was counted");
            start_again();
            return;
        }
        for (const hand& h : hands_) run_.check(h.counted, "a step of a call was not counted while closed:", now);
        const breaker_counts& c = now.counts;
        run_.check(c.requests == expected_.requests && c.total_successes == expected_.total_successes &&
                       c.total_failures == expected_.total_failures && c.total_ignored == expected_.total_ignored,
                   "calls were lost or counted twice: expected", expected_, "but", c);
    }

private:
    struct alignas(128) hand {
        std::optional<typename breaker::permit> held;
        outcome ending{};
        bool tells = false;
        bool counted = false;
    };

    static bool tell(typename breaker::permit& p, outcome o) {
        switch (o) {
            case outcome::success: return p.success();
            case outcome::failure: return p.failure();
            case outcome::ignored: break;
        }
        return p.ignore();
    }

    std::uint32_t& expected_of(outcome o) {
        switch (o) {
            case outcome::success: return expected_.total_successes;
            case outcome::failure: return expected_.total_failures;
            case outcome::ignored: break;
        }
        return expected_.total_ignored;
    }

    void start_again() {
        for (hand& h : hands_) h.held.reset();
        threshold_ = 1 + static_cast<std::uint32_t>(run_.random()() % 20);
        expected_ = {};
        // relaxed: the start of the next round publishes it
        transitions_.store(0, std::memory_order_relaxed);
        breaker_.emplace(circuit_breaker_config{
            .interval = std::chrono::nanoseconds(0),
            .timeout = std::chrono::hours(1),
            .ready_to_trip = [this](const breaker_counts& c) { return c.total_failures >= threshold_; },
            // relaxed: a number, read after the round
            .on_state_change = [this](const transition&) { transitions_.fetch_add(1, std::memory_order_relaxed); }});
    }

    run& run_;
    std::uint32_t threshold_ = 0;
    breaker_counts expected_;
    std::atomic<std::uint64_t> transitions_{0};
    std::optional<breaker> breaker_;
    std::vector<hand> hands_;
};

}  // namespace bulwark::stress
