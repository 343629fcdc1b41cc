// What a hedge refuses to be set up with.
#include <bulwark/detail/config_check.hpp>
#include <bulwark/hedge_config.hpp>

namespace bulwark::inline BULWARK_ABI {

void validate(const hedge_config& config) {
    constexpr detail::config_check require("hedge_config");
    require(config.delay >= std::chrono::nanoseconds::zero(), "delay", "must be given, and not be negative");
    require(config.max_attempts >= 1 && config.max_attempts <= 64, "max_attempts", "must be at least 1 and at most 64");
}

}  // namespace bulwark::inline BULWARK_ABI
