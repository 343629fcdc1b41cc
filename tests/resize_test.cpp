// A bulkhead that is resized while it is in use: growing lets in those who wait, shrinking takes nothing away and lets
// nobody in until enough came back. Every kind of bulkhead.
#include "bulkhead_kinds.hpp"
#include "caller.hpp"
#include "until.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using bulwark::errc;
using bulwark::result;
using bulwark::test::setup;
using bulwark::test::until;
using namespace std::chrono_literals;

template <class Kind>
class Resize : public ::testing::Test {
public:
    using pool_type = typename Kind::pool;
    using slot = typename pool_type::slot;

    /// Waits on a thread of its own for n permits. The n-th that stands in line.
    class waiter : public bulwark::test::caller<result<slot>> {
    public:
        waiter(pool_type& pool, std::uint32_t n) : waiter(pool, n, pool.waiting()) {}

    private:
        waiter(pool_type& pool, std::uint32_t n, std::uint32_t before)
            : bulwark::test::caller<result<slot>>([&pool, n] { return pool.acquire(n); }) {
            EXPECT_TRUE(until([&] { return pool.waiting() == before + 1; }));
        }
    };

    static pool_type make(const setup& s) { return pool_type(Kind::config(s)); }
};

TYPED_TEST_SUITE(Resize, bulwark::test::bulkhead_kinds);

TYPED_TEST(Resize, GrowsAndShrinksWhileNobodyIsInside) {
    auto pool = TestFixture::make({.capacity = 4});
    for (const std::uint32_t capacity : {9U, 9U, 2U, 1U, 5U, 1000U, 3U}) {
        SCOPED_TRACE(capacity);
        pool.resize(capacity);
        EXPECT_EQ(pool.capacity(), capacity);
        EXPECT_EQ(pool.available(), capacity);
        EXPECT_EQ(pool.in_use(), 0U);
        EXPECT_EQ(pool.try_acquire(capacity + 1).error(), errc::over_capacity);
        std::vector<typename TestFixture::slot> held;
        for (std::uint32_t i = 0; i != capacity; ++i) held.push_back(pool.try_acquire().value());
        EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
        EXPECT_EQ(pool.in_use(), capacity);
    }
}

TYPED_TEST(Resize, RefusesACapacityOfNothingAndNamesIt) {
    auto pool = TestFixture::make({.capacity = 4});
    try {
        pool.resize(0);
        FAIL() << "accepted";
    } catch (const std::invalid_argument& e) {
        EXPECT_NE(std::string(e.what()).find(TypeParam::field), std::string::npos);
    }
    EXPECT_EQ(pool.capacity(), 4U);
    EXPECT_EQ(pool.available(), 4U);
}

TYPED_TEST(Resize, MayGoBelowTheStripes) {
    auto pool = TestFixture::make({.capacity = 4});
    EXPECT_NO_THROW(pool.resize(1));
    const auto held = pool.try_acquire();
    EXPECT_TRUE(held);
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
}

TYPED_TEST(Resize, GrowingAdmitsThoseWhoFitInOrder) {
    auto pool = TestFixture::make({.capacity = 5});
    auto held = pool.try_acquire(5);
    typename TestFixture::waiter a(pool, 2);
    typename TestFixture::waiter b(pool, 4);
    typename TestFixture::waiter c(pool, 1);
    pool.resize(6);
    EXPECT_EQ(pool.waiting(), 3U) << "one is too few for the first";
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full) << "and belongs to him";
    pool.resize(7);
    EXPECT_EQ(pool.waiting(), 2U);
    EXPECT_TRUE(a.got());
    pool.resize(11);
    EXPECT_EQ(pool.waiting(), 1U);
    EXPECT_TRUE(b.got());
    EXPECT_EQ(pool.in_use(), 11U);
    pool.resize(20);
    EXPECT_TRUE(c.got());
    EXPECT_EQ(pool.in_use(), 12U);
    EXPECT_TRUE(pool.try_acquire(8)) << "open again";
}

