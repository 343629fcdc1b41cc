// A deadline: the instant by which a call must have its answer. It travels through the call, and an inner layer can
// only bring it forward: what is left is what is left of the whole call, never a fresh allowance.
//
//     auto end = bulwark::deadline::in(200ms);
//     while (!end.expired()) read_some(socket, end.remaining());
//
// A value; thread-safe like one. Cost: a reading of the clock for expired() and remaining(), none where it is never.
#pragma once

#include <bulwark/detail/time_limit.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <compare>

namespace bulwark::inline BULWARK_ABI {

/// Clock: a steady clock of std::chrono, or manual_clock in tests.
template <class Clock>
class basic_deadline {
public:
    using clock = Clock;
    using time_point = typename Clock::time_point;

    /// Never.
    constexpr basic_deadline() noexcept = default;
    constexpr explicit basic_deadline(time_point when) noexcept : when_(when) {}

    static constexpr basic_deadline never() noexcept { return {}; }

    /// From now on; at once where the time is negative, never where the sum is past the range of the clock.
    template <class Rep, class Period>
    static basic_deadline in(std::chrono::duration<Rep, Period> time) {
        return after(Clock::now(), time);
    }
    /// The same from an instant that was read already.
    template <class Rep, class Period>
    static basic_deadline after(time_point now, std::chrono::duration<Rep, Period> time) {
        const std::chrono::nanoseconds left = detail::saturated(time);
        // Before the epoch the difference itself might not fit; any time that does fit ends before the range does.
        if (now >= time_point() && left >= time_point::max() - now) return never();
        return basic_deadline(now + std::chrono::ceil<typename Clock::duration>(left));
    }

    constexpr bool is_never() const noexcept { return when_ == time_point::max(); }
    constexpr time_point when() const noexcept { return when_; }

    bool expired() const { return !is_never() && Clock::now() >= when_; }
    /// The same at an instant that was read already.
    constexpr bool expired(time_point now) const noexcept { return !is_never() && now >= when_; }

    /// 0 where it has passed; never more than `longest`, which is what it is where the deadline never comes.
    std::chrono::nanoseconds remaining() const {
        return is_never() ? longest : std::min(detail::time_limit_by(when_).left(), longest);
    }
    /// 146 years: what waits for so long (wait_for(), a socket's time limit) can add it to now without an overflow.
    static constexpr std::chrono::nanoseconds longest = std::chrono::nanoseconds::max() / 2;

    /// By the instant: the earlier of two is the less.
    friend constexpr auto operator<=>(const basic_deadline&, const basic_deadline&) noexcept = default;

private:
    time_point when_ = time_point::max();
};

using deadline = basic_deadline<std::chrono::steady_clock>;

}  // namespace bulwark::inline BULWARK_ABI
