// Actors that wait at a bulkhead, each on a thread of its own, and the stage on which one thing happens at a time:
// after every step the director waits until each call that it has let begin has either returned or stands in the queue,
// as waiting() tells. What happens is then a matter of the script alone, however the threads are scheduled.
#pragma once

#include "../checks/clock.hpp"

#include <bulwark/errc.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace bulwark::test {

/// What a call waits by.
enum class patience : std::uint8_t { endless, until_stopped, until_late, until_late_or_stopped };

constexpr bool can_be_stopped(patience p) {
    return p == patience::until_stopped || p == patience::until_late_or_stopped;
}
constexpr bool can_be_late(patience p) {
    return p == patience::until_late || p == patience::until_late_or_stopped;
}

/// Time that stands still in each actor's thread until the director says that it is late.
struct stage_clock : checks::nanosecond_clock<stage_clock> {
    static time_point now() noexcept {
        return time_point(late != nullptr && late->load(std::memory_order_acquire) ? 2 * deadline : duration(0));
    }
    /// So long a waiter may sleep before it looks at the clock again.
    static constexpr duration deadline = std::chrono::milliseconds(1);
    static inline thread_local const std::atomic<bool>* late = nullptr;
};

/// Who returned, and with what: 0, or the errc.
struct returned_call {
    std::size_t actor = 0;
    int answer = 0;
    bool operator==(const returned_call&) const = default;
};

template <class Bulkhead>
class stage {
public:
    using slot = typename Bulkhead::slot;
    using weight = decltype(std::declval<const slot&>().weight());

    stage(Bulkhead& pool, std::size_t actors) : pool_(pool) {
        for (std::size_t i = 0; i != actors; ++i) actors_.push_back(std::make_unique<actor>(*this));
    }

    /// A play that was broken off leaves nobody waiting.
    ~stage() {
        slots.clear();
        for (auto& a : actors_) {
            if (a->stop) a->stop->request_stop();
            a->late.store(true, std::memory_order_release);
        }
        pool_.resize(std::numeric_limits<weight>::max() / 4);
        bounded([this] { return under_way_.load(std::memory_order_acquire) == 0; });
    }
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;

    /// The slots of those who were admitted, in the order of the steps, and within a step of the actors.
    std::vector<slot> slots;

    bool idle(std::size_t who) const { return !actors_[who]->calls; }
    patience patience_of(std::size_t who) const { return actors_[who]->wait; }

    void begin(std::size_t who, weight n, patience wait) {
        actor& a = *actors_[who];
        a.calls = true;
        a.wait = wait;
        a.wants = n;
        a.late.store(false, std::memory_order_relaxed);  // published by the lock
        a.stop.emplace();
        // relaxed: only this thread adds
        under_way_.fetch_add(1, std::memory_order_relaxed);
        const std::lock_guard lock(a.mutex);
        a.called = true;
        a.wake.notify_one();
    }

    void stop(std::size_t who) {
        actors_[who]->stop->request_stop();
        await_return(who);
    }

    void be_late(std::size_t who) {
        actors_[who]->late.store(true, std::memory_order_release);
        await_return(who);
    }

    /// Everybody is back or in the queue. Who came back since the last time?
    std::vector<returned_call> settle() {
        // acquire: what those who returned wrote
        bounded([this] { return under_way_.load(std::memory_order_acquire) == pool_.waiting(); });
        std::vector<returned_call> back;
        for (std::size_t i = 0; i != actors_.size(); ++i) {
            actor& a = *actors_[i];
            if (!a.calls || !a.returned.load(std::memory_order_acquire)) continue;
            back.push_back({i, a.answer});
            if (a.taken) slots.push_back(std::move(*a.taken));
            a.taken.reset();
            a.returned.store(false, std::memory_order_relaxed);  // published by the lock in begin()
            a.calls = false;
        }
        return back;
    }

private:
    struct actor {
        explicit actor(stage& s) : thread([this, &s](const std::stop_token& end) { s.act(*this, end); }) {}

        bool calls = false;  ///< for the director
        patience wait{};
        weight wants = 0;
        std::atomic<bool> late{false};
        std::optional<std::stop_source> stop;  ///< optional: g++ 12 warns of its own library where one is assigned
        std::optional<slot> taken;
        int answer = 0;
        std::atomic<bool> returned{false};
        std::mutex mutex;
        std::condition_variable_any wake;
        bool called = false;
        std::jthread thread;  // last: it uses the others
    };

    void act(actor& a, const std::stop_token& end) {
        stage_clock::late = &a.late;
        for (;;) {
            {
                std::unique_lock lock(a.mutex);
                if (!a.wake.wait(lock, end, [&] { return a.called; })) return;
                a.called = false;
            }
            auto got = call(a);
            a.answer = got ? 0 : static_cast<int>(got.error());
            if (got) a.taken.emplace(std::move(*got));
            a.returned.store(true, std::memory_order_release);
            under_way_.fetch_sub(1, std::memory_order_release);
        }
    }

    auto call(actor& a) {
        constexpr stage_clock::time_point end(stage_clock::deadline);
        switch (a.wait) {
            case patience::endless: return pool_.acquire(a.wants);
            case patience::until_stopped: return pool_.acquire(a.stop->get_token(), a.wants);
            case patience::until_late: return pool_.try_acquire_until(end, a.wants);
            case patience::until_late_or_stopped: break;
        }
        return pool_.try_acquire_until(end, a.stop->get_token(), a.wants);
    }

    void await_return(std::size_t who) {
        bounded([&] { return actors_[who]->returned.load(std::memory_order_acquire); });
    }

    /// A waiter that is never woken cannot be joined either: the process ends.
    template <class Condition>
    void bounded(Condition holds) const {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (!holds()) {
            if (std::chrono::steady_clock::now() > end) {
                std::fprintf(stderr, "an actor neither returned nor entered the queue: %u under way, %llu waiting\n",
                             under_way_.load(), static_cast<unsigned long long>(pool_.waiting()));
                std::abort();
            }
            std::this_thread::yield();
        }
    }

    Bulkhead& pool_;
    std::atomic<unsigned> under_way_{0};
    std::vector<std::unique_ptr<actor>> actors_;  // last: their threads use the others
};

}  // namespace bulwark::test
