// How compartments are set up, by name and by default, and what they refuse to be set up with.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/bulkhead_config.hpp>
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/version.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bulwark::inline BULWARK_ABI {

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
    /// Told, with the name of the service, what the callbacks of its breaker and its bulkhead are told, on the same
    /// terms, after them: once, in the thread concerned, with nothing held. What a callback throws is dropped, and the
    /// other one is told all the same. Several threads may call them at once, of one service and of several. The name
    /// is good as long as the registry.
    std::function<void(std::string_view name, const transition&)> on_state_change = nullptr;
    std::function<void(std::string_view name, const bulkhead_event&)> on_event = nullptr;
};

/// Throws std::invalid_argument that names the service ("defaults" for the defaults) and the field that makes no sense;
/// otherwise does nothing.
void validate(const compartments_config& config);

/// What a compartment of that name has.
const compartment_config& config_of(const compartments_config& config, std::string_view name) noexcept;

/// The same, with callbacks that call its own and then those for all. They refer to `config` and to the name, which
/// must live as long as the compartment.
compartment_config config_with_callbacks(const compartments_config& config, std::string_view name);

}  // namespace bulwark::inline BULWARK_ABI
