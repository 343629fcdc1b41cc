// Adaptive limit: a service that works on a few requests at a time and lets the others queue; and callers, many more
// than that, who do not know how many. The limit finds out, and those for whom there is no room hear so at once.
#include <bulwark/adaptive_limit.hpp>
#include <bulwark/bulkhead.hpp>

#include <chrono>
#include <cstddef>
#include <iostream>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// Four at a time, 2 ms each; who comes meanwhile waits.
class service {
public:
    int get() {
        const auto worker = workers_.acquire();
        std::this_thread::sleep_for(2ms);
        return 200;
    }

private:
    bulwark::bulkhead workers_{{.max_concurrent = 4}};
};

}  // namespace

int main() {
    service orders;
    bulwark::adaptive_limit limit{{.initial = 24,
                                   .max = 100,
                                   .window = 20ms,
                                   .algorithm = {.queue = 1, .probe_every = 20},
                                   .on_limit_change = [](const bulwark::limit_change& change) {
                                       if (change.to < change.from / 2) std::cout << "a probe: " << change.to << '\n';
                                   }}};

    constexpr int callers = 32;
    constexpr int calls = 150;
    std::vector<int> answered(callers);
    std::vector<int> refused(callers);
    {
        std::vector<std::jthread> team;
        for (std::size_t who = 0; who != callers; ++who) {
            team.emplace_back([&, who] {
                for (int i = 0; i != calls; ++i) {
                    const auto reply = limit.execute([&] { return orders.get(); });
                    ++(reply ? answered : refused)[who];
                    if (!reply) std::this_thread::sleep_for(1ms);  // does something else
                }
            });
        }
    }

    int served = 0;
    int turned_away = 0;
    for (std::size_t who = 0; who != callers; ++who) {
        served += answered[who];
        turned_away += refused[who];
    }
    const bulwark::adaptive_limit_snapshot end = limit.snapshot();
    std::cout << served << " answered, " << turned_away << " refused at once; the limit is " << end.limit
              << ", a call takes " << std::chrono::duration<double, std::milli>(end.short_latency).count() << " ms\n";
    return served + turned_away == callers * calls && served > 0 && end.in_use == 0 ? 0 : 1;
}
