// The retry storm: the same load, the same retries and the same short trouble, without a retry budget, with one, and
// with one and a breaker; second by second.
#pragma once

#include "screen.hpp"

#include <string>

namespace demo {

struct storm_options {
    bool quick = false;  ///< for tests: everything happens, but too fast to be watched
    std::string csv;     ///< the file for the figures; none where it is empty
};

/// Throws std::logic_error where the figures contradict each other, std::runtime_error where the file cannot be
/// written.
void run_storm(const storm_options& chosen, const screen& out);

}  // namespace demo
