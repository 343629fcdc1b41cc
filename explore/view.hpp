// A view: of each location, the oldest message that may still be read.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace explore {

inline constexpr std::size_t max_threads = 4;
inline constexpr std::size_t max_locations = 64;

/// A place in the modification order of a location.
using stamp = std::uint8_t;
inline constexpr stamp max_stamp = std::numeric_limits<stamp>::max();

struct view {
    std::array<stamp, max_locations> at{};

    void join(const view& other) {
        for (std::size_t x = 0; x != max_locations; ++x) at[x] = std::max(at[x], other.at[x]);
    }
};

}  // namespace explore
