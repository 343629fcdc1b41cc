// What docs/design.md promises of the words of a breaker, checked while the threads are in the middle of things.
//
// The answers of a breaker do not show all of it: a reader that finds a record incomplete tries again, and gets there
// in the end. But then it has waited for another thread, and the breaker is not lock-free.
#pragma once

#include "explore.hpp"
#include "traits.hpp"

#include <bulwark/detail/layout.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bulwark::model {

template <class Layout>
class epoch_watch {
    using words = census<std::uint64_t>;

public:
    /// Before the breaker is built. Its first words are the head and the lanes of both banks.
    static void begin() {
        words::size = 0;
        words::on_load = &check_seen;
        epoch_seen_ = {};
    }
    static void end() { words::on_load = nullptr; }

    /// The record of the epoch that the head names is complete.
    static void check_newest() {
        const std::uint32_t epoch = Layout::epoch_of(words::words[head]->newest());
        const std::size_t first = head + 1 + (epoch & 1) * lanes;
        for (std::size_t i = first; i != first + lanes; ++i) {
            if (bulwark::detail::lane::tag(words::words[i]->newest()) != epoch) {
                give_up("the head names an epoch whose record is not complete");
            }
        }
    }

private:
    static constexpr std::size_t head = 0;
    static constexpr std::size_t lanes = 11;

    /// Edge (1): a thread that has loaded a head sees no lane older than the record of that epoch, in its bank, and of
    /// the epoch before, in the other.
    static void check_seen(std::size_t place, std::uint64_t seen) {
        if (place > head + 2 * lanes) return;
        std::uint32_t& epoch = epoch_seen_[rl::thread_index()];
        if (place == head) {
            epoch = Layout::epoch_of(seen);
            return;
        }
        const bool in_its_bank = (place - head - 1) / lanes == (epoch & 1);
        const std::uint32_t oldest = in_its_bank ? epoch : Layout::epoch_before(epoch);
        const std::uint32_t tag = bulwark::detail::lane::tag(seen);
        if (static_cast<std::int32_t>(tag - oldest) < 0) give_up("a thread sees a record older than its head");
    }

    static inline std::array<std::uint32_t, 3> epoch_seen_{};  // by thread
};

}  // namespace bulwark::model
