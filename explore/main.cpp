// bulwark-explore: runs every scenario over the shipped headers and says what became of it. A scenario passes where its
// search came to its end, met at least one complete execution, and found nothing wrong.
#include <explore/breaker_program.hpp>
#include <explore/breaker_scenarios.hpp>
#include <explore/bulkhead_scenarios.hpp>
#include <explore/search.hpp>
#include <explore/sites.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

using explore::search_kind;

// One bit a tally, or two; 16 bits of epoch, because what a wrap of it means is documented, and no fault here.
constexpr bulwark::detail::layout_widths thin{
    .requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1, .epoch = 16};
constexpr bulwark::detail::layout_widths two_bits{
    .requests = 2, .successes = 2, .failures = 2, .ignored = 2, .run = 2, .epoch = 16};

/// A program that counts the outcomes that it met.
struct counted {
    std::unique_ptr<explore::program> program;
    std::function<std::size_t()> met;
    std::function<std::size_t()> allowed;
};

template <class Program, class Scenario>
counted count(const Scenario& s) {
    auto made = std::make_unique<Program>(s);
    Program* const p = made.get();
    return {std::move(made), [p] { return p->outcomes(); }, [p] { return p->allowed(); }};
}

struct entry {
    std::string name;
    std::size_t threads;
    explore::options search;
    std::function<counted()> make;
};

std::vector<entry> all_entries() {
    static const auto breakers = explore::breaker_scenarios();
    static const auto bulkheads = explore::bulkhead_scenarios();
    std::vector<entry> all;
    for (const auto& s : breakers) {
        explore::options o{.kind = search_kind::states, .lock_free = true};
        if (s.reduce) o.kind = search_kind::reduced;
        if (s.preemptions != 0) o.preemptions = s.preemptions;
        if (s.lags != 0) o.lags = s.lags;
        all.push_back({s.name, s.threads.size(), o, [&s] {
                           return s.layout == explore::widths::thin ? count<explore::breaker_program<thin>>(s)
                                                                    : count<explore::breaker_program<two_bits>>(s);
                       }});
    }
    for (const auto& s : bulkheads) {
        all.push_back(
            {s.name, s.threads.size(), {.kind = search_kind::reduced, .spurious_failures = 1, .lock_free = true}, [&s] {
                 return count<explore::bulkhead_program>(s);
             }});
    }
    return all;
}

std::string name_of(const explore::options& o) {
    static constexpr const char* names[] = {"every", "reduced", "states", "random"};
    std::string name = names[static_cast<std::size_t>(o.kind)];
    if (o.kind == search_kind::reduced || o.kind == search_kind::random) return name;
    if (o.preemptions != explore::options::unbounded) name += " p" + std::to_string(o.preemptions);
    if (o.lags != explore::options::unbounded) name += " l" + std::to_string(o.lags);
    return name;
}

bool passed(const explore::report& r, const explore::options& o) {
    return r.violation.empty() && r.complete != 0 && (r.exhausted || o.kind == search_kind::random);
}

bool run(const entry& e) {
    counted c = e.make();
    const explore::report r = explore::explore(*c.program, e.search);
    const bool good = passed(r, e.search);
    std::cout << std::left << std::setw(22) << e.name << std::right << std::setw(3) << e.threads << "  " << std::left
              << std::setw(16) << name_of(e.search) << std::right << std::setw(10) << r.schedules << std::setw(10)
              << r.states << std::setw(11) << r.steps << std::setw(6) << c.met() << '/' << std::left << std::setw(4)
              << c.allowed() << std::right << std::fixed << std::setprecision(2) << std::setw(8) << r.seconds << "  "
              << (good                   ? "ok"
                  : !r.violation.empty() ? "VIOLATION"
                                         : "NOT EXHAUSTED")
              << '\n';
    if (!r.violation.empty()) {
        std::cout << "  " << r.violation << "\n  replay: --only " << e.name << " --replay " << r.trace << '\n';
    }
    std::cout << std::flush;
    return good;
}

bool ships(const explore::site& s) {
    return s.where.starts_with("breaker_core.hpp") || s.where.starts_with("permit_counter.hpp");
}

/// Executes the scenarios here and there, so that the sites are known by name.
void meet_sites(const std::vector<entry>& entries) {
    for (const entry& e : entries) {
        counted c = e.make();
        explore::options o = e.search;
        o.kind = search_kind::random;
        o.runs = 200;
        explore::explore(*c.program, o);
    }
}

