// The scenarios of rate limiters, lock-free and mutex; and planted mistakes.
#include "entries.hpp"
#include "rate_scenarios.hpp"

#include <bulwark/rate_limiter.hpp>
#include <bulwark/reference/rate_limiter.hpp>

#include <thread>
#include <vector>

namespace bulwark::stress {
namespace {

template <class Clock>
using lock_free_limiter = basic_rate_limiter<Clock>;
template <class Clock>
using mutex_limiter = reference::basic_rate_limiter<Clock>;

/// A swap that is a load and, a moment later, a store: two who look at the same time are both granted the same permit.
template <class T>
class torn_swap : public detail::atomic<T> {
public:
    using detail::atomic<T>::atomic;

    bool compare_exchange_weak(T& expected, T desired, boost::memory_order) noexcept {
        // acquire, of no edge: a defect, the two halves of the swap that it replaces
        const T found = this->load(detail::memory_order_acquire);
        if (found != expected) return false;
        std::this_thread::yield();
        this->store(desired, detail::memory_order_release);
        return true;
    }
};
struct torn_traits : detail::default_traits {
    template <class T>
    using atomic = torn_swap<T>;
};
template <class Clock>
using torn_limiter = basic_rate_limiter<Clock, torn_traits>;

}  // namespace

void add_rate_scenarios(std::vector<entry>& all) {
    all.push_back({"rate-is-kept", "lock-free", kind::crowd, &repeat<rate_is_kept<lock_free_limiter>>});
    all.push_back({"rate-is-kept", "reference", kind::crowd, &repeat<rate_is_kept<mutex_limiter>>});
    all.push_back({"rate-waiters-leave", "lock-free", kind::crowd, &repeat<rate_waiters_leave<lock_free_limiter>>});
    all.push_back({"rate-waiters-leave", "reference", kind::crowd, &repeat<rate_waiters_leave<mutex_limiter>>});
}

void add_planted_rate(std::vector<entry>& all) {
    all.push_back({"torn-rate", "planted", kind::planted_crowd, &repeat<rate_is_kept<torn_limiter>>});
}

}  // namespace bulwark::stress
