// What a bulkhead refuses to be set up with.
#include <bulwark/bulkhead_config.hpp>
#include <bulwark/detail/config_check.hpp>
#include <bulwark/detail/thread_slot.hpp>

#include <bit>

namespace bulwark::inline BULWARK_ABI {
namespace {

void require_cells(std::uint32_t cells, const detail::config_check& require) {
    require(cells <= detail::max_thread_slots, "cells", "must be at most 1024");
}

}  // namespace

void validate(const bulkhead_config& config) {
    constexpr detail::config_check require("bulkhead_config");
    require(config.max_concurrent != 0, "max_concurrent", "must be at least 1");
    const bool spreads = config.stripes == 0 || (std::has_single_bit(config.stripes) && config.stripes <= 64 &&
                                                 config.stripes <= config.max_concurrent);
    require(spreads, "stripes", "must be 0 or a power of two, at most 64 and at most max_concurrent");
    require_cells(config.cells, require);
}

void validate(const memory_bulkhead_config& config) {
    constexpr detail::config_check require("memory_bulkhead_config");
    require(config.max_bytes != 0 && config.max_bytes <= std::uint64_t{1} << 62, "max_bytes",
            "must be at least 1 and at most 2^62");
    require_cells(config.cells, require);
}

std::uint32_t stripes_of(const bulkhead_config& config) noexcept {
    if (config.stripes != 0) return config.stripes;
    return config.max_concurrent >= 1024 ? 8 : 1;
}

}  // namespace bulwark::inline BULWARK_ABI
