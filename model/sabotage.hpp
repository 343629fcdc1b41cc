// Defects planted while a model runs. The shipped headers stay as they are: the atomics they are instantiated over ask,
// at every operation, whether the function that calls them is to be spoilt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string_view>

namespace bulwark::model {

/// Its window, its requests, its successes, its row.
inline constexpr std::size_t words_of_a_cell = 4;

enum class fault : std::uint8_t {
    none,
    relaxed,        ///< the order becomes relaxed
    no_acquire,     ///< the order loses its acquire part
    no_release,     ///< the order loses its release part
    torn,           ///< a read-modify-write becomes a load and a store
    blind_failure,  ///< a compare-and-swap that fails does not see what made it fail
};

struct sabotage {
    fault kind = fault::none;
    // g++ warns of an aggregate that is set up without these two, unless they have initializers.
    /// The innermost function of the library that names the operation.
    std::string_view function{};  // NOLINT(readability-redundant-member-init)
    int word = any_word;          ///< of a cell, by its place there: the operations on that word only
    /// Likewise spoilt, where one of the two makes good for the other.
    std::string_view other_function{};  // NOLINT(readability-redundant-member-init)

    static constexpr int any_word = -1;

    bool strikes(fault asked, const std::source_location& site, std::size_t place) const noexcept {
        if (kind != asked || (word != any_word && static_cast<int>(place % words_of_a_cell) != word)) return false;
        return names(function, site) || (!other_function.empty() && names(other_function, site));
    }

private:
    static bool names(std::string_view function, const std::source_location& site) {
        // '...breaker_core<...>::freeze(...)', as both compilers spell it. Without a copy: memory is Relacy's here.
        const std::string_view name = site.function_name();
        for (std::size_t at = name.find(function); at != std::string_view::npos; at = name.find(function, at + 1)) {
            if (at >= 2 && name.substr(at - 2, 2) == "::" && name.substr(at + function.size(), 1) == "(") return true;
        }
        return false;
    }
};

inline sabotage current_sabotage;

}  // namespace bulwark::model
