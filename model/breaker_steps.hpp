// What a thread of a breaker model does, step by step, and what it is told. The same player plays on the lock-free
// breaker and on the mutex reference, which is the specification.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/errc.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace bulwark::model {

enum class act : std::uint8_t { admit, succeed, fail, ignore, look, wait, trip, force, disable, reset, hold };

struct step {
    act what;
    unsigned arg = 0;  ///< which call; or how many nanoseconds, of hold in 256
};

inline constexpr std::size_t most_calls = 8;

constexpr step admit(unsigned call) {
    return {act::admit, call};
}
constexpr step succeed(unsigned call) {
    return {act::succeed, call};
}
constexpr step fail(unsigned call) {
    return {act::fail, call};
}
constexpr step ignore(unsigned call) {
    return {act::ignore, call};
}
constexpr step look() {
    return {act::look};
}
constexpr step wait(unsigned ns) {
    return {act::wait, ns};
}

// What an operator does; and the service's word.
constexpr step trip() {
    return {act::trip};
}
constexpr step force() {
    return {act::force};
}
constexpr step disable() {
    return {act::disable};
}
constexpr step reset() {
    return {act::reset};
}
constexpr step hold(unsigned units) {
    return {act::hold, units};
}
constexpr bool is_operators(act what) {
    return what >= act::trip;
}

/// All that a step shows to the one who takes it.
struct answer {
    errc refusal{};                        ///< of admit
    bool counted = false;                  ///< of an outcome; of an operator's word: it changed something
    std::optional<transition> made;        ///< told to on_state_change in the course of the step
    std::optional<breaker_snapshot> seen;  ///< of look

    friend bool operator==(const answer&, const answer&) = default;
};

std::string to_string(const step& taken, const answer& given);

/// A breaker and the permits of its calls.
template <class Breaker>
class player {
    using clock = typename Breaker::clock;

public:
    explicit player(const circuit_breaker_config& config) : breaker_(telling(config)) {}
    player(const player&) = delete;
    player& operator=(const player&) = delete;
    ~player() = default;

    answer operator()(const step& taken) {
        answer given;
        switch (taken.what) {
            case act::admit: {
                auto permit = breaker_.try_acquire();
                if (permit) {
                    permits_[taken.arg].emplace(std::move(*permit));
                } else {
                    given.refusal = permit.error();
                }
                break;
            }
            case act::succeed: given.counted = end(taken.arg, [](auto& permit) { return permit.success(); }); break;
            case act::fail: given.counted = end(taken.arg, [](auto& permit) { return permit.failure(); }); break;
            case act::ignore: given.counted = end(taken.arg, [](auto& permit) { return permit.ignore(); }); break;
            case act::look: given.seen = breaker_.snapshot(); break;
            case act::wait: clock::advance(std::chrono::nanoseconds(taken.arg)); break;
            default: given.counted = operate(taken); break;
        }
        // A model switches threads at atomic operations only, and there is none between the callback and here.
        given.made = std::exchange(told_, std::nullopt);
        return given;
    }

private:
    using permit_type = typename Breaker::permit;

    circuit_breaker_config telling(circuit_breaker_config config) {
        config.on_state_change = [this](const transition& t) { told_ = t; };
        return config;
    }

    bool operate(const step& taken) {
        // The other breakers of the models have no such members, and no such scenarios.
        if constexpr (requires { breaker_.reset(); }) {
            switch (taken.what) {
                case act::trip: return breaker_.trip();
                case act::force: return breaker_.force_open();
                case act::disable: return breaker_.disable();
                case act::reset: return breaker_.reset();
                default: return breaker_.hold_off(std::chrono::nanoseconds(256 * taken.arg));
            }
        }
        return false;
    }

    /// A call that was refused has nothing to say.
    template <class Tell>
    bool end(unsigned call, const Tell& tell) {
        const bool counted = permits_[call] && tell(*permits_[call]);
        permits_[call].reset();
        return counted;
    }

    std::optional<transition> told_;
    Breaker breaker_;
    std::array<std::optional<permit_type>, most_calls> permits_;  // after the breaker: they must not outlive it
};

}  // namespace bulwark::model
