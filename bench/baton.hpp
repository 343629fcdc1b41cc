// One permit that one thread gives and another takes, by way of a bulkhead, of a semaphore, or of what those are made
// from.
//
// A baton has give(), for who has it, and take(), which waits until it was given. It starts as given by nobody: its
// permit is held. What is given goes to the taker, whoever else would like to have it: nobody else is there. So a
// bulkhead, which is fair, and a semaphore, which lets the fastest have it, do the same work: one permit back, one
// waiter woken.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bulwark::bench {

/// Of anything with the face of a bulkhead. The slot passes from thread to thread with its permit.
template <class Bulkhead>
class baton {
public:
    baton() { take(); }

    void give() {
        // The place in which it lies is the taker's from the moment that the permit is back.
        const auto mine = std::move(*held_);
        held_.reset();
    }
    void take() { held_.emplace(std::move(*pool_.acquire())); }

protected:
    Bulkhead& pool() { return pool_; }
    template <class Slot>
    void hold(Slot taken) {
        held_.emplace(std::move(*taken));
    }

private:
    Bulkhead pool_{{.max_concurrent = 1}};
    std::optional<typename Bulkhead::slot> held_;
};

/// Ready to be stopped while it waits, which nobody does.
template <class Bulkhead>
class stoppable_baton : public baton<Bulkhead> {
public:
    void take() { this->hold(this->pool().acquire(stop_.get_token())); }

private:
    std::stop_source stop_;
};

/// With a time limit that is far away.
template <class Bulkhead>
class timed_baton : public baton<Bulkhead> {
public:
    void take() { this->hold(this->pool().try_acquire_for(std::chrono::hours(1))); }
};

/// The floor: a word that says whether it is there, and the system calls to wait and to wake.
class futex_baton {
public:
    void give() {
        word_.store(1, std::memory_order_release);
        ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
    void take() {
        while (word_.load(std::memory_order_acquire) == 0) {
            ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
        }
        word_.store(0, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint32_t> word_{0};
};

/// What one writes by hand.
class condition_baton {
public:
    void give() {
        {
            const std::lock_guard lock(mutex_);
            given_ = true;
        }
        told_.notify_one();
    }
    void take() {
        std::unique_lock lock(mutex_);
        told_.wait(lock, [&] { return given_; });
        given_ = false;
    }

private:
    std::mutex mutex_;
    std::condition_variable told_;
    bool given_ = false;
};

}  // namespace bulwark::bench
