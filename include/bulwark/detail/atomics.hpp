// The seam: the one header that names boost::atomic.
//
// It offers only operations that ThreadSanitizer sees and that are native on 64-bit words; fences, 128-bit words and
// the flag-returning arithmetic of Boost.Atomic are inline assembly to it, so they do not compile here. Every
// operation takes its memory order in words, there is no default to forget.
#pragma once

#include <bulwark/version.hpp>

#include <boost/atomic/atomic.hpp>
#include <boost/memory_order.hpp>

namespace bulwark::inline BULWARK_ABI::detail {

using boost::memory_order_acq_rel;
using boost::memory_order_acquire;
using boost::memory_order_relaxed;
using boost::memory_order_release;

template <class T>
class atomic {
public:
    static_assert(sizeof(boost::atomic<T>) <= 8 && boost::atomic<T>::is_always_lock_free,
                  "bulwark needs native atomic words of this size");

    constexpr atomic() noexcept : word_(T()) {}
    constexpr explicit atomic(T initial) noexcept : word_(initial) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load(boost::memory_order order) const noexcept { return word_.load(order); }
    void store(T value, boost::memory_order order) noexcept { word_.store(value, order); }
    T fetch_add(T addend, boost::memory_order order) noexcept { return word_.fetch_add(addend, order); }

    /// On failure `expected` becomes the value found, read relaxed: load again before acting on what it publishes.
    bool compare_exchange_weak(T& expected, T desired, boost::memory_order success) noexcept {
        return word_.compare_exchange_weak(expected, desired, success, memory_order_relaxed);
    }
    bool compare_exchange_strong(T& expected, T desired, boost::memory_order success) noexcept {
        return word_.compare_exchange_strong(expected, desired, success, memory_order_relaxed);
    }

    /// Where the value lies, for the system to wait at. Nothing is read or written through it.
    const void* address() const noexcept { return &word_.value(); }

private:
    boost::atomic<T> word_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
