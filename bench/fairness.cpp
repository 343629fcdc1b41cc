// bulwark-fairness: many who wait for few permits. Who gets how many, how long do they wait, and what does it cost?
//
//     bulwark-fairness [SECONDS]    of each run; one line a run, tab-separated, times in ns
//
// 64 threads, on all cores, each in a loop: wait for a permit, work for some hundred ns (the machine's are measured and
// printed), give it back. All sides run the same loop, and the counting starts when all of them are in it.
//
// What to expect. In so small a loop a semaphore that lets anybody have a free permit is the fastest: the thread that
// has just given one back takes it again, and again, until its time slice is over, while the others sleep. That is one
// wake-up a time slice, not one a permit. Who is strictly first come, first served must let the next one run for each
// permit, and pays a change of threads for it: *sleeps* and *cpu* say how much that is. So *permits a second* is the
// price, and *min/max*, permits of the thread that got fewest / of the one that got most, is what it buys. The longer
// the work is beside a change of threads (some microseconds), the smaller is the price: hence a second kind of run, in
// which it takes `long_work` times as long.
//
// Waits are measured by the fine clock, two readings a permit. One that was not over at the end of the run counts as
// long as it was until then: a thread that starves must not fall out of the figures.
#include "histogram.hpp"
#include "semaphores.hpp"
#include "this_thread.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace bulwark::bench {
namespace {

using clock = std::chrono::steady_clock;

constexpr unsigned thread_count = 64;
constexpr int short_work = 250;
constexpr int long_work = 100;
constexpr int rounds = 3;

/// Some hundred ns a unit, in which nothing is shared.
void work(int units) {
    std::uint64_t value = 1;
    for (int i = 0; i != units * short_work; ++i) {
        value = value * 3 + 1;
        benchmark::DoNotOptimize(value);
    }
}

std::uint64_t work_ns(int units) {
    std::uint64_t best = ~std::uint64_t{0};
    for (int i = 0; i != 1000; ++i) {
        const auto began = clock::now();
        work(units);
        best = std::min(best, static_cast<std::uint64_t>((clock::now() - began).count()));
    }
    return best;
}

enum class stage { starts, counts, over };

struct alignas(64) worker {
    std::uint64_t permits = 0;
    histogram waits;
};

struct outcome_of_run {
    std::vector<std::uint64_t> permits;  ///< of each thread, the fewest first
    histogram waits;
    double seconds;
    std::chrono::nanoseconds cpu;
    std::int64_t sleeps;
};

template <class Bulkhead>
class contest {
public:
    contest(std::uint32_t permits, int units) : pool_({.max_concurrent = permits}), units_(units) {}

    outcome_of_run run(std::chrono::duration<double> span) {
        std::vector<worker> workers(thread_count);
        std::vector<std::jthread> threads;
        threads.reserve(workers.size());
        for (worker& each : workers) threads.emplace_back([this, &each] { loop(each); });
        while (arrived_.load() != thread_count) std::this_thread::yield();
        std::this_thread::sleep_for(span / 10);

        outcome_of_run seen{};
        const auto cpu = cpu_time_of(CLOCK_PROCESS_CPUTIME_ID);
        const std::int64_t slept = times_slept(RUSAGE_SELF);
        began_ = clock::now();
        stage_.store(stage::counts);
        std::this_thread::sleep_for(span);
        ended_ = clock::now();
        stage_.store(stage::over);
        seen.cpu = cpu_time_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        seen.sleeps = times_slept(RUSAGE_SELF) - slept;
        seen.seconds = std::chrono::duration<double>(ended_ - began_).count();

        threads.clear();
        for (const worker& each : workers) {
            seen.permits.push_back(each.permits);
            seen.waits.add(each.waits);
        }
        std::ranges::sort(seen.permits);
        return seen;
    }

private:
    void loop(worker& self) {
        arrived_.fetch_add(1);
        stage now = stage::starts;
        while (now != stage::over) {
            const auto came = clock::now();
            const auto slot = pool_.acquire();
            const auto got = clock::now();
            work(units_);
            const stage before = now;
            now = stage_.load();
            if (now == stage::starts) continue;
            // What lies outside the time that counts is left out, and so is the permit that was got then.
            const auto from = before == stage::starts ? std::max(came, began_) : came;
            const auto to = now == stage::over ? std::min(got, ended_) : got;
            if (to > from) self.waits.add(static_cast<std::uint64_t>((to - from).count()));
            if (now == stage::counts) ++self.permits;
        }
    }

    Bulkhead pool_;
    const int units_;
    std::atomic<unsigned> arrived_{0};
    alignas(64) std::atomic<stage> stage_{stage::starts};
    // Written before the stage that needs them.
    clock::time_point began_;
    clock::time_point ended_;
};

template <class Bulkhead>
void run(const char* side, std::uint32_t permits, int units, std::uint64_t units_ns, int round,
         std::chrono::duration<double> span) {
    // Large, and on no thread's stack.
    const auto all = std::make_unique<contest<Bulkhead>>(permits, units);
    const outcome_of_run seen = all->run(span);

    std::uint64_t sum = 0;
    std::string each;
    for (const std::uint64_t of_thread : seen.permits) {
        sum += of_thread;
        if (!each.empty()) each += ',';
        each += std::to_string(of_thread);
    }
    const auto most = static_cast<double>(std::max<std::uint64_t>(seen.permits.back(), 1));
    const auto total = static_cast<double>(std::max<std::uint64_t>(sum, 1));
    const auto count = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf("%s\t%u\t%u\t%d\t%llu\t%.0f\t%llu\t%llu\t%.4f\t%llu\t%llu\t%llu\t%.0f\t%.3f\t%s\n", side, thread_count,
                permits, round, count(units_ns), static_cast<double>(sum) / seen.seconds, count(seen.permits.front()),
                count(seen.permits.back()), static_cast<double>(seen.permits.front()) / most,
                count(seen.waits.quantile(0.5)), count(seen.waits.quantile(0.99)), count(seen.waits.longest()),
                static_cast<double>(seen.cpu.count()) / total, static_cast<double>(seen.sleeps) / total, each.c_str());
    std::fflush(stdout);
}

}  // namespace
}  // namespace bulwark::bench

int main(int argc, char** argv) {
    using namespace bulwark;
    using namespace bulwark::bench;
    const std::chrono::duration<double> span(argc > 1 ? std::strtod(argv[1], nullptr) : 1.0);

    std::puts(
        "side\tthreads\tpermits\tround\twork\tper_second\tmin\tmax\tmin/max\tp50\tp99\tlongest\tcpu\tsleeps\teach");
    for (int round = 1; round <= rounds; ++round) {
        // In turn, so that a busy minute of the machine does not fall on one of them.
        for (const int units : {1, long_work}) {
            const std::uint64_t ns = work_ns(units);
            for (const std::uint32_t permits : {1U, 4U, 16U}) {
                run<bulkhead>("lock_free", permits, units, ns, round, span);
                run<reference::bulkhead>("reference", permits, units, ns, round, span);
                run<as_bulkhead<std_semaphore>>("std_semaphore", permits, units, ns, round, span);
                run<as_bulkhead<posix_semaphore>>("posix_sem_t", permits, units, ns, round, span);
            }
        }
    }
    return 0;
}
