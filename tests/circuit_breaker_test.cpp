// The circuit breaker's contract, clause by clause, on a clock turned by hand. Every test runs on the lock-free
// breaker, on the same with the narrowest words, and on the mutex reference.
#include "../checks/clock.hpp"
#include "narrow.hpp"

#include <bulwark/reference/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::breaker_state;
using bulwark::circuit_breaker_config;
using bulwark::errc;
using bulwark::manual_clock;
using bulwark::transition;
using namespace std::chrono_literals;

template <class Breaker>
class CircuitBreaker : public ::testing::Test {
protected:
    CircuitBreaker() { manual_clock::reset(); }

    /// A breaker that trips at its first failure, tells of its transitions, and is open for 60 s.
    circuit_breaker_config fragile(std::uint32_t max_requests = 1) {
        return {.max_requests = max_requests,
                .interval = 10s,
                .timeout = 60s,
                .probe_timeout = 30s,
                .ready_to_trip = bulwark::consecutive_failures(1),
                .on_state_change = [this](const transition& t) { told.push_back(t); }};
    }

    static void fail(Breaker& breaker, int times = 1) {
        for (int i = 0; i != times; ++i) breaker.try_acquire().value().failure();
    }
    static void succeed(Breaker& breaker, int times = 1) {
        for (int i = 0; i != times; ++i) breaker.try_acquire().value().success();
    }

    std::vector<transition> told;
};

using Implementations =
    ::testing::Types<bulwark::basic_circuit_breaker<manual_clock>, bulwark::test::breaker_of<bulwark::test::thin>,
                     bulwark::reference::basic_circuit_breaker<manual_clock>>;

TYPED_TEST_SUITE(CircuitBreaker, Implementations);

TYPED_TEST(CircuitBreaker, BeginsClosedInGenerationOneWithNothingCounted) {
    const TypeParam b;
    EXPECT_EQ(b.state(), breaker_state::closed);
    EXPECT_EQ(b.generation(), 1U);
    EXPECT_EQ(b.counts(), breaker_counts{});
    EXPECT_EQ(b.retry_after(), 0s);
}

TYPED_TEST(CircuitBreaker, CountsRequestsAtAdmissionAndTheRestAtTheOutcome) {
    TypeParam b;
    auto p = b.try_acquire();
    EXPECT_EQ(b.counts(), (breaker_counts{.requests = 1}));
    EXPECT_TRUE(p->success());
    EXPECT_EQ(b.counts(), (breaker_counts{.requests = 1, .total_successes = 1, .consecutive_successes = 1}));
}

TYPED_TEST(CircuitBreaker, SuccessZeroesFailuresInARowAndTheOtherWayRoundAndIgnoredTouchesNeither) {
    TypeParam b{{.ready_to_trip = [](const breaker_counts&) { return false; }}};
    this->succeed(b, 3);
    EXPECT_EQ(b.counts().consecutive_successes, 3U);
    this->fail(b, 2);
    EXPECT_EQ(b.counts().consecutive_successes, 0U);
    EXPECT_EQ(b.counts().consecutive_failures, 2U);
    EXPECT_TRUE(b.try_acquire()->ignore());
    EXPECT_EQ(b.counts(), (breaker_counts{6, 3, 2, 1, 0, 2}));
    this->fail(b);
    EXPECT_EQ(b.counts().consecutive_failures, 3U);
    this->succeed(b);
    EXPECT_EQ(b.counts(), (breaker_counts{8, 4, 3, 1, 1, 0}));
}

TYPED_TEST(CircuitBreaker, OpensBeforeTheFailureThatTripsReturns) {
    TypeParam b;  // half of at least 5
    this->succeed(b, 2);
    this->fail(b, 2);
    EXPECT_EQ(b.state(), breaker_state::closed);
    this->fail(b);
    EXPECT_EQ(b.state(), breaker_state::open);
    EXPECT_EQ(b.generation(), 2U);
    EXPECT_EQ(b.counts(), breaker_counts{});
}

