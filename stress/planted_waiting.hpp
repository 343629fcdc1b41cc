// Bulkheads whose callers wait, with one defect each of a kind seen in the field, behind one mutex. Tests of one thread
// pass on all of them; a run that does not find them has raced nothing, and fails.
#pragma once

#include <bulwark/bulkhead_config.hpp>
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/errc.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>

namespace bulwark::stress::planted {

enum class defect : std::uint8_t {
    keeps_permit,    ///< a waiter that was admitted when its time ended says that it timed out, and forgets the permit
    lets_newcomers,  ///< a permit that comes back is free until the waiter that was woken for it has got up
    looks_too_soon,  ///< a caller looks, and enters the queue later, without looking again
    small_first,     ///< who fits is admitted, whoever else waits
};

template <defect Defect>
class waiting_bulkhead {
public:
    /// For the watchdog.
    static constexpr std::chrono::milliseconds longest_rest{300};

    class slot {
    public:
        slot(waiting_bulkhead& owner, std::uint32_t weight) : owner_(&owner), weight_(weight) {}
        slot(slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), weight_(other.weight_) {}
        slot& operator=(slot&&) = delete;
        ~slot() {
            if (owner_ != nullptr) owner_->give_back(weight_);
        }
        std::uint32_t weight() const { return weight_; }

    private:
        waiting_bulkhead* owner_;
        std::uint32_t weight_;
    };

    explicit waiting_bulkhead(const bulkhead_config& config)
        : capacity_(config.max_concurrent), max_waiting_(config.max_waiting), free_(capacity_) {}

    result<slot> try_acquire(std::uint32_t n = 1) {
        const std::lock_guard lock(mutex_);
        if (n > capacity_) return note(errc::over_capacity);
        if (!may_enter(n)) return note(errc::bulkhead_full);
        return enter(n);
    }

    result<slot> acquire(std::uint32_t n = 1) { return wait(n, {}, {}); }
    result<slot> acquire(const std::stop_token& stop, std::uint32_t n = 1) { return wait(n, stop, {}); }
    result<slot> try_acquire_for(std::chrono::nanoseconds time, std::uint32_t n = 1) {
        return wait(n, {}, std::chrono::steady_clock::now() + time);
    }
    result<slot> try_acquire_for(std::chrono::nanoseconds time, const std::stop_token& stop, std::uint32_t n = 1) {
        return wait(n, stop, std::chrono::steady_clock::now() + time);
    }
    result<slot> try_acquire_until(std::chrono::steady_clock::time_point end, const std::stop_token& stop,
                                   std::uint32_t n = 1) {
        return wait(n, stop, end);
    }
    /// Of a clock that stands still until the time has come.
    template <class Clock, class Duration>
    result<slot> try_acquire_until(std::chrono::time_point<Clock, Duration> end, std::uint32_t n = 1) {
        for (;;) {
            auto got = try_acquire_for(std::chrono::microseconds(200), n);
            if (got || got.error() != errc::timed_out || Clock::now() >= end) return got;
        }
    }

    template <class F>
    result<void> execute(F&& fn) {
        const auto held = try_acquire(1);
        if (!held) return held.error();
        std::invoke(std::forward<F>(fn));
        return {};
    }

    void resize(std::uint32_t permits) {
        const std::lock_guard lock(mutex_);
        free_ += static_cast<std::int64_t>(permits) - capacity_;
        capacity_ = permits;
        queue_.remove_if([this](waiter* w) {
            if (w->wants <= capacity_) return false;
            w->refusal = errc::over_capacity;
            w->woken.notify_one();
            return true;
        });
        hand_over();
    }

    std::uint32_t capacity() const { return static_cast<std::uint32_t>(snapshot().capacity); }
    std::uint32_t in_use() const { return static_cast<std::uint32_t>(snapshot().in_use); }
    std::uint32_t available() const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::uint32_t>(std::max<std::int64_t>(free_, 0));
    }
    std::uint32_t waiting() const { return static_cast<std::uint32_t>(snapshot().waiting); }

