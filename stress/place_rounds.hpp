// Places that threads race to take and to give back: those of a half-open breaker for probes, and those of a bulkhead.
// After every round each place must be where it belongs: as many taken as could be, and every one that was given back
// free again.
#pragma once

#include "implementations.hpp"
#include "rounds.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace bulwark::stress {

/// The places of a half-open breaker.
template <class Impl>
class probe_places {
    using breaker = typename Impl::template breaker<manual_clock>;

public:
    using place = typename breaker::permit;
    static constexpr errc refusal = errc::too_many_probes;

    explicit probe_places(std::uint32_t limit)
        : breaker_({.max_requests = limit,
                    .interval = std::chrono::nanoseconds(0),
                    .timeout = std::chrono::nanoseconds(0),
                    .ready_to_trip = consecutive_failures(1),
                    // relaxed: a number, read after the round
                    .on_state_change = [this](const transition&) {
                        transitions_.fetch_add(1, std::memory_order_relaxed);
                    }}) {
        (void)breaker_.try_acquire()->failure();
    }

    result<place> take() { return breaker_.try_acquire(); }

    /// As a word, or without one. False where it was not counted, if that can be known.
    bool give_back(std::optional<place>& held, bool silently) {
        if (silently) {
            held.reset();
            return true;
        }
        const bool counted = held->ignore();
        held.reset();
        return counted;
    }

    /// With no probe out: opens, so that the next to come race to half-open.
    void start_again(run& r) {
        auto probe = take();
        r.check(probe.has_value() && probe->failure(), "the failure of the only probe was not counted");
    }

    void check(run& r, std::uint32_t held) const {
        const breaker_snapshot s = breaker_.snapshot();
        // relaxed: the threads that made transitions have met this one since
        const std::uint64_t told = transitions_.load(std::memory_order_relaxed);
        r.check(s.state == breaker_state::half_open, "probes given back moved the breaker:", s);
        r.check(s.generation == 1 + told, "callbacks", told, "but", s);
        const breaker_counts& c = s.counts;
        r.check(c.total_successes == 0 && c.total_failures == 0, "outcomes that nobody told:", c);
        r.check(c.requests - c.total_ignored >= held, "probes held", held, "but", c);
        r.check(c.requests - c.total_ignored <= held, "a probe leaked: held", held, "but", c);
    }

private:
    std::atomic<std::uint64_t> transitions_{0};
    breaker breaker_;
};

/// The places of a bulkhead.
template <class Impl>
class bulkhead_places {
    using bulkhead = typename Impl::bulkhead;

public:
    using place = typename bulkhead::slot;
    static constexpr errc refusal = errc::bulkhead_full;

    explicit bulkhead_places(std::uint32_t limit) : limit_(limit), pool_({.max_concurrent = limit}) {}

    result<place> take() { return pool_.try_acquire(); }

    bool give_back(std::optional<place>& held, bool) {
        held.reset();
        return true;
    }

    void start_again(run&) {}

    void check(run& r, std::uint32_t held) const {
        r.check(pool_.in_use() >= held, "slots held", held, "but in use", pool_.in_use());
        r.check(pool_.in_use() <= held, "a permit leaked: slots held", held, "but in use", pool_.in_use());
        r.check(pool_.available() == limit_ - held, "slots held", held, "of", limit_, "but free", pool_.available());
    }

private:
    const std::uint32_t limit_;
    bulkhead pool_;
};

/// A thread that holds a place gives it back, one that does not tries to take one.
template <class Places>
class places_come_back {
public:
    explicit places_come_back(run& r)
        : run_(r),
          limit_(1 + static_cast<std::uint32_t>(r.random()() % (r.threads() + 1))),
          places_(limit_),
          hands_(r.threads()),
          free_(limit_) {}

    void choose(unsigned thread, random_source& random) {
        hand& h = hands_[thread];
        h.gives_back = h.held.has_value();
        h.silently = random() % 2 == 0;
    }

    void act(unsigned thread) {
        hand& h = hands_[thread];
        if (h.gives_back) {
            h.fine = places_.give_back(h.held, h.silently);
            return;
        }
        auto taken = places_.take();
        h.fine = taken.has_value() || taken.error() == Places::refusal;
        if (taken) h.held.emplace(std::move(*taken));
    }

    void check() {
        std::uint32_t tried = 0;
        std::uint32_t taken = 0;
        std::uint32_t given_back = 0;
        for (const hand& h : hands_) {
            if (h.gives_back) {
                ++given_back;
                run_.check(h.fine, "what a probe said was not counted");
            } else {
                ++tried;
                if (h.held) ++taken;
                run_.check(h.fine, "refused for another reason than the limit");
            }
        }
        run_.check(taken >= std::min(tried, free_), "refused with a place free: free", free_, "taken", taken);
        run_.check(taken <= std::min(tried, free_ + given_back), "places", limit_, "free", free_, "given back",
                   given_back, "taken", taken);
        if (!run_.failure().empty()) return;
        free_ = free_ + given_back - taken;
        places_.check(run_, limit_ - free_);
        fill_up();
        prepare();
    }

private:
    struct alignas(128) hand {
        std::optional<typename Places::place> held;
        bool gives_back = false;
        bool silently = false;
        bool fine = true;
    };

    /// Every free place can be taken, and no more.
    void fill_up() {
        std::vector<typename Places::place> all;
        for (std::uint32_t i = 0; i != free_; ++i) {
            auto taken = places_.take();
            run_.check(taken.has_value(), "a place was lost: free", free_, "but taken", i);
            if (taken) all.push_back(std::move(*taken));
        }
        run_.check(!places_.take().has_value(), "a place too many: free", free_);
    }

    /// Sometimes a place is held over several rounds, and sometimes, when none is, the breaker opens.
    void prepare() {
        const bool often = run_.random()() % 4 == 0;
        if (!often) return;
        if (kept_) {
            kept_.reset();
            ++free_;
        } else if (free_ == limit_ && run_.random()() % 2 == 0) {
            places_.start_again(run_);
        } else if (free_ != 0) {
            auto taken = places_.take();
            run_.check(taken.has_value(), "refused with a place free, and alone");
            if (!taken) return;
            kept_.emplace(std::move(*taken));
            --free_;
        }
    }

    run& run_;
    const std::uint32_t limit_;
    Places places_;
    std::vector<hand> hands_;
    std::optional<typename Places::place> kept_;
    std::uint32_t free_;
};

}  // namespace bulwark::stress