TYPED_TEST(CircuitBreaker, AsksThePolicyAfterFailuresOnlyWithCountsThatIncludeThem) {
    std::vector<breaker_counts> asked;
    TypeParam b{{.ready_to_trip = [&](const breaker_counts& c) {
        asked.push_back(c);
        return false;
    }}};
    this->succeed(b);
    (void)b.try_acquire()->ignore();
    this->fail(b, 2);
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[0], (breaker_counts{3, 1, 1, 1, 0, 1}));
    EXPECT_EQ(asked[1], (breaker_counts{4, 1, 2, 1, 0, 2}));
}

TYPED_TEST(CircuitBreaker, OpenRefusesUntilTheTimeoutToTheTick) {
    TypeParam b{this->fragile()};
    this->fail(b);
    EXPECT_EQ(b.try_acquire().error(), errc::circuit_open);
    EXPECT_EQ(b.retry_after(), 60s);
    manual_clock::advance(60s - 1ns);
    EXPECT_EQ(b.state(), breaker_state::open);
    EXPECT_EQ(b.retry_after(), 1ns);
    EXPECT_EQ(b.try_acquire().error(), errc::circuit_open);
    manual_clock::advance(1ns);
    EXPECT_EQ(b.state(), breaker_state::half_open);
    EXPECT_EQ(b.generation(), 3U);
    EXPECT_EQ(b.retry_after(), 0s);
    EXPECT_EQ(this->told.size(), 1U) << "observers change nothing";
    EXPECT_TRUE(b.try_acquire());
    EXPECT_EQ(this->told.size(), 2U);
}

TYPED_TEST(CircuitBreaker, TimeoutZeroMakesTheNextCallerAProbe) {
    auto config = this->fragile();
    config.timeout = 0s;
    TypeParam b{config};
    this->fail(b);
    EXPECT_EQ(b.state(), breaker_state::half_open);
    EXPECT_TRUE(b.try_acquire()->success());
    EXPECT_EQ(b.state(), breaker_state::closed);
}

TYPED_TEST(CircuitBreaker, AReadingFromBeforeTheLastChangeCountsAsThatTime) {
    auto config = this->fragile();
    config.interval = config.timeout = 0s;
    TypeParam b{config};
    this->fail(b);
    manual_clock::advance(-1ns);
    EXPECT_EQ(b.state(), breaker_state::half_open) << "a timeout of 0 has passed at once";
    EXPECT_TRUE(b.try_acquire());
}

TYPED_TEST(CircuitBreaker, HalfOpenAdmitsMaxRequestsProbesAndClosesAfterAsManySuccesses) {
    TypeParam b{this->fragile(3)};
    this->fail(b);
    manual_clock::advance(60s);
    auto p1 = b.try_acquire();
    auto p2 = b.try_acquire();
    auto p3 = b.try_acquire();
    ASSERT_TRUE(p1 && p2 && p3);
    EXPECT_EQ(b.try_acquire().error(), errc::too_many_probes);
    EXPECT_EQ(b.counts(), (breaker_counts{.requests = 3}));
    EXPECT_TRUE(p1->success());
    EXPECT_EQ(b.try_acquire().error(), errc::too_many_probes) << "a probe that succeeded keeps its place";
    EXPECT_TRUE(p2->success());
    EXPECT_EQ(b.state(), breaker_state::half_open);
    EXPECT_TRUE(p3->success());
    EXPECT_EQ(b.state(), breaker_state::closed);
    EXPECT_EQ(b.generation(), 4U);
    EXPECT_EQ(b.counts(), breaker_counts{});
    EXPECT_EQ(this->told, (std::vector<transition>{{breaker_state::closed, breaker_state::open, 2},
                                                   {breaker_state::open, breaker_state::half_open, 3},
                                                   {breaker_state::half_open, breaker_state::closed, 4}}));
}

TYPED_TEST(CircuitBreaker, OneFailureInHalfOpenReopensForAFullTimeout) {
    TypeParam b{this->fragile(2)};
    this->fail(b);
    manual_clock::advance(60s);
    auto p1 = b.try_acquire();
    auto p2 = b.try_acquire();
    EXPECT_TRUE(p1->success());
    manual_clock::advance(5s);
    EXPECT_TRUE(p2->failure());
    EXPECT_EQ(b.state(), breaker_state::open);
    EXPECT_EQ(b.retry_after(), 60s);
    manual_clock::advance(60s - 1ns);
    EXPECT_EQ(b.try_acquire().error(), errc::circuit_open);
}

