// The time of the demo. Latencies need finer steps than the library's coarse default clock has.
#pragma once

#include <chrono>

namespace demo {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = clock::duration;
using namespace std::chrono_literals;

constexpr duration slice_length = 250ms;  // of a line on the screen, and of the search for the recovery

}  // namespace demo
