// How a bulkhead is set up, and what it refuses to be set up with.
#pragma once

#include <cstdint>

namespace bulwark {

struct bulkhead_config {
    /// Permits: how many calls at once. At least 1; there is no default.
    std::uint32_t max_concurrent = 0;
    /// Over how many words the free permits are spread, 64 bytes each, so that threads do not wait for each other's:
    /// 1, or a power of two up to 64 and not more than the permits. A refusal reads all of them twice. 0 means 8 where
    /// there are at least 1024 permits, and otherwise 1.
    std::uint32_t stripes = 0;
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const bulkhead_config& config);

/// How many stripes a valid configuration asks for.
std::uint32_t stripes_of(const bulkhead_config& config) noexcept;

}  // namespace bulwark
