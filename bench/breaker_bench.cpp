// The circuit breaker, lock-free beside reference. One breaker is shared by all threads of a run, and nothing is done
// between two calls: the most contention that the number of threads can make.
#include "service.hpp"
#include "suite.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <chrono>
#include <cstdint>
#include <limits>

namespace bulwark::bench {
namespace {

using namespace std::chrono_literals;

/// The defaults, but for a policy: closed, a window of 10 s, so that every event reads the clock.
template <class Policy>
circuit_breaker_config closed_with(Policy policy) {
    circuit_breaker_config config;
    config.ready_to_trip = policy;
    return config;
}

/// Trips at the first failure and then stays out of reach of the clock for as long as anybody measures.
circuit_breaker_config brittle(std::chrono::nanoseconds timeout) {
    circuit_breaker_config config;
    config.ready_to_trip = consecutive_failures(1);
    config.timeout = timeout;
    config.probe_timeout = 24h;
    return config;
}

template <class Breaker>
void trip(Breaker& breaker) {
    breaker.try_acquire().value().failure();
}

/// The call as most users make it.
template <class Breaker>
struct closed_execute {
    explicit closed_execute(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) benchmark::DoNotOptimize(breaker.execute(&service).has_value());
    }
    Breaker breaker;
};

/// The same in two steps, with a permit between them.
template <class Breaker>
struct closed_permit {
    explicit closed_permit(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            auto permit = breaker.try_acquire();
            benchmark::DoNotOptimize(service());
            benchmark::DoNotOptimize(permit->success());
        }
    }
    Breaker breaker;
};

/// Every call fails, and the policy is asked and says no.
template <class Breaker>
struct closed_failure {
    explicit closed_failure(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            auto permit = breaker.try_acquire();
            benchmark::DoNotOptimize(service());
            benchmark::DoNotOptimize(permit->failure());
        }
    }
    Breaker breaker{closed_with(failure_ratio(1.0, std::numeric_limits<std::uint32_t>::max()))};
};

/// One call in four fails: rows of equal outcomes begin and end, and the ratio is worked out. Too few fail to trip it,
/// and 1,000 calls are more than what the threads could report all failing at the start of a window.
template <class Breaker>
struct closed_mixed {
    explicit closed_mixed(int) {}
    void operator()(benchmark::State& state) {
        unsigned calls = 0;
        for (auto _ : state) {
            auto permit = breaker.try_acquire();
            benchmark::DoNotOptimize(service());
            benchmark::DoNotOptimize(++calls % 4 == 0 ? permit->failure() : permit->success());
        }
    }
    Breaker breaker{closed_with(failure_ratio(0.5, 1000))};
};

/// Windows that end every few calls. The coarse clock cannot tell such a window's end, so this is for a fine one.
template <class Breaker>
struct closed_rolling {
    explicit closed_rolling(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) benchmark::DoNotOptimize(breaker.execute(&service).has_value());
    }
    Breaker breaker{{.interval = 1us}};
};

template <class Breaker>
struct open_refusal {
    explicit open_refusal(int) { trip(breaker); }
    void operator()(benchmark::State& state) {
        for (auto _ : state) benchmark::DoNotOptimize(breaker.execute(&service).has_error());
    }
    Breaker breaker{brittle(24h)};
};

/// The only probe is out and does not come back.
template <class Breaker>
struct half_open_refusal {
    explicit half_open_refusal(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) benchmark::DoNotOptimize(breaker.execute(&service).has_error());
    }
    Breaker breaker{brittle(0ns)};
    typename Breaker::permit probe = (trip(breaker), breaker.try_acquire().value());
};

/// Every admission and every outcome may move the state: a failure trips the closed breaker, the next caller is its
/// probe, and that one's success closes it. Alone, a thread makes three transitions in two calls.
template <class Breaker>
struct half_open_cycle {
    explicit half_open_cycle(int) {}
    void operator()(benchmark::State& state) {
        std::uint64_t done = 0;
        bool fails = false;
        for (auto _ : state) {
            fails = !fails;
            if (auto permit = breaker.try_acquire()) {
                benchmark::DoNotOptimize(service());
                if (fails ? permit->failure() : permit->success()) ++done;
            }
        }
        report_done(state, static_cast<double>(done));
    }
    Breaker breaker{brittle(0ns)};
};

/// What a metrics thread asks, while nobody else is there.
template <class Breaker>
struct observe {
    explicit observe(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            auto seen = breaker.snapshot();
            benchmark::DoNotOptimize(seen);
        }
    }
    Breaker breaker;
};

}  // namespace

void add_breaker_cases(suite& all) {
    using lock_free = circuit_breaker;
    using mutex = reference::circuit_breaker;
    using fine_lock_free = basic_circuit_breaker<std::chrono::steady_clock>;
    using fine_mutex = reference::basic_circuit_breaker<std::chrono::steady_clock>;

    // A call must be seen to come and to go, and either may be the first of a new window.
    const std::vector<floor_term> call = {{"locked_rmw", 2}, {"coarse_clock", 2}};
    const std::vector<floor_term> fine_call = {{"locked_rmw", 2}, {"steady_clock", 2}};
    const std::vector<floor_term> look = {{"coarse_clock", 1}};

    all.add_case<closed_execute, lock_free, mutex>("closed_execute", call);
    all.add_case<closed_permit, lock_free, mutex>("closed_permit", call);
    all.add_case<closed_failure, lock_free, mutex>("closed_failure", call);
    all.add_case<closed_mixed, lock_free, mutex>("closed_mixed", call);
    all.add_case<closed_execute, fine_lock_free, fine_mutex>("closed_execute_steady", fine_call);
    all.add_case<closed_rolling, fine_lock_free, fine_mutex>("closed_rolling_steady", fine_call);
    all.add_case<open_refusal, lock_free, mutex>("open_refusal", look);
    all.add_case<half_open_refusal, lock_free, mutex>("half_open_refusal", look);
    all.add_case<half_open_cycle, lock_free, mutex>("half_open_cycle", call);
    all.add_case<observe, lock_free, mutex>("observe_snapshot", look);
}

}  // namespace bulwark::bench
