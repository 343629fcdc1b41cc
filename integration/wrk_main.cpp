// bulwark-wrk: wrk loads a service that calls nginx, while nginx is well and while it hangs; the service calls it
// plainly, or through the library. The latencies are wrk's own.
//
// wrk is a closed loop: each of its connections sends the next request some time after the answer to the last one. So
// while nginx hangs the plain service serves few requests, each as late as its time limit, and the guarded one as many
// as ever.
#include "child.hpp"
#include "front.hpp"
#include "http_calls.hpp"
#include "nginx_server.hpp"
#include "program.hpp"
#include "report.hpp"
#include "surroundings.hpp"

#include <chrono>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace {

using namespace integration;
using namespace std::chrono_literals;

constexpr auto patience = 250ms;
constexpr std::size_t connections = 128;
constexpr int load_seconds = 8;

struct wrk_figures {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;  ///< status 400 or above
    std::uint64_t unanswered = 0;
    double p50 = 0, p99 = 0, p999 = 0, max = 0;  ///< microseconds
};

wrk_figures load(const std::filesystem::path& wrk, const std::string& origin) {
    const temporary_folder folder;
    const std::filesystem::path log = folder.path() / "log";
    child loader({wrk.string(), "--threads", "1", "--connections", std::to_string(connections), "--duration",
                  std::to_string(load_seconds) + "s", "--script", BULWARK_WRK_SCRIPT, origin + "/orders/7"},
                 log);
    wait_until("wrk has not ended", [&] { return !loader.running(); });
    std::ifstream said(log);
    for (std::string line; std::getline(said, line);) {
        std::istringstream words(line);
        std::string first;
        wrk_figures f;
        if (words >> first && first == "figures" &&
            words >> f.requests >> f.errors >> f.unanswered >> f.p50 >> f.p99 >> f.p999 >> f.max) {
            return f;
        }
    }
    throw std::runtime_error("wrk has told no figures");
}

std::string row(const std::string& nginx, const std::string& bulwark, const wrk_figures& f) {
    std::ostringstream out;
    out << "| " << nginx << " | " << bulwark << " | " << f.requests << " | " << f.requests - f.errors << " | "
        << f.errors << " | " << f.unanswered << std::fixed << std::setprecision(2);
    for (const double us : {f.p50, f.p99, f.p999, f.max}) out << " | " << us / 1000;
    out << " |\n";
    return out.str();
}

bool body(const std::filesystem::path& results) {
    const std::filesystem::path wrk = need_program("wrk", "wrk");
    nginx_server server;
    guarded_http nginx(patience);
    std::string figures =
        "| nginx | bulwark | requests | answered | status >= 400 | no answer | p50 ms | p99 ms | p99.9 ms | max ms |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n";
    wrk_figures plainly[2];
    wrk_figures guardedly[3];
    {
        front plain(server.origin(), patience, connections + 16, nullptr);
        front guarded(server.origin(), patience, connections + 16, &nginx);
        std::cout << "wrk: " << connections << " connections for " << load_seconds
                  << " s each, to a service that calls nginx with a time-out of " << patience.count() << " ms\n";
        figures += row("healthy", "without", plainly[0] = load(wrk, plain.origin()));
        figures += row("", "with", guardedly[0] = load(wrk, guarded.origin()));
        server.become(nginx_mode::hangs);
        figures += row("hangs", "without", plainly[1] = load(wrk, plain.origin()));
        figures += row("", "with", guardedly[1] = load(wrk, guarded.origin()));
        server.become(nginx_mode::well);
        figures += row("well again", "with", guardedly[2] = load(wrk, guarded.origin()));
    }
    std::cout << '\n' << figures << '\n';
    std::ofstream(results / "table.md") << figures;

    checks so;
    for (const wrk_figures& well : {plainly[0], guardedly[0], guardedly[2]}) {
        so.expect(well.requests > well.errors,
                  "well: requests are answered (" + std::to_string(well.requests - well.errors) + ")");
    }
    so.expect(guardedly[1].p99 * 2 < plainly[1].p99, "hangs: wrk's p99 is bounded");
    so.expect(guardedly[1].requests > plainly[1].requests, "hangs: the guarded service goes on serving");
    check_accounts(so, "with", nginx.service(), nginx.told());
    so.expect(!nginx.told().entries().empty() && nginx.service().breaker().state() == bulwark::breaker_state::closed,
              "the breaker opened, and closed again");
    return so.all_hold();
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, "wrk loads a service in front of an nginx that hangs", body);
}
