// What a bulkhead counts for its snapshot: calls by how they ended, and the time that callers stood in line.
//
// Each of the first so many threads counts on a cache line of its own, its *cell*, without a locked instruction; the
// others share one line. Nobody acts on these figures, so they order nothing.
//
// Invariants
//  - Only the thread at whose slot a cell stands writes to it.
//  - Every word only grows, so each figure of sum() is at least what an earlier sum() by the same thread said.
//
// Progress: counting is wait-free, but for the longest wait on the shared line, which is lock-free; so is reading.
//
// Synchronizing edges: none of its own. A figure is exact for who has heard, in any way, from all who counted. Edge (6)
// of thread_slot.hpp hands a cell from one owner to the next.
#pragma once

#include <bulwark/bulkhead_types.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bulwark::inline BULWARK_ABI::detail {

enum class tally_of : std::uint8_t { admitted, refused, timed_out, stopped, total_wait, longest_wait };

/// In which of the 64 buckets of a histogram a wait of so long falls: i for [2^i, 2^(i+1)) ns, 0 for less than that
/// too.
inline std::size_t wait_bucket(std::chrono::nanoseconds time) noexcept {
    const auto ns = static_cast<std::uint64_t>(std::max<std::chrono::nanoseconds::rep>(time.count(), 1));
    return static_cast<std::size_t>(std::bit_width(ns)) - 1;
}

template <class Traits>
class call_tally {
    using word = typename Traits::template atomic<std::uint64_t>;

public:
    /// Throws std::bad_alloc.
    call_tally(std::uint32_t cells, bool wait_histogram)
        : cells_(cells == 0 ? nullptr : std::make_unique<cell[]>(cells)),
          size_(cells),
          waits_(wait_histogram ? std::make_unique<histogram>() : nullptr) {}

    void count(tally_of what) noexcept { add(what, 1); }

    void count_wait(std::chrono::nanoseconds time) noexcept {
        const auto ns = static_cast<std::uint64_t>(std::max<std::chrono::nanoseconds::rep>(time.count(), 0));
        add(tally_of::total_wait, ns);
        raise_longest(ns);
        // relaxed: see above.
        if (waits_ != nullptr) (*waits_)[wait_bucket(time)].fetch_add(1, memory_order_relaxed);
    }

    void sum(bulkhead_snapshot& all) const {
        all.admitted = total(tally_of::admitted);
        all.refused = total(tally_of::refused);
        all.timed_out = total(tally_of::timed_out);
        all.stopped = total(tally_of::stopped);
        all.total_wait = std::chrono::nanoseconds(total(tally_of::total_wait));
        std::uint64_t longest = read(shared_, tally_of::longest_wait);
        for (std::uint32_t i = 0; i != size_; ++i) longest = std::max(longest, read(cells_[i], tally_of::longest_wait));
        all.longest_wait = std::chrono::nanoseconds(longest);
        all.has_waits = waits_ != nullptr;
        if (!all.has_waits) return;
        for (std::size_t i = 0; i != all.waits.size(); ++i) {
            // relaxed: see above.
            all.waits[i] = (*waits_)[i].load(memory_order_relaxed);
        }
    }

private:
    struct alignas(64) cell {
        word& operator[](tally_of what) noexcept { return words[static_cast<std::size_t>(what)]; }
        const word& operator[](tally_of what) const noexcept { return words[static_cast<std::size_t>(what)]; }
        std::array<word, 6> words;
    };
    using histogram = std::array<word, 64>;

    void add(tally_of what, std::uint64_t amount) noexcept {
        const std::uint32_t slot = Traits::thread_slot();
        if (slot < size_) {
            word& own = cells_[slot][what];
            // relaxed: (the store too) only this thread writes it, and nobody acts on it.
            own.store(own.load(memory_order_relaxed) + amount, memory_order_relaxed);
        } else {
            add_to_shared(what, amount);
        }
    }
    [[gnu::noinline]] void add_to_shared(tally_of what, std::uint64_t amount) noexcept {
        // relaxed: see above.
        shared_[what].fetch_add(amount, memory_order_relaxed);
    }

    void raise_longest(std::uint64_t ns) noexcept {
        const std::uint32_t slot = Traits::thread_slot();
        word& longest = (slot < size_ ? cells_[slot] : shared_)[tally_of::longest_wait];
        // relaxed: (the swap too) see above. In a cell nobody else competes.
        std::uint64_t seen = longest.load(memory_order_relaxed);
        while (seen < ns && !longest.compare_exchange_weak(seen, ns, memory_order_relaxed)) {
        }
    }

    static std::uint64_t read(const cell& from, tally_of what) noexcept {
        // relaxed: see above.
        return from[what].load(memory_order_relaxed);
    }
    std::uint64_t total(tally_of what) const noexcept {
        std::uint64_t all = read(shared_, what);
        for (std::uint32_t i = 0; i != size_; ++i) all += read(cells_[i], what);
        return all;
    }

    const std::unique_ptr<cell[]> cells_;
    const std::uint32_t size_;
    const std::unique_ptr<histogram> waits_;
    cell shared_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
