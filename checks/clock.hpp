// What a std::chrono clock must name, for the clocks of tests, models and measurements: they differ in their now().
//
//     struct stopped_clock : bulwark::checks::nanosecond_clock<stopped_clock> {
//         static time_point now() noexcept { return time_point(duration(0)); }
//     };
#pragma once

#include <chrono>

namespace bulwark::checks {

template <class Clock, bool Steady = true>
struct nanosecond_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Clock, duration>;
    static constexpr bool is_steady = Steady;
};

}  // namespace bulwark::checks
