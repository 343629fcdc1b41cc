// What the waiting line is built over here: Relacy's mutex, and a parker that sleeps as a futex does. Who sleeps for
// ever is a deadlock to Relacy, so that a lost wake-up is found.
//
// The parker is word for word the product's (detail/parker.hpp), over the model's atomics and the two calls below in
// the place of the system's. A timed sleep needs no sleeping: it may end at any step, and so may a thread that is just
// not run; so it looks at the word once and says that the time is up.
//
// Left out, because nothing is lost: a switch of threads before an unlock (whatever comes after the unlock finds the
// same), and before a plain store to a word that only the holder of the lock writes, or only one thread (a load of the
// others may lag behind it).
#pragma once

#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "explore.hpp"
#include "traits.hpp"

#include <boost/memory_order.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <source_location>

namespace bulwark::model {

/// No other thread runs while one of these lives.
class undisturbed {
public:
    undisturbed() { rl::ctx().disable_preemption(); }
    undisturbed(const undisturbed&) = delete;
    undisturbed& operator=(const undisturbed&) = delete;
    ~undisturbed() { rl::ctx().enable_preemption(); }
};

class mutex {
public:
    void lock() { mutex_.lock(RL_INFO); }
    void unlock() {
        const undisturbed step;
        mutex_.unlock(RL_INFO);
    }

private:
    rl::mutex mutex_;
};

/// A word whose plain stores no other thread competes with.
template <class T>
class owned_atomic : public atomic<T> {
public:
    using atomic<T>::atomic;
    void store(T value, boost::memory_order order, std::source_location from = std::source_location::current()) {
        const undisturbed step;
        atomic<T>::store(value, order, from);
    }
};

/// Those who sleep, by the address they sleep at, which is a number here: no two parkers of an execution have the same.
class sleepers {
public:
    static void begin() {
        for (auto& queue : queues) queue.raise();
        next = 0;
    }
    static std::size_t new_address() {
        if (next == queues.size()) give_up("the model has too few addresses to sleep at");
        return next++;
    }
    /// The word has been found to be the one expected, in the same step.
    static void sleep(std::size_t address) { queues[address]->park_current(rl::ctx(), false, false, false, RL_INFO); }
    static void wake(std::size_t address) {
        rl::ctx().sched();
        queues[address]->unpark_one(rl::ctx(), RL_INFO);
    }

private:
    static inline std::array<stage<rl::waitset<4>>, 16> queues;
    static inline std::size_t next = 0;
};

/// Time for who waits until a time: it stands still until a sleep of the thread is over time, and is past all times
/// then.
class hourglass : public checks::nanosecond_clock<hourglass> {
public:
    static time_point now() noexcept { return time_point(duration(late[rl::thread_index()] ? 2 : 0)); }
    static constexpr auto soon = std::chrono::nanoseconds(1);
    static inline std::array<bool, 3> late{};
};

/// False where the waking is left out: a planted defect.
template <bool FinishWakes = true, bool ChangeWakes = true>
class basic_parker {
public:
    std::uint32_t wait(std::uint32_t old) {
        for (;;) {
            const std::uint32_t seen = word_.load(boost::memory_order_acquire);
            if (seen != old) return seen;
            sleep(old);
        }
    }
    std::uint32_t wait_until(std::uint32_t old, std::chrono::steady_clock::time_point /*until*/) {
        const std::uint32_t seen = word_.load(boost::memory_order_acquire);
        if (seen == old) hourglass::late[rl::thread_index()] = true;
        return seen;
    }
    bool change(std::uint32_t from, std::uint32_t to) {
        check();
        if (!word_.compare_exchange_strong(from, to, boost::memory_order_release)) return false;
        if (ChangeWakes) sleepers::wake(address_);
        return true;
    }
    void finish(std::uint32_t last) {
        check();
        const std::size_t address = address_;
        word_.store(last, boost::memory_order_release);
        if (FinishWakes) sleepers::wake(address);
    }

    /// In the place of a parker that is no more.
    void bury() { buried_ = true; }

private:
    void check() const {
        if (buried_) give_up("a waiter was used after its end");
    }
    /// The system looks at the word as it is, and who has been told once that it is another does not see the old one
    /// again.
    void sleep(std::uint32_t old) {
        if (word_.fetch_add(0, boost::memory_order_relaxed) == old) sleepers::sleep(address_);
    }

    atomic<std::uint32_t> word_;
    const std::size_t address_ = sleepers::new_address();
    bool buried_ = false;
};

struct waiting_traits : slotted_traits<> {
    template <class T>
    using atomic = owned_atomic<T>;
    using mutex = model::mutex;
    using parker = basic_parker<>;
};

}  // namespace bulwark::model
