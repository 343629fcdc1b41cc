// Metrics: what each type shows of itself, the registry, and the text for Prometheus.
#include "until.hpp"

#include <bulwark/bulwark.hpp>
#include <bulwark/call_meter.hpp>
#include <bulwark/compartments.hpp>
#include <bulwark/hedge.hpp>
#include <bulwark/metrics.hpp>
#include <bulwark/prometheus_text.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>
#include <bulwark/thread_pool_bulkhead.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace bulwark;
using namespace std::chrono_literals;

/// The value of a sample as the text has it, "-" where there is none.
std::string value_of(const metrics& watched, std::string_view sample) {
    const std::string page = '\n' + to_prometheus_text(watched.collect());
    const std::string line = '\n' + std::string(sample) + ' ';
    const std::size_t at = page.find(line);
    if (at == std::string::npos) return "-";
    const std::size_t begin = at + line.size();
    return page.substr(begin, page.find('\n', begin) - begin);
}

template <class Breaker>
class BreakerMetrics : public testing::Test {};
using Breakers = testing::Types<basic_circuit_breaker<manual_clock>, reference::basic_circuit_breaker<manual_clock>>;
TYPED_TEST_SUITE(BreakerMetrics, Breakers, );

TYPED_TEST(BreakerMetrics, ShowStateCountsAndTransitions) {
    manual_clock::reset();
    TypeParam breaker{{.timeout = 5s, .ready_to_trip = consecutive_failures(2)}};
    metrics all;
    const auto watch = all.watch("orders", breaker);

    breaker.try_acquire()->success();
    breaker.try_acquire()->failure();
    breaker.try_acquire()->ignore();
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_state{name="orders",state="closed"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_window_requests{name="orders"})"), "3");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_window_outcomes{name="orders",outcome="success"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_window_outcomes{name="orders",outcome="failure"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_window_outcomes{name="orders",outcome="ignored"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_consecutive_failures{name="orders"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_transitions_total{name="orders"})"), "0");

    breaker.try_acquire()->failure();
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_state{name="orders",state="closed"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_state{name="orders",state="open"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_transitions_total{name="orders"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_retry_after_seconds{name="orders"})"), "5");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_manual{name="orders"})"), "0");

    breaker.force_open();
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_retry_after_seconds{name="orders"})"), "+Inf");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_manual{name="orders"})"), "1");
}

template <class Bulkhead>
class BulkheadMetrics : public testing::Test {};
using Bulkheads = testing::Types<bulkhead, reference::bulkhead>;
TYPED_TEST_SUITE(BulkheadMetrics, Bulkheads, );

