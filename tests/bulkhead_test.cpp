// The bulkhead's contract, on the lock-free one and on the mutex reference.
#include <bulwark/bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bulwark::errc;

template <class Pool>
class Bulkhead : public ::testing::Test {};

using Implementations = ::testing::Types<bulwark::bulkhead, bulwark::reference::bulkhead>;
TYPED_TEST_SUITE(Bulkhead, Implementations);

TYPED_TEST(Bulkhead, AdmitsAsManyAsItHasPermitsAndNoMore) {
    TypeParam pool{{.max_concurrent = 3}};
    EXPECT_EQ(pool.capacity(), 3U);
    EXPECT_EQ(pool.available(), 3U);
    std::vector<typename TypeParam::slot> slots;
    for (std::uint32_t i = 1; i <= 3; ++i) {
        slots.push_back(pool.try_acquire().value());
        EXPECT_EQ(pool.in_use(), i);
        EXPECT_EQ(pool.available(), 3U - i);
    }
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    EXPECT_EQ(pool.in_use(), 3U);
    slots.pop_back();
    EXPECT_TRUE(pool.try_acquire());
    slots.clear();
    EXPECT_EQ(pool.in_use(), 0U);
}

TYPED_TEST(Bulkhead, ASlotMovesAndGivesBackOnce) {
    TypeParam pool{{.max_concurrent = 2}};
    {
        auto first = pool.try_acquire().value();
        auto second(std::move(first));
        EXPECT_EQ(pool.in_use(), 1U);
        auto third = pool.try_acquire().value();
        EXPECT_EQ(pool.in_use(), 2U);
        third = std::move(second);
        EXPECT_EQ(pool.in_use(), 1U) << "what the target held came back at once";
        auto& self = third;
        third = std::move(self);
        EXPECT_EQ(pool.in_use(), 1U);
    }
    EXPECT_EQ(pool.in_use(), 0U);
}

TYPED_TEST(Bulkhead, ASlotMayBeGivenBackByAnotherThread) {
    TypeParam pool{{.max_concurrent = 1}};
    std::thread other([slot = pool.try_acquire().value()] {});
    other.join();
    EXPECT_EQ(pool.in_use(), 0U);
}

TYPED_TEST(Bulkhead, RefusesACapacityOfNothing) {
    try {
        TypeParam pool{{.max_concurrent = 0}};
        FAIL() << "accepted";
    } catch (const std::invalid_argument& e) {
        EXPECT_NE(std::string(e.what()).find("max_concurrent"), std::string::npos);
    }
}

TYPED_TEST(Bulkhead, HoldsAsManyPermitsAsItsTypeNames) {
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
    TypeParam pool{{.max_concurrent = most}};
    const auto slot = pool.try_acquire();
    EXPECT_EQ(pool.available(), most - 1);
    EXPECT_EQ(pool.in_use(), 1U);
}

}  // namespace
