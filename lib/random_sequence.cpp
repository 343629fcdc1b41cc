// Where seeds come from.
#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/random_sequence.hpp>

#include <chrono>
#include <cstdint>
#include <random>

namespace bulwark::inline BULWARK_ABI::detail {

std::uint64_t fresh_seed() noexcept {
    static default_traits::atomic<std::uint64_t> drawn{0};
    // relaxed: each caller has a value of its own; nothing is reached through it.
    std::uint64_t seed = mixed(drawn.fetch_add(1, memory_order_relaxed));
    seed ^= static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    BULWARK_TRY {
        std::random_device source;
        seed ^= std::uint64_t{source()} << 32 | source();
    }
    BULWARK_CATCH_ALL {  // the time and an address have to do
        seed ^= mixed(reinterpret_cast<std::uintptr_t>(&seed));
    }
    return seed == 0 ? 1 : seed;
}

}  // namespace bulwark::inline BULWARK_ABI::detail
