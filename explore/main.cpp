// bulwark-explore: runs every scenario over the shipped headers and says what became of it. A scenario passes where its
// search came to its end, met at least one complete execution, and found nothing wrong.
#include <explore/breaker_program.hpp>
#include <explore/breaker_scenarios.hpp>
#include <explore/bulkhead_scenarios.hpp>
#include <explore/scripts.hpp>
#include <explore/search.hpp>
#include <explore/sites.hpp>
#include <explore/survivors.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using explore::search_kind;

/// A scenario, or a batch of random scripts.
struct entry {
    std::string name;
    std::size_t threads;
    explore::options search;
    std::function<std::unique_ptr<explore::judged_program>(std::uint64_t script)> make;
    std::uint64_t first = 0;  ///< the scripts, which are also their seeds
    std::uint64_t last = 0;
};

explore::options search_of(const explore::breaker_scenario& s) {
    explore::options o{.kind = s.reduce ? search_kind::reduced : search_kind::states, .lock_free = true};
    if (s.preemptions != 0) o.preemptions = s.preemptions;
    if (s.lags != 0) o.lags = s.lags;
    return o;
}
explore::options search_of(const explore::bulkhead_scenario&) {
    return {.kind = search_kind::reduced, .spurious_failures = 1, .lock_free = true};
}

std::vector<entry> all_entries() {
    std::vector<entry> all;
    const auto add_each = [&](const auto& scenarios) {
        for (const auto& s : scenarios) {
            all.push_back({s.name, s.threads.size(), search_of(s), [s](std::uint64_t) { return program_of(s); }});
        }
    };
    const auto add_batch = [&](const std::string& name, auto script, std::size_t threads, std::uint64_t scripts) {
        all.push_back({name, threads, search_of(script(1, threads)),
                       [=](std::uint64_t seed) { return program_of(script(seed, threads)); }, 1, scripts});
    };
    add_each(explore::breaker_scenarios());
    add_each(explore::bulkhead_scenarios());
    add_batch("random-breaker", explore::breaker_script::of, 2, 80);
    add_batch("3-random-breaker", explore::breaker_script::of, 3, 40);
    add_batch("random-bulkhead", explore::bulkhead_script, 2, 200);
    add_batch("3-random-bulkhead", explore::bulkhead_script, 3, 100);
    return all;
}

std::string name_of(const explore::options& o) {
    static constexpr const char* names[] = {"every", "reduced", "states"};
    std::string name = names[static_cast<std::size_t>(o.kind)];
    if (o.kind == search_kind::reduced) return name;
    if (o.preemptions != explore::options::unbounded) name += " p" + std::to_string(o.preemptions);
    if (o.lags != explore::options::unbounded) name += " l" + std::to_string(o.lags);
    return name;
}

bool passed(const explore::report& r) {
    return r.violation.empty() && r.complete != 0 && r.exhausted;
}

/// Explores an entry, all its scripts, up to the first that does not pass.
bool run(const entry& e) {
    explore::report all;
    std::size_t met = 0;
    std::size_t allowed = 0;
    std::string wrong;
    for (std::uint64_t script = e.first; script <= e.last && wrong.empty(); ++script) {
        const auto p = e.make(script);
        const explore::report r = explore::explore(*p, e.search);
        all.schedules += r.schedules;
        all.states += r.states;
        all.steps += r.steps;
        all.seconds += r.seconds;
        met += p->outcomes();
        allowed += p->allowed();
        if (passed(r)) continue;
        wrong = r.violation.empty() ? "NOT EXHAUSTED" : "VIOLATION\n  " + r.violation;
        if (e.last != 0) wrong += "\n  script " + std::to_string(script);
        if (wrong.find("\n    ") == std::string::npos) wrong += p->text();
        if (r.violation.empty()) continue;
        wrong += "\n  replay: --only " + e.name + (e.last != 0 ? " --script " + std::to_string(script) : "") +
                 " --replay " + r.trace;
    }
    std::cout << std::left << std::setw(22) << e.name << std::right << std::setw(3) << e.threads << std::setw(9)
              << e.last - e.first + 1 << "  " << std::left << std::setw(14) << name_of(e.search) << std::right
              << std::setw(10) << all.schedules << std::setw(10) << all.states << std::setw(11) << all.steps
              << std::setw(6) << met << '/' << std::left << std::setw(5) << allowed << std::right << std::fixed
              << std::setprecision(2) << std::setw(8) << all.seconds << "  " << (wrong.empty() ? "ok" : wrong)
              << std::endl;
    return wrong.empty();
}

