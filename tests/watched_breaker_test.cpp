// A watched breaker, that is one with a sliding window, a limit to slow calls or a ramp: what the configuration says,
// clause by clause, on the lock-free breaker and on the mutex reference; and both through the same long random
// sequences of steps, every answer, state, count and callback compared after each.
#include "narrow.hpp"

#include <bulwark/reference/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::breaker_state;
using bulwark::circuit_breaker_config;
using bulwark::errc;
using bulwark::last_calls;
using bulwark::last_time;
using bulwark::manual_clock;
using bulwark::transition;
using namespace std::chrono_literals;

using lock_free = bulwark::test::breaker_of<bulwark::detail::layout_widths{}>;
using reference = bulwark::reference::basic_circuit_breaker<manual_clock>;

bool never_trips(const breaker_counts&) {
    return false;
}

template <class Breaker>
class WatchedBreaker : public ::testing::Test {
protected:
    WatchedBreaker() { manual_clock::reset(); }

    static void fail(Breaker& b, int times = 1) {
        for (int i = 0; i != times; ++i) b.try_acquire().value().failure();
    }
    static void succeed(Breaker& b, int times = 1) {
        for (int i = 0; i != times; ++i) b.try_acquire().value().success();
    }
    /// A success that takes so long.
    static bool take(Breaker& b, std::chrono::nanoseconds time) {
        auto p = b.try_acquire();
        manual_clock::advance(time);
        return p->success();
    }
    /// How many of so many calls are let through.
    static int admitted(Breaker& b, int calls) {
        int all = 0;
        for (int i = 0; i != calls; ++i) {
            auto p = b.try_acquire();
            if (p) {
                ++all;
                p->success();
            } else {
                EXPECT_EQ(p.error(), errc::circuit_ramping);
            }
        }
        return all;
    }
    /// To open, and through half-open to closed.
    static void recover(Breaker& b, std::chrono::nanoseconds timeout) {
        b.trip();
        manual_clock::advance(timeout);
        succeed(b);
        EXPECT_EQ(b.state(), breaker_state::closed);
    }
};

using Implementations = ::testing::Types<lock_free, reference>;
TYPED_TEST_SUITE(WatchedBreaker, Implementations);

TYPED_TEST(WatchedBreaker, CountsTheLastCallsAndForgetsThoseBefore) {
    TypeParam b{{.ready_to_trip = never_trips, .window = last_calls(3)}};
    this->fail(b, 2);
    EXPECT_EQ(b.counts(), (breaker_counts{2, 0, 2, 0, 0, 2}));
    this->succeed(b);
    EXPECT_EQ(b.counts(), (breaker_counts{3, 1, 2, 0, 1, 0}));
    this->succeed(b);
    EXPECT_EQ(b.counts(), (breaker_counts{3, 2, 1, 0, 2, 0}));
    this->succeed(b, 2);
    EXPECT_EQ(b.counts(), (breaker_counts{3, 3, 0, 0, 3, 0}));
    manual_clock::advance(24h);
    EXPECT_EQ(b.counts().requests, 3U);
}

TYPED_TEST(WatchedBreaker, CountsACallWhenItEndsAndNotAnIgnoredOne) {
    TypeParam b{{.ready_to_trip = never_trips, .window = last_calls(3)}};
    auto p = b.try_acquire();
    EXPECT_EQ(b.counts(), breaker_counts{});
    EXPECT_TRUE(p->success());
    EXPECT_EQ(b.counts().requests, 1U);
    EXPECT_TRUE(b.try_acquire()->ignore());
    {
        const auto dropped = b.try_acquire();
    }
    EXPECT_EQ(b.counts().requests, 1U);
}

TYPED_TEST(WatchedBreaker, TripsOnTheCountsOfTheLastCalls) {
    TypeParam b{{.ready_to_trip = bulwark::failure_ratio(0.5, 4), .window = last_calls(4)}};
    this->succeed(b, 100);
    this->fail(b);
    EXPECT_EQ(b.state(), breaker_state::closed);
    this->fail(b);
    EXPECT_EQ(b.state(), breaker_state::open);
    EXPECT_EQ(b.generation(), 2U);
    EXPECT_EQ(b.try_acquire().error(), errc::circuit_open);
}

