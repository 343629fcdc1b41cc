// What a bulkhead refuses to be set up with.
#include <bulwark/bulkhead_config.hpp>

#include <bit>
#include <stdexcept>

namespace bulwark {

void validate(const bulkhead_config& config) {
    if (config.max_concurrent == 0) {
        throw std::invalid_argument("bulwark: bulkhead_config: max_concurrent must be at least 1");
    }
    const bool sound = config.stripes == 0 || (std::has_single_bit(config.stripes) && config.stripes <= 64 &&
                                               config.stripes <= config.max_concurrent);
    if (!sound) {
        throw std::invalid_argument(
            "bulwark: bulkhead_config: stripes must be 0 or a power of two, at most 64 and at most max_concurrent");
    }
}

std::uint32_t stripes_of(const bulkhead_config& config) noexcept {
    if (config.stripes != 0) return config.stripes;
    return config.max_concurrent >= 1024 ? 8 : 1;
}

}  // namespace bulwark
