// When a closed breaker trips: ready-made answers for circuit_breaker_config::ready_to_trip.
//
// A policy is any pure predicate on the counts. Both policies here are cheap, never throw when called, and fit into
// std::function without an allocation.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/version.hpp>

#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

class failure_ratio_policy {
public:
    failure_ratio_policy(double ratio, std::uint32_t min_requests);
    bool operator()(const breaker_counts& counts) const noexcept;
    std::uint32_t min_requests() const noexcept { return min_requests_; }

private:
    double ratio_;
    std::uint32_t min_requests_;
};

class consecutive_failures_policy {
public:
    explicit consecutive_failures_policy(std::uint32_t limit);
    bool operator()(const breaker_counts& counts) const noexcept { return counts.consecutive_failures >= limit_; }
    std::uint32_t limit() const noexcept { return limit_; }

private:
    std::uint32_t limit_;
};

/// Trips when failures / (successes + failures) >= ratio, once that sum has reached min_requests.
/// Throws std::invalid_argument unless 0 < ratio <= 1.
inline auto failure_ratio(double ratio, std::uint32_t min_requests = 5) {
    return failure_ratio_policy(ratio, min_requests);
}

/// Trips at n failures in a row. Throws std::invalid_argument if n is 0.
inline auto consecutive_failures(std::uint32_t n) {
    return consecutive_failures_policy(n);
}

}  // namespace bulwark::inline BULWARK_ABI
