// A breaker with a planted defect that no memory order shows: a hint is put into its word, and no move follows that
// would take it to an opening under way, or to a breaker that is open.
#pragma once

#include "traits.hpp"

#include <bulwark/detail/breaker_core.hpp>
#include <bulwark/detail/hint.hpp>

#include <algorithm>
#include <cstdint>

namespace bulwark::model {

struct quiet_hints : traits<> {};

}  // namespace bulwark::model

namespace bulwark::detail {

template <>
inline bool breaker_core<model::model_clock, model::quiet_hints>::hold_off(std::uint64_t span,
                                                                           std::uint64_t generation) noexcept {
    const instant to = hint_word::rounded(read_clock() + std::min(span, limits_.max_hint));
    for (;;) {
        std::uint64_t hint = hint_.load(memory_order_acquire);
        const std::uint64_t head = load_head();
        record r;
        if (help(head) || !read(head, r)) continue;
        if (generation != whichever && r.generation != generation) return false;
        const std::uint64_t next = hint_word::raised(hint, to, r.generation, M::state_of(head) == breaker_state::open);
        if (next == hint) return false;
        if (hint_.compare_exchange_strong(hint, next, memory_order_release)) return true;
    }
}

}  // namespace bulwark::detail
