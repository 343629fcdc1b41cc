// The seam of the lock-free parts, with the explorer's atomics.
#pragma once

#include <explore/atomic.hpp>

#include <bulwark/detail/layout.hpp>

namespace explore {

template <class Layout>
struct traits {
    using layout = Layout;
    template <class T>
    using atomic = explore::atomic<T>;
    static void pause() noexcept {}
};

}  // namespace explore
