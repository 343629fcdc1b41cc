// What the compartments and the thread-pool bulkhead allocate, and that they lose nothing where memory runs out: this
// program counts every allocation that it makes, and lets one of them fail.
#include <bulwark/compartments.hpp>
#include <bulwark/thread_pool_bulkhead.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <latch>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

thread_local std::size_t allocations = 0;
/// How many allocations of this thread succeed before one fails; negative: all do.
thread_local std::int64_t until_one_fails = -1;

void* allocate(std::size_t size, std::size_t alignment) {
    ++allocations;
    if (until_one_fails >= 0 && until_one_fails-- == 0) throw std::bad_alloc();
    const std::size_t asked = size == 0 ? 1 : size;
    void* const p = alignment <= alignof(std::max_align_t)
                        ? std::malloc(asked)
                        : std::aligned_alloc(alignment, (asked + alignment - 1) / alignment * alignment);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}

}  // namespace

// Not inlined: g++ would pair a new that it sees through with a free that it does not, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
    return allocate(size, 1);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void* operator new[](std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete[](void* p, std::align_val_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
    std::free(p);
}

namespace {

using bulwark::errc;
using bulwark::stop_mode;

/// Does it again and again, with a later allocation failing each time, until it ends without std::bad_alloc; how often
/// it had not.
template <class F>
int with_each_allocation_failing(F f) {
    constexpr int most = 1000;
    for (int n = 0; n != most; ++n) {
        until_one_fails = n;
        try {
            f();
            until_one_fails = -1;
            return n;
        } catch (const std::bad_alloc&) {
            until_one_fails = -1;
        }
    }
    return most;
}

TEST(PoolAllocation, TheCounterCountsAndFails) {
    const std::size_t before = allocations;
    int* volatile escaping = new int(1);  // else the compiler may leave the pair out
    delete escaping;
    EXPECT_EQ(allocations, before + 1);
    EXPECT_EQ(with_each_allocation_failing([] {
                  int* volatile one = new int(1);
                  delete one;
              }),
              1);
}

bulwark::compartments_config small_compartments() {
    return {.defaults = {.breaker = {.cells = 0}, .bulkhead = {.max_concurrent = 2, .cells = 0}}};
}

TEST(PoolAllocation, NoLookUpAllocates) {
    bulwark::compartments pools(small_compartments());
    const std::string long_name = "a name that is too long for the string's own memory";
    const std::string_view part = std::string_view(long_name).substr(0, 40);
    (void)pools["orders"].execute([] {});  // a thread's first call notes its exit
    (void)pools[long_name];
    (void)pools[part];
    const std::size_t before = allocations;
    std::size_t met = 0;
    for (int i = 0; i != 100; ++i) {
        (void)pools["orders"].execute([] { return 1; });
        (void)pools[long_name];
        (void)pools[part];
        EXPECT_NE(pools.find(part), nullptr);
        EXPECT_EQ(pools.find("another name that is too long for the string's own memory"), nullptr);
        pools.for_each([&](const bulwark::compartment&) { ++met; });
    }
    EXPECT_EQ(allocations, before);
    EXPECT_EQ(met, 300U);
}

TEST(PoolAllocation, ACompartmentForWhichThereIsNoMemoryIsNotThere) {
    bulwark::compartments pools(small_compartments());
    const std::string name = "a name that is too long for the string's own memory";
    const int failed = with_each_allocation_failing([&] {
        EXPECT_EQ(pools.find(name), nullptr);
        (void)pools[name];
    });
    EXPECT_GE(failed, 2) << "the node and the name";
    EXPECT_NE(pools.find(name), nullptr);
    std::size_t met = 0;
    pools.for_each([&](const bulwark::compartment&) { ++met; });
    EXPECT_EQ(met, 1U);
}

/// Keeps the only worker of a pool.
struct held_worker {
    explicit held_worker(bulwark::thread_pool_bulkhead& pool)
        : running(pool.submit([this] {
                          began.count_down();
                          let_go.wait();
                      })
                      .value()) {
        began.wait();
    }
    held_worker(const held_worker&) = delete;
    held_worker& operator=(const held_worker&) = delete;
    ~held_worker() {
        let_go.count_down();
        running.wait();
    }

    std::latch began{1};
    std::latch let_go{1};
    std::future<void> running;
};

TEST(PoolAllocation, ACallForWhichThereIsNoMemoryLeavesAllAsItWas) {
    bulwark::thread_pool_bulkhead pool{{.threads = 1, .max_queued = 1}};
    {
        const held_worker one(pool);
        std::optional<std::future<int>> queued;
        const int failed = with_each_allocation_failing([&] { queued.emplace(pool.submit([] { return 7; }).value()); });
        EXPECT_EQ(failed, 4) << "the future's state and its result, the function, its place in the queue";
        const auto s = pool.snapshot();
        EXPECT_EQ(s.submitted, 2U);
        EXPECT_EQ(s.queued, 1U) << "no place was lost, none was doubled";
        EXPECT_EQ(pool.submit([] {}).error(), errc::queue_full);
    }
    pool.stop(stop_mode::drain);
    EXPECT_TRUE(pool.join());
    EXPECT_EQ(pool.snapshot().completed, 2U);
}

TEST(PoolAllocation, ARefusalAllocatesNothing) {
    bulwark::thread_pool_bulkhead pool{{.threads = 1}};
    const held_worker one(pool);
    std::size_t before = allocations;
    for (int i = 0; i != 100; ++i) EXPECT_EQ(pool.submit([] {}).error(), errc::queue_full);
    EXPECT_EQ(allocations, before);
    pool.stop(stop_mode::drain);
    before = allocations;
    for (int i = 0; i != 100; ++i) EXPECT_EQ(pool.submit([] {}).error(), errc::stopped);
    EXPECT_EQ(allocations, before);
}

TEST(PoolAllocation, ToStopNeedsNoMemory) {
    bulwark::thread_pool_bulkhead pool{{.threads = 1, .max_queued = 10}};
    const held_worker one(pool);
    std::vector<std::future<void>> queued;
    for (int i = 0; i != 10; ++i) queued.push_back(pool.submit([] {}).value());
    const std::size_t before = allocations;
    pool.stop(stop_mode::cancel);
    EXPECT_EQ(allocations, before);
    EXPECT_EQ(pool.snapshot().cancelled, 10U);
}

TEST(PoolAllocation, APoolForWhichThereIsNoMemoryIsNotThere) {
    const int failed = with_each_allocation_failing([] {
        bulwark::thread_pool_bulkhead pool{{.threads = 4}};
        until_one_fails = -1;  // constructed
    });
    EXPECT_GE(failed, 6) << "the list of threads, four threads one after the other, the error that stop() keeps ready";
    EXPECT_LT(failed, 100);
}

}  // namespace
