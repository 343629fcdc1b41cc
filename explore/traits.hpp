// The seam of the lock-free parts, with the explorer's atomics.
#pragma once

#include <explore/atomic.hpp>
#include <explore/machine.hpp>

#include <bulwark/detail/layout.hpp>

#include <cstdint>

namespace explore {

template <class Layout>
struct traits {
    using layout = Layout;
    template <class T>
    using atomic = explore::atomic<T>;
    static void pause() noexcept {}
    /// What comes before and after the threads is the work of the first.
    static std::uint32_t thread_slot() noexcept {
        const machine& m = machine::here();
        return m.running() == m.threads() ? 0 : static_cast<std::uint32_t>(m.running());
    }
    static std::uint32_t known_thread_slot() noexcept { return thread_slot(); }
};

}  // namespace explore
