// The far ends of the counts and of the tags: what is counted exactly, what happens past the end, and that a wrapped
// epoch never makes a stale result fresh.
#include "narrow.hpp"

#include <bulwark/reference/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::breaker_state;
using bulwark::errc;
using bulwark::manual_clock;
using bulwark::transition;
using bulwark::test::breaker_of;
using namespace std::chrono_literals;

TEST(Limits, MoreThanAMillionCallsAWindowAreCountedExactly) {
    manual_clock::reset();
    bulwark::basic_circuit_breaker<manual_clock> b{
        {.interval = 0s, .ready_to_trip = [](const breaker_counts&) { return false; }}};
    constexpr std::uint32_t calls = (1U << 20) + 12345;
    std::uint32_t failures = 0;
    for (std::uint32_t i = 0; i != calls; ++i) {
        auto p = b.try_acquire();
        if (i % 7 == 3) {
            ++failures;
            p->failure();
        } else {
            p->success();
        }
    }
    const breaker_counts counts = b.counts();
    EXPECT_EQ(counts.requests, calls);
    EXPECT_EQ(counts.total_successes, calls - failures);
    EXPECT_EQ(counts.total_failures, failures);
}

TEST(Limits, ARowOfMoreThanAMillionIsCountedExactly) {
    manual_clock::reset();
    bulwark::basic_circuit_breaker<manual_clock> b{{.interval = 0s}};
    constexpr std::uint32_t calls = (1U << 20) + 77;
    for (std::uint32_t i = 0; i != calls; ++i) b.try_acquire()->success();
    EXPECT_EQ(b.counts(), (breaker_counts{calls, calls, 0, 0, calls, 0}));
}

TEST(Limits, AServiceThatFailsAfterTheCountsAreFullStillTrips) {
    manual_clock::reset();
    breaker_of<bulwark::test::narrow> b{{.interval = 0s, .cells = 0}};  // half of at least 5; counts up to 100
    for (int i = 0; i != 1000; ++i) b.try_acquire()->success();
    EXPECT_EQ(b.counts(), breaker_counts{}) << "the next call would find a new window";
    int failures = 0;
    while (b.state() == breaker_state::closed && failures < 1000) {
        b.try_acquire()->failure();
        ++failures;
    }
    EXPECT_EQ(failures, 5) << "the first failure began a new window, the fifth reached min_requests";
}

TEST(Limits, CallsUnderWayAcrossAFullCountKeepTheSumsRight) {
    manual_clock::reset();
    breaker_of<bulwark::test::narrowest> b{{.interval = 0s, .cells = 0}};  // counts up to 9
    std::deque<decltype(b)::permit> under_way;
    for (int i = 0; i != 500; ++i) {
        under_way.push_back(b.try_acquire().value());
        if (under_way.size() > 4) {
            EXPECT_TRUE(under_way.front().success());
            under_way.pop_front();
        }
        const breaker_counts c = b.counts();
        ASSERT_LE(c.requests, 9U);
        ASSERT_GE(c.requests, c.total_successes + c.total_failures + c.total_ignored);
    }
}

TEST(Limits, HalfOpenNeverRunsOutOfProbesHoweverManyAreGivenBack) {
    manual_clock::reset();
    std::vector<transition> told;
    breaker_of<bulwark::test::narrowest> b{{.timeout = 1s,
                                            .ready_to_trip = bulwark::consecutive_failures(1),
                                            .on_state_change = [&](const transition& t) { told.push_back(t); }}};
    b.try_acquire()->failure();
    manual_clock::advance(1s);
    for (int i = 0; i != 100; ++i) {
        auto p = b.try_acquire();
        ASSERT_TRUE(p) << i;
        ASSERT_EQ(b.try_acquire().error(), errc::too_many_probes) << i;
        ASSERT_TRUE(p->ignore()) << i;
    }
    EXPECT_EQ(told.back().to, breaker_state::half_open) << "a full count begins a new test";
    EXPECT_TRUE(b.try_acquire()->success());
    EXPECT_EQ(b.state(), breaker_state::closed);
}

template <class Breaker>
void keeps_its_places_when_the_counts_are_full() {
    manual_clock::reset();
    Breaker b{{.max_requests = 9, .timeout = 1s, .ready_to_trip = bulwark::consecutive_failures(1)}};
    b.try_acquire()->failure();
    manual_clock::advance(1s);
    std::vector<typename Breaker::permit> probes;
    for (int i = 0; i != 9; ++i) probes.push_back(b.try_acquire().value());
    EXPECT_EQ(b.counts().requests, 9U);
    EXPECT_EQ(b.generation(), 3U);
    EXPECT_EQ(b.try_acquire().error(), errc::too_many_probes) << "no place is free, a new test would be no remedy";
    EXPECT_TRUE(probes.back().ignore());
    EXPECT_TRUE(b.try_acquire());
    EXPECT_EQ(b.generation(), 4U) << "a place is free and no count left for it";
}

TEST(Limits, FullCountsBeginANewTestOnlyForAProbeThatHasAPlace) {
    keeps_its_places_when_the_counts_are_full<breaker_of<bulwark::test::narrowest>>();
    keeps_its_places_when_the_counts_are_full<bulwark::reference::basic_circuit_breaker<manual_clock, 9>>();
}

TEST(Limits, AWrappedEpochNeverMakesAStaleResultFresh) {
    manual_clock::reset();
    // Four epochs, so every epoch that a stale permit may have seen comes again and again, through transitions and
    // through carries, in every state. Its generation does not come again.
    for (int transitions = 1; transitions <= 16; ++transitions) {
        for (int calls = 0; calls <= 16; ++calls) {
            SCOPED_TRACE(std::to_string(transitions) + " transitions, then " + std::to_string(calls) + " calls");
            breaker_of<bulwark::test::thin> b{
                {.max_requests = 1, .interval = 0s, .timeout = 0s, .ready_to_trip = bulwark::consecutive_failures(1)}};
            auto stale = b.try_acquire().value();
            std::vector<decltype(b)::permit> probe;
            for (int i = 0; i != transitions; ++i) {
                switch (i % 3) {
                    case 0: b.try_acquire()->failure(); break;                // closed -> open
                    case 1: probe.push_back(b.try_acquire().value()); break;  // -> half-open
                    default: EXPECT_TRUE(probe.back().success()); break;      // -> closed
                }
            }
            for (int i = 0; i != calls && b.state() == breaker_state::closed; ++i) b.try_acquire()->success();
            const auto before = b.snapshot();
            EXPECT_FALSE(stale.failure());
            EXPECT_EQ(b.snapshot(), before);
        }
    }
}

}  // namespace
