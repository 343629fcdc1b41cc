// What a bulkhead tells about itself: events as they happen, and a snapshot for metrics.
#pragma once

#include <bulwark/errc.hpp>
#include <bulwark/version.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace bulwark::inline BULWARK_ABI {

enum class bulkhead_event_kind : std::uint8_t {
    refused,    ///< a call got an errc
    saturated,  ///< a call found too few permits, the first such since a call was last admitted at once
};

/// "refused" "saturated"
std::string_view to_string(bulkhead_event_kind kind) noexcept;
std::ostream& operator<<(std::ostream& out, bulkhead_event_kind kind);

struct bulkhead_event {
    bulkhead_event_kind kind = bulkhead_event_kind::refused;
    errc reason = errc::bulkhead_full;  ///< of the refusal; of a saturation always errc::bulkhead_full
    std::uint64_t weight = 0;           ///< how many permits the call asked for

    friend bool operator==(const bulkhead_event&, const bulkhead_event&) = default;
};

/// "refused reason=queue_full weight=1"
std::ostream& operator<<(std::ostream& out, const bulkhead_event& event);

/// Figures of one bulkhead. The first three are of one instant (striped: exact while nobody takes or gives); the others
/// only grow, and are exact while no call is under way.
struct bulkhead_snapshot {
    std::uint64_t capacity = 0;
    std::uint64_t in_use = 0;    ///< may pass the capacity after a shrink
    std::uint64_t waiting = 0;   ///< callers in the queue
    std::uint64_t admitted = 0;  ///< calls that got what they asked for, at once or after waiting
    std::uint64_t refused = 0;   ///< calls that got bulkhead_full, queue_full or over_capacity
    std::uint64_t timed_out = 0;
    std::uint64_t stopped = 0;
    /// Of the calls that stood in the queue, however that ended: the longest time there, and the sum of all.
    std::chrono::nanoseconds longest_wait{0};
    std::chrono::nanoseconds total_wait{0};
    /// Where wait_histogram is set: waits[i] counts those of [2^i, 2^(i+1)) ns, and waits[0] those under 1 ns too.
    std::array<std::uint64_t, 64> waits{};
    bool has_waits = false;  ///< whether wait_histogram is set

    friend bool operator==(const bulkhead_snapshot&, const bulkhead_snapshot&) = default;
};

/// One readable line, without the histogram.
std::string to_string(const bulkhead_snapshot& snapshot);
std::ostream& operator<<(std::ostream& out, const bulkhead_snapshot& snapshot);

}  // namespace bulwark::inline BULWARK_ABI