TYPED_TEST(CircuitBreaker, IgnoredAndDroppedProbesGiveTheirPlaceBack) {
    TypeParam b{this->fragile(1)};
    this->fail(b);
    manual_clock::advance(60s);
    for (int i = 0; i != 20; ++i) {
        auto p = b.try_acquire();
        ASSERT_TRUE(p) << i;
        EXPECT_EQ(b.try_acquire().error(), errc::too_many_probes);
        if (i % 2 == 0) {
            EXPECT_TRUE(p->ignore());
        }
    }
    EXPECT_EQ(b.counts(), (breaker_counts{.requests = 20, .total_ignored = 20}));
    EXPECT_EQ(b.generation(), 3U);
    EXPECT_TRUE(b.try_acquire()->success());
    EXPECT_EQ(b.state(), breaker_state::closed);
}

TYPED_TEST(CircuitBreaker, SilentProbesAreReplacedAfterTheProbeTimeoutAndTheirLateWordIsStale) {
    TypeParam b{this->fragile(1)};
    this->fail(b);
    manual_clock::advance(60s);
    auto hung = b.try_acquire();
    manual_clock::advance(30s - 1ns);
    EXPECT_EQ(b.try_acquire().error(), errc::too_many_probes);
    EXPECT_EQ(b.generation(), 3U);
    manual_clock::advance(1ns);
    EXPECT_EQ(b.generation(), 4U) << "what the next call would find";
    auto next = b.try_acquire();
    ASSERT_TRUE(next);
    EXPECT_EQ(this->told.back(), (transition{breaker_state::half_open, breaker_state::half_open, 4}));
    EXPECT_FALSE(hung->failure());
    EXPECT_EQ(b.state(), breaker_state::half_open);
    EXPECT_TRUE(next->success());
    EXPECT_EQ(b.state(), breaker_state::closed);
}

TYPED_TEST(CircuitBreaker, ALateProbeStillCountsAsLongAsNobodyBeganANewTest) {
    TypeParam b{this->fragile(1)};
    this->fail(b);
    manual_clock::advance(60s);
    auto slow = b.try_acquire();
    manual_clock::advance(31s);
    EXPECT_TRUE(slow->success());
    EXPECT_EQ(b.state(), breaker_state::closed);
}

TYPED_TEST(CircuitBreaker, ProbesThatAllAnsweredAreNotSilentHoweverLongTheNextCallerTakes) {
    TypeParam b{this->fragile(2)};
    this->fail(b);
    manual_clock::advance(60s);
    this->succeed(b);
    manual_clock::advance(1h);
    EXPECT_EQ(b.generation(), 3U);
    this->succeed(b);
    EXPECT_EQ(b.state(), breaker_state::closed);
}

TYPED_TEST(CircuitBreaker, ProbeTimeoutZeroWaitsForEver) {
    auto config = this->fragile();
    config.probe_timeout = 0s;
    TypeParam b{config};
    this->fail(b);
    manual_clock::advance(60s);
    auto hung = b.try_acquire();
    manual_clock::advance(std::chrono::hours(24 * 365));
    EXPECT_EQ(b.try_acquire().error(), errc::too_many_probes);
    EXPECT_TRUE(hung->success());
    EXPECT_EQ(b.state(), breaker_state::closed);
}

TYPED_TEST(CircuitBreaker, TheWindowEndsAtTheIntervalAndTheNextBeginsWithTheCallThatFindsItOver) {
    TypeParam b{{.interval = 10s}};
    this->succeed(b);
    manual_clock::advance(10s - 1ns);
    EXPECT_EQ(b.counts().requests, 1U);
    this->succeed(b);
    EXPECT_EQ(b.counts().requests, 2U);
    manual_clock::advance(1ns);
    EXPECT_EQ(b.counts(), breaker_counts{});
    manual_clock::advance(7s);
    this->succeed(b);  // begins [17, 27)
    EXPECT_EQ(b.counts().requests, 1U);
    manual_clock::advance(10s - 1ns);
    EXPECT_EQ(b.counts().requests, 1U);
    manual_clock::advance(1ns);
    EXPECT_EQ(b.counts().requests, 0U);
    EXPECT_EQ(b.generation(), 1U) << "a new window is no transition";
}

