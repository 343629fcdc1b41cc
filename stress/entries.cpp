// The scenarios of breakers and of bulkheads that turn away at once, on every implementation; and planted leaks.
#include "entries.hpp"
#include "implementations.hpp"

#include "breaker_scenarios.hpp"
#include "bulkhead_scenarios.hpp"
#include "call_rounds.hpp"
#include "count_scenarios.hpp"
#include "limit_scenarios.hpp"
#include "place_rounds.hpp"
#include "planted.hpp"
#include "retry_scenarios.hpp"

#include <bulwark/reference/retry_budget.hpp>
#include <checks/thread_sanitizer.hpp>

#include <functional>
#include <utility>
#include <vector>

namespace bulwark::stress {
namespace {

template <class Impl>
void add(std::vector<entry>& all) {
    const auto one = [&](const char* scenario, std::function<void(run&)> repeat) {
        all.push_back({scenario, Impl::name, kind::crowd, std::move(repeat)});
    };
    one("trip-at-the-threshold", &repeat<trip_at_the_threshold<Impl>>);
    one("probe-limit", &repeat<probe_limit<Impl>>);
    one("stale-results", &repeat<stale_results<Impl>>);
    one("hung-probes", &repeat<hung_probes<Impl>>);
    one("counts-add-up", &repeat<counts_add_up<Impl>>);
    one("everything-at-once", &repeat<everything_at_once<Impl>>);
    one("thread-churn", &repeat<thread_churn<Impl>>);
    one("handed-on", &repeat<permits_handed_on<Impl>>);
    one("many-breakers", &repeat<many_breakers<Impl>>);
    one("quiet-moments", &repeat<exact_in_quiet_moments<Impl>>);
    one("permits-are-conserved", &repeat<permits_are_conserved<Impl>>);
    one("refused-only-when-full", &repeat<refused_only_when_full<Impl>>);
    const auto rounds = [&](const char* scenario, std::function<void(run&)> play) {
        all.push_back({scenario, Impl::name, kind::rounds, std::move(play)});
    };
    rounds("call-rounds", &play_rounds<calls_are_counted<Impl>>);
    rounds("probe-rounds", &play_rounds<places_come_back<probe_places<Impl>>>);
    rounds("permit-rounds", &play_rounds<places_come_back<bulkhead_places<Impl>>>);
}

}  // namespace

void add_scenarios(std::vector<entry>& all) {
    add<lock_free>(all);
    add<lock_free_thin>(all);
    add<lock_free_two_cells>(all);
    add<lock_free_compact>(all);
    add<lock_free_compact_thin>(all);
    add<mutex_reference>(all);
    all.push_back({"limit-is-kept", lock_free::name, kind::crowd, &repeat<limit_is_kept<lock_free_limit>>});
    all.push_back({"limit-is-kept", mutex_reference::name, kind::crowd, &repeat<limit_is_kept<mutex_limit>>});
    all.push_back({"retry-budget", lock_free::name, kind::crowd, &repeat<budget_is_kept<retry_budget>>});
    all.push_back(
        {"retry-budget", mutex_reference::name, kind::crowd, &repeat<budget_is_kept<reference::retry_budget>>});
    all.push_back({"retries-add-up", lock_free::name, kind::crowd, &repeat<retries_add_up>});
}

void add_planted(std::vector<entry>& all) {
    all.push_back({"probe-leak", planted::probe_leak::name, kind::planted_leak,
                   &play_rounds<places_come_back<probe_places<planted::probe_leak>>>});
    all.push_back({"permit-leak", planted::permit_leak::name, kind::planted_leak,
                   &play_rounds<places_come_back<bulkhead_places<planted::permit_leak>>>});
    // ThreadSanitizer sees a race there, as it must: see canary.cpp.
    if (bulwark::checks::under_thread_sanitizer) return;
    all.push_back({"shared-slot", planted::shared_slot::name, kind::planted_leak,
                   &play_rounds<calls_are_counted<planted::shared_slot>>});
}

}  // namespace bulwark::stress
