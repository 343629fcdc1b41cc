// Waiting for permits: who is admitted when, who is refused and why, and that nothing is lost on who gives up. Every
// kind of bulkhead; what several threads do is put in order by waiting for what they can be seen to have done.
#include "bulkhead_kinds.hpp"
#include "caller.hpp"
#include "until.hpp"

#include <bulwark/clock.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bulwark::bulkhead_event;
using bulwark::bulkhead_event_kind;
using bulwark::errc;
using bulwark::manual_clock;
using bulwark::result;
using bulwark::test::setup;
using bulwark::test::until;
using namespace std::chrono_literals;

template <class Kind>
class Waiting : public ::testing::Test {
public:
    using pool_type = typename Kind::pool;
    using slot = typename pool_type::slot;

    using caller = bulwark::test::caller<result<slot>>;

    static pool_type make(const setup& s) { return pool_type(Kind::config(s)); }
    static bool stands_in_line(const pool_type& pool, std::uint32_t callers) {
        return until([&] { return pool.waiting() == callers; });
    }
    static std::vector<slot> take_all(pool_type& pool) {
        std::vector<slot> held;
        while (auto s = pool.try_acquire()) held.push_back(std::move(*s));
        return held;
    }
};

TYPED_TEST_SUITE(Waiting, bulwark::test::bulkhead_kinds);

TYPED_TEST(Waiting, AFreePermitIsGrantedEvenToWhoIsStoppedOrLate) {
    auto pool = TestFixture::make({.capacity = 8});
    std::stop_source stopped;
    stopped.request_stop();
    const auto a = pool.acquire();
    const auto b = pool.acquire(stopped.get_token());
    const auto c = pool.try_acquire_for(0s);
    const auto d = pool.try_acquire_for(-1s, stopped.get_token());
    const auto e = pool.try_acquire_until(std::chrono::steady_clock::time_point::min());
    const auto f = pool.try_acquire_until(std::chrono::system_clock::now() - 1h, stopped.get_token(), 2);
    EXPECT_TRUE(a && b && c && d && e && f);
    EXPECT_EQ(f->weight(), 2U);
    EXPECT_EQ(pool.in_use(), 7U);
    EXPECT_EQ(pool.snapshot().admitted, 6U);
    EXPECT_EQ(pool.snapshot().total_wait, 0ns);
}

TYPED_TEST(Waiting, WhoAsksForNothingIsAdmittedAtOnceAndHoldsNothing) {
    auto pool = TestFixture::make({.capacity = 1});
    const auto all = pool.try_acquire();
    const auto a = pool.try_acquire(0);
    const auto b = pool.acquire(0);
    const auto c = pool.try_acquire_for(1h, 0);
    ASSERT_TRUE(a && b && c);
    EXPECT_EQ(a->weight(), 0U);
    EXPECT_EQ(pool.in_use(), 1U);
    EXPECT_EQ(pool.snapshot().admitted, 4U);
}

TYPED_TEST(Waiting, APermitThatComesBackGoesToWhoWaits) {
    auto pool = TestFixture::make({.capacity = 1});
    auto held = pool.try_acquire();
    typename TestFixture::caller waiter([&] { return pool.acquire(); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 1));
    EXPECT_FALSE(waiter.done());
    EXPECT_EQ(pool.in_use(), 1U);
    held = errc::bulkhead_full;  // gives the permit back
    EXPECT_EQ(pool.waiting(), 0U) << "it was handed over before the giver went on";
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    EXPECT_TRUE(waiter.got());
    EXPECT_EQ(pool.in_use(), 1U);
    waiter.got() = errc::bulkhead_full;
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(pool.available(), 1U);
    EXPECT_EQ(pool.snapshot().admitted, 2U);
    EXPECT_GT(pool.snapshot().total_wait, 0ns);
}

TYPED_TEST(Waiting, FirstComeFirstServed) {
    constexpr std::uint32_t waiters = 8;
    auto pool = TestFixture::make({.capacity = 1});
    auto held = pool.try_acquire();
    std::mutex mutex;
    std::vector<std::uint32_t> order;
    std::vector<std::jthread> threads;
    for (std::uint32_t i = 0; i != waiters; ++i) {
        threads.emplace_back([&, i] {
            const auto s = pool.acquire();
            const std::lock_guard lock(mutex);
            order.push_back(i);
        });
        ASSERT_TRUE(TestFixture::stands_in_line(pool, i + 1));
    }
    held = errc::bulkhead_full;
    threads.clear();
    std::vector<std::uint32_t> expected(waiters);
    std::iota(expected.begin(), expected.end(), 0U);
    EXPECT_EQ(order, expected);
    EXPECT_EQ(pool.in_use(), 0U);
}

