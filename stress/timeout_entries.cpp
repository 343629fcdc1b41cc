// The scenarios of calls that their callers may leave. There is one implementation, behind mutexes.
#include "entries.hpp"
#include "timeout_scenarios.hpp"

#include <vector>

namespace bulwark::stress {

void add_timeout_scenarios(std::vector<entry>& all) {
    all.push_back({"left-calls", "pool-timeout", kind::crowd, &repeat<calls_left_on_time>});
    all.push_back({"hedged-calls", "hedge", kind::crowd, &repeat<hedged_calls>});
    all.push_back({"alarms-and-ends", "timer", kind::crowd, &repeat<alarms_and_ends>});
}

}  // namespace bulwark::stress
