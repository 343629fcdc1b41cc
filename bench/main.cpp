// bulwark-bench: runs the suite with Google Benchmark and ends with the table of ratios. ./dev bench runs this and
// more.
//
//     bulwark-bench                                                     everything, in about three minutes
//     bulwark-bench --benchmark_filter='closed_execute|floor'           a part; the table has what ran
//     bulwark-bench --benchmark_out=FILE --benchmark_out_format=json    JSON beside the table
//     bulwark-bench --benchmark_format=json                             JSON in place of the table
//
// Every flag of Google Benchmark works (--help); the defaults below come first, so that the user's override them.
#include "host.hpp"
#include "ratio_reporter.hpp"
#include "suite.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

std::vector<std::string> with_defaults(int argc, char** argv) {
    std::vector<std::string> all(argv, argv + std::min(argc, 1));
    // Figures of a shared machine jump about: three short runs of each benchmark, spread over the whole time in random
    // order so that a busy minute does not fall on one side of a ratio, and the median of the three.
    all.insert(all.end(), {"--benchmark_min_time=0.1", "--benchmark_repetitions=3",
                           "--benchmark_enable_random_interleaving=true", "--benchmark_display_aggregates_only=true"});
    all.insert(all.end(), argv + std::min(argc, 1), argv + argc);
    return all;
}

/// Google Benchmark makes the reporter of --benchmark_format itself, unless it is given one.
bool wants_other_format(const std::vector<std::string>& arguments) {
    constexpr std::string_view format = "--benchmark_format=";
    bool other = false;
    for (const std::string& argument : arguments) {
        if (argument.starts_with(format)) other = argument.substr(format.size()) != "console";
    }
    return other;
}

}  // namespace

int main(int argc, char** argv) {
    // In a process that never had a second thread the C library locks a mutex without a locked instruction, at a fifth
    // of the cost. No user of a breaker has such a process.
    std::thread([] {}).join();

    std::vector<std::string> arguments = with_defaults(argc, argv);
    const bool other_format = wants_other_format(arguments);

    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    int count = static_cast<int>(pointers.size());
    pointers.push_back(nullptr);
    benchmark::Initialize(&count, pointers.data());
    if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 1;

    const bulwark::bench::suite all = bulwark::bench::make_suite();
    bulwark::bench::add_host_context();
    if (other_format) {
        benchmark::RunSpecifiedBenchmarks();
    } else {
        bulwark::bench::ratio_reporter reporter(all);
        benchmark::RunSpecifiedBenchmarks(&reporter);
    }
    benchmark::Shutdown();
    return 0;
}
