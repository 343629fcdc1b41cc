// What there is to run: floors, and cases that run once lock-free and once on the mutex reference, each at every number
// of threads. The suite registers them with Google Benchmark and remembers which figures belong into one row of the
// table of ratios.
//
// A *body* is a class template over the implementation. Its constructor takes the number of threads and sets up what
// they share; its call operator is what each of them runs. A body leaves what it shares as it found it, because it
// serves every repetition.
#pragma once

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulwark::bench {

/// A part of what a case cannot do without: so many times the floor of that name.
struct floor_term {
    std::string_view name;
    unsigned times;
};

/// The figures that are compared with each other, by the names under which Google Benchmark reports them.
struct table_row {
    std::string name;
    int threads;
    std::vector<floor_term> floor;
};

inline std::string lock_free_side(std::string_view name) {
    return std::string(name) + "/lock_free";
}
inline std::string reference_side(std::string_view name) {
    return std::string(name) + "/reference";
}
inline std::string floor_side(std::string_view name) {
    return "floor/" + std::string(name);
}

/// The counter of the cases whose iterations are not all alike: the share that was admitted and counted. Where the two
/// implementations differ in it, they did different work, and their ratio says less.
inline constexpr const char* done_share = "done";

inline void report_done(benchmark::State& state, double done) {
    state.counters[done_share] = benchmark::Counter(done, benchmark::Counter::kAvgIterations);
}

class suite {
public:
    static constexpr int thread_counts[] = {1, 2, 4, 8};

    template <class Body>
    void add_floor(std::string_view name) {
        floors_.emplace_back(name);
        for (const int threads : thread_counts) {
            run_at(floor_side(name), threads, std::make_shared<Body>(threads));
        }
    }

    template <template <class> class Body, class LockFree, class Reference>
    void add_case(std::string_view name, const std::vector<floor_term>& floor, int min_threads = 1) {
        for (const int threads : thread_counts) {
            if (threads < min_threads) continue;
            run_at(lock_free_side(name), threads, std::make_shared<Body<LockFree>>(threads));
            run_at(reference_side(name), threads, std::make_shared<Body<Reference>>(threads));
            rows_.push_back({std::string(name), threads, floor});
        }
    }

    const std::vector<std::string>& floors() const noexcept { return floors_; }
    const std::vector<table_row>& rows() const noexcept { return rows_; }

private:
    template <class Body>
    static void run_at(const std::string& name, int threads, std::shared_ptr<Body> body) {
        // The two times of the table. Real time: that of the run, divided by the calls of all threads (the inverse of
        // the throughput). CPU time a call: the CPU time of each thread by its own clock, added up, divided by the
        // calls of all threads; so spinning and system calls count, and sleeping on a mutex does not.
        auto run = [body = std::move(body)](benchmark::State& state) { (*body)(state); };
        benchmark::RegisterBenchmark(name.c_str(), std::move(run))->Threads(threads)->UseRealTime();
    }

    std::vector<std::string> floors_;
    std::vector<table_row> rows_;
};

/// One a source file.
void add_floors(suite& all);
void add_breaker_cases(suite& all);
void add_bulkhead_cases(suite& all);

/// Everything, in the order of the table.
suite make_suite();

}  // namespace bulwark::bench
