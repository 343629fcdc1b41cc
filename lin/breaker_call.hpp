// What can be asked of a circuit breaker in a history, and what it answered.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/errc.hpp>

#include <cstddef>
#include <cstdint>
#include <ostream>

namespace bulwark::lin {

enum class breaker_verb : std::uint8_t { acquire, success, failure, ignore, drop, snapshot };

/// Permits are named by the place in which their holder keeps them.
struct breaker_call {
    breaker_verb verb = breaker_verb::snapshot;
    std::size_t permit = 0;
};

/// Only what the verb is answered with is set, so that answers compare as a whole.
struct breaker_answer {
    errc refusal{};         ///< acquire
    bool counted = false;   ///< success, failure, ignore; a dropped permit tells nobody
    breaker_snapshot seen;  ///< snapshot
    /// How often on_state_change was called in this thread during the operation, and what it was last told.
    std::uint32_t told = 0;
    transition change;

    void tell(const transition& made) {
        ++told;
        change = made;
    }

    bool operator==(const breaker_answer&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const breaker_call& call) {
    constexpr const char* names[] = {"acquire", "success", "failure", "ignore", "drop", "snapshot"};
    out << names[static_cast<std::size_t>(call.verb)];
    return call.verb == breaker_verb::snapshot ? out : out << " #" << call.permit;
}

/// An answer can only be read beside its call.
inline void print_answer(std::ostream& out, const breaker_call& call, const breaker_answer& answer) {
    switch (call.verb) {
        case breaker_verb::acquire:
            if (answer.refusal == errc{}) {
                out << "admitted";
            } else {
                out << "refused: " << make_error_code(answer.refusal).message();
            }
            break;
        case breaker_verb::snapshot: out << answer.seen; break;
        case breaker_verb::drop: out << "dropped"; break;
        default: out << (answer.counted ? "counted" : "stale"); break;
    }
    if (answer.told != 0) out << "; told: " << answer.change;
    if (answer.told > 1) out << " and " << answer.told - 1 << " before";
}

}  // namespace bulwark::lin
