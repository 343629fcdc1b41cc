// A word that lets another thread in before any access: to the thread that is interrupted it looks exactly as if it had
// been preempted there while another ran. One thread plays both, so the schedule is in the input and a crash repeats.
#pragma once

#include "slots.hpp"

#include <bulwark/detail/atomics.hpp>
#include <bulwark/detail/layout.hpp>

#include <functional>

namespace bulwark::test {

/// Called before each access of a shared word; answers whether a weak compare-and-swap fails for no reason.
inline std::function<bool()> before_access;

/// The other thread is not interrupted itself.
inline bool interrupted() {
    static bool inside = false;
    if (inside || !before_access) return false;
    inside = true;
    const bool fails = before_access();
    inside = false;
    return fails;
}

template <class T>
class preempted_atomic {
public:
    explicit preempted_atomic(T initial = T()) noexcept : word_(initial) {}

    T load(boost::memory_order order) const noexcept {
        interrupted();
        return word_.load(order);
    }
    void store(T value, boost::memory_order order) noexcept {
        interrupted();
        word_.store(value, order);
    }
    T fetch_add(T addend, boost::memory_order order) noexcept {
        interrupted();
        return word_.fetch_add(addend, order);
    }
    bool compare_exchange_weak(T& expected, T desired, boost::memory_order success) noexcept {
        if (!interrupted()) return word_.compare_exchange_weak(expected, desired, success);
        expected = word_.load(detail::memory_order_relaxed);
        return false;
    }
    bool compare_exchange_strong(T& expected, T desired, boost::memory_order success) noexcept {
        interrupted();
        return word_.compare_exchange_strong(expected, desired, success);
    }

private:
    detail::atomic<T> word_;
};

template <detail::layout_widths Widths>
struct preempted_traits {
    using layout = detail::basic_layout<Widths>;
    template <class T>
    using atomic = preempted_atomic<T>;
    static void pause() noexcept {}
    static std::uint32_t thread_slot() noexcept { return played_slot; }
    static std::uint32_t known_thread_slot() noexcept { return thread_slot(); }
};

}  // namespace bulwark::test
