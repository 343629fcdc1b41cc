// The thread-pool bulkhead's contract: what is accepted and refused, what becomes of every future, and the counts.
#include <bulwark/thread_pool_bulkhead.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <latch>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bulwark::bulkhead_event;
using bulwark::bulkhead_event_kind;
using bulwark::errc;
using bulwark::stop_mode;
using bulwark::thread_pool_bulkhead;

/// So many tasks that have begun and stay until they are let go; let go at the end of the scope at the latest, so that
/// a test that fails does not hang.
class held_workers {
public:
    held_workers(thread_pool_bulkhead& pool, int workers) : began_(workers) {
        for (int i = 0; i != workers; ++i) {
            futures_.push_back(pool.submit([this] {
                                       began_.count_down();
                                       let_go_.wait();
                                   })
                                   .value());
        }
        began_.wait();
    }
    held_workers(const held_workers&) = delete;
    held_workers& operator=(const held_workers&) = delete;
    ~held_workers() { let_go(); }

    void let_go() {
        if (!std::exchange(gone_, true)) let_go_.count_down();
        for (auto& f : futures_) f.wait();
    }

private:
    std::latch began_;
    std::latch let_go_{1};
    bool gone_ = false;
    std::vector<std::future<void>> futures_;
};

void adds_up(const bulwark::thread_pool_bulkhead_snapshot& s) {
    EXPECT_EQ(s.submitted, s.completed + s.failed + s.cancelled + s.busy + s.queued);
    EXPECT_LE(s.busy, s.threads);
}

template <class T>
bool is_ready(const std::future<T>& f) {
    return f.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

/// For tests that look into an exception. It counts its references inside the C++ library, where ThreadSanitizer does
/// not see them; shared, it stays with the future, whose references are counted here.
template <class T>
using kept_future = std::shared_future<T>;

/// The errc that a future has, errc{} where it has a value.
template <class T>
std::error_code error_of(std::future<T>& f) {
    try {
        (void)f.get();
        return {};
    } catch (const std::system_error& e) {
        return e.code();
    }
}

TEST(ThreadPoolBulkhead, RunsWhatIsSubmittedAndCarriesWhatItReturns) {
    thread_pool_bulkhead pool{{.threads = 2, .max_queued = 10}};
    EXPECT_EQ(pool.threads(), 2U);
    EXPECT_EQ(pool.max_queued(), 10U);
    EXPECT_EQ(pool.submit([] { return 7; })->get(), 7);
    const auto there = pool.submit([] { return std::this_thread::get_id(); });
    EXPECT_TRUE(there);
    int kept = 1;
    pool.submit([&] { kept = 2; })->get();
    EXPECT_EQ(kept, 2);
    std::future<int&> reference = pool.submit([&]() -> int& { return kept; }).value();
    EXPECT_EQ(&reference.get(), &kept);
    const auto moved = [&]() -> int&& { return std::move(kept); };
    std::future<int> from_rvalue = pool.submit(moved).value();
    EXPECT_EQ(from_rvalue.get(), 2);
    auto owned = pool.submit([p = std::make_unique<int>(3)]() mutable { return std::move(p); });
    EXPECT_EQ(*owned->get(), 3) << "move-only in, move-only out";
    EXPECT_EQ(pool.submit(+[] { return 4; })->get(), 4) << "a plain function";
}

TEST(ThreadPoolBulkhead, RunsOnThreadsOfItsOwnAsManyAsAskedFor) {
    thread_pool_bulkhead pool{{.threads = 3}};
    held_workers three(pool, 3);  // returns only if three run at once
    EXPECT_EQ(pool.submit([] {}).error(), errc::queue_full) << "and there is no fourth";
    three.let_go();
    EXPECT_NE(pool.submit([] { return std::this_thread::get_id(); })->get(), std::this_thread::get_id());
}

TEST(ThreadPoolBulkhead, CarriesExceptions) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 1}};
    auto failed = pool.submit([]() -> int { throw std::runtime_error("service"); });
    EXPECT_THROW(failed->get(), std::runtime_error);
    EXPECT_EQ(pool.submit([] { return 1; })->get(), 1) << "the worker lives";
    const auto s = pool.snapshot();
    EXPECT_EQ(s.failed, 1U);
    EXPECT_EQ(s.completed, 1U);
    adds_up(s);
}

