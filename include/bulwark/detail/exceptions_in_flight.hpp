// How many exceptions are under way in the calling thread: std::uncaught_exceptions() without the call, which would
// take a third of the time of an admission.
//
// The C++ ABI of everybody but Microsoft (Itanium, 2.2.2) says where a thread keeps that number. Where the library was
// built for another ABI, the number is asked for each time.
//
// Progress: wait-free; the first use in a thread may allocate inside the C++ library. Cost: two loads.
#pragma once

#include <bulwark/version.hpp>

#include <exception>

namespace bulwark::inline BULWARK_ABI::detail {

/// Where this thread's number is; null before it was looked for.
inline constinit thread_local const unsigned* uncaught_here = nullptr;

/// Null where the ABI does not say.
const unsigned* find_uncaught_here() noexcept;

inline int exceptions_in_flight() noexcept {
    if (uncaught_here == nullptr) [[unlikely]] {
        uncaught_here = find_uncaught_here();
        if (uncaught_here == nullptr) return std::uncaught_exceptions();
    }
    return static_cast<int>(*uncaught_here);
}

}  // namespace bulwark::inline BULWARK_ABI::detail
