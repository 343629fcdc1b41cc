// The slots of threads: no two that live at once have the same one, and what a thread leaves is taken again.
#include <bulwark/bulwark.hpp>
#include <bulwark/detail/thread_slot.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

namespace {

using bulwark::breaker_counts;
using bulwark::detail::max_thread_slots;
using bulwark::detail::no_thread_slot;
using bulwark::detail::thread_slot;
using namespace std::chrono_literals;

/// A thread that takes its slot, does something, and lives until it is told to end.
class sleeper {
public:
    template <class F>
    explicit sleeper(F act)
        : thread_([this, act] {
              const std::uint32_t slot = thread_slot();
              act();
              std::unique_lock lock(mutex_);
              slot_ = slot;
              known_ = true;
              changed_.notify_all();
              changed_.wait(lock, [&] { return ended_; });
          }) {}
    sleeper() : sleeper([] {}) {}

    std::uint32_t slot() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return known_; });
        return slot_;
    }

    void end() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) thread_.join();
    }

    ~sleeper() { end(); }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint32_t slot_ = 0;
    bool known_ = false;
    bool ended_ = false;
    std::thread thread_;
};

TEST(ThreadSlot, IsTheSameForAsLongAsTheThreadLives) {
    const std::uint32_t mine = thread_slot();
    EXPECT_LT(mine, max_thread_slots);
    EXPECT_EQ(thread_slot(), mine);
}

TEST(ThreadSlot, IsTheLowestThatNoLivingThreadHas) {
    std::set<std::uint32_t> taken = {thread_slot()};
    std::deque<sleeper> sleepers;
    for (std::uint32_t i = 0; i != 150; ++i) {
        std::uint32_t lowest = 0;
        while (taken.contains(lowest)) ++lowest;
        ASSERT_EQ(sleepers.emplace_back().slot(), lowest);
        taken.insert(lowest);
    }
    // At both ends of a word of the bits, and in the middle.
    for (const std::size_t which : {0U, 61U, 62U, 63U, 64U, 100U, 149U}) {
        const std::uint32_t left = sleepers[which].slot();
        sleepers[which].end();
        EXPECT_EQ(sleepers.emplace_back().slot(), left);
    }
    for (auto& s : sleepers) s.end();
    EXPECT_EQ(sleeper().slot(), thread_slot() == 0 ? 1U : 0U) << "all have come back";
}

TEST(ThreadSlot, ThreadsWithoutASlotCountAllTheSame) {
    ASSERT_NE(bulwark::detail::thread_slot(), no_thread_slot);  // this thread has one too
    bulwark::circuit_breaker b{{.interval = 0s, .cells = max_thread_slots}};
    bulwark::bulkhead pool{{.max_concurrent = 1024}};
    std::deque<sleeper> sleepers;
    std::set<std::uint32_t> slots;
    constexpr std::uint32_t threads = max_thread_slots + 20;
    std::uint32_t without = 0;
    for (std::uint32_t i = 0; i != threads; ++i) {
        const std::uint32_t slot = sleepers
                                       .emplace_back([&] {
                                           b.try_acquire()->success();
                                           (void)pool.execute([] {});
                                       })
                                       .slot();
        if (slot == no_thread_slot) {
            ++without;
        } else {
            ASSERT_LT(slot, max_thread_slots);
            ASSERT_TRUE(slots.insert(slot).second) << slot << " was given twice";
        }
    }
    EXPECT_EQ(slots.size() + 1, max_thread_slots) << "and the one of this thread";
    EXPECT_EQ(without, threads + 1 - max_thread_slots);
    EXPECT_EQ(b.counts(), (breaker_counts{threads, threads, 0, 0, threads, 0}));
    EXPECT_EQ(pool.in_use(), 0U);
    // The end of a thread without a slot gives none back, that of any other does.
    sleepers.back().end();
    EXPECT_EQ(sleeper().slot(), no_thread_slot);
    const std::uint32_t left = sleepers.front().slot();
    sleepers.front().end();
    EXPECT_EQ(sleeper().slot(), left);
}

/// Uses the library when the thread has given its slot back.
struct latecomer {
    bulwark::circuit_breaker* b = nullptr;
    bulwark::bulkhead* pool = nullptr;
    std::uint32_t* slot = nullptr;

    ~latecomer() {
        if (b == nullptr) return;
        b->try_acquire()->success();
        (void)pool->execute([] {});
        *slot = thread_slot();
    }
};

TEST(ThreadSlot, AThreadLocalThatOutlivesItIsServedAllTheSame) {
    bulwark::circuit_breaker b{{.interval = 0s}};
    bulwark::bulkhead pool{{.max_concurrent = 64, .stripes = 64}};
    std::uint32_t at_first = no_thread_slot;
    std::uint32_t at_last = 0;
    std::thread([&] {
        static thread_local latecomer late;  // begun before the slot, so that it ends after it
        late.b = &b;
        late.pool = &pool;
        late.slot = &at_last;
        at_first = thread_slot();
        b.try_acquire()->success();
    }).join();
    EXPECT_LT(at_first, max_thread_slots);
    EXPECT_EQ(at_last, no_thread_slot);
    EXPECT_EQ(b.counts(), (breaker_counts{2, 2, 0, 0, 2, 0}));
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(sleeper().slot(), at_first) << "it has come back, once";
}

}  // namespace
