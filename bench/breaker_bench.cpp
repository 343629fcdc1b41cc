// The circuit breaker, lock-free beside reference. One breaker is shared by all threads of a run, and nothing is done
// between two calls: the most contention that the number of threads can make.
#include "service.hpp"
#include "suite.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

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

/// A breaker with so many cells, whatever the case says.
template <class Clock, std::uint32_t Cells>
struct with_cells : basic_circuit_breaker<Clock> {
    explicit with_cells(circuit_breaker_config config = {}) : basic_circuit_breaker<Clock>(set(std::move(config))) {}

private:
    static circuit_breaker_config set(circuit_breaker_config config) {
        config.cells = Cells;
        return config;
    }
};

template <class Breaker>
void trip(Breaker& breaker) {
    breaker.try_acquire().value().failure();
}

/// The call as most users make it.
template <class Breaker>
void call_through(benchmark::State& state, Breaker& breaker) {
    for (auto _ : state) need(breaker.execute([] { return service(); }).has_value());
}

template <class Breaker>
void call_and_be_refused(benchmark::State& state, Breaker& breaker) {
    for (auto _ : state) need(breaker.execute([] { return service(); }).has_error());
}

/// The same in two steps, with a permit between them.
template <class Breaker>
void call_with_permit(benchmark::State& state, Breaker& breaker) {
    for (auto _ : state) {
        auto permit = breaker.try_acquire();
        need(service());
        need(permit->success());
    }
}

template <class Breaker>
struct closed_execute {
    explicit closed_execute(int) {}
    void operator()(benchmark::State& state) { call_through(state, breaker); }
    Breaker breaker;
};

template <class Breaker>
struct closed_permit {
    explicit closed_permit(int) {}
    void operator()(benchmark::State& state) { call_with_permit(state, breaker); }
    Breaker breaker;
};

/// A row of failures trips, in a window without end: no clock is needed, and nothing need be counted.
circuit_breaker_config endless(bool count_successes) {
    circuit_breaker_config config = closed_with(consecutive_failures(5));
    config.interval = 0s;
    config.count_successes = count_successes;
    return config;
}

template <class Breaker>
struct endless_execute {
    explicit endless_execute(int) {}
    void operator()(benchmark::State& state) { call_through(state, breaker); }
    Breaker breaker{endless(false)};
};

template <class Breaker>
struct endless_permit {
    explicit endless_permit(int) {}
    void operator()(benchmark::State& state) { call_with_permit(state, breaker); }
    Breaker breaker{endless(false)};
};

template <class Breaker>
struct endless_counted {
    explicit endless_counted(int) {}
    void operator()(benchmark::State& state) { call_through(state, breaker); }
    Breaker breaker{endless(true)};
};

/// Every call fails, and the policy is asked and says no.
template <class Breaker>
struct closed_failure {
    explicit closed_failure(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            auto permit = breaker.try_acquire();
            need(service());
            need(permit->failure());
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
            need(service());
            need(++calls % 4 == 0 ? permit->failure() : permit->success());
        }
    }
    Breaker breaker{closed_with(failure_ratio(0.5, 1000))};
};

/// Windows that end every few calls. The coarse clock cannot tell such a window's end, so this is for a fine one.
template <class Breaker>
struct closed_rolling {
    explicit closed_rolling(int) {}
    void operator()(benchmark::State& state) { call_through(state, breaker); }
    Breaker breaker{circuit_breaker_config{.interval = 1us}};
};

/// Closed, with a sliding window; nothing trips.
circuit_breaker_config sliding(sliding_window window) {
    circuit_breaker_config config = closed_with(failure_ratio(1.0, 100));
    config.window = window;
    return config;
}

template <class Breaker>
struct window_of_calls {
    explicit window_of_calls(int) {}
    void operator()(benchmark::State& state) { call_through(state, breaker); }
    Breaker breaker{sliding(last_calls(100))};
};

template <class Breaker>
struct window_of_time {
    explicit window_of_time(int) {}
    void operator()(benchmark::State& state) { call_through(state, breaker); }
    Breaker breaker{sliding(last_time(10s))};
};

/// One call in four fails, and the policy is asked.
template <class Breaker>
void call_and_fail_at_times(benchmark::State& state, Breaker& breaker) {
    unsigned calls = 0;
    for (auto _ : state) {
        auto permit = breaker.try_acquire();
        need(service());
        need(++calls % 4 == 0 ? permit->failure() : permit->success());
    }
}

