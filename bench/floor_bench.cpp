// The floor: what the machine charges for the parts that no implementation can do without. Measured in the same run and
// at the same numbers of threads as the cases, since a locked instruction on a shared line costs what the others there
// make it cost. Clocks are the library's: what its callers could not have cheaper.
#include "service.hpp"
#include "suite.hpp"

#include <bulwark/clock.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace bulwark::bench {
namespace {

struct empty_call {
    explicit empty_call(int) {}
    void operator()(benchmark::State& state) const {
        for (auto _ : state) need(service());
    }
};

template <class Clock>
struct clock_read {
    explicit clock_read(int) {}
    void operator()(benchmark::State& state) const {
        for (auto _ : state) need(Clock::now().time_since_epoch().count());
    }
};

// What all threads share, on a line of its own.
struct shared_word {
    explicit shared_word(int) {}
    alignas(64) std::atomic<std::uint64_t> word{0};
};

/// A load of a line that nobody writes.
struct shared_load : shared_word {
    using shared_word::shared_word;
    void operator()(benchmark::State& state) const {
        for (auto _ : state) need(static_cast<std::int64_t>(word.load(std::memory_order_relaxed)));
    }
};

/// A call that only looks before and after whether anything is the matter.
struct two_loads : shared_word {
    using shared_word::shared_word;
    void operator()(benchmark::State& state) const {
        for (auto _ : state) {
            need(static_cast<std::int64_t>(word.load(std::memory_order_acquire)));
            need(service());
            need(static_cast<std::int64_t>(word.load(std::memory_order_acquire)));
        }
    }
};

struct locked_rmw : shared_word {
    using shared_word::shared_word;
    void operator()(benchmark::State& state) {
        for (auto _ : state) need(static_cast<std::int64_t>(word.fetch_add(1, std::memory_order_relaxed)));
    }
};

/// What a permit costs on one word: an addition to take it, and one to give it back.
struct two_locked_rmw : shared_word {
    using shared_word::shared_word;
    void operator()(benchmark::State& state) { take_and_give_back(state, word); }
    static void take_and_give_back(benchmark::State& state, std::atomic<std::uint64_t>& word) {
        for (auto _ : state) {
            need(static_cast<std::int64_t>(word.fetch_add(1, std::memory_order_relaxed)));
            need(service());
            need(static_cast<std::int64_t>(word.fetch_add(1, std::memory_order_relaxed)));
        }
    }
};

/// The same on a word of each thread's own: what stripes can do at best.
struct two_own_rmw {
    explicit two_own_rmw(int) {}
    void operator()(benchmark::State& state) const {
        shared_word mine(1);
        two_locked_rmw::take_and_give_back(state, mine.word);
    }
};

/// The skeletons of a guarded call: what has to be read and written before and after the service is called, and nothing
/// that decides. `Before` and `After`: clock readings, of `Clock`.
template <class Clock, int Before, int After>
struct skeleton : shared_word {
    using shared_word::shared_word;

    static void read_clock(int times) {
        for (int i = 0; i != times; ++i) need(Clock::now().time_since_epoch().count());
    }

    /// Each thread counts on a line of its own: the admission, then the success. The state is on a line that all read.
    void count_on_own_lines(benchmark::State& state) const {
        struct alignas(64) {
            std::atomic<std::uint64_t> requests{0};
            std::atomic<std::uint64_t> successes{0};
        } own;
        benchmark::DoNotOptimize(&own);
        for (auto _ : state) {
            read_clock(Before);
            need(static_cast<std::int64_t>(word.load(std::memory_order_acquire)));
            add_one(own.requests);
            need(service());
            read_clock(After);
            add_one(own.successes);
        }
    }

