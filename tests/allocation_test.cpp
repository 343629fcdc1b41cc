// Nothing allocates once a breaker or bulkhead is built: this program counts every allocation that it makes.
#include "until.hpp"

#include <bulwark/bulwark.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <stop_token>
#include <thread>

namespace {

thread_local std::size_t allocations = 0;

}  // namespace

// Not inlined: g++ would pair a new that it sees through with a free that it does not, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](std::size_t size, std::align_val_t alignment) {
    ++allocations;
    const auto align = static_cast<std::size_t>(alignment);
    if (void* p = std::aligned_alloc(align, (size + align - 1) / align * align)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete[](void* p, std::align_val_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}

namespace {

using bulwark::manual_clock;
using namespace std::chrono_literals;

TEST(Allocation, TheCounterCounts) {
    const std::size_t before = allocations;
    int* volatile escaping = new int(1);  // else the compiler may leave the pair out
    delete escaping;
    EXPECT_GT(allocations, before);
}

void no_path_allocates(std::uint32_t cells) {
    manual_clock::reset();
    bulwark::basic_circuit_breaker<manual_clock> b{{.max_requests = 2, .probe_timeout = 5s, .cells = cells}};
    const std::size_t before = allocations;
    for (int round = 0; round != 20; ++round) {
        for (int i = 0; i != 200; ++i) (void)b.execute([] { return 1; });  // closed, with carries
        manual_clock::advance(10s);                                        // a new window
        for (int i = 0; i != 5; ++i) b.try_acquire()->failure();           // trips
        (void)b.execute([] {});                                            // refused
        manual_clock::advance(60s);
        {
            auto dropped = b.try_acquire();
        }  // half-open, given back
        auto hung = b.try_acquire();
        auto other = b.try_acquire();
        (void)b.try_acquire();  // too many
        manual_clock::advance(5s);
        b.try_acquire()->failure();  // silent probes, reopened
        manual_clock::advance(60s);
        (void)b.execute([] {});
        (void)b.execute([] {});  // closed
        (void)b.snapshot();
    }
    EXPECT_EQ(allocations, before);
    EXPECT_EQ(b.state(), bulwark::breaker_state::closed);
}

TEST(Allocation, NoPathOfTheBreakerAllocates) {
    no_path_allocates(0);
    no_path_allocates(32);
}

TEST(Allocation, ABreakerAllocatesItsCellsAndACompactOneNothing) {
    const auto none = [](const bulwark::breaker_counts&) { return false; };
    std::size_t before = allocations;
    const bulwark::circuit_breaker compact{{.ready_to_trip = none, .cells = 0}};
    EXPECT_EQ(allocations, before);
    before = allocations;
    const bulwark::circuit_breaker usual{{.ready_to_trip = none}};
    EXPECT_EQ(allocations, before + 2) << "those with an owner, and those that are shared";
}

TEST(Allocation, NoPathOfTheBulkheadAllocates) {
    for (const std::uint32_t stripes : {1U, 8U}) {
        bulwark::bulkhead pool{{.max_concurrent = 8, .stripes = stripes}};
        const std::size_t before = allocations;
        for (int i = 0; i != 100; ++i) {
            const auto slot = pool.try_acquire();
            (void)pool.execute([] {});
        }
        EXPECT_EQ(allocations, before);
    }
}

/// Where it has to wait, too: for a permit that comes, until late, until stopped; and where it is told of.
template <class Pool, class Config>
void no_wait_allocates(const Config& config) {
    Pool pool(config);
    std::size_t waits = 1;
    const std::stop_source never;
    std::thread waiter;
    {
        const auto held = pool.try_acquire(2);
        std::stop_source stopped;
        stopped.request_stop();
        waiter = std::thread([&] {
            // The first use of the library in a thread notes what to do at its end.
            static_cast<void>(pool.try_acquire(0));
            const std::size_t before = allocations;
            EXPECT_EQ(pool.try_acquire_for(1ms).error(), bulwark::errc::timed_out);
            EXPECT_EQ(pool.try_acquire(3).error(), bulwark::errc::over_capacity);
            EXPECT_EQ(pool.acquire(stopped.get_token()).error(), bulwark::errc::stopped);
            EXPECT_TRUE(pool.acquire(never.get_token(), 2));
            waits = allocations - before;
        });
        EXPECT_TRUE(bulwark::test::until([&] { return pool.snapshot().stopped == 1 && pool.waiting() == 1; }));
        EXPECT_EQ(pool.try_acquire().error(), bulwark::errc::bulkhead_full);
        const std::size_t before = allocations;
        pool.resize(3);
        pool.resize(2);
        static_cast<void>(pool.snapshot());
        EXPECT_EQ(allocations, before);
    }
    waiter.join();
    EXPECT_EQ(waits, 0U);
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(Allocation, NoWaitAtTheBulkheadAllocates) {
    std::size_t told = 0;
    const auto tell = [&](const bulwark::bulkhead_event&) { ++told; };
    for (const std::uint32_t stripes : {1U, 2U}) {
        for (const std::uint32_t cells : {0U, 32U}) {
            no_wait_allocates<bulwark::bulkhead>(bulwark::bulkhead_config{
                .max_concurrent = 2, .stripes = stripes, .cells = cells, .wait_histogram = true});
        }
    }
    no_wait_allocates<bulwark::memory_bulkhead>(bulwark::memory_bulkhead_config{.max_bytes = 2, .on_event = tell});
    EXPECT_GT(told, 0U);
}

TEST(Allocation, NoPathOfAPipelineAllocates) {
    manual_clock::reset();
    bulwark::basic_circuit_breaker<manual_clock> breaker{{.ready_to_trip = bulwark::consecutive_failures(20)}};
    bulwark::bulkhead pool{{.max_concurrent = 1}};
    bulwark::retry_budget budget{{.percent = 50, .max_saved = 5}};
    bulwark::retry again{{.max_attempts = 3, .backoff = {.initial = 0ns}, .budget = &budget}};
    bulwark::basic_timeout<manual_clock> limit{1s};
    bulwark::fallback otherwise{[](bulwark::errc) { return -1; }};
    auto all = bulwark::pipeline{otherwise, again, breaker, bulwark::pipeline{pool, limit}, bulwark::waiting(pool, 0)};
    const auto judge = [](int status) { return status == 200 ? bulwark::outcome::success : bulwark::outcome::failure; };
    const bulwark::basic_call_context<manual_clock> short_of_time(bulwark::basic_deadline<manual_clock>::in(1ms));
    const std::size_t before = allocations;
    for (int round = 0; round != 20; ++round) {
        EXPECT_EQ(*all.execute([&] { return *all.execute([] { return 1; }, judge); }, judge), -1);  // full, inside
        EXPECT_EQ(*all.execute([] { return 200; }, judge), 200);
        EXPECT_EQ(*all.execute([] { return manual_clock::advance(2s), 200; }, judge), -1);  // late, again and again
        EXPECT_EQ(*all.execute(short_of_time, [] { return 200; }, judge), -1);              // no time left
        for (int i = 0; i != 30; ++i) (void)all.execute([] { return 503; }, judge);
        EXPECT_EQ(*all.execute([] { return 200; }, judge), -1);  // open
        manual_clock::advance(60s);
        EXPECT_EQ(*all.execute([] { return 200; }, judge), 200);
    }
    EXPECT_EQ(allocations, before);
}

TEST(Allocation, NoPathOfARateLimiterAllocates) {
    bulwark::rate_limiter limiter{{.permits = 1, .period = 24h, .burst = 2, .max_wait = 48h}};
    std::stop_source stopped;
    stopped.request_stop();
    const std::size_t before = allocations;
    EXPECT_TRUE(limiter.try_acquire(2));
    EXPECT_EQ(limiter.try_acquire().error(), bulwark::errc::rate_limited);
    EXPECT_GT(limiter.retry_after(), 1h);
    EXPECT_EQ(limiter.acquire(stopped.get_token()).error(), bulwark::errc::stopped);
    EXPECT_EQ(limiter.try_acquire_for(1ms).error(), bulwark::errc::timed_out);
    EXPECT_EQ(limiter.acquire(3).error(), bulwark::errc::over_capacity);
    EXPECT_EQ(allocations, before);
}

TEST(Allocation, ABulkheadAllocatesItsCellsAndACompactOneNothing) {
    std::size_t before = allocations;
    const bulwark::bulkhead compact{{.max_concurrent = 50, .cells = 0}};
    EXPECT_EQ(allocations, before);
    before = allocations;
    const bulwark::bulkhead usual{{.max_concurrent = 50}};
    EXPECT_EQ(allocations, before + 1);
}

}  // namespace
