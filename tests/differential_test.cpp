// The lock-free breaker against the mutex reference: the same long random sequences of operations and clock steps,
// every answer, state, count and callback compared after each step. Seeds are fixed; a failure names its own.
#include "narrow.hpp"

#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::circuit_breaker_config;
using bulwark::manual_clock;
using bulwark::transition;
using bulwark::detail::layout_widths;
using namespace std::chrono_literals;

constexpr auto never = std::chrono::nanoseconds::max();
constexpr std::uint32_t widest = std::numeric_limits<std::uint32_t>::max();

struct setup {
    std::string name;
    circuit_breaker_config config;
    /// One step in so many is an operator's or a hint's; 0: none is.
    unsigned operated = 0;
};

/// Trips on everything that the counts hold, so that a difference in any of them shows as a different state.
bool touchy(const breaker_counts& c) {
    return (c.requests * 3 + c.total_successes * 5 + c.total_failures * 7 + c.total_ignored * 11 +
            c.consecutive_failures * 13) %
               17 ==
           0;
}

std::vector<setup> setups() {
    std::vector<setup> all;
    all.push_back({"defaults", {}});
    all.push_back({"three probes", {.max_requests = 3, .interval = 40ns, .timeout = 20ns, .probe_timeout = 15ns}});
    all.push_back({"endless window", {.max_requests = 2, .interval = 0ns, .timeout = 7ns, .probe_timeout = 0ns}});
    all.push_back({"no timeout", {.max_requests = 2, .interval = 5ns, .timeout = 0ns, .probe_timeout = 3ns}});
    all.push_back({"one ns", {.max_requests = 1, .interval = 1ns, .timeout = 1ns, .probe_timeout = 1ns}});
    all.push_back({"for ever open", {.max_requests = 1, .interval = never, .timeout = never, .probe_timeout = never}});
    all.push_back({"in a row",
                   {.max_requests = 2,
                    .interval = 60ns,
                    .timeout = 10ns,
                    .probe_timeout = 10ns,
                    .ready_to_trip = bulwark::consecutive_failures(3)}});
    all.push_back(
        {"touchy",
         {.max_requests = 4, .interval = 30ns, .timeout = 9ns, .probe_timeout = 12ns, .ready_to_trip = touchy}});
    all.push_back(
        {"many probes, touchy",
         {.max_requests = 50, .interval = 0ns, .timeout = 2ns, .probe_timeout = 90ns, .ready_to_trip = touchy}});
    all.push_back({"never trips",
                   {.max_requests = 1, .interval = 0ns, .ready_to_trip = [](const breaker_counts&) { return false; }}});
    all.push_back({"policy throws",
                   {.max_requests = 1, .interval = 25ns, .timeout = 5ns, .ready_to_trip = [](const breaker_counts& c) {
                        if (c.total_failures % 3 == 1) throw std::runtime_error("policy");
                        return c.total_failures > 4;
                    }}});
    all.push_back({"operated",
                   {.max_requests = 2, .interval = 60ns, .timeout = 10ns, .probe_timeout = 30ns, .max_hint = 700ns},
                   50});
    all.push_back({"operated, waits longer each time",
                   {.max_requests = 1,
                    .interval = 0ns,
                    .timeout = 8ns,
                    .probe_timeout = 20ns,
                    .ready_to_trip = bulwark::consecutive_failures(2),
                    .timeout_multiplier = 1.5,
                    .max_timeout = 100ns,
                    .timeout_jitter = bulwark::jitter::equal,
                    .seed = 99,
                    .max_hint = never},
                   300});
    all.push_back({"operated, no timeout, full jitter",
                   {.max_requests = 3,
                    .interval = 40ns,
                    .timeout = 0ns,
                    .probe_timeout = 5ns,
                    .timeout_multiplier = 2,
                    .timeout_jitter = bulwark::jitter::full,
                    .seed = 1,
                    .max_hint = 300ns},
                   30});
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

    int end(std::size_t which, unsigned how, std::chrono::nanoseconds hint = 0ns) {
        auto permit = std::move(permits[which]);
        permits.erase(permits.begin() + static_cast<std::ptrdiff_t>(which));
        try {
            switch (how) {
                case 0: return permit.success();
                case 1: return hint == 0ns ? permit.failure() : permit.failure(hint);
                case 2: return permit.ignore();
                case 3: return permit.success() + 2 * permit.failure();
                case 4: throw 1;     // unwinding fails the call
                default: return -1;  // dropped
            }
        } catch (int) {
            return -2;
        } catch (const std::runtime_error&) {
            return -3;
        }
    }

    /// Resets most often, or the breaker would hardly ever be what it is by itself.
    bool operate(unsigned how, std::chrono::nanoseconds hint) {
        switch (how) {
            case 0: return breaker.force_open();
            case 1: return breaker.disable();
            case 2: return breaker.trip();
            case 3:
            case 4: return breaker.hold_off(hint);
            default: return breaker.reset();
        }
    }
};

