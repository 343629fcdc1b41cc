// What must hold of a bulkhead whose callers wait, whatever the interleaving: permits are conserved, the queue is first
// come first served, nobody is forgotten in it, and a large request is not starved by small ones.
#pragma once

#include "../checks/clock.hpp"
#include "run.hpp"
#include "waiting_workload.hpp"
#include "watchdog.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace bulwark::stress {

/// Never more inside than there are permits, however they wait, time out, are stopped, throw, pass permits on and
/// resize; afterwards every permit is back and every answer was counted.
template <class Impl>
class waiters_conserve_permits {
public:
    explicit waiters_conserve_permits(run& r) : run_(r), workload_(r, shape(r)) {}

    void act(unsigned thread, random_source& random) {
        for (int i = 0; i != steps; ++i) workload_.step(thread, random);
        workload_.leave();
        run_.add_operations(steps);
    }

    void finish() { workload_.check(); }

private:
    static constexpr int steps = 200;

    static workload_shape shape(run& r) {
        workload_shape s;
        s.least = s.most = 1 + static_cast<std::uint32_t>(r.random()() % r.threads());
        if (r.random()() % 2 == 0) s.most += static_cast<std::uint32_t>(r.random()() % 4);
        if (r.random()() % 4 == 0) s.max_waiting = static_cast<std::uint32_t>(r.random()() % 4);
        return s;
    }

    run& run_;
    waiting_workload<typename Impl::bulkhead> workload_;
};

/// Who waits is admitted once permits are back. In short bursts, each thread comes once or twice and then waits for the
/// others: a wake-up that is lost, or a permit that a waiter keeps who leaves, is soon that of the last, whom nothing
/// later can wake.
template <class Impl>
class waiters_are_woken {
    using bulkhead = typename Impl::bulkhead;

public:
    explicit waiters_are_woken(run& r)
        : run_(r),
          units_(1 + static_cast<std::uint32_t>(r.random()() % std::min(r.threads() / 2, 3U))),
          pool_(config_of<bulkhead>(units_, r.threads())),
          together_(static_cast<std::ptrdiff_t>(r.threads())),
          watchdog_(r, pool_) {}

    void act(unsigned thread, random_source& random) {
        for (int i = 0; i != bursts; ++i) {
            together_.arrive_and_wait();
            come(random);
            if (random() % 2 == 0) come(random);
            watchdog_.step(thread);
        }
        run_.add_operations(bursts);
    }

    void finish() {
        run_.check(pool_.waiting() == 0, "nobody is there, but somebody waits");
        run_.check(pool_.in_use() == 0, "a permit was lost");
    }

private:
    static constexpr int bursts = 100;

