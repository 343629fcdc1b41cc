// What must hold of calls whose callers may leave before they end, whatever the interleaving: every caller gets one
// answer, its own, or the reason why there is none; every call that began ended and was counted once; nothing begins
// after its caller has left; and nothing is kept.
#pragma once

#include "run.hpp"

#include <bulwark/hedge.hpp>
#include <bulwark/pool_timeout.hpp>
#include <bulwark/stopping_timeout.hpp>
#include <bulwark/timer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace bulwark::stress {

using steady_context = basic_call_context<std::chrono::steady_clock>;

inline std::chrono::nanoseconds some_time(random_source& random, std::uint64_t most) {
    return std::chrono::nanoseconds(random() % most);
}

/// Turns on the spot for that long, or until it is asked to stop.
inline void spin(std::chrono::nanoseconds time, const std::stop_token& stop) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end && !stop.stop_requested()) {
    }
}

/// One call, as its attempts see it; looked at when all have ended.
struct call_record {
    std::uint64_t number = 0;
    std::atomic<std::uint32_t> began = 0;  ///< attempts
    std::optional<errc> refused;           ///< what the caller was told, where it was no answer
};

/// What a call answers with: it has memory of its own, so that one that is touched after its end is found.
struct call_answer {
    std::unique_ptr<std::uint64_t> number;
};

/// What a round is about, but for the layer: calls by all threads, some of which fail, throw, hang or are stopped.
class left_calls {
public:
    explicit left_calls(run& r)
        : run_(r),
          pool_({.threads = static_cast<std::uint32_t>(r.random()() % 3 + 1),
                 .max_queued = static_cast<std::uint32_t>(r.random()() % 4)}) {}

protected:
    struct ends_by {
        bool throws;
        bool fails;
        bool deaf;  ///< does not hear that it is asked to stop
    };