TYPED_TEST(Waiting, NobodyPassesTheFirstHoweverLittleHeAsksFor) {
    auto pool = TestFixture::make({.capacity = 4});
    auto held = TestFixture::take_all(pool);
    ASSERT_EQ(held.size(), 4U);
    typename TestFixture::caller large([&] { return pool.acquire(3); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 1));
    held.pop_back();
    held.pop_back();
    EXPECT_EQ(pool.in_use(), 2U);
    EXPECT_EQ(pool.available(), 2U);
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    EXPECT_EQ(pool.try_acquire_for(0s).error(), errc::timed_out);
    EXPECT_FALSE(pool.execute([] {}));
    typename TestFixture::caller small([&] { return pool.acquire(1); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 2));
    EXPECT_FALSE(small.done());
    held.pop_back();
    EXPECT_TRUE(large.got());
    EXPECT_EQ(pool.waiting(), 1U) << "one permit is in use, three belong to the first, none is left";
    large.got() = errc::bulkhead_full;
    EXPECT_TRUE(small.got());
    EXPECT_EQ(pool.in_use(), 2U);
}

TYPED_TEST(Waiting, OnePermitBatchLetsInAllWhoFit) {
    auto pool = TestFixture::make({.capacity = 6});
    auto held = pool.try_acquire(6);
    typename TestFixture::caller a([&] { return pool.acquire(2); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 1));
    typename TestFixture::caller b([&] { return pool.acquire(3); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 2));
    typename TestFixture::caller c([&] { return pool.acquire(2); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 3));
    held = errc::bulkhead_full;
    EXPECT_EQ(pool.waiting(), 1U);
    EXPECT_EQ(pool.in_use(), 5U);
    EXPECT_TRUE(a.got());
    EXPECT_TRUE(b.got());
    a.got() = errc::bulkhead_full;
    EXPECT_TRUE(c.got());
    EXPECT_EQ(pool.in_use(), 5U);
}

TYPED_TEST(Waiting, AsManyWaitAsMayAndNoMore) {
    auto pool = TestFixture::make({.capacity = 1, .max_waiting = 2});
    auto held = pool.try_acquire();
    typename TestFixture::caller a([&] { return pool.acquire(); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 1));
    std::stop_source leave;
    typename TestFixture::caller b([&] { return pool.acquire(leave.get_token()); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 2));
    EXPECT_EQ(pool.acquire().error(), errc::queue_full);
    EXPECT_EQ(pool.try_acquire_for(1h).error(), errc::queue_full);
    EXPECT_EQ(pool.try_acquire_for(0s).error(), errc::timed_out) << "it would not have waited";
    EXPECT_EQ(pool.waiting(), 2U);
    leave.request_stop();
    EXPECT_EQ(b.got().error(), errc::stopped);
    EXPECT_EQ(pool.waiting(), 1U);
    typename TestFixture::caller c([&] { return pool.acquire(); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 2));
    held = errc::bulkhead_full;
    EXPECT_TRUE(a.got());
    a.got() = errc::bulkhead_full;
    EXPECT_TRUE(c.got());
}

TYPED_TEST(Waiting, WhereNobodyMayWaitNobodyDoes) {
    auto pool = TestFixture::make({.capacity = 2, .max_waiting = 0});
    {
        const auto held = pool.try_acquire();
        EXPECT_EQ(pool.acquire(2).error(), errc::queue_full);
        EXPECT_TRUE(pool.acquire()) << "one is free";
        EXPECT_EQ(pool.try_acquire_for(1h, 2).error(), errc::queue_full);
        EXPECT_EQ(pool.acquire(3).error(), errc::over_capacity);
    }
    EXPECT_TRUE(pool.acquire(2));
}

TYPED_TEST(Waiting, MoreThanThereIsIsAnErrorAndNoWait) {
    auto pool = TestFixture::make({.capacity = 3});
    EXPECT_EQ(pool.try_acquire(4).error(), errc::over_capacity);
    EXPECT_EQ(pool.acquire(4).error(), errc::over_capacity);
    EXPECT_EQ(pool.try_acquire_for(1h, 4).error(), errc::over_capacity);
    using weight = decltype(pool.capacity());
    EXPECT_EQ(pool.acquire(std::numeric_limits<weight>::max()).error(), errc::over_capacity);
    const auto all = pool.try_acquire(3);
    EXPECT_EQ(pool.acquire(4).error(), errc::over_capacity);
    EXPECT_EQ(pool.try_acquire_for(0s, 4).error(), errc::over_capacity);
    EXPECT_EQ(pool.snapshot().refused, 6U);
}

