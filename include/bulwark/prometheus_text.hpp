// Metrics as text that Prometheus and whatever reads its format scrape; needs no other library.
//
//     bulwark::metrics metrics;
//     std::string page = bulwark::to_prometheus_text(metrics.collect());   // served as prometheus_content_type
//
// Format 0.0.4 of the text exposition. Thread safety: a function of its arguments.
#pragma once

#include <bulwark/metrics.hpp>
#include <bulwark/version.hpp>

#include <string>
#include <vector>

namespace bulwark::inline BULWARK_ABI {

inline constexpr const char* prometheus_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// Each family once, with its help and its type; numbers to their last digit. Throws std::bad_alloc.
std::string to_prometheus_text(const std::vector<metric_family>& families);

}  // namespace bulwark::inline BULWARK_ABI
