// The arithmetic of a rate: pure, constexpr, and exact.
//
// Permits are emitted one after the other, an *emission interval* apart: period / permits, seldom a whole number of
// nanoseconds. So time is counted in *units*, of which a nanosecond has a whole number, and an interval too:
//
//     rate = per_ns() / interval() permits a nanosecond, per_ns() <= 64
//
// Of all such rates it is the greatest that is not above permits / period. It is equal where permits / period has a
// reduced numerator of at most 64 (3, 10, 60 or 1000 a second), and otherwise less by a part under 1 / (64 * the
// interval in ns): 2.4e-7 for 999,983 a second, 1.6e-5 at worst at a million a second. From there on nothing is rounded
// in any sum, so that no error ever adds up.
//
// Instants are counted modulo 2^64, and compared by the sign of their difference. That is right as long as it is less
// than 2^63: the horizon, 4.5 years where a nanosecond has 64 units, 292 years where it has one.
#pragma once

#include <bulwark/version.hpp>

#include <cstdint>

namespace bulwark::inline BULWARK_ABI::detail {

__extension__ using double_word = unsigned __int128;

class emission {
public:
    /// The greatest burst, wait and interval, in units; as nanoseconds, 73 years.
    static constexpr std::uint64_t longest = std::uint64_t{1} << 61;
    static constexpr std::uint64_t most_per_ns = 64;

    /// 1 <= permits <= period <= longest (in ns), 1 <= burst <= most(permits, period).
    constexpr emission(std::uint64_t permits, std::uint64_t period, std::uint64_t burst) noexcept
        : interval_(interval_at(1, permits, period)), most_(burst) {
        std::uint64_t least = excess(permits, period);
        for (std::uint64_t m = 2; m <= most_per_ns && least != 0; ++m) {
            const emission other(m, interval_at(m, permits, period));
            if (other.interval_ > longest / burst) break;
            const std::uint64_t rest = other.excess(permits, period);
            if (static_cast<double_word>(rest) * per_ns_ >= static_cast<double_word>(least) * m) continue;
            per_ns_ = m;
            interval_ = other.interval_;
            least = rest;
        }
        burst_ = burst * interval_;
    }

    /// The greatest burst of a rate.
    static constexpr std::uint64_t most(std::uint64_t permits, std::uint64_t period) noexcept {
        return longest / interval_at(1, permits, period);
    }

    constexpr std::uint64_t per_ns() const noexcept { return per_ns_; }
    /// In units.
    constexpr std::uint64_t interval() const noexcept { return interval_; }
    constexpr std::uint64_t burst() const noexcept { return burst_; }
    /// In permits.
    constexpr std::uint64_t most() const noexcept { return most_; }

    /// The first whole nanosecond.
    constexpr std::uint64_t ns_of(std::uint64_t units) const noexcept {
        return units / per_ns_ + (units % per_ns_ != 0 ? 1 : 0);
    }

private:
    constexpr emission(std::uint64_t per_ns, std::uint64_t interval) noexcept : per_ns_(per_ns), interval_(interval) {}

    /// The next whole number of units.
    static constexpr std::uint64_t interval_at(std::uint64_t per_ns, std::uint64_t permits,
                                               std::uint64_t period) noexcept {
        return static_cast<std::uint64_t>((static_cast<double_word>(per_ns) * period + (permits - 1)) / permits);
    }

    /// By how much the interval is too long, in units / permits: less than one unit.
    constexpr std::uint64_t excess(std::uint64_t permits, std::uint64_t period) const noexcept {
        return static_cast<std::uint64_t>(static_cast<double_word>(interval_) * permits -
                                          static_cast<double_word>(per_ns_) * period);
    }

    std::uint64_t per_ns_ = 1;
    std::uint64_t interval_;
    std::uint64_t burst_ = 0;
    std::uint64_t most_ = 0;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
