// What a hedge refuses to be set up with.
#include <bulwark/hedge_config.hpp>

#include <stdexcept>
#include <string>

namespace bulwark::inline BULWARK_ABI {
namespace {

void require(bool sound, const char* field, const char* rule) {
    if (!sound) throw std::invalid_argument(std::string("bulwark: hedge_config: ") + field + ' ' + rule);
}

}  // namespace

void validate(const hedge_config& config) {
    require(config.delay >= std::chrono::nanoseconds::zero(), "delay", "must be given, and not be negative");
    require(config.max_attempts >= 1 && config.max_attempts <= 64, "max_attempts", "must be at least 1 and at most 64");
}

}  // namespace bulwark::inline BULWARK_ABI
