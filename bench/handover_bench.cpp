// The hand-over of a permit to a thread that sleeps: what it costs to let the next one in.
//
// Two threads and two permits, one for each way (baton.hpp). The first gives one and waits for the other; the second
// waits for the one and gives the other. A call is one hand-over: one permit given back, and one caller who waited for
// it and has it. All sides make the same calls, and nobody competes for a permit, so that fair and unfair ones do the
// same work. Three ways to do it:
//
//   handover_one_core    both threads on one core, and the giver goes on until it sleeps itself: so the taker always
//                        sleeps when it is given the permit. The time is the CPU time of both and the change from one
//                        to the other; the least of the figure is the machine's mood. The one to compare by.
//   handover_two_cores   a core for each: what the two can do at once they do at once, and the wake-up goes from core
//                        to core.
//   handover_asleep      the same, but the giver makes sure first that the system has the taker down as asleep. The
//                        time is that from the beginning of the giving to the return of the taking.
//
// Where a thread finds the permit there when it comes, or looks for it for a while before it sleeps, the first two
// measure something else, and flatter it. So they count: *sleeps* is how often a hand-over made a thread give its core
// away, by the system's books. A hand-over to a parked thread has 1. handover_asleep has it by construction, whoever
// spins first: there neither the spinning before nor the giver's looking is in the times, but the spinning is in the
// CPU time. One advantage remains there: where other programs have the cores too, the system lets a thread that has
// called sched_yield() before it slept, as libstdc++'s does, go on sooner when it is woken; the bare futex gains the
// same by it. On a machine that does nothing else the difference is gone.
//
// Floors: a word and a futex, where giving always wakes; and a mutex with a condition variable.
#include "baton.hpp"
#include "histogram.hpp"
#include "semaphores.hpp"
#include "suite.hpp"
#include "this_thread.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bulwark::bench {
namespace {

using std::chrono::steady_clock;

constexpr running two_who_sleep{.min_threads = 2, .max_threads = 2, .sleeps = true};
constexpr running two_who_time_themselves{.min_threads = 2, .max_threads = 2, .own_times = true, .sleeps = true};

/// What the two share, for one way.
template <class Baton>
struct alignas(64) way {
    Baton baton;
    alignas(64) steady_clock::time_point given;
};

/// Each thread gives one baton and takes the other; the first begins by giving.
template <class Baton, bool OneCore>
struct ping_pong {
    explicit ping_pong(int) {}

    void operator()(benchmark::State& state) {
        const bool first = state.thread_index() == 0;
        const on_core here(OneCore || first ? 0 : 1);
        const std::optional<no_preemption_at_wakeup> one_by_one =
            OneCore ? std::optional<no_preemption_at_wakeup>(std::in_place) : std::nullopt;
        const std::int64_t slept = times_slept();
        if (first) {
            for (auto _ : state) {
                there.baton.give();
                back.baton.take();
            }
        } else {
            for (auto _ : state) {
                there.baton.take();
                back.baton.give();
            }
        }
        state.counters[sleeps_a_call] =
            benchmark::Counter(static_cast<double>(times_slept() - slept), benchmark::Counter::kAvgIterations);
    }

    way<Baton> there;
    way<Baton> back;
};

/// The same where nobody gives before the other sleeps.
template <class Baton>
struct after_sleep {
    explicit after_sleep(int) {}

    /// One of the two.
    struct alignas(64) player {
        std::atomic<pid_t> thread{0};
        std::atomic<std::uint64_t> takes{0};  ///< begun
    };

    void operator()(benchmark::State& state) {
        const bool first = state.thread_index() == 0;
        const on_core here(first ? 0 : 1);
        player& self = players[first ? 0 : 1];
        player& other = players[first ? 1 : 0];
        self.takes.store(0);
        self.thread.store(::gettid());

        histogram seen;
        std::optional<thread_watch> watch;
        std::int64_t slept = 0;
        std::chrono::nanoseconds looking{0};
        std::chrono::nanoseconds began{0};
        std::uint64_t round = 0;
        for (auto _ : state) {
            // Here both have come and said who they are.
            if (round++ == 0) {
                watch.emplace(other.thread.load());
                began = cpu_time_of(CLOCK_THREAD_CPUTIME_ID);
                slept = times_slept();
            }
            const auto give = [&](way<Baton>& to) {
                looking += wait_until_asleep(other, round, *watch);
                to.given = steady_clock::now();
                to.baton.give();
            };
            const auto take = [&](way<Baton>& from) {
                self.takes.store(round);
                from.baton.take();
                return steady_clock::now() - from.given;
            };
            std::chrono::nanoseconds time{0};
            if (first) {
                give(there);
                time = take(back);
            } else {
                time = take(there);
                give(back);
            }
            seen.add(static_cast<std::uint64_t>(time.count()));
            state.SetIterationTime(std::chrono::duration<double>(time).count() * state.threads());
        }
        const std::chrono::nanoseconds cpu = cpu_time_of(CLOCK_THREAD_CPUTIME_ID) - began - looking;
        using benchmark::Counter;
        state.counters[cpu_time] = Counter(static_cast<double>(cpu.count()), Counter::kAvgIterations);
        state.counters[sleeps_a_call] = Counter(static_cast<double>(times_slept() - slept), Counter::kAvgIterations);
        state.counters["p50"] = Counter(static_cast<double>(seen.quantile(0.5)), Counter::kAvgThreads);
        state.counters["p99"] = Counter(static_cast<double>(seen.quantile(0.99)), Counter::kAvgThreads);
    }

    /// Returns the CPU time that it took. A wake-up that is lost would make it last for ever.
    static std::chrono::nanoseconds wait_until_asleep(const player& other, std::uint64_t round,
                                                      const thread_watch& watch) {
        const auto before = cpu_time_of(CLOCK_THREAD_CPUTIME_ID);
        const auto end = steady_clock::now() + std::chrono::seconds(60);
        while (other.takes.load() != round || !watch.asleep()) {
            if (steady_clock::now() < end) continue;
            std::fputs("handover_asleep: the other thread does not come to sleep\n", stderr);
            std::abort();
        }
        return cpu_time_of(CLOCK_THREAD_CPUTIME_ID) - before;
    }

    way<Baton> there;
    way<Baton> back;
    player players[2];
};

template <class Baton>
using on_one_core = ping_pong<Baton, true>;
template <class Baton>
using on_two_cores = ping_pong<Baton, false>;
template <class Semaphore>
using semaphore_baton = baton<as_bulkhead<Semaphore>>;

template <template <class> class Body>
void add(suite& all, std::string_view where, const running& how) {
    all.add_floor<Body<futex_baton>>("futex_" + std::string(where), how);
    all.add_floor<Body<condition_baton>>("condition_" + std::string(where), how);
    auto sides = all.of<Body>("handover_" + std::string(where), "futex_" + std::string(where), how);
    sides.template side<baton<bulkhead>>("lock_free")
        .template side<stoppable_baton<bulkhead>>("with_stop_token")
        .template side<timed_baton<bulkhead>>("with_time_limit")
        .template side<baton<reference::bulkhead>>(reference_side);
    add_semaphores<semaphore_baton>(sides);
#if BULWARK_BENCH_MOODYCAMEL
    add_sides<semaphore_baton, moodycamel_no_spin>(sides);
#endif
}

}  // namespace

void add_handover_cases(suite& all) {
    add<on_one_core>(all, "one_core", two_who_sleep);
    add<on_two_cores>(all, "two_cores", two_who_sleep);
    add<after_sleep>(all, "asleep", two_who_time_themselves);
}

}  // namespace bulwark::bench
