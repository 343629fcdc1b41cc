// The bulkhead behind one std::mutex: the specification of bulwark::bulkhead and bulwark::memory_bulkhead, and a
// drop-in to compare them with.
//
// All there is to know: permits in use, and a queue of those who wait, first come first. Whoever comes is admitted at
// once where nobody waits and the permits are there; after every change the waiters at the head that fit are admitted,
// one after the other, and nobody passes the first that does not.
//
// Thread safety: as bulwark::bulkhead. Progress: every member is blocking. A waiter sleeps on a condition variable of
// its own, so that only those who are admitted are woken.
#pragma once

#include <bulwark/bulkhead_config.hpp>
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI::reference {

/// `Weight` counts permits: std::uint32_t of calls, std::uint64_t of bytes. `Most` is the field of Config that says how
/// many there are.
template <class Weight, class Config, Weight Config::* Most>
class basic_bulkhead {
    using nanoseconds = std::chrono::nanoseconds;

public:
    class slot {
    public:
        slot(slot&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), weight_(std::exchange(other.weight_, 0)) {}
        slot& operator=(slot&& other) noexcept {
            slot taken(std::move(other));
            std::swap(owner_, taken.owner_);
            std::swap(weight_, taken.weight_);
            return *this;
        }
        ~slot() {
            if (owner_ != nullptr) owner_->give_back(weight_);
        }

        /// How many permits it holds; none once it was moved from.
        Weight weight() const noexcept { return weight_; }

    private:
        friend basic_bulkhead;
        slot(basic_bulkhead& owner, Weight weight) noexcept : owner_(&owner), weight_(weight) {}

        basic_bulkhead* owner_;
        Weight weight_;
    };

    explicit basic_bulkhead(const Config& config) : config_((validate(config), config)), capacity_(config.*Most) {}

    basic_bulkhead(const basic_bulkhead&) = delete;
    basic_bulkhead& operator=(const basic_bulkhead&) = delete;

    [[nodiscard]] result<slot> try_acquire(Weight n = 1) {
        std::unique_lock lock(mutex_);
        if (admits_at_once(n)) return admit(n);
        if (n > capacity_) return refuse(lock, errc::over_capacity, n);
        if (!std::exchange(saturated_, true)) {
            lock.unlock();
            tell(bulkhead_event_kind::saturated, errc::bulkhead_full, n);
            lock.lock();
        }
        return refuse(lock, errc::bulkhead_full, n);
    }

    [[nodiscard]] result<slot> acquire(Weight n = 1) { return acquire(std::stop_token(), n); }
    [[nodiscard]] result<slot> acquire(const std::stop_token& stop, Weight n = 1) {
        return take(n, stop, [] { return nanoseconds::max(); });
    }

    template <class Rep, class Period>
    [[nodiscard]] result<slot> try_acquire_for(std::chrono::duration<Rep, Period> time, Weight n = 1) {
        return try_acquire_for(time, std::stop_token(), n);
    }
    template <class Rep, class Period>
    [[nodiscard]] result<slot> try_acquire_for(std::chrono::duration<Rep, Period> time, const std::stop_token& stop,
                                               Weight n = 1) {
        const auto began = std::chrono::steady_clock::now();
        return take(n, stop, [&] {
            const nanoseconds limit = saturated(time);
            return limit == nanoseconds::max() ? limit : limit - (std::chrono::steady_clock::now() - began);
        });
    }

    template <class Clock, class Duration>
    [[nodiscard]] result<slot> try_acquire_until(std::chrono::time_point<Clock, Duration> end, Weight n = 1) {
        return try_acquire_until(end, std::stop_token(), n);
    }
    template <class Clock, class Duration>
    [[nodiscard]] result<slot> try_acquire_until(std::chrono::time_point<Clock, Duration> end,
                                                 const std::stop_token& stop, Weight n = 1) {
        return take(n, stop, [&] {
            using wide = std::chrono::duration<long double, std::nano>;
            const auto now = Clock::now().time_since_epoch();
            const wide rest = wide(end.time_since_epoch()) - wide(now);
            // Times that are far apart may have no difference in the units of either.
            const bool far = rest > wide(std::chrono::hours(1)) || rest < wide(std::chrono::hours(-1));
            if (far) return saturated(rest);
            // An unsigned difference knows no time that has passed.
            return end.time_since_epoch() <= now ? nanoseconds::zero() : saturated(end.time_since_epoch() - now);
        });
    }

    template <class F>
        requires std::invocable<F>
    execute_result<F> execute(F&& fn) {
        const result<slot> held = try_acquire();
        if (!held) return {boost::system::in_place_error, held.error()};
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            std::invoke(std::forward<F>(fn));
            return {boost::system::in_place_value};
        } else {
            return {boost::system::in_place_value, std::invoke(std::forward<F>(fn))};
        }
    }

    void resize(Weight permits) {
        Config changed;
        changed.*Most = permits;
        validate(changed);
        const std::lock_guard lock(mutex_);
        capacity_ = permits;
        admit_waiters();
    }

    Weight capacity() const { return static_cast<Weight>(snapshot().capacity); }
    /// More than the capacity where that has shrunk since.
    Weight in_use() const { return static_cast<Weight>(snapshot().in_use); }
    Weight available() const {
        const bulkhead_snapshot seen = snapshot();
        return static_cast<Weight>(seen.capacity - std::min(seen.in_use, seen.capacity));
    }
    std::uint32_t waiting() const { return static_cast<std::uint32_t>(snapshot().waiting); }

    bulkhead_snapshot snapshot() const {
        const std::lock_guard lock(mutex_);
        bulkhead_snapshot seen = counted_;
        seen.capacity = capacity_;
        seen.in_use = in_use_;
        seen.waiting = queue_.size();
        seen.has_waits = config_.wait_histogram;
        return seen;
    }

private:
    /// Somebody in the queue, in the frame of its call.
    struct waiter {
        Weight wants;
        std::condition_variable_any woken;
        bool gone = false;            ///< out of the queue: admitted, or refused
        std::optional<errc> refusal;  ///< why, or nothing where it was admitted
    };

    bool fits(Weight n) const { return in_use_ <= capacity_ && n <= capacity_ - in_use_; }
    bool admits_at_once(Weight n) const { return n == 0 || (queue_.empty() && fits(n)); }

    slot admit(Weight n) {
        in_use_ += n;
        ++counted_.admitted;
        saturated_ = false;
        return slot(*this, n);
    }

    /// `left()` says how long the call may still wait; max() is for ever.
    template <class Left>
    result<slot> take(Weight n, const std::stop_token& stop, Left left) {
        std::unique_lock lock(mutex_);
        for (;;) {
            if (admits_at_once(n)) return admit(n);
            if (n > capacity_) return refuse(lock, errc::over_capacity, n);
            if (std::exchange(saturated_, true)) break;
            lock.unlock();
            tell(bulkhead_event_kind::saturated, errc::bulkhead_full, n);
            lock.lock();
        }
        if (stop.stop_requested()) return refuse(lock, errc::stopped, n);
        if (left() <= nanoseconds::zero()) return refuse(lock, errc::timed_out, n);
        if (queue_.size() >= config_.max_waiting) return refuse(lock, errc::queue_full, n);

        waiter self{.wants = n, .woken = {}, .refusal = {}};
        const auto began = std::chrono::steady_clock::now();
        queue_.push_back(&self);
        try {
            sleep(lock, self, stop, left);
        } catch (...) {  // the clock threw
            if (!self.gone) leave(self, errc::timed_out);
            throw;
        }
        note_wait(std::chrono::steady_clock::now() - began);
        if (self.refusal) return refuse(lock, *self.refusal, n);
        return slot(*this, n);
    }

    /// Until it is out of the queue.
    template <class Left>
    void sleep(std::unique_lock<std::mutex>& lock, waiter& self, const std::stop_token& stop, Left left) {
        while (!self.gone) {
            const nanoseconds rest = left();
            if (stop.stop_requested()) {
                leave(self, errc::stopped);
            } else if (rest <= nanoseconds::zero()) {
                leave(self, errc::timed_out);
            } else {
                // An hour at a time, so that no sum of times passes the end of the clock.
                self.woken.wait_for(lock, stop, std::min<nanoseconds>(rest, std::chrono::hours(1)),
                                    [&] { return self.gone; });
            }
        }
    }

    void give_back(Weight n) {
        const std::lock_guard lock(mutex_);
        in_use_ -= n;
        admit_waiters();
    }

    /// In order, until one does not fit. What can never fit does not stand in the way of the others.
    void admit_waiters() {
        for (auto at = queue_.begin(); at != queue_.end();) {
            waiter& next = **at++;
            if (next.wants > capacity_) send_away(next, errc::over_capacity);
        }
        while (!queue_.empty() && fits(queue_.front()->wants)) {
            waiter& next = *queue_.front();
            in_use_ += next.wants;
            ++counted_.admitted;
            send_away(next, {});
        }
    }

    void leave(waiter& who, errc why) {
        send_away(who, why);
        admit_waiters();
    }

    void send_away(waiter& who, std::optional<errc> refusal) {
        queue_.remove(&who);
        who.gone = true;
        who.refusal = refusal;
        who.woken.notify_one();
    }

    void note_wait(nanoseconds time) {
        counted_.total_wait += time;
        counted_.longest_wait = std::max(counted_.longest_wait, time);
        if (!config_.wait_histogram) return;
        const auto ns = static_cast<std::uint64_t>(std::max<nanoseconds::rep>(time.count(), 1));
        ++counted_.waits[static_cast<std::size_t>(std::bit_width(ns) - 1)];
    }

    /// Ends the lock: events run with nothing held.
    errc refuse(std::unique_lock<std::mutex>& lock, errc reason, Weight n) {
        ++(reason == errc::timed_out ? counted_.timed_out
           : reason == errc::stopped ? counted_.stopped
                                     : counted_.refused);
        lock.unlock();
        tell(bulkhead_event_kind::refused, reason, n);
        return reason;
    }

    void tell(bulkhead_event_kind kind, errc reason, Weight n) const noexcept {
        if (!config_.on_event) return;
        try {
            config_.on_event({.kind = kind, .reason = reason, .weight = n});
        } catch (...) {  // NOLINT(bugprone-empty-catch): dropped, as documented
        }
    }

    /// The next nanosecond, or the end of the range where the time is beyond it; what is no number is no time.
    template <class Rep, class Period>
    static nanoseconds saturated(std::chrono::duration<Rep, Period> time) {
        using wide = std::chrono::duration<long double, std::nano>;
        if (!(wide(time) > wide(0))) return nanoseconds::zero();
        if (wide(time) >= wide(nanoseconds::max())) return nanoseconds::max();
        return std::chrono::ceil<nanoseconds>(time);
    }

    const Config config_;
    mutable std::mutex mutex_;
    Weight capacity_;
    std::uint64_t in_use_ = 0;  ///< more than the capacity where that has shrunk since
    std::list<waiter*> queue_;
    bool saturated_ = false;  ///< somebody has found too few permits since somebody was last admitted at once
    bulkhead_snapshot counted_;
};

using bulkhead = basic_bulkhead<std::uint32_t, bulkhead_config, &bulkhead_config::max_concurrent>;
using memory_bulkhead = basic_bulkhead<std::uint64_t, memory_bulkhead_config, &memory_bulkhead_config::max_bytes>;

using slot = bulkhead::slot;

}  // namespace bulwark::inline BULWARK_ABI::reference
