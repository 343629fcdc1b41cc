// A thread that makes one call and keeps what it got, for tests in which somebody else waits.
#pragma once

#include <atomic>
#include <optional>
#include <thread>

namespace bulwark::test {

template <class T>
class caller {
public:
    template <class Call>
    explicit caller(Call call)
        : thread_([this, call] {
              got_.emplace(call());
              done_.store(true, std::memory_order_release);
          }) {}

    bool done() const { return done_.load(std::memory_order_acquire); }
    /// Waits for it.
    T& got() {
        if (thread_.joinable()) thread_.join();
        return *got_;
    }

private:
    std::optional<T> got_;
    std::atomic<bool> done_{false};
    std::jthread thread_;
};

}  // namespace bulwark::test
