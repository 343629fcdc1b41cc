// Which thread a test plays: the slot at which the parts under test find their caller. One thread of the test can so be
// many callers, each with a cell or a stripe of its own, or one without.
#pragma once

#include <bulwark/detail/thread_slot.hpp>

#include <cstdint>
#include <utility>

namespace bulwark::test {

inline constinit thread_local std::uint32_t played_slot = detail::no_thread_slot;

/// Plays the thread at a slot to the end of a scope.
class playing {
public:
    explicit playing(std::uint32_t slot) noexcept : before_(std::exchange(played_slot, slot)) {}
    playing(const playing&) = delete;
    playing& operator=(const playing&) = delete;
    ~playing() { played_slot = before_; }

private:
    const std::uint32_t before_;
};

}  // namespace bulwark::test
