// Where the coarse clock is read: in the code that the kernel maps into every process (vdso(7)), where that is found.
#include <bulwark/clock.hpp>

#if defined(CLOCK_MONOTONIC_COARSE)

#include <dlfcn.h>

namespace bulwark::inline BULWARK_ABI::detail {
namespace {

#if defined(__aarch64__)
[[maybe_unused]] constexpr const char* symbol = "__kernel_clock_gettime";
[[maybe_unused]] constexpr const char* symbol_version = "LINUX_2.6.39";
#else
[[maybe_unused]] constexpr const char* symbol = "__vdso_clock_gettime";
[[maybe_unused]] constexpr const char* symbol_version = "LINUX_2.6";
#endif

/// Null where the process has no such code, or another name for it.
void* find_in_kernel_code() noexcept {
#if defined(__GLIBC__)
    void* const code = ::dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
    return code == nullptr ? nullptr : ::dlvsym(code, symbol, symbol_version);
#else
    return nullptr;
#endif
}

}  // namespace

// Constant-initialized, so that a breaker among the static variables of another file finds a clock.
constinit time_function gettime = &::clock_gettime;

namespace {
[[maybe_unused]] const bool looked_for = [] {
    void* const function = find_in_kernel_code();
    if (function != nullptr) gettime = reinterpret_cast<time_function>(function);
    return function != nullptr;
}();
}  // namespace

}  // namespace bulwark::inline BULWARK_ABI::detail

#endif
