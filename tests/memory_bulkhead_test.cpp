// Bytes as permits, and the memory resource that charges them.
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/memory_resource.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using bulwark::bulkhead_memory_resource;
using bulwark::errc;
using bulwark::memory_bulkhead;

constexpr std::uint64_t most = std::uint64_t{1} << 62;

std::string objection(const bulwark::memory_bulkhead_config& config) {
    try {
        const memory_bulkhead budget(config);
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "accepted";
}

TEST(MemoryBulkhead, RefusesWhatMakesNoSenseAndNamesIt) {
    EXPECT_EQ(objection({.max_bytes = 1}), "accepted");
    EXPECT_EQ(objection({.max_bytes = most}), "accepted");
    EXPECT_EQ(objection({.max_bytes = 1, .cells = 1024}), "accepted");
    EXPECT_NE(objection({}).find("max_bytes"), std::string::npos);
    EXPECT_NE(objection({.max_bytes = most + 1}).find("max_bytes"), std::string::npos);
    EXPECT_NE(objection({.max_bytes = ~std::uint64_t{0}}).find("max_bytes"), std::string::npos);
    EXPECT_NE(objection({.max_bytes = 1, .cells = 1025}).find("cells"), std::string::npos);
}

TEST(MemoryBulkhead, CountsAsFarAsItsTypeNames) {
    memory_bulkhead budget{{.max_bytes = most}};
    auto half = budget.try_acquire(most / 2).value();
    auto rest = budget.try_acquire(most / 2 - 1).value();
    EXPECT_EQ(budget.available(), 1U);
    EXPECT_EQ(budget.try_acquire(2).error(), errc::bulkhead_full);
    for (const std::uint64_t n : {most + 1, std::uint64_t{1} << 63, (std::uint64_t{1} << 63) + 1, ~std::uint64_t{0}}) {
        EXPECT_EQ(budget.try_acquire(n).error(), errc::over_capacity) << n;
        EXPECT_EQ(budget.acquire(n).error(), errc::over_capacity) << n;
    }
    const auto last = budget.try_acquire(1);
    EXPECT_EQ(budget.in_use(), most);
    EXPECT_EQ(budget.snapshot().in_use, most);
}

TEST(MemoryBulkhead, WeightsBeyondThirtyTwoBitsComeBackWhole) {
    constexpr std::uint64_t terabyte = std::uint64_t{1} << 40;
    memory_bulkhead budget{{.max_bytes = 3 * terabyte}};
    for (int i = 0; i != 1000; ++i) {
        const auto one = budget.try_acquire(terabyte + 1);
        const auto two = budget.try_acquire(2 * terabyte - 1);
        ASSERT_TRUE(one && two);
        EXPECT_EQ(two->weight(), 2 * terabyte - 1);
        EXPECT_EQ(budget.available(), 0U);
    }
    EXPECT_EQ(budget.in_use(), 0U);
}

/// Counts what is out, and can be made to fail.
class counting_resource final : public std::pmr::memory_resource {
public:
    std::size_t out = 0;
    bool fails = false;

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (fails) throw std::bad_alloc();
        void* const p = std::pmr::new_delete_resource()->allocate(bytes, alignment);
        out += bytes;
        return p;
    }
    void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
        out -= bytes;
        std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
};

TEST(MemoryResource, ChargesWhatItAllocatesAndReturnsIt) {
    memory_bulkhead budget{{.max_bytes = 1000}};
    counting_resource upstream;
    bulkhead_memory_resource memory(budget, &upstream);
    void* const a = memory.allocate(600, 8);
    EXPECT_EQ(budget.in_use(), 600U);
    EXPECT_EQ(upstream.out, 600U);
    EXPECT_THROW(static_cast<void>(memory.allocate(401, 8)), std::bad_alloc);
    EXPECT_EQ(budget.in_use(), 600U);
    EXPECT_EQ(upstream.out, 600U);
    void* const b = memory.allocate(400, 64);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b) % 64, 0U);
    EXPECT_EQ(budget.available(), 0U);
    memory.deallocate(a, 600, 8);
    EXPECT_EQ(budget.in_use(), 400U);
    memory.deallocate(b, 400, 64);
    EXPECT_EQ(budget.in_use(), 0U);
    EXPECT_EQ(upstream.out, 0U);
    EXPECT_EQ(budget.snapshot().admitted, 2U);
    EXPECT_EQ(budget.snapshot().refused, 1U);
}

TEST(MemoryResource, NothingIsChargedForNothing) {
    memory_bulkhead budget{{.max_bytes = 1}};
    bulkhead_memory_resource memory(budget);
    const auto all = budget.try_acquire(1);
    void* const p = memory.allocate(0, 1);
    memory.deallocate(p, 0, 1);
    EXPECT_EQ(budget.in_use(), 1U);
}

TEST(MemoryResource, WhatTheUpstreamRefusesIsNotCharged) {
    memory_bulkhead budget{{.max_bytes = 1000}};
    counting_resource upstream;
    bulkhead_memory_resource memory(budget, &upstream);
    upstream.fails = true;
    EXPECT_THROW(static_cast<void>(memory.allocate(10, 1)), std::bad_alloc);
    EXPECT_EQ(budget.in_use(), 0U);
}

TEST(MemoryResource, AContainerStopsGrowingAtTheLimitAndGivesAllBack) {
    memory_bulkhead budget{{.max_bytes = 4096}};
    bulkhead_memory_resource memory(budget);
    {
        std::pmr::vector<std::uint64_t> numbers(&memory);
        EXPECT_THROW(for (std::uint64_t i = 0; i != 4096; ++i) { numbers.push_back(i); }, std::bad_alloc);
        EXPECT_GE(numbers.size(), 128U);
        EXPECT_EQ(budget.in_use(), numbers.capacity() * sizeof(std::uint64_t));
    }
    EXPECT_EQ(budget.in_use(), 0U);
}

TEST(MemoryResource, EqualMeansThatOneMayReturnWhatTheOtherAllocated) {
    memory_bulkhead budget{{.max_bytes = 1000}};
    memory_bulkhead another{{.max_bytes = 1000}};
    counting_resource upstream;
    bulkhead_memory_resource a(budget, &upstream);
    bulkhead_memory_resource b(budget, &upstream);
    const bulkhead_memory_resource c(another, &upstream);
    const bulkhead_memory_resource d(budget);
    EXPECT_TRUE(a == a);
    EXPECT_TRUE(a == b);
    EXPECT_FALSE(a == c);
    EXPECT_FALSE(a == d);
    EXPECT_FALSE(a == upstream);
    EXPECT_EQ(&a.budget(), &budget);
    EXPECT_EQ(a.upstream(), &upstream);
    b.deallocate(a.allocate(8, 8), 8, 8);
    EXPECT_EQ(budget.in_use(), 0U);
}

}  // namespace
