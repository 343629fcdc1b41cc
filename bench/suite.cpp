// The whole suite, put together.
#include "suite.hpp"

namespace bulwark::bench {

suite make_suite() {
    suite all;
    add_floors(all);
    add_breaker_cases(all);
    add_bulkhead_cases(all);
    add_handover_cases(all);
    add_limit_cases(all);
    add_retry_cases(all);
    add_rate_cases(all);
    return all;
}

}  // namespace bulwark::bench
