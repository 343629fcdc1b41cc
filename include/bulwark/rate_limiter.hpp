// The rate limiter: so many permits in a time and no more, so that a service is called as often as it can bear, or as
// its owner allows.
//
//     bulwark::rate_limiter limiter{{.permits = 100, .burst = 10}};    // 100 a second, up to 10 at once
//     auto r = limiter.execute([&] { return client.get("/orders"); });  // or errc::rate_limited, at once
//     if (!limiter.try_acquire(5)) reply_busy(limiter.retry_after(5));
//     if (limiter.try_acquire_for(50ms)) ...                            // waits for its turn
//     auto call = bulwark::pipeline{retry, limiter, breaker};           // a layer; bulwark::waiting(limiter) waits
//
// The bound. In any time of length t, wherever it begins, at most burst + permits / period * t permits are granted: by
// the limiter's clock, exactly, whatever threads do and whatever the numbers are. A clock that stands or steps back
// gives no more. A permit counts at the instant at which it was granted, a waiter's at the time that it waited for; a
// thread that gets to run later acts later, after a wait as after any call.
//
// The rate is the one asked for where permits / period, reduced, has at most 64 permits (3, 60 or 1000 a second);
// otherwise less by a part under 1 / (64 * period / permits in ns), 2.4e-7 for 999,983 a second. At that rate nothing
// is lost: while somebody always asks, all permits are granted, for ever. Only where a call takes a whole burst at once
// (with a burst of 1, every call), the rest of a nanosecond is lost, since clocks count nanoseconds.
//
// Time runs from construction, with a full burst, and does not end. A limiter from which nobody took anything for more
// than 4.5 years may take that for a queue and refuse; a clock that steps back by more than a year may give more.
//
// Waiting. A waiter reserves its permits with one compare-and-swap and sleeps until their time. So waiters are served
// in the order of their reservations, whatever each asks for; who does not wait takes nothing that was reserved; and
// who cannot be served before its deadline is refused at once, without a wait. Who leaves early, since it was stopped,
// gives its reservation back if nobody has reserved behind it (or all who had have given theirs back); otherwise its
// permits stay used, for to hand them on would let those behind it act too early or in the wrong order: a burst that
// never was allowed.
//
// Who is not served at once: first a request for more than a burst is errc::over_capacity; then, where the call does
// not wait, errc::rate_limited; then a stop that was requested is errc::stopped; then a time too short is
// errc::timed_out; then a wait longer than max_wait is errc::queue_full; then the caller waits. Permits that are there
// are granted even to who was stopped or is late. A request for none is granted.
//
// The clock. std::chrono::steady_clock by default. basic_rate_limiter<coarse_clock> takes less than half the time; its
// bound is exact by that clock, which moves in steps of some milliseconds: what was earned in a step is there all at
// once at its end, so burst should be no less than is earned in a step, or the rest is lost.
//
// Thread safety: every member may be called from any thread at any time; construction and destruction excepted.
// Progress: lock-free; who waits sleeps and costs no CPU. Observers are wait-free. Cost: a reading of the clock, a
// multiplication and a compare-and-swap to be granted; the same without the swap, writing nothing, to be refused. No
// allocation, also for who waits.
//
// The algorithm is in detail/gcra.hpp, its arithmetic in detail/emission.hpp; this file gives it waiting and layers.
#pragma once

#include <bulwark/deadline.hpp>
#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/detail/gcra.hpp>
#include <bulwark/detail/time_limit.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/rate_limiter_config.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stop_token>

namespace bulwark::inline BULWARK_ABI {

/// Clock: a std::chrono clock with a static now() that counts in whole numbers; a steady one.
template <class Clock = std::chrono::steady_clock, class Traits = detail::default_traits>
class basic_rate_limiter : public detail::executes<basic_rate_limiter<Clock, Traits>> {
public:
    using clock = Clock;

    /// Throws std::invalid_argument that names the field of a configuration that makes no sense.
    explicit basic_rate_limiter(const rate_limiter_config& c) : tat_((validate(c), rate_of(c)), c.max_wait) {}

    basic_rate_limiter(const basic_rate_limiter&) = delete;
    basic_rate_limiter& operator=(const basic_rate_limiter&) = delete;

    /// Never waits. errc::rate_limited, errc::over_capacity.
    [[nodiscard, gnu::always_inline]] result<void> try_acquire(std::uint64_t n = 1) noexcept(noexcept(Clock::now())) {
        if (n > tat_.most()) [[unlikely]]
            return refused(errc::over_capacity);
        if (n != 0 && !tat_.take(n)) return refused(errc::rate_limited);
        return granted();
    }

    /// Waits as long as it takes. errc::over_capacity, errc::stopped, errc::queue_full. Throws what the clock throws;
    /// the reservation is then given back as above.
    [[nodiscard]] result<void> acquire(std::uint64_t n = 1) { return acquire_by(n, nullptr, nullptr); }
    [[nodiscard]] result<void> acquire(const std::stop_token& stop, std::uint64_t n = 1) {
        return acquire_by(n, &stop, nullptr);
    }

    /// Likewise, and errc::timed_out, at once, where its time would come later. By the limiter's clock. Times saturate:
    /// past the range of the clock means never.
    template <class Rep, class Period>
    [[nodiscard]] result<void> try_acquire_for(std::chrono::duration<Rep, Period> time, std::uint64_t n = 1) {
        return acquire_within(n, nullptr, time);
    }
    template <class Rep, class Period>
    [[nodiscard]] result<void> try_acquire_for(std::chrono::duration<Rep, Period> time, const std::stop_token& stop,
                                               std::uint64_t n = 1) {
        return acquire_within(n, &stop, time);
    }