TYPED_TEST(Waiting, WhoTimesOutLeavesAtOnceAndTakesNothing) {
    auto pool = TestFixture::make({.capacity = 2});
    auto held = pool.try_acquire(2);
    EXPECT_EQ(pool.try_acquire_for(1ms).error(), errc::timed_out);
    EXPECT_EQ(pool.try_acquire_until(std::chrono::system_clock::now() + 1ms).error(), errc::timed_out);
    EXPECT_EQ(pool.try_acquire_for(1ms, std::stop_token()).error(), errc::timed_out);
    EXPECT_EQ(pool.try_acquire_for(std::chrono::duration<double, std::milli>(0.5)).error(), errc::timed_out);
    EXPECT_EQ(pool.waiting(), 0U);
    held = errc::bulkhead_full;
    EXPECT_EQ(pool.available(), 2U);
    EXPECT_TRUE(pool.try_acquire(2)) << "the bulkhead is open again";
    const auto s = pool.snapshot();
    EXPECT_EQ(s.timed_out, 4U);
    EXPECT_GE(s.total_wait, 3500us);
    EXPECT_GE(s.longest_wait, 1ms);
    EXPECT_LE(s.longest_wait, s.total_wait);
}

TYPED_TEST(Waiting, WhenTheFirstLeavesThoseBehindWhoFitAreAdmitted) {
    auto pool = TestFixture::make({.capacity = 3});
    auto held = pool.try_acquire(1);
    std::stop_source stop;
    typename TestFixture::caller large([&] { return pool.acquire(stop.get_token(), 3); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 1));
    typename TestFixture::caller a([&] { return pool.acquire(1); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 2));
    typename TestFixture::caller b([&] { return pool.acquire(1); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 3));
    typename TestFixture::caller c([&] { return pool.acquire(1); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 4));
    stop.request_stop();
    EXPECT_EQ(large.got().error(), errc::stopped);
    EXPECT_EQ(pool.waiting(), 1U);
    EXPECT_EQ(pool.in_use(), 3U);
    EXPECT_TRUE(a.got());
    EXPECT_TRUE(b.got());
    held = errc::bulkhead_full;
    EXPECT_TRUE(c.got());
}

TYPED_TEST(Waiting, WhenOneInTheMiddleLeavesTheOthersKeepTheirPlaces) {
    auto pool = TestFixture::make({.capacity = 1});
    auto held = pool.try_acquire();
    std::stop_source middle;
    std::stop_source last;
    typename TestFixture::caller a([&] { return pool.acquire(); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 1));
    typename TestFixture::caller b([&] { return pool.acquire(middle.get_token()); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 2));
    typename TestFixture::caller c([&] { return pool.acquire(); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 3));
    typename TestFixture::caller d([&] { return pool.acquire(last.get_token()); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 4));
    middle.request_stop();
    EXPECT_EQ(b.got().error(), errc::stopped);
    last.request_stop();
    EXPECT_EQ(d.got().error(), errc::stopped);
    EXPECT_EQ(pool.waiting(), 2U);
    typename TestFixture::caller e([&] { return pool.acquire(); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 3));
    held = errc::bulkhead_full;
    EXPECT_TRUE(a.got());
    EXPECT_FALSE(c.done());
    a.got() = errc::bulkhead_full;
    EXPECT_TRUE(c.got());
    EXPECT_FALSE(e.done());
    c.got() = errc::bulkhead_full;
    EXPECT_TRUE(e.got());
    EXPECT_EQ(pool.snapshot().stopped, 2U);
}

TYPED_TEST(Waiting, AStopBeforeTheCallIsLookedAtBeforeWaiting) {
    auto pool = TestFixture::make({.capacity = 1, .max_waiting = 0});
    const auto held = pool.try_acquire();
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(pool.acquire(stop.get_token()).error(), errc::stopped);
    EXPECT_EQ(pool.try_acquire_for(0s, stop.get_token()).error(), errc::stopped) << "first of the reasons";
    EXPECT_EQ(pool.acquire(stop.get_token(), 2).error(), errc::over_capacity) << "but for this one";
    EXPECT_EQ(pool.snapshot().stopped, 2U);
    EXPECT_EQ(pool.snapshot().refused, 1U);
}

