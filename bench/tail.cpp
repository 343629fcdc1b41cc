// bulwark-tail: how long single calls take where there are more threads than cores. What makes the tail is a thread
// that is preempted while others need what it holds.
//
//     bulwark-tail [SECONDS]    of each run; one line a run, tab-separated, times in ns
//
// One call in eight is timed, since reading the fine clock takes longer than the call and keeps the threads apart.
// Every time includes one reading; "empty" is a call of the service alone, which shows how much that is, and how often
// a thread is preempted in the middle of nothing.
#include "histogram.hpp"
#include "service.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

namespace bulwark::bench {
namespace {

using clock = std::chrono::steady_clock;
constexpr int calls_per_timing = 8;

/// All threads make guarded calls, without a pause between two, for so long.
template <class Call>
histogram time_calls(int thread_count, std::chrono::duration<double> span, Call call) {
    std::vector<histogram> seen(static_cast<std::size_t>(thread_count));
    std::barrier start(thread_count + 1);
    std::atomic<bool> over{false};
    const auto work = [&](histogram& into) {
        call();
        start.arrive_and_wait();
        // relaxed: nothing is published by it.
        while (!over.load(std::memory_order_relaxed)) {
            for (int i = 1; i != calls_per_timing; ++i) call();
            const clock::time_point began = clock::now();
            call();
            into.add(static_cast<std::uint64_t>(std::chrono::nanoseconds(clock::now() - began).count()));
        }
    };
    {
        std::vector<std::jthread> threads;
        threads.reserve(seen.size());
        for (histogram& into : seen) threads.emplace_back(work, std::ref(into));
        start.arrive_and_wait();
        std::this_thread::sleep_for(span);
        over.store(true, std::memory_order_relaxed);
    }
    histogram all;
    for (const histogram& each : seen) all.add(each);
    return all;
}

template <class Breaker>
histogram time_breaker(int threads, std::chrono::duration<double> span, const circuit_breaker_config& config) {
    Breaker breaker(config);
    return time_calls(threads, span,
                      [&] { benchmark::DoNotOptimize(breaker.execute([] { return service(); }).has_value()); });
}

void print(const char* name, int threads, int round, const histogram& seen) {
    const auto ns = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf("%s\t%d\t%d\t%llu\t%llu\t%llu\t%llu\t%llu\t%llu\n", name, threads, round, ns(seen.count()),
                ns(seen.quantile(0.5)), ns(seen.quantile(0.99)), ns(seen.quantile(0.999)), ns(seen.quantile(0.9999)),
                ns(seen.longest()));
    std::fflush(stdout);
}

}  // namespace
}  // namespace bulwark::bench

int main(int argc, char** argv) {
    using namespace bulwark;
    using namespace bulwark::bench;
    const std::chrono::duration<double> span(argc > 1 ? std::strtod(argv[1], nullptr) : 1.0);
    constexpr int rounds = 5;

    std::puts("side\tthreads\tround\ttimed\tp50\tp99\tp99.9\tp99.99\tmax");
    for (int round = 1; round <= rounds; ++round) {
        // In turn, so that a busy minute of the machine does not fall on one of them.
        for (const int threads : {1, 2, 8, 32}) {
            print("empty", threads, round, time_calls(threads, span, [] { benchmark::DoNotOptimize(service()); }));
            print("lock_free", threads, round, time_breaker<circuit_breaker>(threads, span, {}));
            print("compact", threads, round, time_breaker<circuit_breaker>(threads, span, {.cells = 0}));
            print("reference", threads, round, time_breaker<reference::circuit_breaker>(threads, span, {}));
        }
    }
    return 0;
}
