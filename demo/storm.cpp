// Implements storm.hpp.
//
// Why the storm lasts. The service can do 200 requests a second; 120 calls a second are well within that. For a while
// it is slow, its line grows until the answers come too late, every call becomes four attempts, and that is 480
// requests a second. When the trouble is over the line is still there, filled with requests that nobody waits for any
// more, and the attempts keep it full: nothing that the service does is of use, so that it is slow for ever. The state
// holds itself up (it is metastable); only less load ends it. A budget bounds the attempts at 10 per cent above the
// calls, which is within what the service can do, and the line drains.
#include "storm.hpp"

#include "load.hpp"
#include "report.hpp"
#include "retrying.hpp"
#include "upstream.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace demo {
namespace {

struct storm {
    fault_script script;
    load_plan plan;
    duration slice;
    retry_plan retries;
    bulwark::retry_budget_config budget;
    bulwark::circuit_breaker_config breaker;
};

/// `speed`: how many times shorter everything is than it takes to be watched.
storm storm_at(int speed) {
    const auto sooner = [speed](duration span) { return span / speed; };
    storm s;
    s.script = {.fault_begins = sooner(2s),
                .fault_ends = sooner(4s),
                .ends = sooner(8s),
                .healthy_latency = 20ms,
                .faulty_latency = 100ms,
                .workers = 4,
                .longest_wait = 500ms,
                .connections = 256};
    s.plan = {.threads = 96, .per_second = 120, .length = s.script.ends, .patience = 1s, .attempt = 100ms};
    s.slice = sooner(1s);
    s.retries.limit = s.plan.patience;
    s.retries.retry.max_attempts = 4;
    s.retries.retry.backoff = {.initial = 20ms, .ceiling = 200ms};
    s.budget = {.percent = 10, .max_saved = 20, .initial = 0};
    s.breaker = {.max_requests = 5,
                 .interval = sooner(1s),
                 .timeout = sooner(500ms),
                 .probe_timeout = 10s,
                 .ready_to_trip = bulwark::failure_ratio(0.5, 20)};
    return s;
}

struct second {
    bool slow = false;
    std::size_t calls = 0;     ///< that became due
    std::size_t attempts = 0;  ///< that arrived at the service
    std::size_t answered = 0;  ///< in time
    std::optional<bulwark::breaker_state> breaker;
};

struct storm_act {
    std::string name;
    std::vector<second> seconds;
    bulwark::retry_snapshot retries;
    std::string complaint;