TYPED_TEST(BulkheadMetrics, ShowPermitsAndHowRequestsEnded) {
    TypeParam pool{{.max_concurrent = 2, .wait_histogram = true}};
    metrics all;
    const auto watch = all.watch("orders", pool);

    auto held = pool.try_acquire(2);
    ASSERT_TRUE(held);
    EXPECT_FALSE(pool.try_acquire());
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_wait_seconds_count{name="orders"})"), "0");
    {
        std::jthread waiter([&](const std::stop_token& stop) { EXPECT_FALSE(pool.acquire(stop)); });
        EXPECT_TRUE(test::until([&] { return pool.waiting() == 1; }));
    }
    EXPECT_FALSE(pool.try_acquire_for(0s));
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_capacity{name="orders"})"), "2");
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_in_use{name="orders"})"), "2");
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_waiting{name="orders"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_requests_total{name="orders",outcome="admitted"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_requests_total{name="orders",outcome="refused"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_requests_total{name="orders",outcome="timed_out"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_requests_total{name="orders",outcome="stopped"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_wait_seconds_count{name="orders"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_wait_seconds_bucket{name="orders",le="+Inf"})"), "1");
}

TEST(Metrics, AHistogramSortsWaitsIntoItsBuckets) {
    bulkhead_snapshot seen;
    seen.waits[0] = 1;    // under 2 ns
    seen.waits[9] = 2;    // to 1.024 us
    seen.waits[10] = 4;   // to 2.048 us
    seen.waits[34] = 8;   // to 34.36 s
    seen.waits[40] = 16;  // longer
    seen.total_wait = 7s;
    seen.has_waits = true;
    metric_writer to;
    describe(to, {{"name", "a"}}, seen);
    const auto families = to.take();
    const auto found = std::ranges::find(families, "bulwark_bulkhead_wait_seconds", &metric_family::name);
    ASSERT_NE(found, families.end());
    ASSERT_EQ(found->type, metric_type::histogram);
    const metric_sample& sample = found->samples.at(0);
    EXPECT_EQ(sample.count, 31U);
    EXPECT_EQ(sample.value, 7.0);
    ASSERT_EQ(sample.buckets.size(), 26U);
    EXPECT_DOUBLE_EQ(sample.buckets.front().upper_bound, 1.024e-6);
    EXPECT_EQ(sample.buckets.front().cumulative_count, 3U);
    EXPECT_EQ(sample.buckets[1].cumulative_count, 7U);
    EXPECT_DOUBLE_EQ(sample.buckets.back().upper_bound, 34.359738368);
    EXPECT_EQ(sample.buckets.back().cumulative_count, 15U);
}

TEST(Metrics, EveryTypeShowsSomething) {
    memory_bulkhead bytes{{.max_bytes = std::uint64_t{1} << 40U}};
    thread_pool_bulkhead workers{{.threads = 1, .max_queued = 3}};
    rate_limiter limiter{{.permits = 10, .burst = 5}};
    retry_budget budget{{.percent = 20, .max_saved = 50, .initial = 50}};
    retry again{{.budget = &budget}};
    adaptive_limit limit;
    timeout in_time{1s};
    hedge second({.delay = 1h}, workers);

    metrics all;
    std::vector<metric_watch> watches;
    const auto watch = [&](const char* name, const auto& object) { watches.push_back(all.watch(name, object)); };
    watch("bytes", bytes);
    watch("workers", workers);
    watch("limiter", limiter);
    watch("budget", budget);
    watch("again", again);
    watch("limit", limit);
    watch("in_time", in_time);
    watch("second", second);

    const auto held = bytes.try_acquire(1U << 20U);
    ASSERT_TRUE(limiter.try_acquire());
    EXPECT_EQ(value_of(all, R"(bulwark_memory_bulkhead_capacity_bytes{name="bytes"})"), "1099511627776");
    EXPECT_EQ(value_of(all, R"(bulwark_memory_bulkhead_in_use_bytes{name="bytes"})"), "1048576");
    EXPECT_EQ(value_of(all, R"(bulwark_thread_pool_threads{name="workers"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_rate_limiter_burst{name="limiter"})"), "5");
    EXPECT_EQ(value_of(all, R"(bulwark_retry_budget_balance{name="budget"})"), "50");
    EXPECT_EQ(value_of(all, R"(bulwark_retry_retries_total{name="again"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_adaptive_limit_in_use{name="limit"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_late_results_total{name="in_time"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_hedge_attempts_total{name="second"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_left_calls_under_way{name="second"})"), "0");
}

TEST(Metrics, TheTransitionsOfABreakerNeverFall) {
    manual_clock::reset();
    basic_circuit_breaker<manual_clock> breaker{{.timeout = 1s, .max_hint = 60s}};
    metrics all;
    const auto watch = all.watch("a", breaker);
    const auto transitions = [&] { return value_of(all, R"(bulwark_circuit_breaker_transitions_total{name="a"})"); };
    breaker.trip();
    EXPECT_EQ(transitions(), "1");
    // Due for its probe, it shows the generation to come; held off then, the one that it is in.
    manual_clock::advance(1s);
    EXPECT_EQ(transitions(), "2");
    ASSERT_TRUE(breaker.hold_off(5s));
    ASSERT_EQ(breaker.generation(), 2U);
    EXPECT_EQ(transitions(), "2");
    manual_clock::advance(5s);
    breaker.try_acquire()->success();
    EXPECT_EQ(transitions(), "3");
}

TEST(Metrics, ABulkheadOfCallsAndOneOfBytesMayShareAName) {
    bulkhead calls{{.max_concurrent = 1}};
    memory_bulkhead bytes{{.max_bytes = 10}};
    metrics all;
    const auto a = all.watch("orders", calls);
    const auto b = all.watch("orders", bytes);
    (void)bytes.try_acquire(3);
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_requests_total{name="orders",outcome="admitted"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_memory_bulkhead_requests_total{name="orders",outcome="admitted"})"), "1");
}

TEST(Metrics, AMeterCountsCallsByWhatBecameOfThem) {
    manual_clock::reset();
    basic_call_meter<manual_clock> meter;
    basic_circuit_breaker<manual_clock> breaker{{.ready_to_trip = consecutive_failures(2)}};
    pipeline call{meter, breaker};
    metrics all;
    const auto watch = all.watch("orders", meter);
    EXPECT_TRUE(call.execute([] {
        manual_clock::advance(2us);
        return 1;
    }));
    (void)call.execute([] { return std::optional<int>(); });
    EXPECT_THROW((void)call.execute([]() -> int { throw std::runtime_error("down"); }), std::runtime_error);
    EXPECT_EQ(call.execute([] { return 1; }).error(), errc::circuit_open);
    EXPECT_EQ(value_of(all, R"(bulwark_calls_total{name="orders",outcome="success"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_calls_total{name="orders",outcome="failure"})"), "2");
    EXPECT_EQ(value_of(all, R"(bulwark_calls_total{name="orders",outcome="ignored"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_calls_refused_total{name="orders",reason="circuit_open"})"), "1");
    EXPECT_EQ(value_of(all, R"(bulwark_calls_refused_total{name="orders",reason="bulkhead_full"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_call_duration_seconds_count{name="orders"})"), "3");
    EXPECT_EQ(value_of(all, R"(bulwark_call_duration_seconds_sum{name="orders"})"), "2e-06");

    const call_meter untimed{{.times = false}};
    const auto other = all.watch("users", untimed);
    EXPECT_EQ(value_of(all, R"(bulwark_calls_total{name="users",outcome="success"})"), "0");
    EXPECT_EQ(value_of(all, R"(bulwark_call_duration_seconds_count{name="users"})"), "-");
}

TEST(Metrics, WhatIsNoUtf8InALabelIsReplaced) {
    const auto shown = [](std::string_view name) {
        metric_writer to;
        to.gauge("a", "", {{"name", std::string(name)}}, 1);
        return to.take().at(0).samples.at(0).labels.at(0).value;
    };
    EXPECT_EQ(shown("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    EXPECT_EQ(shown("caf\xff"), "caf\xef\xbf\xbd");
    EXPECT_EQ(shown("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");                  // overlong
    EXPECT_EQ(shown("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
    EXPECT_EQ(shown("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");                  // cut off
}

TEST(Metrics, CompartmentsAreShownUnderTheirNamesAlsoThoseThatComeLater) {
    compartments services{{.defaults = {.bulkhead = {.max_concurrent = 20}}}};
    metrics all;
    const auto watch = all.watch(services);
    (void)services["orders"];
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_capacity{name="orders"})"), "20");
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_capacity{name="users"})"), "-");
    (void)services["users"];
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_capacity{name="users"})"), "20");
    EXPECT_EQ(value_of(all, R"(bulwark_circuit_breaker_state{name="users",state="closed"})"), "1");
}

TEST(Metrics, AWatchEndsWithItsObjectAndMayOutliveTheRegistry) {
    const bulkhead pool{{.max_concurrent = 2}};
    auto all = std::make_unique<metrics>();
    metric_watch kept;
    {
        const auto watch = all->watch("short", pool);
        kept = all->watch("long", pool);
        EXPECT_EQ(value_of(*all, R"(bulwark_bulkhead_capacity{name="short"})"), "2");
    }
    EXPECT_EQ(value_of(*all, R"(bulwark_bulkhead_capacity{name="short"})"), "-");
    EXPECT_EQ(value_of(*all, R"(bulwark_bulkhead_capacity{name="long"})"), "2");
    metric_watch moved = std::move(kept);
    moved = metric_watch();
    EXPECT_TRUE(all->collect().empty());
    kept = all->watch("again", pool);
    all.reset();
    kept.end();
    kept.end();
}

/// A watch ends while others scrape: nothing is looked at after its end.
TEST(Metrics, WatchesComeAndGoWhileOthersScrape) {
    metrics all;
    std::atomic<bool> over{false};
    std::jthread scraper([&] {
        while (!over) (void)all.collect();
    });
    for (int i = 0; i != 200; ++i) {
        auto pool = std::make_unique<bulkhead>(bulkhead_config{.max_concurrent = 2});
        auto watch = all.watch("brief", *pool);
        watch.end();
        pool.reset();
    }
    over = true;
}

TEST(Metrics, OfTwoUnderOneNameTheFirstIsKept) {
    const bulkhead first{{.max_concurrent = 1}};
    const bulkhead second{{.max_concurrent = 2}};
    metrics all;
    const auto a = all.watch("orders", first);
    const auto b = all.watch("orders", second);
    EXPECT_EQ(value_of(all, R"(bulwark_bulkhead_capacity{name="orders"})"), "1");
    const auto families = all.collect();
    EXPECT_EQ(families.at(0).samples.size(), 1U);
}

TEST(Metrics, WhatMakesNoSenseIsNamed) {
    metric_writer to;
    const auto message = [&](auto call) -> std::string {
        try {
            call();
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
        return "nothing thrown";
    };
    EXPECT_EQ(message([&] { to.gauge("a-b", "", {}, 1); }),
              "bulwark: metric 'a-b' must be of letters, digits and _, and not begin with a digit");
    EXPECT_EQ(message([&] { to.gauge("a", "", {{"1st", "x"}}, 1); }),
              "bulwark: label '1st' must be of letters, digits and _, and not begin with a digit");
    to.gauge("a", "", {}, 1);
    EXPECT_EQ(message([&] { to.counter("a", "", {}, 1); }), "bulwark: metric 'a' has two types");
}

TEST(PrometheusText, EscapesAndNumbers) {
    const std::vector<metric_family> families = {
        {.name = "a",
         .help = "a \\ and a\nline, \"quoted\"",
         .type = metric_type::gauge,
         .samples = {{.labels = {{"name", "say \"\\\"\n"}}, .value = 0.1, .count = 0, .buckets = {}},
                     {.labels = {}, .value = -std::numeric_limits<double>::infinity(), .count = 0, .buckets = {}},
                     {.labels = {{"x", "1"}, {"y", ""}},
                      .value = std::numeric_limits<double>::quiet_NaN(),
                      .count = 0,
                      .buckets = {}}}},
        {.name = "b",
         .help = "",
         .type = metric_type::histogram,
         .samples = {{.labels = {{"n", "m"}}, .value = 1.5, .count = 3, .buckets = {{0.5, 1}, {2, 2}}}}}};
    EXPECT_EQ(to_prometheus_text(families),
              "# HELP a a \\\\ and a\\nline, \"quoted\"\n"
              "# TYPE a gauge\n"
              "a{name=\"say \\\"\\\\\\\"\\n\"} 0.1\n"
              "a -Inf\n"
              "a{x=\"1\",y=\"\"} NaN\n"
              "# HELP b \n"
              "# TYPE b histogram\n"
              "b_bucket{n=\"m\",le=\"0.5\"} 1\n"
              "b_bucket{n=\"m\",le=\"2\"} 2\n"
              "b_bucket{n=\"m\",le=\"+Inf\"} 3\n"
              "b_sum{n=\"m\"} 1.5\n"
              "b_count{n=\"m\"} 3\n");
    EXPECT_EQ(to_prometheus_text({}), "");
}

}  // namespace
