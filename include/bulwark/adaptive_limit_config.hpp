// How an adaptive limit is set up, what it refuses to be set up with, and what it tells about itself.
#pragma once

#include <bulwark/limit_algorithms.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>
#include <functional>

namespace bulwark::inline BULWARK_ABI {

/// The limit has changed.
struct limit_change {
    std::uint32_t from = 0;
    std::uint32_t to = 0;

    friend bool operator==(const limit_change&, const limit_change&) = default;
};

template <limit_algorithm Algorithm>
struct adaptive_limit_config {
    /// Calls at once: to begin with, at the least, at the most. 1 <= min <= initial <= max.
    std::uint32_t initial = 20;
    std::uint32_t min = 1;
    std::uint32_t max = 1000;
    /// After each window of calls the limit is set anew. A window lasts twice the mean latency of the one before,
    /// because what a new limit does shows only in calls that begin after it; but `window` at the least and
    /// `longest_window` at the most, and until there were min_samples calls. More than 0; longest_window is not less.
    std::chrono::nanoseconds window = std::chrono::milliseconds(100);
    std::chrono::nanoseconds longest_window = std::chrono::seconds(10);
    /// From 1 to 512: a window remembers as many calls, or up to 1023; where more end in it, the older ones weigh less.
    std::uint32_t min_samples = 10;
    Algorithm algorithm = {};
    /// Told of each change, in the thread whose call ended the window, with nothing held: neither lock nor permit. It
    /// may call the limit. Those of two windows may overlap. What it throws is dropped.
    std::function<void(const limit_change&)> on_limit_change = nullptr;
};

/// All at one instant, but for the latencies, which are those of the last window that ended.
struct adaptive_limit_snapshot {
    std::uint32_t limit = 0;
    std::uint32_t in_use = 0;                   ///< more than the limit where that has fallen since
    std::chrono::nanoseconds short_latency{0};  ///< the mean of the last window; 0 before there was one
    std::chrono::nanoseconds long_latency{0};   ///< what the algorithm holds it against; 0 where there is nothing

    friend bool operator==(const adaptive_limit_snapshot&, const adaptive_limit_snapshot&) = default;
};

namespace detail {

/// The part of the configuration that is the same for every algorithm.
struct limit_frame {
    std::uint32_t initial;
    std::uint32_t min;
    std::uint32_t max;
    std::chrono::nanoseconds window;
    std::chrono::nanoseconds longest_window;
    std::uint32_t min_samples;
};
void validate(const limit_frame& frame);

}  // namespace detail

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
template <limit_algorithm Algorithm>
void validate(const adaptive_limit_config<Algorithm>& config) {
    detail::validate(detail::limit_frame{.initial = config.initial,
                                         .min = config.min,
                                         .max = config.max,
                                         .window = config.window,
                                         .longest_window = config.longest_window,
                                         .min_samples = config.min_samples});
    validate(config.algorithm);
}

}  // namespace bulwark::inline BULWARK_ABI
