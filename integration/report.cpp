// Implements report.hpp.
#include "report.hpp"

#include <loadgen/figures.hpp>

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace integration {
namespace {

using namespace std::chrono_literals;

double seconds(duration span) {
    return std::chrono::duration<double>(span).count();
}

std::string in_ms(std::optional<duration> span) {
    if (!span) return "-";
    const double ms = 1000 * seconds(*span);
    std::ostringstream text;
    text << std::fixed << std::setprecision(ms < 10 ? 2 : ms < 100 ? 1 : 0) << ms;
    return text.str();
}

bool is_refusal(verdict how) {
    return how != verdict::answered && how != verdict::failed;
}

bool is_in_time(const timeline& seen, const call_record& call) {
    return call.how == verdict::answered && call.latency() <= seen.plan.in_time;
}

row figures_of(const timeline& seen, const phase_span& of) {
    row made;
    made.phase = of.name;
    std::vector<duration> latencies;
    for (const call_record& call : seen.calls) {
        if (!of.has(call.due)) continue;
        ++made.calls;
        latencies.push_back(call.latency());
        if (is_refusal(call.how)) {
            ++made.refused;
        } else if (call.how == verdict::failed) {
            ++made.failed;
        } else {
            ++(is_in_time(seen, call) ? made.in_time : made.late);
        }
    }
    made.p50 = loadgen::quantile(latencies, 0.5);
    made.p99 = loadgen::quantile(latencies, 0.99);
    made.p999 = loadgen::quantile(latencies, 0.999);
    made.max = loadgen::quantile(latencies, 1);
    return made;
}

std::ofstream opened(const std::filesystem::path& file) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file);
    out.exceptions(std::ios::badbit | std::ios::failbit);
    return out;
}

}  // namespace

std::size_t count(const timeline& seen, const phase_span& during, verdict how) {
    return static_cast<std::size_t>(std::ranges::count_if(
        seen.calls, [&](const call_record& call) { return during.has(call.due) && call.how == how; }));
}

std::vector<row> rows_of(const timeline& seen) {
    std::vector<time_point> useful;
    for (const call_record& call : seen.calls) {
        if (is_in_time(seen, call)) useful.push_back(call.ended);
    }
    std::vector<row> rows;
    for (std::size_t i = 0; i != seen.phases.size(); ++i) {
        rows.push_back(figures_of(seen, seen.phases[i]));
        if (i == 0 || !seen.phases[i - 1].faulty) continue;
        // Not what came in the next fault.
        std::vector<time_point> until_then = useful;
        std::erase_if(until_then, [&](time_point at) { return at >= seen.phases[i].end; });
        rows.back().recovery = loadgen::time_to_recover(std::move(until_then), seen.plan.per_second,
                                                        seen.phases[i].begin, seen.plan.slice);
    }
    return rows;
}

std::string table(const std::vector<named_run>& runs) {
    std::ostringstream out;
    out << "| phase | bulwark | calls | in time | late | refused at once | failed | p50 ms | p99 ms | p99.9 ms | max "
           "ms "
           "| recovered after ms |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n";
    std::vector<std::vector<row>> rows;
    rows.reserve(runs.size());
    for (const named_run& run : runs) rows.push_back(rows_of(run.seen));
    for (std::size_t phase = 0; phase != rows.front().size(); ++phase) {
        for (std::size_t i = 0; i != runs.size(); ++i) {
            const row& r = rows[i][phase];
            const bool recovers = phase != 0 && runs[i].seen.phases[phase - 1].faulty;
            out << "| " << (i == 0 ? r.phase : "") << " | " << runs[i].name << " | " << r.calls << " | " << r.in_time
                << " | " << r.late << " | " << r.refused << " | " << r.failed << " | " << in_ms(r.p50) << " | "
                << in_ms(r.p99) << " | " << in_ms(r.p999) << " | " << in_ms(r.max) << " | "
                << (!recovers    ? ""
                    : r.recovery ? in_ms(r.recovery)
                                 : "not")
                << " |\n";
        }
    }
    return out.str();
}