TEST(ThreadPoolBulkhead, RefusesAtOnceBeyondItsWorkersAndItsQueue) {
    thread_pool_bulkhead pool{{.threads = 2, .max_queued = 3}};
    held_workers both(pool, 2);
    std::vector<int> order;
    std::mutex mutex;
    std::vector<std::future<void>> queued;
    for (int i = 0; i != 3; ++i) {
        queued.push_back(pool.submit([&, i] {
                                 const std::lock_guard lock(mutex);
                                 order.push_back(i);
                             })
                             .value());
    }
    auto last = std::make_unique<int>(1);
    auto would = [p = std::move(last)] { return *p; };
    for (int i = 0; i != 5; ++i) EXPECT_EQ(pool.submit(std::move(would)).error(), errc::queue_full);
    auto s = pool.snapshot();
    adds_up(s);
    EXPECT_EQ(s.threads, 2U);
    EXPECT_EQ(s.busy, 2U);
    EXPECT_EQ(s.queued, 3U);
    EXPECT_EQ(s.submitted, 5U);
    EXPECT_EQ(s.refused, 5U);
    EXPECT_EQ(s.completed, 0U);
    both.let_go();
    for (auto& f : queued) f.get();
    EXPECT_EQ(pool.submit(std::move(would))->get(), 1) << "a refusal had left the function as it was";
    s = pool.snapshot();
    adds_up(s);
    EXPECT_EQ(s.completed, 6U);
    EXPECT_EQ(s.busy + s.queued, 0U);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(ThreadPoolBulkhead, OneWorkerServesInOrder) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 100}};
    held_workers one(pool, 1);
    std::vector<int> order;
    for (int i = 0; i != 100; ++i) ASSERT_TRUE(pool.submit([&, i] { order.push_back(i); }));
    EXPECT_EQ(pool.submit([] {}).error(), errc::queue_full);
    one.let_go();
    pool.stop(stop_mode::drain);
    EXPECT_TRUE(pool.join());
    EXPECT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ThreadPoolBulkhead, WhoHasTheValueFindsRoomAndTheCallCounted) {
    thread_pool_bulkhead pool{{.threads = 1}};
    for (std::uint64_t i = 0; i != 5000; ++i) {
        const auto token = std::make_shared<int>(1);
        auto f = pool.submit([token] {});
        ASSERT_TRUE(f) << "call " << i << ": the place of the one before was not free";
        f->get();
        ASSERT_EQ(token.use_count(), 1) << "the function was not destroyed";
        ASSERT_EQ(pool.snapshot().completed, i + 1);
        ASSERT_EQ(pool.snapshot().busy, 0U);
    }
}

TEST(ThreadPoolBulkhead, StopThatDrainsRunsAllThatIsQueued) {
    thread_pool_bulkhead pool{{.threads = 2, .max_queued = 50}};
    held_workers both(pool, 2);
    std::atomic<int> ran{0};
    std::vector<std::future<void>> queued;
    for (int i = 0; i != 50; ++i) queued.push_back(pool.submit([&] { ++ran; }).value());
    pool.stop(stop_mode::drain);
    pool.stop(stop_mode::drain);
    EXPECT_EQ(pool.submit([] {}).error(), errc::stopped);
    EXPECT_EQ(pool.snapshot().queued, 50U) << "nothing is dropped";
    both.let_go();
    EXPECT_TRUE(pool.join());
    EXPECT_TRUE(pool.join()) << "and again";
    EXPECT_EQ(ran, 50);
    for (auto& f : queued) EXPECT_TRUE(is_ready(f));
    const auto s = pool.snapshot();
    adds_up(s);
    EXPECT_EQ(s.completed, 52U);
    EXPECT_EQ(s.stopped, 1U);
    EXPECT_EQ(s.refused, 0U);
}

