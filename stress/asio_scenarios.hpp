// Waiters without threads: each thread runs a context of its own, on which it waits for permits while others give them
// back, resize, and wait asleep; and each ends its waits by deadlines, by cancellations, and by the end of its context.
//
// No thread waits for ever: who sleeps has a time limit, for what others hold on their contexts comes back only when
// they run these.
#pragma once

#include "run.hpp"
#include "waiting_workload.hpp"
#include "watchdog.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <bulwark/asio/acquire.hpp>
#include <bulwark/deadline.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace bulwark::stress {

template <class Impl>
class waiters_on_contexts {
    using bulkhead = typename Impl::bulkhead;
    using slot = typename bulkhead::slot;
    using weight = decltype(std::declval<const slot&>().weight());
    static constexpr std::uint64_t unit = unit_of<bulkhead>;

public:
    explicit waiters_on_contexts(run& r)
        : run_(r),
          units_(1 + static_cast<std::uint32_t>(r.random()() % 3)),
          pool_(config_of<bulkhead>(units_, r.random()() % 4 == 0 ? 2 : 1000)),
          hands_(r.threads()),
          watchdog_(r, pool_) {}

    void act(unsigned thread, random_source& random) {
        hand& h = hands_[thread];
        for (int i = 0; i != steps; ++i) {
            step(h, random);
            watchdog_.step(thread);
        }
        // Everything to its end: others wait for what is on its way to this context.
        h.held.clear();
        h.context->restart();
        while (!h.context->stopped()) {
            h.context->run_one_for(std::chrono::milliseconds(1));
            h.held.clear();
            watchdog_.step(thread);
        }
        run_.add_operations(steps);
    }

    void finish() {
        figures all;
        for (const hand& h : hands_) {
            all.begun += h.counted.begun;
            all.admitted += h.counted.admitted;
            all.sent_away += h.counted.sent_away;
            all.dropped += h.counted.dropped;
        }
        const auto seen = pool_.snapshot();
        run_.check(seen.waiting == 0, "nobody is there, but waiting", seen.waiting);
        run_.check(seen.in_use == 0, "a permit was lost or doubled:", seen.in_use, "in use");
        run_.check(all.begun == all.admitted + all.sent_away + all.dropped, "begun", all.begun, "but ended",
                   all.admitted + all.sent_away + all.dropped);
        const std::uint64_t counted = seen.admitted + seen.refused + seen.timed_out + seen.stopped;
        run_.check(counted == all.begun, "begun", all.begun, "but counted", counted);
        pool_.resize(static_cast<weight>(units_ * unit));
        run_.check(pool_.try_acquire(static_cast<weight>(units_ * unit)).has_value(), "not all permits can be taken");
    }

private:
    static constexpr int steps = 200;

    struct figures {
        std::uint64_t begun = 0;
        std::uint64_t admitted = 0;
        std::uint64_t sent_away = 0;
        std::uint64_t dropped = 0;
    };

    /// What one thread has; the handlers of its context run in it.
    struct alignas(128) hand {
        figures counted;
        std::vector<slot> held;
        std::deque<boost::asio::cancellation_signal> signals;
        std::unique_ptr<boost::asio::io_context> context = std::make_unique<boost::asio::io_context>(1);
    };

    /// A handler, which knows whether it was called.
    class handler {
    public:
        handler(waiters_on_contexts& of, hand& h) : of_(&of), hand_(&h) {}
        handler(handler&& other) noexcept : of_(std::exchange(other.of_, nullptr)), hand_(other.hand_) {}
        ~handler() {
            if (of_ != nullptr) ++hand_->counted.dropped;
        }
        void operator()(result<slot> got) { std::exchange(of_, nullptr)->take(*hand_, std::move(got)); }

    private:
        waiters_on_contexts* of_;
        hand* hand_;
    };

    void step(hand& h, random_source& random) {
        const auto n = static_cast<weight>((1 + random() % units_) * unit);
        switch (random() % 16) {
            case 0:
            case 1:
            case 2: async_acquire(pool_, n, boost::asio::bind_executor(*h.context, begin(h))); break;
            case 3:
            case 4: async_acquire(pool_, n, some_time(random), boost::asio::bind_executor(*h.context, begin(h))); break;
            case 5:
            case 6:
            case 7: {
                h.signals.emplace_back();
                const auto until = random() % 2 == 0 ? deadline::never() : some_time(random);
                async_acquire(pool_, n, until,
                              boost::asio::bind_cancellation_slot(h.signals.back().slot(),
                                                                  boost::asio::bind_executor(*h.context, begin(h))));
                break;
            }
            case 8:
                if (!h.signals.empty()) {
                    h.signals[random() % h.signals.size()].emit(boost::asio::cancellation_type::total);
                }
                break;
            case 9: {
                h.held.clear();
                h.counted.begun += 1;
                take(h, pool_.try_acquire_for(std::chrono::nanoseconds(random() % 50'000), n));
                break;
            }
            case 10: pool_.resize(static_cast<weight>((1 + random() % units_) * unit)); break;
            case 11:
                if (random() % 8 == 0) h.context = std::make_unique<boost::asio::io_context>(1);
                break;
            case 12: h.held.clear(); break;
            default:
                h.context->restart();
                h.context->poll();
                break;
        }
    }

    handler begin(hand& h) {
        ++h.counted.begun;
        return handler(*this, h);
    }

    static deadline some_time(random_source& random) {
        return deadline::in(std::chrono::nanoseconds(random() % 100'000));
    }

    void take(hand& h, result<slot> got) {
        if (!got) {
            ++h.counted.sent_away;
            return;
        }
        ++h.counted.admitted;
        // relaxed: the bound is about amounts, not about what others wrote
        const std::uint64_t now = inside_.fetch_add(got->weight(), std::memory_order_relaxed) + got->weight();
        run_.check(now <= units_ * unit, "more inside than permits:", now);
        // Not atomic, on purpose: who holds the only permit is alone.
        if (units_ == 1) ++guarded_by_the_only_permit_;
        inside_.fetch_sub(got->weight(), std::memory_order_relaxed);  // relaxed: as above
        h.held.push_back(std::move(*got));
    }

    run& run_;
    const std::uint32_t units_;
    bulkhead pool_;
    std::atomic<std::uint64_t> inside_{0};
    std::uint64_t guarded_by_the_only_permit_ = 0;
    std::vector<hand> hands_;
    watchdog<bulkhead> watchdog_;
};

}  // namespace bulwark::stress
