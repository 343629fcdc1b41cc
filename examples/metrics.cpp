// What operators see: a breaker and a bulkhead for each service, their metrics as Prometheus scrapes them, and what
// happens to them as lines for a log.
#include <bulwark/compartments.hpp>
#include <bulwark/log_line.hpp>
#include <bulwark/metrics.hpp>
#include <bulwark/prometheus_text.hpp>

#include <chrono>
#include <iostream>
#include <optional>
#include <string_view>

int main() {
    using namespace std::chrono_literals;

    bulwark::compartments services{
        {.defaults = {.breaker = {.timeout = 30s, .ready_to_trip = bulwark::consecutive_failures(3)},
                      .bulkhead = {.max_concurrent = 2, .wait_histogram = true}},
         // Both run with nothing held: a logger may take its time.
         .on_state_change = [](std::string_view name,
                               const auto& change) { std::clog << bulwark::log_line(name, change) << '\n'; },
         .on_event = [](std::string_view name,
                        const auto& event) { std::clog << bulwark::log_line(name, event) << '\n'; }}};

    bulwark::metrics metrics;
    const auto watch = metrics.watch(services);

    (void)services["users"].execute([] { return std::optional<int>(1); });
    // A service that is down: after three failures nobody calls it any more.
    for (int i = 0; i != 5; ++i) (void)services["orders"].execute([] { return std::optional<int>(); });
    // All places of another are taken: somebody waits in vain.
    bulwark::bulkhead& pool = services["reports"].bulkhead();
    const auto held = pool.try_acquire(2);
    (void)pool.try_acquire_for(2ms);

    // A server answers a scrape with this, as bulwark::prometheus_content_type.
    std::cout << bulwark::to_prometheus_text(metrics.collect());
}
