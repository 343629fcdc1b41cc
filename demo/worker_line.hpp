// The line of requests in front of the workers of a service: first come, first served by the worker that is free first.
// Whether the client still waits, nobody asks: work for those who have given up is a part of what makes an overload
// last.
#pragma once

#include "clock.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace demo {

/// For one thread at a time.
class worker_line {
public:
    worker_line(std::size_t workers, duration longest_wait, time_point start)
        : longest_wait_(longest_wait), free_at_(workers, start) {}

    /// When a worker can begin with a request that arrives now; nothing where that is too long to wait.
    std::optional<time_point> beginning(time_point now) const {
        const time_point free = *std::ranges::min_element(free_at_);
        if (free - now > longest_wait_) return std::nullopt;
        return std::max(free, now);
    }

    /// The worker that is free first is not until then.
    void occupy(time_point until) { *std::ranges::min_element(free_at_) = until; }

private:
    duration longest_wait_;
    std::vector<time_point> free_at_;
};

}  // namespace demo
