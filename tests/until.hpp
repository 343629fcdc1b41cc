// Waiting for what other threads do, without sleeping. Bounded: what does not come true within a time that no sound
// program needs ends the program, since the threads that it is about could not be joined.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace bulwark::test {

[[noreturn]] inline void waited_in_vain() {
    std::fputs("waited a minute for something that did not happen\n", stderr);
    std::abort();
}

/// Returns true, so that a test can say what it expects.
template <class Condition>
bool until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) waited_in_vain();
        std::this_thread::yield();
    }
    return true;
}

}  // namespace bulwark::test
