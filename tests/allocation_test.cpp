// Nothing allocates once a breaker or bulkhead is built: this program counts every allocation that it makes.
#include <bulwark/bulwark.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <stdexcept>

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

}  // namespace
