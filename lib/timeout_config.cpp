// What a timeout refuses to be set up with.
#include <bulwark/detail/config_check.hpp>
#include <bulwark/timeout_config.hpp>

namespace bulwark::inline BULWARK_ABI {

void validate(const timeout_config& config) {
    constexpr detail::config_check require("timeout_config");
    require(config.limit > std::chrono::nanoseconds::zero(), "limit", "must be more than 0");
}

}  // namespace bulwark::inline BULWARK_ABI
