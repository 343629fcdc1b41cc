// What a run comes down to: a table by phase for people, curves for the plot, and the checks that any run must pass.
#pragma once

#include "journal.hpp"
#include "timeline.hpp"

#include <bulwark/compartments.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace integration {

/// One phase of one run.
struct row {
    std::string phase;
    std::size_t calls = 0;  ///< that were due in it
    std::size_t in_time = 0;
    std::size_t late = 0;     ///< answered, but not in time
    std::size_t refused = 0;  ///< by the library, at once
    std::size_t failed = 0;
    std::optional<duration> p50, p99, p999, max;  ///< of all calls, as their callers saw them
    std::optional<duration> recovery;             ///< after a faulty phase: answers in time came at the full rate again
};

std::vector<row> rows_of(const timeline& seen);
std::size_t count(const timeline& seen, const phase_span& during, verdict how);

struct named_run {
    std::string name;  ///< "without", "with"
    timeline seen;
};

/// Markdown, which reads well as it is.
std::string table(const std::vector<named_run>& runs);

/// slices.csv and phases.csv, for plot.py. Throws std::runtime_error where they cannot be written.
void write_curves(const std::filesystem::path& folder, const std::vector<named_run>& runs);

/// Collects what should be so and is not; says each of them, good or bad.
class checks {
public:
    void expect(bool holds, const std::string& what);
    bool all_hold() const { return all_hold_; }

private:
    bool all_hold_ = true;
};

/// Once the service is well again and the callers are gone: every permit is back, every transition was told once.
void check_accounts(checks& so, const std::string& run, const bulwark::compartment& service, const journal& told);

/// The breaker opened in the faulty phase and refused calls; and in the phase after it closed, and answers came.
void check_fault(checks& so, const named_run& run, std::size_t faulty, const journal& told);

/// The claim, with a generous margin: in that phase the callers' p99 is less than half of what it is without.
void check_bounded(checks& so, const std::vector<named_run>& runs, std::size_t faulty);

}  // namespace integration