TYPED_TEST(WatchedBreaker, CountsWhatEndedInTheLastSlicesOfTime) {
    TypeParam b{{.ready_to_trip = never_trips, .window = last_time(30ms, 3)}};
    this->fail(b);
    manual_clock::advance(10ms);
    this->succeed(b, 2);
    manual_clock::advance(20ms - 1ns);
    EXPECT_EQ(b.counts(), (breaker_counts{3, 2, 1, 0, 2, 0}));
    manual_clock::advance(1ns);  // the slice of the failure leaves
    EXPECT_EQ(b.counts(), (breaker_counts{2, 2, 0, 0, 2, 0}));
    this->fail(b);
    EXPECT_EQ(b.counts(), (breaker_counts{3, 2, 1, 0, 0, 1}));
    manual_clock::advance(10ms);
    EXPECT_EQ(b.counts(), (breaker_counts{1, 0, 1, 0, 0, 1}));
    manual_clock::advance(20ms);
    EXPECT_EQ(b.counts(), breaker_counts{});
}

TYPED_TEST(WatchedBreaker, SlicesBeginWhenTheBreakerCloses) {
    TypeParam b{{.timeout = 7ms, .ready_to_trip = never_trips, .window = last_time(20ms, 2)}};
    manual_clock::advance(4ms);
    this->recover(b, 7ms);  // closed at 11 ms
    this->fail(b);
    manual_clock::advance(10ms - 1ns);
    this->fail(b);
    manual_clock::advance(1ns);
    this->fail(b);
    manual_clock::advance(10ms - 1ns);
    EXPECT_EQ(b.counts().total_failures, 3U);
    manual_clock::advance(1ns);
    EXPECT_EQ(b.counts().total_failures, 1U);
}

TYPED_TEST(WatchedBreaker, ARowIsCountedAsFarAsItLiesInTheWindow) {
    TypeParam b{{.ready_to_trip = bulwark::consecutive_failures(4), .window = last_time(20ms, 2)}};
    this->fail(b, 3);
    EXPECT_EQ(b.counts().consecutive_failures, 3U);
    manual_clock::advance(20ms);
    this->fail(b, 3);
    EXPECT_EQ(b.counts().consecutive_failures, 3U);
    EXPECT_EQ(b.state(), breaker_state::closed);
    this->fail(b);
    EXPECT_EQ(b.state(), breaker_state::open);
    const auto at_four = [](const breaker_counts& counts) { return counts.consecutive_failures == 4; };
    TypeParam c{{.ready_to_trip = at_four, .window = last_calls(3)}};
    this->fail(c, 100);
    EXPECT_EQ(c.counts().consecutive_failures, 3U);
    EXPECT_EQ(c.state(), breaker_state::closed);
}

TYPED_TEST(WatchedBreaker, NothingOfAnOlderGenerationCounts) {
    for (const auto window : {last_calls(5), last_time(1h, 6), last_time(1h, 1)}) {
        TypeParam b{{.timeout = 0ns, .ready_to_trip = never_trips, .window = window}};
        auto stale = b.try_acquire();
        this->fail(b, 2);
        this->recover(b, 0ns);
        EXPECT_EQ(b.generation(), 4U);
        EXPECT_EQ(b.counts(), breaker_counts{});
        EXPECT_FALSE(stale->failure());
        EXPECT_EQ(b.counts(), breaker_counts{});
        this->succeed(b);
        EXPECT_EQ(b.counts(), (breaker_counts{1, 1, 0, 0, 1, 0}));
    }
}

