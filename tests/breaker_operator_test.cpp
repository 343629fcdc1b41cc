// What operators expect of the breaker: manual control, open times that grow, and the service's own word on when to
// come back. On a clock turned by hand, for the lock-free breaker, the same with the narrowest words, and the mutex
// reference.
#include "narrow.hpp"

#include <bulwark/reference/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::breaker_state;
using bulwark::circuit_breaker_config;
using bulwark::errc;
using bulwark::jitter;
using bulwark::manual_clock;
using bulwark::transition;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr auto closed = breaker_state::closed;
constexpr auto open = breaker_state::open;
constexpr auto half_open = breaker_state::half_open;

template <class Breaker>
class BreakerOperator : public ::testing::Test {
protected:
    BreakerOperator() { manual_clock::reset(); }

    /// Trips at its first failure, closes after its first success, and tells of its transitions.
    circuit_breaker_config fragile() {
        return {.max_requests = 1,
                .interval = 0s,
                .timeout = 10s,
                .probe_timeout = 30s,
                .ready_to_trip = bulwark::consecutive_failures(1),
                .on_state_change = [this](const transition& t) { told.push_back(t); }};
    }
    circuit_breaker_config listening(nanoseconds max_hint) {
        circuit_breaker_config config = fragile();
        config.max_hint = max_hint;
        return config;
    }

    static void fail(Breaker& b) { b.try_acquire().value().failure(); }
    static void succeed(Breaker& b) { b.try_acquire().value().success(); }
    /// What the next admission is told; the call, if there is one, is given up.
    static errc asked(Breaker& b) {
        auto permit = b.try_acquire();
        return permit ? errc{} : static_cast<errc>(permit.error());
    }
    /// The open times of so many openings in a row.
    static std::vector<nanoseconds> open_times(Breaker& b, int openings) {
        std::vector<nanoseconds> all;
        for (int i = 0; i != openings; ++i) {
            fail(b);
            all.push_back(b.retry_after());
            manual_clock::advance(b.retry_after());
        }
        return all;
    }

    std::vector<transition> told;
};

using Implementations =
    ::testing::Types<bulwark::basic_circuit_breaker<manual_clock>, bulwark::test::breaker_of<bulwark::test::thin>,
                     bulwark::reference::basic_circuit_breaker<manual_clock>>;

TYPED_TEST_SUITE(BreakerOperator, Implementations);

TYPED_TEST(BreakerOperator, ForcedOpenItStaysSoUntilItIsReset) {
    circuit_breaker_config config = this->fragile();
    config.timeout = 0s;  // even where every ordinary opening ends at once
    TypeParam b{config};
    EXPECT_TRUE(b.force_open());
    EXPECT_EQ(b.state(), open);
    EXPECT_EQ(b.retry_after(), nanoseconds::max());
    EXPECT_TRUE(b.snapshot().manual);
    for (int i = 0; i != 3; ++i) {
        EXPECT_EQ(this->asked(b), errc::circuit_open);
        manual_clock::advance(24h * 365 * 100);
    }
    EXPECT_FALSE(b.force_open());
    EXPECT_FALSE(b.trip());
    EXPECT_TRUE(b.reset());
    EXPECT_EQ(b.state(), closed);
    EXPECT_EQ(b.retry_after(), 0s);
    EXPECT_FALSE(b.snapshot().manual);
    this->succeed(b);
    EXPECT_EQ(this->told, (std::vector<transition>{{closed, open, 2}, {open, closed, 3}}));
}

TYPED_TEST(BreakerOperator, DisabledItLetsEverythingThroughAndCountsNothing) {
    TypeParam b{this->fragile()};
    auto before = b.try_acquire().value();
    EXPECT_TRUE(b.disable());
    EXPECT_FALSE(before.failure()) << "stale";
    EXPECT_EQ(b.state(), closed);
    EXPECT_TRUE(b.snapshot().manual);
    for (int i = 0; i != 100; ++i) {
        auto permit = b.try_acquire().value();
        EXPECT_FALSE(i % 2 == 0 ? permit.failure() : permit.success());
        EXPECT_EQ(b.counts(), breaker_counts{});
        manual_clock::advance(1h);
    }
    auto under_way = b.try_acquire().value();
    EXPECT_EQ(b.generation(), 2U);
    EXPECT_FALSE(b.disable());
    EXPECT_FALSE(b.trip());
    EXPECT_FALSE(b.hold_off(1s));
    EXPECT_TRUE(b.reset());
    EXPECT_FALSE(under_way.failure()) << "stale";
    EXPECT_FALSE(b.snapshot().manual);
    this->fail(b);
    EXPECT_EQ(b.state(), open);
    EXPECT_EQ(this->told, (std::vector<transition>{{closed, closed, 2}, {closed, closed, 3}, {closed, open, 4}}));
}

