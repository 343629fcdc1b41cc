// What a bulkhead refuses to be set up with.
#include <bulwark/bulkhead_config.hpp>
#include <bulwark/detail/thread_slot.hpp>

#include <bit>
#include <stdexcept>
#include <string>

namespace bulwark::inline BULWARK_ABI {
namespace {

void require(bool sound, const char* config, const char* field, const char* rule) {
    if (!sound) throw std::invalid_argument(std::string("bulwark: ") + config + ": " + field + ' ' + rule);
}

void require_cells(std::uint32_t cells, const char* config) {
    require(cells <= detail::max_thread_slots, config, "cells", "must be at most 1024");
}

}  // namespace

void validate(const bulkhead_config& config) {
    constexpr const char* name = "bulkhead_config";
    require(config.max_concurrent != 0, name, "max_concurrent", "must be at least 1");
    const bool spreads = config.stripes == 0 || (std::has_single_bit(config.stripes) && config.stripes <= 64 &&
                                                 config.stripes <= config.max_concurrent);
    require(spreads, name, "stripes", "must be 0 or a power of two, at most 64 and at most max_concurrent");
    require_cells(config.cells, name);
}

void validate(const memory_bulkhead_config& config) {
    constexpr const char* name = "memory_bulkhead_config";
    require(config.max_bytes != 0 && config.max_bytes <= std::uint64_t{1} << 62, name, "max_bytes",
            "must be at least 1 and at most 2^62");
    require_cells(config.cells, name);
}

std::uint32_t stripes_of(const bulkhead_config& config) noexcept {
    if (config.stripes != 0) return config.stripes;
    return config.max_concurrent >= 1024 ? 8 : 1;
}

}  // namespace bulwark::inline BULWARK_ABI
