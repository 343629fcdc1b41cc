// What an exception says of the service: as a rule that it failed; but one that stands for a refusal by the library,
// such as value() of a refused result throws, says nothing of it.
#pragma once

#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <exception>
#include <optional>

namespace bulwark::inline BULWARK_ABI::detail {

/// Of an exception that stands for a refusal by the library: which.
std::optional<errc> refusal_in(const std::exception_ptr& thrown) noexcept;

/// Of the exception that is being handled.
outcome outcome_of_thrown() noexcept;

}  // namespace bulwark::inline BULWARK_ABI::detail
