// Figures of a load: what its latencies and the times of its answers come down to.
#pragma once

#include "time.hpp"

#include <optional>
#include <vector>

namespace loadgen {

/// The latency that a share of the calls stayed within; nothing where there were no calls.
std::optional<duration> quantile(std::vector<duration> latencies, double share);

/// How long after `fault_end` useful answers came again at 95 % of the offered rate, over a slice. Nothing where they
/// did not. `useful`: when each of them came.
std::optional<duration> time_to_recover(std::vector<time_point> useful, double per_second, time_point fault_end,
                                        duration slice);

}  // namespace loadgen
