// The values that users meet: errors and their messages, how states and counts print, and the trip policies.
#include <bulwark/bulwark.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace {

using bulwark::breaker_counts;
using bulwark::breaker_state;
using bulwark::errc;

template <class T>
std::string printed(const T& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

TEST(Values, ErrorsAreErrorCodesWithPlainMessages) {
    static_assert(static_cast<int>(errc::circuit_open) == 1);
    const std::error_code code = errc::too_many_probes;
    EXPECT_STREQ(code.category().name(), "bulwark");
    EXPECT_EQ(std::error_code(errc::circuit_open).message(), "the circuit breaker is open");
    EXPECT_EQ(code.message(), "the circuit breaker is half-open and its probes are under way");
    EXPECT_EQ(std::error_code(errc::bulkhead_full).message(), "the bulkhead is full");
    EXPECT_EQ(std::error_code(99, bulwark::error_category()).message(), "unknown bulwark error 99");
    EXPECT_NE(std::error_code(errc::circuit_open), std::error_code(1, std::generic_category()));
}

TEST(Values, StatesAndCountsAndTransitionsPrint) {
    EXPECT_EQ(to_string(breaker_state::closed), "closed");
    EXPECT_EQ(to_string(breaker_state::open), "open");
    EXPECT_EQ(to_string(breaker_state::half_open), "half-open");
    EXPECT_EQ(printed(breaker_state::half_open), "half-open");
    EXPECT_EQ(printed(breaker_counts{6, 1, 2, 3, 4, 5}),
              "requests=6 successes=1 failures=2 ignored=3 consecutive_successes=4 consecutive_failures=5");
    EXPECT_EQ(printed(bulwark::transition{breaker_state::closed, breaker_state::open, 2}),
              "closed -> open generation=2");
    bulwark::breaker_snapshot open{breaker_state::open, 2, {}, std::chrono::milliseconds(1500)};
    EXPECT_NE(to_string(open).find("retry_after=1.5s"), std::string::npos);
    open.retry_after = std::chrono::nanoseconds::max();
    EXPECT_NE(to_string(open).find("retry_after=never"), std::string::npos);
}

TEST(Values, CompareByAllTheirMembers) {
    EXPECT_NE(breaker_counts{.requests = 1}, breaker_counts{});
    EXPECT_NE((breaker_counts{.requests = 1, .total_ignored = 1}), breaker_counts{.requests = 1});
    EXPECT_NE((bulwark::transition{.generation = 2}), bulwark::transition{});
    EXPECT_NE((bulwark::breaker_snapshot{.generation = 2}), bulwark::breaker_snapshot{});
    EXPECT_EQ(to_string(static_cast<breaker_state>(7)), "invalid");
}

TEST(FailureRatio, TripsAtTheRatioOnceEnoughCallsHaveEnded) {
    const auto half = bulwark::failure_ratio(0.5, 4);
    EXPECT_FALSE(half({.requests = 3, .total_failures = 3})) << "too few";
    EXPECT_TRUE(half({.requests = 4, .total_failures = 4}));
    EXPECT_TRUE(half({.requests = 4, .total_successes = 2, .total_failures = 2}));
    EXPECT_FALSE(half({.requests = 5, .total_successes = 3, .total_failures = 2}));
    EXPECT_FALSE(half({.requests = 9, .total_failures = 3, .total_ignored = 6})) << "ignored calls are in no rate";
    EXPECT_FALSE(half({.requests = 9, .total_successes = 0, .total_failures = 3})) << "nor are calls under way";
    EXPECT_FALSE(bulwark::failure_ratio(0.5, 0)({}));
    EXPECT_TRUE(bulwark::failure_ratio(1.0, 0)({.requests = 1, .total_failures = 1}));
}

TEST(FailureRatio, IsNotRoundedBeforeItIsCompared) {
    // k failures of n reach the ratio written k/n, for every pair of them; one failure fewer does not.
    for (std::uint32_t n = 1; n <= 1000; ++n) {
        for (std::uint32_t k = 1; k <= n; k += 7) {
            const auto policy = bulwark::failure_ratio(static_cast<double>(k) / n, 1);
            ASSERT_TRUE(policy({.requests = n, .total_successes = n - k, .total_failures = k})) << k << '/' << n;
            ASSERT_FALSE(policy({.requests = n, .total_successes = n - k + 1, .total_failures = k - 1}))
                << k << '/' << n;
        }
    }
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
    EXPECT_TRUE(bulwark::failure_ratio(0.5)({.requests = most, .total_successes = most, .total_failures = most}));
    EXPECT_FALSE(bulwark::failure_ratio(0.5)({.requests = most, .total_successes = most, .total_failures = most - 1}));
}

TEST(FailureRatio, RefusesARatioOutsideOfItsRange) {
    for (const double bad : {0.0, -0.1, 1.0000001, std::nan(""), std::numeric_limits<double>::infinity()}) {
        EXPECT_THROW(bulwark::failure_ratio(bad), std::invalid_argument) << bad;
    }
    EXPECT_NO_THROW(bulwark::failure_ratio(1.0));
    EXPECT_NO_THROW(bulwark::failure_ratio(std::numeric_limits<double>::denorm_min()));
    try {
        bulwark::failure_ratio(2.0);
    } catch (const std::invalid_argument& e) {
        EXPECT_NE(std::string(e.what()).find("ratio"), std::string::npos);
    }
}

TEST(ConsecutiveFailures, TripsAtNInARow) {
    const auto three = bulwark::consecutive_failures(3);
    EXPECT_FALSE(three({.requests = 9, .total_failures = 9, .consecutive_failures = 2}));
    EXPECT_TRUE(three({.requests = 9, .total_failures = 9, .consecutive_failures = 3}));
    EXPECT_TRUE(three({.requests = 9, .total_failures = 9, .consecutive_failures = 4}));
    EXPECT_THROW(bulwark::consecutive_failures(0), std::invalid_argument);
}

}  // namespace
