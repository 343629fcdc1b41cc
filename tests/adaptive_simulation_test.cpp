// The adaptive limit in front of a server, simulated in virtual time (checks/queueing_server.hpp): where it settles,
// how it follows steps in the server's capacity, and what has gone wrong with such limits elsewhere. Seeds are fixed,
// so each run is the same; the factors asserted are what the header promises of the algorithm, not what was measured.
#include "../checks/queueing_server.hpp"

#include <bulwark/adaptive_limit.hpp>
#include <bulwark/clock.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

namespace {

using bulwark::aimd;
using bulwark::gradient;
using bulwark::manual_clock;
using bulwark::checks::queueing_server;
using bulwark::checks::server_plan;
using bulwark::checks::server_tally;
using namespace std::chrono_literals;

template <class Algorithm>
using limit_by = bulwark::basic_adaptive_limit<Algorithm, manual_clock>;

/// A limit in front of a server.
template <class Algorithm>
struct setting {
    using config = bulwark::adaptive_limit_config<Algorithm>;

    setting(const config& wanted, const server_plan& plan)
        : limit((manual_clock::reset(), wanted)), server(limit, plan) {}

    limit_by<Algorithm> limit;
    queueing_server<limit_by<Algorithm>> server;

    /// What happens in half a minute, after it had time to settle.
    server_tally later(std::chrono::nanoseconds settling = 40s) {
        server.run(settling);
        return server.run(30s);
    }
    /// Calls that the server can do in a second, or that come.
    double possible() const {
        const server_plan& p = server.plan;
        const double mean = std::chrono::duration<double>(p.service).count() * (1 + p.slow_share * (p.slow_by - 1));
        return std::min(p.arrivals, p.capacity / mean);
    }
};

/// The limit keeps the server busy, and the queue as short as the algorithm says: a mean limit between the server's
/// capacity and `most`.
template <class Algorithm>
void settles(setting<Algorithm>& s, std::uint32_t capacity, double most) {
    SCOPED_TRACE("capacity " + std::to_string(capacity));
    s.server.plan.capacity = capacity;
    const server_tally seen = s.later();
    const double c = capacity;
    EXPECT_GE(seen.limit, c);
    EXPECT_LE(seen.limit, most);
    EXPECT_GE(seen.throughput(), 0.95 * s.possible());
    // Little's law: no more than the limit is inside.
    const double service_ms = std::chrono::duration<double, std::milli>(s.server.plan.service).count();
    EXPECT_LE(seen.mean_latency_ms(), 1.05 * service_ms * most / c);
    EXPECT_GT(seen.refused, 0U);
}

class Overload : public testing::TestWithParam<server_plan> {};

std::string describe(const testing::TestParamInfo<server_plan>& info) {
    return std::string(info.param.exponential ? "Exponential" : "Fixed") + std::to_string(info.index);
}

/// Steps 20 -> 5 -> 40 -> 20, and a server that takes twice and half as long for a call.
template <class Algorithm, class Most>
void follows(setting<Algorithm>& s, Most most) {
    for (const std::uint32_t capacity : {20U, 5U, 40U, 20U}) settles(s, capacity, most(capacity, 1));
    s.server.plan.service *= 2;
    settles(s, 20, most(20, 2));
    s.server.plan.service /= 4;
    settles(s, 20, most(20, 0.5));
}

TEST_P(Overload, GradientSettlesAndFollowsSteps) {
    setting<gradient> s({}, GetParam());
    // tolerance * c + queue, and a third for what the long-term latency takes up of the queue between two probes.
    follows(s, [](std::uint32_t c, double) { return 1.5 * 4 / 3 * c + 2 * 4; });
}

TEST_P(Overload, AimdSettlesAndFollowsSteps) {
    setting<aimd> s({.algorithm = {.timeout = 40ms}}, GetParam());
    // Up to where latency is the time-out: 40 ms of calls of 10 ms, of 20, of 5.
    follows(s, [](std::uint32_t c, double slower) { return 4 / slower * c * 1.05; });
}

INSTANTIATE_TEST_SUITE_P(AdaptiveLimit, Overload,
                         testing::Values(server_plan{.exponential = true, .arrivals = 6000, .seed = 1},
                                         server_plan{.exponential = false, .arrivals = 4800, .seed = 2}),
                         describe);

template <class Algorithm>
void leaves_in_peace(const bulwark::adaptive_limit_config<Algorithm>& wanted) {
    setting<Algorithm> s(wanted, {.capacity = 100, .arrivals = 1000, .seed = 4});
    const server_tally seen = s.later();
    EXPECT_LE(static_cast<double>(seen.refused), 0.001 * static_cast<double>(seen.offered));
    EXPECT_NEAR(seen.mean_latency_ms(), 10, 0.5);
    // Ten calls are inside, now and then thirty. A limit of more than twice that was not needed: nothing raised it.
    EXPECT_LE(seen.most_limit, 64);
}

TEST(AdaptiveLimitUnderload, NobodyIsRefusedAndTheLimitDoesNotGrow) {
    leaves_in_peace<gradient>({});
    leaves_in_peace<aimd>({});
}

/// Netflix concurrency-limits, pull requests 88, 92, 134; Envoy, pull request 11579: the long-term latency takes up the
/// queue that the limit itself permits, and the limit grows without end.
TEST(AdaptiveLimitDefects, TheLimitDoesNotDriftUnderLoad) {
    const server_plan plan{.arrivals = 4000, .seed = 5};
    setting<gradient> sound({}, plan);
    EXPECT_LE(sound.later(100s).most_limit, 60);
    setting<gradient> drifting({.algorithm = {.probe_every = 0}}, plan);
    EXPECT_GE(drifting.later(100s).limit, 90);  // so the simulation shows the defect
    setting<gradient> quick({.window = 5ms}, plan);
    EXPECT_LE(quick.later(60s).most_limit, 70);  // hundreds of probes, in each of which calls from before come back
}

/// Netflix concurrency-limits, issue 137: every call takes as long as the time-out, and latency is all that is looked
/// at.
template <class Algorithm>
void backs_off_and_recovers() {
    setting<Algorithm> s({}, {.arrivals = 3000, .patience = 100ms, .seed = 6});
    EXPECT_GE(s.later().throughput(), 0.9 * s.possible());
    s.server.plan.service = 10s;  // it hangs: calls are given up after 100 ms, and told to be failures 10 s later
    s.server.run(300s);
    EXPECT_LE(s.limit.limit(), 4U);
    s.server.plan.service = 10ms;
    const server_tally again = s.later(120s);
    EXPECT_GE(again.throughput(), 0.9 * s.possible());
    EXPECT_GE(again.limit, 20);
}

TEST(AdaptiveLimitDefects, TimeOutsLowerTheLimitAndAreForgottenAfterwards) {
    backs_off_and_recovers<gradient>();
    backs_off_and_recovers<aimd>();
}

/// Netflix concurrency-limits, issue 176; go-concurrency-limits, issue 141; Vector, issue 4082: calls that fail at once
/// look like the fastest service of all, or like nothing.
template <class Algorithm>
void fails_at_once() {
    manual_clock::reset();
    limit_by<Algorithm> limit({.initial = 100});
    for (int i = 0; i != 20'000; ++i) {
        limit.try_acquire()->failure();
        manual_clock::advance(1ms);
    }
    EXPECT_EQ(limit.limit(), 1U);
}

TEST(AdaptiveLimitDefects, CallsThatFailAtOnceLowerTheLimit) {
    fails_at_once<gradient>();
    fails_at_once<aimd>();
}

/// oumi, pull request 2508: one failure now and then, and the limit never comes back.
template <class Algorithm>
void bears_a_few_failures() {
    setting<Algorithm> s({.initial = 1}, {.arrivals = 3000, .fail_share = 0.002, .seed = 7});
    const server_tally seen = s.later();
    EXPECT_GE(seen.limit, 20);
    EXPECT_GE(seen.throughput(), 0.95 * s.possible());
    EXPECT_GT(seen.failed, 0U);
}

TEST(AdaptiveLimitDefects, AFewFailuresDoNotHoldItDown) {
    bears_a_few_failures<gradient>();
    bears_a_few_failures<aimd>();
}

/// Netflix concurrency-limits, pull requests 42 and 125: rare calls leave windows that are never done, or that one
/// quick call decides.
TEST(AdaptiveLimitDefects, RareCallsNeitherStarveNorDecideIt) {
    setting<gradient> s({}, {.arrivals = 0.5, .seed = 8});
    s.server.run(1h);
    EXPECT_EQ(s.limit.limit(), 20U);
    EXPECT_GT(s.limit.snapshot().long_latency, 5ms);
    s.server.plan.arrivals = 6000;
    EXPECT_GE(s.later().throughput(), 0.95 * s.possible());
}

/// Latencies of two kinds, one 200 times the other: a window too short for the slow kind would make the fast one the
/// measure.
TEST(AdaptiveLimitDefects, TwoKindsOfCallsDoNotConfuseIt) {
    setting<gradient> s(
        {}, {.service = 1ms, .exponential = false, .slow_share = 0.1, .slow_by = 200, .arrivals = 3000, .seed = 9});
    const server_tally seen = s.later();
    EXPECT_GE(seen.throughput(), 0.9 * s.possible());
    EXPECT_LE(seen.limit, 80);
}

/// Slow calls before: a limit that was lowered to its least must measure there anew.
TEST(AdaptiveLimitDefects, AWrongIdeaOfTheServiceIsCorrected) {
    setting<gradient> s({}, {.capacity = 40, .service = 1ms, .arrivals = 200, .seed = 10});
    s.server.run(600s);  // in which it never sees more than a call or two
    s.server.plan.service = 50ms;
    s.server.plan.arrivals = 3000;
    EXPECT_GE(s.later(120s).throughput(), 0.9 * s.possible());
}

}  // namespace
