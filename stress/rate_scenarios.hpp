// What must hold of a rate limiter whatever the interleaving.
#pragma once

#include "../checks/clock.hpp"
#include "../checks/rate_bound.hpp"
#include "run.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <vector>

namespace bulwark::stress {

/// Time that moves by a nanosecond at every eighth reading. Each thread remembers what it read: when it was granted
/// what it got.
struct noted_clock : checks::nanosecond_clock<noted_clock> {
    static inline std::atomic<rep> readings{0};
    static inline thread_local rep last = 0;
    static time_point now() noexcept {
        last = readings.fetch_add(1, std::memory_order_acq_rel) / 8;
        return time_point(duration(last));
    }
};

/// No window holds more than it may, and in the end nothing is missing.
template <template <class> class Limiter>
class rate_is_kept {
public:
    explicit rate_is_kept(run& r)
        : run_(r),
          rule_{.permits = 1 + r.random()() % 5, .period = 5 + r.random()() % 60, .burst = 1 + r.random()() % 6},
          limiter_({.permits = rule_.permits, .period = std::chrono::nanoseconds(rule_.period), .burst = rule_.burst}) {
    }

    void act(unsigned, random_source& random) {
        constexpr int calls = 300;
        std::vector<checks::grant> mine;
        for (int i = 0; i != calls; ++i) {
            const std::uint64_t n = 1 + random() % rule_.burst;
            switch (random() % 16) {
                case 0: {  // stopped before it can wait: gets its permits only where they are there
                    std::stop_source source;
                    source.request_stop();
                    if (limiter_.acquire(source.get_token(), n))
                        mine.push_back({.at = noted_clock::last, .permits = n});
                    break;
                }
                case 1:
                    run_.check(limiter_.available() <= rule_.burst, "more available than a burst");
                    run_.check(!limiter_.try_acquire(rule_.burst + 1), "more than a burst at once");
                    break;
                default:
                    if (limiter_.try_acquire(n)) mine.push_back({.at = noted_clock::last, .permits = n});
                    break;
            }
        }
        run_.add_operations(calls);
        const std::lock_guard lock(mutex_);
        granted_.insert(granted_.end(), mine.begin(), mine.end());
    }

    void finish() {
        run_.check(rule_.holds(granted_), "more than burst and rate allow, of", rule_.permits, "in", rule_.period,
                   "ns, at once", rule_.burst);
        std::sort(granted_.begin(), granted_.end(),
                  [](const checks::grant& a, const checks::grant& b) { return a.at < b.at; });
        const std::chrono::nanoseconds wait = limiter_.retry_after(rule_.burst);
        const std::int64_t due = noted_clock::last + wait.count();
        run_.check(due <= rule_.first_time_for(rule_.burst, noted_clock::last, granted_), "permits were lost:", due);
    }

private:
    run& run_;
    const checks::rate_bound rule_;
    Limiter<noted_clock> limiter_;
    std::mutex mutex_;
    std::vector<checks::grant> granted_;
};

/// Waiters by the real clock, some of whom are stopped at any moment: every call ends, and reservations that were given
/// back free no more than they took.
template <template <class> class Limiter>
class rate_waiters_leave {
public:
    explicit rate_waiters_leave(run& r)
        : run_(r), limiter_({.permits = 1, .period = interval, .burst = 2}), began_(std::chrono::steady_clock::now()) {}

    void act(unsigned thread, random_source& random) {
        constexpr int calls = 20;
        for (int i = 0; i != calls; ++i) {
            // A stop that comes before, while, or after it waits.
            if (random() % 4 == 0) {
                const std::stop_token stop = begin_anew(thread);
                if (limiter_.acquire(stop)) granted_.fetch_add(1, std::memory_order_relaxed);
            } else if (random() % 2 == 0) {
                stop_somebody(random);
            } else if (limiter_.try_acquire_for(interval * 3)) {
                granted_.fetch_add(1, std::memory_order_relaxed);
            }
        }
        run_.add_operations(calls);
    }

    void finish() {
        const auto time = std::chrono::steady_clock::now() - began_;
        run_.check(granted_.load() <= 2 + time / interval, "more than burst and rate allow:", granted_.load());
    }

private:
    static constexpr std::chrono::nanoseconds interval = std::chrono::microseconds(20);

    template <class Fn>
    void sources_at(std::size_t i, Fn fn) {
        const std::lock_guard lock(mutex_);
        fn(sources_[i]);
    }

    std::stop_token begin_anew(unsigned thread) {
        std::stop_token token;
        sources_at(thread % sources_.size(), [&](std::stop_source& s) {
            s = std::stop_source();
            token = s.get_token();
        });
        return token;
    }
    void stop_somebody(random_source& random) {
        sources_at(random() % sources_.size(), [](std::stop_source& s) { s.request_stop(); });
    }

    run& run_;
    Limiter<std::chrono::steady_clock> limiter_;
    const std::chrono::steady_clock::time_point began_;
    std::mutex mutex_;
    std::vector<std::stop_source> sources_ = std::vector<std::stop_source>(run_.threads());
    std::atomic<std::int64_t> granted_{0};
};

}  // namespace bulwark::stress