/// `callers`: how many threads the test plays, each at its slot; a cell less than that, so that the last one counts on
/// the head.
template <class LockFree, class Reference>
void compare(setup s, std::uint64_t seed, int steps, std::uint32_t callers) {
    SCOPED_TRACE(s.name + ", seed " + std::to_string(seed));
    s.config.cells = callers - 1;
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    manual_clock::reset();
    subject<LockFree> ours(s.config);
    subject<Reference> theirs(s.config);
    const std::chrono::nanoseconds spans[] = {s.config.interval, s.config.timeout, s.config.probe_timeout};
    // Seasons of failure and of success: without them the closed state would hardly ever be long.
    std::uint64_t badness = 5;
    for (int step = 0; step != steps; ++step) {
        int a = 0;
        int b = 0;
        const auto dice = below(100);
        const bulwark::test::playing caller(static_cast<std::uint32_t>(below(callers)));
        if (step % 512 == 0) badness = below(11);
        const bool operated = s.operated != 0 && below(s.operated) == 0;
        const auto hint = operated ? std::chrono::nanoseconds(below(1000)) - 50ns : 0ns;
        if (operated && below(2) == 0) {
            const auto how = static_cast<unsigned>(below(8));
            a = ours.operate(how, hint);
            b = theirs.operate(how, hint);
        } else if (dice < 40) {
            a = ours.acquire();
            b = theirs.acquire();
        } else if (dice < 85) {
            if (ours.permits.empty()) continue;
            const std::size_t which = below(ours.permits.size());
            const bool odd = below(10) == 0;
            const unsigned how = odd ? static_cast<unsigned>(2 + below(4)) : below(10) < badness ? 1 : 0;
            a = ours.end(which, how, hint);
            b = theirs.end(which, how, hint);
        } else if (dice < 97) {
            // Now and then a step back, as when two threads use their readings out of order.
            manual_clock::advance(std::chrono::nanoseconds(below(5)) - 1ns);
        } else {
            // To a boundary of the configuration, give or take a tick; not so far that time ends.
            const auto span = spans[below(3)];
            if (span < 1h) manual_clock::advance(std::max(0ns, span + std::chrono::nanoseconds(below(3)) - 1ns));
        }
        ASSERT_EQ(a, b) << "answer of step " << step;
        ASSERT_EQ(ours.breaker.snapshot(), theirs.breaker.snapshot()) << "after step " << step;
        ASSERT_EQ(ours.told.size(), theirs.told.size()) << "after step " << step;
        if (!ours.told.empty()) {
            ASSERT_EQ(ours.told.back(), theirs.told.back()) << "after step " << step;
        }
        if (ours.permits.size() > 40) {  // hung calls end some day
            ASSERT_EQ(ours.end(0, 0), theirs.end(0, 0)) << "step " << step;
        }
    }
}

