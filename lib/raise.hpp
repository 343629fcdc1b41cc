// How the library throws: where it is compiled without exceptions, it says the same and terminates.
#pragma once

#include <bulwark/detail/exceptions.hpp>
#include <bulwark/version.hpp>

#include <cstdio>
#include <exception>

namespace bulwark::inline BULWARK_ABI::detail {

template <class Exception>
[[noreturn]] BULWARK_BY_EXCEPTIONS void raise(const Exception& error) {
#if BULWARK_HAS_EXCEPTIONS
    throw error;
#else
    std::fprintf(stderr, "%s\n", error.what());
    std::terminate();
#endif
}

}  // namespace bulwark::inline BULWARK_ABI::detail