TYPED_TEST(Waiting, TimesSaturate) {
    auto pool = TestFixture::make({.capacity = 1});
    auto held = pool.try_acquire();
    const auto endless = [&](auto call) {
        typename TestFixture::caller waiter(call);
        EXPECT_TRUE(TestFixture::stands_in_line(pool, 1));
        EXPECT_FALSE(waiter.done());
        held = errc::bulkhead_full;
        EXPECT_TRUE(waiter.got());
        held = std::move(waiter.got());
    };
    endless([&] { return pool.try_acquire_for(std::chrono::hours::max()); });
    endless([&] { return pool.try_acquire_for(std::chrono::nanoseconds::max()); });
    endless(
        [&] { return pool.try_acquire_for(std::chrono::duration<double>(std::numeric_limits<double>::infinity())); });
    endless([&] { return pool.try_acquire_until(std::chrono::steady_clock::time_point::max()); });
    endless([&] {
        return pool.try_acquire_until(std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>::max());
    });
    EXPECT_EQ(pool.try_acquire_for(std::chrono::hours::min()).error(), errc::timed_out);
    EXPECT_EQ(pool.try_acquire_for(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())).error(),
              errc::timed_out);
    EXPECT_EQ(
        pool.try_acquire_until(std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>::min()).error(),
        errc::timed_out);
    using without_sign = std::chrono::duration<std::uint64_t, std::nano>;
    const auto before = std::chrono::steady_clock::now() - 1ms;
    EXPECT_EQ(pool.try_acquire_until(std::chrono::time_point_cast<without_sign>(before)).error(), errc::timed_out)
        << "no difference of unsigned numbers is below zero";
}

TYPED_TEST(Waiting, AnyClockWillDo) {
    manual_clock::reset();
    auto pool = TestFixture::make({.capacity = 1});
    auto held = pool.try_acquire();
    EXPECT_EQ(pool.try_acquire_until(manual_clock::now()).error(), errc::timed_out);
    typename TestFixture::caller late([&] { return pool.try_acquire_until(manual_clock::now() + 1ms); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 1));
    EXPECT_FALSE(late.done()) << "that clock stands still";
    manual_clock::advance(1ms);
    EXPECT_EQ(late.got().error(), errc::timed_out);
    typename TestFixture::caller early([&] { return pool.try_acquire_until(manual_clock::now() + 1h); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 1));
    held = errc::bulkhead_full;
    EXPECT_TRUE(early.got());
}

/// Throws when it is read for the third time, and does something before.
struct breaking_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<breaking_clock>;
    static inline int readings = 0;
    static inline std::function<void()> before_throwing;
    static time_point now() {
        if (++readings != 3) return time_point();
        if (before_throwing) before_throwing();
        throw std::runtime_error("no time");
    }
};

TYPED_TEST(Waiting, NothingIsLostOnAClockThatThrows) {
    auto pool = TestFixture::make({.capacity = 2});
    auto held = pool.try_acquire(2);
    breaking_clock::readings = 0;
    EXPECT_THROW(static_cast<void>(pool.try_acquire_until(breaking_clock::time_point(1us))), std::runtime_error);
    EXPECT_EQ(pool.waiting(), 0U);
    EXPECT_EQ(pool.in_use(), 2U);
    held = errc::bulkhead_full;
    EXPECT_EQ(pool.available(), 2U);
    EXPECT_TRUE(pool.try_acquire(2));
}

/// The reference reads the clock with its lock held: nothing can be granted meanwhile.
TEST(LockFreeWaiting, APermitThatIsGrantedWhileTheClockThrowsComesBack) {
    bulwark::bulkhead pool{{.max_concurrent = 2}};
    auto held = pool.try_acquire(2);
    breaking_clock::readings = 0;
    breaking_clock::before_throwing = [&] { held = errc::bulkhead_full; };
    EXPECT_THROW(static_cast<void>(pool.try_acquire_until(breaking_clock::time_point(1us))), std::runtime_error);
    breaking_clock::before_throwing = nullptr;
    EXPECT_EQ(pool.waiting(), 0U);
    EXPECT_EQ(pool.available(), 2U);
}

