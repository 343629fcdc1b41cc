// What a back-off refuses to be set up with.
#include <bulwark/backoff.hpp>

#include <limits>
#include <stdexcept>
#include <string>

namespace bulwark::inline BULWARK_ABI {
namespace {

void require(bool sound, const char* field, const char* rule) {
    if (!sound) throw std::invalid_argument(std::string("bulwark: backoff_config: ") + field + ' ' + rule);
}

}  // namespace

void validate(const backoff_config& config) {
    require(config.initial.count() >= 0, "initial", "must not be negative");
    // NaN compares as neither.
    const bool grows = config.multiplier >= 1.0 && config.multiplier <= std::numeric_limits<double>::max();
    require(grows, "multiplier", "must be a number and at least 1");
    require(config.ceiling >= config.initial, "ceiling", "must be at least the initial delay");
    const bool known = config.jitter == jitter::none || config.jitter == jitter::full || config.jitter == jitter::equal;
    require(known, "jitter", "must be none, full or equal");
}

}  // namespace bulwark::inline BULWARK_ABI