TEST(ThreadPoolBulkhead, StopThatCancelsDropsWhatHasNotBegunAndSaysSo) {
    thread_pool_bulkhead pool{{.threads = 2, .max_queued = 50}};
    held_workers both(pool, 2);
    const auto token = std::make_shared<int>(1);
    std::vector<std::future<int>> queued;
    for (int i = 0; i != 50; ++i) queued.push_back(pool.submit([token] { return *token; }).value());
    pool.stop(stop_mode::cancel);
    for (auto& f : queued) {
        ASSERT_TRUE(is_ready(f)) << "though both workers are still held";
        EXPECT_EQ(error_of(f), errc::stopped);
    }
    EXPECT_EQ(token.use_count(), 1);
    auto s = pool.snapshot();
    adds_up(s);
    EXPECT_EQ(s.cancelled, 50U);
    EXPECT_EQ(s.busy, 2U) << "what has begun goes on";
    EXPECT_EQ(s.queued, 0U);
    pool.stop(stop_mode::cancel);
    EXPECT_EQ(pool.submit([] {}).error(), errc::stopped);
    both.let_go();
    EXPECT_TRUE(pool.join());
    s = pool.snapshot();
    adds_up(s);
    EXPECT_EQ(s.completed, 2U);
    EXPECT_EQ(s.cancelled, 50U);
}

TEST(ThreadPoolBulkhead, CancelAfterDrainDropsWhatIsStillQueued) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 2}};
    held_workers one(pool, 1);
    auto queued = pool.submit([] {}).value();
    pool.stop(stop_mode::drain);
    EXPECT_FALSE(is_ready(queued));
    pool.stop(stop_mode::cancel);
    EXPECT_EQ(error_of(queued), errc::stopped);
    pool.stop(stop_mode::drain);  // too late for anything
    EXPECT_EQ(pool.snapshot().cancelled, 1U);
}

TEST(ThreadPoolBulkhead, DestructionRunsAllThatWasAccepted) {
    std::atomic<int> ran{0};
    std::vector<std::future<int>> futures;
    {
        thread_pool_bulkhead pool{{.threads = 2, .max_queued = 100}};
        for (int i = 0; i != 100; ++i) futures.push_back(pool.submit([&ran, i] { return ++ran, i; }).value());
    }
    EXPECT_EQ(ran, 100);
    for (int i = 0; i != 100; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), i);
}

TEST(ThreadPoolBulkhead, APoolThatWasNeverUsedGoes) {
    const thread_pool_bulkhead pool{{.threads = 4, .max_queued = 1}};
    adds_up(pool.snapshot());
}

TEST(ThreadPoolBulkhead, ATaskMaySubmit) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 1}};
    std::future<int> inner;
    errc refusal{};
    pool.submit([&] {
            inner = pool.submit([] { return 2; }).value();
            refusal = pool.submit([] { return 3; }).error();  // refused, and does not wait for itself
        })
        ->get();
    EXPECT_EQ(inner.get(), 2);
    EXPECT_EQ(refusal, errc::queue_full);
}

TEST(ThreadPoolBulkhead, ATaskMayStopThePool) {
    for (const stop_mode mode : {stop_mode::drain, stop_mode::cancel}) {
        thread_pool_bulkhead pool{{.threads = 2, .max_queued = 3}};
        std::latch all_there(2);
        std::latch stopped(1);
        auto first = pool.submit([&] {
            all_there.wait();
            pool.stop(mode);
            const bool joined = pool.join();  // would wait for itself
            stopped.count_down();
            return joined;
        });
        auto second = pool.submit([&] {
            all_there.count_down();
            stopped.wait();
        });
        auto third = pool.submit([] {}).value();
        all_there.count_down();
        EXPECT_FALSE(first->get());
        second->get();
        EXPECT_TRUE(pool.join());
        EXPECT_EQ(error_of(third), mode == stop_mode::cancel ? make_error_code(errc::stopped) : std::error_code());
        EXPECT_EQ(pool.submit([] {}).error(), errc::stopped);
        adds_up(pool.snapshot());
    }
}