TYPED_TEST(WatchedBreaker, ManySlowCallsTripItThoughTheySucceed) {
    TypeParam b{{.slow_call = 10ms, .slow_call_ratio = 0.5, .slow_call_min_requests = 4}};
    this->take(b, 10ms);
    this->take(b, 10ms);
    EXPECT_TRUE(this->take(b, 10ms - 1ns));
    EXPECT_EQ(b.state(), breaker_state::closed);  // three calls are too few
    this->take(b, 9ms);
    EXPECT_EQ(b.state(), breaker_state::closed);  // two of four, but this one was not slow
    EXPECT_TRUE(this->take(b, 10ms));
    EXPECT_EQ(b.state(), breaker_state::open);
}

TYPED_TEST(WatchedBreaker, SlowFailuresCountAsSlowToo) {
    TypeParam b{{.ready_to_trip = never_trips, .slow_call = 10ms, .slow_call_ratio = 1, .slow_call_min_requests = 2}};
    this->take(b, 10ms);
    auto p = b.try_acquire();
    manual_clock::advance(10ms);
    EXPECT_TRUE(p->failure());
    EXPECT_EQ(b.state(), breaker_state::open);
}

TYPED_TEST(WatchedBreaker, SlowCallsLeaveTheWindow) {
    TypeParam b{{.ready_to_trip = never_trips,
                 .window = last_calls(3),
                 .slow_call = 10ms,
                 .slow_call_ratio = 1,
                 .slow_call_min_requests = 1}};
    this->take(b, 9ms);
    this->take(b, 10ms);
    this->take(b, 10ms);
    EXPECT_EQ(b.state(), breaker_state::closed);
    this->take(b, 10ms);
    EXPECT_EQ(b.state(), breaker_state::open);
}

TYPED_TEST(WatchedBreaker, WithoutASlidingWindowSlowCallsCountByTheInterval) {
    TypeParam b{{.interval = 100ms,
                 .ready_to_trip = never_trips,
                 .slow_call = 10ms,
                 .slow_call_ratio = 0.5,
                 .slow_call_min_requests = 4}};
    for (int i = 0; i != 3; ++i) this->take(b, 10ms);
    manual_clock::advance(70ms);
    EXPECT_EQ(b.counts(), breaker_counts{});
    for (int i = 0; i != 3; ++i) this->take(b, 10ms);
    EXPECT_EQ(b.state(), breaker_state::closed);
    EXPECT_EQ(b.counts().total_successes, 3U);
    this->take(b, 10ms);
    EXPECT_EQ(b.state(), breaker_state::open);
    TypeParam endless{{.interval = 0ns, .slow_call = 10ms, .slow_call_min_requests = 3}};
    for (int i = 0; i != 2; ++i) this->take(endless, 1000h);
    EXPECT_EQ(endless.counts().requests, 2U);
    this->take(endless, 1000h);
    EXPECT_EQ(endless.state(), breaker_state::open);
}

TYPED_TEST(WatchedBreaker, ASlowProbeReopens) {
    TypeParam b{{.timeout = 1ms, .slow_call = 10ms}};
    b.trip();
    manual_clock::advance(1ms);
    this->take(b, 10ms);
    EXPECT_EQ(b.state(), breaker_state::open);
    EXPECT_EQ(b.generation(), 4U);
    manual_clock::advance(1ms);
    EXPECT_TRUE(this->take(b, 10ms - 1ns));
    EXPECT_EQ(b.state(), breaker_state::closed);
}

TYPED_TEST(WatchedBreaker, APolicyThatThrowsLosesNothing) {
    const auto throws = [](const breaker_counts& c) -> bool {
        if (c.total_failures == 1) throw std::runtime_error("policy");
        return true;
    };
    TypeParam b{{.ready_to_trip = throws, .window = last_calls(5)}};
    EXPECT_THROW(b.try_acquire()->failure(), std::runtime_error);
    EXPECT_EQ(b.counts().total_failures, 1U);
    EXPECT_EQ(b.state(), breaker_state::closed);
    EXPECT_THROW(b.execute([]() -> int { throw 1; }), int);
    EXPECT_EQ(b.state(), breaker_state::open);
}

