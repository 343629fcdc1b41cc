// What a fuzzed input asks of a breaker, one operation a byte: the low half says what, the high half is its argument.
// An input stays meaningful when bytes are cut out, repeated or exchanged, which is how the fuzzer finds its way.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <cstdint>
#include <ostream>
#include <string_view>

namespace bulwark::fuzz {

enum class deed : std::uint8_t {
    acquire,
    success,
    failure,
    ignore,
    drop,
    unwind,       ///< drop the permit while an exception passes
    second_word,  ///< success, then a failure that must not count
    assign,       ///< move one permit over another, or over itself
    burst,        ///< many calls alike: the tallies of the default layout are full only after dozens
    tick,         ///< a few nanoseconds on
    boundary,     ///< by a configured duration, or by what is left of the timeout, give or take one
    back,         ///< the clock steps back
    jump,         ///< to an end of the clock's range, or across the halves of a time
    react,        ///< what the next callbacks do to the breaker
    execute,
    observe,
};

inline constexpr unsigned arguments = 16;

struct operation {
    deed what = deed::observe;
    unsigned argument = 0;
    unsigned times = 1;  ///< of a burst
};

inline operation next_operation(FuzzedDataProvider& input) {
    const auto byte = input.ConsumeIntegral<std::uint8_t>();
    operation next{.what = static_cast<deed>(byte % 16), .argument = byte / 16U};
    if (next.what == deed::burst) next.times = input.ConsumeIntegralInRange<std::uint8_t>(1, 130);
    return next;
}

inline std::ostream& operator<<(std::ostream& out, const operation& o) {
    constexpr std::array<std::string_view, 16> names = {"acquire", "success", "failure", "ignore", "drop",     "unwind",
                                                        "second",  "assign",  "burst",   "tick",   "boundary", "back",
                                                        "jump",    "react",   "execute", "observe"};
    out << names.at(static_cast<std::size_t>(o.what)) << ' ' << o.argument;
    return o.times == 1 ? out : out << " x" << o.times;
}

}  // namespace bulwark::fuzz
