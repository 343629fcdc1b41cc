// The promises that only threads can break, each under its own name: a bounded number of rounds of the stress
// scenarios (stress/*.hpp) on every implementation. ./dev stress and ./dev tsan run the same for as long as asked.
#include "../checks/clock.hpp"
#include "../stress/breaker_scenarios.hpp"
#include "../stress/bulkhead_scenarios.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

namespace {

using namespace bulwark::stress;
using namespace std::chrono_literals;

template <template <class> class Scenario, class Impl>
void holds(std::uint64_t rounds) {
    for (const unsigned threads : {2U, 5U}) {
        run r({.threads = threads, .seed = 42 + threads, .rounds = rounds});
        repeat<Scenario<Impl>>(r);
        EXPECT_EQ(r.failure(), "") << Impl::name << ", " << threads << " threads";
        EXPECT_EQ(r.rounds(), rounds);
    }
}

template <template <class> class Scenario>
void holds_everywhere(std::uint64_t rounds) {
    holds<Scenario, lock_free>(rounds);
    holds<Scenario, lock_free_thin>(rounds);
    holds<Scenario, mutex_reference>(rounds);
}

TEST(Concurrency, ATripIsNeverEarlyAndNeverLate) {
    holds_everywhere<trip_at_the_threshold>(2000);
}
TEST(Concurrency, HalfOpenNeverAdmitsOneProbeTooMany) {
    holds_everywhere<probe_limit>(2000);
}
TEST(Concurrency, NoStaleResultEverCounts) {
    holds_everywhere<stale_results>(2000);
}
TEST(Concurrency, ALostOrHungProbeNeverWedgesTheBreaker) {
    holds_everywhere<hung_probes>(1000);
}
TEST(Concurrency, EveryCallIsCountedOnce) {
    holds_everywhere<counts_add_up>(200);
}
TEST(Concurrency, ExactlyOneCallbackATransitionWhateverHappensAtOnce) {
    holds_everywhere<everything_at_once>(500);
}
TEST(Concurrency, TheBulkheadIsNeverOverCapacityAndLosesNoPermit) {
    holds_everywhere<permits_are_conserved>(200);
}
TEST(Concurrency, TheBulkheadRefusesOnlyWhenFull) {
    holds_everywhere<refused_only_when_full>(200);
}

// Interleavings that once went wrong, played by one thread: what another thread would do in between is done from
// within the clock, or from within the policy.

struct interrupting_clock : bulwark::checks::nanosecond_clock<interrupting_clock> {
    static inline duration time{0};
    static inline std::function<void()> interruption;
    static time_point now() {
        const time_point read(time);
        if (const auto once = std::exchange(interruption, nullptr)) once();
        return read;
    }
};

TEST(Interleaving, ACallerWhoLostARaceReadsTheClockAgain) {
    interrupting_clock::time = 0ns;
    bulwark::basic_circuit_breaker<interrupting_clock> b{{.max_requests = 2,
                                                          .interval = 0ns,
                                                          .timeout = 0ns,
                                                          .probe_timeout = 10ns,
                                                          .ready_to_trip = bulwark::consecutive_failures(1),
                                                          .cells = 0}};  // a cell would be interrupted at its own look
    b.try_acquire()->failure();
    EXPECT_TRUE(b.try_acquire()->success());  // half-open since 0: one success, nobody under way
    interrupting_clock::time = 9ns;
    std::optional<decltype(b)::permit> other;
    interrupting_clock::interruption = [&] {
        interrupting_clock::time = 10ns;
        other.emplace(b.try_acquire().value());  // the last place
    };
    // At 9 there was a place. Whoever comes after the other caller, at 10, finds a silent probe at its time-out.
    EXPECT_TRUE(b.try_acquire());
    EXPECT_EQ(b.generation(), 4U);
    EXPECT_FALSE(other->success()) << "its generation is over";
}

TEST(Interleaving, AFailureThatBecameStaleWhileThePolicyWasAskedDoesNotThrow) {
    std::function<void()> meanwhile;
    bulwark::circuit_breaker b{{.ready_to_trip = [&](const bulwark::breaker_counts& c) {
        if (const auto once = std::exchange(meanwhile, nullptr)) {
            once();
            throw std::runtime_error("policy");
        }
        return c.total_failures >= 2;
    }}};
    auto p = b.try_acquire();
    auto q = b.try_acquire();
    auto r = b.try_acquire();
    meanwhile = [&] {
        q->failure();
        r->failure();  // trips
    };
    EXPECT_FALSE(p->failure());
    EXPECT_EQ(b.state(), bulwark::breaker_state::open);
    EXPECT_EQ(b.counts(), bulwark::breaker_counts{});
}

/// A scenario with a planted mistake: checks that a run notices.
template <class Impl>
struct planted_mistake {
    run& run_;
    explicit planted_mistake(run& r) : run_(r) {}
    void act(unsigned thread, random_source&) { run_.check(thread != 1, "planted", thread); }
    void finish() {}
};

TEST(Concurrency, ARunThatFailsSaysSoAndStops) {
    run r({.threads = 2, .rounds = 100});
    repeat<planted_mistake<lock_free>>(r);
    EXPECT_EQ(r.failure(), "planted 1");
    EXPECT_EQ(r.rounds(), 1U);
}

}  // namespace
