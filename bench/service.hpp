// The protected call of every benchmark: as cheap as a call can be, so that what is measured is the protection.
#pragma once

namespace bulwark::bench {

/// Neither inlined nor removed: the compiler may not see that it does nothing.
[[gnu::noinline]] inline int service() noexcept {
    int reply = 0;
    asm volatile("" : "+r"(reply));
    return reply;
}

}  // namespace bulwark::bench
