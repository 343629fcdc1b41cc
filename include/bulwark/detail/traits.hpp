// What the concurrent parts are built over: the layout of the words, the atomics, the pause after a lost race, what
// tells threads apart, the lock of a waiting line, and what its waiters sleep on. Tests and models build the same parts
// over others.
#pragma once

#include <bulwark/detail/atomics.hpp>
#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/layout.hpp>
#include <bulwark/detail/parker.hpp>
#include <bulwark/detail/pause.hpp>
#include <bulwark/detail/thread_slot.hpp>
#include <bulwark/version.hpp>

#include <cstdint>
#include <mutex>

namespace bulwark::inline BULWARK_ABI::detail {

/// The product's. What is built over them handles exceptions, or is compiled without.
struct BULWARK_BY_EXCEPTIONS default_traits {
    using layout = detail::layout;
    template <class T>
    using atomic = detail::atomic<T>;
    using mutex = std::mutex;
    using parker = detail::parker;
    static void pause() noexcept { pause_after_lost_race(); }
    static std::uint32_t thread_slot() noexcept { return detail::thread_slot(); }
    /// The same for a thread that has asked before; past every slot for one that has not.
    static std::uint32_t known_thread_slot() noexcept { return current_thread_slot; }
};

}  // namespace bulwark::inline BULWARK_ABI::detail