/// Runs something when it is destroyed.
class at_its_end {
public:
    explicit at_its_end(std::function<void()> what) : what_(std::move(what)) {}
    at_its_end(at_its_end&& other) noexcept : what_(std::exchange(other.what_, nullptr)) {}
    at_its_end& operator=(at_its_end&&) = delete;
    ~at_its_end() {
        if (what_) what_();
    }
    void operator()() const {}

private:
    std::function<void()> what_;
};

TEST(ThreadPoolBulkhead, WhatADroppedFunctionHeldMayUseThePoolAsItGoes) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 2}};
    held_workers one(pool, 1);
    errc refusal{};
    bool joined = true;
    auto dropped = pool.submit(at_its_end([&] {
                           refusal = pool.submit([] {}).error();
                           joined = pool.join();
                           pool.stop(stop_mode::cancel);
                       }))
                       .value();
    pool.stop(stop_mode::cancel);
    EXPECT_EQ(refusal, errc::stopped);
    EXPECT_FALSE(joined) << "stop() waits for it";
    EXPECT_EQ(error_of(dropped), errc::stopped);
}

TEST(ThreadPoolBulkhead, WhoJoinsWaitsForWhatAnotherThreadStillDrops) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 2}};
    held_workers one(pool, 1);
    std::latch dropping(1);
    std::atomic<bool> joined{false};
    // While the first is destroyed nothing runs any more, and neither future is ready.
    auto first = pool.submit(at_its_end([&] {
                         dropping.count_down();
                         for (int i = 0; i != 10'000 && !joined; ++i) std::this_thread::yield();
                         EXPECT_FALSE(joined);
                     }))
                     .value();
    auto second = pool.submit([] {}).value();
    std::jthread other([&] { pool.stop(stop_mode::cancel); });
    dropping.wait();
    one.let_go();
    EXPECT_TRUE(pool.join());
    joined = true;
    EXPECT_TRUE(is_ready(first));
    EXPECT_TRUE(is_ready(second));
}

TEST(ThreadPoolBulkhead, DestructionWaitsForWhatAnotherThreadStillDrops) {
    auto pool =
        std::make_unique<thread_pool_bulkhead>(bulwark::thread_pool_bulkhead_config{.threads = 1, .max_queued = 2});
    std::optional<held_workers> one(std::in_place, *pool, 1);
    std::latch dropping(1);
    std::atomic<bool> gone{false};
    auto first = pool->submit([] {}).value();
    auto second = pool->submit(at_its_end([&] {
                          dropping.count_down();
                          for (int i = 0; i != 10'000 && !gone; ++i) std::this_thread::yield();
                          EXPECT_FALSE(gone);
                      }))
                      .value();
    std::jthread other([&, dying = pool.get()] { dying->stop(stop_mode::cancel); });
    first.wait();  // all that this owner waits for
    dropping.wait();
    one.reset();
    pool.reset();
    gone = true;
    EXPECT_TRUE(is_ready(second));
}

TEST(ThreadPoolBulkhead, StoppedByTwoThreadsAtOnceEveryFutureIsReady) {
    std::mt19937_64 random(1);
    for (int round = 0; round != 200; ++round) {
        thread_pool_bulkhead pool{{.threads = 2, .max_queued = 20}};
        std::vector<std::future<int>> futures;
        for (int i = 0; i != 20; ++i) futures.push_back(pool.submit([] { return 1; }).value());
        const std::array<stop_mode, 2> modes{random() % 2 == 0 ? stop_mode::drain : stop_mode::cancel,
                                             random() % 2 == 0 ? stop_mode::drain : stop_mode::cancel};
        std::latch together(2);
        std::vector<std::jthread> stoppers;
        for (const stop_mode mode : modes) {
            stoppers.emplace_back([&, mode] {
                together.arrive_and_wait();
                pool.stop(mode);
                EXPECT_TRUE(pool.join());
            });
        }
        stoppers.clear();
        std::uint64_t dropped = 0;
        for (auto& f : futures) {
            ASSERT_TRUE(is_ready(f));
            dropped += error_of(f) == errc::stopped ? 1U : 0U;
        }
        const auto s = pool.snapshot();
        adds_up(s);
        EXPECT_EQ(s.submitted, 20U);
        EXPECT_EQ(s.cancelled, dropped);
        if (modes[0] == stop_mode::drain && modes[1] == stop_mode::drain) {
            EXPECT_EQ(dropped, 0U);
        }
    }
}

/// Throws when it is copied or moved for the nth time.
struct fragile {
    explicit fragile(int moves_left) : left(moves_left) {}
    fragile(const fragile& other) : left(other.left) { wear(); }
    fragile(fragile&& other) : left(other.left) { wear(); }
    fragile& operator=(const fragile&) = delete;
    ~fragile() = default;
    void wear() {
        if (left-- == 0) throw std::length_error("worn out");
    }
    int operator()() const { return 1; }

    int left;
};

TEST(ThreadPoolBulkhead, AFunctionThatThrowsAsItIsMovedLeavesAllAsItWas) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 1}};
    const fragile lasting(0);
    for (int i = 0; i != 10; ++i) {
        EXPECT_THROW((void)pool.submit(lasting), std::length_error);
        EXPECT_THROW((void)pool.submit(fragile(0)), std::length_error);
    }
    auto s = pool.snapshot();
    EXPECT_EQ(s.submitted, 0U);
    EXPECT_EQ(s.refused, 0U);
    EXPECT_EQ(s.busy + s.queued, 0U);
    held_workers one(pool, 1);
    EXPECT_TRUE(pool.submit(fragile(1))) << "moved once, and no place was lost";
    EXPECT_EQ(pool.submit([] {}).error(), errc::queue_full);
}

