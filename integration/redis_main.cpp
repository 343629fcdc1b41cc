// bulwark-redis: callers of a Redis server at a fixed rate, while it hangs (SIGSTOP) and goes on, is killed (SIGKILL)
// and started again; once without the library and once with it.
//
// Both have the same client with the same time limit. What differs is that with bulwark a call passes a compartment, a
// breaker and a bulkhead, before it takes a thread's time and a connection.
#include "journal.hpp"
#include "program.hpp"
#include "redis_pool.hpp"
#include "redis_server.hpp"
#include "report.hpp"
#include "timeline.hpp"

#include <bulwark/bulwark.hpp>
#include <bulwark/compartments.hpp>

#include <atomic>
#include <fstream>
#include <iostream>
#include <string>

namespace {

using namespace integration;
using namespace std::chrono_literals;

constexpr std::size_t keys = 1000;
constexpr auto patience = 250ms;  // of a client, with the library and without
constexpr load_plan plan{.threads = 32, .per_second = 500, .in_time = 300ms, .slice = 250ms};

std::string key_of(std::size_t nth) {
    return "key:" + std::to_string(nth % keys);
}
std::string value_of(const std::string& key) {
    return "the value of " + key;
}

std::vector<phase> phases_of(redis_server& server) {
    return {{.name = "healthy", .faulty = false, .length = 3s, .enter = nullptr},
            {.name = "hangs (SIGSTOP)", .faulty = true, .length = 6s, .enter = [&] { server.pause(); }},
            {.name = "goes on (SIGCONT)", .faulty = false, .length = 5s, .enter = [&] { server.resume(); }},
            {.name = "killed (SIGKILL)", .faulty = true, .length = 4s, .enter = [&] { server.kill(); }},
            {.name = "started again", .faulty = false, .length = 4s, .enter = [&] { server.start(); }}};
}

/// Of both runs. A value under a wrong key would be the answer to another request.
struct tally {
    std::atomic<std::size_t> mixed_up = 0;

    verdict judge(const std::string& key, const std::string& value) {
        if (value == value_of(key)) return verdict::answered;
        ++mixed_up;
        return verdict::failed;
    }
};

timeline run_without(redis_server& server, redis_pool& pool, tally& all) {
    return run(plan, phases_of(server), [&] {
        return [&](std::size_t nth) {
            const std::string key = key_of(nth);
            try {
                return all.judge(key, pool.get(key, patience));
            } catch (const redis_error&) {
                return verdict::failed;
            }
        };
    });
}

timeline run_with(redis_server& server, redis_pool& pool, tally& all, bulwark::compartment& redis) {
    bulwark::timeout limit{patience};
    bulwark::pipeline guarded{redis, limit};
    return run(plan, phases_of(server), [&] {
        return [&](std::size_t nth) {
            const std::string key = key_of(nth);
            try {
                const bulwark::result<std::string> value = guarded.execute(
                    [&](const bulwark::call_context& c) { return pool.get(key, c.deadline().remaining()); });
                return value ? all.judge(key, *value) : verdict_of(value.error());
            } catch (const redis_error&) {  // a failure, and counted as one
                return verdict::failed;
            }
        };
    });
}

bool body(const std::filesystem::path& results) {
    redis_server server;
    redis_pool plain(server.port());
    redis_pool guarded(server.port());
    for (std::size_t n = 0; n != keys; ++n) plain.set(key_of(n), value_of(key_of(n)), 5s);
    std::cout << "redis-server: " << plan.per_second << " GETs a second by " << plan.threads
              << " threads, time-out of the client " << patience.count() << " ms\n";

    journal told;
    bulwark::compartments services{{.defaults = {.breaker = {.timeout = 500ms,
                                                             .probe_timeout = 2s,
                                                             .ready_to_trip = bulwark::consecutive_failures(5)},
                                                 .bulkhead = {.max_concurrent = 10}},
                                    .on_state_change = [&](std::string_view name, const bulwark::transition& made) {
                                        told.add(made, services.find(name)->breaker().retry_after());
                                    }}};
    bulwark::compartment& redis = services["redis"];

    tally all;
    std::vector<named_run> runs;
    runs.push_back({"without", run_without(server, plain, all)});
    runs.push_back({"with", run_with(server, guarded, all, redis)});

    const std::string figures = table(runs);
    std::cout << '\n' << figures << '\n';
    write_curves(results, runs);
    std::ofstream(results / "table.md") << figures;

    checks so;
    constexpr std::size_t hang = 1;
    constexpr std::size_t killed = 3;
    for (const named_run& each : runs) {
        so.expect(each.seen.never_made == 0, each.name + ": every call was made or refused");
    }
    check_accounts(so, runs.back().name, redis, told);
    check_fault(so, runs.back(), hang, told);
    check_fault(so, runs.back(), killed, told);
    check_bounded(so, runs, hang);
    so.expect(all.mixed_up == 0, "no answer went to another request");
    so.expect(plain.in_use() == 0 && guarded.in_use() == 0, "every connection came back or was closed");
    so.expect(plain.dropped() != 0 && guarded.dropped() != 0 && guarded.dropped() < plain.dropped(),
              "connections were dropped after time-outs: " + std::to_string(plain.dropped()) + " without, " +
                  std::to_string(guarded.dropped()) + " with");
    return so.all_hold();
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, "A Redis server hangs and dies: its callers with and without bulwark", body);
}
