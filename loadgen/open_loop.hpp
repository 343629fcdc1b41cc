// An open loop: threads that make calls at times fixed beforehand, however long the calls before them took. What counts
// a call's latency from the moment it was due does not hide the wait behind slow calls (coordinated omission).
#pragma once

#include "time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace loadgen {

struct schedule {
    time_point start;
    std::uint32_t per_second;
    duration length;
    duration patience;  ///< so long after the end a backlog is still worked off; what is left then is never called

    std::size_t calls() const;
    /// When the n-th call is due, counted from 0.
    time_point due(std::size_t nth) const;
};

/// Runs from construction; the destructor stops it early, once the calls under way are over.
class open_loop {
public:
    /// The n-th call, made in a thread of the loop. An exception out of it ends the program.
    using call = std::function<void(std::size_t nth, time_point due)>;

    /// `make_call` is asked once in each thread, for what that thread then calls again and again.
    open_loop(const schedule& plan, std::uint32_t threads, std::function<call()> make_call);
    open_loop(const open_loop&) = delete;
    open_loop& operator=(const open_loop&) = delete;
    ~open_loop();

    const schedule& plan() const { return plan_; }
    /// Calls that are due, and for which no thread is free.
    std::size_t waiting() const;
    /// No call is under way, and there will be no other.
    bool over() const;

private:
    void run(const std::stop_token& stop);
    std::optional<std::size_t> next();

    const schedule plan_;
    const std::function<call()> make_call_;

    // Some hundred calls a second: a mutex is no bottleneck.
    mutable std::mutex mutex_;
    std::size_t taken_ = 0;
    std::size_t running_;
    std::vector<std::jthread> threads_;
};

}  // namespace loadgen