TYPED_TEST(WatchedBreaker, AfterHalfOpenAGrowingShareIsLetThrough) {
    TypeParam b{{.timeout = 1ms, .ramp = 100s, .ramp_from = 0.1}};
    EXPECT_EQ(this->admitted(b, 100), 100);  // not after construction
    this->recover(b, 1ms);
    EXPECT_TRUE(b.try_acquire().has_value());
    EXPECT_NEAR(this->admitted(b, 1000), 100, 1);
    EXPECT_EQ(b.state(), breaker_state::closed);
    manual_clock::advance(50s);
    EXPECT_NEAR(this->admitted(b, 1000), 550, 1);
    manual_clock::advance(50s - 1ns);
    EXPECT_NEAR(this->admitted(b, 1000), 1000, 1);
    manual_clock::advance(1ns);
    EXPECT_EQ(this->admitted(b, 1000), 1000);
}

TYPED_TEST(WatchedBreaker, NoRampAfterResetAndNoneWhileDisabled) {
    TypeParam b{{.timeout = 1ms, .ramp = 100s, .ramp_from = 0.01}};
    this->recover(b, 1ms);
    EXPECT_LT(this->admitted(b, 10), 10);
    b.reset();
    EXPECT_EQ(this->admitted(b, 10), 10);
    b.trip();
    b.reset();
    EXPECT_EQ(this->admitted(b, 10), 10);
    this->recover(b, 1ms);
    EXPECT_LT(this->admitted(b, 10), 10);
    b.disable();
    EXPECT_EQ(this->admitted(b, 10), 10);
    EXPECT_EQ(b.counts(), breaker_counts{});
    b.trip();
    b.force_open();
    manual_clock::advance(1h);
    EXPECT_EQ(b.try_acquire().error(), errc::circuit_open);
}

TYPED_TEST(WatchedBreaker, ARefusalOfTheRampChangesNothing) {
    TypeParam b{{.timeout = 1ms, .window = last_calls(5), .ramp = 100s, .ramp_from = 0.001}};
    this->recover(b, 1ms);
    this->succeed(b);
    const auto before = b.snapshot();
    for (int i = 0; i != 100; ++i) EXPECT_EQ(b.try_acquire().error(), errc::circuit_ramping);
    EXPECT_EQ(b.snapshot(), before);
}

TYPED_TEST(WatchedBreaker, RefusesWhatMakesNoSense) {
    constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
    const auto refused = [](const circuit_breaker_config& config) -> std::string {
        try {
            const TypeParam b{config};
        } catch (const std::invalid_argument& e) {
            const std::string text = e.what();
            const std::string head = "bulwark: circuit_breaker_config: ";
            EXPECT_EQ(text.substr(0, head.size()), head);
            return text.substr(head.size(), text.find(' ', head.size()) - head.size());
        }
        return "";
    };
    for (const std::uint32_t n : {0U, 1001U}) EXPECT_EQ(refused({.window = last_calls(n)}), "window");
    for (const std::uint32_t n : {0U, 101U}) EXPECT_EQ(refused({.window = last_time(1h, n)}), "window");
    EXPECT_EQ(refused({.window = last_time(9ns, 10)}), "window");
    EXPECT_EQ(refused({.window = last_time(-1ns, 1)}), "window");
    EXPECT_EQ(refused({.slow_call = -1ns}), "slow_call");
    for (const double r : {0.0, -0.1, 1.1, not_a_number}) {
        EXPECT_EQ(refused({.slow_call_ratio = r}), "slow_call_ratio");
        EXPECT_EQ(refused({.ramp_from = r}), "ramp_from");
    }
    EXPECT_EQ(refused({.ramp = -1ns}), "ramp");
    const auto one = bulwark::consecutive_failures(1);
    EXPECT_EQ(refused({.ready_to_trip = one, .window = last_calls(4), .slow_call = 1ns}), "slow_call_min_requests");
    EXPECT_EQ(refused({.ready_to_trip = one, .window = last_calls(4)}), "");
    EXPECT_EQ(refused({.window = last_calls(4)}), "ready_to_trip") << "which needs five";
    EXPECT_EQ(refused({.window = last_calls(5)}), "");
    EXPECT_EQ(refused({.ready_to_trip = bulwark::consecutive_failures(5), .window = last_calls(4)}), "ready_to_trip");
    EXPECT_EQ(refused({.count_successes = false, .window = last_calls(5)}), "") << "it counts as ever";
    EXPECT_EQ(refused({.ready_to_trip = one,
                       .window = last_calls(1),
                       .slow_call = std::chrono::nanoseconds::max(),
                       .slow_call_min_requests = 1}),
              "");
    EXPECT_EQ(refused({.window = last_calls(1000), .ramp = std::chrono::nanoseconds::max()}), "");
    EXPECT_EQ(refused({.window = last_time(std::chrono::nanoseconds::max(), 100)}), "");
    EXPECT_EQ(refused({.window = last_time(10ns, 10), .slow_call_ratio = 1, .ramp_from = 1}), "");
}

