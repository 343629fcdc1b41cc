// A waiter and what ends its wait, in one race at a time: the only permit comes back, or a second one is added, while
// the waiter's time ends or it is stopped. After every round it either has a permit or the permit is free.
#pragma once

#include "rounds.hpp"
#include "run.hpp"
#include "waiting_workload.hpp"
#include "watchdog.hpp"

#include <bulwark/errc.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

namespace bulwark::stress {

/// One thread holds the permit and ends the wait of the other.
template <class Impl>
class waiter_meets_its_end {
    using bulkhead = typename Impl::bulkhead;
    static constexpr auto unit = unit_of<bulkhead>;

public:
    explicit waiter_meets_its_end(run& r)
        : run_(r), pool_(config_of<bulkhead>(1, 1)), hands_(r.threads()), watchdog_(r, pool_) {
        take_turns();
    }

    void choose(unsigned thread, random_source& random) {
        hand& h = hands_[thread];
        h.waits = static_cast<limit>(random() % 4);
        h.ends = static_cast<end>(random() % 4);
        h.time = std::chrono::nanoseconds(random() % 20'000);
        watchdog_.step(thread);
    }

    void act(unsigned thread) {
        hand& h = hands_[thread];
        if (!h.held) {
            wait(h);
            return;
        }
        if (h.ends == end::stopped_and_given_back) stop_->request_stop();
        if (h.ends == end::resized) {
            pool_.resize(2 * unit);
        } else {
            h.held.reset();
        }
        if (h.ends == end::given_back_and_stopped) stop_->request_stop();
    }

    void check() {
        std::uint64_t held = 0;
        for (const hand& h : hands_) held += h.held ? 1 : 0;
        run_.check(pool_.in_use() == held * unit, "permits held", held, "but in use", pool_.in_use());
        run_.check(pool_.waiting() == 0, "nobody is there, but waiting", pool_.waiting());
        for (const hand& h : hands_) run_.check(h.fine, "sent away for a reason that is not its own");
        take_turns();
    }

private:
    enum class limit : std::uint8_t { none, stop, time, time_and_stop };
    enum class end : std::uint8_t { given_back, stopped_and_given_back, given_back_and_stopped, resized };

    struct alignas(128) hand {
        std::optional<typename bulkhead::slot> held;
        limit waits{};
        end ends{};
        std::chrono::nanoseconds time{};
        bool fine = true;
    };

    void wait(hand& h) {
        auto got = call(h);
        h.fine = got || (got.error() == errc::stopped && h.waits != limit::none && h.waits != limit::time) ||
                 (got.error() == errc::timed_out && h.waits != limit::none && h.waits != limit::stop);
        if (got) h.held.emplace(std::move(*got));
    }

    auto call(const hand& h) {
        switch (h.waits) {
            case limit::none: return pool_.acquire(unit);
            case limit::stop: return pool_.acquire(stop_->get_token(), unit);
            case limit::time: return pool_.try_acquire_for(h.time, unit);
            case limit::time_and_stop: break;
        }
        return pool_.try_acquire_for(h.time, stop_->get_token(), unit);
    }

    /// One permit, in a hand that is drawn.
    void take_turns() {
        for (hand& h : hands_) h.held.reset();
        if (!stop_ || stop_->stop_requested()) stop_.emplace();
        pool_.resize(unit);
        auto only = pool_.try_acquire(unit);
        run_.check(only.has_value() && pool_.in_use() == unit, "the permit was lost");
        run_.check(!pool_.try_acquire(unit).has_value(), "a permit too many");
        if (only) hands_[run_.random()() % hands_.size()].held.emplace(std::move(*only));
    }

    run& run_;
    bulkhead pool_;
    std::optional<std::stop_source> stop_;  ///< optional: g++ 12 warns of its own library where one is assigned
    std::vector<hand> hands_;
    watchdog<bulkhead> watchdog_;
};

}  // namespace bulwark::stress
