// Where the C++ ABI keeps the number of exceptions under way.
#include <bulwark/detail/exceptions_in_flight.hpp>

#if defined(__GXX_ABI_VERSION) && __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace bulwark::inline BULWARK_ABI::detail {

const unsigned* find_uncaught_here() noexcept {
#if defined(__GXX_ABI_VERSION) && __has_include(<cxxabi.h>)
    /// Itanium C++ ABI, 2.2.2: what __cxa_get_globals() points to. Not declared in <cxxabi.h>.
    struct eh_globals {
        void* caught_exceptions;
        unsigned uncaught_exceptions;
    };
    return &reinterpret_cast<const eh_globals*>(abi::__cxa_get_globals())->uncaught_exceptions;
#else
    return nullptr;
#endif
}

}  // namespace bulwark::inline BULWARK_ABI::detail
