// The retry budget's contract, on the lock-free one and on the mutex reference; one against the other; and under
// threads.
#include <bulwark/reference/retry_budget.hpp>
#include <bulwark/retry_budget.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

template <class Budget>
class RetryBudget : public ::testing::Test {};

using Implementations = ::testing::Types<bulwark::retry_budget, bulwark::reference::retry_budget>;
TYPED_TEST_SUITE(RetryBudget, Implementations);

/// Takes what there is.
template <class Budget>
std::uint64_t drain(Budget& budget) {
    std::uint64_t taken = 0;
    while (budget.try_withdraw()) ++taken;
    return taken;
}

TYPED_TEST(RetryBudget, BeginsWithWhatItIsGivenAndNeverGoesBelowNothing) {
    TypeParam none{{.percent = 20}};
    EXPECT_FALSE(none.try_withdraw());
    EXPECT_EQ(none.balance(), 0.0);
    TypeParam three{{.percent = 20, .initial = 3}};
    EXPECT_EQ(three.balance(), 3.0);
    EXPECT_EQ(drain(three), 3U);
    EXPECT_FALSE(three.try_withdraw());
    EXPECT_EQ(three.balance(), 0.0);
}

TYPED_TEST(RetryBudget, FiveDepositsOfTwentyPerCentAreOneRetry) {
    TypeParam budget{{.percent = 20}};
    for (int round = 0; round != 3; ++round) {
        for (int i = 0; i != 4; ++i) {
            budget.deposit();
            EXPECT_FALSE(budget.try_withdraw());
        }
        budget.deposit();
        EXPECT_TRUE(budget.try_withdraw());
        EXPECT_FALSE(budget.try_withdraw());
        EXPECT_EQ(budget.balance(), 0.0);
    }
}

TYPED_TEST(RetryBudget, SavesUpSoManyAndNotMore) {
    TypeParam budget{{.percent = 30, .max_saved = 2}};
    for (int i = 0; i != 6; ++i) budget.deposit();
    EXPECT_DOUBLE_EQ(budget.balance(), 1.8);
    budget.deposit();
    EXPECT_EQ(budget.balance(), 2.0) << "not 2.1";
    for (int i = 0; i != 1000; ++i) budget.deposit();
    budget.refund();
    EXPECT_EQ(budget.balance(), 2.0);
    EXPECT_EQ(drain(budget), 2U);
    EXPECT_EQ(budget.balance(), 0.0) << "nothing was kept beyond the limit";
}

TYPED_TEST(RetryBudget, ARefundIsAWholeRetry) {
    TypeParam budget{{.percent = 0.5, .initial = 1}};
    ASSERT_TRUE(budget.try_withdraw());
    budget.refund();
    EXPECT_EQ(budget.balance(), 1.0);
    EXPECT_TRUE(budget.try_withdraw());
    EXPECT_FALSE(budget.try_withdraw());
}

TYPED_TEST(RetryBudget, TakesTheGreatestConfiguration) {
    constexpr auto many = std::numeric_limits<std::uint32_t>::max();
    TypeParam budget{{.percent = 1000, .max_saved = many, .initial = many - 10}};
    budget.deposit();
    EXPECT_EQ(budget.balance(), static_cast<double>(many));
    budget.deposit();
    EXPECT_EQ(budget.balance(), static_cast<double>(many));
    EXPECT_TRUE(budget.try_withdraw());
    EXPECT_EQ(budget.balance(), static_cast<double>(many - 1));
}

TYPED_TEST(RetryBudget, NothingPerCentLeavesTheInitialRetries) {
    TypeParam budget{{.percent = 0, .initial = 2}};
    for (int i = 0; i != 1000; ++i) budget.deposit();
    EXPECT_EQ(drain(budget), 2U);
}

TYPED_TEST(RetryBudget, RefusesWhatMakesNoSenseByName) {
    const auto refused = [](bulwark::retry_budget_config config, const std::string& field) {
        try {
            const TypeParam budget(config);
        } catch (const std::invalid_argument& e) {
            return std::string(e.what()).find("retry_budget_config: " + field + ' ') != std::string::npos;
        }
        return false;
    };
    EXPECT_TRUE(refused({.percent = -0.1}, "percent"));
    EXPECT_TRUE(refused({.percent = 1000.1}, "percent"));
    EXPECT_TRUE(refused({.percent = 1e-8}, "percent")) << "it would be rounded to nothing";
    EXPECT_TRUE(refused({.percent = std::numeric_limits<double>::quiet_NaN()}, "percent"));
    EXPECT_TRUE(refused({.percent = std::numeric_limits<double>::infinity()}, "percent"));
    EXPECT_TRUE(refused({.max_saved = 0}, "max_saved"));
    EXPECT_TRUE(refused({.max_saved = 3, .initial = 4}, "initial"));
    EXPECT_FALSE(refused({.percent = 0, .max_saved = 1, .initial = 1}, ""));
    EXPECT_FALSE(refused({.percent = 1e-7}, ""));
    EXPECT_FALSE(refused({.percent = 1000}, ""));
}

