// What a breaker told of its changes, and when: the record that the checks after a run look at.
#pragma once

#include "timeline.hpp"

#include <bulwark/breaker_types.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

namespace integration {

class journal {
public:
    struct entry {
        time_point at;
        bulwark::transition made;
        std::chrono::nanoseconds retry_after;  ///< by the breaker's own word, just after it
    };

    /// From any thread.
    void add(const bulwark::transition& made, std::chrono::nanoseconds retry_after) {
        const std::lock_guard lock(mutex_);
        entries_.push_back({clock::now(), made, retry_after});
    }

    /// Once the callers are gone.
    const std::vector<entry>& entries() const { return entries_; }

    std::uint64_t count(const phase_span& during, bulwark::breaker_state to) const {
        return static_cast<std::uint64_t>(std::ranges::count_if(
            entries_, [&](const entry& each) { return during.has(each.at) && each.made.to == to; }));
    }

private:
    std::mutex mutex_;
    std::vector<entry> entries_;
};

}  // namespace integration
