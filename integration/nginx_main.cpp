// bulwark-nginx: callers of an nginx at a fixed rate, while its configuration makes it hang, answer 503 with
// Retry-After, and trickle; once without the library and once with it.
#include "http_calls.hpp"
#include "nginx_server.hpp"
#include "program.hpp"
#include "report.hpp"
#include "timeline.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

namespace {

using namespace integration;
using namespace std::chrono_literals;

constexpr auto patience = 250ms;  // of a client, with the library and without
constexpr load_plan plan{.threads = 32, .per_second = 400, .in_time = 300ms, .slice = 250ms};
constexpr std::size_t hang = 1;
constexpr std::size_t unavailable = 3;
constexpr std::size_t trickle = 5;

std::vector<phase> phases_of(nginx_server& server) {
    const auto become = [&server](nginx_mode mode) { return [&server, mode] { server.become(mode); }; };
    return {{.name = "healthy", .faulty = false, .length = 3s, .enter = nullptr},
            {.name = "hangs", .faulty = true, .length = 5s, .enter = become(nginx_mode::hangs)},
            {.name = "well again", .faulty = false, .length = 4s, .enter = become(nginx_mode::well)},
            {.name = "503", .faulty = true, .length = 5s, .enter = become(nginx_mode::unavailable)},
            {.name = "well after 503", .faulty = false, .length = 5s, .enter = become(nginx_mode::well)},
            {.name = "trickles", .faulty = true, .length = 5s, .enter = become(nginx_mode::trickles)},
            {.name = "well at last", .faulty = false, .length = 4s, .enter = become(nginx_mode::well)}};
}

/// Of both runs. A body under another path would be the answer to another request.
struct tally {
    std::atomic<std::size_t> mixed_up = 0;

    verdict of(const loadgen::http_answer& answer, const std::string& path) {
        if (answer.status != 200) return verdict::failed;
        if (answer.body == path) return verdict::answered;
        ++mixed_up;
        return verdict::failed;
    }
};

std::string path_of(std::size_t nth) {
    return "/orders/" + std::to_string(nth);
}

timeline run_without(nginx_server& server, tally& all) {
    return run(plan, phases_of(server), [&] {
        const auto client = std::make_shared<loadgen::http_client>(server.origin(), patience);
        return [&all, client](std::size_t nth) {
            const std::string path = path_of(nth);
            return all.of(client->get(path), path);
        };
    });
}

timeline run_with(nginx_server& server, tally& all, guarded_http& nginx) {
    return run(plan, phases_of(server), [&] {
        const auto client = std::make_shared<loadgen::http_client>(server.origin(), patience);
        return [&all, &nginx, client](std::size_t nth) {
            const std::string path = path_of(nth);
            const bulwark::result<loadgen::http_answer> answer = nginx.get(*client, path);
            return answer ? all.of(*answer, path) : verdict_of(answer.error());
        };
    });
}

void check_hints(checks& so, const timeline& seen, const guarded_http& nginx) {
    const phase_span& phase = seen.phases[unavailable];
    std::chrono::nanoseconds longest = 0ns;
    for (const journal::entry& each : nginx.told().entries()) {
        if (phase.has(each.at)) longest = std::max(longest, each.retry_after);
    }
    so.expect(longest > 1s, "\"503\": the breaker heard Retry-After (it opened for " + std::to_string(longest / 1ms) +
                                " ms, its own time is 500)");
    so.expect(nginx.retries().out_of_time != 0, "retries that would come after the end of their call were not made (" +
                                                    std::to_string(nginx.retries().out_of_time) + " of them; " +
                                                    std::to_string(nginx.retries().retries) + " were made)");
    so.expect(nginx.retries().retries <= seen.calls.size() / 10, "retries within their budget of 10 %");
}

bool body(const std::filesystem::path& results) {
    nginx_server server;
    std::cout << "nginx: " << plan.per_second << " GETs a second by " << plan.threads
              << " threads, time-out of the client " << patience.count() << " ms\n";
    tally all;
    guarded_http nginx(patience);
    std::vector<named_run> runs;
    runs.push_back({"without", run_without(server, all)});
    runs.push_back({"with", run_with(server, all, nginx)});

    const std::string figures = table(runs);
    std::cout << '\n' << figures << '\n';
    write_curves(results, runs);
    std::ofstream(results / "table.md") << figures;

    checks so;
    for (const named_run& each : runs) {
        so.expect(each.seen.never_made == 0, each.name + ": every call was made or refused");
    }
    check_accounts(so, runs.back().name, nginx.service(), nginx.told());
    for (const std::size_t fault : {hang, unavailable, trickle}) check_fault(so, runs.back(), fault, nginx.told());
    for (const std::size_t fault : {hang, trickle}) check_bounded(so, runs, fault);
    check_hints(so, runs.back().seen, nginx);
    so.expect(all.mixed_up == 0, "no answer went to another request");
    return so.all_hold();
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, "An nginx hangs, fails and trickles: its callers with and without bulwark", body);
}
