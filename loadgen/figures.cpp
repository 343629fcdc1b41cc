// Implements figures.hpp.
#include "figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace loadgen {

std::optional<duration> quantile(std::vector<duration> latencies, double share) {
    if (latencies.empty()) return std::nullopt;
    const std::ptrdiff_t rank = std::lround(share * static_cast<double>(latencies.size() - 1));
    std::nth_element(latencies.begin(), latencies.begin() + rank, latencies.end());
    return latencies[static_cast<std::size_t>(rank)];
}

std::optional<duration> time_to_recover(std::vector<time_point> useful, double per_second, time_point fault_end,
                                        duration slice) {
    std::erase_if(useful, [&](time_point at) { return at < fault_end; });
    std::sort(useful.begin(), useful.end());
    const auto enough = static_cast<std::size_t>(0.95 * per_second * std::chrono::duration<double>(slice).count());
    for (std::size_t first = 0; first + enough < useful.size(); ++first) {
        if (useful[first + enough] - useful[first] <= slice) return useful[first] - fault_end;
    }
    return std::nullopt;
}

}  // namespace loadgen
