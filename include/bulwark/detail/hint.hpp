// The word in which a breaker keeps what its service said of the time, "not before ...", until it opens.
//
//     63                                   8 7              0
//    +--------------------------------------+----------------+
//    |   instant, rounded up to 256 ns      | generation     |
//    +--------------------------------------+----------------+
//
// A hint is for the generation in which it was given and, where that ends in an opening, for the opening. So no
// transition has to clear the word, and a reset leaves nothing behind.
//
// Eight bits of the generation: a hint that is still ahead when exactly 256 generations have passed would be heard
// again. The first probe after a hint clears it (breaker_core), so that takes 255 transitions without a probe, which
// only an operator makes, within the time of one hint.
#pragma once

#include <bulwark/detail/transition.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI::detail {

struct hint_word {
    static constexpr std::uint64_t unit = 256;
    /// No hint: of a time long past.
    static constexpr std::uint64_t none = 0;

    /// The next instant that the word can hold; `never` where there is none before it.
    static constexpr instant rounded(instant to) noexcept {
        return to > never - 2 * unit + 1 ? never : (to + (unit - 1)) & ~(unit - 1);
    }

    static constexpr std::uint64_t pack(instant to, std::uint64_t generation) noexcept {
        return (rounded(to) & ~(unit - 1)) | (generation & (unit - 1));
    }

    static constexpr instant not_before(std::uint64_t word) noexcept { return rounded(word & ~(unit - 1)); }

    /// Whether the hint is heard in that generation.
    static constexpr bool is_for(std::uint64_t word, std::uint64_t generation, bool open) noexcept {
        const std::uint64_t later = (generation - word) & (unit - 1);
        return later == 0 || (later == 1 && open);
    }

    /// What follows the word where that generation is asked for the time: the later of the two that it is to hear.
    static constexpr std::uint64_t raised(std::uint64_t word, instant to, std::uint64_t generation,
                                          bool open) noexcept {
        const std::uint64_t next = pack(to, generation);
        return is_for(word, generation, open) && not_before(word) >= not_before(next) ? word : next;
    }
};

}  // namespace bulwark::inline BULWARK_ABI::detail
