// A small number for every thread that lives: its slot. Two threads that live at once never have the same one, so a
// thread may keep what is its own in an array, at its slot, and write it without a locked instruction.
//
// Slots are given at first use, the lowest free one first, and come back when the thread exits; a thread beyond the
// last slot, or past the end of its thread-local variables, has none and lives with what is shared.
//
// Progress: reading one's slot is wait-free; the first use in a thread is lock-free, but for the C library, which notes
// what to do at the thread's exit and may allocate for it. Cost: one thread-local load.
//
// Synchronizing edges, by number:
//   (6) an exiting thread releases its slot -> the next owner acquires it: what the one wrote at that slot happens
//       before what the other does there.
#pragma once

#include <bulwark/version.hpp>

#include <cstdint>
#include <limits>

namespace bulwark::inline BULWARK_ABI::detail {

/// How many threads can have a slot at once.
inline constexpr std::uint32_t max_thread_slots = 1024;
inline constexpr std::uint32_t no_thread_slot = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint32_t unclaimed_thread_slot = no_thread_slot - 1;

/// One for the whole program, also where parts of it are compiled with their symbols hidden: a copy would not hear that
/// the slot was given back.
[[gnu::visibility("default")]] inline constinit thread_local std::uint32_t current_thread_slot = unclaimed_thread_slot;

/// Finds a slot for the calling thread, to be given back when it exits; no_thread_slot where none is free.
std::uint32_t claim_thread_slot() noexcept;

/// The slot of the calling thread, or no_thread_slot.
inline std::uint32_t thread_slot() noexcept {
    const std::uint32_t slot = current_thread_slot;
    return slot == unclaimed_thread_slot ? claim_thread_slot() : slot;
}

}  // namespace bulwark::inline BULWARK_ABI::detail