TEST(ThreadPoolBulkhead, AResultThatThrowsAsItIsMovedIsTheFuturesException) {
    thread_pool_bulkhead pool{{.threads = 1}};
    for (int moves = 0; moves != 3; ++moves) {
        auto accepted = pool.submit([moves] { return fragile(moves); });
        ASSERT_TRUE(accepted) << "a place was lost";
        const kept_future<fragile> f = accepted->share();
        try {
            (void)f.get();
        } catch (const std::length_error& e) {
            EXPECT_STREQ(e.what(), "worn out");
        }
    }
    EXPECT_EQ(pool.submit([] { return 1; })->get(), 1);
    adds_up(pool.snapshot());
    EXPECT_EQ(pool.snapshot().submitted, 4U);
}

TEST(ThreadPoolBulkhead, SaturationIsToldOnceAndRefusalsEachTime) {
    std::vector<bulkhead_event> events;
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 2, .on_event = [&](const bulkhead_event& e) {
                                   events.push_back(e);
                                   throw std::runtime_error("a listener's");
                               }}};
    const bulkhead_event saturated{.kind = bulkhead_event_kind::saturated, .weight = 1};
    const bulkhead_event full{.kind = bulkhead_event_kind::refused, .reason = errc::queue_full, .weight = 1};
    {
        held_workers one(pool, 1);
        EXPECT_TRUE(events.empty()) << "a worker was free";
        auto first = pool.submit([] {});
        EXPECT_EQ(events, (std::vector{saturated}));
        auto second = pool.submit([] {});
        EXPECT_EQ(events, (std::vector{saturated}));
        (void)pool.submit([] {});
        (void)pool.submit([] {});
        EXPECT_EQ(events, (std::vector{saturated, full, full}));
        one.let_go();
        first->get();
        second->get();
    }
    events.clear();
    pool.submit([] {})->get();
    EXPECT_TRUE(events.empty());
    held_workers again(pool, 1);
    (void)pool.submit([] {});
    EXPECT_EQ(events, (std::vector{saturated})) << "a worker had been free in between";
    pool.stop(stop_mode::cancel);
    (void)pool.submit([] {});
    EXPECT_EQ(events.back(),
              (bulkhead_event{.kind = bulkhead_event_kind::refused, .reason = errc::stopped, .weight = 1}));
}

TEST(ThreadPoolBulkhead, WithoutAQueueTheFirstRefusalIsTheSaturation) {
    std::vector<bulkhead_event_kind> events;
    thread_pool_bulkhead pool{{.threads = 1, .on_event = [&](const bulkhead_event& e) { events.push_back(e.kind); }}};
    held_workers one(pool, 1);
    (void)pool.submit([] {});
    (void)pool.submit([] {});
    EXPECT_EQ(events, (std::vector{bulkhead_event_kind::saturated, bulkhead_event_kind::refused,
                                   bulkhead_event_kind::refused}));
}