TYPED_TEST(BreakerOperator, ResetClosesWithCountsAtZeroFromAnyState) {
    circuit_breaker_config config = this->fragile();
    config.ready_to_trip = bulwark::consecutive_failures(2);
    TypeParam b{config};
    this->succeed(b);
    this->fail(b);
    auto under_way = b.try_acquire().value();
    EXPECT_TRUE(b.reset()) << "of a closed breaker too";
    EXPECT_EQ(b.counts(), breaker_counts{});
    EXPECT_FALSE(under_way.failure());
    this->fail(b);
    EXPECT_EQ(b.state(), closed) << "the failure before the reset is forgotten";
    this->fail(b);
    EXPECT_TRUE(b.reset());
    EXPECT_EQ(b.state(), closed);
    EXPECT_EQ(this->asked(b), errc{});
    this->fail(b);
    this->fail(b);
    manual_clock::advance(10s);
    auto probe = b.try_acquire().value();
    EXPECT_EQ(b.state(), half_open);
    EXPECT_TRUE(b.reset());
    EXPECT_FALSE(probe.failure());
    EXPECT_EQ(b.snapshot(), (bulwark::breaker_snapshot{.state = closed, .generation = 7}));
    EXPECT_EQ(this->told, (std::vector<transition>{{closed, closed, 2},
                                                   {closed, open, 3},
                                                   {open, closed, 4},
                                                   {closed, open, 5},
                                                   {open, half_open, 6},
                                                   {half_open, closed, 7}}));
}

TYPED_TEST(BreakerOperator, TripOpensForTheOrdinaryTimeWhatIsNotOpen) {
    TypeParam b{this->fragile()};
    auto under_way = b.try_acquire().value();
    EXPECT_TRUE(b.trip());
    EXPECT_FALSE(under_way.success());
    EXPECT_EQ(b.retry_after(), 10s);
    manual_clock::advance(10s - 1ns);
    EXPECT_FALSE(b.trip()) << "open";
    manual_clock::advance(1ns);
    EXPECT_EQ(b.state(), half_open);
    EXPECT_TRUE(b.trip()) << "the next call would have been a probe";
    EXPECT_EQ(b.retry_after(), 10s);
    manual_clock::advance(10s);
    auto probe = b.try_acquire().value();
    EXPECT_TRUE(b.trip()) << "half-open";
    EXPECT_FALSE(probe.success());
    EXPECT_EQ(b.retry_after(), 10s);
    EXPECT_EQ(this->told, (std::vector<transition>{
                              {closed, open, 2}, {open, open, 3}, {open, half_open, 4}, {half_open, open, 5}}));
}

TYPED_TEST(BreakerOperator, OneWordTakesThePlaceOfAnother) {
    TypeParam b{this->fragile()};
    EXPECT_TRUE(b.disable());
    EXPECT_TRUE(b.force_open());
    EXPECT_EQ(this->asked(b), errc::circuit_open);
    EXPECT_TRUE(b.disable());
    EXPECT_EQ(this->asked(b), errc{});
    EXPECT_TRUE(b.reset());
    this->fail(b);
    EXPECT_TRUE(b.force_open()) << "of an open breaker too";
    manual_clock::advance(10s);
    EXPECT_EQ(b.state(), open);
    EXPECT_TRUE(b.reset());
    this->fail(b);
    manual_clock::advance(10s);
    EXPECT_EQ(b.state(), half_open);
    EXPECT_TRUE(b.disable());
    EXPECT_EQ(b.state(), closed);
    EXPECT_EQ(b.generation(), 10U);
    EXPECT_EQ(this->told.size(), 9U);
}