struct setup {
    std::string name;
    circuit_breaker_config config;
};

/// Trips on everything that the counts hold, so that a difference in any of them shows as a different state.
bool touchy(const breaker_counts& c) {
    return (c.requests * 3 + c.total_successes * 5 + c.total_failures * 7 + c.consecutive_failures * 13) % 17 == 0;
}

std::vector<setup> setups() {
    const circuit_breaker_config quick{.max_requests = 2, .timeout = 9ns, .probe_timeout = 12ns};
    std::vector<setup> all;
    const auto add = [&](const char* name, const auto& change) {
        circuit_breaker_config c = quick;
        change(c);
        all.push_back({name, std::move(c)});
    };
    add("one call", [](auto& c) { c.window = last_calls(1), c.ready_to_trip = bulwark::failure_ratio(1, 1); });
    add("seven calls, touchy", [](auto& c) { c.window = last_calls(7), c.ready_to_trip = touchy; });
    add("thirty calls", [](auto& c) { c.window = last_calls(30), c.ready_to_trip = bulwark::failure_ratio(0.8, 20); });
    add("a slice of one ns", [](auto& c) { c.window = last_time(1ns, 1); });
    add("three slices, touchy", [](auto& c) { c.window = last_time(31ns, 3), c.ready_to_trip = touchy; });
    add("ten slices",
        [](auto& c) { c.window = last_time(1000ns, 10), c.ready_to_trip = bulwark::failure_ratio(0.8, 20); });
    add("a row", [](auto& c) { c.window = last_time(60ns, 4), c.ready_to_trip = bulwark::consecutive_failures(5); });
    add("slow calls",
        [](auto& c) { c.interval = 50ns, c.slow_call = 10ns, c.slow_call_ratio = 0.6, c.slow_call_min_requests = 3; });
    add("slow calls, endless", [](auto& c) {
        c.interval = 0ns, c.slow_call = 20ns, c.slow_call_ratio = 0.3, c.slow_call_min_requests = 10;
        c.ready_to_trip = bulwark::failure_ratio(0.9, 30);
    });
    add("slow calls of the last twelve", [](auto& c) {
        c.window = last_calls(12), c.slow_call = 15ns, c.slow_call_ratio = 0.5, c.ready_to_trip = touchy;
    });
    add("slow calls of five slices, and a ramp",
        [](auto& c) { c.window = last_time(100ns, 5), c.slow_call = 15ns, c.slow_call_ratio = 0.5, c.ramp = 90ns; });
    add("ramp", [](auto& c) { c.ramp = 200ns, c.ramp_from = 0.3, c.interval = 40ns; });
    add("hints beside the last seven",
        [](auto& c) { c.window = last_calls(7), c.ready_to_trip = touchy, c.max_hint = 1us; });
    add("hints beside three slices, growing openings, a ramp", [](auto& c) {
        c.window = last_time(310ns, 3), c.ready_to_trip = touchy, c.max_hint = 900ns, c.ramp = 90ns;
        c.timeout_multiplier = 1.5, c.max_timeout = 200ns, c.timeout_jitter = bulwark::jitter::equal, c.seed = 7;
    });
    add("policy throws", [](auto& c) {
        c.window = last_calls(9), c.ready_to_trip = [](const breaker_counts& seen) {
            if (seen.total_failures % 3 == 1) throw std::runtime_error("policy");
            return seen.total_failures > 4;
        };
    });
    return all;
}

