// The configuration of a fuzzed breaker: numbers at and around every boundary, and policies that differ in what they
// look at.
#pragma once

#include <bulwark/circuit_breaker_config.hpp>

#include <fuzzer/FuzzedDataProvider.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <stdexcept>

namespace bulwark::fuzz {

using trip_policy = std::function<bool(const breaker_counts&)>;

/// Looks at every count, so that a difference in any of them shows as a different state.
inline bool touchy(const breaker_counts& c, std::uint32_t modulus) {
    return (c.requests * 3 + c.total_successes * 5 + c.total_failures * 7 + c.total_ignored * 11 +
            c.consecutive_failures * 13 + c.consecutive_successes * 17) %
               modulus ==
           0;
}

inline trip_policy choose_policy(FuzzedDataProvider& input) {
    const auto small = [&] { return input.ConsumeIntegralInRange<std::uint32_t>(1, 40); };
    switch (input.ConsumeIntegralInRange(0, 7)) {
        case 0: return failure_ratio(0.5, small());
        case 1: return failure_ratio(1.0 / small(), small());
        case 2: return consecutive_failures(small());
        case 3: return [m = small()](const breaker_counts& c) { return touchy(c, m); };
        case 4: return [](const breaker_counts&) { return false; };
        case 5: return [](const breaker_counts&) { return true; };
        case 6: return [](const breaker_counts&) -> bool { throw std::runtime_error("policy"); };
        default:
            return [m = small()](const breaker_counts& c) {
                if (touchy(c, 3)) throw std::runtime_error("policy");
                return touchy(c, m);
            };
    }
}

inline std::chrono::nanoseconds choose_duration(FuzzedDataProvider& input) {
    constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t half = std::int64_t{1} << 32;  // a time is kept in two halves of 32 bits
    const auto choice = input.ConsumeIntegral<std::uint8_t>();
    if (choice < 128) return std::chrono::nanoseconds(choice);  // 0 and 1 among them
    switch (choice % 8) {
        case 0: return std::chrono::nanoseconds(never);
        case 1: return std::chrono::nanoseconds(never - 1);
        case 2: return std::chrono::nanoseconds(never / 2 + 1);
        case 3: return std::chrono::nanoseconds(half - 1);
        case 4: return std::chrono::nanoseconds(half);
        case 5: return std::chrono::nanoseconds(half + 1);
        case 6: return std::chrono::seconds(60);
        default: return std::chrono::nanoseconds(input.ConsumeIntegralInRange<std::int64_t>(0, never));
    }
}

inline std::uint32_t choose_max_requests(FuzzedDataProvider& input) {
    const auto choice = input.ConsumeIntegralInRange<std::uint8_t>(1, 255);
    // Around the places where tallies and counts of the layouts end (63, 9, 100), and as many as there can be.
    if (choice <= 130) return choice;
    return choice < 250 ? choice % 10 + 1 : std::numeric_limits<std::uint32_t>::max();
}

inline circuit_breaker_config choose_configuration(FuzzedDataProvider& input) {
    circuit_breaker_config config;
    config.max_requests = choose_max_requests(input);
    config.interval = choose_duration(input);
    config.timeout = choose_duration(input);
    config.probe_timeout = choose_duration(input);
    config.ready_to_trip = choose_policy(input);
    return config;
}

inline std::ostream& operator<<(std::ostream& out, const circuit_breaker_config& c) {
    return out << "max_requests=" << c.max_requests << " interval=" << c.interval.count()
               << "ns timeout=" << c.timeout.count() << "ns probe_timeout=" << c.probe_timeout.count()
               << "ns cells=" << c.cells;
}

}  // namespace bulwark::fuzz
