// The rate limiter beside the same behind a mutex: a permit granted, a permit refused, by the default clock and by the
// coarse one.
#include "service.hpp"
#include "suite.hpp"

#include <bulwark/clock.hpp>
#include <bulwark/rate_limiter.hpp>
#include <bulwark/reference/rate_limiter.hpp>

#include <chrono>
#include <cstdint>

namespace bulwark::bench {
namespace {

template <class Limiter>
void ask(benchmark::State& state, Limiter& limiter) {
    std::uint64_t granted = 0;
    for (auto _ : state) {
        const bool got = limiter.try_acquire().has_value();
        granted += got ? 1 : 0;
        need(got);
    }
    report_done(state, static_cast<double>(granted));
}

/// A permit a nanosecond, and many of them saved up: never refused.
template <class Limiter>
struct granted {
    explicit granted(int) {}
    void operator()(benchmark::State& state) { ask(state, limiter); }
    Limiter limiter{{.permits = 1, .period = std::chrono::nanoseconds(1), .burst = 1'000'000'000}};
};

/// The only permit of the day is gone.
template <class Limiter>
struct refused {
    explicit refused(int) { (void)limiter.try_acquire(); }
    void operator()(benchmark::State& state) { ask(state, limiter); }
    Limiter limiter{{.permits = 1, .period = std::chrono::hours(24)}};
};

/// A permit every 200 ns: some are granted, most refused.
template <class Limiter>
struct at_its_rate {
    explicit at_its_rate(int) {}
    void operator()(benchmark::State& state) { ask(state, limiter); }
    Limiter limiter{{.permits = 5'000'000, .burst = 100'000}};
};

template <class Clock>
using lock_free = basic_rate_limiter<Clock>;
template <class Clock>
using mutex = reference::basic_rate_limiter<Clock>;

}  // namespace

void add_rate_cases(suite& all) {
    using steady = std::chrono::steady_clock;
    all.of<granted>("rate_granted", "steady_clock_rmw")
        .side<lock_free<steady>>("lock_free")
        .side<mutex<steady>>(reference_side);
    all.of<granted>("rate_granted_coarse", "coarse_clock_rmw")
        .side<lock_free<coarse_clock>>("lock_free")
        .side<mutex<coarse_clock>>(reference_side);
    all.of<refused>("rate_refused", "steady_clock")
        .side<lock_free<steady>>("lock_free")
        .side<mutex<steady>>(reference_side);
    all.of<refused>("rate_refused_coarse", "coarse_clock")
        .side<lock_free<coarse_clock>>("lock_free")
        .side<mutex<coarse_clock>>(reference_side);
    all.of<at_its_rate>("rate_saturated", "steady_clock")
        .side<lock_free<steady>>("lock_free")
        .side<mutex<steady>>(reference_side);
}

}  // namespace bulwark::bench
