// Random bits for jitter: cheap, for many threads at once, good enough to spread callers, and no secret.
//
// A counter that moves by an odd constant, and a mixing of its value: SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, 2014). From one seed always the same sequence, however many threads share it out.
//
// Progress: wait-free. Synchronizing edges: none; every value of the counter is given to one caller, and nothing is
// reached through it.
#pragma once

#include <bulwark/detail/traits.hpp>
#include <bulwark/version.hpp>

#include <cstdint>

namespace bulwark::inline BULWARK_ABI::detail {

/// Another one each time, also in processes that start together. Never 0. Not cheap.
std::uint64_t fresh_seed() noexcept;

constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
    x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
    return x ^ (x >> 31);
}

/// By how much the counter moves.
inline constexpr std::uint64_t random_step = 0x9E37'79B9'7F4A'7C15;

/// What the n-th draw of the sequence with this seed gives, n from 1.
constexpr std::uint64_t nth_draw(std::uint64_t seed, std::uint64_t n) noexcept {
    return mixed(seed + n * random_step);
}

template <class Traits = default_traits>
class random_sequence {
public:
    explicit random_sequence(std::uint64_t seed) noexcept : counter_(seed) {}
    /// Goes on where the other one is. Not while somebody draws from that.
    random_sequence(random_sequence&& other) noexcept
        // relaxed: see above.
        : counter_(other.counter_.load(memory_order_relaxed)) {}

    /// 64 evenly distributed bits.
    std::uint64_t draw() noexcept {
        // relaxed: see above.
        return nth_draw(counter_.fetch_add(random_step, memory_order_relaxed), 1);
    }

private:
    typename Traits::template atomic<std::uint64_t> counter_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
