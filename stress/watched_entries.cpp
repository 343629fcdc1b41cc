// The scenarios of watched breakers.
#include "entries.hpp"
#include "implementations.hpp"
#include "watched_scenarios.hpp"

#include <vector>

namespace bulwark::stress {
namespace {

template <class Impl>
void add(std::vector<entry>& all) {
    all.push_back({"watched-threshold", Impl::name, kind::crowd, &repeat<watched_threshold<Impl>>});
    all.push_back({"watched-sums", Impl::name, kind::crowd, &repeat<watched_sums<Impl>>});
    all.push_back({"watched-everything", Impl::name, kind::crowd, &repeat<watched_everything<Impl>>});
    all.push_back({"ramp-share", Impl::name, kind::crowd, &repeat<ramp_share<Impl>>});
}

}  // namespace

void add_watched_scenarios(std::vector<entry>& all) {
    add<lock_free>(all);
    add<mutex_reference>(all);
}

}  // namespace bulwark::stress