void write_curves(const std::filesystem::path& folder, const std::vector<named_run>& runs) {
    std::ofstream slices = opened(folder / "slices.csv");
    std::ofstream phases = opened(folder / "phases.csv");
    slices << "run,second,calls,in_time,p50_ms,p99_ms\n";
    phases << "run,phase,faulty,begin,end\n";
    for (const named_run& run : runs) {
        const timeline& seen = run.seen;
        for (const phase_span& each : seen.phases) {
            phases << run.name << ',' << each.name << ',' << each.faulty << ',' << seconds(each.begin - seen.start)
                   << ',' << seconds(each.end - seen.start) << '\n';
        }
        for (time_point begin = seen.start; begin < seen.phases.back().end; begin += seen.plan.slice) {
            const row r = figures_of(seen, {"", false, begin, begin + seen.plan.slice});
            if (r.calls == 0) continue;
            slices << run.name << ',' << seconds(begin - seen.start + seen.plan.slice / 2) << ',' << r.calls << ','
                   << r.in_time << ',' << in_ms(r.p50) << ',' << in_ms(r.p99) << '\n';
        }
    }
    slices.close();
    phases.close();
}

void checks::expect(bool holds, const std::string& what) {
    all_hold_ = all_hold_ && holds;
    std::cout << (holds ? "  so it is: " : "  NOT SO: ") << what << '\n';
}

void check_accounts(checks& so, const std::string& run, const bulwark::compartment& service, const journal& told) {
    const bulwark::breaker_snapshot now = service.breaker().snapshot();
    const bulwark::breaker_counts& counts = now.counts;
    so.expect(service.bulkhead().in_use() == 0, run + ": every permit of the bulkhead came back");
    so.expect(counts.requests == counts.total_successes + counts.total_failures + counts.total_ignored,
              run + ": the breaker has no call under way (" + to_string(service.breaker()) + ")");
    so.expect(now.generation == 1 + told.entries().size(), run + ": every transition was told, and once");
}

void check_fault(checks& so, const named_run& run, std::size_t faulty, const journal& told) {
    const phase_span& fault = run.seen.phases[faulty];
    const phase_span& after = run.seen.phases[faulty + 1];
    const auto opened = told.count(fault, bulwark::breaker_state::open);
    const std::size_t refused = count(run.seen, fault, verdict::refused_by_breaker);
    so.expect(opened != 0, "\"" + fault.name + "\": the breaker opened (" + std::to_string(opened) + " times)");
    so.expect(refused != 0,
              "\"" + fault.name + "\": calls were refused by the open breaker (" + std::to_string(refused) + ")");
    // It may have closed just before the phase was noted: the state at its end is what counts.
    const auto last = std::ranges::find_if(told.entries().rbegin(), told.entries().rend(),
                                           [&](const journal::entry& each) { return each.at < after.end; });
    so.expect(last != told.entries().rend() && last->made.to == bulwark::breaker_state::closed,
              "\"" + after.name + "\" after it: the breaker closed");
    const std::size_t answered = count(run.seen, after, verdict::answered);
    so.expect(answered != 0, "\"" + after.name + "\" after it: calls were answered (" + std::to_string(answered) + ")");
}

void check_bounded(checks& so, const std::vector<named_run>& runs, std::size_t faulty) {
    const std::optional<duration> without = rows_of(runs.front().seen)[faulty].p99;
    const std::optional<duration> with = rows_of(runs.back().seen)[faulty].p99;
    const std::string figures = "p99 " + in_ms(without) + " ms without, " + in_ms(with) + " ms with";
    so.expect(without && with && *with * 2 < *without,
              "\"" + runs.front().seen.phases[faulty].name + "\": the callers' p99 is bounded (" + figures + ")");
}

}  // namespace integration
