// Where the figures come from: without it they mean nothing.
#pragma once

#include <string>

namespace bulwark::bench {

int core_count();

/// Version, cores, compiler, build type, tick of the coarse clock: one line.
std::string host_line();

/// Why the figures should not be trusted; empty where nothing speaks against them.
std::string host_doubts();

/// The same for the context of the console and of the JSON file.
void add_host_context();

}  // namespace bulwark::bench