    void come(random_source& random) {
        const auto n = static_cast<decltype(pool_.capacity())>((1 + random() % units_) * unit_of<bulkhead>);
        if (random() % 4 == 0) {
            const auto left_in_line = pool_.try_acquire_for(std::chrono::nanoseconds(random() % 20'000), n);
            run_.check(left_in_line || left_in_line.error() == errc::timed_out, "neither admitted nor too late");
        } else {
            run_.check(pool_.acquire(n).has_value(), "a waiter without a limit was sent away");
        }
    }

    run& run_;
    const std::uint32_t units_;
    bulkhead pool_;
    std::barrier<> together_;
    watchdog<bulkhead> watchdog_;
};

/// Time that stands still until a scenario says that it is late; meant for one scenario at a time.
struct standing_clock : checks::nanosecond_clock<standing_clock> {
    static time_point now() noexcept {
        return time_point(is_late.load(std::memory_order_acquire) ? 2 * deadline : duration(0));
    }
    /// So long a waiter may sleep before it looks at the clock again.
    static constexpr duration deadline = std::chrono::microseconds(200);
    static inline std::atomic<bool> is_late{false};
};

/// The queue is first come, first served. One permit, held by the first thread; the others enter the queue one by one,
/// each when waiting() shows that the one before it is there. Then, all at once: the permit comes back, some of the
/// waiters are stopped, for some it gets late, and the first thread tries to slip in. Those who are admitted are so in
/// their order, and nobody slips in before the last who waits without a limit.
template <class Impl>
class waiters_are_in_order {
    using bulkhead = typename Impl::bulkhead;

public:
    explicit waiters_are_in_order(run& r)
        : run_(r),
          pool_(config_of<bulkhead>(1, r.threads())),
          together_(static_cast<std::ptrdiff_t>(r.threads())),
          waiters_(r.threads()),
          watchdog_(r, pool_) {}

    void act(unsigned thread, random_source& random) {
        for (int i = 0; i != passes; ++i) {
            if (thread == 0) {
                auto held = open(random);
                together_.arrive_and_wait();
                await([&] { return pool_.waiting() + 1 == run_.threads(); });
                disturb(std::move(held), random);
                together_.arrive_and_wait();
                check();
            } else {
                together_.arrive_and_wait();
                wait(waiters_[thread]);
                together_.arrive_and_wait();
            }
            watchdog_.step(thread);
        }
        run_.add_operations(passes);
    }

    void finish() { run_.check(pool_.in_use() == 0, "a permit was lost"); }

private:
    static constexpr int passes = 5;
    static constexpr auto unit = unit_of<bulkhead>;
    using answer = decltype(std::declval<bulkhead&>().try_acquire(1));

    enum class limit : std::uint8_t { none, stop, time };

    struct alignas(128) waiter {
        std::uint32_t place = 0;  ///< how many are in the queue before it
        limit what{};
        std::optional<std::stop_source> source;  ///< optional: g++ 12 warns of its own library where one is assigned
    };

    answer open(random_source& random) {
        std::vector<std::uint32_t> places(run_.threads() - 1);
        std::iota(places.begin(), places.end(), 0U);
        std::shuffle(places.begin(), places.end(), random);
        for (std::size_t i = 1; i != waiters_.size(); ++i) {
            waiters_[i].place = places[i - 1];
            waiters_[i].what = random() % 2 == 0 ? limit::none : random() % 2 == 0 ? limit::stop : limit::time;
            waiters_[i].source.emplace();
        }
        patient_ =
            std::count_if(waiters_.begin() + 1, waiters_.end(), [](const waiter& w) { return w.what == limit::none; });
        patient_admitted_ = 0;
        admitted_.clear();
        // relaxed: the threads meet before they look
        returned_.store(0, std::memory_order_relaxed);
        standing_clock::is_late.store(false, std::memory_order_relaxed);
        auto held = pool_.try_acquire(unit);
        run_.check(held.has_value(), "refused with the permit free, and alone");
        return held;
    }

    void wait(waiter& w) {
        await([&] { return pool_.waiting() == w.place; });
        enter(call(w), w);
        // relaxed: the threads meet before anything else is read
        returned_.fetch_add(1, std::memory_order_relaxed);
    }

    auto call(waiter& w) {
        switch (w.what) {
            case limit::none: return pool_.acquire(unit);
            case limit::stop: return pool_.acquire(w.source->get_token(), unit);
            case limit::time: break;
        }
        return pool_.try_acquire_until(standing_clock::time_point(standing_clock::deadline), unit);
    }

    void enter(const answer& got, const waiter& w) {
        if (got) {
            // Not atomic, on purpose: who holds the only permit is alone.
            admitted_.push_back(w.place);
            if (w.what == limit::none) ++patient_admitted_;
            return;
        }
        const bool fine = (w.what == limit::stop && got.error() == errc::stopped) ||
                          (w.what == limit::time && got.error() == errc::timed_out);
        run_.check(fine, "a waiter was sent away:", static_cast<int>(got.error()));
    }

    void disturb(answer given, random_source& random) {
        std::optional<answer> held(std::move(given));
        const auto release_at = random() % waiters_.size();
        const auto late_at = random() % waiters_.size();
        for (std::size_t i = 0; i != waiters_.size(); ++i) {
            if (i == release_at) held.reset();
            if (i == late_at) standing_clock::is_late.store(true, std::memory_order_release);
            if (i != 0 && random() % 2 == 0) waiters_[i].source->request_stop();
        }
        // relaxed: as in wait()
        while (returned_.load(std::memory_order_relaxed) + 1 != waiters_.size()) {
            if (const auto slipped_in = pool_.try_acquire(unit)) {
                run_.check(patient_admitted_ == patient_, "a newcomer was admitted before a waiter:", patient_admitted_,
                           "of", patient_, "were");
            }
            std::this_thread::yield();
        }
    }

    void check() {
        run_.check(std::is_sorted(admitted_.begin(), admitted_.end()), "admitted out of order");
        run_.check(patient_admitted_ == patient_, "waiters without a limit:", patient_, "admitted", patient_admitted_);
    }

    template <class Condition>
    void await(Condition holds) {
        while (!holds() && run_.failure().empty()) std::this_thread::yield();
    }

    run& run_;
    bulkhead pool_;
    std::barrier<> together_;
    std::vector<waiter> waiters_;  ///< those of the first thread are unused
    std::atomic<std::size_t> returned_{0};
    std::vector<std::uint32_t> admitted_;
    std::ptrdiff_t patient_ = 0;
    std::ptrdiff_t patient_admitted_ = 0;
    watchdog<bulkhead> watchdog_;
};

/// One thread asks again and again for all permits, the others for one, without waiting. Whoever sees that the large
/// request is in the queue, and is admitted after that, was admitted after it.
template <class Impl>
class large_request_is_not_starved {
    using bulkhead = typename Impl::bulkhead;

public:
    explicit large_request_is_not_starved(run& r)
        : run_(r), units_(1 + r.threads() / 2), pool_(config_of<bulkhead>(units_, 1)), watchdog_(r, pool_) {}

    void act(unsigned thread, random_source&) { thread == 0 ? ask_for_all() : crowd(); }

    void finish() {
        run_.check(pool_.in_use() == 0, "a permit was lost");
        run_.check(pool_.snapshot().waiting == 0, "nobody is there, but somebody waits");
    }

private:
    static constexpr int requests = 50;
    static constexpr auto unit = unit_of<bulkhead>;

    void ask_for_all() {
        for (int i = 0; i != requests; ++i) {
            const auto all = pool_.acquire(static_cast<decltype(pool_.capacity())>(units_ * unit));
            run_.check(all.has_value(), "the large request was sent away");
            // release: who sees it was admitted after this
            served_.fetch_add(1, std::memory_order_release);
            watchdog_.step(0);
        }
        run_.add_operations(requests);
    }

    void crowd() {
        std::uint64_t calls = 0;
        for (; served_.load(std::memory_order_acquire) < requests && run_.failure().empty(); ++calls) {
            const std::uint64_t before = served_.load(std::memory_order_acquire);
            const bool waits = pool_.waiting() != 0;
            const auto one = pool_.try_acquire(unit);
            if (!one || !waits) continue;
            // While it held them all nobody was admitted, so it had its permits, and counted, before this call.
            run_.check(served_.load(std::memory_order_acquire) > before, "a small request passed the large one");
        }
        run_.add_operations(calls);
    }

    run& run_;
    const std::uint32_t units_;
    bulkhead pool_;
    std::atomic<std::uint64_t> served_{0};
    watchdog<bulkhead> watchdog_;
};

}  // namespace bulwark::stress
