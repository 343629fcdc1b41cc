// How a fuzzed input moves the clock: to where durations end, to where the clock ends, and backwards.
#pragma once

#include "operation.hpp"

#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/clock.hpp>

#include <array>
#include <chrono>
#include <cstdint>

namespace bulwark::fuzz {

class clock_step {
    using nanoseconds = std::chrono::nanoseconds;

public:
    /// `left`: what is left of the timeout.
    clock_step(const circuit_breaker_config& config, nanoseconds left)
        : spans_{config.interval, config.timeout, config.probe_timeout, left} {}

    void apply(const operation& o) const {
        const auto argument = static_cast<int>(o.argument);
        switch (o.what) {
            case deed::tick: manual_clock::advance(nanoseconds(argument + 1)); break;
            case deed::boundary: by_span(spans_[o.argument % 4], o.argument / 4); break;
            case deed::back: back(o.argument); break;
            case deed::jump: jump(o.argument); break;
            default: break;
        }
    }

    static void jump(unsigned argument) {
        constexpr nanoseconds half{std::int64_t{1} << 32};
        switch (argument) {
            case 0: manual_clock::reset(); break;
            case 1: to(last); break;
            case 2: to(last - nanoseconds(1)); break;
            case 3: to(last - nanoseconds(50)); break;
            case 4: to(first); break;
            case 5: to(first + nanoseconds(1)); break;
            case 6: to(first + nanoseconds(50)); break;
            case 7: to(nanoseconds(-3)); break;
            case 8: to(half - nanoseconds(2)); break;
            case 9: manual_clock::advance(half - nanoseconds(1)); break;
            case 10: manual_clock::advance(half); break;
            case 11: manual_clock::advance(half + nanoseconds(1)); break;
            case 12: manual_clock::advance(-half); break;
            case 13: manual_clock::advance(last); break;
            case 14: manual_clock::advance(first); break;
            default: manual_clock::advance(last / 2); break;
        }
    }

private:
    static constexpr nanoseconds first = nanoseconds::min();
    static constexpr nanoseconds last = nanoseconds::max();

    static void to(nanoseconds time) {
        manual_clock::reset();
        manual_clock::advance(time);
    }

    static void by_span(nanoseconds span, unsigned how) {
        if (how == 3) {
            // Where a duration that starts now ends exactly with the clock, or has one nanosecond too many.
            to(last - span + nanoseconds(span.count() % 2));
            return;
        }
        manual_clock::advance(span);
        manual_clock::advance(nanoseconds(static_cast<int>(how) - 1));
    }

    void back(unsigned argument) const {
        manual_clock::advance(argument < 12 ? nanoseconds(-1 - static_cast<int>(argument)) : -spans_[argument % 4]);
    }

    std::array<nanoseconds, 4> spans_;
};

}  // namespace bulwark::fuzz