TYPED_TEST(Resize, ShrinkingRevokesNothingAndAdmitsNobodyUntilEnoughCameBack) {
    auto pool = TestFixture::make({.capacity = 6});
    std::vector<typename TestFixture::slot> held;
    for (int i = 0; i != 6; ++i) held.push_back(pool.try_acquire().value());
    pool.resize(2);
    EXPECT_EQ(pool.capacity(), 2U);
    EXPECT_EQ(pool.in_use(), 6U);
    EXPECT_EQ(pool.available(), 0U);
    for (std::uint32_t inside = 6; inside != 2; --inside) {
        EXPECT_EQ(pool.in_use(), inside);
        EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
        EXPECT_EQ(pool.try_acquire_for(0s).error(), errc::timed_out);
        held.pop_back();
    }
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    held.pop_back();
    EXPECT_EQ(pool.available(), 1U);
    EXPECT_TRUE(pool.try_acquire());
    held.clear();
    EXPECT_TRUE(pool.try_acquire(2));
    EXPECT_EQ(pool.try_acquire(3).error(), errc::over_capacity);
}

TYPED_TEST(Resize, ADebtCanBeWaitedFor) {
    auto pool = TestFixture::make({.capacity = 3});
    auto large = pool.try_acquire(2);
    auto small = pool.try_acquire(1);
    pool.resize(1);
    typename TestFixture::waiter first(pool, 1);
    small = errc::bulkhead_full;
    EXPECT_EQ(pool.waiting(), 1U);
    EXPECT_EQ(pool.in_use(), 2U);
    large = errc::bulkhead_full;
    EXPECT_TRUE(first.got());
    EXPECT_EQ(pool.in_use(), 1U);
}

TYPED_TEST(Resize, GrowingPaysADebt) {
    auto pool = TestFixture::make({.capacity = 8});
    const auto held = pool.try_acquire(8);
    pool.resize(3);
    pool.resize(6);
    EXPECT_EQ(pool.in_use(), 8U);
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    pool.resize(8);
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    pool.resize(9);
    EXPECT_EQ(pool.available(), 1U);
    EXPECT_TRUE(pool.try_acquire());
}

TYPED_TEST(Resize, WhoWaitsForMoreThanThereIsNowIsToldAndThoseBehindAreNotHeldUp) {
    auto pool = TestFixture::make({.capacity = 8});
    auto held = pool.try_acquire(3);
    typename TestFixture::waiter a(pool, 6);
    typename TestFixture::waiter b(pool, 7);
    typename TestFixture::waiter c(pool, 2);
    typename TestFixture::waiter d(pool, 8);
    typename TestFixture::waiter e(pool, 1);
    pool.resize(5);
    EXPECT_EQ(a.got().error(), errc::over_capacity);
    EXPECT_EQ(b.got().error(), errc::over_capacity);
    EXPECT_TRUE(c.got());
    EXPECT_EQ(d.got().error(), errc::over_capacity);
    EXPECT_EQ(pool.waiting(), 1U) << "five are in use";
    EXPECT_EQ(pool.in_use(), 5U);
    held = errc::bulkhead_full;
    EXPECT_TRUE(e.got());
    EXPECT_EQ(pool.snapshot().refused, 3U);
    EXPECT_EQ(pool.available(), 2U);
}

TYPED_TEST(Resize, WhenAllWhoWaitAreTooLargeTheBulkheadIsOpenAgain) {
    auto pool = TestFixture::make({.capacity = 8});
    const auto held = pool.try_acquire(1);
    typename TestFixture::waiter a(pool, 8);
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    pool.resize(7);
    EXPECT_EQ(a.got().error(), errc::over_capacity);
    EXPECT_EQ(pool.available(), 6U);
    EXPECT_TRUE(pool.try_acquire(6));
}

TYPED_TEST(Resize, GoesToTheEndsOfTheRangeAndBack) {
    auto pool = TestFixture::make({.capacity = 1});
    using weight = decltype(pool.capacity());
    constexpr weight most =
        sizeof(weight) == 4 ? std::numeric_limits<weight>::max() : weight{1} << (8 * sizeof(weight) - 2);
    {
        pool.resize(most);
        auto all = pool.try_acquire(most);
        ASSERT_TRUE(all);
        EXPECT_EQ(pool.in_use(), most);
        pool.resize(1);
        EXPECT_EQ(pool.in_use(), most);
        pool.resize(most);
        EXPECT_EQ(pool.available(), 0U);
        pool.resize(1);
        typename TestFixture::waiter waits(pool, 1);
        all = errc::bulkhead_full;
        EXPECT_TRUE(waits.got());
        EXPECT_EQ(pool.in_use(), 1U);
        pool.resize(most);
        EXPECT_EQ(pool.available(), most - 1);
        EXPECT_TRUE(pool.try_acquire(most - 1));
    }
    EXPECT_EQ(pool.available(), most);
    if constexpr (sizeof(weight) == 8) {
        EXPECT_THROW(pool.resize(most + 1), std::invalid_argument);
    }
}

}  // namespace
