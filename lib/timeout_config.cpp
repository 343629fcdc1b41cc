// What a timeout refuses to be set up with.
#include <bulwark/timeout_config.hpp>

#include <stdexcept>

namespace bulwark::inline BULWARK_ABI {

void validate(const timeout_config& config) {
    if (config.limit <= std::chrono::nanoseconds::zero()) {
        throw std::invalid_argument("bulwark: timeout_config: limit must be more than 0");
    }
}

}  // namespace bulwark::inline BULWARK_ABI
