// How long to wait before the next attempt: exponential back-off with a ceiling, and jitter, so that callers who failed
// together do not come back together.
//
//     constexpr bulwark::backoff_config slow{.initial = 200ms, .multiplier = 3, .ceiling = 5s};
//     auto delay = bulwark::backoff_delay(slow, 2, random_bits);      // between 0 and 600 ms
//
// Pure and constexpr: the caller has the random bits. No call reads a clock, and none overflows.
#pragma once

#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

/// Which part of the delay is left to chance.
enum class jitter : std::uint8_t {
    none,   ///< nothing: the delay itself
    full,   ///< all: between nothing and the delay. Spreads best, and callers come back soonest
    equal,  ///< the upper half: between half the delay and the delay, never at once
};

struct backoff_config {
    /// The first delay. 0: none of them waits.
    std::chrono::nanoseconds initial = std::chrono::milliseconds(100);
    /// Each delay is so many times the one before: at least 1, which is the same delay always.
    double multiplier = 2.0;
    /// No delay is longer. At least the first.
    std::chrono::nanoseconds ceiling = std::chrono::seconds(10);
    bulwark::jitter jitter = bulwark::jitter::full;
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const backoff_config& config);

namespace detail {

/// floor(random * n / 2^64): evenly distributed below n where random is over all 64-bit words; n a number of times as
/// likely as another differs by at most one word in 2^64.
constexpr std::uint64_t scaled_below(std::uint64_t random, std::uint64_t n) noexcept {
    constexpr std::uint64_t low_half = 0xFFFF'FFFF;
    const std::uint64_t low = (random & low_half) * (n & low_half);
    const std::uint64_t middle = (random >> 32) * (n & low_half) + (low >> 32);
    const std::uint64_t other = (random & low_half) * (n >> 32) + (middle & low_half);
    return (random >> 32) * (n >> 32) + (middle >> 32) + (other >> 32);
}

/// first * factor^times, or `most` where that is more. In integers: exact.
constexpr std::uint64_t grown_by_whole(std::uint64_t first, std::uint64_t factor, std::uint32_t times,
                                       std::uint64_t most) noexcept {
    if (first == 0 || factor <= 1) return std::min(first, most);
    // Every step at least doubles it, so there are at most 64.
    for (; times != 0; --times) {
        if (first > most / factor) return most;
        first *= factor;
    }
    return std::min(first, most);
}

/// The same for factors that are no whole numbers, by squaring, since one just above 1 takes long to grow. Rounded
/// down, after rounding errors of less than times parts in 10^15.
constexpr std::uint64_t grown_by_fraction(std::uint64_t first, double factor, std::uint32_t times,
                                          std::uint64_t most) noexcept {
    // Past it every product is past the limit, and none overflows.
    constexpr double enough = 18446744073709551616.0;  // 2^64
    if (first == 0) return 0;
    const auto limit = static_cast<double>(most);
    auto grown = static_cast<double>(first);
    for (double power = std::min(factor, enough); times != 0; times >>= 1) {
        if ((times & 1) != 0) grown *= power;
        if (grown >= limit) return most;
        power = std::min(power * power, enough);
    }
    return std::min(static_cast<std::uint64_t>(grown), most);
}

/// The n-th delay before jitter, n from 1.
constexpr std::chrono::nanoseconds full_delay(const backoff_config& config, std::uint32_t n) noexcept {
    constexpr double last_whole = 9007199254740992.0;  // 2^53
    const auto first = static_cast<std::uint64_t>(config.initial.count());
    const auto most = static_cast<std::uint64_t>(config.ceiling.count());
    const std::uint32_t times = n == 0 ? 0 : n - 1;
    if (first >= most) return config.ceiling;
    if (times == 0) return config.initial;
    std::uint64_t grown = 0;
    const auto whole = static_cast<std::uint64_t>(std::min(config.multiplier, last_whole));
    if (config.multiplier >= last_whole || static_cast<double>(whole) == config.multiplier) {
        grown = grown_by_whole(first, whole, times, most);
    } else {
        grown = grown_by_fraction(first, config.multiplier, times, most);
    }
    return std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(grown));
}

}  // namespace detail

/// The n-th delay of a valid configuration, n from 1: min(ceiling, initial * multiplier^(n - 1)), and of that the part
/// that jitter leaves. `random`: 64 evenly distributed bits; the greater, the longer. Exact where the multiplier is a
/// whole number, else to within n parts in 10^15; nothing overflows, whatever n.
constexpr std::chrono::nanoseconds backoff_delay(const backoff_config& config, std::uint32_t n,
                                                 std::uint64_t random) noexcept {
    using rep = std::chrono::nanoseconds::rep;
    const std::chrono::nanoseconds delay = detail::full_delay(config, n);
    const auto most = static_cast<std::uint64_t>(delay.count());
    const std::uint64_t least = config.jitter == jitter::none ? most : config.jitter == jitter::equal ? most / 2 : 0;
    // most - least + 1 values, both ends included: at most 2^63 of them.
    return std::chrono::nanoseconds(static_cast<rep>(least + detail::scaled_below(random, most - least + 1)));
}

}  // namespace bulwark::inline BULWARK_ABI
