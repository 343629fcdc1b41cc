// The rate limiter, one thread: what is granted when, who is refused and why, waiting by a clock that only the sleepers
// move, and random scripts against the definition of the bound. What both have is asked of the mutex reference too.
#include "../checks/clock.hpp"
#include "../checks/rate_bound.hpp"

#include <bulwark/clock.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/rate_limiter.hpp>
#include <bulwark/reference/rate_limiter.hpp>
#include <bulwark/waiting.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <ratio>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace {

using bulwark::errc;
using bulwark::manual_clock;
using bulwark::rate_limiter_config;
using bulwark::checks::grant;
using bulwark::checks::rate_bound;
using bulwark::detail::emission;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

constexpr nanoseconds never = nanoseconds::max();

/// Sleep that is an event of the test: it says what happens meanwhile, in the thread of the sleeper.
struct scripted_parker {
    static inline std::function<void()> meanwhile;

    std::uint32_t wait_until(std::uint32_t old, std::chrono::steady_clock::time_point /*until*/) {
        if (word == old) meanwhile();
        return word;
    }
    bool change(std::uint32_t from, std::uint32_t to) { return word == from ? (word = to, true) : false; }

    std::uint32_t word = 0;
};
struct scripted_traits : bulwark::detail::default_traits {
    using parker = scripted_parker;
};
using limiter = bulwark::basic_rate_limiter<manual_clock, scripted_traits>;
using reference = bulwark::reference::basic_rate_limiter<manual_clock>;

/// Starts time anew; sleepers move it by a step at a time.
void begin(nanoseconds step = 1ms) {
    manual_clock::reset();
    scripted_parker::meanwhile = [step] { manual_clock::advance(step); };
}

nanoseconds now() {
    return manual_clock::now().time_since_epoch();
}

/// How many permits, one after the other, are granted at this instant.
template <class Limiter>
std::uint64_t drain(Limiter& subject) {
    std::uint64_t n = 0;
    while (subject.try_acquire()) ++n;
    return n;
}

template <class Limiter>
class RateLimiter : public ::testing::Test {
protected:
    RateLimiter() { begin(); }
};
using both = ::testing::Types<limiter, reference>;
class names {
public:
    template <class T>
    static std::string GetName(int /*i*/) {
        return std::is_same_v<T, limiter> ? "lock_free" : "reference";
    }
};
TYPED_TEST_SUITE(RateLimiter, both, names);

TYPED_TEST(RateLimiter, BeginsWithAFullBurstAndThenGrantsOneAnInterval) {
    TypeParam subject{{.permits = 10, .burst = 3}};
    EXPECT_EQ(drain(subject), 3U);
    for (int i = 0; i != 5; ++i) {
        manual_clock::advance(100ms - 1ns);
        EXPECT_EQ(subject.try_acquire().error(), errc::rate_limited);
        manual_clock::advance(1ns);
        EXPECT_EQ(drain(subject), 1U);
    }
}

