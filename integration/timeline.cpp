// Implements timeline.hpp.
#include "timeline.hpp"

#include "surroundings.hpp"

#include <algorithm>
#include <mutex>

namespace integration {
namespace {

using namespace std::chrono_literals;

constexpr duration time_to_set_up = 200ms;  // the threads are ready before the first call is due

}  // namespace

verdict verdict_of(bulwark::errc refusal) {
    switch (refusal) {
        case bulwark::errc::circuit_open:
        case bulwark::errc::too_many_probes: return verdict::refused_by_breaker;
        case bulwark::errc::bulkhead_full: return verdict::refused_by_bulkhead;
        case bulwark::errc::deadline_exceeded: return verdict::failed;
        default: return verdict::refused_otherwise;
    }
}

timeline run(const load_plan& plan, const std::vector<phase>& phases, const std::function<caller()>& make_caller) {
    timeline seen{.plan = plan, .start = clock::now() + time_to_set_up, .phases = {}, .calls = {}, .never_made = 0};
    duration length{};
    for (const phase& each : phases) length += each.length;
    const loadgen::schedule when{.start = seen.start, .per_second = plan.per_second, .length = length, .patience = 30s};

    std::mutex mutex;
    {
        loadgen::open_loop loop(when, plan.threads, [&] {
            return [&, make = make_caller()](std::size_t nth, time_point due) {
                const verdict how = make(nth);
                const time_point ended = clock::now();
                const std::lock_guard lock(mutex);
                seen.calls.push_back({due, ended, how});
            };
        });
        time_point next = seen.start;
        for (const phase& each : phases) {
            sleep_until(next);
            time_point begin = clock::now();
            if (each.enter) each.enter();
            if (!each.faulty) begin = clock::now();
            if (seen.phases.empty()) {
                begin = seen.start;
            } else {
                seen.phases.back().end = begin;
            }
            next += each.length;
            seen.phases.push_back({each.name, each.faulty, begin, next});
        }
        while (!loop.over()) sleep_until(clock::now() + 20ms);
    }
    std::ranges::sort(seen.calls, {}, &call_record::due);
    seen.never_made = when.calls() - seen.calls.size();
    return seen;
}

}  // namespace integration