TYPED_TEST(CircuitBreaker, AnIntervalOfZeroIsOneEndlessWindow) {
    TypeParam b{{.interval = 0s}};
    this->succeed(b);
    manual_clock::advance(std::chrono::hours(24 * 365 * 100));
    EXPECT_EQ(b.counts().requests, 1U);
}

TYPED_TEST(CircuitBreaker, ACallThatEndsInALaterWindowCountsThereItsRequestWithIt) {
    TypeParam b{{.interval = 10s}};
    auto slow = b.try_acquire();
    auto slower = b.try_acquire();
    manual_clock::advance(11s);
    this->succeed(b);
    EXPECT_TRUE(slow->failure());
    EXPECT_EQ(b.counts(), (breaker_counts{2, 1, 1, 0, 0, 1}));
    manual_clock::advance(10s);
    EXPECT_TRUE(slower->ignore()) << "also where it finds the window over itself";
    EXPECT_EQ(b.counts(), (breaker_counts{.requests = 1, .total_ignored = 1}));
}

TYPED_TEST(CircuitBreaker, CallsLongerThanTheWindowStillTrip) {
    TypeParam b{{.interval = 1s, .ready_to_trip = bulwark::consecutive_failures(2)}};
    auto p1 = b.try_acquire();
    auto p2 = b.try_acquire();
    manual_clock::advance(5s);
    EXPECT_TRUE(p1->failure());
    EXPECT_TRUE(p2->failure());
    EXPECT_EQ(b.state(), breaker_state::open);
}

TYPED_TEST(CircuitBreaker, AStaleResultChangesNothingAtAll) {
    TypeParam b{this->fragile()};
    auto late_success = b.try_acquire();
    auto late_failure = b.try_acquire();
    auto late_ignored = b.try_acquire();
    std::optional late_dropped(b.try_acquire());
    this->fail(b);
    const auto open = b.snapshot();
    EXPECT_FALSE(late_success->success());
    EXPECT_EQ(b.snapshot(), open);
    manual_clock::advance(60s);
    auto probe = b.try_acquire();
    const auto half_open = b.snapshot();
    EXPECT_FALSE(late_failure->failure());
    EXPECT_FALSE(late_ignored->ignore());
    late_dropped.reset();
    EXPECT_EQ(b.snapshot(), half_open);
    EXPECT_TRUE(probe->success());
    EXPECT_EQ(this->told.size(), 3U);
}

TYPED_TEST(CircuitBreaker, APermitHasOneWord) {
    TypeParam b;
    auto p = b.try_acquire();
    EXPECT_TRUE(p->success());
    EXPECT_FALSE(p->failure());
    EXPECT_FALSE(p->ignore());
    EXPECT_FALSE(p->success());
    EXPECT_EQ(b.counts(), (breaker_counts{1, 1, 0, 0, 1, 0}));
}

TYPED_TEST(CircuitBreaker, ACallMayEndInAThreadThatWasNotThereWhenItBegan) {
    TypeParam b;
    auto p = b.try_acquire();
    std::thread([&] { EXPECT_TRUE(p->success()); }).join();
    EXPECT_EQ(b.counts(), (breaker_counts{1, 1, 0, 0, 1, 0}));
}

TYPED_TEST(CircuitBreaker, APermitMovesItsWordWithIt) {
    TypeParam b;
    {
        auto first = b.try_acquire().value();
        auto second(std::move(first));
        EXPECT_FALSE(first.success());  // NOLINT(bugprone-use-after-move): a moved-from permit has no word
        auto third = b.try_acquire().value();
        third = std::move(second);  // gives back what it had
        EXPECT_EQ(b.counts(), (breaker_counts{.requests = 2, .total_ignored = 1}));
        auto& self = third;
        third = std::move(self);
        EXPECT_TRUE(third.success());
    }
    EXPECT_EQ(b.counts(), (breaker_counts{2, 1, 0, 1, 1, 0}));
}