TEST(ThreadPoolBulkhead, AListenerMayUseThePool) {
    std::optional<thread_pool_bulkhead> pool;
    std::uint64_t refused = 0;
    pool.emplace(
        bulwark::thread_pool_bulkhead_config{.threads = 1, .max_queued = 0, .on_event = [&](const bulkhead_event& e) {
                                                 if (e.kind != bulkhead_event_kind::refused) return;
                                                 refused = pool->snapshot().refused;
                                                 pool->stop(stop_mode::drain);
                                             }});
    held_workers one(*pool, 1);
    EXPECT_EQ(pool->submit([] {}).error(), errc::queue_full);
    EXPECT_EQ(refused, 1U);
    EXPECT_EQ(pool->submit([] {}).error(), errc::stopped);
}

TEST(ThreadPoolBulkhead, TheLongestTimeQueuedIsOfThoseThatStandThereToo) {
    using clock = std::chrono::steady_clock;
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 1}};
    held_workers one(pool, 1);
    const auto before_it = pool.snapshot().longest_queued;
    auto queued = pool.submit([] {});
    const auto submitted = clock::now();
    const auto first = pool.snapshot().longest_queued;
    // Longer than the call that was there before.
    while (clock::now() - submitted <= before_it) {
    }
    const auto waited = clock::now() - submitted;
    const auto second = pool.snapshot().longest_queued;
    EXPECT_GE(first, before_it);
    EXPECT_GE(second, waited);
    one.let_go();
    queued->get();
    EXPECT_GE(pool.snapshot().longest_queued, second) << "it is remembered";
    const auto after = pool.snapshot().longest_queued;
    EXPECT_EQ(pool.snapshot().longest_queued, after) << "nobody waits";
}

TEST(ThreadPoolBulkhead, TheLongestTimeQueuedKnowsTheDroppedToo) {
    using clock = std::chrono::steady_clock;
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 1}};
    held_workers one(pool, 1);
    const auto before_it = pool.snapshot().longest_queued;
    auto queued = pool.submit([] {});
    const auto submitted = clock::now();
    while (clock::now() - submitted <= before_it) {
    }
    const auto waited = clock::now() - submitted;
    pool.stop(stop_mode::cancel);
    EXPECT_GE(pool.snapshot().longest_queued, waited);
}

TEST(ThreadPoolBulkhead, TheTimesQueuedAreSummedAndInBuckets) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 3}};
    const auto counted = [&] {
        const auto s = pool.snapshot();
        return std::accumulate(s.waits.begin(), s.waits.end(), std::uint64_t{0});
    };
    EXPECT_EQ(counted(), 0U);
    EXPECT_EQ(pool.snapshot().total_queued.count(), 0);
    {
        held_workers one(pool, 1);
        EXPECT_EQ(counted(), 1U);
        const auto before = pool.snapshot();
        std::vector<std::future<void>> queued;
        for (int i = 0; i != 2; ++i) queued.push_back(pool.submit([] {}).value());
        EXPECT_EQ(counted(), 1U) << "they still stand there";
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        one.let_go();
        for (auto& f : queued) f.get();
        const auto after = pool.snapshot();
        EXPECT_EQ(counted(), 3U);
        EXPECT_GE(after.total_queued - before.total_queued, std::chrono::milliseconds(4));
        EXPECT_GE(after.total_queued, after.longest_queued);
        // 2^20 ns are just over a millisecond.
        EXPECT_EQ(std::accumulate(after.waits.begin() + 20, after.waits.end(), std::uint64_t{0}) -
                      std::accumulate(before.waits.begin() + 20, before.waits.end(), std::uint64_t{0}),
                  2U);
    }
    held_workers one(pool, 1);
    auto dropped = pool.submit([] {});
    pool.stop(stop_mode::cancel);
    EXPECT_EQ(counted(), 5U) << "what is dropped has left the queue";
}

