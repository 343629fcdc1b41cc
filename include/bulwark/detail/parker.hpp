// Where one thread sleeps until another tells it something: a word that starts at 0, and the operating system to wait
// for its change. A sleeping thread costs no CPU.
//
// The owner waits while the word has a certain value. Others change it, and one of them *finishes* it: from that store
// on the owner may go, and the parker with it, so that finish() touches nothing of it afterwards; it wakes by address.
//
// Two of them: futex_parker for Linux, condition_parker for wherever there is a condition variable. `parker` is the one
// to take. The loop of the first is basic_futex_parker, over a word and a system that sleeps: models have others.
//
// Progress: wait is blocking, that is what it is for; the rest of futex_parker is wait-free but for the system call, of
// condition_parker blocking for a few steps.
//
// Synchronizing edges, by number:
//   (9) finish() and change() release -> wait() and wait_until() acquire: what the one who tells did before happens
//       before what the owner does after. That is how a permit passes from one holder to a waiter.
#pragma once

#include <bulwark/detail/atomics.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace bulwark::inline BULWARK_ABI::detail {

/// For ever.
inline constexpr auto no_time_limit = std::chrono::steady_clock::time_point::max();

/// Atomic: a 32-bit word that starts at 0 and knows its address(). System, all static: sleep(word, value, until) sleeps
/// while the word has the value, until the time at the latest, or less long, for no reason, and returns whether the
/// time has come, which it knows without another look at a clock; wake(address) wakes the one who sleeps at that word,
/// which need not be there any more.
template <class Atomic, class System>
class basic_futex_parker {
public:
    /// Until the word is another than `old`; returns it.
    std::uint32_t wait(std::uint32_t old) noexcept { return wait_until(old, no_time_limit); }

    /// Or until the time; then returns `old`.
    std::uint32_t wait_until(std::uint32_t old, std::chrono::steady_clock::time_point until) noexcept {
        for (bool late = false;;) {
            // (9) acquire: synchronizes with the releases (9) in change() and finish().
            const std::uint32_t seen = word_.load(memory_order_acquire);
            if (seen != old || late) return seen;
            late = System::sleep(word_, old, until);
        }
    }

    /// Only where the word is `from`. The caller sees to it that the owner does not go meanwhile.
    bool change(std::uint32_t from, std::uint32_t to) noexcept {
        // (9) release: synchronizes with the acquire (9) in wait_until().
        if (!word_.compare_exchange_strong(from, to, memory_order_release)) return false;
        System::wake(word_.address());
        return true;
    }

    /// The last word. The parker may be gone before this returns.
    void finish(std::uint32_t last) noexcept {
        const void* const address = word_.address();
        // (9) release: synchronizes with the acquire (9) in wait_until().
        word_.store(last, memory_order_release);
        System::wake(address);
    }

private:
    Atomic word_;
};

#if defined(__linux__)

/// The system's: see basic_futex_parker.
struct futex {
    static bool sleep(const atomic<std::uint32_t>& word, std::uint32_t value,
                      std::chrono::steady_clock::time_point until) noexcept {
        return sleep_at(word.address(), value, until);
    }
    static void wake(const void* address) noexcept;

private:
    static bool sleep_at(const void* address, std::uint32_t value,
                         std::chrono::steady_clock::time_point until) noexcept;
};

using futex_parker = basic_futex_parker<atomic<std::uint32_t>, futex>;

#endif

/// Members as futex_parker's.
class condition_parker {
public:
    std::uint32_t wait(std::uint32_t old) {
        std::unique_lock lock(mutex_);
        told_.wait(lock, [&] { return word_ != old; });
        return word_;
    }
    std::uint32_t wait_until(std::uint32_t old, std::chrono::steady_clock::time_point until) {
        if (until == no_time_limit) return wait(old);
        std::unique_lock lock(mutex_);
        told_.wait_until(lock, until, [&] { return word_ != old; });
        return word_;
    }
    bool change(std::uint32_t from, std::uint32_t to) {
        const std::lock_guard lock(mutex_);
        if (word_ != from) return false;
        word_ = to;
        told_.notify_one();
        return true;
    }
    /// The owner cannot go before the lock is released, and a mutex may go as soon as it is.
    void finish(std::uint32_t last) {
        const std::lock_guard lock(mutex_);
        word_ = last;
        told_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable told_;
    std::uint32_t word_ = 0;
};

#if defined(__linux__)
using parker = futex_parker;
#else
using parker = condition_parker;
#endif

}  // namespace bulwark::inline BULWARK_ABI::detail
