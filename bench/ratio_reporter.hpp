// The display of a run: Google Benchmark's own rows while it lasts, and at its end the table of ratios, lock-free
// against reference and against the floor that the same run has measured.
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
    explicit ratio_reporter(const suite& all) : suite_(all) {}

    void ReportRuns(const std::vector<Run>& runs) override;
    void Finalize() override;

private:
    /// ns a call.
    struct times {
        double wall;
        double cpu;
    };
    struct figure {
        times ns;
        std::optional<double> done;
        bool is_median;
    };
    using key = std::pair<std::string, int>;  // name, threads

    void collect(const Run& run);
    const figure* find(const std::string& name, int threads) const;
    /// Nothing where a part of it was not measured.
    std::optional<times> floor_of(const table_row& row) const;

    void print_floors();
    void print_ratios();

    const suite& suite_;
    std::map<key, figure> figures_;
};

}  // namespace bulwark::bench