TYPED_TEST(BreakerOperator, AListenerMayTakeTheWordBack) {
    circuit_breaker_config config = this->fragile();
    TypeParam* self = nullptr;
    config.on_state_change = [&](const transition& t) {
        this->told.push_back(t);
        if (t.to == open) self->reset();
    };
    TypeParam b{config};
    self = &b;
    EXPECT_TRUE(b.force_open());
    this->fail(b);
    EXPECT_EQ(b.state(), closed);
    EXPECT_EQ(b.generation(), 5U);
}

TYPED_TEST(BreakerOperator, AClockReadOutOfOrderDoesNotMoveTheBreakersTimeBack) {
    TypeParam b{this->fragile()};
    EXPECT_TRUE(b.force_open());
    manual_clock::advance(-5s);
    EXPECT_TRUE(b.reset());
    this->fail(b);
    manual_clock::advance(10s);
    EXPECT_EQ(b.state(), open);
    EXPECT_EQ(b.retry_after(), 5s);
}

TYPED_TEST(BreakerOperator, EachOpeningInARowLastsLongerUpToTheCeiling) {
    circuit_breaker_config config = this->fragile();
    config.timeout_multiplier = 3;
    config.max_timeout = 200s;
    TypeParam b{config};
    EXPECT_EQ(this->open_times(b, 5), (std::vector<nanoseconds>{10s, 30s, 90s, 200s, 200s}));
    this->succeed(b);
    ASSERT_EQ(b.state(), closed);
    EXPECT_EQ(this->open_times(b, 2), (std::vector<nanoseconds>{10s, 30s})) << "once closed it begins anew";
    EXPECT_TRUE(b.trip());
    EXPECT_EQ(b.retry_after(), 90s) << "a trip is an opening";
    EXPECT_TRUE(b.reset());
    EXPECT_EQ(this->open_times(b, 1), (std::vector<nanoseconds>{10s}));
    EXPECT_TRUE(b.force_open());
    EXPECT_TRUE(b.reset());
    EXPECT_EQ(this->open_times(b, 1), (std::vector<nanoseconds>{10s}));
}

TYPED_TEST(BreakerOperator, ProbesThatStaySilentAreNoOpening) {
    circuit_breaker_config config = this->fragile();
    config.timeout_multiplier = 2;
    TypeParam b{config};
    this->fail(b);
    manual_clock::advance(10s);
    auto silent = b.try_acquire().value();
    manual_clock::advance(30s);
    this->fail(b);
    EXPECT_EQ(b.retry_after(), 20s);
}

TYPED_TEST(BreakerOperator, OpenTimesThatGrowForEverSaturate) {
    circuit_breaker_config config = this->fragile();
    config.timeout_multiplier = 1e9;
    TypeParam b{config};
    EXPECT_EQ(this->open_times(b, 1), (std::vector<nanoseconds>{10s}));
    this->fail(b);
    EXPECT_EQ(b.retry_after(), nanoseconds::max());
}

TYPED_TEST(BreakerOperator, JitterIsThatOfTheSeedAndTheGeneration) {
    // The second output of SplitMix64 begun with 1234567.
    constexpr std::uint64_t second = 3203168211198807973;
    for (const jitter how : {jitter::full, jitter::equal}) {
        circuit_breaker_config config = this->fragile();
        config.timeout_jitter = how;
        config.seed = 1234567;
        TypeParam b{config};
        this->fail(b);
        const nanoseconds time = b.retry_after();
        EXPECT_EQ(time,
                  bulwark::backoff_delay(
                      {.initial = 10s, .multiplier = 1, .ceiling = nanoseconds::max(), .jitter = how}, 1, second));
        // To the tick, however often it is looked at.
        manual_clock::advance(time - 1ns);
        EXPECT_EQ(this->asked(b), errc::circuit_open);
        manual_clock::advance(1ns);
        EXPECT_EQ(this->asked(b), errc{});
    }
}

