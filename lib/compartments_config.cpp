// What compartments refuse to be set up with, and which configuration and callbacks belong to a name.
#include <bulwark/compartments_config.hpp>
#include <bulwark/detail/config_check.hpp>
#include <bulwark/detail/exceptions.hpp>

#include <set>
#include <utility>

namespace bulwark::inline BULWARK_ABI {
namespace {

constexpr std::uint32_t most_expected = std::uint32_t{1} << 20;

[[noreturn]] void refuse(const std::string& whose, std::string_view why) {
    detail::refuse_config("compartments_config: " + whose + std::string(why));
}

std::string quoted(const std::string& name) {
    return "service \"" + name + "\"";
}

void validate_one(const std::string& whose, const compartment_config& config) {
    const detail::part_of_config part("compartments_config: " + whose);
    validate(config.breaker);
    validate(config.bulkhead);
}

/// `of_all` must outlive what is returned.
template <class Event>
std::function<void(const Event&)> both(std::function<void(const Event&)> own,
                                       const std::function<void(std::string_view, const Event&)>& of_all,
                                       std::string_view name) {
    if (!of_all) return own;
    return [own = std::move(own), &of_all, name](const Event& event) {
        detail::tell(own, event);
        of_all(name, event);  // what it throws is dropped by whoever calls this
    };
}

}  // namespace

void validate(const compartments_config& config) {
    if (config.expected == 0 || config.expected > most_expected) {
        refuse("expected", " must be at least 1 and at most 1048576");
    }
    validate_one("defaults", config.defaults);
    std::set<std::string_view> names;
    for (const service_config& service : config.services) {
        if (!names.insert(service.name).second) refuse(quoted(service.name), " is configured twice");
        validate_one(quoted(service.name), service.config);
    }
}

const compartment_config& config_of(const compartments_config& config, std::string_view name) noexcept {
    for (const service_config& service : config.services) {
        if (service.name == name) return service.config;
    }
    return config.defaults;
}

compartment_config config_with_callbacks(const compartments_config& config, std::string_view name) {
    compartment_config one = config_of(config, name);
    one.breaker.on_state_change = both(std::move(one.breaker.on_state_change), config.on_state_change, name);
    one.bulkhead.on_event = both(std::move(one.bulkhead.on_event), config.on_event, name);
    return one;
}

}  // namespace bulwark::inline BULWARK_ABI
