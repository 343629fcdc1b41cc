// What must hold of a bulkhead whatever the interleaving: one scenario for each promise.
#pragma once

#include "implementations.hpp"
#include "run.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bulwark::stress {

/// Never more inside than there are permits; every permit comes back, from whatever thread and after exceptions.
template <class Impl>
class permits_are_conserved {
public:
    explicit permits_are_conserved(run& r)
        : run_(r), pool_({.max_concurrent = 1 + static_cast<std::uint32_t>(r.random()() % r.threads())}) {}

    void act(unsigned, random_source& random) {
        constexpr int calls = 200;
        for (int i = 0; i != calls; ++i) {
            switch (random() % 4) {
                case 0: {  // a call that throws
                    try {
                        (void)pool_.execute([&] {
                            enter();
                            throw std::runtime_error("service");
                        });
                    } catch (const std::runtime_error&) {  // NOLINT(bugprone-empty-catch): thrown by the line above
                    }
                    break;
                }
                case 1: {  // a slot that another thread gives back
                    auto slot = pool_.try_acquire();
                    const std::lock_guard lock(mutex_);
                    if (slot) {
                        handed_.push_back(std::move(*slot));
                    } else if (!handed_.empty()) {
                        handed_.pop_back();
                    }
                    break;
                }
                default: (void)pool_.execute([&] { enter(); }); break;
            }
            run_.check(pool_.in_use() <= pool_.capacity() && pool_.available() <= pool_.capacity(),
                       "in use or available beyond capacity");
        }
        run_.add_operations(2 * calls);
    }

    void finish() {
        handed_.clear();
        run_.check(pool_.in_use() == 0 && pool_.available() == pool_.capacity(),
                   "a permit was lost or doubled:", pool_.in_use(), "in use of", pool_.capacity());
    }

private:
    void enter() {
        const std::uint32_t now = inside_.fetch_add(1, std::memory_order_relaxed) + 1;
        run_.check(now <= pool_.capacity(), "more inside than permits:", now);
        // Not atomic on purpose where one permit makes the bulkhead a lock: ThreadSanitizer checks that what one holder
        // wrote is visible to the next.
        if (pool_.capacity() == 1) ++guarded_by_the_only_permit_;
        inside_.fetch_sub(1, std::memory_order_relaxed);
    }

    run& run_;
    typename Impl::bulkhead pool_;
    std::atomic<std::uint32_t> inside_{0};
    std::uint64_t guarded_by_the_only_permit_ = 0;
    std::mutex mutex_;
    std::vector<typename Impl::bulkhead::slot> handed_;
};

/// With a permit for every thread nobody is ever refused: a refusal needs an instant at which all are in use.
template <class Impl>
class refused_only_when_full {
public:
    explicit refused_only_when_full(run& r) : run_(r), pool_({.max_concurrent = r.threads()}) {}

    void act(unsigned, random_source&) {
        constexpr int calls = 500;
        for (int i = 0; i != calls; ++i) run_.check(pool_.try_acquire().has_value(), "refused with a permit free");
        run_.add_operations(2 * calls);
    }

    void finish() { run_.check(pool_.in_use() == 0, "a permit was lost"); }

private:
    run& run_;
    typename Impl::bulkhead pool_;
};

}  // namespace bulwark::stress
