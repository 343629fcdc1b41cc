// What the system knows of a thread: where and when it may run, how often it has slept, whether it sleeps now, and the
// CPU time it had. Linux.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace bulwark::bench {

/// Keeps the thread that makes it on the index-th of the cores that it may use, for as long as it lives. With fewer
/// cores than that it does nothing.
class on_core {
public:
    explicit on_core(int index) {
        CPU_ZERO(&before_);
        if (::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
        for (int core = 0; core != CPU_SETSIZE; ++core) {
            if (!CPU_ISSET(core, &before_) || index-- != 0) continue;
            cpu_set_t own;
            CPU_ZERO(&own);
            CPU_SET(core, &own);
            done_ = ::pthread_setaffinity_np(::pthread_self(), sizeof own, &own) == 0;
            return;
        }
    }
    ~on_core() {
        if (done_) ::pthread_setaffinity_np(::pthread_self(), sizeof before_, &before_);
    }
    on_core(const on_core&) = delete;
    on_core& operator=(const on_core&) = delete;

private:
    cpu_set_t before_;
    bool done_ = false;
};

/// As long as it lives, the thread that makes it does not push another off the core when it is woken: who has woken it
/// goes on until he sleeps himself.
class no_preemption_at_wakeup {
public:
    no_preemption_at_wakeup() {
        if (::pthread_getschedparam(::pthread_self(), &policy_, &before_) != 0) return;
        const sched_param priority{};
        done_ = ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &priority) == 0;
    }
    ~no_preemption_at_wakeup() {
        if (done_) ::pthread_setschedparam(::pthread_self(), policy_, &before_);
    }
    no_preemption_at_wakeup(const no_preemption_at_wakeup&) = delete;
    no_preemption_at_wakeup& operator=(const no_preemption_at_wakeup&) = delete;

private:
    int policy_ = SCHED_OTHER;
    sched_param before_{};
    bool done_ = false;
};

/// How often the calling thread, or all of the process (RUSAGE_SELF), gave its core away because it had to wait.
inline std::int64_t times_slept(int whose = RUSAGE_THREAD) {
    rusage used{};
    ::getrusage(whose, &used);
    return used.ru_nvcsw;
}

/// CLOCK_THREAD_CPUTIME_ID or CLOCK_PROCESS_CPUTIME_ID.
inline std::chrono::nanoseconds cpu_time_of(clockid_t whose) {
    timespec used{};
    ::clock_gettime(whose, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

/// Looks at another thread of this process.
class thread_watch {
public:
    explicit thread_watch(pid_t thread)
        : stat_(::open(("/proc/self/task/" + std::to_string(thread) + "/stat").c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~thread_watch() { ::close(stat_); }
    thread_watch(const thread_watch&) = delete;
    thread_watch& operator=(const thread_watch&) = delete;

    /// In a wait that a wake-up ends, and off its core or about to be.
    bool asleep() const {
        char text[256];
        const ssize_t size = ::pread(stat_, text, sizeof text, 0);
        // The name of the thread stands before the state, in brackets, and may have brackets of its own.
        const std::string_view line(text, size < 0 ? 0 : static_cast<std::size_t>(size));
        const std::size_t name_end = line.rfind(')');
        return name_end != std::string_view::npos && line.substr(name_end).starts_with(") S");
    }

private:
    int stat_;
};

}  // namespace bulwark::bench
