// What there is to run: scenarios, each on an implementation. The source files list them, so that they compile side by
// side.
#pragma once

#include "run.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bulwark::stress {

enum class kind : std::uint8_t {
    crowd,          ///< many threads, each as fast as it can
    rounds,         ///< two threads, one operation each at a time: they must overlap
    planted_leak,   ///< two threads, and something must be found wrong
    planted_crowd,  ///< likewise, of many threads
};

struct entry {
    std::string scenario;
    std::string implementation;
    kind what;
    std::function<void(run&)> repeat;
};

/// Of breakers and of bulkheads that turn away at once.
void add_scenarios(std::vector<entry>& all);
/// Of bulkheads at which callers wait, and of compartments.
void add_waiting_scenarios(std::vector<entry>& all);
/// Of calls that their callers may leave: timeouts, hedges, and the timer; of the thread pool and the memory resource.
void add_timeout_scenarios(std::vector<entry>& all);
/// Of bulkheads at which coroutines and the like wait; in the program only where there is Boost.Asio.
void add_asio_scenarios(std::vector<entry>& all);
/// Of watched breakers.
void add_watched_scenarios(std::vector<entry>& all);
/// Of rate limiters.
void add_rate_scenarios(std::vector<entry>& all);
/// Planted leaks: in the same files.
void add_planted(std::vector<entry>& all);
void add_planted_waiting(std::vector<entry>& all);
void add_planted_rate(std::vector<entry>& all);

}  // namespace bulwark::stress
