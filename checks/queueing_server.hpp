// A server in virtual time, for limits that follow latency: c calls are served at a time, the others wait in one queue,
// first come, first served. Calls arrive at random (Poisson) or in a fixed number of loops, ask a limit for leave, and
// tell it how they ended. Time is that of bulwark::manual_clock: a run of minutes takes milliseconds, and the same seed
// gives the same run.
#pragma once

#include <bulwark/clock.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <queue>
#include <random>
#include <utility>
#include <vector>

namespace bulwark::checks {

struct server_plan {
    /// Calls that are served at a time, and the mean time that one takes. Both may change while it runs.
    std::uint32_t capacity = 20;
    std::chrono::nanoseconds service = std::chrono::milliseconds(10);
    bool exponential = true;  ///< service times; otherwise all alike
    /// This share of the calls takes so many times as long.
    double slow_share = 0;
    double slow_by = 1;
    double arrivals = 0;  ///< a second
    /// This share of the calls fails when it is done.
    double fail_share = 0;
    /// A caller that waited so long goes away, and the limit is told of a failure; the server does the work all the
    /// same. 0: never.
    std::chrono::nanoseconds patience{0};
    std::uint64_t seed = 1;
};

/// What happened in a stretch of time.
struct server_tally {
    std::uint64_t offered = 0;
    std::uint64_t refused = 0;
    std::uint64_t answered = 0;  ///< in time
    std::uint64_t late = 0;
    std::uint64_t failed = 0;
    std::chrono::nanoseconds latency{0};  ///< sum, of those answered
    std::chrono::nanoseconds time{0};
    double limit = 0;       ///< the mean over time
    double most_limit = 0;  ///< the greatest

    double throughput() const { return static_cast<double>(answered) / std::chrono::duration<double>(time).count(); }
    double mean_latency_ms() const {
        return std::chrono::duration<double, std::milli>(latency).count() / static_cast<double>(answered);
    }
};

template <class Limit>
class queueing_server {
    using nanoseconds = std::chrono::nanoseconds;
    using time_point = manual_clock::time_point;
    using permit = typename Limit::permit;

public:
    queueing_server(Limit& limit, const server_plan& wanted) : plan(wanted), limit_(limit), random_(wanted.seed) {
        next_arrival_ = manual_clock::now() + gap();
    }

    /// May be changed between stretches.
    server_plan plan;

    /// Lets the time pass.
    server_tally run(nanoseconds stretch) {
        server_tally tally;
        tally.time = stretch;
        const time_point end = manual_clock::now() + stretch;
        double weighed = 0;
        for (;;) {
            const time_point due = std::min({end, next_arrival_, working_.empty() ? end : working_.top().done});
            const double limit = limit_.limit();
            weighed += limit * std::chrono::duration<double>(due - manual_clock::now()).count();
            tally.most_limit = std::max(tally.most_limit, limit);
            manual_clock::advance(due - manual_clock::now());
            if (due == end) break;
            if (due == next_arrival_) {
                arrive(tally);
            } else {
                complete(tally);
            }
            start_work();
        }
        tally.limit = weighed / std::chrono::duration<double>(stretch).count();
        return tally;
    }

    std::size_t queued() const { return waiting_.size(); }

private:
    struct job {
        std::optional<permit> held;
        time_point came;
        time_point done;
    };
    struct in_work {
        time_point done;
        std::uint64_t number;  ///< of two that are done at once, the one that began first
        std::size_t slot;
        bool operator<(const in_work& other) const {
            return std::pair(done, number) > std::pair(other.done, other.number);
        }
    };

    nanoseconds drawn(double mean_seconds) {
        return nanoseconds(1 + std::llround(std::exponential_distribution<double>(1.0)(random_) * mean_seconds * 1e9));
    }
    nanoseconds gap() { return drawn(1.0 / plan.arrivals); }
    nanoseconds work() {
        const double by = std::bernoulli_distribution(plan.slow_share)(random_) ? plan.slow_by : 1;
        const auto seconds = by * std::chrono::duration<double>(plan.service).count();
        return plan.exponential ? drawn(seconds) : nanoseconds(std::llround(seconds * 1e9));
    }

    void arrive(server_tally& tally) {
        next_arrival_ = manual_clock::now() + gap();
        ++tally.offered;
        auto leave = limit_.try_acquire();
        if (!leave) {
            ++tally.refused;
            return;
        }
        waiting_.push_back({.held = std::move(*leave), .came = manual_clock::now(), .done = {}});
    }

    void start_work() {
        while (!waiting_.empty() && working_.size() < plan.capacity) {
            if (free_.empty()) {
                free_.push_back(jobs_.size());
                jobs_.emplace_back();
            }
            const std::size_t slot = free_.back();
            free_.pop_back();
            jobs_[slot] = std::move(waiting_.front());
            waiting_.pop_front();
            working_.push({manual_clock::now() + work(), begun_++, slot});
        }
    }

    void complete(server_tally& tally) {
        const std::size_t slot = working_.top().slot;
        working_.pop();
        job& j = jobs_[slot];
        const nanoseconds took = manual_clock::now() - j.came;
        if (plan.patience.count() != 0 && took > plan.patience) {
            ++tally.late;
            j.held->failure();
        } else if (std::bernoulli_distribution(plan.fail_share)(random_)) {
            ++tally.failed;
            j.held->failure();
        } else {
            ++tally.answered;
            tally.latency += took;
            j.held->success();
        }
        j.held.reset();
        free_.push_back(slot);
    }

    Limit& limit_;
    std::mt19937_64 random_;
    time_point next_arrival_;
    std::deque<job> waiting_;
    std::vector<job> jobs_;
    std::vector<std::size_t> free_;
    std::priority_queue<in_work> working_;
    std::uint64_t begun_ = 0;
};

}  // namespace bulwark::checks
