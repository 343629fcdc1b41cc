// A run of a stress scenario: how long, with how many threads, from which seed; what it did, and what went wrong.
//
// A scenario is a type that is built anew for every round by one thread, acted on by all of them at once, and then
// checked by one: `Scenario(run&)`, `act(thread, random)`, `finish()`.
#pragma once

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bulwark::stress {

using random_source = std::mt19937_64;

struct run_limits {
    unsigned threads = 4;
    std::uint64_t seed = 1;
    std::uint64_t rounds = std::numeric_limits<std::uint64_t>::max();
    std::chrono::nanoseconds time = std::chrono::hours(24);
};

class run {
public:
    explicit run(const run_limits& limits)
        : limits_(limits), end_(std::chrono::steady_clock::now() + limits.time), random_(limits.seed) {}

    unsigned threads() const { return limits_.threads; }
    random_source& random() { return random_; }

    void add_operations(std::uint64_t n) { operations_.fetch_add(n, std::memory_order_relaxed); }
    std::uint64_t operations() const { return operations_.load(std::memory_order_relaxed); }
    std::uint64_t rounds() const { return rounds_; }

    /// Two operations of different threads that were under way at the same time. Told by one thread at a time.
    void add_overlap() { ++overlaps_; }
    std::uint64_t overlaps() const { return overlaps_; }

    /// Remembers the first thing that went wrong; the run ends with the round.
    template <class... Details>
    void check(bool holds, const char* what, const Details&... details) {
        if (holds) return;
        std::ostringstream text;
        text << what;
        ((text << ' ' << details), ...);
        const std::lock_guard lock(mutex_);
        if (failure_.empty()) failure_ = text.str();
    }

    std::string failure() const {
        const std::lock_guard lock(mutex_);
        return failure_;
    }

    bool more() {
        if (rounds_ == limits_.rounds || std::chrono::steady_clock::now() >= end_ || !failure().empty()) return false;
        ++rounds_;
        return true;
    }

private:
    const run_limits limits_;
    const std::chrono::steady_clock::time_point end_;
    random_source random_;
    std::uint64_t rounds_ = 0;
    std::uint64_t overlaps_ = 0;
    std::atomic<std::uint64_t> operations_{0};
    mutable std::mutex mutex_;
    std::string failure_;
};

/// Rounds of a scenario until the run is over.
template <class Scenario>
void repeat(run& r) {
    std::optional<Scenario> round;
    std::barrier gate(static_cast<std::ptrdiff_t>(r.threads()));
    std::vector<std::uint64_t> seeds(r.threads());
    for (auto& seed : seeds) seed = r.random()();
    const auto work = [&](unsigned thread) {
        random_source random(seeds[thread]);
        for (;;) {
            if (thread == 0) {
                round.reset();
                if (r.more()) round.emplace(r);
            }
            gate.arrive_and_wait();
            if (!round) return;
            round->act(thread, random);
            gate.arrive_and_wait();
            if (thread == 0) round->finish();
        }
    };
    std::vector<std::jthread> team;
    for (unsigned t = 1; t < r.threads(); ++t) team.emplace_back(work, t);
    work(0);
}

}  // namespace bulwark::stress