    static void add_one(std::atomic<std::uint64_t>& own) {
        own.store(own.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
};

template <class Clock, int Before, int After>
struct own_counts : skeleton<Clock, Before, After> {
    using skeleton<Clock, Before, After>::skeleton;
    void operator()(benchmark::State& state) const { this->count_on_own_lines(state); }
};

/// The admission on the thread's own line, the outcome on the word that all share.
struct failed_call : skeleton<coarse_clock, 1, 1> {
    using skeleton::skeleton;
    void operator()(benchmark::State& state) {
        alignas(64) std::atomic<std::uint64_t> requests{0};
        benchmark::DoNotOptimize(&requests);
        for (auto _ : state) {
            read_clock(1);
            add_one(requests);
            need(service());
            read_clock(1);
            need(static_cast<std::int64_t>(word.fetch_add(1, std::memory_order_relaxed)));
        }
    }
};

/// Both on the word that all share.
template <class Clock>
struct shared_counts : skeleton<Clock, 1, 1> {
    using skeleton<Clock, 1, 1>::skeleton;
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            this->read_clock(1);
            need(static_cast<std::int64_t>(this->word.fetch_add(1, std::memory_order_relaxed)));
            need(service());
            this->read_clock(1);
            need(static_cast<std::int64_t>(this->word.fetch_add(1, std::memory_order_relaxed)));
        }
    }
};

/// The adaptive limit's: in and out on one word, a clock reading at either end, and what the call showed on another
/// word.
struct timed_call : skeleton<std::chrono::steady_clock, 1, 1> {
    using skeleton::skeleton;
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            need(static_cast<std::int64_t>(word.fetch_add(1, std::memory_order_relaxed)));
            read_clock(1);
            need(service());
            read_clock(1);
            need(static_cast<std::int64_t>(sums.word.fetch_add(1, std::memory_order_relaxed)));
            need(static_cast<std::int64_t>(word.fetch_add(1, std::memory_order_relaxed)));
        }
    }
    shared_word sums{1};
};

/// A reading of the clock, and a change of the word that all share.
template <class Clock>
struct clock_and_rmw : skeleton<Clock, 1, 0> {
    using skeleton<Clock, 1, 0>::skeleton;
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            this->read_clock(1);
            need(static_cast<std::int64_t>(this->word.fetch_add(1, std::memory_order_relaxed)));
        }
    }
};

/// A mutex of each thread's own: what the reference pays before anybody contends.
struct own_mutex {
    explicit own_mutex(int) {}
    void operator()(benchmark::State& state) const {
        std::mutex mutex;
        for (auto _ : state) {
            benchmark::DoNotOptimize(&mutex);
            const std::lock_guard lock(mutex);
            benchmark::ClobberMemory();
        }
    }
};

struct shared_mutex {
    explicit shared_mutex(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            const std::lock_guard lock(mutex);
            benchmark::ClobberMemory();
        }
    }
    std::mutex mutex;
};

}  // namespace

void add_floors(suite& all) {
    using std::chrono::steady_clock;
    all.add_floor<empty_call>("empty_call");
    all.add_floor<shared_load>("shared_load");
    all.add_floor<two_loads>("two_loads");
    all.add_floor<clock_read<coarse_clock>>("coarse_clock");
    all.add_floor<clock_read<steady_clock>>("steady_clock");
    all.add_floor<locked_rmw>("locked_rmw");
    all.add_floor<two_locked_rmw>("two_locked_rmw");
    all.add_floor<two_own_rmw>("two_own_rmw");
    all.add_floor<own_counts<coarse_clock, 0, 0>>("own_counts");
    all.add_floor<own_counts<coarse_clock, 1, 0>>("own_counts_1_clock");
    all.add_floor<own_counts<coarse_clock, 1, 1>>("own_counts_2_clocks");
    all.add_floor<own_counts<steady_clock, 1, 1>>("own_counts_2_steady");
    all.add_floor<shared_counts<coarse_clock>>("shared_counts_2_clocks");
    all.add_floor<shared_counts<steady_clock>>("shared_counts_2_steady");
    all.add_floor<failed_call>("failed_call");
    all.add_floor<timed_call>("timed_call");
    all.add_floor<clock_and_rmw<coarse_clock>>("coarse_clock_rmw");
    all.add_floor<clock_and_rmw<steady_clock>>("steady_clock_rmw");
    all.add_floor<own_mutex>("own_mutex");
    all.add_floor<shared_mutex>("shared_mutex");
}

}  // namespace bulwark::bench
