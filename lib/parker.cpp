// The system calls of futex_parker.
#include <bulwark/detail/parker.hpp>

#if defined(__linux__)

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace bulwark::inline BULWARK_ABI::detail {

bool futex::sleep_at(const void* address, std::uint32_t value, std::chrono::steady_clock::time_point until) noexcept {
    using namespace std::chrono;
    using clock = std::chrono::steady_clock;
    // The steady clock is CLOCK_MONOTONIC, which is what the kernel measures an absolute time by.
    // Before its beginning it has no times; whole seconds of the least one would not fit into its ticks.
    const auto time = std::max(until.time_since_epoch(), clock::duration::zero());
    const auto whole = duration_cast<seconds>(time);
    timespec at{};
    at.tv_sec = static_cast<time_t>(whole.count());
    at.tv_nsec = static_cast<long>(nanoseconds(time - whole).count());
    const int before = errno;
    const long woken = syscall(SYS_futex, address, FUTEX_WAIT_BITSET_PRIVATE, value,
                               until == no_time_limit ? nullptr : &at, nullptr, FUTEX_BITSET_MATCH_ANY);
    // Woken, interrupted or another value: the caller looks again. What else the kernel may object to (a time before
    // its clock began, a sandbox without futexes) says nothing of the time, so the clock must.
    const bool late =
        woken == -1 && (errno == ETIMEDOUT || (errno != EAGAIN && errno != EINTR && clock::now() >= until));
    errno = before;
    return late;
}

void futex::wake(const void* address) noexcept {
    const int before = errno;
    syscall(SYS_futex, address, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    errno = before;
}

}  // namespace bulwark::inline BULWARK_ABI::detail

#endif
