// Rounds in which every thread does one operation, all at the same time, and the last thread to come back checks the
// exact state before the next round. Between two operations of a round there is nothing but the object under test, so
// what a check finds wrong was done by that one race.
//
// How the threads meet. The last to come draws a time a little ahead, and all spin on the clock until then. The clock
// is not memory: it brings no cache line from core to core, and tells ThreadSanitizer of no order. Two threads that
// meet on a shared counter start as far apart as the line takes to travel, which is longer than an operation; and an
// acquire of it would hide races. A random delay of up to an operation's length lets every part of one meet every
// part of the other.
//
// How overlaps are counted. Each thread keeps the time before and after its operation to itself. Reading the clock
// takes time too: the operations were under way at the same time for certain only where the two spans share more than
// one reading takes, and only those are counted.
#pragma once

#include "../checks/own_core.hpp"
#include "../checks/start_line.hpp"
#include "run.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

namespace bulwark::stress {

/// Fewer overlapping pairs an operation than this, and the threads came one after the other: nothing was raced. With
/// two threads of one operation each there can be 0.5.
inline constexpr double fewest_overlaps = 0.2;

/// Rounds of a scenario until the run is over. `Scenario(run&)`; then for each round `choose(thread, random)`, in each
/// thread; `act(thread)`, the operation, in each thread at once; and `check()`, in one thread while the others wait.
template <class Scenario>
class round_player {
    using clock = std::chrono::steady_clock;

public:
    explicit round_player(run& r) : run_(r), line_(r.threads()), desks_(r.threads()) {
        for (desk& d : desks_) d.random.seed(r.random()());
    }

    void play() {
        // Not in the calling thread: to pin that would pin all threads that it starts later.
        std::vector<std::jthread> team;
        for (unsigned t = 0; t != run_.threads(); ++t) team.emplace_back([this, t] { work(t); });
    }

private:
    /// An object is used for so many rounds: it is in the caches of both cores, as in real use.
    static constexpr std::uint64_t rounds_of_an_object = 100;

    static constexpr clock::duration shortest_notice = std::chrono::nanoseconds(200);
    static constexpr clock::duration longest_notice = std::chrono::microseconds(10);

    /// What one thread writes on, away from the others' lines.
    struct alignas(128) desk {
        random_source random;
        clock::time_point began;
        clock::time_point ended;
        bool late = false;
    };

    void work(unsigned thread) {
        checks::take_core(thread);
        for (;;) {
            line_.pass([this] {
                if (scenario_) judge();
                if (run_.rounds() % rounds_of_an_object == 0) scenario_.reset();
                over_ = !run_.more();
                if (!over_ && !scenario_) scenario_.emplace(run_);
                if (!over_) set_start();
            });
            if (over_) return;
            desk& d = desks_[thread];
            scenario_->choose(thread, d.random);
            const auto delay = static_cast<clock::rep>(d.random() % delays_);
            const clock::time_point start = start_ + clock::duration(delay);
            d.began = clock::now();
            d.late = d.began > start;
            while (d.began < start) d.began = clock::now();
            scenario_->act(thread);
            d.ended = clock::now();
        }
    }

    void judge() {
        run_.add_operations(desks_.size());
        for (std::size_t i = 0; i != desks_.size(); ++i) {
            for (std::size_t j = 0; j != i; ++j) {
                const auto shared =
                    std::min(desks_[i].ended, desks_[j].ended) - std::max(desks_[i].began, desks_[j].began);
                if (shared > reading_) run_.add_overlap();
            }
        }
        scenario_->check();
    }

    /// So far ahead that hardly ever a thread hears of it too late: how long that is depends on the machine, and on
    /// what the compiler put between.
    void set_start() {
        const bool late = std::any_of(desks_.begin(), desks_.end(), [](const desk& d) { return d.late; });
        notice_ = std::clamp(late ? notice_ + notice_ / 2 : notice_ - notice_ / 128, shortest_notice, longest_notice);
        clock::duration shortest = longest_notice;
        for (const desk& d : desks_) shortest = std::min(shortest, d.ended - d.began - reading_);
        delays_ = static_cast<std::uint64_t>(std::max(shortest, clock::duration(1)).count());
        start_ = clock::now() + notice_;
    }

    /// What one reading of the clock takes at least.
    static clock::duration time_of_a_reading() {
        clock::duration least = clock::duration::max();
        clock::time_point last = clock::now();
        for (int i = 0; i != 1000; ++i) {
            const clock::time_point now = clock::now();
            least = std::min(least, now - last);
            last = now;
        }
        return least;
    }

    run& run_;
    const clock::duration reading_ = time_of_a_reading();
    checks::start_line line_;
    std::vector<desk> desks_;
    // Written by the last to come, read by the others after it has let them pass.
    std::optional<Scenario> scenario_;
    clock::time_point start_;
    clock::duration notice_ = shortest_notice;
    std::uint64_t delays_ = 1;  ///< as long as the shortest operation of the last round, in ticks of the clock
    bool over_ = false;
};

template <class Scenario>
void play_rounds(run& r) {
    round_player<Scenario>(r).play();
}

}  // namespace bulwark::stress
