// Defects planted while a model runs. The shipped headers stay as they are: the atomics they are instantiated over ask,
// at every operation, whether the function that calls them is to be spoilt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

namespace bulwark::model {

enum class fault : std::uint8_t {
    none,
    relaxed,       ///< the order becomes relaxed
    torn,          ///< a read-modify-write becomes a load and a store
    blind_failure  ///< a compare-and-swap that fails does not see what made it fail
};

struct sabotage {
    fault kind = fault::none;
    std::string_view function;  ///< the innermost function of the library that names the operation

    bool strikes(fault asked, const std::source_location& site) const noexcept {
        if (kind != asked) return false;
        // '...breaker_core<...>::freeze(...)', as both compilers spell it.
        const std::string_view name = site.function_name();
        const std::size_t at = name.find("::" + std::string(function) + "(");
        return at != std::string_view::npos;
    }
};

inline sabotage current_sabotage;

}  // namespace bulwark::model