TYPED_TEST(Waiting, APermitThatAFunctionGivesBackByThrowingGoesToWhoWaits) {
    auto pool = TestFixture::make({.capacity = 1});
    std::optional<typename TestFixture::caller> waiter;
    EXPECT_THROW(static_cast<void>(pool.execute([&] {
                     waiter.emplace([&] { return pool.acquire(); });
                     EXPECT_TRUE(TestFixture::stands_in_line(pool, 1));
                     throw std::runtime_error("out");
                 })),
                 std::runtime_error);
    EXPECT_TRUE(waiter->got());
    EXPECT_EQ(pool.in_use(), 1U);
}

TYPED_TEST(Waiting, ASlotOfSeveralMovesAsOneAndComesBackWhole) {
    auto pool = TestFixture::make({.capacity = 7});
    {
        auto five = pool.try_acquire(5).value();
        EXPECT_EQ(five.weight(), 5U);
        auto moved(std::move(five));
        EXPECT_EQ(five.weight(), 0U);  // NOLINT(bugprone-use-after-move): that is what is asked
        EXPECT_EQ(moved.weight(), 5U);
        auto two = pool.try_acquire(2).value();
        EXPECT_EQ(pool.in_use(), 7U);
        two = std::move(moved);
        EXPECT_EQ(two.weight(), 5U);
        EXPECT_EQ(pool.in_use(), 5U);
        EXPECT_EQ(pool.try_acquire(3).error(), errc::bulkhead_full);
        EXPECT_TRUE(pool.try_acquire(2));
    }
    EXPECT_EQ(pool.in_use(), 0U);
}

TYPED_TEST(Waiting, TellsOfEveryRefusalAndOfTheFirstThatFindsTooFew) {
    std::vector<bulkhead_event> told;
    auto pool = TestFixture::make(
        {.capacity = 2, .max_waiting = 0, .on_event = [&](const bulkhead_event& e) { told.push_back(e); }});
    const auto refused = [](errc reason, std::uint64_t n) {
        return bulkhead_event{.kind = bulkhead_event_kind::refused, .reason = reason, .weight = n};
    };
    const auto saturated = [](std::uint64_t n) {
        return bulkhead_event{.kind = bulkhead_event_kind::saturated, .reason = errc::bulkhead_full, .weight = n};
    };
    const auto expect = [&](const std::vector<bulkhead_event>& events) {
        EXPECT_EQ(told, events);
        told.clear();
    };
    std::stop_source stop;
    stop.request_stop();
    auto held = pool.try_acquire();
    static_cast<void>(pool.try_acquire(3));
    expect({refused(errc::over_capacity, 3)});
    static_cast<void>(pool.try_acquire(2));
    expect({saturated(2), refused(errc::bulkhead_full, 2)});
    static_cast<void>(pool.acquire(2));
    expect({refused(errc::queue_full, 2)});
    auto second = pool.acquire();
    expect({});
    static_cast<void>(pool.acquire());
    expect({saturated(1), refused(errc::queue_full, 1)});
    second = errc::bulkhead_full;
    second = pool.try_acquire();
    static_cast<void>(pool.try_acquire_for(0s));
    expect({saturated(1), refused(errc::timed_out, 1)});
    static_cast<void>(pool.acquire(stop.get_token()));
    static_cast<void>(pool.execute([] {}));
    expect({refused(errc::stopped, 1), refused(errc::bulkhead_full, 1)});
    EXPECT_EQ(pool.snapshot().refused, 5U);
}

TYPED_TEST(Waiting, WhoWaitsIsToldOfAsSaturationAndMayCallTheBulkheadThere) {
    std::atomic<int> saturations{0};
    std::atomic<int> refusals{0};
    typename TestFixture::pool_type* self = nullptr;
    auto pool = TestFixture::make({.capacity = 1, .on_event = [&](const bulkhead_event& e) {
                                       ++(e.kind == bulkhead_event_kind::saturated ? saturations : refusals);
                                       static_cast<void>(self->snapshot());
                                       static_cast<void>(self->waiting());
                                       throw std::runtime_error("dropped");
                                   }});
    self = &pool;
    auto held = pool.try_acquire();
    typename TestFixture::caller waiter([&] { return pool.acquire(); });
    ASSERT_TRUE(TestFixture::stands_in_line(pool, 1));
    held = errc::bulkhead_full;
    EXPECT_TRUE(waiter.got());
    EXPECT_EQ(saturations, 1);
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    EXPECT_EQ(saturations, 1) << "nobody was admitted at once since";
    EXPECT_EQ(pool.try_acquire_for(1ms).error(), errc::timed_out);
    EXPECT_EQ(refusals, 2);
    waiter.got() = errc::bulkhead_full;
    held = pool.try_acquire();
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    EXPECT_EQ(saturations, 2);
    EXPECT_EQ(pool.snapshot().admitted, 3U);
}

