// Many endpoints: a breaker for each of 100,000, in the compact form, beside one in the default form for the gateway
// that every call goes through.
#include <bulwark/bulwark.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <iostream>

namespace {

/// Endpoints fail one by one, so each has a breaker. Few threads meet at the same one, so that a word for all of them
/// serves (cells = 0), and five failures in a row mean that it is down.
bulwark::circuit_breaker_config for_an_endpoint() {
    using namespace std::chrono_literals;
    return {.interval = 0s, .timeout = 30s, .ready_to_trip = bulwark::consecutive_failures(5), .cells = 0};
}

}  // namespace

int main() {
    constexpr std::size_t endpoints = 100'000;
    constexpr std::size_t down = 4711;
    bulwark::circuit_breaker gateway;
    std::deque<bulwark::circuit_breaker> breakers;  // they do not move
    for (std::size_t i = 0; i != endpoints; ++i) breakers.emplace_back(for_an_endpoint());

    const auto call = [&](std::size_t endpoint) {
        const auto ask = [&] { return endpoint != down; };
        const auto judge = [](bool up) { return up ? bulwark::outcome::success : bulwark::outcome::failure; };
        return gateway.execute([&] { return breakers[endpoint].execute(ask, judge); });
    };
    for (int round = 0; round != 10; ++round) {
        for (std::size_t i = 0; i < endpoints; i += 97) (void)call(i);
        (void)call(down);
    }

    std::size_t open = 0;
    for (const auto& breaker : breakers) open += breaker.state() == bulwark::breaker_state::open ? 1U : 0U;
    std::cout << endpoints << " breakers of " << sizeof(bulwark::circuit_breaker) << " bytes, " << open << " open\n"
              << "endpoint " << down << ": " << to_string(breakers[down]) << "\n"
              << "gateway: " << to_string(gateway) << '\n';
    return open == 1 && gateway.state() == bulwark::breaker_state::closed ? 0 : 1;
}
