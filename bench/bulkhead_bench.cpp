// The bulkhead, lock-free beside reference and beside the semaphores that users have at hand: room for all, room for
// half of them, and no room.
#include "semaphores.hpp"
#include "service.hpp"
#include "suite.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace bulwark::bench {
namespace {

template <class Bulkhead>
void take_and_give_back(benchmark::State& state, Bulkhead& pool) {
    std::uint64_t done = 0;
    for (auto _ : state) {
        if (auto slot = pool.try_acquire()) {
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

/// So many permits that the default spreads them over stripes.
template <class Bulkhead>
struct pair_large {
    explicit pair_large(int) {}
    void operator()(benchmark::State& state) { take_and_give_back(state, pool); }
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
    explicit with_stripes(const bulkhead_config& config)
        : bulkhead({.max_concurrent = config.max_concurrent, .stripes = Stripes}) {}
};

}  // namespace

void add_bulkhead_cases(suite& all) {
    using lock_free = bulkhead;
    using one_word = with_stripes<1>;
    using striped = with_stripes<8>;
    using mutex = reference::bulkhead;

    add_semaphores(all.of<pair_with_room>("bulkhead_pair", "two_locked_rmw")
                       .side<lock_free>("lock_free")
                       .side<mutex>(reference_side));
    all.of<pair_large>("bulkhead_large", "two_own_rmw")
        .side<lock_free>("lock_free")
        .side<one_word>("one_word")
        .side<mutex>(reference_side);
    all.of<pair_contended>("bulkhead_contended", "two_locked_rmw", 2)
        .side<lock_free>("lock_free")
        .side<mutex>(reference_side);
    add_semaphores(all.of<refusal>("bulkhead_refusal", "shared_load")
                       .side<lock_free>("lock_free")
                       .side<striped>("striped")
                       .side<mutex>(reference_side));
    all.of<observe>("bulkhead_in_use", "shared_load").side<lock_free>("lock_free").side<mutex>(reference_side);
}

}  // namespace bulwark::bench
