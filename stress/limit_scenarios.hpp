// What must hold of an adaptive limit whatever the interleaving.
#pragma once

#include "implementations.hpp"
#include "run.hpp"

#include <bulwark/adaptive_limit.hpp>
#include <bulwark/reference/adaptive_limit.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bulwark::stress {

/// An algorithm that wanders, and keeps books. They are not atomic on purpose: only the thread that ends a window may
/// touch them, and ThreadSanitizer checks that it does so after the one before it.
struct wandering {
    struct books {
        std::uint64_t windows = 0;
        std::uint64_t succeeded = 0;
        std::uint64_t dropped = 0;
        bool crowded = false;  ///< a window so full that some of its calls may have been halved away
    };
    books* kept = nullptr;

    limit_state next(const limit_state& from, const limit_sample& window, const limit_bounds& bounds) const noexcept {
        ++kept->windows;
        kept->succeeded += window.succeeded;
        kept->dropped += window.dropped;
        kept->crowded = kept->crowded || window.succeeded + window.dropped >= 511;
        limit_state state = from;
        const std::uint32_t width = bounds.max - bounds.min + 1;
        state.limit = bounds.min + static_cast<std::uint32_t>(kept->windows * 7 % width);
        return state;
    }
    friend void validate(const wandering&) {}
};

/// Never more inside than the greatest limit; every place comes back, from whatever thread and after exceptions; every
/// call is in one window; and the limit is what the algorithm said last.
template <class Limit>
class limit_is_kept {
public:
    explicit limit_is_kept(run& r)
        : run_(r),
          most_(1 + static_cast<std::uint32_t>(r.random()() % r.threads())),
          limit_({.initial = most_,
                  .max = most_,
                  .window = std::chrono::nanoseconds(1 + r.random()() % 100),
                  .longest_window = std::chrono::nanoseconds(100),
                  .min_samples = 1 + static_cast<std::uint32_t>(r.random()() % 8),
                  .algorithm = {.kept = &books_},
                  .on_limit_change = [this](const limit_change& c) {
                      run_.check(c.from != c.to && c.to >= 1 && c.to <= most_, "a change to", c.to, "of", most_);
                  }}) {}

    void act(unsigned, random_source& random) {
        constexpr int calls = 200;
        std::uint64_t succeeded = 0;
        std::uint64_t dropped = 0;
        for (int i = 0; i != calls; ++i) {
            switch (random() % 4) {
                case 0: {  // a call that throws
                    try {
                        (void)limit_.execute([&] {
                            enter();
                            throw std::runtime_error("service");
                        });
                    } catch (const std::runtime_error&) {
                        ++dropped;
                    }
                    break;
                }
                case 1: {  // a permit that another thread gives back
                    auto permit = limit_.try_acquire();
                    const std::lock_guard lock(mutex_);
                    if (permit) {
                        handed_.push_back(std::move(*permit));
                    } else if (!handed_.empty()) {
                        handed_.back().success();
                        handed_.pop_back();
                        ++succeeded;
                    }
                    break;
                }
                default:
                    if (limit_.execute([&] { enter(); })) ++succeeded;
                    break;
            }
        }
        // relaxed: added up in the end
        succeeded_.fetch_add(succeeded, std::memory_order_relaxed);
        dropped_.fetch_add(dropped, std::memory_order_relaxed);
        run_.add_operations(2 * calls);
    }

    void finish() {
        handed_.clear();
        run_.check(limit_.in_use() == 0, "a place was lost or doubled:", limit_.in_use(), "in use");
        const std::uint64_t in_windows = books_.succeeded + books_.dropped;
        run_.check(books_.succeeded <= succeeded_ && books_.dropped <= dropped_, "calls out of nowhere:", in_windows);
        // The window that was not ended has the rest; 600 calls more end it.
        const std::uint64_t rest = succeeded_ + dropped_ - in_windows;
        run_.check(books_.crowded || rest < 1023, "calls were lost:", rest);
        const std::uint64_t windows = books_.windows;
        for (int i = 0; i != 600 && books_.windows == windows; ++i) limit_.try_acquire()->success();
        run_.check(books_.windows == windows + 1, "no window ends any more");
    }

private:
    void enter() {
        const std::uint32_t now = inside_.fetch_add(1, std::memory_order_relaxed) + 1;
        run_.check(now <= most_, "more inside than the limit ever was:", now, "of", most_);
        // Not atomic on purpose where the limit makes a lock: ThreadSanitizer checks that what one caller wrote is
        // visible to the next.
        if (most_ == 1) ++guarded_by_the_only_place_;
        inside_.fetch_sub(1, std::memory_order_relaxed);
    }

    run& run_;
    const std::uint32_t most_;
    wandering::books books_;
    Limit limit_;
    std::atomic<std::uint32_t> inside_{0};
    std::uint64_t guarded_by_the_only_place_ = 0;
    std::atomic<std::uint64_t> succeeded_{0};
    std::atomic<std::uint64_t> dropped_{0};
    std::mutex mutex_;
    std::vector<typename Limit::permit> handed_;
};

using lock_free_limit = basic_adaptive_limit<wandering, ticking_clock>;
using mutex_limit = reference::basic_adaptive_limit<wandering, ticking_clock>;

}  // namespace bulwark::stress