/// One implementation under test, its permits in hand and the transitions that it told of.
template <class Breaker>
struct subject {
    std::vector<transition> told;
    Breaker breaker;
    std::vector<typename Breaker::permit> permits;

    explicit subject(circuit_breaker_config config)
        : breaker((config.on_state_change = [this](const transition& t) { told.push_back(t); }, config)) {}

    int acquire() {
        auto permit = breaker.try_acquire();
        if (!permit) return static_cast<int>(permit.error());
        permits.push_back(std::move(*permit));
        return 0;
    }

    int end(std::size_t which, std::uint64_t how) {
        auto permit = std::move(permits[which]);
        permits.erase(permits.begin() + static_cast<std::ptrdiff_t>(which));
        try {
            switch (how) {
                case 0: return permit.success();
                case 1: return permit.failure();
                case 2: return permit.ignore();
                case 5: return permit.failure(std::chrono::nanoseconds(300));
                case 3: throw 1;     // unwinding fails the call
                default: return -1;  // dropped
            }
        } catch (int) {
            return -2;
        } catch (const std::runtime_error&) {
            return -3;
        }
    }

    int order(std::uint64_t which) {
        switch (which) {
            case 0: return breaker.reset();
            case 1: return breaker.trip();
            case 2: return breaker.disable();
            case 3: return breaker.hold_off(std::chrono::nanoseconds(200));
            default: return breaker.force_open();
        }
    }
};

void compare(const setup& s, std::uint64_t seed, int steps) {
    SCOPED_TRACE(s.name + ", seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    manual_clock::reset();
    subject<lock_free> ours(s.config);
    subject<reference> theirs(s.config);
    // Seasons of failure and of success: without them the closed state would hardly ever be long.
    std::uint64_t badness = 5;
    for (int step = 0; step != steps; ++step) {
        int a = 0;
        int b = 0;
        const auto dice = below(1000);
        if (step % 512 == 0) badness = below(9);
        if (dice < 450) {
            a = ours.acquire();
            b = theirs.acquire();
        } else if (dice < 900) {
            if (ours.permits.empty()) continue;
            const std::size_t which = below(ours.permits.size());
            const std::uint64_t how = below(10) == 0 ? 2 + below(4) : below(10) < badness ? 1 : 0;
            a = ours.end(which, how);
            b = theirs.end(which, how);
        } else if (dice < 980) {
            manual_clock::advance(std::chrono::nanoseconds(below(6)));
        } else if (dice < 998) {
            manual_clock::advance(std::chrono::nanoseconds(below(120)));
        } else {
            const auto which = below(5);
            a = ours.order(which);
            b = theirs.order(which);
        }
        ASSERT_EQ(a, b) << "answer of step " << step;
        ASSERT_EQ(ours.breaker.snapshot(), theirs.breaker.snapshot()) << "after step " << step;
        ASSERT_EQ(ours.told.size(), theirs.told.size()) << "after step " << step;
        if (!ours.told.empty()) {
            ASSERT_EQ(ours.told.back(), theirs.told.back()) << "after step " << step;
        }
        if (ours.permits.size() > 20) {  // hung calls end some day
            ASSERT_EQ(ours.end(0, 0), theirs.end(0, 0)) << "step " << step;
        }
    }
}

TEST(WatchedBreakerDifferential, AgreesWithTheReferenceStepByStep) {
    std::uint64_t seed = 20260101;
    for (const setup& s : setups()) {
        for (int round = 0; round != 3; ++round) {
            compare(s, seed++, 15'000);
            if (::testing::Test::HasFatalFailure()) return;
        }
    }
}

}  // namespace
