// Tells when threads that should get on do not: a waiter that nobody wakes waits for ever, and a run that hangs says
// nothing. The limit is far beyond what a busy machine needs for a step, and only planted defects come near it.
#pragma once

#include "run.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace bulwark::stress {

/// How long no thread may make a step.
template <class Bulkhead>
constexpr std::chrono::milliseconds longest_rest() {
    if constexpr (requires { Bulkhead::longest_rest; }) {
        return Bulkhead::longest_rest;
    } else {
        return std::chrono::seconds(20);
    }
}

/// Watches the threads of one object from its construction to its destruction.
template <class Bulkhead>
class watchdog {
public:
    watchdog(run& r, Bulkhead& pool)
        : run_(r), pool_(pool), steps_(r.threads()), thread_([this](const std::stop_token& end) { watch(end); }) {}

    /// The thread has made a step.
    void step(unsigned thread) {
        // relaxed: a number that changes; only its thread writes it
        auto& mine = steps_[thread].made;
        mine.store(mine.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

private:
    struct alignas(128) counter {
        std::atomic<std::uint64_t> made{0};
    };

    std::uint64_t all_steps() const {
        std::uint64_t sum = 0;
        // relaxed: as in step()
        for (const counter& c : steps_) sum += c.made.load(std::memory_order_relaxed);
        return sum;
    }

    void watch(const std::stop_token& end) {
        std::mutex mutex;
        std::condition_variable_any ended;
        std::unique_lock lock(mutex);
        for (std::uint64_t before = all_steps();;) {
            ended.wait_for(lock, end, longest_rest<Bulkhead>(), [] { return false; });
            if (end.stop_requested()) return;
            const std::uint64_t now = all_steps();
            if (now == before) bark();
            before = now;
        }
    }

    void bark() {
        run_.check(false, "nobody gets on: waiting", pool_.waiting(), "in use", pool_.in_use(), "of", pool_.capacity());
        if constexpr (requires { pool_.rescue(); }) {
            pool_.rescue();
        } else {
            // The threads that wait cannot be joined.
            std::fprintf(stderr, "FAILED: %s\n", run_.failure().c_str());
            std::_Exit(1);
        }
    }

    run& run_;
    Bulkhead& pool_;
    std::vector<counter> steps_;
    std::jthread thread_;  // last: it uses the others
};

}  // namespace bulwark::stress
