// When a hedge makes another attempt, and how often.
#pragma once

#include <bulwark/retry_budget.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

struct hedge_config {
    /// How long the latest attempt may be silent before the next begins: the 95th percentile of the service's latency,
    /// say, so that one call in twenty is made twice. 0 or more; 0: all at once. There is no default.
    std::chrono::nanoseconds delay{-1};
    /// The first included; at least 1, which means no hedge, and at most 64.
    std::uint32_t max_attempts = 2;
    /// Each call deposits, each attempt after the first withdraws; none is made where there is nothing. It must outlive
    /// the hedge. Null: as many as there may be, which can multiply the load of a service that slows down under load.
    retry_budget* budget = nullptr;
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const hedge_config& config);

}  // namespace bulwark::inline BULWARK_ABI
