// A call of a watched breaker, interrupted at every access of a shared word by other calls: hints of the service and
// operators' words beside outcomes, which the windows must not lose, and beside ramps. One thread plays both callers
// (preemption.hpp), so each lost race is lost in every run.
#include "preemption.hpp"

#include <bulwark/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace {

using bulwark::breaker_state;
using bulwark::circuit_breaker_config;
using bulwark::errc;
using bulwark::manual_clock;
using bulwark::test::before_access;
using namespace std::chrono_literals;

using breaker =
    bulwark::basic_circuit_breaker<manual_clock, bulwark::test::preempted_traits<bulwark::detail::layout_widths{}>>;
using permit = breaker::permit;

/// `outer`, interrupted by `inner` before its n-th access, and the other accesses counted. False where it has fewer.
bool interrupted_at(int n, const std::function<void()>& outer, const std::function<void()>& inner) {
    int access = 0;
    before_access = [&] {
        if (++access == n) inner();
        return false;
    };
    outer();
    before_access = nullptr;
    return access >= n;
}

std::vector<circuit_breaker_config> windows() {
    circuit_breaker_config c{.timeout = 10s, .ready_to_trip = bulwark::consecutive_failures(2), .max_hint = 60s};
    std::vector<circuit_breaker_config> all;
    c.window = bulwark::last_calls(4), all.push_back(c);
    c.window = bulwark::last_time(40s, 4), all.push_back(c);
    c.window = {}, c.slow_call = 1s, all.push_back(c);
    return all;
}

TEST(WatchedInterruption, AnOutcomeBesideAHintIsInTheWindow) {
    for (const circuit_breaker_config& config : windows()) {
        for (int n = 1;; ++n) {
            manual_clock::reset();
            breaker b(config);
            permit first = b.try_acquire().value();
            permit second = b.try_acquire().value();
            bool counted = false;
            const auto hint = [&] { b.hold_off(30s); };
            if (!interrupted_at(n, hint, [&] { counted = first.failure(); })) break;
            EXPECT_TRUE(counted) << n;
            EXPECT_EQ(b.counts().total_failures, 1U) << n;
            EXPECT_TRUE(second.failure()) << n;
            EXPECT_EQ(b.state(), breaker_state::open) << "two failed in a row; access " << n;
        }
    }
}

TEST(WatchedInterruption, AHintBesideAnOutcomeLosesNothing) {
    for (const circuit_breaker_config& config : windows()) {
        for (int n = 1;; ++n) {
            manual_clock::reset();
            breaker b(config);
            permit first = b.try_acquire().value();
            permit second = b.try_acquire().value();
            bool counted = false;
            const auto fail = [&] { counted = first.failure(); };
            if (!interrupted_at(n, fail, [&] { b.hold_off(30s); })) break;
            EXPECT_TRUE(counted) << n;
            EXPECT_TRUE(second.failure(31s)) << n;
            EXPECT_EQ(b.state(), breaker_state::open) << n;
            EXPECT_EQ(b.retry_after(), 31s + std::chrono::nanoseconds(b.retry_after().count() % 256)) << n;
        }
    }
}

TEST(WatchedInterruption, ACallBesideAHintIsLetThrough) {
    for (const circuit_breaker_config& config : windows()) {
        for (int n = 1;; ++n) {
            manual_clock::reset();
            breaker b(config);
            if (!interrupted_at(n, [&] { b.hold_off(30s); }, [&] { EXPECT_TRUE(b.try_acquire().value().success()); }))
                break;
            EXPECT_EQ(b.counts().total_successes, 1U) << n;
        }
    }
}

circuit_breaker_config ramped() {
    return {.timeout = 10s, .ready_to_trip = bulwark::consecutive_failures(2), .ramp = 100s, .ramp_from = 0.01};
}

int ramped_of(breaker& b, int calls) {
    int refused = 0;
    for (int i = 0; i != calls; ++i) {
        const auto p = b.try_acquire();
        if (!p && p.error() == errc::circuit_ramping) ++refused;
    }
    return refused;
}

TEST(WatchedInterruption, NoRampAfterTwoResetsAtOnce) {
    // Another resets it once; or twice, so that the first one is late by a generation. Calls come at once.
    for (const int times : {1, 2}) {
        for (int n = 1, access = n; access >= n; ++n) {
            manual_clock::reset();
            breaker b(ramped());
            b.trip();
            access = 0;
            int refused = 0;
            before_access = [&] {
                if (++access == n) {
                    for (int i = 0; i != times; ++i) b.reset();
                }
                if (access >= n) refused += ramped_of(b, 5);
                return false;
            };
            b.reset();
            before_access = nullptr;
            EXPECT_EQ(b.state(), breaker_state::closed) << n;
            EXPECT_EQ(refused + ramped_of(b, 5), 0) << n;
        }
    }
}

TEST(WatchedInterruption, NoCallMeetsARampWhileABreakerIsReset) {
    // Its time is over or not: observers tell of another generation than the next transition makes.
    for (const auto waited : {1s, 11s}) {
        for (int n = 1;; ++n) {
            manual_clock::reset();
            breaker b(ramped());
            b.trip();
            manual_clock::advance(waited);
            int refused = 0;
            if (!interrupted_at(n, [&] { b.reset(); }, [&] { refused += ramped_of(b, 5); })) break;
            EXPECT_EQ(refused, 0) << n;
            EXPECT_EQ(ramped_of(b, 5), 0) << n;
        }
    }
}

}  // namespace