TYPED_TEST(CircuitBreaker, APermitDestroyedByUnwindingIsAFailureAndOtherwiseIgnored) {
    TypeParam b;
    {
        auto dropped = b.try_acquire();
    }
    EXPECT_EQ(b.counts().total_ignored, 1U);
    EXPECT_THROW(
        {
            auto p = b.try_acquire();
            throw std::runtime_error("service");
        },
        std::runtime_error);
    EXPECT_EQ(b.counts().total_failures, 1U);
    // Taken and dropped in peace by a destructor that runs while something else unwinds.
    struct on_exit {
        TypeParam& breaker;
        ~on_exit() { auto p = breaker.try_acquire(); }
    };
    EXPECT_THROW(
        {
            on_exit last{b};
            throw std::runtime_error("elsewhere");
        },
        std::runtime_error);
    EXPECT_EQ(b.counts(), (breaker_counts{3, 0, 1, 2, 0, 1}));
}

TYPED_TEST(CircuitBreaker, CallbacksMayReenterTheBreaker) {
    std::unique_ptr<TypeParam> b;
    std::vector<std::string> seen;
    auto config = this->fragile();
    config.on_state_change = [&](const transition& t) {
        seen.push_back(to_string(b->snapshot().state) == to_string(t.to) ? "agrees" : "differs");
        if (t.to == breaker_state::half_open) {
            EXPECT_EQ(b->try_acquire().error(), errc::too_many_probes) << "the caller is the first probe";
        }
        if (t.to == breaker_state::closed) this->fail(*b);  // trips again from within
    };
    b = std::make_unique<TypeParam>(config);
    this->fail(*b);
    manual_clock::advance(60s);
    EXPECT_TRUE(b->try_acquire()->success());
    EXPECT_EQ(b->state(), breaker_state::open);
    EXPECT_EQ(b->generation(), 5U);
    EXPECT_EQ(seen, (std::vector<std::string>{"agrees", "agrees", "agrees", "agrees"}));
}

TYPED_TEST(CircuitBreaker, WhatACallbackThrowsIsDroppedAndHarmsNothing) {
    auto config = this->fragile();
    int calls = 0;
    config.on_state_change = [&](const transition&) {
        ++calls;
        throw std::runtime_error("listener");
    };
    TypeParam b{config};
    auto p = b.try_acquire();
    EXPECT_TRUE(p->failure());
    manual_clock::advance(60s);
    auto probe = b.try_acquire();
    ASSERT_TRUE(probe);
    EXPECT_TRUE(probe->success());
    EXPECT_EQ(b.state(), breaker_state::closed);
    EXPECT_EQ(b.execute([] { return 7; }).value(), 7);
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(b.counts(), (breaker_counts{1, 1, 0, 0, 1, 0}));
}

TYPED_TEST(CircuitBreaker, WhatThePolicyThrowsReachesTheCallerOfFailureAndTheFailureIsCounted) {
    bool broken = true;
    TypeParam b{{.ready_to_trip = [&](const breaker_counts& c) {
        if (broken) throw std::runtime_error("policy");
        return c.total_failures >= 3;
    }}};
    auto p = b.try_acquire();
    EXPECT_THROW(p->failure(), std::runtime_error);
    EXPECT_FALSE(p->failure()) << "it has had its word";
    EXPECT_EQ(b.counts(), (breaker_counts{1, 0, 1, 0, 0, 1}));
    EXPECT_THROW(
        {
            auto unwound = b.try_acquire();
            throw std::logic_error("service");
        },
        std::logic_error);
    EXPECT_EQ(b.counts().total_failures, 2U);
    broken = false;
    this->fail(b);
    EXPECT_EQ(b.state(), breaker_state::open);
}

TYPED_TEST(CircuitBreaker, DurationsSaturateInsteadOfOverflowing) {
    constexpr auto longest = std::chrono::nanoseconds::max();
    auto config = this->fragile();
    config.interval = config.timeout = config.probe_timeout = longest;
    TypeParam b{config};
    this->succeed(b);
    manual_clock::advance(1ns);
    this->fail(b);
    EXPECT_EQ(b.retry_after(), longest) << "1 ns + the longest duration is past the clock's range: never";
    manual_clock::advance(longest);  // the end of time
    EXPECT_EQ(b.state(), breaker_state::open);
    EXPECT_EQ(b.retry_after(), longest);
    EXPECT_EQ(b.try_acquire().error(), errc::circuit_open);
}