template <class LockFree, class Reference>
void compare_all(int steps, std::uint32_t callers = 1) {
    std::uint64_t seed = 20260101;
    for (const setup& s : setups()) {
        for (int round = 0; round != 4; ++round) {
            compare<LockFree, Reference>(s, seed++, steps, callers);
            if (::testing::Test::HasFatalFailure()) return;
        }
    }
}

using exact = bulwark::reference::basic_circuit_breaker<manual_clock, widest>;

TEST(Differential, BreakerOfTheDefaultLayout) {
    compare_all<bulwark::test::breaker_of<layout_widths{}>, exact>(100'000);
}

TEST(Differential, BreakerWithTheCellOfItsOneThread) {
    compare_all<bulwark::basic_circuit_breaker<manual_clock>, exact>(50'000, 2);
}

TEST(Differential, BreakerWithCallersInCellsAndOneOnTheHead) {
    compare_all<bulwark::test::breaker_of<layout_widths{}>, exact>(50'000, 4);
}

TEST(Differential, BreakerWithCallersInCellsWhereNearlyEveryCallOnTheHeadIsAMove) {
    compare_all<bulwark::test::breaker_of<bulwark::test::one_bit>, exact>(50'000, 4);
}

TEST(Differential, BreakerOfANarrowLayoutAcrossEveryCarryAndWrap) {
    using bulwark::test::narrow;
    compare_all<bulwark::test::breaker_of<narrow>,
                bulwark::reference::basic_circuit_breaker<manual_clock, narrow.max_count>>(100'000);
}

TEST(Differential, BreakerOfTheNarrowestLayoutAcrossEveryCarryAndWrap) {
    using bulwark::test::narrowest;
    compare_all<bulwark::test::breaker_of<narrowest>,
                bulwark::reference::basic_circuit_breaker<manual_clock, narrowest.max_count>>(100'000);
}

TEST(Differential, BreakerOfShortRows) {
    using bulwark::test::short_rows;
    compare_all<bulwark::test::breaker_of<short_rows>,
                bulwark::reference::basic_circuit_breaker<manual_clock, short_rows.max_count>>(100'000);
}

/// Permits of the lock-free counter, as test threads at their slots take and give them, and those of the reference.
class bulkhead_duel {
public:
    bulkhead_duel(std::uint32_t capacity, std::uint32_t stripes) : ours_(capacity, stripes), theirs_({capacity}) {}

    void step(std::mt19937_64& random) {
        const bulwark::test::playing caller(static_cast<std::uint32_t>(random() % 5));
        if (random() % 2 == 0) {
            auto slot = theirs_.try_acquire();
            ASSERT_EQ(ours_.try_take(), slot.has_value());
            if (slot) taken_.push_back(std::move(*slot));
        } else if (!taken_.empty()) {
            ours_.give_back();
            taken_.erase(taken_.begin() + static_cast<std::ptrdiff_t>(random() % taken_.size()));
        }
        ASSERT_EQ(ours_.available(), theirs_.available());
    }

private:
    bulwark::detail::permit_counter<bulwark::test::traits_of<layout_widths{}>> ours_;
    bulwark::reference::bulkhead theirs_;
    std::vector<bulwark::reference::slot> taken_;
};

TEST(Differential, Bulkhead) {
    for (const std::uint32_t stripes : {1U, 2U, 4U, 64U}) {
        for (const std::uint32_t capacity : {stripes, stripes + 1, 2 * stripes - 1, 7 * stripes + 3}) {
            SCOPED_TRACE(std::to_string(capacity) + " permits in " + std::to_string(stripes) + " stripes");
            std::mt19937_64 random(capacity);
            bulkhead_duel duel(capacity, stripes);
            for (int step = 0; step != 20'000 && !::testing::Test::HasFatalFailure(); ++step) duel.step(random);
        }
    }
}

}  // namespace
