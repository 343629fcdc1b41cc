// What the waiting line is built over here: Relacy's mutex, and the product's parker over a modelled futex. Who sleeps
// for ever is a deadlock to Relacy, so that a lost wake-up is found.
//
// A timed sleep needs no sleeping: it may end at any step, and so may a thread that is just not run; so it returns at
// once, and the time has come then.
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
#include <bulwark/detail/parker.hpp>

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

/// Time for who waits until a time: it stands still until a sleep of the thread is over time, and is past all times
/// then.
class hourglass : public checks::nanosecond_clock<hourglass> {
public:
    static time_point now() noexcept { return time_point(duration(late[rl::thread_index()] ? 2 : 0)); }
    static constexpr auto soon = std::chrono::nanoseconds(1);
    static inline std::array<bool, 3> late{};
};

/// The system of the parkers: those who sleep, by the address they sleep at. An address may be that of one parker after
/// another, as in the product: who wakes late then wakes one who was not told, and who sleeps again.
class futex {
public:
    static void begin() {
        for (auto& queue : queues) queue.raise();
        used = 0;
    }

    /// The system looks at the word as it is, and who has been told once that it is another does not see the old one
    /// again.
    template <class Word>
    static bool sleep(Word& word, std::uint32_t value, std::chrono::steady_clock::time_point until) noexcept {
        if (until != bulwark::detail::no_time_limit) {
            hourglass::late[rl::thread_index()] = true;
        } else if (word.fetch_add(0, boost::memory_order_relaxed) == value) {
            queue_at(word.address())->park_current(rl::ctx(), false, false, false, RL_INFO);
        }
        return until != bulwark::detail::no_time_limit;
    }
    static void wake(const void* address) noexcept {
        rl::ctx().sched();
        queue_at(address)->unpark_one(rl::ctx(), RL_INFO);
    }

private:
    using queue = stage<rl::waitset<4>>;

    static queue& queue_at(const void* address) {
        for (std::size_t i = 0; i != used; ++i) {
            if (addresses[i] == address) return queues[i];
        }
        if (used == queues.size()) give_up("the model has too few addresses to sleep at");
        addresses[used] = address;
        return queues[used++];
    }

    static inline std::array<queue, 16> queues;
    static inline std::array<const void*, 16> addresses{};
    static inline std::size_t used = 0;
};

/// The word of a parker. In the place of a parker that is no more stands one that is buried, and tells of it when it is
/// touched.
class parker_word : public atomic<std::uint32_t> {
    using site = std::source_location;

public:
    static inline bool born_buried = false;

    void store(std::uint32_t value, boost::memory_order order, site from = site::current()) {
        check();
        atomic::store(value, order, from);
    }
    bool compare_exchange_strong(std::uint32_t& expected, std::uint32_t desired, boost::memory_order order,
                                 site from = site::current()) {
        check();
        return atomic::compare_exchange_strong(expected, desired, order, from);
    }
    const void* address() const {
        check();
        return this;
    }

private:
    void check() const {
        if (buried_) give_up("a waiter was used after its end");
    }

    const bool buried_ = born_buried;
};

template <class System = futex>
using parker_over = bulwark::detail::basic_futex_parker<parker_word, System>;

struct waiting_traits : slotted_traits<> {
    template <class T>
    using atomic = owned_atomic<T>;
    using mutex = model::mutex;
    using parker = parker_over<>;
};

}  // namespace bulwark::model
