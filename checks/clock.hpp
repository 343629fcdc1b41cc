// What a std::chrono clock must name, for the clocks of tests, models and measurements: they differ in their now().
//
//     struct stopped_clock : bulwark::checks::nanosecond_clock<stopped_clock> {
//         static time_point now() noexcept { return time_point(duration(0)); }
//     };
#pragma once

#include <chrono>

namespace bulwark::checks {

template <class Clock, bool Steady = true>
class nanosecond_clock {
public:
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Clock, duration>;
    static constexpr bool is_steady = Steady;

private:
    nanosecond_clock() = default;
    friend Clock;
};

}  // namespace bulwark::checks