    std::size_t sum(std::size_t second::* figure) const {
        std::size_t all = 0;
        for (const second& s : seconds) all += s.*figure;
        return all;
    }
};

void show(const second& s, duration until, const screen& out) {
    constexpr std::size_t a_mark = 12;
    const std::size_t answered = std::min(s.answered, s.attempts) / a_mark;
    std::ostringstream line;
    line << std::fixed << std::setprecision(2) << std::setw(6) << std::chrono::duration<double>(until).count() << "s "
         << std::left << std::setw(8) << (s.slow ? "slow" : "healthy") << std::right << std::setw(6) << s.calls
         << std::setw(10) << s.attempts << std::setw(10) << s.answered << "  " << std::left << std::setw(10)
         << (s.breaker ? bulwark::to_string(*s.breaker) : std::string_view("none")) << ' ' << std::string(answered, '=')
         << std::string(s.attempts / a_mark - answered, '-');
    out.say(line.str());
}

storm_act run_act(std::string name, const std::string& title, const storm& s, const retry_plan& retries,
                  const screen& out) {
    out.say("");
    out.say(title);
    out.say("   time service  calls  attempts  answered  breaker    = attempts answered in time, - in vain");
    retrying_guard protection(retries);
    storm_act made{.name = std::move(name), .seconds = {}, .retries = {}, .complaint = {}};
    const time_point start = clock::now() + 200ms;  // threads and the server are ready before the first call is due
    const upstream server(s.script, start);
    std::size_t before = 0;
    {
        load clients({server.origin(), "/"}, s.plan, protection, start);
        for (bool over = false; !over;) {
            const duration until = static_cast<int>(made.seconds.size() + 1) * s.slice;
            std::this_thread::sleep_until(start + until);
            const load_view view = clients.view();
            const std::size_t arrived = server.arrived();
            over = view.over || until > s.plan.length + s.plan.patience;
            if (until > s.plan.length && view.ended.empty() && arrived == before) break;
            made.seconds.push_back({.slow = s.script.fails_at(until - s.slice / 2),
                                    .calls = until > s.plan.length
                                                 ? 0
                                                 : s.plan.per_second * static_cast<std::size_t>(s.slice / 1ms) / 1000,
                                    .attempts = arrived - std::exchange(before, arrived),
                                    .answered = count(view.ended, verdict::useful),
                                    .breaker = protection.state()});
            show(made.seconds.back(), until, out);
        }
        if (server.arrived() > clients.sent()) made.complaint = "attempts arrived that nobody has sent";
    }  // whoever is on the way comes back
    made.retries = protection.retries();
    if (made.complaint.empty()) made.complaint = protection.complaint();
    return made;
}

void table(const std::vector<storm_act>& acts, const screen& out) {
    const auto row = [&](const std::string& name, const std::function<std::size_t(const storm_act&)>& cell) {
        std::ostringstream line;
        line << "  " << std::left << std::setw(46) << name << std::right;
        for (const storm_act& act : acts) line << std::setw(15) << cell(act);
        out.say(line.str());
    };
    std::ostringstream head;
    head << "  " << std::setw(46) << "";
    for (const storm_act& act : acts) head << std::setw(15) << act.name;
    out.say("");
    out.say(head.str());
    row("calls that were due", [](const storm_act& a) { return a.sum(&second::calls); });
    row("attempts that arrived at the service", [](const storm_act& a) { return a.sum(&second::attempts); });
    row("calls answered in time", [](const storm_act& a) { return a.sum(&second::answered); });
    row("  of those in the last three lines with calls", [](const storm_act& a) {
        const auto first_after = std::ranges::find(a.seconds, std::size_t{0}, &second::calls);
        const auto first = first_after - std::min<std::ptrdiff_t>(3, first_after - a.seconds.begin());
        std::size_t all = 0;
        for (auto at = first; at != first_after; ++at) all += at->answered;
        return all;
    });
    row("retries made", [](const storm_act& a) { return static_cast<std::size_t>(a.retries.retries); });
    row("retries that the budget refused",
        [](const storm_act& a) { return static_cast<std::size_t>(a.retries.refused_by_budget); });
}

void write(std::ostream& file, const storm& s, const std::vector<storm_act>& acts) {
    file << "act,second,slow,calls,attempts,answered\n";
    const double slice = std::chrono::duration<double>(s.slice).count();
    for (const storm_act& act : acts) {
        for (std::size_t i = 0; i != act.seconds.size(); ++i) {
            const second& at = act.seconds[i];
            file << act.name << ',' << static_cast<double>(i + 1) * slice << ',' << at.slow << ',' << at.calls << ','
                 << at.attempts << ',' << at.answered << '\n';
        }
    }
}

}  // namespace

void run_storm(const storm_options& chosen, const screen& out) {
    const storm s = storm_at(chosen.quick ? 5 : 1);
    std::ofstream file;
    const auto must_be_good = [&] {
        if (!file) throw std::runtime_error("cannot write " + chosen.csv);
    };
    if (!chosen.csv.empty()) file.open(chosen.csv);
    must_be_good();  // before half a minute has passed
    std::ostringstream what;
    what << s.plan.per_second << " calls a second, with up to " << s.retries.retry.max_attempts
         << " attempts each, to an HTTP server on loopback that can do "
         << s.script.workers * 1000 / static_cast<std::size_t>(s.script.healthy_latency / 1ms)
         << "; it is slow for a while.";
    out.say(what.str());

    retry_plan plan = s.retries;
    std::vector<storm_act> acts;
    acts.push_back(run_act("no budget", "Act 1, retries without a budget: pipeline{limit, retry}", s, plan, out));
    plan.budget = s.budget;
    acts.push_back(run_act("budget", "Act 2, the same with a budget of 10 %: pipeline{limit, retry}", s, plan, out));
    plan.breaker = s.breaker;
    acts.push_back(
        run_act("and a breaker", "Act 3, and a breaker inside: pipeline{limit, retry, breaker}", s, plan, out));
    table(acts, out);
    if (file.is_open()) {
        write(file, s, acts);
        file.close();
        must_be_good();
    }
    for (const storm_act& act : acts) {
        if (!act.complaint.empty()) throw std::logic_error(act.name + ": " + act.complaint);
    }
}

}  // namespace demo
