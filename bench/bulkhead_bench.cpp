// The bulkhead, lock-free beside reference: room for all, room for half of them, and no room.
#include "service.hpp"
#include "suite.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <cstdint>

namespace bulwark::bench {
namespace {

template <class Bulkhead>
void take_and_give_back(benchmark::State& state, Bulkhead& pool) {
    std::uint64_t done = 0;
    for (auto _ : state) {
        if (auto slot = pool.try_acquire()) {
            benchmark::DoNotOptimize(service());
            ++done;
        }
    }
    report_done(state, static_cast<double>(done));
}

/// More permits than threads: never refused.
template <class Bulkhead>
struct pair_with_room {
    explicit pair_with_room(int threads) : pool({.max_concurrent = 2 * static_cast<std::uint32_t>(threads)}) {}
    void operator()(benchmark::State& state) { take_and_give_back(state, pool); }
    Bulkhead pool;
};

/// Permits for half the threads: the counter goes to 0 and back all the time.
template <class Bulkhead>
struct pair_contended {
    explicit pair_contended(int threads) : pool({.max_concurrent = static_cast<std::uint32_t>(threads) / 2}) {}
    void operator()(benchmark::State& state) { take_and_give_back(state, pool); }
    Bulkhead pool;
};

/// Every permit is held by somebody who stays.
template <class Bulkhead>
struct refusal {
    explicit refusal(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) benchmark::DoNotOptimize(pool.execute(&service).has_error());
    }
    Bulkhead pool{{.max_concurrent = 1}};
    typename Bulkhead::slot held = pool.try_acquire().value();
};

/// What a metrics thread asks, while nobody else is there.
template <class Bulkhead>
struct observe {
    explicit observe(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) benchmark::DoNotOptimize(pool.in_use());
    }
    Bulkhead pool{{.max_concurrent = 1}};
};

}  // namespace

void add_bulkhead_cases(suite& all) {
    using lock_free = bulkhead;
    using mutex = reference::bulkhead;

    all.add_case<pair_with_room, lock_free, mutex>("bulkhead_pair", {{"locked_rmw", 2}});
    all.add_case<pair_contended, lock_free, mutex>("bulkhead_contended", {{"locked_rmw", 2}}, 2);
    all.add_case<refusal, lock_free, mutex>("bulkhead_refusal", {{"shared_load", 1}});
    all.add_case<observe, lock_free, mutex>("bulkhead_in_use", {{"shared_load", 1}});
}

}  // namespace bulwark::bench
