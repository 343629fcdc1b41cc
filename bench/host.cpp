// See host.hpp.
#include "host.hpp"

#include <bulwark/clock.hpp>
#include <bulwark/version.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <string_view>
#include <thread>

namespace bulwark::bench {
namespace {

// The build system knows both better than the preprocessor.
constexpr const char* compiler = BULWARK_BENCH_COMPILER;
constexpr std::string_view build_type = BULWARK_BENCH_BUILD_TYPE;

std::string version() {
    return std::to_string(BULWARK_VERSION_MAJOR) + "." + std::to_string(BULWARK_VERSION_MINOR) + "." +
           std::to_string(BULWARK_VERSION_PATCH);
}

std::string tick() {
    const auto resolution = std::chrono::duration_cast<std::chrono::microseconds>(coarse_clock::resolution());
    return std::to_string(resolution.count()) + " us";
}

}  // namespace

int core_count() {
    return static_cast<int>(std::thread::hardware_concurrency());
}

std::string host_line() {
    return "bulwark " + version() + ", " + std::to_string(core_count()) + " cores, " + compiler + ", " +
           std::string(build_type) + " build, coarse clock ticks every " + tick();
}

std::string host_doubts() {
    if (build_type == "Release" || build_type == "RelWithDebInfo") return {};
    return "not an optimized build.";
}

void add_host_context() {
    benchmark::AddCustomContext("bulwark_version", version());
    benchmark::AddCustomContext("bulwark_compiler", compiler);
    benchmark::AddCustomContext("bulwark_build_type", std::string(build_type));
    benchmark::AddCustomContext("coarse_clock_tick", tick());
}

}  // namespace bulwark::bench
