// The memory bulkhead: so many bytes at once and no more, so that one service cannot take all memory.
//
//     bulwark::memory_bulkhead budget{{.max_bytes = 512 << 20}};
//     if (auto share = budget.try_acquire(message.size())) ...   // or errc::bulkhead_full, errc::over_capacity
//     auto share = budget.acquire(message.size());               // waits its turn; a large request is not starved
//
// A bulkhead (bulkhead.hpp, where everything is told) whose permits are bytes, up to 2^62 of them, in one word. It
// charges what it is told of; for allocators that tell it by themselves see memory_resource.hpp. Where nothing is said
// of bytes, as in execute(), one is charged: hold a share of the right size instead.
#pragma once

#include <bulwark/bulkhead.hpp>
#include <bulwark/bulkhead_config.hpp>
#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/version.hpp>

#include <cstdint>

namespace bulwark::inline BULWARK_ABI {
namespace detail {

/// Permits that are bytes.
struct bytes {
    using config = memory_bulkhead_config;
    using weight = std::uint64_t;
    using word = wide_word;
    static std::uint64_t capacity(const config& c) noexcept { return c.max_bytes; }
    static std::uint32_t stripes(const config& /*c*/) noexcept { return 1; }
    static void validate_capacity(weight capacity) { validate(config{.max_bytes = capacity}); }
};

}  // namespace detail

using memory_bulkhead = basic_bulkhead<detail::bytes>;

}  // namespace bulwark::inline BULWARK_ABI
