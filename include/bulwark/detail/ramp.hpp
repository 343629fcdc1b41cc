// How a breaker that has just closed lets calls through: a share of them, which grows evenly until it is all of them.
//
// Every call that asks adds the share of that moment to a word that is never reset, in units of 2^-32; it is let
// through where the sum passes a whole number, so the first is, and of any n calls in a row at a constant share s as
// many as n s +- 1. The rest of a sum that one ramp leaves the next one begins with.
//
// Progress: wait-free. Cost: one addition on a word that all threads share, for as long as the ramp lasts. The order of
// the additions is that of one word, and nothing is reached through it: no edges.
#pragma once

#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/transition.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI::detail {

template <class Traits>
class ramp {
    using word = typename Traits::template atomic<std::uint64_t>;

public:
    /// For so many ns, beginning with a share greater than 0 and at most 1.
    ramp(std::uint64_t time, double from) : time_(time), from_(from), sum_(whole - 1) {}

    /// Asked by each call for as long as the ramp may last, that began at `start`.
    bool admits(instant start, instant now) noexcept {
        const std::uint64_t age = elapsed(start, now);
        if (age >= time_) return true;
        const std::uint64_t share = share_at(age);
        // relaxed: see above.
        const std::uint64_t before = sum_.fetch_add(share, memory_order_relaxed);
        return (before + share) / whole != before / whole;
    }

private:
    static constexpr std::uint64_t whole = std::uint64_t{1} << 32;

    /// No less than one unit, so that a call is let through some day.
    std::uint64_t share_at(std::uint64_t age) const noexcept {
        const double share = from_ + (1.0 - from_) * (static_cast<double>(age) / static_cast<double>(time_));
        return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(share * static_cast<double>(whole)), 1, whole);
    }

    const std::uint64_t time_;
    const double from_;
    alignas(64) word sum_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
