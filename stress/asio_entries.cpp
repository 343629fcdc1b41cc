// The scenarios of waiters without threads, where there is Boost.Asio. The mutex references have none.
#include "asio_scenarios.hpp"
#include "entries.hpp"
#include "implementations.hpp"

#include <vector>

namespace bulwark::stress {

void add_asio_scenarios(std::vector<entry>& all) {
    all.push_back({"waiters-on-contexts", lock_free::name, kind::crowd, &repeat<waiters_on_contexts<lock_free>>});
    all.push_back(
        {"waiters-on-contexts", lock_free_bytes::name, kind::crowd, &repeat<waiters_on_contexts<lock_free_bytes>>});
}

}  // namespace bulwark::stress
