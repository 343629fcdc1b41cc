// What there is to run: floors, and cases, each run on several implementations (its *sides*) at every number of
// threads. The suite registers them with Google Benchmark and remembers which figures belong into one row of the table
// of ratios: a side, the mutex reference of the same case, and the floor of the case.
//
// A *body* is a class template over the implementation. Its constructor takes the number of threads and sets up what
// they share; its call operator is what each of them runs. A body leaves what it shares as it found it, because it
// serves every repetition. All bodies are made before the first one runs: what would disturb the others while it lies
// idle, such as a thread, is for the call operator.
#pragma once

#include <benchmark/benchmark.h>

#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bulwark::bench {

/// The figures that are compared with each other; Google Benchmark reports them as "case/side" and "floor/name".
struct table_row {
    std::string name;
    std::string side;
    int threads;
    std::string floor;
    bool sleeps;
};

/// At which numbers of threads something runs, and how.
struct running {
    int min_threads = 1;
    int max_threads = std::numeric_limits<int>::max();
    /// The body itself says how long an iteration took, times the number of threads, since Google Benchmark divides by
    /// that; and what CPU time it had, in the counter cpu_time.
    bool own_times = false;
    /// Its threads sleep in between, so that they cannot be expected to use all of the cores.
    bool sleeps = false;

    bool at(int threads) const noexcept { return min_threads <= threads && threads <= max_threads; }
};

/// The side that the others of its case are compared with.
inline constexpr std::string_view reference_side = "reference";

inline std::string run_name(std::string_view name, std::string_view side) {
    return std::string(name) + "/" + std::string(side);
}
inline std::string floor_name(std::string_view name) {
    return run_name("floor", name);
}

/// The counter of the cases whose iterations are not all alike: the share that was admitted and counted. Where the two
/// implementations differ in it, they did different work, and their ratio says less.
inline constexpr const char* done_share = "done";

inline void report_done(benchmark::State& state, double done) {
    state.counters[done_share] = benchmark::Counter(done, benchmark::Counter::kAvgIterations);
}

/// ns of CPU time a call, of a body that times itself.
inline constexpr const char* cpu_time = "cpu_ns";
/// How often a call made its thread sleep.
inline constexpr const char* sleeps_a_call = "sleeps";

class suite {
public:
    static constexpr int thread_counts[] = {1, 2, 4, 8};

    template <class Body>
    void add_floor(std::string_view name, const running& how = {}) {
        floors_.emplace_back(name);
        for (const int threads : thread_counts) {
            if (how.at(threads)) run_at(floor_name(name), threads, how, std::make_shared<Body>(threads));
        }
    }

    template <template <class> class Body>
    class bench_case {
    public:
        bench_case(suite& all, std::string_view name, std::string_view floor, const running& how)
            : all_(all), name_(name), floor_(floor), how_(how) {}

        template <class Implementation>
        bench_case& side(std::string_view side) {
            for (const int threads : thread_counts) {
                if (!how_.at(threads)) continue;
                run_at(run_name(name_, side), threads, how_, std::make_shared<Body<Implementation>>(threads));
                if (side == reference_side) continue;
                all_.rows_.push_back({name_, std::string(side), threads, floor_, how_.sleeps});
            }
            return *this;
        }

    private:
        suite& all_;
        std::string name_;
        std::string floor_;
        running how_;
    };

    /// A case without sides; `floor` is the name of what it cannot do without.
    template <template <class> class Body>
    bench_case<Body> of(std::string_view name, std::string_view floor, const running& how = {}) {
        return {*this, name, floor, how};
    }

    const std::vector<std::string>& floors() const noexcept { return floors_; }
    const std::vector<table_row>& rows() const noexcept { return rows_; }

private:
    template <class Body>
    static void run_at(const std::string& name, int threads, const running& how, std::shared_ptr<Body> body) {
        // The two times of the table. Real time: that of the run, divided by the calls of all threads (the inverse of
        // the throughput). CPU time a call: the CPU time of each thread by its own clock, added up, divided by the
        // calls of all threads; so spinning and system calls count, and sleeping on a mutex does not.
        auto run = [body = std::move(body)](benchmark::State& state) { (*body)(state); };
        auto* const registered = benchmark::RegisterBenchmark(name.c_str(), std::move(run))->Threads(threads);
        how.own_times ? registered->UseManualTime() : registered->UseRealTime();
    }

    std::vector<std::string> floors_;
    std::vector<table_row> rows_;
};

/// One a source file.
void add_floors(suite& all);
void add_breaker_cases(suite& all);
void add_bulkhead_cases(suite& all);
void add_handover_cases(suite& all);
void add_limit_cases(suite& all);
void add_retry_cases(suite& all);
void add_rate_cases(suite& all);

/// Everything, in the order of the table.
suite make_suite();

}  // namespace bulwark::bench
