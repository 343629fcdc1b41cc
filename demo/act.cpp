// Implements act.hpp.
#include "act.hpp"

#include <optional>
#include <thread>
#include <vector>

namespace demo {
namespace {

constexpr duration time_to_set_up = 200ms;  // threads and the server are ready before the first call is due

report run(const target& where, const fault_script* script, const load_plan& plan, guard& protection, time_point start,
           const screen& out) {
    load clients(where, plan, protection, start);
    std::vector<moment> moments;
    bool over = false;
    for (int n = 1; !over; ++n) {
        const duration since_start = n * slice_length;
        std::this_thread::sleep_until(start + since_start);
        const load_view view = clients.view();
        over = view.over;
        if (over && view.ended.empty()) break;
        std::optional<bool> fails;
        // The slice that ends here is named after its middle.
        if (script != nullptr) fails = script->fails_at(since_start - slice_length / 2);
        moments.push_back({fails, protection.state()});
        out.slice(since_start, view, moments);
    }
    if (protection.state()) out.charts(moments);

    const std::vector<call_record> calls = clients.records();
    report made{.calls = plan.calls(),
                .useful = count(calls, verdict::useful),
                .late = count(calls, verdict::late),
                .errors = count(calls, verdict::error),
                .refused_by_breaker = count(calls, verdict::refused_by_breaker),
                .refused_by_bulkhead = count(calls, verdict::refused_by_bulkhead),
                .never_sent = plan.calls() - calls.size(),
                .reached = clients.sent(),
                .times_opened = protection.times_opened(),
                .p50 = quantile(calls, 0.5),
                .p99 = quantile(calls, 0.99),
                .recovery = std::nullopt,
                .complaint = protection.complaint()};
    if (script != nullptr) made.recovery = time_to_recover(calls, plan.per_second, start + script->fault_ends);
    if (made.reached + made.refused() != calls.size() || made.useful + made.late + made.errors != made.reached) {
        made.complaint = "calls are missing from the accounts";
    }
    return made;
}

}  // namespace

report run_scripted_act(std::string_view title, const fault_script& script, const load_plan& plan, guard& protection,
                        const screen& out) {
    const time_point start = clock::now() + time_to_set_up;
    const upstream server(script, start);
    out.begin_act(title);
    report made = run({server.origin(), "/"}, &script, plan, protection, start, out);
    made.reached = server.arrived();
    return made;
}

report run_act(std::string_view title, const target& where, const load_plan& plan, guard& protection,
               const screen& out) {
    out.begin_act(title);
    return run(where, nullptr, plan, protection, clock::now() + time_to_set_up, out);
}

}  // namespace demo
