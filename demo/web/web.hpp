// The page, from its first sample to its last: --web.
#pragma once

#include "../screen.hpp"

#include <cstdint>

namespace demo {

struct web_options {
    int port = 0;  ///< 0: one of the system's choice
    std::uint32_t seconds = 600;
};

/// Until the time is over, or SIGINT or SIGTERM comes. Throws std::runtime_error where it cannot listen,
/// std::logic_error where the figures contradict each other. To be called before there are threads.
void run_web(const web_options& chosen, const screen& out);

}  // namespace demo
