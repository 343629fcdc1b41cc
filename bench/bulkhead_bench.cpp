// The bulkhead, lock-free beside reference and beside the semaphores that users have at hand: room for all, room for
// half of them, and no room, with and without somebody who waits for it. Nobody here waits for a permit in what is
// measured; handover_bench.cpp and fairness.cpp do that.
#include "semaphores.hpp"
#include "service.hpp"
#include "suite.hpp"
#include "this_thread.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <cstdint>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace bulwark::bench {
namespace {

/// `take` says how a permit is asked for.
template <class Take>
void take_and_give_back(benchmark::State& state, Take take) {
    std::uint64_t done = 0;
    for (auto _ : state) {
        if (auto slot = take()) {
            need(service());
            ++done;
        }
    }
    report_done(state, static_cast<double>(done));
}

/// More permits than threads: never refused.
template <class Bulkhead>
struct pair_with_room {
    explicit pair_with_room(int threads) : pool({.max_concurrent = 2 * static_cast<std::uint32_t>(threads)}) {}
    void operator()(benchmark::State& state) {
        take_and_give_back(state, [this] { return pool.try_acquire(); });
    }
    Bulkhead pool;
};

/// acquire(), which would wait.
template <class Bulkhead>
struct acquire_with_room : pair_with_room<Bulkhead> {
    using pair_with_room<Bulkhead>::pair_with_room;
    void operator()(benchmark::State& state) {
        take_and_give_back(state, [this] { return this->pool.acquire(); });
    }
};

/// So many permits at once, a number that the compiler does not know.
template <class Bulkhead, std::uint32_t Weight>
struct several_with_room {
    explicit several_with_room(int threads)
        : pool({.max_concurrent = 2 * Weight * static_cast<std::uint32_t>(threads)}) {}
    void operator()(benchmark::State& state) {
        std::uint32_t weight = Weight;
        benchmark::DoNotOptimize(weight);
        take_and_give_back(state, [&] { return pool.try_acquire(weight); });
    }
    Bulkhead pool;
};

/// As many bytes as a small message has, of as many as a small machine has.
template <class Bulkhead>
struct bytes_with_room {
    explicit bytes_with_room(int) {}
    void operator()(benchmark::State& state) {
        std::uint64_t bytes = 4096;
        benchmark::DoNotOptimize(bytes);
        take_and_give_back(state, [&] { return pool.try_acquire(bytes); });
    }
    Bulkhead pool{{.max_bytes = std::uint64_t{1} << 30}};
};

/// Permits for half the threads: the counter goes to 0 and back all the time.
template <class Bulkhead>
struct pair_contended {
    explicit pair_contended(int threads) : pool({.max_concurrent = static_cast<std::uint32_t>(threads) / 2}) {}
    void operator()(benchmark::State& state) {
        take_and_give_back(state, [this] { return pool.try_acquire(); });
    }
    Bulkhead pool;
};

/// So many permits that the default spreads them over stripes.
template <class Bulkhead>
struct pair_large {
    explicit pair_large(int) {}
    void operator()(benchmark::State& state) {
        take_and_give_back(state, [this] { return pool.try_acquire(); });
    }
    Bulkhead pool{{.max_concurrent = 4096}};
};

/// Every permit is held by somebody who stays.
template <class Bulkhead>
struct refusal {
    explicit refusal(int) {
        while (auto slot = pool.try_acquire()) held.push_back(std::move(*slot));
    }
    void operator()(benchmark::State& state) {
        for (auto _ : state) need(pool.try_acquire().has_value());
    }
    Bulkhead pool{{.max_concurrent = 8}};
    std::vector<typename Bulkhead::slot> held;
};

/// The only permit is held, and a thread sleeps that waits for it.
template <class Bulkhead>
struct refusal_behind_waiter {
    explicit refusal_behind_waiter(int) {}
    void operator()(benchmark::State& state) {
        // One sets it up before the others are let go, and takes it away when all have stopped.
        const bool first = state.thread_index() == 0;
        std::optional<typename Bulkhead::slot> held;
        std::jthread waiter;
        if (first) {
            held.emplace(std::move(*pool.acquire()));
            std::promise<pid_t> number;
            waiter = std::jthread([&] {
                number.set_value(::gettid());
                const auto slot = pool.acquire();
            });
            const thread_watch watch(number.get_future().get());
            while (!watch.asleep()) std::this_thread::yield();
        }
        for (auto _ : state) need(pool.try_acquire().has_value());
        held.reset();
    }
    Bulkhead pool{{.max_concurrent = 1}};
};

/// What a metrics thread asks, while nobody else is there.
template <class Bulkhead>
struct observe {
    explicit observe(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) need(pool.in_use());
    }
    Bulkhead pool{{.max_concurrent = 1}};
};

/// A bulkhead with so many stripes, whatever its capacity.
template <std::uint32_t Stripes>
struct with_stripes : bulkhead {
    explicit with_stripes(const bulkhead_config& wanted)
        : bulkhead({.max_concurrent = wanted.max_concurrent, .stripes = Stripes}) {}
};

template <class Bulkhead>
using pair_of_1 = several_with_room<Bulkhead, 1>;
template <class Bulkhead>
using pair_of_3 = several_with_room<Bulkhead, 3>;

}  // namespace

void add_bulkhead_cases(suite& all) {
    using lock_free = bulkhead;
    using one_word = with_stripes<1>;
    using striped = with_stripes<8>;
    using mutex = reference::bulkhead;

    add_semaphores_and_limiter(all.of<pair_with_room>("bulkhead_pair", "two_locked_rmw")
                                   .side<lock_free>("lock_free")
                                   .side<mutex>(reference_side));
    add_semaphores(all.of<acquire_with_room>("bulkhead_acquire", "two_locked_rmw")
                       .side<lock_free>("lock_free")
                       .side<mutex>(reference_side));
    all.of<pair_of_1>("bulkhead_pair_of_1", "two_locked_rmw").side<lock_free>("lock_free").side<mutex>(reference_side);
    all.of<pair_of_3>("bulkhead_pair_of_3", "two_locked_rmw").side<lock_free>("lock_free").side<mutex>(reference_side);
    all.of<bytes_with_room>("memory_pair", "two_locked_rmw")
        .side<memory_bulkhead>("lock_free")
        .side<reference::memory_bulkhead>(reference_side);
    all.of<pair_large>("bulkhead_large", "two_own_rmw")
        .side<lock_free>("lock_free")
        .side<one_word>("one_word")
        .side<mutex>(reference_side);
    all.of<pair_contended>("bulkhead_contended", "two_locked_rmw", {.min_threads = 2})
        .side<lock_free>("lock_free")
        .side<mutex>(reference_side);
    add_semaphores_and_limiter(all.of<refusal>("bulkhead_refusal", "shared_load")
                                   .side<lock_free>("lock_free")
                                   .side<striped>("striped")
                                   .side<mutex>(reference_side));
    add_semaphores(all.of<refusal_behind_waiter>("bulkhead_queued", "shared_load")
                       .side<lock_free>("lock_free")
                       .side<mutex>(reference_side));
    all.of<observe>("bulkhead_in_use", "shared_load").side<lock_free>("lock_free").side<mutex>(reference_side);
}

}  // namespace bulwark::bench
