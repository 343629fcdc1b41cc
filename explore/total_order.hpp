// The seq_cst rule of RC11, without fences: the relation psc on the seq_cst events has no cycle.
//
// From event a to event b psc has an edge where
//   a comes before b in program order;
//   a -> an event of another location later in a's thread -> (happens before) an event of another location earlier in
//     b's thread -> b;
//   a happens before b, and both are of one location; or
//   b overwrites what a wrote or read (modification order, from-read).
// The order of execution is *not* taken for the order of seq_cst events: that would be stronger than RC11 and hide
// errors. Only a load that reads an old message can close a cycle, so only loads are checked.
//
// Happens-before is read from views: each event takes one entry at the end of the view: 1 once the event is known, 2
// once a later event of another location in its thread is.
#pragma once

#include <explore/view.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace explore {

class total_order {
public:
    static constexpr std::size_t max_events = 16;

    std::size_t size() const { return size_; }

    /// To be called before each event of a thread, with the thread's view.
    void before(std::size_t thread, std::uint8_t location, view& seen) {
        run& last = runs_[thread];
        if (last.location == location) return;
        last.location = location;
        if (size_ == 0) return;
        for (std::size_t a = 0; a != size_; ++a) {
            if (events_[a].thread == thread && events_[a].location != location) seen.at[entry(a)] = 2;
        }
        last.before = seen;
    }

    /// A seq_cst event that reads or writes message `at`; the thread has seen `seen`. False where it closes a cycle.
    bool add(std::size_t thread, std::uint8_t location, view& seen, stamp at, bool writes) {
        if (size_ == max_events) throw std::length_error("explore: too many seq_cst events");
        const std::size_t e = size_++;
        event& added = events_[e];
        added = {static_cast<std::uint8_t>(thread), location, at, writes, 0};
        for (std::size_t a = 0; a != e; ++a) {
            const event& earlier = events_[a];
            const bool same = earlier.location == location;
            if (earlier.thread == thread || runs_[thread].before.at[entry(a)] == 2 ||
                (same && (seen.at[entry(a)] != 0 || writes))) {
                added.after |= earlier.after | bit(a);
            }
        }
        seen.at[entry(e)] = 1;
        if (writes) return true;
        for (std::size_t w = 0; w != e; ++w) {
            if (!events_[w].writes || events_[w].location != location || events_[w].at <= at) continue;
            if ((added.after & bit(w)) != 0) return false;
            const std::uint32_t more = added.after | bit(e);
            for (std::size_t f = 0; f != e; ++f) {
                if (f == w || (events_[f].after & bit(w)) != 0) events_[f].after |= more;
            }
        }
        return true;
    }

private:
    struct event {
        std::uint8_t thread = 0;
        std::uint8_t location = 0;
        stamp at = 0;
        bool writes = false;
        std::uint32_t after = 0;  ///< the events that come before this one
    };
    /// The events of a thread that are of one location and next to each other: the view at their beginning.
    struct run {
        std::uint8_t location = max_locations;
        view before;
    };

    static constexpr std::size_t entry(std::size_t event) { return max_locations - 1 - event; }
    static constexpr std::uint32_t bit(std::size_t event) { return std::uint32_t{1} << event; }

    std::array<event, max_events> events_{};
    std::array<run, max_threads> runs_{};
    std::size_t size_ = 0;
};

}  // namespace explore