TYPED_TEST(Waiting, CountsTheWaitsInBucketsWhereAskedTo) {
    const auto seen = [](bool asked) {
        auto pool = TestFixture::make({.capacity = 1, .wait_histogram = asked});
        const auto held = pool.try_acquire();
        for (const auto time : {20ms, 2ms, 2ms}) EXPECT_EQ(pool.try_acquire_for(time).error(), errc::timed_out);
        EXPECT_EQ(pool.try_acquire_for(0s).error(), errc::timed_out) << "did not wait";
        return pool.snapshot();
    };
    const auto all = seen(true);
    const auto& kept = all.waits;
    EXPECT_EQ(std::accumulate(kept.begin(), kept.end(), std::uint64_t{0}), 3U);
    // 2^20 ns is 1.05 ms.
    EXPECT_EQ(std::accumulate(kept.begin(), kept.begin() + 20, std::uint64_t{0}), 0U);
    EXPECT_GE(all.longest_wait, 20ms);
    EXPECT_GE(all.total_wait, 24ms);
    std::chrono::nanoseconds least{0};
    std::size_t highest = 0;
    for (std::size_t i = 0; i != kept.size(); ++i) {
        least += std::chrono::nanoseconds(kept[i] << i);
        if (kept[i] != 0) highest = i;
    }
    EXPECT_TRUE(least <= all.total_wait && all.total_wait < 2 * least);
    EXPECT_EQ(all.longest_wait.count() >> highest, 1) << "its bucket";
    const auto none = seen(false).waits;
    EXPECT_EQ(std::accumulate(none.begin(), none.end(), std::uint64_t{0}), 0U);
}

/// Callers who take, wait, time out, are stopped, move slots between threads and throw, on a bulkhead that is resized
/// meanwhile. At the end every permit is there and the line is empty.
TYPED_TEST(Waiting, NoPermitIsLostInAnyCrowd) {
    constexpr std::uint32_t threads = 6;
    constexpr std::uint32_t rounds = 3000;
    auto pool = TestFixture::make({.capacity = 4, .max_waiting = 4});
    std::atomic<std::int64_t> inside{0};
    std::atomic<std::uint64_t> calls{0};
    std::atomic<bool> over{false};
    {
        std::vector<std::jthread> crowd;
        for (std::uint32_t t = 0; t != threads; ++t) {
            crowd.emplace_back([&, t] {
                std::uint32_t random = t * 2654435761U + 1;
                for (std::uint32_t i = 0; i != rounds; ++i) {
                    random = random * 1664525U + 1013904223U;
                    const auto n = static_cast<std::uint32_t>(1 + (random >> 16) % 3);
                    std::stop_source stop;
                    std::optional<std::jthread> stopper;
                    if ((random >> 20) % 64 == 0) stopper.emplace([&stop] { stop.request_stop(); });
                    ++calls;
                    auto got = [&]() -> result<typename TestFixture::slot> {
                        switch ((random >> 24) % 4) {
                            case 0: return pool.try_acquire(n);
                            case 1:
                                return pool.try_acquire_for(std::chrono::microseconds((random >> 8) % 50),
                                                            stop.get_token(), n);
                            case 2: return pool.acquire(stop.get_token(), n);
                            default: return pool.try_acquire_for(std::chrono::microseconds((random >> 8) % 5), n);
                        }
                    }();
                    if (got) {
                        const std::int64_t now = inside += n;
                        if (now > 8) over = true;
                        if (random % 5 == 0) std::this_thread::yield();
                        inside -= n;
                    }
                    if (random % 97 == 0) pool.resize(3 + (random >> 12) % 6);
                }
            });
        }
    }
    EXPECT_FALSE(over) << "the capacity was never above 8";
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(pool.waiting(), 0U);
    EXPECT_EQ(pool.available(), pool.capacity());
    const auto all = pool.capacity();
    EXPECT_TRUE(pool.try_acquire(all));
    const auto s = pool.snapshot();
    EXPECT_EQ(s.admitted + s.refused + s.timed_out + s.stopped, calls + 1);
}

}  // namespace