template <class Breaker>
struct window_of_calls_mixed {
    explicit window_of_calls_mixed(int) {}
    void operator()(benchmark::State& state) { call_and_fail_at_times(state, breaker); }
    Breaker breaker{sliding(last_calls(100))};
};

template <class Breaker>
struct window_of_time_mixed {
    explicit window_of_time_mixed(int) {}
    void operator()(benchmark::State& state) { call_and_fail_at_times(state, breaker); }
    Breaker breaker{sliding(last_time(10s))};
};

/// Just closed: half of the calls are let through, at any time that anybody measures.
template <class Breaker>
struct ramp_half {
    explicit ramp_half(int) {
        trip(breaker);
        need(breaker.execute([] { return service(); }).has_value());
    }
    void operator()(benchmark::State& state) {
        std::uint64_t done = 0;
        for (auto _ : state) {
            if (breaker.execute([] { return service(); })) ++done;
        }
        report_done(state, static_cast<double>(done));
    }
    static circuit_breaker_config ramped() {
        circuit_breaker_config config = brittle(0ns);
        config.ramp = std::chrono::hours(24 * 365);
        config.ramp_from = 0.5;
        return config;
    }
    Breaker breaker{ramped()};
};

template <class Breaker>
struct open_refusal {
    explicit open_refusal(int) { trip(breaker); }
    void operator()(benchmark::State& state) { call_and_be_refused(state, breaker); }
    Breaker breaker{brittle(24h)};
};

/// The only probe is out and does not come back.
template <class Breaker>
struct half_open_refusal {
    explicit half_open_refusal(int) {}
    void operator()(benchmark::State& state) { call_and_be_refused(state, breaker); }
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
                need(service());
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
    using std::chrono::steady_clock;
    using lock_free = circuit_breaker;
    using compact = with_cells<coarse_clock, 0>;
    using mutex = reference::circuit_breaker;
    using fine_lock_free = basic_circuit_breaker<steady_clock>;
    using fine_compact = with_cells<steady_clock, 0>;
    using fine_mutex = reference::basic_circuit_breaker<steady_clock>;
    // Google Benchmark's first thread is the main one, which has the lowest slot and with it the only cell.
    using one_cell = with_cells<coarse_clock, 1>;

    const auto three = [](auto a_case) {
        a_case.template side<lock_free>("lock_free")
            .template side<compact>("compact")
            .template side<mutex>(reference_side);
        return a_case;
    };
    const auto three_fine = [](auto a_case) {
        a_case.template side<fine_lock_free>("lock_free")
            .template side<fine_compact>("compact")
            .template side<fine_mutex>(reference_side);
    };

    // Either end of a call may be the first of a new window, hence two readings of the clock.
    three(all.of<closed_execute>("closed_execute", "own_counts_2_clocks")).side<one_cell>("one_cell");
    three(all.of<closed_permit>("closed_permit", "own_counts_2_clocks"));
    three(all.of<endless_execute>("endless_execute", "two_loads"));
    three(all.of<endless_permit>("endless_permit", "two_loads"));
    three(all.of<endless_counted>("endless_counted", "own_counts"));
    three(all.of<closed_failure>("closed_failure", "failed_call"));
    three(all.of<closed_mixed>("closed_mixed", "own_counts_2_clocks"));
    three_fine(all.of<closed_execute>("closed_execute_steady", "own_counts_2_steady"));
    three_fine(all.of<closed_rolling>("closed_rolling_steady", "own_counts_2_steady"));
    three(all.of<open_refusal>("open_refusal", "coarse_clock"));
    three(all.of<half_open_refusal>("half_open_refusal", "coarse_clock"));
    three(all.of<half_open_cycle>("half_open_cycle", "shared_counts_2_clocks"));
    three(all.of<observe>("observe_snapshot", "coarse_clock"));
    // A watched breaker has no cells: what its threads count, they count on words that they share.
    const auto two = [](auto a_case) {
        a_case.template side<lock_free>("lock_free").template side<mutex>(reference_side);
    };
    two(all.of<window_of_calls>("window_of_calls", "two_locked_rmw"));
    two(all.of<window_of_calls_mixed>("window_of_calls_mixed", "two_locked_rmw"));
    two(all.of<window_of_time>("window_of_time", "shared_counts_2_clocks"));
    two(all.of<window_of_time_mixed>("window_of_time_mixed", "shared_counts_2_clocks"));
    two(all.of<ramp_half>("ramp_half", "coarse_clock_rmw"));
}

}  // namespace bulwark::bench
