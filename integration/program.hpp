// What the main functions here have in common: --out, and exit codes that ctest understands.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace integration {

/// Runs body(folder for the results, from --out), which says whether all checks held. 0: they did; 1: not, or an error,
/// which is told in one line; 2: bad flags; 77: skipped; 130: interrupted, with everything cleaned up.
int run_program(int argc, const char* const* argv, const std::string& about,
                const std::function<bool(const std::filesystem::path& results)>& body);

}  // namespace integration
