// The clocks: the default one goes forward and agrees with the steady clock to within what it claims; the manual one
// does as it is told.
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/clock.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using bulwark::coarse_clock;
using bulwark::manual_clock;
using namespace std::chrono_literals;

TEST(CoarseClock, NeverGoesBackwardsAndKnowsItsResolution) {
    EXPECT_GT(coarse_clock::resolution(), 0ns);
    auto last = coarse_clock::now();
    for (int i = 0; i != 100'000; ++i) {
        const auto now = coarse_clock::now();
        ASSERT_GE(now, last);
        last = now;
    }
}

#if defined(CLOCK_MONOTONIC_COARSE)
TEST(CoarseClock, LagsTheSteadyClockAndNeverLeadsIt) {
    // Both count from the same epoch on Linux, so they can be compared without waiting.
    for (int i = 0; i != 1000; ++i) {
        const auto coarse = coarse_clock::now().time_since_epoch();
        const auto steady = std::chrono::steady_clock::now().time_since_epoch();
        ASSERT_LE(coarse, steady);
    }
}
#endif

TEST(CoarseClock, IsTheDefaultOfTheBreaker) {
    static_assert(std::is_same_v<bulwark::circuit_breaker::clock, coarse_clock>);
}

TEST(ManualClock, StandsStillUntilItIsAdvanced) {
    manual_clock::reset();
    EXPECT_EQ(manual_clock::now().time_since_epoch(), 0ns);
    manual_clock::advance(5s);
    manual_clock::advance(1ns);
    EXPECT_EQ(manual_clock::now().time_since_epoch(), 5s + 1ns);
    manual_clock::advance(-2s);
    EXPECT_EQ(manual_clock::now().time_since_epoch(), 3s + 1ns);
    manual_clock::reset();
    EXPECT_EQ(manual_clock::now().time_since_epoch(), 0ns);
}

TEST(ManualClock, StopsAtTheEndsOfItsRange) {
    constexpr auto longest = std::chrono::nanoseconds::max();
    constexpr auto shortest = std::chrono::nanoseconds::min();
    manual_clock::reset();
    manual_clock::advance(longest);
    manual_clock::advance(longest);
    EXPECT_EQ(manual_clock::now().time_since_epoch(), longest);
    manual_clock::reset();
    manual_clock::advance(shortest);
    manual_clock::advance(-1ns);
    EXPECT_EQ(manual_clock::now().time_since_epoch(), shortest);
    manual_clock::reset();
}

TEST(ManualClock, AdvancesFromManyThreadsAddUp) {
    manual_clock::reset();
    std::vector<std::jthread> threads;
    for (int t = 0; t != 4; ++t) {
        threads.emplace_back([] {
            for (int i = 0; i != 10'000; ++i) manual_clock::advance(1ns);
        });
    }
    threads.clear();
    EXPECT_EQ(manual_clock::now().time_since_epoch(), 40'000ns);
}

}  // namespace
