// The rate limiter, several threads: the bound over every window of a log that is exact, that nothing is lost, and real
// waiters. Nothing here depends on how fast the machine is.
#include "../checks/clock.hpp"
#include "../checks/rate_bound.hpp"
#include "until.hpp"

#include <bulwark/clock.hpp>
#include <bulwark/rate_limiter.hpp>
#include <bulwark/reference/rate_limiter.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using bulwark::errc;
using bulwark::manual_clock;
using bulwark::checks::grant;
using bulwark::checks::rate_bound;
using bulwark::test::until;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// manual_clock, and what each thread read last: that is the time at which a call was granted.
struct noted_clock : bulwark::checks::nanosecond_clock<noted_clock> {
    static inline thread_local std::int64_t last = 0;
    static time_point now() noexcept {
        const auto time = manual_clock::now().time_since_epoch();
        last = time.count();
        return time_point(time);
    }
};

/// Whoever is refused moves the clock on, so that it takes as long on any machine.
template <class Limiter>
void hammer(Limiter& subject, const rate_bound& rule, nanoseconds step) {
    constexpr std::size_t threads = 3;
    constexpr int calls = 2000;
    std::latch gate(threads);
    std::vector<std::vector<grant>> granted(threads);
    {
        std::vector<std::jthread> team;
        for (std::vector<grant>& mine : granted) {
            team.emplace_back([&] {
                gate.arrive_and_wait();
                for (std::uint64_t i = 0; i != calls; ++i) {
                    const std::uint64_t n = 1 + i % rule.burst;
                    if (subject.try_acquire(n)) {
                        mine.push_back({.at = noted_clock::last, .permits = n});
                    } else {
                        manual_clock::advance(step);
                    }
                }
            });
        }
    }
    std::vector<grant> all;
    for (const auto& some : granted) all.insert(all.end(), some.begin(), some.end());
    EXPECT_TRUE(rule.holds(all));
    // No permit was lost: what is left is what the definition leaves.
    std::sort(all.begin(), all.end(), [](const grant& a, const grant& b) { return a.at < b.at; });
    const std::int64_t now = manual_clock::now().time_since_epoch().count();
    for (std::uint64_t n = 1; n <= rule.burst; ++n) {
        EXPECT_EQ(subject.retry_after(n).count(), rule.first_time_for(n, now, all) - now);
    }
}

template <class Limiter>
class RateLimiterThreads : public ::testing::Test {};
using both =
    ::testing::Types<bulwark::basic_rate_limiter<noted_clock>, bulwark::reference::basic_rate_limiter<noted_clock>>;
class names {
public:
    template <class T>
    static std::string GetName(int /*i*/) {
        return std::is_same_v<T, bulwark::basic_rate_limiter<noted_clock>> ? "lock_free" : "reference";
    }
};
TYPED_TEST_SUITE(RateLimiterThreads, both, names);

TYPED_TEST(RateLimiterThreads, KeepToTheBoundInEveryWindow) {
    for (const rate_bound rule :
         {rate_bound{.permits = 1, .period = 10, .burst = 1}, rate_bound{.permits = 3, .period = 100, .burst = 4},
          rate_bound{.permits = 1, .period = 1, .burst = 7}}) {
        manual_clock::reset();
        TypeParam subject{{.permits = rule.permits, .period = nanoseconds(rule.period), .burst = rule.burst}};
        for (const nanoseconds step : {1ns, 7ns, 500ns}) {
            // Each crowd finds a full burst.
            manual_clock::advance(1us);
            hammer(subject, rule, step);
        }
    }
}

