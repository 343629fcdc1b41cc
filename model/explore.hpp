// Runs one Relacy suite as its plan says.
#pragma once

#include "relacy.hpp"
#include "schedulers.hpp"
#include "search.hpp"

#include <ostream>
#include <string>
#include <utility>

namespace bulwark::model {

/// While one of these lives, memory comes from malloc. Relacy replaces operator new, counts what an execution allocates
/// and calls the rest a leak; the oracle's memory lives on.
class outside_relacy {
public:
    outside_relacy() : context_(std::exchange(rl::context_holder<>::instance_, nullptr)) {}
    outside_relacy(const outside_relacy&) = delete;
    outside_relacy& operator=(const outside_relacy&) = delete;
    ~outside_relacy() { rl::context_holder<>::instance_ = context_; }

private:
    rl::context* context_;
};

/// Why the execution was given up.
inline std::string current_defect;

/// Ends the execution and the search; does not return. Never called with an outside_relacy alive.
inline void give_up(const char* why) {
    {
        const outside_relacy memory;
        current_defect = why;
    }
    rl::ctx().fail_test("", rl::test_result_user_assert_failed, RL_INFO);
}

namespace detail {

template <class Suite>
rl::test_result_e run(rl::test_params& params, std::ostream& state, bool again) {
    constexpr rl::thread_id_t threads = Suite::params::thread_count;
    return current_plan.random_executions != 0
               ? rl::run_test<Suite, bursty_scheduler<threads>>(params, state, again)
               : rl::run_test<Suite, exhaustive_scheduler<threads>>(params, state, again);
}

}  // namespace detail

template <class Suite>
search_result explore(const search_plan& plan, bool with_trace) {
    current_plan = plan;
    current_defect.clear();
    std::ostream nowhere(nullptr);

    rl::test_params params;
    params.output_stream = &nowhere;
    params.progress_stream = &nowhere;
    params.iteration_count = plan.random_executions;
    // Whatever the plan: it is how Relacy lets a load lag by more than one value.
    params.search_type = rl::sched_random;
    // No execution of a lock-free algorithm here comes near; a loop that runs for ever ends as a livelock.
    params.execution_depth_limit = 50'000;

    rl::ostringstream state;
    const rl::test_result_e result = detail::run<Suite>(params, state, false);
    search_result found{.executions = params.stop_iteration, .defect = {}, .trace = {}};
    if (result == rl::test_result_success) return found;

    found.defect = current_defect.empty() ? std::string(rl::test_result_str(result)) : current_defect;
    if (with_trace) {
        rl::ostringstream trace;
        rl::ostringstream ignored;
        params.output_stream = &trace;
        params.collect_history = true;
        params.initial_state = state.str();
        detail::run<Suite>(params, ignored, true);
        const rl::string text = trace.str();  // of another allocator
        found.trace.assign(text.begin(), text.end());
    }
    return found;
}

}  // namespace bulwark::model
