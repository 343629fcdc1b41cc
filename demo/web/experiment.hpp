// What the page shows: a service with faults, callers, and what guards them; switched by the page, and sampled for it.
#pragma once

#include "../clock.hpp"
#include "../load.hpp"
#include "event_log.hpp"
#include "faulty_upstream.hpp"
#include "settings.hpp"
#include "switched_guard.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

namespace demo {

/// Runs from construction. Every member may be called from any thread; sample() from one.
class experiment {
public:
    explicit experiment(duration length);
    ~experiment();

    /// All of it or nothing. Throws std::invalid_argument with a line for the user where the input is wrong,
    /// std::runtime_error where the service ought to listen again and cannot. Gives the settings that hold now, and
    /// the time, as in samples.
    nlohmann::json change(const nlohmann::json& wanted);
    /// {"command": "trip" | "force_open" | "disable" | "reset"}. Throws std::invalid_argument. Gives whether it changed
    /// anything, and the time.
    nlohmann::json command(const nlohmann::json& wanted);

    /// What happened since the last one, and how things stand.
    nlohmann::json sample();

    /// Ends the load. Gives what cannot be so, but is; empty where all is well.
    std::string finish();

private:
    nlohmann::json calls(const load_view& view);
    nlohmann::json latencies(const load_view& view);
    nlohmann::json breaker_figures();
    nlohmann::json bulkhead_figures() const;

    event_log log_;
    std::mutex changing_;  // one change at a time; it may take a second
    std::mutex mutex_;     // of settings_; taken after changing_
    settings settings_;
    faulty_upstream service_;
    switched_guard guard_;
    std::optional<load> callers_;

    // Of the sampler.
    time_point last_;
    std::deque<call_record> recent_;
    std::uint64_t arrived_before_ = 0;
    std::uint64_t retries_before_ = 0;
};

}  // namespace demo
