// See ratio_reporter.hpp.
#include "ratio_reporter.hpp"

#include "host.hpp"

#include <cstdio>
#include <ostream>
#include <string_view>

namespace bulwark::bench {
namespace {

constexpr const char* missing = "-";

std::string text(double value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.*f", value < 10 ? 2 : value < 100 ? 1 : 0, value);
    return digits;
}

std::string text(const std::optional<double>& value) {
    return value ? text(*value) : missing;
}

std::string percent(const std::optional<double>& share) {
    return share ? text(*share * 100) + "%" : missing;
}

std::string right(const std::string& cell, std::size_t width) {
    return std::string(cell.size() < width ? width - cell.size() : 0, ' ') + cell;
}

std::string left(std::string cell, std::size_t width) {
    if (cell.size() < width) cell.resize(width, ' ');
    return cell;
}

std::optional<double> ratio(const std::optional<double>& of, const std::optional<double>& to) {
    if (!of || !to || *to <= 0) return std::nullopt;
    return *of / *to;
}

/// Wall and CPU, side by side.
std::string two(const std::optional<double>& wall, const std::optional<double>& cpu) {
    return right(text(wall), 8) + right(text(cpu), 8);
}

}  // namespace

void ratio_reporter::ReportRuns(const std::vector<Run>& runs) {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) collect(run);
}

void ratio_reporter::Finalize() {
    ConsoleReporter::Finalize();
    std::ostream& out = GetOutputStream();
    out << "\n" << host_line() << "\n";
    if (const std::string doubt = host_doubts(); !doubt.empty()) out << "Beware: " << doubt << "\n";
    out << "Times are ns a call. wall: time of the run / calls of all threads. cpu: CPU time of all threads / calls of "
           "all threads.\n";
    print_floors();
    print_ratios();
    out.flush();
}

void ratio_reporter::collect(const Run& run) {
    const bool is_median = run.run_type == Run::RT_Aggregate && run.aggregate_name == "median";
    if (run.error_occurred || (run.run_type == Run::RT_Aggregate && !is_median)) return;

    const key which(run.run_name.function_name, static_cast<int>(run.threads));
    if (const auto known = figures_.find(which); known != figures_.end() && known->second.is_median) return;

    figure seen{.ns = {run.GetAdjustedRealTime(), run.GetAdjustedCPUTime()}, .done = {}, .is_median = is_median};
    if (const auto done = run.counters.find(done_share); done != run.counters.end()) seen.done = done->second.value;
    figures_.insert_or_assign(which, seen);
}

const ratio_reporter::figure* ratio_reporter::find(const std::string& name, int threads) const {
    const auto found = figures_.find({name, threads});
    return found == figures_.end() ? nullptr : &found->second;
}

std::optional<ratio_reporter::times> ratio_reporter::floor_of(const table_row& row) const {
    times sum{0, 0};
    for (const floor_term& term : row.floor) {
        const figure* const part = find(floor_side(term.name), row.threads);
        if (part == nullptr) return std::nullopt;
        sum.wall += term.times * part->ns.wall;
        sum.cpu += term.times * part->ns.cpu;
    }
    return sum;
}

void ratio_reporter::print_floors() {
    std::ostream& out = GetOutputStream();
    out << "\n" << left("floor", 24);
    for (const int threads : suite::thread_counts) {
        out << right(std::to_string(threads) + (threads == 1 ? " thread" : " threads"), 18);
    }
    out << "\n" << left("", 24);
    for ([[maybe_unused]] const int threads : suite::thread_counts) out << "  " << right("wall", 8) << right("cpu", 8);
    out << "\n";
    for (const std::string& name : suite_.floors()) {
        std::string cells;
        bool any = false;
        for (const int threads : suite::thread_counts) {
            const figure* const seen = find(floor_side(name), threads);
            any = any || seen != nullptr;
            cells += "  " + (seen != nullptr ? two(seen->ns.wall, seen->ns.cpu) : two({}, {}));
        }
        if (any) out << left(name, 24) << cells << "\n";
    }
}

void ratio_reporter::print_ratios() {
    std::ostream& out = GetOutputStream();
    const std::string sides = right("wall", 8) + right("cpu", 8);
    out << "\n"
        << left("case", 22) << right("threads", 8) << right("lock-free", 18) << right("reference", 18)
        << right("ref / lock-free", 18) << right("floor", 18) << right("lock-free / floor", 18) << right("done: lf, ref", 18)
        << "\n"
        << left("", 30);
    for (int i = 0; i != 5; ++i) out << "  " << sides;
    out << "\n";

    std::string_view previous;
    for (const table_row& row : suite_.rows()) {
        const figure* const lock_free = find(lock_free_side(row.name), row.threads);
        const figure* const reference = find(reference_side(row.name), row.threads);
        if (lock_free == nullptr && reference == nullptr) continue;
        const std::optional<times> floor = floor_of(row);

        const auto wall_of = [](const figure* f) { return f ? std::optional(f->ns.wall) : std::nullopt; };
        const auto cpu_of = [](const figure* f) { return f ? std::optional(f->ns.cpu) : std::nullopt; };
        const auto done_of = [](const figure* f) { return f ? f->done : std::nullopt; };
        const auto floor_wall = floor ? std::optional(floor->wall) : std::nullopt;
        const auto floor_cpu = floor ? std::optional(floor->cpu) : std::nullopt;

        out << left(row.name == previous ? "" : row.name, 22) << right(std::to_string(row.threads), 8);
        out << "  " << two(wall_of(lock_free), cpu_of(lock_free));
        out << "  " << two(wall_of(reference), cpu_of(reference));
        out << "  "
            << two(ratio(wall_of(reference), wall_of(lock_free)), ratio(cpu_of(reference), cpu_of(lock_free)));
        out << "  " << two(floor_wall, floor_cpu);
        out << "  " << two(ratio(wall_of(lock_free), floor_wall), ratio(cpu_of(lock_free), floor_cpu));
        if (done_of(lock_free) || done_of(reference)) {
            out << "  " << right(percent(done_of(lock_free)), 8) << right(percent(done_of(reference)), 8);
        }
        out << "\n";
        previous = row.name;
    }
    out << "done: share of the calls that were admitted and counted, where not all are; ratios of unlike shares compare "
           "unlike work.\n";
    for (std::size_t i = 0; i != suite_.rows().size(); ++i) {
        const table_row& row = suite_.rows()[i];
        if (i != 0 && suite_.rows()[i - 1].name == row.name) continue;
        out << (i == 0 ? "floor of a case: " : "                 ") << left(row.name, 22);
        for (std::size_t t = 0; t != row.floor.size(); ++t) {
            out << (t == 0 ? "" : " + ") << row.floor[t].times << " " << row.floor[t].name;
        }
        out << "\n";
    }
}

}  // namespace bulwark::bench
