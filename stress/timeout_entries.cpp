// The scenarios of calls that their callers may leave, and of the thread pool and the memory resource. Of each there is
// one implementation.
#include "entries.hpp"
#include "pool_scenarios.hpp"
#include "timeout_scenarios.hpp"

#include <vector>

namespace bulwark::stress {

void add_timeout_scenarios(std::vector<entry>& all) {
    all.push_back({"left-calls", "pool-timeout", kind::crowd, &repeat<calls_left_on_time>});
    all.push_back({"hedged-calls", "hedge", kind::crowd, &repeat<hedged_calls>});
    all.push_back({"alarms-and-ends", "timer", kind::crowd, &repeat<alarms_and_ends>});
    all.push_back({"nothing-abandoned", "thread-pool", kind::crowd, &repeat<pool_abandons_nothing>});
    all.push_back({"bytes-are-charged", "memory-resource", kind::crowd, &repeat<memory_is_charged>});
}

}  // namespace bulwark::stress
