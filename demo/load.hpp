// The clients: threads that call the target through a guard, at times that were fixed beforehand. A call's latency
// counts from the moment that it was due, so that waiting behind slow calls is not hidden (an open loop).
#pragma once

#include "clock.hpp"
#include "guard.hpp"
#include "http.hpp"

#include <loadgen/open_loop.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace demo {

struct load_plan {
    std::uint32_t threads;
    std::uint32_t per_second;
    duration length;
    duration patience;  ///< the clients' time-out, and how late an answer is still of use
    /// The time-out of each attempt, where a guard makes several; otherwise the patience.
    std::optional<duration> attempt = std::nullopt;
    /// A call that no client became free for within that time is not made at all. Otherwise it is made, however late.
    std::optional<duration> gives_up = std::nullopt;

    std::size_t calls() const;
    loadgen::schedule schedule(time_point start) const;
};

enum class verdict : std::uint8_t {
    useful,
    late,   ///< as good an answer, but after the patience was over
    error,  ///< status 400 or above, or no answer
    refused_by_breaker,
    refused_by_bulkhead,
    never_made,  ///< no client became free for it in time
};

struct call_record {
    time_point due;
    time_point ended;
    verdict how;

    duration latency() const { return ended - due; }
};

/// The load at one moment.
struct load_view {
    std::vector<call_record> ended;  ///< since the last view
    std::size_t in_flight;           ///< calls on their way to the upstream and back
    std::size_t waiting;             ///< calls that are due, and for which no client is free
    bool over;
};

/// Runs from construction; the destructor stops it early. The guard must outlive it.
class load {
public:
    load(const target& where, const load_plan& plan, guard& protection, time_point start);

    load_view view();
    /// Of the whole load, once it is over.
    std::size_t sent() const;
    std::vector<call_record> records() const;

private:
    loadgen::open_loop::call new_client();
    int send(http_client& client);

    const target where_;
    const load_plan plan_;
    guard& guard_;

    // A few hundred calls a second: one mutex for all of the accounts is no bottleneck, and keeps them consistent.
    mutable std::mutex mutex_;
    std::size_t sent_ = 0;
    std::size_t in_flight_ = 0;
    std::size_t viewed_ = 0;
    std::vector<call_record> records_;
    loadgen::open_loop clients_;
};

}  // namespace demo
