// The promises that only threads can break, each under its own name: a bounded number of rounds of the stress
// scenarios (stress/*.hpp) on every implementation. ./dev stress and ./dev tsan run the same for as long as asked.
#include "../stress/breaker_scenarios.hpp"
#include "../stress/bulkhead_scenarios.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace bulwark::stress;

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
