// The lock-free breaker whose threads dawdle: before an atomic operation they now and then wait a little. A thread then
// rests in the middle of a move often enough that others meet the frozen head and finish the move for it; at full speed
// that takes a preemption at the right instruction. Before a swap they wait most, since that is where what was read
// grows old.
#pragma once

#include "../stress/implementations.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/detail/pause.hpp>
#include <bulwark/detail/traits.hpp>

#include <atomic>
#include <cstdint>

namespace bulwark::lin {

/// Waits at one in so many calls.
inline void dawdle(std::uint64_t one_in) noexcept {
    static std::atomic<std::uint64_t> seeds{1};
    thread_local std::uint64_t dice = seeds.fetch_add(0x9E3779B97F4A7C15U, std::memory_order_relaxed) | 1;
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    if (dice % one_in != 0) return;
    // Seldom for so long that others trip, probe and close the breaker, or reuse the bank, meanwhile.
    const std::uint64_t most = (dice >> 8) % 8 == 0 ? 64 : 8;
    for (std::uint64_t i = (dice >> 16) % most; i != 0; --i) bulwark::detail::pause_after_lost_race();
}

template <class T>
class dawdling_atomic {
public:
    dawdling_atomic() noexcept = default;
    explicit dawdling_atomic(T initial) noexcept : word_(initial) {}

    T load(boost::memory_order order) const noexcept {
        dawdle(64);
        return word_.load(order);
    }
    void store(T value, boost::memory_order order) noexcept {
        dawdle(64);
        word_.store(value, order);
    }
    T fetch_add(T addend, boost::memory_order order) noexcept {
        dawdle(8);
        return word_.fetch_add(addend, order);
    }
    bool compare_exchange_weak(T& expected, T desired, boost::memory_order success) noexcept {
        dawdle(8);
        return word_.compare_exchange_weak(expected, desired, success);
    }
    bool compare_exchange_strong(T& expected, T desired, boost::memory_order success) noexcept {
        dawdle(8);
        return word_.compare_exchange_strong(expected, desired, success);
    }

private:
    bulwark::detail::atomic<T> word_;
};

struct dawdling_traits : stress::thin_traits {
    template <class T>
    using atomic = dawdling_atomic<T>;
};

}  // namespace bulwark::lin
