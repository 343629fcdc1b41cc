// Implements report.hpp.
#include "report.hpp"

#include <algorithm>
#include <cmath>

namespace demo {

std::optional<duration> quantile(const std::vector<call_record>& calls, double share) {
    if (calls.empty()) return std::nullopt;
    std::vector<duration> latencies;
    latencies.reserve(calls.size());
    for (const call_record& call : calls) latencies.push_back(call.latency());
    const std::ptrdiff_t rank = std::lround(share * static_cast<double>(calls.size() - 1));
    std::nth_element(latencies.begin(), latencies.begin() + rank, latencies.end());
    return latencies[static_cast<std::size_t>(rank)];
}

std::size_t count(const std::vector<call_record>& calls, verdict how) {
    return static_cast<std::size_t>(
        std::count_if(calls.begin(), calls.end(), [how](const call_record& call) { return call.how == how; }));
}

std::optional<duration> time_to_recover(const std::vector<call_record>& calls, std::size_t per_second,
                                        time_point fault_end) {
    std::vector<time_point> useful;
    for (const call_record& call : calls) {
        if (call.how == verdict::useful && call.ended >= fault_end) useful.push_back(call.ended);
    }
    std::sort(useful.begin(), useful.end());
    const auto enough = static_cast<std::size_t>(0.95 * static_cast<double>(per_second) *
                                                 std::chrono::duration<double>(slice_length).count());
    for (std::size_t first = 0; first + enough < useful.size(); ++first) {
        if (useful[first + enough] - useful[first] <= slice_length) return useful[first] - fault_end;
    }
    return std::nullopt;
}

}  // namespace demo
