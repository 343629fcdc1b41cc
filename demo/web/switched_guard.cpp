// Implements switched_guard.hpp.
#include "switched_guard.hpp"

#include <utility>

namespace demo {
namespace {

bulwark::outcome judge(int status) {
    return status == no_answer || status >= 500 ? bulwark::outcome::failure : bulwark::outcome::success;
}

}  // namespace

switched_guard::switched_guard(const guard_plan& plan)
    : limit_(plan.limit),
      budget_(plan.budget),
      budgeted_(with(plan.retry, &budget_)),
      unbounded_(with(plan.retry, nullptr)),
      breaker_(plan.breaker),
      bulkhead_(plan.bulkhead),
      waiting_(bulkhead_, plan.wait),
      call_(limit_, switched(budgeted_, use_budgeted_), switched(unbounded_, use_unbounded_),
            switched(breaker_, use_breaker_), switched(waiting_, use_bulkhead_)) {}

bulwark::retry_config switched_guard::with(bulwark::retry_config config, bulwark::retry_budget* budget) {
    config.budget = budget;
    return config;
}

reply switched_guard::call(const http_call& send) {
    return call_.execute(send, judge);
}

void switched_guard::set(const protection& wanted) {
    // relaxed: each is looked at for itself, and a call that is under way goes on as it began.
    use_budgeted_.store(wanted.retry && wanted.budget, std::memory_order_relaxed);
    use_unbounded_.store(wanted.retry && !wanted.budget, std::memory_order_relaxed);
    use_breaker_.store(wanted.breaker, std::memory_order_relaxed);
    use_bulkhead_.store(wanted.bulkhead, std::memory_order_relaxed);
}

std::string switched_guard::complaint() const {
    if (bulkhead_.in_use() != 0) return "the bulkhead still has permits out";
    const bulwark::breaker_counts counts = breaker_.counts();
    if (counts.requests != counts.total_successes + counts.total_failures + counts.total_ignored) {
        return "the breaker still has calls under way: " + to_string(breaker_);
    }
    return {};
}

}  // namespace demo