    template <class Layer>
    void call(Layer& layer, random_source& random) {
        // Shared: attempts outlive the call.
        const auto record = std::make_shared<call_record>();
        record->number = random();
        const std::uint64_t number = record->number;
        {
            const std::lock_guard lock(mutex_);
            records_.push_back(record);
        }
        const ends_by how{random() % 8 == 0, random() % 4 == 0, random() % 2 == 0};
        const auto takes = some_time(random, 60'000);
        std::stop_source outer;
        steady_context context;
        std::optional<std::jthread> stopper;
        if (random() % 4 == 0) {
            context = context.stopped_by(outer.get_token());
            const auto when = some_time(random, 40'000);
            stopper.emplace([outer, when]() mutable {
                spin(when, {});
                outer.request_stop();
            });
        }
        if (random() % 2 == 0) context = context.until(deadline::in(some_time(random, 80'000)));
        const auto fn = [this, record, how, takes](const steady_context& inner) {
            record->began.fetch_add(1);
            began_.fetch_add(1);
            if (how.throws || how.fails) failures_.fetch_add(1);
            spin(takes / inner.attempt(), how.deaf ? std::stop_token() : inner.stop_token());
            if (how.throws) throw record->number;
            return call_answer{std::make_unique<std::uint64_t>(record->number)};
        };
        const auto judge = [how](const call_answer&) { return how.fails ? outcome::failure : outcome::success; };
        try {
            const auto reply = layer.execute(context, fn, judge);
            if (reply) {
                run_.check(*reply->number == number, "another call's answer");
                run_.check(!how.throws, "an answer of a function that throws");
                answered_.fetch_add(1);
            } else {
                record->refused = reply.error();
            }
        } catch (const std::uint64_t& thrown) {
            run_.check(thrown == number && how.throws, "another call's exception");
            answered_.fetch_add(1);
        }
        run_.add_operations(1);
    }

    /// When none is under way any more.
    void check_refusals() {
        for (const auto& record : records_) {
            if (!record->refused) continue;
            const bool began = record->began.load() != 0;
            switch (*record->refused) {
                case errc::timed_out: run_.check(!began, "timed out, but the call was made"); break;
                case errc::queue_full: run_.check(!began, "refused, but the call was made"); break;
                case errc::deadline_exceeded: run_.check(began, "the time is over, but no call was made"); break;
                case errc::stopped: break;
                default: run_.check(false, "an error that nobody makes:", static_cast<int>(*record->refused));
            }
        }
    }

    run& run_;
    thread_pool_bulkhead pool_;
    std::atomic<std::uint64_t> began_{0};
    std::atomic<std::uint64_t> failures_{0};  ///< of those that began
    std::atomic<std::uint64_t> answered_{0};

private:
    std::mutex mutex_;
    std::vector<std::shared_ptr<call_record>> records_;
};

class calls_left_on_time : left_calls {
public:
    explicit calls_left_on_time(run& r)
        : left_calls(r), limit_(std::in_place, some_time(r.random(), 50'000) + one, pool_) {}

    void act(unsigned, random_source& random) {
        for (int i = 0; i != 20; ++i) call(*limit_, random);
    }

    void finish() {
        while (limit_->under_way() != 0) std::this_thread::yield();
        run_.check(began_ == answered_ + limit_->late(), "begun:", began_.load(), "answered:", answered_.load(),
                   "late:", limit_->late());
        check_refusals();
        limit_.reset();
        const auto seen = pool_.snapshot();
        run_.check(seen.failed == 0, "an exception came out of an attempt");
    }

private:
    static constexpr std::chrono::nanoseconds one{1};
    std::optional<pool_timeout> limit_;
};

class hedged_calls : left_calls {
public:
    explicit hedged_calls(run& r)
        : left_calls(r),
          budget_({.percent = 50, .max_saved = 5}),
          hedge_(std::in_place,
                 hedge_config{.delay = some_time(r.random(), 40'000),
                              .max_attempts = static_cast<std::uint32_t>(r.random()() % 4 + 1),
                              .budget = r.random()() % 2 == 0 ? &budget_ : nullptr},
                 pool_) {}

    void act(unsigned, random_source& random) {
        for (int i = 0; i != 20; ++i) call(*hedge_, random);
    }

    void finish() {
        while (hedge_->under_way() != 0) std::this_thread::yield();
        // What is neither: a failure in time that another attempt followed.
        const std::uint64_t told = answered_ + hedge_->late();
        run_.check(began_ >= told && began_ <= told + failures_, "begun:", began_.load(), "answered:", answered_.load(),
                   "late:", hedge_->late(), "failures:", failures_.load());
        check_refusals();
        hedge_.reset();
    }

private:
    retry_budget budget_;
    std::optional<hedge> hedge_;
};

/// Alarms that go off while they are taken back, in threads that share one timer.
class alarms_and_ends {
public:
    explicit alarms_and_ends(run& r)
        : run_(r), limit_(some_time(r.random(), 20'000) + std::chrono::nanoseconds(1), timer_) {}

    void act(unsigned, random_source& random) {
        for (int i = 0; i != 50; ++i) {
            // Plain: a stop callback that ran after the call would race with its end.
            std::uint64_t asked = 0;
            const auto takes = some_time(random, 30'000);
            const bool waits = random() % 2 == 0;
            const auto reply = limit_.execute([&](const steady_context& call) {
                const std::stop_callback count(call.stop_token(), [&asked] { ++asked; });
                spin(takes, {});
                // The deadline alone is no promise of a stop by now; but it will come.
                if (waits) {
                    while (!call.stop_token().stop_requested()) std::this_thread::yield();
                }
            });
            run_.check(asked <= 1, "asked to stop more than once");
            run_.check(!waits || reply.error() == errc::deadline_exceeded, "stopped before its time");
        }
        run_.add_operations(50);
    }

    void finish() { run_.check(timer_.pending() == 0, "alarms are left:", timer_.pending()); }

private:
    run& run_;
    timer timer_;
    stopping_timeout limit_;
};

}  // namespace bulwark::stress
