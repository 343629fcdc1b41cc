// What a circuit breaker refuses to be set up with.
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/detail/thread_slot.hpp>

#include <stdexcept>
#include <string>

namespace bulwark {
namespace {

void require(bool sound, const char* field, const char* rule) {
    if (!sound) throw std::invalid_argument(std::string("bulwark: circuit_breaker_config: ") + field + ' ' + rule);
}

}  // namespace

void validate(const circuit_breaker_config& config) {
    using std::chrono::nanoseconds;
    require(config.max_requests != 0, "max_requests", "must be at least 1");
    require(config.interval >= nanoseconds::zero(), "interval", "must not be negative");
    require(config.timeout >= nanoseconds::zero(), "timeout", "must not be negative");
    require(config.probe_timeout >= nanoseconds::zero(), "probe_timeout", "must not be negative");
    require(static_cast<bool>(config.ready_to_trip), "ready_to_trip", "must not be empty");
    require(config.cells <= detail::max_thread_slots, "cells", "must be at most 1024");
}

}  // namespace bulwark
