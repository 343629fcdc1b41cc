// The threads of a model with cells. Relacy reports a race where two threads use one cell and the one does not happen
// before the other: the memo of a cell is plain data.
#pragma once

#include "relacy.hpp"
#include "traits.hpp"

#include <bulwark/detail/layout.hpp>

#include <array>
#include <cstdint>

namespace bulwark::model {

template <bulwark::detail::layout_widths Widths = bulwark::detail::layout_widths{}>
struct celled_traits : slotted_traits<Widths> {
    static inline std::array<stage<rl::var<unsigned>>, 3> memos;

    static void begin() {
        for (auto& m : memos) {
            m.raise();
            (*m)(RL_INFO) = 0U;
        }
    }
    static void end() {
        for (auto& m : memos) m.strike();
    }

    static std::uint32_t thread_slot() noexcept {
        const std::uint32_t slot = slotted_traits<Widths>::thread_slot();
        if (slot < memos.size()) (*memos[slot])(RL_INFO) = (*memos[slot])(RL_INFO) + 1U;
        return slot;
    }
    static std::uint32_t known_thread_slot() noexcept { return thread_slot(); }
};

}  // namespace bulwark::model
