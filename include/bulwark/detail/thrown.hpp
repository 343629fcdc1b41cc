// What an exception says of the service: as a rule that it failed; but one that stands for a refusal by the library,
// such as value() of a refused result throws, says nothing of it.
#pragma once

#include <bulwark/detail/exceptions.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <exception>
#include <optional>

namespace bulwark::inline BULWARK_ABI::detail {

#if BULWARK_HAS_EXCEPTIONS

/// Of an exception that stands for a refusal by the library: which.
std::optional<errc> refusal_in(const std::exception_ptr& thrown) noexcept;

/// Of the exception that is being handled.
outcome outcome_of_thrown() noexcept;

#else

// Never called where nothing is thrown. Another name than above: a library that is compiled without exceptions cannot
// look into any, and so does not link with code that has some.
BULWARK_BY_EXCEPTIONS inline std::optional<errc> refusal_in(const std::exception_ptr&) noexcept {
    return std::nullopt;
}
BULWARK_BY_EXCEPTIONS inline outcome outcome_of_thrown() noexcept {
    return outcome::failure;
}

#endif

}  // namespace bulwark::inline BULWARK_ABI::detail
