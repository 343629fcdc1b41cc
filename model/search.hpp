// How a model is searched, and what came of it.
#pragma once

#include <cstdint>
#include <string>

namespace bulwark::model {

/// A budget without end.
inline constexpr unsigned unlimited = ~0U;

struct search_plan {
    /// 0: every execution within the budgets below. Otherwise that many executions, drawn at random, without budgets.
    std::uint64_t random_executions = 0;
    unsigned switches = unlimited;  ///< preemptions in one execution
    unsigned stale = unlimited;     ///< how far, all in all, loads lag behind the newest value
    unsigned spurious = 1;          ///< compare_exchange_weak that fail without a reason
};

constexpr search_plan at_random(std::uint64_t executions) {
    return {.random_executions = executions};
}

/// Every interleaving and every value that a load may see, with at most one weak exchange that fails for no reason.
constexpr search_plan full() {
    return {};
}

/// Every execution with at most so many preemptions, in which loads lag behind by at most so many values all in all.
constexpr search_plan bounded(unsigned switches, unsigned stale) {
    return {.switches = switches, .stale = stale, .spurious = 0};
}

inline std::string describe(const search_plan& plan) {
    if (plan.random_executions != 0) return "random";
    if (plan.switches == unlimited) return "full";
    return "context bound " + std::to_string(plan.switches) + ", stale " + std::to_string(plan.stale);
}

struct search_result {
    std::uint64_t executions = 0;
    std::string defect;  ///< empty: none was found
    std::string trace;   ///< every step of the execution that showed the defect, where it was asked for
};

}  // namespace bulwark::model
