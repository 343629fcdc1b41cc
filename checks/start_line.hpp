// Where threads meet between two histories: they spin, so that they start within a few hundred cycles of each other and
// their operations overlap. A std::barrier parks them, and the first is done before the last has been woken.
#pragma once

#include <bulwark/detail/pause.hpp>

#include <atomic>
#include <cstdint>
#include <thread>

namespace bulwark::checks {

class start_line {
public:
    explicit start_line(unsigned threads)
        : threads_(threads), patience_(threads <= std::thread::hardware_concurrency() ? long_patience : 10) {}

    /// Returns when all threads have come; the last to come does `between` first, alone, and sees all that the others
    /// did before they came. noexcept: the others would wait for ever.
    template <class Between>
    void pass(Between between) noexcept {
        const std::uint64_t round = rounds_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
            between();
            arrived_.store(0, std::memory_order_relaxed);
            rounds_.store(round + 1, std::memory_order_release);
            return;
        }
        for (unsigned spins = 0; rounds_.load(std::memory_order_acquire) == round; ++spins) {
            // With more threads than cores the one that is waited for may need this core. Where each has its own,
            // giving it away means that the next histories are made by one thread while the other is not there.
            spins < patience_ ? bulwark::detail::pause_after_lost_race() : std::this_thread::yield();
        }
    }

    /// Between two passes: waits a little for the others to get here too, so that all go on at once. The one that
    /// opened the line has all that it made in its cache; without this it is through before the others have read the
    /// first line of it. Gives up soon: with more threads than cores one of them may not be running.
    void go_together() noexcept {
        const std::uint64_t before = gone_.fetch_add(1, std::memory_order_relaxed);
        const std::uint64_t all = (before / threads_ + 1) * threads_;
        for (unsigned spins = 0; spins != short_patience && gone_.load(std::memory_order_relaxed) < all; ++spins) {
        }
    }

private:
    static constexpr unsigned short_patience = 2000;
    static constexpr unsigned long_patience = 10'000;  // some milliseconds: a time slice of whoever else runs there

    const unsigned threads_;
    const unsigned patience_;
    alignas(64) std::atomic<unsigned> arrived_{0};
    alignas(64) std::atomic<std::uint64_t> rounds_{0};
    alignas(64) std::atomic<std::uint64_t> gone_{0};
};

}  // namespace bulwark::checks
