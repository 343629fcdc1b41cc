// How a configuration that makes no sense is refused: everywhere with the same words, those that the contract promises.
#pragma once

#include <bulwark/version.hpp>

#include <string>

namespace bulwark::inline BULWARK_ABI::detail {

/// Throws std::invalid_argument("bulwark: <what>"). Where the library is compiled without exceptions, it says that on
/// stderr and terminates.
[[noreturn]] void refuse_config(const std::string& what);

/// What is demanded of the fields of one configuration:
///     constexpr config_check require("backoff_config");
///     require(config.initial >= 0ns, "initial", "must not be negative");
class config_check {
public:
    constexpr explicit config_check(const char* config) noexcept : config_(config) {}

    void operator()(bool sound, const char* field, const char* rule) const {
        if (!sound) refuse(field, rule);
    }

private:
    [[noreturn]] void refuse(const char* field, const char* rule) const;

    const char* config_;
};

/// While it lives, what this thread refuses is said to be `whose`: for configurations inside another. Such objects nest
/// like calls.
class part_of_config {
public:
    explicit part_of_config(std::string whose);
    part_of_config(const part_of_config&) = delete;
    part_of_config& operator=(const part_of_config&) = delete;
    ~part_of_config();

private:
    const std::string whose_;
    const std::string* const before_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
