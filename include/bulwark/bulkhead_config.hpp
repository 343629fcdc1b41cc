// How a bulkhead is set up, and what it refuses to be set up with.
#pragma once

#include <bulwark/bulkhead_types.hpp>
#include <bulwark/version.hpp>

#include <cstdint>
#include <functional>
#include <limits>

namespace bulwark::inline BULWARK_ABI {

/// For bulkhead: permits are calls.
struct bulkhead_config {
    /// Permits: how many calls at once. At least 1; there is no default.
    std::uint32_t max_concurrent = 0;
    /// How many callers may wait at once; one more is refused at once, with errc::queue_full. 0: nobody waits.
    std::uint32_t max_waiting = std::numeric_limits<std::uint32_t>::max();
    /// Over how many words the free permits are spread, 64 bytes each, so that threads do not wait for each other's:
    /// 1, or a power of two up to 64 and not more than the permits. A refusal reads all of them twice. 0 means 8 where
    /// there are at least 1024 permits, and otherwise 1.
    std::uint32_t stripes = 0;
    /// How many threads count the calls for snapshot() on a line of their own, 64 bytes each; the others share one
    /// line. At most 1024.
    std::uint32_t cells = 32;
    /// Whether snapshot().waits is kept; 512 bytes.
    bool wait_histogram = false;
    /// Told of refusals and of saturation, in the thread concerned, with nothing held, neither lock nor permit nor
    /// place in the queue: it may call the bulkhead (a refusal there is told of again). Several threads may call it at
    /// once. What it throws is dropped.
    std::function<void(const bulkhead_event&)> on_event = nullptr;
};

/// For memory_bulkhead: permits are bytes. What is not explained here is as above.
struct memory_bulkhead_config {
    /// Bytes that may be in use at once. At least 1 and at most 2^62; there is no default.
    std::uint64_t max_bytes = 0;
    std::uint32_t max_waiting = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t cells = 32;
    bool wait_histogram = false;
    std::function<void(const bulkhead_event&)> on_event = nullptr;
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const bulkhead_config& config);
void validate(const memory_bulkhead_config& config);

/// How many stripes a valid configuration asks for.
std::uint32_t stripes_of(const bulkhead_config& config) noexcept;

}  // namespace bulwark::inline BULWARK_ABI
