// How long a call may still wait, by whatever clock its caller named.
#pragma once

#include <bulwark/version.hpp>

#include <chrono>
#include <optional>
#include <type_traits>

namespace bulwark::inline BULWARK_ABI::detail {

/// The next nanosecond, or the end of the range where the time is beyond it; no time where it is none, or no number.
template <class Rep, class Period>
std::chrono::nanoseconds saturated(std::chrono::duration<Rep, Period> time) {
    using std::chrono::nanoseconds;
    // Compared as floating-point numbers: no conversion between integers of any unit overflows before it is known to
    // fit.
    using wide = std::chrono::duration<long double, std::nano>;
    if (!(wide(time) > wide::zero())) return nanoseconds::zero();
    if (wide(time) >= wide(nanoseconds::max())) return nanoseconds::max();
    return std::chrono::ceil<nanoseconds>(time);
}

/// From now on, or no time limit where that is past the end of the clock.
inline std::chrono::steady_clock::time_point steady_after(std::chrono::nanoseconds time) {
    using clock = std::chrono::steady_clock;
    const clock::time_point now = clock::now();
    return time >= clock::time_point::max() - now ? clock::time_point::max() : now + time;
}

class time_limit {
public:
    time_limit(const time_limit&) = delete;
    time_limit& operator=(const time_limit&) = delete;

    /// 0 where it has passed, nanoseconds::max() where it never will.
    virtual std::chrono::nanoseconds left() const = 0;

    /// The end, where it is by the steady clock: who has slept until then need not look at it.
    const std::optional<std::chrono::steady_clock::time_point>& steady_end() const noexcept { return steady_end_; }

protected:
    explicit time_limit(std::optional<std::chrono::steady_clock::time_point> steady_end) : steady_end_(steady_end) {}
    ~time_limit() = default;

private:
    const std::optional<std::chrono::steady_clock::time_point> steady_end_;
};

template <class Clock, class Duration>
class time_limit_by final : public time_limit {
public:
    explicit time_limit_by(std::chrono::time_point<Clock, Duration> end) : time_limit(if_steady(end)), end_(end) {}

    std::chrono::nanoseconds left() const override {
        using wide = std::chrono::duration<long double, std::nano>;
        const auto now = Clock::now().time_since_epoch();
        const auto end = end_.time_since_epoch();
        // Where the difference may not fit, it is a long time either way.
        const wide about = wide(end) - wide(now);
        if (about > wide(std::chrono::hours(24)) || about < -wide(std::chrono::hours(24))) return saturated(about);
        // An unsigned difference knows no time that has passed.
        return end <= now ? std::chrono::nanoseconds::zero() : saturated(end - now);
    }

private:
    static std::optional<std::chrono::steady_clock::time_point> if_steady(
        std::chrono::time_point<Clock, Duration> end) {
        if constexpr (std::is_same_v<decltype(end), std::chrono::steady_clock::time_point>) {
            return end;
        } else {
            return std::nullopt;
        }
    }

    const std::chrono::time_point<Clock, Duration> end_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
