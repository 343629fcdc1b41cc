// Service pools: a compartment for each service, so that the one that hangs cannot take the threads of the others.
#include <bulwark/compartments.hpp>

#include <iostream>
#include <latch>
#include <ostream>
#include <thread>
#include <vector>

namespace {

void print(std::ostream& out, const bulwark::compartment& service) {
    out << "  " << service.name() << ": " << service.bulkhead().in_use() << " of " << service.bulkhead().capacity()
        << " in use, " << to_string(service.breaker()) << '\n';
}

}  // namespace

int main() {
    bulwark::compartments services{{.defaults = {.bulkhead = {.max_concurrent = 8}},
                                    .services = {{"orders", {.bulkhead = {.max_concurrent = 4}}},
                                                 {"payments", {.bulkhead = {.max_concurrent = 2}}}}}};

    // Payments hangs: both of its places are taken until the end.
    std::latch hanging(2);
    std::latch mended(1);
    std::vector<std::jthread> stuck;
    for (int i = 0; i != 2; ++i) {
        stuck.emplace_back([&] {
            (void)services["payments"].execute([&] {
                hanging.count_down();
                mended.wait();
            });
        });
    }
    hanging.wait();

    // Its other callers are refused at once instead of hanging too, and the other services do not notice.
    int refused = 0;
    int answered = 0;
    for (int i = 0; i != 10; ++i) {
        const auto paid = services["payments"].execute([] {});
        refused += !paid && paid.error() == bulwark::errc::bulkhead_full ? 1 : 0;
        for (const char* name : {"orders", "search"}) {  // search has the defaults
            answered += services[name].execute([] {}) ? 1 : 0;
        }
    }
    std::cout << "while payments hangs: " << refused << " of its callers refused, " << answered << " others answered\n";
    services.for_each([](const bulwark::compartment& service) { print(std::cout, service); });

    mended.count_down();
    stuck.clear();  // joins
    const bool works_again = services["payments"].execute([] {}).has_value();
    std::cout << "mended\n";
    print(std::cout, services["payments"]);
    return refused == 10 && answered == 20 && works_again && services["payments"].bulkhead().in_use() == 0 ? 0 : 1;
}
