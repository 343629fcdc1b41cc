// A million random operations of threads on one bulkhead: acquire, wait, time out, be stopped, resize, throw, hand
// over. At the end every permit is back, and every answer was counted. Each test prints what was done.
#include "../stress/implementations.hpp"
#include "../stress/run.hpp"
#include "../stress/waiting_workload.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <sstream>
#include <thread>
#include <vector>

namespace {

using namespace bulwark::stress;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

constexpr unsigned threads = 4;

template <class Impl>
void work_off(std::uint64_t operations) {
    if constexpr (sanitized) operations /= 10;
    run r({.threads = threads, .seed = operations});
    waiting_workload<typename Impl::bulkhead> workload(r, {.least = 2, .most = 4, .max_waiting = threads - 1});
    {
        std::vector<std::jthread> team;
        for (unsigned t = 0; t != threads; ++t) {
            team.emplace_back([&, t, random = random_source(r.random()())]() mutable {
                for (std::uint64_t i = 0; i != operations / threads; ++i) workload.step(t, random);
                workload.leave();
            });
        }
    }
    std::ostringstream done;
    workload.describe(done);
    workload.check();
    EXPECT_EQ(r.failure(), "");
    std::cout << operations << " operations on " << Impl::name << ": " << done.str() << '\n';
    // The run means nothing without each of them.
    for (const auto what : {bulwark::errc{}, bulwark::errc::bulkhead_full, bulwark::errc::queue_full,
                            bulwark::errc::over_capacity, bulwark::errc::timed_out, bulwark::errc::stopped}) {
        EXPECT_GT(workload.answers(what), 0U) << static_cast<int>(what);
    }
}

TEST(BulkheadMillion, PermitsAtTheEndEqualCapacity) {
    work_off<lock_free>(1'000'000);
}

TEST(BulkheadMillion, LikewiseStriped) {
    work_off<lock_free_two_cells>(250'000);
}

TEST(BulkheadMillion, LikewiseOfBytes) {
    work_off<lock_free_bytes>(250'000);
}

TEST(BulkheadMillion, LikewiseTheReference) {
    work_off<mutex_reference>(250'000);
}

}  // namespace
