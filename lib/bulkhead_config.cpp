// What a bulkhead refuses to be set up with.
#include <bulwark/bulkhead_config.hpp>

#include <stdexcept>

namespace bulwark {

void validate(const bulkhead_config& config) {
    if (config.max_concurrent == 0) {
        throw std::invalid_argument("bulwark: bulkhead_config: max_concurrent must be at least 1");
    }
}

}  // namespace bulwark