TEST(ThreadPoolBulkhead, WhatMakesNoSenseIsRefusedByItsField) {
    const auto refusal = [](bulwark::thread_pool_bulkhead_config config) -> std::string {
        try {
            validate(config);
            return "";
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
    };
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
    EXPECT_EQ(refusal({.threads = 1}), "");
    EXPECT_EQ(refusal({.threads = 65'536, .max_queued = most - 65'536}), "");
    EXPECT_NE(refusal({.threads = 0}).find("threads must"), std::string::npos);
    EXPECT_NE(refusal({.threads = 65'537}).find("threads must"), std::string::npos);
    EXPECT_NE(refusal({.threads = 2, .max_queued = most - 1}).find("max_queued must"), std::string::npos);
    EXPECT_THROW(thread_pool_bulkhead{{}}, std::invalid_argument);
}

/// Everything at once: threads that submit (also from within), tasks that throw, snapshots, and a stop in the middle.
TEST(ThreadPoolBulkhead, WhateverHappensAtOnceNothingIsLost) {
    for (std::uint64_t seed = 1; seed != 21; ++seed) {
        constexpr std::uint32_t workers = 3;
        constexpr std::uint32_t queue = 5;
        thread_pool_bulkhead pool{{.threads = workers, .max_queued = queue}};
        std::atomic<std::uint32_t> inside{0};
        std::atomic<std::uint64_t> begun{0};
        std::atomic<std::uint64_t> accepted{0};
        std::atomic<std::uint64_t> turned_away{0};
        std::atomic<std::uint64_t> came_too_late{0};
        std::atomic<std::uint64_t> dropped{0};
        const auto note = [&](errc refusal) { ++(refusal == errc::stopped ? came_too_late : turned_away); };
        const auto task = [&](bool fails) {
            EXPECT_LE(++inside, workers);
            ++begun;
            --inside;
            if (fails) throw std::runtime_error("service");
        };
        std::vector<std::jthread> team;
        for (std::uint64_t t = 0; t != 3; ++t) {
            team.emplace_back([&, t] {
                std::mt19937_64 random(seed * 10 + t);
                std::vector<kept_future<void>> futures;
                for (int i = 0; i != 300; ++i) {
                    const bool fails = random() % 4 == 0;
                    const bool submits = random() % 4 == 0;
                    auto f = pool.submit([&, fails, submits] {
                        if (submits) {
                            auto inner = pool.submit([&] { task(false); });
                            inner ? void(++accepted) : note(inner.error());
                        }
                        task(fails);
                    });
                    if (!f) {
                        note(f.error());
                        if (!futures.empty()) futures.back().wait();
                        continue;
                    }
                    ++accepted;
                    futures.push_back(f->share());
                }
                for (const auto& f : futures) {
                    try {
                        f.get();
                    } catch (const std::system_error& e) {
                        EXPECT_EQ(e.code(), errc::stopped);
                        ++dropped;
                    } catch (const std::runtime_error& e) {
                        EXPECT_STREQ(e.what(), "service");
                    }
                }
            });
        }
        team.emplace_back([&] {
            bulwark::thread_pool_bulkhead_snapshot last;
            for (int i = 0; i != 2000; ++i) {
                const auto s = pool.snapshot();
                adds_up(s);
                EXPECT_LE(s.queued, queue);
                EXPECT_GE(s.submitted, last.submitted);
                EXPECT_GE(s.completed, last.completed);
                EXPECT_GE(s.longest_queued, last.longest_queued);
                last = s;
            }
            if (seed % 3 != 0) pool.stop(seed % 3 == 1 ? stop_mode::cancel : stop_mode::drain);
        });
        team.clear();
        pool.stop(stop_mode::drain);
        ASSERT_TRUE(pool.join());
        const auto s = pool.snapshot();
        adds_up(s);
        EXPECT_EQ(s.busy + s.queued, 0U);
        EXPECT_EQ(s.submitted, accepted);
        EXPECT_EQ(s.completed + s.failed, begun);
        EXPECT_EQ(s.refused, turned_away);
        EXPECT_EQ(s.stopped, came_too_late);
        EXPECT_GE(s.cancelled, dropped) << "those submitted from within have nobody to count them";
    }
}

}  // namespace
