// Whether ThreadSanitizer watches: a planted defect that is a data race as well is then for the canary to prove, and
// would end any other run.
#pragma once

namespace bulwark::checks {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool under_thread_sanitizer = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif
#else
inline constexpr bool under_thread_sanitizer = false;
#endif

}  // namespace bulwark::checks