TYPED_TEST(BreakerOperator, BreakersWithoutASeedDiffer) {
    circuit_breaker_config config = this->fragile();
    config.timeout_jitter = jitter::full;
    TypeParam b1{config};
    TypeParam b2{config};
    EXPECT_NE(this->open_times(b1, 4), this->open_times(b2, 4));
}

TYPED_TEST(BreakerOperator, AHintKeepsItOpenForLongerAndNeverForShorter) {
    TypeParam b{this->listening(1h)};
    b.try_acquire().value().failure(25s);
    EXPECT_EQ(b.state(), open);
    EXPECT_EQ(b.retry_after(), 25s);
    EXPECT_FALSE(b.hold_off(20s)) << "it waits for longer already";
    EXPECT_EQ(b.retry_after(), 25s);
    EXPECT_TRUE(b.hold_off(30s));
    EXPECT_EQ(b.retry_after(), 30s);
    manual_clock::advance(30s - 1ns);
    EXPECT_EQ(b.retry_after(), 1ns);
    EXPECT_EQ(this->asked(b), errc::circuit_open);
    manual_clock::advance(1ns);
    b.try_acquire().value().failure(5s);
    EXPECT_EQ(b.retry_after(), 10s) << "the hint is shorter than the timeout";
    manual_clock::advance(10s);
    EXPECT_EQ(b.state(), half_open);
}

TYPED_TEST(BreakerOperator, AThreadThatKnowsHowLongItIsOpenHearsOfALaterHint) {
    TypeParam b{this->listening(1h)};
    this->fail(b);
    EXPECT_EQ(this->asked(b), errc::circuit_open);
    EXPECT_TRUE(b.hold_off(60s));
    for (int i = 0; i != 4; ++i) {
        EXPECT_EQ(this->asked(b), errc::circuit_open);
        manual_clock::advance(15s);
    }
    EXPECT_EQ(this->asked(b), errc{});
}

TYPED_TEST(BreakerOperator, AHintGivenWhileItIsClosedIsForTheNextOpening) {
    TypeParam b{this->listening(1h)};
    EXPECT_TRUE(b.hold_off(40s));
    EXPECT_EQ(b.state(), closed);
    EXPECT_EQ(b.retry_after(), 0s);
    this->succeed(b);
    manual_clock::advance(5s);
    this->fail(b);
    EXPECT_EQ(b.retry_after(), 35s);
}

TYPED_TEST(BreakerOperator, AHintEndsWithAResetAndWithAClose) {
    TypeParam b{this->listening(1h)};
    b.try_acquire().value().failure(30min);
    EXPECT_TRUE(b.reset());
    this->fail(b);
    EXPECT_EQ(b.retry_after(), 10s);
    manual_clock::advance(10s);
    auto probe = b.try_acquire().value();
    EXPECT_TRUE(b.hold_off(30min));
    EXPECT_TRUE(probe.success());
    this->fail(b);
    EXPECT_EQ(b.retry_after(), 10s);
    EXPECT_TRUE(b.hold_off(1min)) << "the longer one before is forgotten";
    EXPECT_EQ(b.retry_after(), 1min);
}

TYPED_TEST(BreakerOperator, AHintDoesNotComeBackAfterManyGenerations) {
    TypeParam b{this->listening(24h)};
    this->fail(b);
    manual_clock::advance(10s);
    auto probe = b.try_acquire().value();
    EXPECT_TRUE(b.hold_off(24h));
    EXPECT_TRUE(probe.success());  // the hint is for the half-open breaker, and that has gone
    for (int i = 0; i != 400; ++i) {
        this->fail(b);
        ASSERT_EQ(b.retry_after(), 10s) << "generation " << b.generation();
        manual_clock::advance(10s);
        if (i % 2 == 0) this->succeed(b);
    }
}

TYPED_TEST(BreakerOperator, HintsAreCutToTheLongestThatIsHeard) {
    TypeParam b{this->listening(1min)};
    b.try_acquire().value().failure(nanoseconds::max());
    EXPECT_EQ(b.retry_after(), 1min);
    TypeParam deaf{this->fragile()};
    EXPECT_FALSE(deaf.hold_off(1min));
    deaf.try_acquire().value().failure(1min);
    EXPECT_EQ(deaf.retry_after(), 10s);
}

