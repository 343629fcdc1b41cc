// The floor: what the machine charges for the parts that no implementation can do without. Measured in the same run and
// at the same numbers of threads as the cases, since a locked instruction on a shared line costs what the others there
// make it cost.
#include "service.hpp"
#include "suite.hpp"

#include <bulwark/clock.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace bulwark::bench {
namespace {

struct empty_call {
    explicit empty_call(int) {}
    void operator()(benchmark::State& state) const {
        for (auto _ : state) benchmark::DoNotOptimize(service());
    }
};

template <class Clock>
struct clock_read {
    explicit clock_read(int) {}
    void operator()(benchmark::State& state) const {
        for (auto _ : state) benchmark::DoNotOptimize(Clock::now());
    }
};

// What all threads share, on a line of its own.
struct shared_word {
    explicit shared_word(int) {}
    alignas(64) std::atomic<std::uint64_t> word{0};
};

/// A load of a line that nobody writes.
struct shared_load : shared_word {
    using shared_word::shared_word;
    void operator()(benchmark::State& state) const {
        for (auto _ : state) benchmark::DoNotOptimize(word.load(std::memory_order_relaxed));
    }
};

struct locked_rmw : shared_word {
    using shared_word::shared_word;
    void operator()(benchmark::State& state) {
        for (auto _ : state) benchmark::DoNotOptimize(word.fetch_add(1, std::memory_order_relaxed));
    }
};

/// The skeleton of a call on one packed word: swapped in, swapped out, and again where another thread was faster.
struct two_cas : shared_word {
    using shared_word::shared_word;
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            add_one();
            add_one();
        }
    }

private:
    void add_one() {
        std::uint64_t seen = word.load(std::memory_order_relaxed);
        while (!word.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) {
        }
    }
};

/// A mutex of each thread's own: what the reference pays before anybody contends.
struct own_mutex {
    explicit own_mutex(int) {}
    void operator()(benchmark::State& state) const {
        std::mutex mutex;
        for (auto _ : state) {
            benchmark::DoNotOptimize(&mutex);
            const std::lock_guard lock(mutex);
            benchmark::ClobberMemory();
        }
    }
};

struct shared_mutex {
    explicit shared_mutex(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            const std::lock_guard lock(mutex);
            benchmark::ClobberMemory();
        }
    }
    std::mutex mutex;
};

}  // namespace

void add_floors(suite& all) {
    all.add_floor<empty_call>("empty_call");
    all.add_floor<shared_load>("shared_load");
    all.add_floor<clock_read<coarse_clock>>("coarse_clock");
    all.add_floor<clock_read<std::chrono::steady_clock>>("steady_clock");
    all.add_floor<locked_rmw>("locked_rmw");
    all.add_floor<two_cas>("two_cas");
    all.add_floor<own_mutex>("own_mutex");
    all.add_floor<shared_mutex>("shared_mutex");
}

}  // namespace bulwark::bench