bool ships(const explore::site& s) {
    return s.where.starts_with("breaker_core.hpp") || s.where.starts_with("permit_counter.hpp") ||
           s.where.starts_with("cells.hpp") || s.where.starts_with("shared_cell.hpp");
}

/// Executes the scenarios here and there, so that the sites are known by name.
void meet_sites(const std::vector<entry>& entries) {
    for (const entry& e : entries) {
        explore::options o = e.search;
        o.kind = search_kind::random;
        o.runs = 200;
        explore::explore(*e.make(e.first), o);
    }
}

void list_sites() {
    for (const explore::site& s : explore::sites()) {
        if (!ships(s)) continue;
        std::cout << std::left << std::setw(26) << s.where << std::setw(26) << s.what << explore::to_string(s.written)
                  << '\n';
    }
}

/// Scenarios execute a file's code in earnest where their names say so; those of the head are the rest.
bool is_about(const entry& e, const std::string& site) {
    const bool cells = e.name.find("cells") != std::string::npos;
    const bool permits = e.name.find("bulkhead") != std::string::npos || e.name.find("striped") != std::string::npos ||
                         e.name.find("permit") != std::string::npos;
    if (site.starts_with("cells.hpp")) return cells;
    if (site.starts_with("shared_cell.hpp")) return e.name.find("shared") != std::string::npos;
    if (site.starts_with("permit_counter.hpp")) return permits;
    return !permits;
}

/// The scenario that finds the altered code wrong, or an empty name. Random executions first, since most changes need
/// no more; then each scenario's own search, at first for a moment only. Where it `must` be found, also for long: the
/// machine may be busy.
std::string killer(const std::vector<entry>& entries, const std::string& site, bool must) {
    for (const double seconds : {0.5, 1.0, 5.0, 60.0}) {
        if (seconds > 5 && !must) break;
        for (const entry& e : entries) {
            if (!is_about(e, site)) continue;
            explore::options o = e.search;
            const std::uint64_t scripts = e.last - e.first + 1;
            o.seconds = seconds / static_cast<double>(scripts);
            if (seconds < 1) {
                o.kind = search_kind::random;
                o.runs = 20000 / scripts;
            }
            for (std::uint64_t script = e.first; script <= e.last; ++script) {
                if (!explore::explore(*e.make(script), o).violation.empty()) return e.name;
            }
        }
    }
    return {};
}

/// Which changes were tried, held against the list of those that survive.
class survivors_ledger {
public:
    /// Enters a change that is about to be tried; null where something must find it.
    const explore::survivor* expected(const explore::site& s, std::string_view change) {
        const explore::survivor* found = nullptr;
        for (std::size_t i = 0; i != met_.size(); ++i) {
            const explore::survivor& listed = explore::expected_survivors[i];
            const bool same_file = s.where.starts_with(std::string(listed.file) + ':');
            if (!same_file || listed.change != change || listed.text != text_of(s)) continue;
            ++met_[i];
            found = &listed;
        }
        return found;
    }

    /// What to say of it.
    std::string verdict(const explore::survivor* expected, const std::string& killed_by) {
        if (killed_by.empty() && expected != nullptr) return "survives: " + std::string(expected->reason);
        if (!killed_by.empty() && expected == nullptr) return "killed by " + killed_by;
        ++wrong_;
        return killed_by.empty() ? "SURVIVES" : "KILLED by " + killed_by + ", though listed as a survivor";
    }

    /// False where anything was not as expected.
    bool close() {
        for (std::size_t i = 0; i != met_.size(); ++i) {
            if (met_[i] == 1) continue;
            const explore::survivor& listed = explore::expected_survivors[i];
            std::cout << "listed as a survivor, and there " << met_[i] << " times: " << listed.file << ": "
                      << listed.text << " (" << listed.change << ")\n";
            ++wrong_;
        }
        std::cout << wrong_ << " not as expected\n";
        return wrong_ == 0;
    }

private:
    std::array<unsigned, explore::expected_survivors.size()> met_{};
    unsigned wrong_ = 0;
};

/// False where a change survives that should not, or the list of survivors is wrong.
bool sweep(const std::vector<entry>& entries) {
    survivors_ledger ledger;
    const auto tell = [&](const explore::site& s, const std::string& change) {
        const explore::survivor* const expected = ledger.expected(s, change);
        const std::string by = killer(entries, s.where, expected == nullptr);
        const bool split = change == "split";
        std::cout << std::left << std::setw(44) << s.where + (split ? " " : "=") + change
                  << ledger.verdict(expected, by) << '\n'
                  << std::flush;
        explore::mend_all();
    };
    const auto all = explore::sites();
    for (const explore::site& s : all) {
        if (!ships(s)) continue;
        for (const boost::memory_order order : weaker_orders(s)) {
            const std::string weaker(explore::to_string(order));
            explore::weaken(s.where, weaker);
            tell(s, weaker);
        }
        if (explore::split(s.where)) tell(s, "split");
    }
    return ledger.close();
}

