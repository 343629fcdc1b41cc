// bulwark-demo: one load against one failing service, without protection and with a bulkhead inside a circuit breaker,
// live, and side by side at the end; or, with --pipeline, a retry storm; or, with --web, a page to try it all out. This
// file has the command line and the choice of what is run.
#include "act.hpp"
#include "guard.hpp"
#include "http.hpp"
#include "screen.hpp"
#include "storm.hpp"
#include "web/web.hpp"

#include <bulwark/bulwark.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace demo {
namespace {

struct options {
    std::string url;
    std::uint32_t per_second = 100;
    std::uint32_t seconds = 10;
    std::uint32_t threads = 16;
    bool reference = false;
    bool plain = false;
    bool quick = false;
    bool pipeline = false;
    std::string csv;
    bool web = false;
    int port = web_options().port;
};

struct setup {
    fault_script script;
    load_plan plan;
    bulwark::circuit_breaker_config breaker;
};

bulwark::circuit_breaker_config breaker_with(duration interval, duration timeout) {
    return {.max_requests = 3,
            .interval = interval,
            .timeout = timeout,
            .probe_timeout = 10s,
            .ready_to_trip = bulwark::failure_ratio(0.5, 10),
            .on_state_change = nullptr};
}

// Eight workers at 20 ms are worth 400 calls a second, twice the load; at 400 ms they are worth 20, a tenth of it.
setup full_show() {
    return {.script = {.fault_begins = 2s,
                       .fault_ends = 6s,
                       .ends = 10s,
                       .healthy_latency = 20ms,
                       .faulty_latency = 400ms,
                       .workers = 8},
            .plan = {.threads = 24, .per_second = 200, .length = 10s, .patience = 1s},
            .breaker = breaker_with(1s, 500ms)};
}

// For tests: everything happens, but too fast to be watched.
setup quick_show() {
    return {.script = {.fault_begins = 300ms,
                       .fault_ends = 900ms,
                       .ends = 1500ms,
                       .healthy_latency = 20ms,
                       .faulty_latency = 100ms,
                       .workers = 8},
            .plan = {.threads = 24, .per_second = 200, .length = 1500ms, .patience = 250ms},
            .breaker = breaker_with(200ms, 100ms)};
}

/// Half of the clients may be at the upstream at once; the other half can never be taken by it.
std::unique_ptr<guard> protection_of(const options& chosen, const bulwark::circuit_breaker_config& breaker,
                                     std::uint32_t threads) {
    const bulwark::bulkhead_config bulkhead{.max_concurrent = (threads + 1) / 2};
    if (chosen.reference) {
        using bulwark::reference::circuit_breaker;
        return std::make_unique<full_guard<circuit_breaker, bulwark::reference::bulkhead>>(breaker, bulkhead);
    }
    return std::make_unique<full_guard<bulwark::circuit_breaker, bulwark::bulkhead>>(breaker, bulkhead);
}

const char* kind(const options& chosen) {
    return chosen.reference ? "the mutex reference" : "lock-free";
}

void check(const std::vector<column>& columns) {
    for (const column& c : columns) {
        if (!c.figures.complaint.empty()) throw std::logic_error(c.title + ": " + c.figures.complaint);
    }
}

void run_show(const options& chosen, const screen& out) {
    const setup show = chosen.quick ? quick_show() : full_show();
    out.say(std::to_string(show.plan.threads) + " clients, " + std::to_string(show.plan.per_second) +
            " calls a second, to an HTTP server on loopback: healthy, failing and slow, healthy.");
    out.legend();
    no_guard nothing;
    const std::unique_ptr<guard> protection = protection_of(chosen, show.breaker, show.plan.threads);
    std::vector<column> columns;
    columns.push_back({"unprotected", run_scripted_act("Act 1, unprotected: every call goes to the upstream.",
                                                       show.script, show.plan, nothing, out)});
    columns.push_back({"protected", run_scripted_act(std::string("Act 2, protected (") + kind(chosen) +
                                                         "): the same through a bulkhead and a circuit breaker.",
                                                     show.script, show.plan, *protection, out)});
    out.table(columns, show.plan.patience, true);
    check(columns);
}

void guard_url(const options& chosen, const target& where, const screen& out) {
    http_client(where, 5s).probe();
    const load_plan plan{.threads = chosen.threads,
                         .per_second = chosen.per_second,
                         .length = std::chrono::seconds(chosen.seconds),
                         .patience = 1s};
    const std::unique_ptr<guard> protection = protection_of(chosen, breaker_with(1s, 500ms), plan.threads);
    out.say(std::to_string(plan.threads) + " clients, " + std::to_string(plan.per_second) + " calls a second, to " +
            where.url());
    out.legend();
    std::vector<column> columns;
    columns.push_back({"protected", run_act(std::string("Protected (") + kind(chosen) +
                                                "): through a bulkhead and a circuit breaker.",
                                            where, plan, *protection, out)});
    out.table(columns, plan.patience, false);
    check(columns);
}

int complain(const std::string& what, int exit_code) {
    std::cerr << "bulwark-demo: " << what << '\n';
    return exit_code;
}

int run(int argc, char** argv) {
    constexpr int failed = 1;
    constexpr int misused = 2;

    options chosen;
    CLI::App app(
        "A circuit breaker and a bulkhead at work: a failing HTTP service on loopback, unprotected and "
        "protected. Takes about 21 seconds.",
        "bulwark-demo");
    auto* const url = app.add_option("--url", chosen.url, "guard your own service at http://host:port/path instead");
    app.add_option("--rate", chosen.per_second, "with --url: calls a second")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str()
        ->needs(url);
    auto* const seconds =
        app.add_option("--seconds", chosen.seconds, "with --url: how long, 1 to 60 (10); with --web: 1 to 3600 (600)")
            ->check(CLI::Range(1, 3600));
    app.add_option("--threads", chosen.threads, "with --url: clients")
        ->check(CLI::Range(1, 64))
        ->capture_default_str()
        ->needs(url);
    auto* const reference =
        app.add_flag("--reference", chosen.reference, "use the mutex reference instead of the lock-free library");
    app.add_flag("--plain", chosen.plain, "no colours, for a log; also where the output is no terminal");
    app.add_flag("--quick", chosen.quick, "the whole script in about 4 seconds (a storm: 8), for tests")->excludes(url);
    auto* const storm = app.add_flag("--pipeline", chosen.pipeline,
                                     "a retry storm instead, without and with a retry budget; takes about 27 seconds")
                            ->excludes(url)
                            ->excludes(reference);
    app.add_option("--csv", chosen.csv, "with --pipeline: write its figures into a file")->needs(storm);
    auto* const web = app.add_flag("--web", chosen.web,
                                   "a page in the browser instead: switch faults on and off, and watch; at most 10 "
                                   "minutes, see --seconds")
                          ->excludes(url)
                          ->excludes(reference)
                          ->excludes(storm)
                          ->excludes("--quick");
    app.add_option("--port", chosen.port, "with --web: of the page, on 127.0.0.1; 0 is a free one")
        ->check(CLI::Range(0, 65535))
        ->capture_default_str()
        ->needs(web);

    target where;
    try {
        app.parse(argc, argv);
        if (url->count() != 0) where = parse_url(chosen.url);
        if (seconds->count() != 0 && url->count() == 0 && !chosen.web) {
            return complain("--seconds: only with --url or --web (see --help)", misused);
        }
        if (url->count() != 0 && chosen.seconds > 60) return complain("--seconds: at most 60 with --url", misused);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);  // --help
        return complain(std::string(e.what()) + " (see --help)", misused);
    } catch (const std::invalid_argument& e) {
        return complain(e.what(), misused);
    }

    try {
        const screen out(!chosen.plain && isatty(STDOUT_FILENO) == 1);
        if (chosen.web) {
            web_options page{.port = chosen.port};
            if (seconds->count() != 0) page.seconds = chosen.seconds;
            run_web(page, out);
        } else if (chosen.pipeline) {
            run_storm({.quick = chosen.quick, .csv = chosen.csv}, out);
        } else if (url->count() != 0) {
            guard_url(chosen, where, out);
        } else {
            run_show(chosen, out);
        }
    } catch (const std::exception& e) {
        return complain(e.what(), failed);
    }
    return 0;
}

}  // namespace
}  // namespace demo

int main(int argc, char** argv) {
    return demo::run(argc, argv);
}
