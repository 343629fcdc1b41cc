// Which slots are taken: a bit each, set and cleared by whoever takes the slot and gives it back.
#include <bulwark/detail/atomics.hpp>
#include <bulwark/detail/thread_slot.hpp>

#include <bit>
#include <cstddef>

namespace bulwark::inline BULWARK_ABI::detail {
namespace {

constexpr std::uint32_t bits = 64;
constinit atomic<std::uint64_t> taken[max_thread_slots / bits];

std::uint32_t take_lowest() noexcept {
    for (std::uint32_t at = 0; at != max_thread_slots / bits; ++at) {
        // relaxed: a guess for the exchange below to check.
        std::uint64_t seen = taken[at].load(memory_order_relaxed);
        while (~seen != 0) {
            // (6) acquire: synchronizes with the release (6) in ~lease().
            if (taken[at].compare_exchange_weak(seen, seen | (seen + 1), memory_order_acquire)) {
                return at * bits + static_cast<std::uint32_t>(std::countr_one(seen));
            }
        }
    }
    return no_thread_slot;
}

/// Gives the slot back when the thread exits. Other thread-local variables may use the library after that.
struct lease {
    const std::uint32_t slot = take_lowest();

    lease() noexcept = default;
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease() {
        current_thread_slot = no_thread_slot;
        if (slot == no_thread_slot) return;
        // (6) release: synchronizes with the acquire (6) in take_lowest(). The bit is set and nobody else clears it, so
        // that taking it away is a subtraction.
        taken[slot / bits].fetch_add(0 - (std::uint64_t{1} << slot % bits), memory_order_release);
    }
};

}  // namespace

std::uint32_t claim_thread_slot() noexcept {
    static const thread_local lease mine;
    return current_thread_slot = mine.slot;
}

}  // namespace bulwark::inline BULWARK_ABI::detail
