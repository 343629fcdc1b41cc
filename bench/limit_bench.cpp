// The adaptive limit, lock-free beside reference: a call that is timed and counted, one that says nothing, one that is
// refused; and what a metrics thread asks.
#include "service.hpp"
#include "suite.hpp"

#include <bulwark/adaptive_limit.hpp>
#include <bulwark/reference/adaptive_limit.hpp>

#include <cstdint>
#include <vector>

namespace bulwark::bench {
namespace {

adaptive_limit_config<gradient> room_for(int threads) {
    const std::uint32_t limit = 2 * static_cast<std::uint32_t>(threads);
    // Between equal bounds the limit stays as it is, and nobody is refused; the windows are worked out all the same.
    return {.initial = limit, .min = limit, .max = limit};
}

/// Two readings of the clock, and the windows as they come.
template <class Limit>
struct timed_call {
    explicit timed_call(int threads) : limit(room_for(threads)) {}
    void operator()(benchmark::State& state) {
        std::uint64_t done = 0;
        for (auto _ : state) {
            if (auto permit = limit.try_acquire()) {
                need(service());
                permit->success();
                ++done;
            }
        }
        report_done(state, static_cast<double>(done));
    }
    Limit limit;
};

template <class Limit>
struct ignored_call {
    explicit ignored_call(int threads) : limit(room_for(threads)) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            if (auto permit = limit.try_acquire()) {
                need(service());
                permit->ignore();
            }
        }
    }
    Limit limit;
};

/// As a layer of its own.
template <class Limit>
struct executed_call {
    explicit executed_call(int threads) : limit(room_for(threads)) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) need(*limit.execute([] { return service(); }));
    }
    Limit limit;
};

/// Every place is held by somebody who stays.
template <class Limit>
struct refused_call {
    explicit refused_call(int) {
        while (auto permit = limit.try_acquire()) held.push_back(std::move(*permit));
    }
    void operator()(benchmark::State& state) {
        for (auto _ : state) need(limit.try_acquire().has_value());
    }
    Limit limit{{.initial = 8}};
    std::vector<typename Limit::permit> held;
};

template <class Limit>
struct observed {
    explicit observed(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) need(limit.limit());
    }
    Limit limit;
};

}  // namespace

void add_limit_cases(suite& all) {
    using lock_free = adaptive_limit;
    using mutex = reference::adaptive_limit;

    all.of<timed_call>("limit_timed", "timed_call").side<lock_free>("lock_free").side<mutex>(reference_side);
    all.of<executed_call>("limit_execute", "timed_call").side<lock_free>("lock_free").side<mutex>(reference_side);
    all.of<ignored_call>("limit_ignored", "two_locked_rmw").side<lock_free>("lock_free").side<mutex>(reference_side);
    all.of<refused_call>("limit_refusal", "shared_load").side<lock_free>("lock_free").side<mutex>(reference_side);
    all.of<observed>("limit_observe", "shared_load").side<lock_free>("lock_free").side<mutex>(reference_side);
}

}  // namespace bulwark::bench
