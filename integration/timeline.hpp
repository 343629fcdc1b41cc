// A load through phases: an open loop of calls, while the service under them is well, in trouble, well again.
#pragma once

#include <bulwark/errc.hpp>
#include <loadgen/open_loop.hpp>
#include <loadgen/time.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace integration {

using loadgen::clock;
using loadgen::duration;
using loadgen::time_point;

enum class verdict : std::uint8_t {
    answered,
    failed,              ///< no answer, or an error for one
    refused_by_breaker,  ///< by an open one, or one that has its probes out
    refused_by_bulkhead,
    refused_otherwise,  ///< the call's time was over before it was made
};

/// Of a call that the library answered instead of the service.
verdict verdict_of(bulwark::errc refusal);

struct call_record {
    time_point due;
    time_point ended;
    verdict how;

    duration latency() const { return ended - due; }
};

struct phase {
    std::string name;
    bool faulty;
    duration length;
    /// Brings the phase about. A phase of health begins when it has returned, a faulty one when it is called.
    std::function<void()> enter;
};

struct phase_span {
    std::string name;
    bool faulty;
    time_point begin;
    time_point end;

    bool has(time_point at) const { return begin <= at && at < end; }
};

struct load_plan {
    std::uint32_t threads;
    std::uint32_t per_second;
    duration in_time;  ///< an answer that comes later, from the moment the call was due, is late
    duration slice;    ///< of the curves
};

/// What was seen of one run.
struct timeline {
    load_plan plan;
    time_point start;
    std::vector<phase_span> phases;
    std::vector<call_record> calls;  ///< in the order in which they were due
    std::size_t never_made;          ///< calls for which no thread became free, in half a minute after the end
};

/// One call, made in a thread of its own loop. What it throws ends the program.
using caller = std::function<verdict(std::size_t nth)>;

/// Where entering a phase throws, the load is stopped and the exception goes on.
timeline run(const load_plan& plan, const std::vector<phase>& phases, const std::function<caller()>& make_caller);

}  // namespace integration