TYPED_TEST(BreakerOperator, AHintPastTheEndOfTimeMeansNever) {
    TypeParam b{this->listening(nanoseconds::max())};
    manual_clock::advance(1h);
    b.try_acquire().value().failure(nanoseconds::max());
    EXPECT_EQ(b.retry_after(), nanoseconds::max());
    manual_clock::advance(24h * 365 * 200);
    EXPECT_EQ(this->asked(b), errc::circuit_open);
    EXPECT_TRUE(b.reset());
    EXPECT_EQ(this->asked(b), errc{});
}

TYPED_TEST(BreakerOperator, HintsThatSayNothingAndHintsOfStaleCallsAreNotHeard) {
    TypeParam b{this->listening(1h)};
    EXPECT_FALSE(b.hold_off(0s));
    EXPECT_FALSE(b.hold_off(-1s));
    auto late = b.try_acquire().value();
    EXPECT_TRUE(b.try_acquire().value().failure(-1s));
    EXPECT_EQ(b.retry_after(), 10s);
    EXPECT_FALSE(late.failure(30s));
    EXPECT_EQ(b.retry_after(), 10s);
    EXPECT_FALSE(late.failure(30s)) << "it had its word";
    EXPECT_TRUE(b.force_open());
    EXPECT_FALSE(b.hold_off(30s));
}

TEST(BreakerCore, IsTrippedInTheGenerationThatWasMeant) {
    manual_clock::reset();
    bulwark::detail::breaker_core<manual_clock, bulwark::test::traits_of<bulwark::detail::layout_widths{}>> core(
        {.timeout = 10});
    EXPECT_EQ(core.trip(2), std::nullopt) << "not yet";
    EXPECT_EQ(core.trip(1), (transition{closed, open, 2}));
    EXPECT_EQ(core.trip(2), std::nullopt) << "open";
    EXPECT_EQ(core.observe().retry_after, 10ns);
    manual_clock::advance(10ns);
    EXPECT_EQ(core.admit().made, (transition{open, half_open, 3}));
    EXPECT_EQ(core.trip(3), std::nullopt) << "half-open";
    EXPECT_TRUE(core.make(bulwark::detail::move::reset).has_value());
    EXPECT_EQ(core.trip(3), std::nullopt) << "no more";
    EXPECT_TRUE(core.make(bulwark::detail::move::disable).has_value());
    EXPECT_EQ(core.trip(5), std::nullopt) << "disabled";
}

TYPED_TEST(BreakerOperator, TellsOfAnOperatorsWord) {
    TypeParam b{this->fragile()};
    EXPECT_TRUE(b.force_open());
    EXPECT_EQ(to_string(b),
              "open (forced) generation=2 requests=0 successes=0 failures=0 ignored=0 consecutive_successes=0 "
              "consecutive_failures=0 retry_after=never");
    EXPECT_TRUE(b.disable());
    EXPECT_EQ(to_string(b),
              "closed (disabled) generation=3 requests=0 successes=0 failures=0 ignored=0 consecutive_successes=0 "
              "consecutive_failures=0");
}

TYPED_TEST(BreakerOperator, RefusesWhatMakesNoSenseAndNamesTheField) {
    const auto complaint = [](const circuit_breaker_config& config) -> std::string {
        try {
            const TypeParam b{config};
            return {};
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
    };
    const auto names = [&](const circuit_breaker_config& config, const char* field) {
        return complaint(config).find(std::string(": ") + field + ' ') != std::string::npos;
    };
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(names({.timeout_multiplier = 0.99}, "timeout_multiplier"));
    EXPECT_TRUE(names({.timeout_multiplier = nan}, "timeout_multiplier"));
    EXPECT_TRUE(names({.timeout = 2s, .max_timeout = 1s}, "max_timeout"));
    EXPECT_TRUE(names({.max_timeout = -1s}, "max_timeout"));
    EXPECT_TRUE(names({.max_hint = -1ns}, "max_hint"));
    EXPECT_TRUE(names({.timeout_jitter = static_cast<jitter>(3)}, "timeout_jitter"));
    EXPECT_EQ(complaint({.timeout = 2s, .timeout_multiplier = 1, .max_timeout = 2s}), "");
}

}  // namespace
