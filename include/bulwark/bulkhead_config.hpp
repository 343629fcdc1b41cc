// How a bulkhead is set up, and what it refuses to be set up with.
#pragma once

#include <cstdint>

namespace bulwark {

struct bulkhead_config {
    std::uint32_t max_concurrent = 0;  ///< permits: how many calls at once. At least 1; there is no default.
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const bulkhead_config& config);

}  // namespace bulwark