TYPED_TEST(RateLimiter, SavesUpABurstAndNotOneMore) {
    TypeParam subject{{.permits = 10, .burst = 3}};
    for (const nanoseconds idle : {300ms, 301ms, 400ms, 500ms, 3600'000ms}) {
        manual_clock::advance(idle);
        EXPECT_EQ(subject.available(), 3U);
        EXPECT_EQ(drain(subject), 3U) << "after " << idle.count() << " ns";
        EXPECT_EQ(subject.available(), 0U);
    }
    manual_clock::advance(299ms);
    EXPECT_EQ(drain(subject), 2U);
}

TYPED_TEST(RateLimiter, SaysToTheNanosecondWhenToComeAgain) {
    TypeParam subject{{.permits = 7, .burst = 5}};
    EXPECT_EQ(subject.retry_after(), 0ns);
    EXPECT_EQ(subject.retry_after(5), 0ns);
    EXPECT_EQ(subject.retry_after(6), never);
    EXPECT_EQ(subject.retry_after(0), 0ns);
    ASSERT_TRUE(subject.try_acquire(4));
    EXPECT_EQ(subject.retry_after(), 0ns) << "of a burst something is left";
    for (const std::uint64_t n : {2U, 5U, 1U, 3U}) {
        const nanoseconds wait = subject.retry_after(n);
        ASSERT_GT(wait, 0ns);
        manual_clock::advance(wait - 1ns);
        EXPECT_EQ(subject.try_acquire(n).error(), errc::rate_limited);
        EXPECT_EQ(subject.retry_after(n), 1ns);
        manual_clock::advance(1ns);
        EXPECT_EQ(subject.retry_after(n), 0ns);
        ASSERT_TRUE(subject.try_acquire(n));
    }
}

TYPED_TEST(RateLimiter, AsksForSeveralPermitsAllOrNone) {
    TypeParam subject{{.permits = 1000, .burst = 10}};
    EXPECT_EQ(subject.capacity(), 10U);
    EXPECT_TRUE(subject.try_acquire(7));
    EXPECT_EQ(subject.try_acquire(4).error(), errc::rate_limited);
    EXPECT_EQ(subject.available(), 3U) << "a refusal takes nothing";
    EXPECT_EQ(subject.try_acquire(11).error(), errc::over_capacity);
    EXPECT_EQ(subject.try_acquire(std::numeric_limits<std::uint64_t>::max()).error(), errc::over_capacity);
    EXPECT_TRUE(subject.try_acquire(3));
    EXPECT_TRUE(subject.try_acquire(0));
    EXPECT_EQ(subject.acquire(11).error(), errc::over_capacity);
    EXPECT_EQ(subject.try_acquire_for(1h, 11).error(), errc::over_capacity);
}

TYPED_TEST(RateLimiter, GrantsTheFirstAtOnceHoweverLowTheRate) {
    TypeParam subject{{.permits = 1, .period = 24h * 3650}};
    EXPECT_EQ(subject.retry_after(), 0ns);
    EXPECT_TRUE(subject.try_acquire());
    EXPECT_EQ(subject.retry_after(), 24h * 3650);
    manual_clock::advance(24h * 3650);
    EXPECT_EQ(drain(subject), 1U);
}

TYPED_TEST(RateLimiter, KeepsTheRateForEver) {
    // Rates whose interval is no whole number of nanoseconds. What is earned is granted, and nothing beyond: less than
    // a millionth is lost, and nothing at all of those that are represented.
    for (const std::uint64_t permits : {3U, 7U, 60U, 14'999U, 999'983U}) {
        TypeParam subject{{.permits = permits, .burst = 2 * permits}};
        ASSERT_TRUE(subject.try_acquire(2 * permits));
        std::uint64_t granted = 0;
        for (int i = 1; i <= 1000; ++i) {
            manual_clock::advance(777'777'777ns);
            const std::uint64_t n = subject.available();
            ASSERT_TRUE(subject.try_acquire(n));
            granted += n;
            const auto earned = bulwark::checks::wide{permits} * 777'777'777 * i / 1'000'000'000;
            ASSERT_LE(granted, earned);
            ASSERT_GE(granted + 1 + (permits > 60 ? granted / 1'000'000 : 0), earned);
        }
    }
}

TYPED_TEST(RateLimiter, GrantsOneANanosecondAndNoMore) {
    TypeParam subject{{.permits = 1'000'000'000}};
    for (int i = 0; i != 1000; ++i) {
        EXPECT_EQ(drain(subject), 1U);
        manual_clock::advance(1ns);
    }
    TypeParam bursts{{.permits = 1, .period = 1ns, .burst = 1000}};
    EXPECT_TRUE(bursts.try_acquire(1000));
    manual_clock::advance(400ns);
    EXPECT_EQ(drain(bursts), 400U);
}

TYPED_TEST(RateLimiter, GivesNoMoreOnAClockThatStandsOrStepsBack) {
    TypeParam subject{{.permits = 10, .burst = 4}};
    manual_clock::advance(10s);
    ASSERT_TRUE(subject.try_acquire(2));
    manual_clock::advance(-100ms);
    EXPECT_EQ(subject.available(), 1U);
    manual_clock::advance(-5s);
    EXPECT_EQ(drain(subject), 0U);
    EXPECT_EQ(subject.retry_after(), 5s);
    manual_clock::advance(-1h);  // before the limiter began
    EXPECT_EQ(drain(subject), 0U);
    EXPECT_EQ(subject.retry_after(), 9900ms) << "its time begins at 0";
    manual_clock::advance(1h + 5100ms);
    EXPECT_EQ(drain(subject), 2U);
}

TYPED_TEST(RateLimiter, LastsAsLongAsTheClock) {
    manual_clock::advance(nanoseconds::min());
    TypeParam early{{.permits = 10, .burst = 5}};
    EXPECT_EQ(drain(early), 5U);
    manual_clock::advance(nanoseconds::max());
    TypeParam subject{{.permits = 10, .burst = 5}};
    EXPECT_EQ(drain(early), 5U);
    EXPECT_EQ(drain(subject), 5U);
    manual_clock::advance(24h * 365 * 291);
    EXPECT_EQ(drain(subject), 5U);
    manual_clock::advance(100ms);
    EXPECT_EQ(drain(subject), 1U);
    manual_clock::advance(never);  // as far as it goes
    EXPECT_EQ(drain(early), 5U);
    EXPECT_EQ(drain(subject), 5U);
    EXPECT_EQ(subject.retry_after(), 100ms);
    EXPECT_EQ(subject.try_acquire_for(0ns).error(), errc::timed_out);
    manual_clock::advance(never);
    EXPECT_EQ(drain(subject), 0U);
}

TEST(RateLimiterRange, DoesNotEndWhenTheWordGoesRound) {
    begin();
    limiter subject{{.permits = 59, .burst = 5}};  // 59 units a nanosecond: 2^64 of them are 10 years
    for (int year = 0; year != 40; ++year) {
        ASSERT_EQ(drain(subject), 5U) << year;
        ASSERT_EQ(subject.retry_after(5), nanoseconds(5'000'000'000 / 59 + 1));
        manual_clock::advance(24h * 365);
    }
}

TYPED_TEST(RateLimiter, RefusesWaitsThatAreTooShortWithoutAWait) {
    scripted_parker::meanwhile = [] { FAIL() << "slept in vain"; };
    TypeParam subject{{.permits = 10, .max_wait = 5s}};
    ASSERT_TRUE(subject.try_acquire());
    EXPECT_EQ(subject.try_acquire_for(99ms).error(), errc::timed_out);
    EXPECT_EQ(subject.try_acquire_for(-1h).error(), errc::timed_out);
    EXPECT_EQ(subject.try_acquire_for(0ns).error(), errc::timed_out);
    EXPECT_EQ(subject.try_acquire_until(manual_clock::now() + 99ms).error(), errc::timed_out);
    EXPECT_EQ(subject.try_acquire_until(std::chrono::steady_clock::time_point::min()).error(), errc::timed_out);
    EXPECT_EQ(subject.retry_after(), 100ms) << "a refusal takes nothing";
    std::stop_source source;
    source.request_stop();
    EXPECT_EQ(subject.acquire(source.get_token()).error(), errc::stopped);
    EXPECT_EQ(subject.try_acquire_for(0ns, source.get_token()).error(), errc::stopped);
    manual_clock::advance(100ms);
    EXPECT_TRUE(subject.try_acquire_until(manual_clock::now() - 1h, source.get_token())) << "it is there";
}

TYPED_TEST(RateLimiter, RefusesToQueueFurtherThanMaxWait) {
    scripted_parker::meanwhile = [] { FAIL() << "slept in vain"; };
    TypeParam nobody{{.permits = 10, .burst = 2, .max_wait = 0ns}};
    ASSERT_TRUE(nobody.acquire(2));
    EXPECT_EQ(nobody.acquire().error(), errc::queue_full);
    TypeParam some{{.permits = 10, .burst = 2, .max_wait = 200ms - 1ns}};
    ASSERT_TRUE(some.acquire(2));
    EXPECT_EQ(some.acquire(2).error(), errc::queue_full);
    EXPECT_EQ(some.try_acquire_for(1h, 2).error(), errc::queue_full);
    EXPECT_EQ(some.try_acquire_for(199ms, 2).error(), errc::timed_out);
    EXPECT_EQ(some.try_acquire().error(), errc::rate_limited);
    TypeParam patient{{.permits = 1, .period = 24h * 365 * 73}};  // and no limit of its own
    ASSERT_TRUE(patient.acquire());
    manual_clock::advance(1h);
    TypeParam impossible{{.permits = 1, .period = 24h * 365 * 73, .max_wait = 24h * 365 * 72}};
    ASSERT_TRUE(impossible.acquire());
    EXPECT_EQ(impossible.acquire().error(), errc::queue_full);
}

std::string complaint(const rate_limiter_config& config) {
    try {
        const limiter made(config);
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "none";
}

TEST(RateLimiterConfig, IsRefusedByTheNameOfItsField) {
    const auto names_field = [](const rate_limiter_config& c, const std::string& field) {
        EXPECT_NE(complaint(c).find("rate_limiter_config: " + field + ' '), std::string::npos) << complaint(c);
    };
    EXPECT_EQ(complaint({.permits = 1}), "none");
    names_field({}, "permits");
    names_field({.permits = 1'000'000'001}, "permits");
    names_field({.permits = 2, .period = 1ns}, "permits");
    names_field({.permits = 1, .period = 0s}, "period");
    names_field({.permits = 1, .period = -1s}, "period");
    names_field({.permits = 1, .period = nanoseconds((std::int64_t{1} << 61) + 1)}, "period");
    names_field({.permits = 1, .burst = 0}, "burst");
    names_field({.permits = 1, .burst = 3'000'000'000}, "burst");
    names_field({.permits = 1, .max_wait = -1ns}, "max_wait");
    EXPECT_EQ(complaint({.permits = 1, .period = nanoseconds(std::int64_t{1} << 61)}), "none");
    EXPECT_EQ(complaint({.permits = 1, .period = 1ns, .burst = std::uint64_t{1} << 61}), "none");
    names_field({.permits = 1, .period = 1ns, .burst = (std::uint64_t{1} << 61) + 1}, "burst");
}

TEST(Emission, IsExactWhereTheRateIsSimple) {
    constexpr emission whole(8, 1'000'000'000, 5);
    static_assert(whole.per_ns() == 1 && whole.interval() == 125'000'000 && whole.burst() == 625'000'000);
    constexpr emission sixty(60, 1'000'000'000, 5);
    static_assert(sixty.per_ns() == 3 && sixty.interval() == 50'000'000 && sixty.most() == 5);
    static_assert(sixty.ns_of(0) == 0 && sixty.ns_of(1) == 1 && sixty.ns_of(3) == 1 && sixty.ns_of(4) == 2);
    // 58001 / 58 = 1000.01724..., where 1000.01700... is asked for
    constexpr emission prime(999'983, 1'000'000'000, 1);
    static_assert(prime.per_ns() == 58 && prime.interval() == 58'001);
    // No room for finer units: the burst takes all there is.
    constexpr emission full(3, 1'000'000'000, emission::most(3, 1'000'000'000));
    static_assert(full.per_ns() == 1 && full.interval() == 333'333'334 && full.burst() <= emission::longest);
}

TEST(Emission, IsNeverFasterThanAskedForAndHardlySlower) {
    using bulwark::checks::wide;
    std::mt19937_64 random(1);
    for (int i = 0; i != 2000; ++i) {
        const std::uint64_t period = 1 + random() % (emission::longest >> (random() % 61));
        const std::uint64_t permits = 1 + random() % ((period >> (random() % 8)) + 1) % period;
        const emission rate(permits, period, 1);
        // In units / permits: what an interval takes too long, of what it takes.
        const wide excess = wide{rate.interval()} * permits - wide{rate.per_ns()} * period;
        ASSERT_GE(excess, 0) << permits << " in " << period;
        ASSERT_LE(rate.interval(), emission::longest);
        for (std::uint64_t m = 1; m <= emission::most_per_ns; ++m) {
            const wide interval = (wide{m} * period + permits - 1) / permits;
            if (interval > emission::longest) break;
            ASSERT_LE(excess * m, (interval * permits - wide{m} * period) * rate.per_ns()) << "another is better";
        }
    }
}

/// Other steps than nanoseconds.
struct shutter : bulwark::checks::nanosecond_clock<shutter> {
    using duration = std::chrono::duration<std::int64_t, std::ratio<1, 60>>;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<shutter>;
    static inline std::int64_t frames = 0;
    static time_point now() noexcept { return time_point(duration(frames)); }
};

TEST(RateLimiterClock, CountsInUnitsOfItsOwn) {
    shutter::frames = -7;
    bulwark::basic_rate_limiter<shutter> subject{{.permits = 30, .burst = 2}};
    EXPECT_EQ(drain(subject), 2U);
    ++shutter::frames;
    EXPECT_EQ(drain(subject), 0U);
    shutter::frames += 2;
    EXPECT_EQ(drain(subject), 1U);
    shutter::frames += std::int64_t{60} * 3600 * 24 * 365 * 50;
    EXPECT_EQ(drain(subject), 2U);
}

TEST(RateLimiterClock, ComesCoarseToo) {
    bulwark::basic_rate_limiter<bulwark::coarse_clock> subject{{.permits = 1, .period = 1h, .burst = 5}};
    EXPECT_EQ(drain(subject), 5U);
}

TEST(RateLimiterWaiting, SleepsUntilItsTimeAndNoLonger) {
    begin(1ms);
    limiter subject{{.permits = 100, .burst = 2}};
    for (int i = 0; i != 10; ++i) {
        ASSERT_TRUE(subject.acquire());
        EXPECT_EQ(now(), 10ms * (i < 2 ? 0 : i - 1));
    }
    ASSERT_TRUE(subject.acquire(2));
    EXPECT_EQ(now(), 100ms);
    ASSERT_TRUE(subject.try_acquire_for(10ms));
    EXPECT_EQ(now(), 110ms);
    ASSERT_TRUE(subject.try_acquire_until(manual_clock::now() + 10ms));
    EXPECT_EQ(now(), 120ms);
}

TEST(RateLimiterWaiting, WaitsHoweverLongTheTimeThatItMayTake) {
    begin(1ms);
    limiter subject{{.permits = 100}};
    ASSERT_TRUE(subject.acquire());
    ASSERT_TRUE(subject.try_acquire_for(nanoseconds::max()));
    ASSERT_TRUE(subject.try_acquire_for(std::chrono::hours::max()));
    ASSERT_TRUE(subject.try_acquire_for(std::chrono::duration<double>(std::numeric_limits<double>::infinity())));
    ASSERT_TRUE(subject.try_acquire_until(manual_clock::time_point::max()));
    ASSERT_TRUE(subject.try_acquire_until(std::chrono::system_clock::time_point::max()));
    EXPECT_EQ(now(), 50ms);
    EXPECT_EQ(subject.try_acquire_for(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())).error(),
              errc::timed_out);
}

/// What two waiters get, of which the second comes while the first sleeps.
class TwoWaiters : public ::testing::Test {
protected:
    TwoWaiters() { begin(); }

    /// `first` sleeps; in its first sleep `second` is done, in its second and in all sleeps within `second`, `then`.
    template <class First, class Second, class Then>
    void play(First first, Second second, Then then) {
        bool came = false;
        scripted_parker::meanwhile = [&] {
            if (came) return then();
            came = true;
            second();
        };
        first();
    }

    std::stop_source stop_;
    std::stop_source stop_other_;
};

TEST_F(TwoWaiters, AreServedInTheOrderOfTheirReservations) {
    limiter subject{{.permits = 10, .burst = 4}};
    ASSERT_TRUE(subject.acquire(4));
    nanoseconds first{-1};
    nanoseconds second{-1};
    play(
        [&] {
            EXPECT_TRUE(subject.acquire(4));
            first = now();
        },
        [&] {
            EXPECT_EQ(subject.available(), 0U);
            EXPECT_EQ(subject.retry_after(), 500ms) << "not before who waits";
            EXPECT_EQ(subject.try_acquire_for(499ms).error(), errc::timed_out);
            EXPECT_TRUE(subject.acquire());
            second = now();
        },
        [] { manual_clock::advance(100ms); });
    EXPECT_EQ(second, 500ms);
    EXPECT_EQ(first, 500ms) << "it slept on below";
    EXPECT_EQ(subject.retry_after(4), 400ms);
}

TEST_F(TwoWaiters, OneThatIsStoppedGivesItsReservationBackWhereNobodyIsBehindIt) {
    limiter subject{{.permits = 10, .burst = 4}};
    ASSERT_TRUE(subject.acquire(4));
    play([&] { EXPECT_EQ(subject.acquire(stop_.get_token(), 3).error(), errc::stopped); },
         [&] {
             manual_clock::advance(100ms);
             EXPECT_EQ(subject.retry_after(), 300ms);
             stop_.request_stop();
         },
         [] { FAIL() << "slept on"; });
    EXPECT_EQ(subject.retry_after(), 0ns);
    EXPECT_EQ(subject.available(), 1U);
    EXPECT_EQ(subject.retry_after(4), 300ms) << "as if it had not been there";
}

TEST_F(TwoWaiters, OneThatIsStoppedWithSomebodyBehindItLeavesItsPermitsUsed) {
    limiter subject{{.permits = 10, .burst = 4}};
    ASSERT_TRUE(subject.acquire(4));
    play([&] { EXPECT_EQ(subject.acquire(stop_.get_token(), 3).error(), errc::stopped); },
         [&] {
             // Behind it, and leaves when the first has left: the scene of the first ends within the second's sleep.
             EXPECT_EQ(subject.acquire(stop_other_.get_token(), 1).error(), errc::stopped);
         },
         [&] {
             stop_.request_stop();
             EXPECT_EQ(subject.retry_after(1), 500ms);
             EXPECT_EQ(subject.try_acquire_for(499ms).error(), errc::timed_out) << "or it would be before the second";
             stop_other_.request_stop();
         });
    EXPECT_EQ(subject.retry_after(1), 100ms) << "both, from the end, left nothing behind";
}

TEST_F(TwoWaiters, WhoIsStoppedWhenItsTimeHasComeIsServed) {
    limiter subject{{.permits = 10}};
    ASSERT_TRUE(subject.acquire());
    play([&] { EXPECT_TRUE(subject.acquire(stop_.get_token())); },
         [&] {
             stop_.request_stop();
             manual_clock::advance(100ms);
         },
         [] { FAIL() << "slept on"; });
    EXPECT_EQ(subject.available(), 0U);
    EXPECT_EQ(subject.retry_after(), 100ms);
}

TEST_F(TwoWaiters, ThatLeaveInTurnFromTheEndLeaveNothingBehind) {
    limiter subject{{.permits = 10, .burst = 2}};
    ASSERT_TRUE(subject.acquire(2));
    play([&] { EXPECT_EQ(subject.acquire(stop_.get_token(), 2).error(), errc::stopped); },
         [&] { EXPECT_EQ(subject.acquire(stop_other_.get_token(), 1).error(), errc::stopped); },
         [&] {
             EXPECT_EQ(subject.retry_after(1), 400ms);
             stop_other_.request_stop();
             stop_.request_stop();
         });
    EXPECT_EQ(subject.retry_after(1), 100ms);
    EXPECT_EQ(subject.retry_after(2), 200ms);
}

/// A clock that runs ahead of the limiter's.
struct hasty : bulwark::checks::nanosecond_clock<hasty> {
    static inline nanoseconds time{0};
    static time_point now() noexcept { return time_point(time); }
};

TEST(RateLimiterWaiting, LeavesWhenAnotherClockSaysThatItIsOver) {
    begin();
    hasty::time = 0ns;
    limiter subject{{.permits = 10, .burst = 2}};
    ASSERT_TRUE(subject.acquire(2));
    scripted_parker::meanwhile = [] {
        manual_clock::advance(1ms);
        hasty::time += 50ms;
    };
    EXPECT_EQ(subject.try_acquire_until(hasty::time_point(200ms), 2).error(), errc::timed_out);
    EXPECT_EQ(now(), 4ms);
    EXPECT_EQ(subject.retry_after(2), 196ms) << "its reservation came back";
}

struct breaking_clock : bulwark::checks::nanosecond_clock<breaking_clock> {
    static inline int good_readings = 0;
    static time_point now() {
        if (good_readings-- == 0) throw std::runtime_error("no time");
        return time_point(duration(0));
    }
};

TEST(RateLimiterWaiting, LosesNothingOnAClockThatThrows) {
    begin();
    bulwark::basic_rate_limiter<manual_clock, scripted_traits> subject{{.permits = 10}};
    ASSERT_TRUE(subject.acquire());
    for (int readings = 0; readings != 3; ++readings) {
        breaking_clock::good_readings = readings;
        scripted_parker::meanwhile = [] {};
        EXPECT_THROW(static_cast<void>(subject.try_acquire_until(breaking_clock::time_point(1h))), std::runtime_error);
        EXPECT_EQ(subject.retry_after(), 100ms);
    }
}

TEST(RateLimiterLayer, RefusesOrWaits) {
    begin(10ms);
    limiter subject{{.permits = 10}};
    int calls = 0;
    const auto call = [&calls] { return ++calls; };
    EXPECT_EQ(subject.execute(call).value(), 1);
    EXPECT_EQ(subject.execute(call).error(), errc::rate_limited);
    bulwark::pipeline refusing{subject};
    EXPECT_EQ(refusing.execute(call).error(), errc::rate_limited);
    EXPECT_EQ(calls, 1);
    bulwark::pipeline waiting{bulwark::waiting(subject)};
    EXPECT_EQ(waiting.execute(call).value(), 2);
    EXPECT_EQ(now(), 100ms);
    const bulwark::call_context soon{bulwark::deadline(std::chrono::steady_clock::now())};
    EXPECT_EQ(waiting.execute(soon, call).error(), errc::timed_out);
    std::stop_source source;
    source.request_stop();
    const bulwark::call_context stopped = bulwark::call_context().stopped_by(source.get_token());
    EXPECT_EQ(waiting.execute(stopped, call).error(), errc::stopped);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(bulwark::outcome_of_error(errc::rate_limited), bulwark::outcome::ignored);
    manual_clock::advance(100ms);
    EXPECT_THROW(static_cast<void>(subject.execute([]() -> int { throw std::runtime_error("service"); })),
                 std::runtime_error);
}

rate_limiter_config config_of(const rate_bound& rule) {
    return {.permits = rule.permits, .period = nanoseconds(rule.period), .burst = rule.burst};
}

/// The definition judges every answer; the reference keeps up with the limiter.
void act_out(const rate_bound& asked, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    begin();
    limiter subject(config_of(asked));
    const emission rate(asked.permits, asked.period, asked.burst);
    const rate_bound rule{.permits = rate.per_ns(), .period = rate.interval(), .burst = asked.burst};
    reference model(config_of(rule));
    std::vector<grant> granted;
    const std::uint64_t interval = rate.ns_of(rate.interval());
    for (int i = 0; i != 250; ++i) {
        const std::int64_t time = now().count();
        const std::uint64_t n = 1 + random() % rule.burst;
        const nanoseconds wait(rule.first_time_for(n, time, granted) - time);
        ASSERT_EQ(subject.retry_after(n), wait) << "seed " << seed << ", step " << i;
        ASSERT_EQ(model.retry_after(n), wait) << "seed " << seed << ", step " << i;
        ASSERT_EQ(subject.available(), model.available()) << "seed " << seed << ", step " << i;
        if (random() % 4 == 0) {  // waits; the clock is moved on past its time by a little
            scripted_parker::meanwhile = [&] { manual_clock::advance(nanoseconds(1 + random() % interval)); };
            ASSERT_TRUE(subject.acquire(n));
            const nanoseconds late = now() - nanoseconds(time) - wait;
            ASSERT_GE(late, 0ns);
            // The reference gets its permits at the time for which the limiter had reserved them.
            manual_clock::advance(-late);
            ASSERT_TRUE(model.try_acquire(n)) << "seed " << seed << ", step " << i;
            manual_clock::advance(late);
            granted.push_back({.at = time + wait.count(), .permits = n});
        } else if (wait == 0ns) {
            ASSERT_TRUE(subject.try_acquire(n));
            ASSERT_TRUE(model.try_acquire(n));
            granted.push_back({.at = time, .permits = n});
        } else {
            ASSERT_EQ(subject.try_acquire(n).error(), errc::rate_limited);
            ASSERT_EQ(model.try_acquire(n).error(), errc::rate_limited);
            ASSERT_EQ(subject.try_acquire_for(wait - 1ns, n).error(), errc::timed_out);
            ASSERT_EQ(model.try_acquire_for(wait - 1ns, n).error(), errc::timed_out);
        }
        switch (random() % 4) {
            case 0: break;
            case 1: manual_clock::advance(subject.retry_after(1)); break;
            case 2: manual_clock::advance(nanoseconds(random() % (2 * interval + 1))); break;
            default: manual_clock::advance(nanoseconds(random() % (rule.burst * interval + 2))); break;
        }
    }
    ASSERT_TRUE(asked.holds(granted)) << "seed " << seed;
}

TEST(RateLimiterScripts, KeepToTheDefinition) {
    for (std::uint64_t seed = 1; seed != 120 && !::testing::Test::HasFatalFailure(); ++seed) {
        std::mt19937_64 random(seed);
        const std::uint64_t period = 1 + random() % (seed % 2 == 0 ? 30 : 1'000'000'000);
        act_out({.permits = 1 + random() % period, .period = period, .burst = 1 + random() % 9}, seed);
        const std::uint64_t permits = 1 + random() % 20;
        act_out({.permits = permits, .period = permits * period, .burst = 1 + random() % 9}, seed);
    }
}

TEST(RateBound, TellsABurstThatIsTooLarge) {
    const rate_bound rule{.permits = 1, .period = 10, .burst = 2};
    EXPECT_TRUE(rule.holds({{0, 2}, {10, 1}, {20, 1}}));
    EXPECT_FALSE(rule.holds({{0, 2}, {9, 1}}));
    EXPECT_FALSE(rule.holds({{5, 1}, {5, 1}, {5, 1}}));
    EXPECT_FALSE(rule.holds({{100, 1}, {0, 2}, {101, 1}, {109, 1}}));
    EXPECT_TRUE(rule.holds({{100, 1}, {0, 2}, {101, 1}, {110, 1}}));
    EXPECT_EQ(rule.first_time_for(2, 5, {{0, 1}}), 10);
}

}  // namespace
