// How the library meets the exceptions of the user's functions, and what is left of that in code that is compiled
// without (-fno-exceptions): the plain call, since nothing can be thrown by what is compiled so.
//
// Macros, and the only ones of the library that look like code: with exceptions they are the words try, catch and throw
// themselves, so that not an instruction changes. Guard objects are dearer (0.5 ns a call of a breaker), since they
// have to be told that all went well; functions that take a function to call in the handler make clang write down, in
// every call, what that function would need.
//
// Code of both kinds in one program. What differs between them must not have one name, or the linker would take either
// for both, and with it the handlers from code that relies on them. So without exceptions the types whose members
// handle any have one word more in their names to the linker (BULWARK_BY_EXCEPTIONS): each kind of code has breakers,
// bulkheads and retries of its own. One that is handed from the one kind to the other does not link, and so cannot
// silently lose its handlers. The rest (values, configurations, results, what lies in the compiled part of the library)
// is the same for both, and that part may be compiled either way.
#pragma once

#include <bulwark/version.hpp>

#include <exception>
#include <functional>
#include <type_traits>

#if defined(__cpp_exceptions)
#define BULWARK_HAS_EXCEPTIONS 1
#define BULWARK_BY_EXCEPTIONS
#define BULWARK_TRY try
#define BULWARK_CATCH_ALL catch (...)
#define BULWARK_RETHROW throw
#else
#define BULWARK_HAS_EXCEPTIONS 0
#define BULWARK_BY_EXCEPTIONS [[gnu::abi_tag("no_exceptions")]]
#define BULWARK_TRY if constexpr (true)
#define BULWARK_CATCH_ALL else
#define BULWARK_RETHROW std::terminate()
#endif

namespace bulwark::inline BULWARK_ABI::detail {

/// What is being handled; or goes on with it where that is no exception of C++, such as the end of a thread.
BULWARK_BY_EXCEPTIONS inline std::exception_ptr caught() {
    std::exception_ptr thrown = std::current_exception();
    if (!thrown) BULWARK_RETHROW;
    return thrown;
}

/// Tells a listener, where there is one. What it throws is dropped: its failure is nobody else's.
template <class Event>
BULWARK_BY_EXCEPTIONS void tell(const std::function<void(const Event&)>& listener,
                                const std::type_identity_t<Event>& event) noexcept {
    if (!listener) return;
    BULWARK_TRY {
        listener(event);
    }
    BULWARK_CATCH_ALL {  // NOLINT(bugprone-empty-catch): as documented
    }
}

}  // namespace bulwark::inline BULWARK_ABI::detail
