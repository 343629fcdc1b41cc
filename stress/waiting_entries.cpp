// The scenarios of bulkheads at which callers wait, on every implementation, and of compartments; and planted defects.
#include "compartment_scenarios.hpp"
#include "entries.hpp"
#include "implementations.hpp"
#include "planted_waiting.hpp"
#include "waiting_rounds.hpp"
#include "waiting_scenarios.hpp"

#include <functional>
#include <utility>
#include <vector>

namespace bulwark::stress {
namespace {

template <class Impl>
void add_waiting(std::vector<entry>& all) {
    const auto one = [&](const char* scenario, std::function<void(run&)> repeat) {
        all.push_back({scenario, Impl::name, kind::crowd, std::move(repeat)});
    };
    one("waiters-conserve", &repeat<waiters_conserve_permits<Impl>>);
    one("waiters-are-woken", &repeat<waiters_are_woken<Impl>>);
    one("waiters-in-order", &repeat<waiters_are_in_order<Impl>>);
    one("large-not-starved", &repeat<large_request_is_not_starved<Impl>>);
    all.push_back({"wait-rounds", Impl::name, kind::rounds, &play_rounds<waiter_meets_its_end<Impl>>});
}

}  // namespace

void add_waiting_scenarios(std::vector<entry>& all) {
    add_waiting<lock_free>(all);
    add_waiting<lock_free_two_cells>(all);
    add_waiting<lock_free_compact>(all);
    add_waiting<lock_free_bytes>(all);
    add_waiting<mutex_reference>(all);
    add_waiting<mutex_reference_bytes>(all);
    add_compartments(all, kind::crowd, kind::rounds);
}

void add_planted_waiting(std::vector<entry>& all) {
    using planted::defect;
    const auto crowd = [&](const char* scenario, std::function<void(run&)> play) {
        all.push_back({scenario, "planted", kind::planted_crowd, std::move(play)});
    };
    crowd("waiter-keeps-permit", &repeat<waiters_conserve_permits<planted::waiting<defect::keeps_permit>>>);
    crowd("lost-wake-up", &repeat<waiters_are_woken<planted::waiting<defect::looks_too_soon>>>);
    crowd("newcomer-slips-in", &repeat<waiters_are_in_order<planted::waiting<defect::lets_newcomers>>>);
    crowd("small-ones-first", &repeat<large_request_is_not_starved<planted::waiting<defect::small_first>>>);
    all.push_back({"race-for-the-queue", "planted", kind::planted_leak,
                   &play_rounds<waiter_meets_its_end<planted::waiting<defect::looks_too_soon>>>});
}

}  // namespace bulwark::stress
