// Spreads threads over the cores. A scheduler likes to put two threads that wake each other on one core; then they take
// turns, their operations never overlap, and a run proves nothing.
#pragma once

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

#include <thread>

namespace bulwark::checks {

/// Pins the calling thread to one of the cores that it may use: the index-th, counted round. Where that cannot be done,
/// nothing happens.
inline void take_core([[maybe_unused]] unsigned index) {
#if defined(__linux__)
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    const int cores = CPU_COUNT(&allowed);
    if (cores < 2) return;
    int skip = static_cast<int>(index) % cores;
    for (int core = 0; core != CPU_SETSIZE; ++core) {
        if (!CPU_ISSET(core, &allowed) || skip-- != 0) continue;
        cpu_set_t own;
        CPU_ZERO(&own);
        CPU_SET(core, &own);
        pthread_setaffinity_np(pthread_self(), sizeof own, &own);
        return;
    }
#endif
}

}  // namespace bulwark::checks
