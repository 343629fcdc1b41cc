// A move that two threads finish at different times: its time must be one that the clock passed meanwhile. The other
// thread gets in at every access of a shared word in turn (preemption.hpp), so the test is exact and repeats.
#include "preemption.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/detail/permit_counter.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace {

using bulwark::manual_clock;
using bulwark::test::before_access;
using namespace std::chrono_literals;
using breaker =
    bulwark::basic_circuit_breaker<manual_clock, bulwark::test::preempted_traits<bulwark::detail::layout_widths{}>>;

constexpr std::chrono::nanoseconds half{std::int64_t{1} << 32};  // a time is published in two halves

TEST(Preemption, TheTimeOfAMoveLiesBetweenTheReadingsOfItsHelpers) {
    constexpr auto timeout = 1h;
    for (const auto step : {1ns, half - 1ns, half, 3 * half, -1ns, -half}) {
        for (int access = 0; access != 60; ++access) {
            SCOPED_TRACE(std::to_string(step.count()) + "ns at access " + std::to_string(access));
            manual_clock::reset();
            breaker b{{.interval = 0ns, .timeout = timeout, .ready_to_trip = bulwark::consecutive_failures(1)}};
            manual_clock::advance(3 * half - 5ns);
            auto p = b.try_acquire();
            const auto before = manual_clock::now();
            int left = access;
            before_access = [&] {
                if (left-- != 0) return false;
                manual_clock::advance(step);
                static_cast<void>(b.try_acquire());
                return false;
            };
            EXPECT_TRUE(p->failure());
            before_access = nullptr;
            const auto after = manual_clock::now();
            ASSERT_EQ(b.state(), bulwark::breaker_state::open);
            // A clock that is behind the opening shows the whole timeout.
            const auto opened = after - (timeout - b.retry_after());
            EXPECT_LE(opened, std::max(before, after));
            EXPECT_GE(opened, std::min(before, after));
        }
    }
}

TEST(Preemption, ABulkheadNeverGivesOnePermitTwice) {
    using traits = bulwark::test::preempted_traits<bulwark::detail::layout_widths{}>;
    for (int access = 0; access != 4; ++access) {
        SCOPED_TRACE(access);
        bulwark::detail::permit_counter<traits> counter(1);
        bool other = false;
        int left = access;
        before_access = [&] {
            if (left-- == 0) other = counter.try_take();
            return false;
        };
        const bool first = counter.try_take();
        before_access = nullptr;
        EXPECT_FALSE(first && other) << "one permit, two callers, and nobody gave it back";
        EXPECT_TRUE(first || other);
        EXPECT_EQ(counter.available(), 0U);
    }
}

}  // namespace
