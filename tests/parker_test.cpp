// What a waiter sleeps on, the one for Linux and the one for everywhere: it sleeps until it is told, not before and not
// for ever.
#include "until.hpp"

#include <bulwark/detail/parker.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

namespace {

using bulwark::detail::no_time_limit;
using clock_type = std::chrono::steady_clock;
using namespace std::chrono_literals;

template <class Parker>
class AParker : public ::testing::Test {};

using Parkers = ::testing::Types<bulwark::detail::parker, bulwark::detail::condition_parker>;
TYPED_TEST_SUITE(AParker, Parkers);

TYPED_TEST(AParker, ReturnsAtOnceWhatItWasToldBefore) {
    TypeParam parker;
    parker.finish(3);
    EXPECT_EQ(parker.wait(0), 3U);
    EXPECT_EQ(parker.wait_until(0, no_time_limit), 3U);
    EXPECT_EQ(parker.wait_until(0, clock_type::time_point::min()), 3U);
    EXPECT_EQ(parker.wait(1), 3U);
}

TYPED_TEST(AParker, ChangesOnlyFromWhatIsExpected) {
    TypeParam parker;
    EXPECT_FALSE(parker.change(1, 2));
    EXPECT_TRUE(parker.change(0, 1));
    EXPECT_FALSE(parker.change(0, 2));
    EXPECT_EQ(parker.wait(0), 1U);
    parker.finish(2);
    EXPECT_EQ(parker.wait(1), 2U);
}

TYPED_TEST(AParker, GivesUpWhenTheTimeHasCome) {
    TypeParam parker;
    for (const auto end : {clock_type::time_point::min(), clock_type::time_point(), clock_type::now() - 1s}) {
        EXPECT_EQ(parker.wait_until(0, end), 0U);
    }
    const auto end = clock_type::now() + 3ms;
    EXPECT_EQ(parker.wait_until(0, end), 0U);
    EXPECT_GE(clock_type::now(), end);
}

TYPED_TEST(AParker, LeavesErrnoAlone) {
    TypeParam parker;
    errno = 77;
    EXPECT_EQ(parker.wait_until(0, clock_type::now() + 1ms), 0U);
    parker.finish(1);
    EXPECT_EQ(errno, 77);
    errno = 0;
}

TYPED_TEST(AParker, PassesOnWhatHappenedBefore) {
    for (int i = 0; i != 2000; ++i) {
        int passed_on = 0;
        TypeParam parker;
        std::atomic<bool> asked{false};
        std::thread teller([&, i] {
            if (i % 2 == 0) bulwark::test::until([&] { return asked.load(std::memory_order_relaxed); });
            passed_on = i;
            parker.finish(1);
        });
        asked.store(true, std::memory_order_relaxed);
        EXPECT_EQ(i % 3 == 0 ? parker.wait_until(0, clock_type::now() + 1h) : parker.wait(0), 1U);
        EXPECT_EQ(passed_on, i);
        teller.join();
    }
}

/// The sleeper ends it as soon as it is told; the address sanitizer would object to any use after that.
TYPED_TEST(AParker, MayBeGoneAsSoonAsItIsFinished) {
    for (int i = 0; i != 2000; ++i) {
        auto parker = std::make_unique<TypeParam>();
        std::thread teller([&told = *parker] { told.finish(1); });
        EXPECT_EQ(parker->wait(0), 1U);
        parker.reset();
        teller.join();
    }
}

}  // namespace
