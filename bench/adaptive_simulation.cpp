// bulwark-adaptive-simulation: the adaptive limit in front of a simulated server whose capacity moves in steps, for
// both algorithms; tab-separated values on standard output, a line a second of virtual time, for
// bench/adaptive_plot.py.
//
//     bulwark-adaptive-simulation > steps.tsv && bench/adaptive_plot.py steps.tsv docs/figures/adaptive_limit.svg
//
// The same lines on every machine: time is virtual and seeds are fixed.
#include "../checks/queueing_server.hpp"

#include <bulwark/adaptive_limit.hpp>
#include <bulwark/clock.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace {

using bulwark::checks::queueing_server;
using bulwark::checks::server_tally;
using namespace std::chrono_literals;

struct stretch {
    std::chrono::seconds time;
    std::uint32_t capacity;
    std::chrono::milliseconds service;
    double arrivals;
};

/// Capacity down and up, a service that takes twice as long, then half the load that the server could take.
constexpr stretch plan[] = {
    {60s, 20, 10ms, 6000}, {60s, 5, 10ms, 6000},  {60s, 40, 10ms, 6000},
    {60s, 20, 10ms, 6000}, {60s, 20, 20ms, 6000}, {60s, 20, 10ms, 1000},
};

template <class Algorithm>
void simulate(const char* name, const Algorithm& algorithm) {
    using limit_type = bulwark::basic_adaptive_limit<Algorithm, bulwark::manual_clock>;
    bulwark::manual_clock::reset();
    limit_type limit({.algorithm = algorithm});
    queueing_server<limit_type> server(limit, {.arrivals = plan[0].arrivals});
    int second = 0;
    for (const stretch& s : plan) {
        server.plan.capacity = s.capacity;
        server.plan.service = s.service;
        server.plan.arrivals = s.arrivals;
        for (auto left = s.time; left != 0s; left -= 1s) {
            const server_tally t = server.run(1s);
            std::printf("%s\t%d\t%u\t%lld\t%.0f\t%.2f\t%.0f\t%.3f\t%.4f\n", name, ++second, s.capacity,
                        static_cast<long long>(s.service.count()), s.arrivals, t.limit, t.throughput(),
                        t.mean_latency_ms(), static_cast<double>(t.refused) / static_cast<double>(t.offered));
        }
    }
}

}  // namespace

int main() {
    std::puts("algorithm\tsecond\tcapacity\tservice_ms\tarrivals\tlimit\tthroughput\tlatency_ms\trefused");
    simulate("gradient", bulwark::gradient{});
    simulate("gradient without probes", bulwark::gradient{.probe_every = 0});
    simulate("aimd", bulwark::aimd{.timeout = 20ms});
}