bool alter(const std::vector<std::string>& weakened, const std::vector<std::string>& split) {
    bool known = true;
    for (const std::string& w : weakened) {
        const std::size_t equals = w.find('=');
        known = known && equals != std::string::npos && explore::weaken(w.substr(0, equals), w.substr(equals + 1));
    }
    for (const std::string& s : split) known = known && explore::split(s);
    return known;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Explores the interleavings and weak-memory behaviours of bulwark's lock-free parts.");
    bool list = false;
    bool sites = false;
    bool every_change = false;
    std::vector<std::string> only;
    std::vector<std::string> weakened;
    std::vector<std::string> split;
    unsigned bound = 0;
    unsigned lags = 0;
    unsigned spurious = 0;
    std::uint64_t script = 0;
    double seconds = 120;
    std::string kind;
    std::string trace;
    app.add_flag("--list", list, "List the scenarios");
    app.add_option("--only", only, "Run these scenarios");
    auto* const with_kind = app.add_option("--search", kind, "Instead of each scenario's own: every, reduced or states")
                                ->check(CLI::IsMember({"every", "reduced", "states"}));
    auto* const with_bound = app.add_option("--bound", bound, "Preemptions, for all; not for the reduced search");
    auto* const with_lags = app.add_option("--lags", lags, "Stretches of loads of old values, likewise");
    auto* const with_spurious = app.add_option("--spurious", spurious, "Failures for no reason in one execution");
    app.add_option("--seconds", seconds, "Limit for one scenario");
    auto* const with_trace = app.add_option("--replay", trace, "Follow a trace of the one scenario chosen");
    auto* const with_script = app.add_option("--script", script, "Of a batch of random scripts, this one alone");
    app.add_flag("--list-sites", sites, "List the atomic operations met and their orders");
    app.add_option("--weaken", weakened, "file:line=order: run with a weaker order there");
    app.add_option("--split", split, "file:line: run with load and store instead of the read-modify-write there");
    app.add_flag("--sweep", every_change,
                 "Try every single weakening and split, and say which scenario finds it; fails where one survives that "
                 "is not in survivors.hpp");
    CLI11_PARSE(app, argc, argv);

    std::vector<entry> entries = all_entries();
    if (list) {
        for (const entry& e : entries) std::cout << e.name << '\n';
        return 0;
    }
    for (const std::string& name : only) {
        if (std::any_of(entries.begin(), entries.end(), [&](const entry& e) { return e.name == name; })) continue;
        std::cerr << "no scenario is called " << name << "; --list lists them\n";
        return 2;
    }
    if (sites || every_change || !weakened.empty() || !split.empty()) meet_sites(entries);
    if (!only.empty()) {
        std::erase_if(entries,
                      [&](const entry& e) { return std::find(only.begin(), only.end(), e.name) == only.end(); });
    }
    for (entry& e : entries) {
        if (*with_script && e.last != 0) e.first = e.last = script;
        e.search.seconds = seconds;
        if (*with_kind) {
            e.search.kind = kind == "every"     ? search_kind::every
                            : kind == "reduced" ? search_kind::reduced
                                                : search_kind::states;
        }
        if (*with_bound) e.search.preemptions = bound;
        if (*with_lags) e.search.lags = lags;
        if (*with_spurious) e.search.spurious_failures = static_cast<std::uint8_t>(spurious);
    }
    if (sites) {
        list_sites();
        return 0;
    }
    if (every_change) {
        return sweep(entries) ? 0 : 1;
    }
    if (!alter(weakened, split)) {
        std::cerr << "no such site, or no such change there; --list-sites lists the sites\n";
        return 2;
    }
    if (*with_trace) {
        if (entries.size() != 1 || entries[0].first != entries[0].last) {
            std::cerr << "--replay wants exactly one --only, and of a batch one --script\n";
            return 2;
        }
        const explore::report r = explore::replay(*entries[0].make(entries[0].first), entries[0].search, trace, true);
        std::cout << (r.violation.empty() ? "nothing wrong" : r.violation) << '\n';
        return r.violation.empty() ? 0 : 1;
    }

    std::cout
        << "scenario            threads  scripts  search       schedules    states      steps  outcomes   seconds\n";
    const auto good = std::count_if(entries.begin(), entries.end(), run);
    std::cout << good << " passed, " << static_cast<std::ptrdiff_t>(entries.size()) - good << " failed\n";
    return static_cast<std::size_t>(good) == entries.size() ? 0 : 1;
}