/// Calls that all fail, each with as many retries as the budget allows; returns how many that were.
template <class Budget>
std::uint64_t failing_calls(Budget& budget, std::uint64_t calls, std::uint64_t most_retries) {
    std::uint64_t retries = 0;
    for (std::uint64_t call = 0; call != calls; ++call) {
        budget.deposit();
        for (std::uint64_t i = 0; i != most_retries && budget.try_withdraw(); ++i) ++retries;
    }
    return retries;
}

constexpr double percentages[] = {0.01, 0.1, 1, 3.3, 7.77, 10, 12.5, 20, 33.3333333, 50, 99.99, 100, 250};

TYPED_TEST(RetryBudget, TenThousandFailingCallsRetryExactlySoManyPerCent) {
    for (const double percent : percentages) {
        TypeParam budget{{.percent = percent}};
        // Down to the last whole one: billionths are counted.
        const auto expected = static_cast<std::uint64_t>(percent * 100 + 1e-6);
        EXPECT_EQ(failing_calls(budget, 10'000, 10), expected) << percent;
    }
    // Not a whole number of billionths as floating-point numbers multiply.
    TypeParam rounded{{.percent = 0.043}};
    EXPECT_EQ(failing_calls(rounded, 100'000, 10), 43U);
}

TYPED_TEST(RetryBudget, TenThousandFailingCallsOfManyThreadsRetryExactlySoManyPerCent) {
    constexpr unsigned threads = 4;
    for (const double percent : percentages) {
        // Within 100 retries, so that what waits for the other threads' withdrawals is not cut off.
        TypeParam budget{{.percent = percent, .max_saved = 100}};
        std::atomic<unsigned> ready{0};
        std::atomic<std::uint64_t> retries{0};
        std::vector<std::jthread> team;
        for (unsigned t = 0; t != threads; ++t) {
            team.emplace_back([&] {
                ready.fetch_add(1);
                while (ready.load() != threads) std::this_thread::yield();
                retries.fetch_add(failing_calls(budget, 10'000 / threads, 10));
            });
        }
        team.clear();
        const auto expected = static_cast<std::uint64_t>(percent * 100 + 1e-6);
        EXPECT_EQ(retries.load(), expected) << percent;
        EXPECT_LT(budget.balance(), 1.0) << percent;
    }
}

TYPED_TEST(RetryBudget, ARaceForTheLastRetriesHasSoManyWinners) {
    constexpr unsigned threads = 4;
    for (std::uint32_t round = 0; round != 200; ++round) {
        const std::uint32_t there = round % threads;
        TypeParam budget{{.percent = 0, .initial = there}};
        std::atomic<unsigned> ready{0};
        std::atomic<std::uint32_t> won{0};
        std::vector<std::jthread> team;
        for (unsigned t = 0; t != threads; ++t) {
            team.emplace_back([&] {
                ready.fetch_add(1);
                while (ready.load() != threads) std::this_thread::yield();
                if (budget.try_withdraw()) won.fetch_add(1);
            });
        }
        team.clear();
        ASSERT_EQ(won.load(), there);
    }
}

TEST(RetryBudgetDifferential, AnswersAsTheReferenceThroughAnyHistory) {
    for (std::uint64_t seed = 1; seed != 200; ++seed) {
        std::mt19937_64 random(seed);
        const auto below = [&](std::uint64_t n) { return random() % n; };
        bulwark::retry_budget_config config;
        config.percent = static_cast<double>(below(10'000)) / 10;
        if (below(4) == 0) config.percent = static_cast<double>(1 + below(1'000'000'000)) * 1e-7;
        config.max_saved = static_cast<std::uint32_t>(1 + below(6));
        config.initial = static_cast<std::uint32_t>(below(config.max_saved + 1));
        bulwark::retry_budget budget(config);
        bulwark::reference::retry_budget reference(config);
        const std::uint64_t deposits = 1 + below(8);
        for (int step = 0; step != 500; ++step) {
            const std::uint64_t what = below(deposits + 3);
            if (what == 0) {
                budget.refund();
                reference.refund();
            } else if (what <= 2) {
                ASSERT_EQ(budget.try_withdraw(), reference.try_withdraw()) << "seed " << seed << ", step " << step;
            } else {
                budget.deposit();
                reference.deposit();
            }
            ASSERT_EQ(budget.balance(), reference.balance()) << "seed " << seed << ", step " << step;
        }
    }
}

}  // namespace
