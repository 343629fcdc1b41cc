// The protected call of every benchmark: as cheap as a call can be, so that what is measured is the protection.
#pragma once

#include <cstdint>

namespace bulwark::bench {

/// In a file of its own: the compiler may see neither that it does nothing nor that it does not throw. So a permit is
/// held as it is in a program, with a way out for an exception.
int service();

/// The value must be worked out, and nothing else: benchmark::DoNotOptimize also makes the compiler forget what it
/// knows of memory, which would make a floor higher than it is.
inline void need(std::int64_t value) noexcept {
    asm volatile("" : : "r"(value));
}

}  // namespace bulwark::bench
