// The rate limiter behind one std::mutex: the specification of bulwark::rate_limiter, and a drop-in to compare it with.
//
// A token bucket, exact. It holds up to `burst` permits and fills at permits / period; what does not fit is lost. A
// call is granted where the bucket holds what it asks for. Levels are counted in units of which one nanosecond adds
// `permits`, so that a permit is `period` of them, and nothing is ever rounded.
//
// The bucket may be that of a time to come: a waiter takes its permits from the bucket as it will be at the first
// nanosecond that suffices. What is left there is less than a permit, so that nobody is served out of turn.
//
// bulwark::rate_limiter agrees with this to the nanosecond where it can represent the rate; otherwise it agrees with
// one of the rate that it rounds down to.
//
// Thread safety: as bulwark::rate_limiter. Progress: every member is blocking. A waiter sleeps on a condition variable
// of its own, and is woken by its time or by a stop.
#pragma once

#include <bulwark/detail/executes.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/rate_limiter_config.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace bulwark::inline BULWARK_ABI::reference {

/// A level, or a time by a count of nanoseconds, whose products and sums all fit.
__extension__ using wide = __int128;

template <class Clock = std::chrono::steady_clock>
class basic_rate_limiter : public detail::executes<basic_rate_limiter<Clock>> {
    using nanoseconds = std::chrono::nanoseconds;

public:
    using clock = Clock;

    explicit basic_rate_limiter(const rate_limiter_config& c)
        : config_((validate(c), c)), began_(Clock::now()), bucket_{.at = 0, .level = full()} {}

    basic_rate_limiter(const basic_rate_limiter&) = delete;
    basic_rate_limiter& operator=(const basic_rate_limiter&) = delete;

    [[nodiscard]] result<void> try_acquire(std::uint64_t n = 1) {
        if (n > config_.burst) return errc::over_capacity;
        const std::lock_guard lock(mutex_);
        return take_now(n) ? granted() : errc::rate_limited;
    }

    [[nodiscard]] result<void> acquire(std::uint64_t n = 1) { return acquire(std::stop_token(), n); }
    [[nodiscard]] result<void> acquire(const std::stop_token& stop, std::uint64_t n = 1) {
        return take(n, stop, [] { return nanoseconds::max(); });
    }

    template <class Rep, class Period>
    [[nodiscard]] result<void> try_acquire_for(std::chrono::duration<Rep, Period> time, std::uint64_t n = 1) {
        return try_acquire_for(time, std::stop_token(), n);
    }
    template <class Rep, class Period>
    [[nodiscard]] result<void> try_acquire_for(std::chrono::duration<Rep, Period> time, const std::stop_token& stop,
                                               std::uint64_t n = 1) {
        const wide began = now();
        return take(n, stop, [&] {
            const nanoseconds limit = saturated(time);
            return limit == nanoseconds::max() ? limit : saturated(wide{limit.count()} - (now() - began));
        });
    }

    template <class EndClock, class Duration>
    [[nodiscard]] result<void> try_acquire_until(std::chrono::time_point<EndClock, Duration> end, std::uint64_t n = 1) {
        return try_acquire_until(end, std::stop_token(), n);
    }
    template <class EndClock, class Duration>
    [[nodiscard]] result<void> try_acquire_until(std::chrono::time_point<EndClock, Duration> end,
                                                 const std::stop_token& stop, std::uint64_t n = 1) {
        return take(n, stop, [&] {
            using far = std::chrono::duration<long double, std::nano>;
            const auto at = EndClock::now().time_since_epoch();
            const far rest = far(end.time_since_epoch()) - far(at);
            // Times that are far apart may have no difference in the units of either.
            const bool is_far = rest > far(std::chrono::hours(1)) || rest < far(std::chrono::hours(-1));
            if (is_far) return saturated(rest);
            // An unsigned difference knows no time that has passed.
            return end.time_since_epoch() <= at ? nanoseconds::zero() : saturated(end.time_since_epoch() - at);
        });
    }

    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        const result<void> got = try_acquire();
        if (!got) return {boost::system::in_place_error, got.error()};
        return next(context);
    }

    nanoseconds retry_after(std::uint64_t n = 1) const {
        if (n > config_.burst) return nanoseconds::max();
        if (n == 0) return nanoseconds::zero();
        const std::lock_guard lock(mutex_);
        const wide at = now();
        return saturated(first_time_for(n, at) - at);
    }

    std::uint64_t available() const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::uint64_t>(std::max<wide>(0, filled_until(now()).level) / period());
    }

    std::uint64_t capacity() const { return config_.burst; }

