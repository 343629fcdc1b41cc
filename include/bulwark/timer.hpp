// The timer: one thread that asks stop sources to stop when their time has come, for all calls that want it.
//
//     bulwark::timer timer;
//     std::stop_source source;
//     {
//         const bulwark::timer::alarm alarm(timer, bulwark::deadline::in(200ms), source);
//         work(source.get_token());   // asked to stop after 200 ms
//     }                               // no alarm any more
//
// An alarm that has been destroyed does not go off any more, but for one whose time had come and which the thread has
// in hand already: that one asks a stop source of its own to stop, which shares the state of the caller's and keeps it
// alive. Nothing of the caller's is touched after its alarm.
//
// What the stop callbacks do is done in the timer's thread, one after the other: a slow one delays the other alarms.
//
// Thread safety: alarms may be made and destroyed in any thread at any time, also from a stop callback. The timer must
// outlive them.
// Progress: blocking, for a few steps; a heap behind a mutex.
// Cost: an alarm takes the mutex twice and moves some pointers in the heap. The thread is woken for an alarm only where
// it would sleep past it, so that calls of equal limits wake it about once a limit and not once a call. With no alarm
// it sleeps for good. Memory: a pointer for each alarm, kept.
//
// Not in bulwark.hpp: who wants it includes it, and <thread> with it.
#pragma once

#include <bulwark/deadline.hpp>
#include <bulwark/detail/alarm_heap.hpp>
#include <bulwark/detail/timed_wait.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

/// Clock: std::chrono::steady_clock; or manual_clock in tests, which the thread looks at every millisecond.
template <class Clock = std::chrono::steady_clock>
class basic_timer {
public:
    using clock = Clock;
    using deadline_type = basic_deadline<Clock>;

    /// Neither copied nor moved. At a deadline that is never it does nothing.
    class alarm : private detail::heap_item<deadline_type> {
    public:
        /// Throws std::bad_alloc.
        alarm(basic_timer& timer, deadline_type end, std::stop_source source)
            : detail::heap_item<deadline_type>(end), timer_(timer), source_(std::move(source)) {
            if (!end.is_never()) timer_.add(*this);
        }
        alarm(const alarm&) = delete;
        alarm& operator=(const alarm&) = delete;
        ~alarm() {
            if (!this->when.is_never()) timer_.remove(*this);
        }

    private:
        friend basic_timer;
        friend detail::alarm_heap<alarm>;

        basic_timer& timer_;
        std::stop_source source_;
    };

    /// Throws std::system_error where the thread cannot be had.
    basic_timer() : thread_([this] { run(); }) {}
    basic_timer(const basic_timer&) = delete;
    basic_timer& operator=(const basic_timer&) = delete;
    ~basic_timer() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    /// Alarms that have not gone off.
    std::size_t pending() const {
        const std::lock_guard lock(mutex_);
        return heap_.size();
    }
    /// Alarms that have.
    std::uint64_t fired() const {
        const std::lock_guard lock(mutex_);
        return fired_;
    }

private:
    void add(alarm& a) {
        bool wakes = false;
        {
            const std::lock_guard lock(mutex_);
            heap_.add(a);
            wakes = a.when < sleeps_until_;
        }
        if (wakes) changed_.notify_one();
    }

    void remove(alarm& a) {
        const std::lock_guard lock(mutex_);
        // The thread is not woken: it finds out when it wakes for what was to be.
        if (a.at != alarm::gone) heap_.remove(a);
    }

    void run() {
        std::unique_lock lock(mutex_);
        while (!ended_) {
            if (heap_.empty()) {
                sleep(lock, deadline_type::never());
            } else if (alarm& first = heap_.front(); !first.when.expired()) {
                sleep(lock, first.when);
            } else {
                ++fired_;
                std::stop_source source = std::move(first.source_);
                heap_.remove(first);
                // From here on the alarm may be destroyed.
                lock.unlock();
                source.request_stop();
                source = std::stop_source(std::nostopstate);
                lock.lock();
            }
        }
    }

    void sleep(std::unique_lock<std::mutex>& lock, deadline_type until) {
        sleeps_until_ = until;
        detail::sleep_until(changed_, lock, until);
        // Awake, it looks at the whole heap before it sleeps again.
        sleeps_until_ = deadline_type(Clock::time_point::min());
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;  ///< an alarm comes before the one that is slept for, or it is the end
    detail::alarm_heap<alarm> heap_;
    deadline_type sleeps_until_{Clock::time_point::min()};
    std::uint64_t fired_ = 0;
    bool ended_ = false;
    std::thread thread_;  // last: it uses the others
};

using timer = basic_timer<>;

}  // namespace bulwark::inline BULWARK_ABI
