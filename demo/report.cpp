// Implements report.hpp.
#include "report.hpp"

#include <loadgen/figures.hpp>

#include <algorithm>
#include <utility>

namespace demo {

std::optional<duration> quantile(const std::vector<call_record>& calls, double share) {
    std::vector<duration> latencies;
    latencies.reserve(calls.size());
    for (const call_record& call : calls) latencies.push_back(call.latency());
    return loadgen::quantile(std::move(latencies), share);
}

std::size_t count(const std::vector<call_record>& calls, verdict how) {
    return static_cast<std::size_t>(
        std::count_if(calls.begin(), calls.end(), [how](const call_record& call) { return call.how == how; }));
}

std::optional<duration> time_to_recover(const std::vector<call_record>& calls, std::size_t per_second,
                                        time_point fault_end) {
    std::vector<time_point> useful;
    for (const call_record& call : calls) {
        if (call.how == verdict::useful) useful.push_back(call.ended);
    }
    return loadgen::time_to_recover(std::move(useful), static_cast<double>(per_second), fault_end, slice_length);
}

}  // namespace demo