    bulkhead_snapshot snapshot() const {
        const std::lock_guard lock(mutex_);
        bulkhead_snapshot seen = counted_;
        seen.capacity = capacity_;
        seen.in_use = static_cast<std::uint64_t>(capacity_ - free_);
        seen.waiting = queue_.size();
        return seen;
    }

    /// For the watchdog: everybody goes home.
    void rescue() {
        const std::lock_guard lock(mutex_);
        rescued_ = true;
        for (waiter* w : queue_) w->woken.notify_one();
    }

private:
    struct waiter {
        std::uint32_t wants;
        std::condition_variable_any woken;
        bool admitted = false;
        std::optional<errc> refusal;
    };

    bool may_enter(std::uint32_t n) const {
        constexpr bool may_pass = Defect == defect::small_first || Defect == defect::lets_newcomers;
        return free_ >= n && (queue_.empty() || may_pass);
    }

    slot enter(std::uint32_t n) {
        free_ -= n;
        ++counted_.admitted;
        return slot(*this, n);
    }

    errc note(errc why) {
        ++(why == errc::timed_out ? counted_.timed_out : why == errc::stopped ? counted_.stopped : counted_.refused);
        return why;
    }

    result<slot> wait(std::uint32_t n, const std::stop_token& stop,
                      std::optional<std::chrono::steady_clock::time_point> end) {
        std::unique_lock lock(mutex_);
        if (n > capacity_) return note(errc::over_capacity);
        if (may_enter(n)) return enter(n);
        if (queue_.size() >= max_waiting_) return note(errc::queue_full);
        if constexpr (Defect == defect::looks_too_soon) {
            lock.unlock();
            // On two cores it would be minutes until another thread comes in between by itself.
            std::this_thread::yield();
            lock.lock();
        }
        waiter self{.wants = n, .woken = {}, .refusal = {}};
        queue_.push_back(&self);
        const auto over = [&] {
            if constexpr (Defect == defect::lets_newcomers) admit_if_first(self);
            return self.admitted || self.refusal || rescued_;
        };
        bool late = false;
        if (end) {
            late = !self.woken.wait_until(lock, stop, *end, over);
        } else {
            self.woken.wait(lock, stop, over);
        }
        if constexpr (Defect == defect::keeps_permit) {
            if (end && self.admitted && std::chrono::steady_clock::now() >= *end) {
                --counted_.admitted;
                return note(errc::timed_out);
            }
        }
        if (self.admitted) return slot(*this, n);
        if (self.refusal) return note(*self.refusal);
        queue_.remove(&self);
        hand_over();
        return note(late && !stop.stop_requested() ? errc::timed_out : errc::stopped);
    }

    void give_back(std::uint32_t n) {
        const std::lock_guard lock(mutex_);
        free_ += n;
        hand_over();
    }

    void hand_over() {
        if constexpr (Defect == defect::lets_newcomers) {
            if (!queue_.empty()) queue_.front()->woken.notify_one();
            return;
        }
        for (auto at = queue_.begin(); at != queue_.end();) {
            waiter& next = **at;
            if (free_ < next.wants && Defect != defect::small_first) return;
            if (free_ < next.wants) {
                ++at;
                continue;
            }
            at = queue_.erase(at);
            admit(next);
            next.woken.notify_one();
        }
    }

    void admit_if_first(waiter& who) {
        if (who.admitted || queue_.empty() || queue_.front() != &who || free_ < who.wants) return;
        queue_.pop_front();
        admit(who);
        hand_over();
    }

    void admit(waiter& who) {
        free_ -= who.wants;
        ++counted_.admitted;
        who.admitted = true;
    }

    mutable std::mutex mutex_;
    std::uint32_t capacity_;
    std::uint32_t max_waiting_;
    std::int64_t free_;
    std::list<waiter*> queue_;
    bool rescued_ = false;
    bulkhead_snapshot counted_;
};

template <defect Defect>
struct waiting {
    static constexpr const char* name = "planted";
    using bulkhead = waiting_bulkhead<Defect>;
};

}  // namespace bulwark::stress::planted