void list_sites() {
    for (const explore::site& s : explore::sites()) {
        if (!ships(s)) continue;
        std::cout << std::left << std::setw(26) << s.where << std::setw(26) << s.what << explore::to_string(s.written)
                  << '\n';
    }
}

/// The scenario that finds the altered code wrong, or an empty name. Random executions first: most changes need no
/// more.
std::string killer(const std::vector<entry>& entries) {
    for (const bool quick : {true, false}) {
        for (const entry& e : entries) {
            const counted c = e.make();
            explore::options o = e.search;
            o.seconds = quick ? 1 : 20;
            if (quick) {
                o.kind = search_kind::random;
                o.runs = 20000;
            }
            if (!explore::explore(*c.program, o).violation.empty()) return e.name;
        }
    }
    return {};
}

void sweep(const std::vector<entry>& entries) {
    const auto tell = [&](const std::string& change) {
        const std::string by = killer(entries);
        std::cout << std::left << std::setw(44) << change << (by.empty() ? "SURVIVES" : "killed by " + by) << '\n'
                  << std::flush;
        explore::mend_all();
    };
    const auto all = explore::sites();
    for (const explore::site& s : all) {
        if (!ships(s)) continue;
        for (const boost::memory_order order : weaker_orders(s)) {
            explore::weaken(s.where, explore::to_string(order));
            tell(s.where + '=' + std::string(explore::to_string(order)));
        }
        if (explore::split(s.where)) tell(s.where + " split");
    }
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
    std::uint64_t random = 0;
    std::uint64_t seed = 1;
    double seconds = 120;
    std::string kind;
    std::string trace;
    app.add_flag("--list", list, "List the scenarios");
    app.add_option("--only", only, "Run these scenarios");
    auto* const with_kind = app.add_option("--search", kind, "Instead of each scenario's own: every, reduced or states")
                                ->check(CLI::IsMember({"every", "reduced", "states"}));
    auto* const with_bound = app.add_option("--bound", bound, "Preemptions, for all; not for the reduced search");
    auto* const with_lags = app.add_option("--lags", lags, "Stretches of loads of old values, likewise");
    auto* const with_random = app.add_option("--random", random, "Random executions of each scenario instead");
    app.add_option("--seed", seed, "Of the random executions");
    auto* const with_spurious = app.add_option("--spurious", spurious, "Failures for no reason in one execution");
    app.add_option("--seconds", seconds, "Limit for one scenario");
    auto* const with_trace = app.add_option("--replay", trace, "Follow a trace of the one scenario chosen");
    app.add_flag("--list-sites", sites, "List the atomic operations met and their orders");
    app.add_option("--weaken", weakened, "file:line=order: run with a weaker order there");
    app.add_option("--split", split, "file:line: run with load and store instead of the read-modify-write there");
    app.add_flag("--sweep", every_change, "Try every single weakening and split, and say which scenario finds it");
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
        e.search.seconds = seconds;
        e.search.seed = seed;
        if (*with_kind) {
            e.search.kind = kind == "every"     ? search_kind::every
                            : kind == "reduced" ? search_kind::reduced
                                                : search_kind::states;
        }
        if (*with_bound) e.search.preemptions = bound;
        if (*with_lags) e.search.lags = lags;
        if (*with_spurious) e.search.spurious_failures = static_cast<std::uint8_t>(spurious);
        if (*with_random) {
            e.search.kind = search_kind::random;
            e.search.runs = random;
        }
    }
    if (sites) {
        list_sites();
        return 0;
    }
    if (every_change) {
        sweep(entries);
        return 0;
    }
    if (!alter(weakened, split)) {
        std::cerr << "no such site, or no such change there; --list-sites lists the sites\n";
        return 2;
    }
    if (*with_trace) {
        if (entries.size() != 1) {
            std::cerr << "--replay wants exactly one --only\n";
            return 2;
        }
        counted c = entries[0].make();
        const explore::report r = explore::replay(*c.program, entries[0].search, trace, true);
        std::cout << (r.violation.empty() ? "nothing wrong" : r.violation) << '\n';
        return r.violation.empty() ? 0 : 1;
    }

    std::cout << "scenario              threads  search        schedules    states      steps  outcomes  seconds\n";
    const auto good = std::count_if(entries.begin(), entries.end(), run);
    std::cout << good << " passed, " << static_cast<std::ptrdiff_t>(entries.size()) - good << " failed\n";
    return static_cast<std::size_t>(good) == entries.size() ? 0 : 1;
}
