// The display of a run: Google Benchmark's own rows while it lasts (of repetitions, the median), and at its end the
// table of ratios, each side against the reference and against the floor that the same run has measured.
#pragma once

#include "suite.hpp"

#include <benchmark/benchmark.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bulwark::bench {

class ratio_reporter : public benchmark::ConsoleReporter {
public:
    explicit ratio_reporter(const suite& all) : ConsoleReporter(OO_None), suite_(all) {}

    void ReportRuns(const std::vector<Run>& runs) override;
    void Finalize() override;

private:
    /// ns a call.
    struct times {
        double wall;
        double cpu;
    };
    struct figure {
        std::optional<times> ns;
        std::optional<double> done;
        std::optional<double> sleeps;
        std::optional<double> spread;  // standard deviation / mean of the wall times of the repetitions
        bool is_median = false;
    };
    using key = std::pair<std::string, int>;  // name, threads

    void collect(const Run& run);
    /// Nothing but dashes where it did not run.
    figure find(const std::string& name, int threads) const;

    bool ran(const table_row& row) const;

    void print_floors();
    void print_ratios();
    void print_ratio(const table_row& row, bool names_case, bool names_side);

    const suite& suite_;
    std::map<key, figure> figures_;
};

}  // namespace bulwark::bench