    /// Any clock with a static now(). Where it does not keep pace with the limiter's, a waiter may find that the end
    /// comes before its time after all; it then leaves, errc::timed_out, and gives its reservation back as above.
    template <class EndClock, class Duration>
    [[nodiscard]] result<void> try_acquire_until(std::chrono::time_point<EndClock, Duration> end, std::uint64_t n = 1) {
        return acquire_until(n, nullptr, end);
    }
    template <class EndClock, class Duration>
    [[nodiscard]] result<void> try_acquire_until(std::chrono::time_point<EndClock, Duration> end,
                                                 const std::stop_token& stop, std::uint64_t n = 1) {
        return acquire_until(n, &stop, end);
    }

    /// As a layer: each call takes one permit, or is refused; never waits.
    template <class Context, class Next>
    [[gnu::always_inline]] typename Next::reply wrap(const Context& context, Next& next) {
        if (!tat_.take(1)) return {boost::system::in_place_error, errc::rate_limited};
        return next(context);
    }

    /// How long until n permits could be taken if nobody took any: 0 where they are there, nanoseconds::max() where n
    /// is more than a burst. To the nanosecond: not earlier, and not later. Changes nothing.
    std::chrono::nanoseconds retry_after(std::uint64_t n = 1) const {
        if (n > tat_.most()) return std::chrono::nanoseconds::max();
        return n == 0 ? std::chrono::nanoseconds::zero() : tat_.left(n);
    }

    /// How many permits could be taken now; 0 while somebody waits. Changes nothing.
    std::uint64_t available() const { return tat_.available(); }

    /// The most that a call may ask for: the burst.
    std::uint64_t capacity() const noexcept { return tat_.most(); }

private:
    using gcra = detail::gcra<Clock, Traits>;
    using place = typename gcra::reservation;

    /// The words to a sleeper.
    static constexpr std::uint32_t waits = 0;
    static constexpr std::uint32_t leaves = 1;

    static detail::emission rate_of(const rate_limiter_config& c) noexcept {
        return {c.permits, static_cast<std::uint64_t>(c.period.count()), c.burst};
    }
    static result<void> granted() noexcept { return {boost::system::in_place_value}; }
    static result<void> refused(errc why) noexcept { return {boost::system::in_place_error, why}; }

    result<void> acquire_by(std::uint64_t n, const std::stop_token* stop, const detail::time_limit* end) {
        const result<void> got = try_acquire(n);
        return got || got.error() == errc::over_capacity ? got : wait(n, stop, end);
    }

    template <class Rep, class Period>
    result<void> acquire_within(std::uint64_t n, const std::stop_token* stop, std::chrono::duration<Rep, Period> time) {
        const result<void> got = try_acquire(n);
        if (got || got.error() == errc::over_capacity) return got;
        const detail::time_limit_by end(basic_deadline<Clock>::in(time).when());
        return wait(n, stop, &end);
    }

    template <class EndClock, class Duration>
    result<void> acquire_until(std::uint64_t n, const std::stop_token* stop,
                               std::chrono::time_point<EndClock, Duration> time) {
        const detail::time_limit_by end(time);
        return acquire_by(n, stop, &end);
    }

    result<void> wait(std::uint64_t n, const std::stop_token* stop, const detail::time_limit* end);
    result<void> sleep(const place& mine, typename Traits::parker& parker, const detail::time_limit* end);
    result<void> stand_in_line(const place& mine, const std::stop_token* stop, const detail::time_limit* end);

    gcra tat_;
};

using rate_limiter = basic_rate_limiter<>;

/// Too few permits were there.
template <class Clock, class Traits>
[[gnu::noinline]] result<void> basic_rate_limiter<Clock, Traits>::wait(std::uint64_t n, const std::stop_token* stop,
                                                                       const detail::time_limit* end) {
    if (stop != nullptr && stop->stop_requested()) return refused(errc::stopped);
    place mine;
    switch (tat_.reserve(n, end, mine)) {
        case gcra::answer::granted: return granted();
        case gcra::answer::too_late: return refused(errc::timed_out);
        case gcra::answer::too_far: return refused(errc::queue_full);
        case gcra::answer::later: break;
    }
    BULWARK_TRY {
        const result<void> got = stand_in_line(mine, stop, end);
        if (!got) tat_.cancel(mine);
        return got;
    }
    BULWARK_CATCH_ALL {  // the clock threw
        tat_.cancel(mine);
        BULWARK_RETHROW;
    }
}

template <class Clock, class Traits>
result<void> basic_rate_limiter<Clock, Traits>::stand_in_line(const place& mine, const std::stop_token* stop,
                                                              const detail::time_limit* end) {
    typename Traits::parker parker;
    if (stop == nullptr) return sleep(mine, parker, end);
    const std::stop_callback asked(*stop, [&parker] { parker.change(waits, leaves); });
    return sleep(mine, parker, end);
}

/// Until its time has come, or it is to leave. Who is woken looks at the time first.
template <class Clock, class Traits>
result<void> basic_rate_limiter<Clock, Traits>::sleep(const place& mine, typename Traits::parker& parker,
                                                      const detail::time_limit* end) {
    using std::chrono::nanoseconds;
    for (bool asked_to_leave = false;;) {
        // In this order: what has no time left then, and is not due now, is due after its end.
        const nanoseconds left = end == nullptr ? nanoseconds::max() : end->left();
        const nanoseconds due = tat_.left(mine);
        if (due <= nanoseconds::zero()) return granted();
        if (asked_to_leave) return refused(errc::stopped);
        if (left <= nanoseconds::zero()) return refused(errc::timed_out);
        asked_to_leave = parker.wait_until(waits, detail::steady_after(std::min(due, left))) != waits;
    }
}

}  // namespace bulwark::inline BULWARK_ABI
