// The searches: which executions of a program are looked at.
//
//   every      each step of each execution. For small programs, as the measure of the others.
//   reduced    one execution of each class that differs only in the order of independent steps: source-set DPOR
//              with sleep sets (reduction.hpp).
//   states     each state once: states that agree in memory, views, stacks and world are one. The search for programs
//              with long runs of steps that end alike, where even one execution of each class is far too many: two
//              threads that write the ten lanes of a breaker's record reach each lane in four ways, and end in one
//              state. Loops that bring nothing new end where they close. What is left of a bound is part of the state.
//   random     priorities with a few changes (PCT), and random values for loads. Proves nothing; for longer programs.
//
// The search can be bounded in two ways. A preemption is a switch away from a thread that could go on. A lag is a
// stretch of loads, one after the other in a thread, that each read another message than the newest, though the newest
// was to be had. Without the second bound a thread that reads ten lanes while they are overwritten finds each old or
// new, a thousand states for each step of the others; one lag is enough to find them all old, or old from some point
// on.
#pragma once

#include <explore/machine.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace explore {

enum class search_kind : std::uint8_t { every, reduced, states, random };

struct options {
    static constexpr unsigned unbounded = std::numeric_limits<unsigned>::max();

    search_kind kind = search_kind::states;
    unsigned preemptions = unbounded;    ///< for every and states
    unsigned lags = unbounded;           ///< for every and states
    std::uint8_t spurious_failures = 0;  ///< of weak compare-and-swaps, in one execution
    std::size_t max_steps = 5000;        ///< an execution that is longer is cut off, and the search is not exhaustive
    /// A thread that goes on alone, and reads the newest values, must come to its end: found wrong are circles in the
    /// search for states, and random executions that are too long.
    bool lock_free = false;
    double seconds = 600;
    std::uint64_t runs = 0;  ///< random: how many executions
    unsigned changes = 3;    ///< random: of priorities
    std::uint64_t seed = 1;
};

struct report {
    std::string violation;        ///< empty: none
    std::string trace;            ///< of the violation, for replay()
    std::uint64_t schedules = 0;  ///< executions, those included that ended where a known state was met
    std::uint64_t complete = 0;   ///< executions in which every thread came to its end
    std::uint64_t steps = 0;
    std::uint64_t states = 0;
    bool exhausted = false;
    double seconds = 0;
};

/// Stops at the first violation.
report explore(program& p, const options& o);

/// Follows a trace to its end, and from there the first choice at each step. With `tell`, prints the steps.
report replay(program& p, const options& o, const std::string& trace, bool tell = false);

}  // namespace explore
