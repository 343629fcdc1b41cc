// The time of load generators. Latencies need finer steps than the library's coarse default clock has.
#pragma once

#include <chrono>

namespace loadgen {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = clock::duration;

}  // namespace loadgen
