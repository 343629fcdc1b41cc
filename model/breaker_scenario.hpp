// One situation that a breaker can be in, and what several threads then do to it.
#pragma once

#include "breaker_steps.hpp"

#include <bulwark/circuit_breaker_config.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace bulwark::model {

/// What one execution came to.
struct summary {
    std::size_t admitted = 0;     ///< by the threads, neither before nor after them
    std::size_t transitions = 0;  ///< by the threads
    breaker_snapshot last;        ///< what the last look saw
};

struct scenario {
    std::string name;
    circuit_breaker_config config;
    std::vector<step> before;
    std::vector<std::vector<step>> threads;
    std::vector<step> after = {look()};
    /// What must hold at the end of every execution, besides that a sequential order explains it.
    std::function<bool(const summary&)> promise = [](const summary&) { return true; };
    std::chrono::nanoseconds begins_at = std::chrono::seconds(1);
};

/// before, the threads, after.
std::vector<std::vector<step>> sequences(const scenario& s);

scenario threshold(unsigned threads);
scenario trip_against_admission(unsigned threads);
scenario probe_race(unsigned threads);
scenario probe_limit(unsigned threads);
scenario success_against_failure(unsigned threads);
scenario successes_close(unsigned threads);
scenario stale_result(unsigned threads);
scenario roll_against_report(unsigned threads);
scenario probe_timeout(unsigned threads);
scenario place_given_back(unsigned threads);
scenario carry(unsigned threads);
scenario own_transition(unsigned threads);
scenario late_helper(unsigned threads);
scenario agreed_time(unsigned threads);
scenario time_of_a_trip();
scenario reset_against_trip(unsigned threads);
scenario force_against_verdict(unsigned threads);
scenario disable_against_count(unsigned threads);
scenario trip_against_close(unsigned threads);
scenario hint_against_opening(unsigned threads);
scenario hint_against_probe(unsigned threads);
scenario hint_after_reset(unsigned threads);
scenario two_hints(unsigned threads);

}  // namespace bulwark::model
