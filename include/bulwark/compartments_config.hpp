// How compartments are set up, by name and by default, and what they refuse to be set up with.
#pragma once

#include <bulwark/bulkhead_config.hpp>
#include <bulwark/circuit_breaker_config.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bulwark {

/// What a compartment has: a breaker and a bulkhead. bulkhead.max_concurrent has no default.
struct compartment_config {
    circuit_breaker_config breaker = {};
    bulkhead_config bulkhead = {};
};

/// The configuration of one service by its name. It is complete: nothing of the defaults is mixed in.
struct service_config {
    std::string name;
    compartment_config config = {};
};

struct compartments_config {
    /// For every name that is not among `services`.
    compartment_config defaults = {};
    /// No name twice. A compartment is created at the first use of its name, also of one that stands here.
    std::vector<service_config> services = {};  // NOLINT(readability-redundant-member-init): g++ asks for it
    /// About how many compartments there will be: look-up walks one of them on the average as long as there are not
    /// more. At least 1 and at most 2^20; the table takes 8 bytes for each.
    std::uint32_t expected = 64;
};

/// Throws std::invalid_argument that names the service ("defaults" for the defaults) and the field that makes no sense;
/// otherwise does nothing.
void validate(const compartments_config& config);

/// What a compartment of that name has.
const compartment_config& config_of(const compartments_config& config, std::string_view name) noexcept;

}  // namespace bulwark
