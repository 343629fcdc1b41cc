// Enumerations as indices of arrays of counts.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/version.hpp>

#include <array>
#include <cstddef>

namespace bulwark::inline BULWARK_ABI::detail {

inline constexpr std::array errcs{
    errc::circuit_open,        errc::too_many_probes,   errc::bulkhead_full,
    errc::queue_full,          errc::timed_out,         errc::stopped,
    errc::over_capacity,       errc::deadline_exceeded, errc::rate_limited,
    errc::concurrency_limited, errc::circuit_ramping,
};
inline constexpr std::size_t errc_count = errcs.size();
inline constexpr std::size_t state_count = 3;

constexpr std::size_t index_of(errc code) noexcept {
    return static_cast<std::size_t>(code) - 1;
}
constexpr std::size_t index_of(breaker_state state) noexcept {
    return static_cast<std::size_t>(state);
}
static_assert(index_of(errcs.back()) + 1 == errc_count, "all of them, in order");

}  // namespace bulwark::inline BULWARK_ABI::detail
