// Whether a call is still to be made.
#pragma once

#include <bulwark/errc.hpp>
#include <bulwark/version.hpp>

namespace bulwark::inline BULWARK_ABI::detail {

/// errc{} where it is; otherwise why not. Nothing was asked of the service, so neither is a failure.
template <class Context>
errc unwanted(const Context& context, typename Context::clock::time_point now) noexcept {
    if (context.stop_token().stop_requested()) return errc::stopped;
    if (context.deadline().expired(now)) return errc::timed_out;
    return errc{};
}

}  // namespace bulwark::inline BULWARK_ABI::detail