TYPED_TEST(RateLimiterThreads, TakeABurstBetweenThemOnAClockThatStands) {
    manual_clock::reset();
    TypeParam subject{{.permits = 999'983, .burst = 1000}};
    std::atomic<int> granted{0};
    {
        std::vector<std::jthread> team;
        for (int t = 0; t != 3; ++t) {
            team.emplace_back([&] {
                for (int i = 0; i != 1000; ++i) granted += subject.try_acquire() ? 1 : 0;
            });
        }
    }
    EXPECT_EQ(granted.load(), 1000);
}

template <class Limiter>
class RateLimiterWaiters : public ::testing::Test {};
using waited_for = ::testing::Types<bulwark::rate_limiter, bulwark::reference::rate_limiter>;
TYPED_TEST_SUITE(RateLimiterWaiters, waited_for);

TYPED_TEST(RateLimiterWaiters, AllGetTheirPermitsAndNotTooEarly) {
    constexpr int threads = 3;
    constexpr int calls = 40;
    const auto began = std::chrono::steady_clock::now();
    TypeParam subject{{.permits = 2, .period = 1ms, .burst = 4}};
    std::atomic<int> granted{0};
    {
        std::vector<std::jthread> team;
        for (int t = 0; t != threads; ++t) {
            team.emplace_back([&, t] {
                for (int i = 0; i != calls; ++i) granted += subject.acquire(1 + (t + i) % 2 == 0 ? 1 : 2) ? 1 : 0;
            });
        }
    }
    EXPECT_EQ(granted.load(), threads * calls);
    // At the least 120 calls of one permit each, of which four were there.
    EXPECT_GE(std::chrono::steady_clock::now() - began, (threads * calls - 4) * 500us);
}

TYPED_TEST(RateLimiterWaiters, AreNotNeededWhereABurstIsThere) {
    TypeParam subject{{.permits = 1, .period = 1h, .burst = 100}};
    for (int i = 0; i != 100; ++i) EXPECT_TRUE(subject.try_acquire());
    EXPECT_EQ(subject.try_acquire().error(), errc::rate_limited);
}

TYPED_TEST(RateLimiterWaiters, LeaveWhenTheyAreStopped) {
    TypeParam subject{{.permits = 1, .period = 24h}};
    ASSERT_TRUE(subject.acquire());
    const nanoseconds before = subject.retry_after();
    std::stop_source source;
    std::atomic<int> stopped{0};
    {
        std::vector<std::jthread> team;
        for (int t = 0; t != 3; ++t) {
            team.emplace_back([&] {
                const auto got = subject.acquire(source.get_token());
                stopped += !got && got.error() == errc::stopped ? 1 : 0;
            });
        }
        EXPECT_TRUE(until([&] { return subject.retry_after() > 3 * 24h; }));  // all three have reserved
        source.request_stop();
    }
    EXPECT_EQ(stopped.load(), 3);
    // The last in line left either last, then all three are gone, or before others, then theirs stay used.
    EXPECT_LE(subject.retry_after(), before + 2 * 24h);
}

TYPED_TEST(RateLimiterWaiters, GiveBackWhatTheyReservedAlone) {
    TypeParam subject{{.permits = 1, .period = 24h}};
    ASSERT_TRUE(subject.acquire());
    const nanoseconds before = subject.retry_after();
    for (int i = 0; i != 50; ++i) {
        std::jthread waiter([&](const std::stop_token& stop) {
            const auto got = subject.acquire(stop);
            EXPECT_FALSE(got);
        });
        if (i % 2 == 0) {
            EXPECT_TRUE(until([&] { return subject.retry_after() > 24h; }));
        }
        waiter.request_stop();
    }
    EXPECT_LE(subject.retry_after(), before);
}

TEST(RateLimiterSleepers, AreWokenByAStopThoughTheirClockStands) {
    manual_clock::reset();
    bulwark::basic_rate_limiter<manual_clock> subject{{.permits = 1}};
    ASSERT_TRUE(subject.acquire());
    std::jthread waiter([&](const std::stop_token& stop) { EXPECT_EQ(subject.acquire(stop).error(), errc::stopped); });
    EXPECT_TRUE(until([&] { return subject.retry_after() == 2s; }));
    waiter.request_stop();
    waiter.join();
    EXPECT_EQ(subject.retry_after(), 1s);
}

TEST(RateLimiterSleepers, FindThatTheirTimeHasComeWhenTheyLook) {
    // The clock is moved by another thread; a sleeper looks when its time should have passed.
    manual_clock::reset();
    bulwark::basic_rate_limiter<manual_clock> subject{{.permits = 1, .period = 1ms}};
    ASSERT_TRUE(subject.acquire());
    std::atomic<bool> granted{false};
    const std::jthread waiter([&] {
        EXPECT_TRUE(subject.acquire());
        granted.store(true, std::memory_order_relaxed);
    });
    EXPECT_TRUE(until([&] { return subject.retry_after() == 2ms; }));
    EXPECT_FALSE(granted.load(std::memory_order_relaxed)) << "the clock stands";
    manual_clock::advance(1ms);
    EXPECT_TRUE(until([&] { return granted.load(std::memory_order_relaxed); }));
}

}  // namespace
