// See ratio_reporter.hpp.
#include "ratio_reporter.hpp"

#include "host.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <iterator>
#include <ostream>

namespace bulwark::bench {
namespace {

using number = std::optional<double>;

constexpr std::size_t name_width = 22;
constexpr std::size_t side_width = 19;
constexpr std::size_t threads_width = 8;
constexpr std::size_t width = 7;
constexpr const char* gap = "  ";

std::string text(number value, const char* unit = "") {
    if (!value) return "-";
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.*f%s", *value < 10 ? 2 : *value < 100 ? 1 : 0, *value, unit);
    return digits;
}

std::string percent(number share) {
    return text(share ? number(*share * 100) : share, "%");
}

std::string right(const std::string& cell, std::size_t to) {
    return std::string(cell.size() < to ? to - cell.size() : 0, ' ') + cell;
}

std::string left(std::string cell, std::size_t to) {
    if (cell.size() < to) cell.resize(to, ' ');
    return cell;
}

/// Two cells under one heading.
std::string two(const std::string& first, const std::string& second) {
    return gap + right(first, width) + right(second, width);
}

std::string heading(const std::string& over_two) {
    return gap + right(over_two, 2 * width);
}

number ratio(number of, number to) {
    if (!of || !to || *to <= 0) return std::nullopt;
    return *of / *to;
}

/// Threads that never sleep use as many cores as they are given: their CPU time / their wall time.
bool is_crowded(number cores_had, int threads) {
    return cores_had && *cores_had < 0.85 * std::min(threads, core_count());
}

}  // namespace

void ratio_reporter::ReportRuns(const std::vector<Run>& runs) {
    std::vector<Run> shown;
    for (const Run& run : runs) {
        collect(run);
        if (run.run_type != Run::RT_Aggregate || run.aggregate_name == "median") shown.push_back(run);
    }
    ConsoleReporter::ReportRuns(shown);
    GetOutputStream().flush();
}

void ratio_reporter::Finalize() {
    ConsoleReporter::Finalize();
    std::ostream& out = GetOutputStream();
    out << "\n" << host_line() << "\n";
    if (const std::string doubt = host_doubts(); !doubt.empty()) out << "Beware: " << doubt << "\n";
    print_floors();
    print_ratios();
    out << "\nTimes are ns a call, the median of the repetitions."
           "\n  wall    time of the run / calls of all threads: the inverse of the throughput"
           "\n  cpu     CPU time of all threads / calls of all threads"
           "\n  floor   what the case cannot do without, as measured here at the same number of threads"
           "\n  done    share of the calls that were admitted and counted, where not all need be: where the shares of"
           "\n          the two sides differ, so does their work, and their ratio says less"
           "\n  sleeps  how often a hand-over made a thread give its core away: 1, where it was to one that slept; less"
           "\n          where it looked or spun before, and then it is no hand-over to a parked thread"
           "\n  spread  standard deviation / mean of the wall times of the repetitions: a ratio is no better than that"
           "\n  *       other programs had the cores: threads that never sleep had less than 85% of"
           "\n          them, so wall is too long, and threads contended less than they should\n";
    out.flush();
}

void ratio_reporter::collect(const Run& run) {
    if (run.error_occurred) return;
    figure& seen = figures_[key(run.run_name.function_name, static_cast<int>(run.threads))];
    const bool is_median = run.aggregate_name == "median";
    if (run.aggregate_name == "cv") seen.spread = run.real_accumulated_time;
    if (run.run_type == Run::RT_Aggregate ? !is_median : seen.is_median) return;

    const auto counter = [&](const char* name) {
        const auto found = run.counters.find(name);
        return found == run.counters.end() ? std::nullopt : number(found->second.value);
    };
    seen.ns = {run.GetAdjustedRealTime(), counter(cpu_time).value_or(run.GetAdjustedCPUTime())};
    seen.is_median = is_median;
    seen.done = counter(done_share);
    seen.sleeps = counter(sleeps_a_call);
}

ratio_reporter::figure ratio_reporter::find(const std::string& name, int threads) const {
    const auto found = figures_.find({name, threads});
    return found == figures_.end() ? figure{} : found->second;
}

bool ratio_reporter::ran(const table_row& row) const {
    return find(run_name(row.name, row.side), row.threads).ns.has_value();
}

void ratio_reporter::print_floors() {
    const auto ran_floor = [&](const std::string& name) {
        return std::ranges::any_of(suite::thread_counts,
                                   [&](int threads) { return find(floor_name(name), threads).ns.has_value(); });
    };
    if (std::ranges::none_of(suite_.floors(), ran_floor)) return;

    std::ostream& out = GetOutputStream();
    out << "\n" << left("floor", name_width + threads_width);
    for (const int threads : suite::thread_counts) {
        out << heading(std::to_string(threads) + (threads == 1 ? " thread" : " threads"));
    }
    out << "\n" << left("", name_width + threads_width);
    for (std::size_t i = 0; i != std::size(suite::thread_counts); ++i) out << two("wall", "cpu");
    out << "\n";
    for (const std::string& name : suite_.floors()) {
        if (!ran_floor(name)) continue;
        out << left(name, name_width + threads_width);
        for (const int threads : suite::thread_counts) {
            const auto ns = find(floor_name(name), threads).ns;
            out << two(text(ns ? number(ns->wall) : std::nullopt), text(ns ? number(ns->cpu) : std::nullopt));
        }
        out << "\n";
    }
}

void ratio_reporter::print_ratios() {
    std::ostream& out = GetOutputStream();
    out << "\n" << left("case", name_width) << left("side", side_width) << right("threads", threads_width);
    for (const char* over : {"side", "reference", "ref / side", "floor", "side / floor"}) out << heading(over);
    out << heading("done") << heading("sleeps") << heading("spread") << gap << "floor";
    out << "\n" << left("", name_width + side_width + threads_width);
    for (int i = 0; i != 5; ++i) out << two("wall", "cpu");
    for (int i = 0; i != 3; ++i) out << two("side", "ref");
    out << "\n";

    table_row previous{};
    for (const table_row& row : suite_.rows()) {
        if (!ran(row)) continue;
        print_ratio(row, row.name != previous.name, row.name != previous.name || row.side != previous.side);
        previous = row;
    }
}

void ratio_reporter::print_ratio(const table_row& row, bool names_case, bool names_side) {
    const figure side = find(run_name(row.name, row.side), row.threads);
    const figure reference = find(run_name(row.name, reference_side), row.threads);
    const figure floor = find(floor_name(row.floor), row.threads);

    const auto wall = [](const std::optional<times>& t) { return t ? number(t->wall) : std::nullopt; };
    const auto cpu = [](const std::optional<times>& t) { return t ? number(t->cpu) : std::nullopt; };
    const auto one = [&](const std::optional<times>& t) { return two(text(wall(t)), text(cpu(t))); };
    const auto against = [&](const std::optional<times>& of, const std::optional<times>& to) {
        return two(text(ratio(wall(of), wall(to))), text(ratio(cpu(of), cpu(to))));
    };

    std::ostream& out = GetOutputStream();
    out << left(names_case ? row.name : "", name_width) << left(names_side ? row.side : "", side_width)
        << right(std::to_string(row.threads), threads_width);
    out << one(side.ns) << one(reference.ns) << against(reference.ns, side.ns);
    out << one(floor.ns) << against(side.ns, floor.ns);
    out << two(percent(side.done), percent(reference.done));
    out << two(text(side.sleeps), text(reference.sleeps)) << two(percent(side.spread), percent(reference.spread));
    out << gap << (names_side ? row.floor : "");
    if (!row.sleeps && side.ns && is_crowded(ratio(cpu(side.ns), wall(side.ns)), row.threads)) out << " *";
    out << "\n";
}

}  // namespace bulwark::bench