private:
    struct bucket {
        wide at;  ///< nanoseconds since construction
        wide level;
        friend bool operator==(const bucket&, const bucket&) = default;
    };

    wide period() const { return config_.period.count(); }
    wide full() const { return wide{config_.burst} * period(); }

    wide now() const {
        const std::chrono::duration<wide, typename Clock::period> since_epoch(Clock::now().time_since_epoch());
        const std::chrono::duration<wide, typename Clock::period> began(began_.time_since_epoch());
        return std::max<wide>(
            0, std::chrono::duration_cast<std::chrono::duration<wide, std::nano>>(since_epoch - began).count());
    }

    /// What is in it then. A time before the bucket's own, of a clock that stepped back or of somebody who wants to
    /// pass those who wait, has so much less.
    bucket filled_until(wide at) const {
        return {.at = at, .level = std::min(full(), bucket_.level + (at - bucket_.at) * wide{config_.permits})};
    }

    /// The first nanosecond, not before `from`, at which it holds n permits.
    wide first_time_for(std::uint64_t n, wide from) const {
        const wide missing = wide{n} * period() - bucket_.level;
        const wide permits = config_.permits;
        const wide fill = missing > 0 ? (missing + permits - 1) / permits : missing / permits;
        return std::max(from, bucket_.at + fill);
    }

    void take_at(wide time, std::uint64_t n) {
        bucket_ = filled_until(time);
        bucket_.level -= wide{n} * period();
    }

    bool take_now(std::uint64_t n) {
        if (n == 0) return true;
        const wide at = now();
        if (first_time_for(n, at) > at) return false;
        take_at(at, n);
        return true;
    }

    /// `left()` says how long the call may still wait; max() is for ever.
    template <class Left>
    result<void> take(std::uint64_t n, const std::stop_token& stop, Left left) {
        if (n > config_.burst) return errc::over_capacity;
        std::unique_lock lock(mutex_);
        if (take_now(n)) return granted();
        if (stop.stop_requested()) return errc::stopped;
        const wide at = now();
        const wide due = first_time_for(n, at);
        const wide wait = due - at;
        if (wait > left().count()) return errc::timed_out;
        if (wait > std::min<wide>(config_.max_wait.count(), wide{1} << 61)) return errc::queue_full;

        const bucket before = bucket_;
        take_at(due, n);
        const bucket mine = bucket_;
        const result<void> got = sleep(lock, due, stop, left);
        // Where somebody has reserved behind, the bucket is another.
        if (!got && bucket_ == mine) bucket_ = before;
        return got;
    }

    template <class Left>
    result<void> sleep(std::unique_lock<std::mutex>& lock, wide due, const std::stop_token& stop, Left left) {
        std::condition_variable_any woken;
        for (;;) {
            const nanoseconds rest = left();
            const nanoseconds wait = saturated(due - now());
            if (wait <= nanoseconds::zero()) return granted();
            if (stop.stop_requested()) return errc::stopped;
            if (rest <= nanoseconds::zero()) return errc::timed_out;
            // An hour at a time, so that no sum of times passes the end of the clock.
            woken.wait_for(lock, stop, std::min<nanoseconds>({rest, wait, std::chrono::hours(1)}),
                           [&] { return stop.stop_requested(); });
        }
    }

    static result<void> granted() { return {boost::system::in_place_value}; }

    static nanoseconds saturated(wide ns) {
        return nanoseconds(static_cast<nanoseconds::rep>(std::clamp<wide>(ns, 0, nanoseconds::max().count())));
    }
    /// The next nanosecond, or the end of the range where the time is beyond it; what is no number is no time.
    template <class Rep, class Period>
    static nanoseconds saturated(std::chrono::duration<Rep, Period> time) {
        using far = std::chrono::duration<long double, std::nano>;
        if (!(far(time) > far(0))) return nanoseconds::zero();
        if (far(time) >= far(nanoseconds::max())) return nanoseconds::max();
        return std::chrono::ceil<nanoseconds>(time);
    }

    const rate_limiter_config config_;
    const typename Clock::time_point began_;
    mutable std::mutex mutex_;
    bucket bucket_;
};

using rate_limiter = basic_rate_limiter<>;

}  // namespace bulwark::inline BULWARK_ABI::reference
