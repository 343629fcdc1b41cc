// The update rules of the adaptive limit, and what it refuses to be set up with.
#include <bulwark/adaptive_limit_config.hpp>
#include <bulwark/detail/config_check.hpp>
#include <bulwark/limit_algorithms.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI {
namespace {

// Each is false for NaN.
void require_backoff(double backoff, const detail::config_check& require) {
    require(backoff > 0 && backoff < 1, "backoff", "must be greater than 0 and less than 1");
}
void require_tolerated(double share, const detail::config_check& require) {
    require(share >= 0 && share < 1, "tolerated_drops", "must be at least 0 and less than 1");
}

double within(double limit, const limit_bounds& bounds) noexcept {
    return std::clamp(limit, static_cast<double>(bounds.min), static_cast<double>(bounds.max));
}

bool drops_too_many(const limit_sample& window, double tolerated) noexcept {
    const double all = static_cast<double>(window.succeeded) + static_cast<double>(window.dropped);
    return static_cast<double>(window.dropped) > tolerated * all;
}

/// A mean of so many windows, exponential after the first ten; those count alike, or the first would count for long.
void add_to_long_term(limit_state& state, double latency, std::uint32_t long_window) noexcept {
    const bool warm = state.probed || state.windows >= std::min<std::uint32_t>(long_window, 10);
    const double weight = warm ? 2.0 / (long_window + 1.0) : 1.0 / (state.windows + 1.0);
    state.long_latency += weight * (latency - state.long_latency);
    // A service that was slow for long and is well again: the mean would take as long to forget.
    if (state.long_latency > 2 * latency) state.long_latency *= 0.95;
}

}  // namespace

limit_state aimd::next(const limit_state& from, const limit_sample& window, const limit_bounds& bounds) const noexcept {
    limit_state state = from;
    if (drops_too_many(window, tolerated_drops) || window.latency > timeout) {
        state.limit = std::floor(from.limit * backoff);
    } else if (window.limited) {
        state.limit = from.limit + 1;
    }
    state.limit = within(state.limit, bounds);
    return state;
}

limit_state gradient::next(const limit_state& from, const limit_sample& window,
                           const limit_bounds& bounds) const noexcept {
    limit_state state = from;
    if (drops_too_many(window, tolerated_drops)) {
        state.phase = limit_phase::following;
        state.limit = within(from.limit * backoff, bounds);
        return state;
    }
    if (from.phase == limit_phase::draining) {
        state.phase = limit_phase::measuring;
        return state;
    }
    if (window.succeeded == 0) return state;

    const auto latency = static_cast<double>(window.latency.count());
    if (from.phase == limit_phase::measuring) {
        state.phase = limit_phase::following;
        state.long_latency = latency;
        state.windows = 0;
        state.probed = true;
        return state;
    }
    add_to_long_term(state, latency, long_window);
    const double share = std::clamp(tolerance * state.long_latency / latency, 0.5, 1.0);
    // An unused limit stays: noise in the latency of a few calls would only ever lower it.
    if (window.limited)
        state.limit = within(from.limit + smoothing * (from.limit * share + queue - from.limit), bounds);

    if (state.windows != UINT32_MAX) ++state.windows;
    const std::uint32_t due = state.probed ? probe_every : std::min<std::uint32_t>(probe_every, 10);
    if (probe_every != 0 && window.limited && state.windows >= due) {
        state.phase = limit_phase::draining;
        state.probe_with = static_cast<std::uint32_t>(within(state.limit * probe_share, bounds));
    }
    return state;
}

void validate(const aimd& settings) {
    constexpr detail::config_check require("aimd");
    require_backoff(settings.backoff, require);
    require(settings.timeout.count() > 0, "timeout", "must be more than 0");
    require_tolerated(settings.tolerated_drops, require);
}

void validate(const gradient& settings) {
    constexpr detail::config_check require("gradient");
    require(settings.tolerance >= 1 && std::isfinite(settings.tolerance), "tolerance",
            "must be a number and at least 1");
    require(settings.queue >= 0 && std::isfinite(settings.queue), "queue", "must be a number and not negative");
    require(settings.smoothing > 0 && settings.smoothing <= 1, "smoothing", "must be greater than 0 and at most 1");
    require(settings.long_window != 0, "long_window", "must be at least 1");
    require_backoff(settings.backoff, require);
    require_tolerated(settings.tolerated_drops, require);
    require(settings.probe_share > 0 && settings.probe_share * settings.tolerance < 1, "probe_share",
            "must be greater than 0 and less than 1 / tolerance");
}

namespace detail {

void validate(const limit_frame& frame) {
    constexpr detail::config_check require("adaptive_limit_config");
    require(frame.min != 0, "min", "must be at least 1");
    require(frame.max >= frame.min, "max", "must be at least min");
    require(frame.min <= frame.initial && frame.initial <= frame.max, "initial", "must be from min to max");
    require(frame.window.count() > 0, "window", "must be more than 0");
    require(frame.longest_window >= frame.window, "longest_window", "must be at least window");
    require(frame.min_samples != 0 && frame.min_samples <= 512, "min_samples", "must be from 1 to 512");
}

}  // namespace detail
}  // namespace bulwark::inline BULWARK_ABI
