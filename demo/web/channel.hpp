// From one writer to any number of readers, who come and go: the newest messages, numbered from 1. A reader is nothing
// but the number that it has got to, so that one who stays away leaves nothing behind, and one who is slow misses the
// oldest.
#pragma once

#include "../clock.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace demo {

class channel {
public:
    struct message {
        std::uint64_t number;
        std::string text;
    };

    explicit channel(std::size_t kept) : kept_(kept) {}

    void publish(std::string text) {
        {
            const std::lock_guard lock(mutex_);
            newest_.push_back({++number_, std::move(text)});
            if (newest_.size() > kept_) newest_.pop_front();
        }
        news_.notify_all();
    }

    /// The oldest that is kept of those after that number; waits for one. Nothing once the channel is closed.
    std::optional<message> next(std::uint64_t after) const {
        std::unique_lock lock(mutex_);
        news_.wait(lock, [&] { return closed_ || number_ > after; });
        if (closed_) return std::nullopt;
        const std::uint64_t oldest = number_ - newest_.size() + 1;
        return newest_[static_cast<std::size_t>(after < oldest ? 0 : after + 1 - oldest)];
    }

    std::uint64_t number() const {
        const std::lock_guard lock(mutex_);
        return number_;
    }

    void close() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        news_.notify_all();
    }

private:
    const std::size_t kept_;
    mutable std::mutex mutex_;
    mutable std::condition_variable news_;
    std::deque<message> newest_;
    std::uint64_t number_ = 0;
    bool closed_ = false;
};

}  // namespace demo