TYPED_TEST(CircuitBreaker, TheLongestTimeoutThatTheClockCanReachIsReached) {
    auto config = this->fragile();
    config.timeout = std::chrono::nanoseconds::max();
    TypeParam b{config};
    this->fail(b);  // at 0: 0 + max is the clock's last instant
    manual_clock::advance(std::chrono::nanoseconds::max() - 1ns);
    EXPECT_EQ(b.retry_after(), 1ns);
    manual_clock::advance(1ns);
    EXPECT_EQ(b.state(), breaker_state::half_open);
    EXPECT_TRUE(b.try_acquire());
}

TYPED_TEST(CircuitBreaker, TellsOfItselfInOneReadableLine) {
    TypeParam b{this->fragile()};
    this->succeed(b, 2);
    EXPECT_EQ(to_string(b),
              "closed generation=1 requests=2 successes=2 failures=0 ignored=0 consecutive_successes=2 "
              "consecutive_failures=0");
    this->fail(b);
    EXPECT_EQ(to_string(b),
              "open generation=2 requests=0 successes=0 failures=0 ignored=0 consecutive_successes=0 "
              "consecutive_failures=0 retry_after=60s");
}

TYPED_TEST(CircuitBreaker, RefusesAConfigurationThatMakesNoSenseAndNamesTheField) {
    const auto message = [](circuit_breaker_config config) -> std::string {
        try {
            TypeParam b{std::move(config)};
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
        return "accepted";
    };
    EXPECT_NE(message({.max_requests = 0}).find("max_requests"), std::string::npos);
    EXPECT_NE(message({.interval = -1ns}).find("interval"), std::string::npos);
    EXPECT_NE(message({.timeout = -1ns}).find(" timeout"), std::string::npos);
    EXPECT_NE(message({.probe_timeout = -1ns}).find("probe_timeout"), std::string::npos);
    EXPECT_NE(message({.ready_to_trip = nullptr}).find("ready_to_trip"), std::string::npos);
    EXPECT_NE(message({.cells = 1025}).find("cells"), std::string::npos);
    EXPECT_NE(message({.count_successes = false}).find("count_successes"), std::string::npos);
    EXPECT_EQ(message({.ready_to_trip = bulwark::consecutive_failures(5), .count_successes = false}), "accepted");
    EXPECT_EQ(message({.cells = 1024}), "accepted");
    EXPECT_EQ(message({.cells = 0}), "accepted");
    EXPECT_EQ(message({.max_requests = std::numeric_limits<std::uint32_t>::max(),
                       .interval = 0ns,
                       .timeout = 0ns,
                       .probe_timeout = 0ns}),
              "accepted");
}

/// A clock that steps back: two threads reading a clock out of order look the same to the breaker.
struct unsteady_clock : bulwark::checks::nanosecond_clock<unsteady_clock, false> {
    static inline duration time{0};
    static time_point now() { return time_point(time); }
};

template <class Breaker>
void time_never_runs_backwards() {
    unsteady_clock::time = 100s;
    Breaker b{{.interval = 10s, .timeout = 60s, .ready_to_trip = bulwark::consecutive_failures(1)}};
    (void)b.execute([] {});
    unsteady_clock::time = 50s;
    EXPECT_EQ(b.counts().requests, 1U);
    (void)b.try_acquire()->failure();  // opened at 100 s: time has not been before
    EXPECT_EQ(b.retry_after(), 60s);
    unsteady_clock::time = 159s;
    EXPECT_EQ(b.state(), breaker_state::open);
    unsteady_clock::time = 160s;
    EXPECT_EQ(b.state(), breaker_state::half_open);
    // Before the clock's epoch time works the same.
    unsteady_clock::time = -100s;
    Breaker early{{.interval = 10s, .timeout = 60s, .ready_to_trip = bulwark::consecutive_failures(1)}};
    (void)early.try_acquire()->failure();
    unsteady_clock::time = -40s - 1ns;
    EXPECT_EQ(early.retry_after(), 1ns);
    unsteady_clock::time = -40s;
    EXPECT_EQ(early.state(), breaker_state::half_open);
}

TEST(CircuitBreakerClock, NeverRunsBackwards) {
    time_never_runs_backwards<bulwark::basic_circuit_breaker<unsteady_clock>>();
    time_never_runs_backwards<bulwark::reference::basic_circuit_breaker<unsteady_clock>>();
}

}  // namespace
