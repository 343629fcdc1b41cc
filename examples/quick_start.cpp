// Quick start: a breaker in front of a service that fails, and what its caller sees.
#include <bulwark/bulwark.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

/// Stands for a client of a remote service. It is down for its first ten calls.
std::string fetch_orders() {
    static int calls = 0;
    if (++calls <= 10) throw std::runtime_error("connection refused");
    return "3 orders";
}

}  // namespace

int main() {
    bulwark::circuit_breaker breaker{{
        .timeout = 50ms,  // how long the service is left alone after a trip
        .ready_to_trip = bulwark::consecutive_failures(5),
        .on_state_change = [](const bulwark::transition& change) { std::cout << "  ** " << change << '\n'; },
    }};

    for (std::string orders; orders.empty();) {
        try {
            const auto reply = breaker.execute(fetch_orders);
            if (reply) {
                orders = *reply;
                std::cout << "answer: " << orders << '\n';
            } else {
                // Refused at once: the service was not called. Serve something else, or wait.
                std::cout << "refused: " << make_error_code(reply.error()).message() << '\n';
                std::this_thread::sleep_for(breaker.retry_after());
            }
        } catch (const std::runtime_error& e) {
            std::cout << "failed: " << e.what() << '\n';
        }
    }
    std::cout << to_string(breaker) << '\n';
    return breaker.state() == bulwark::breaker_state::closed ? 0 : 1;
}
