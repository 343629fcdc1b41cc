// Random calls on a bulkhead that admit at once, wait, time out, are stopped, throw, are given back by another thread,
// and resizes meanwhile. While they run nobody may be inside beyond the permits; afterwards every permit must be back,
// and the counts must be those of the answers.
//
// No thread waits for ever: who holds a permit only asks for more without waiting, and before a thread waits without a
// limit it empties the box in which threads leave slots for each other.
#pragma once

#include "run.hpp"
#include "watchdog.hpp"

#include <bulwark/bulkhead_config.hpp>
#include <bulwark/errc.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace bulwark::stress {

template <class Bulkhead>
inline constexpr bool of_calls = std::is_constructible_v<Bulkhead, const bulkhead_config&>;

/// What a workload counts as one: a call, or a tebibyte.
template <class Bulkhead>
inline constexpr std::uint64_t unit_of = of_calls<Bulkhead> ? 1 : std::uint64_t{1} << 40;

/// The configuration of a bulkhead of so many units.
template <class Bulkhead>
auto config_of(std::uint32_t units, std::uint32_t max_waiting) {
    if constexpr (of_calls<Bulkhead>) {
        return bulkhead_config{.max_concurrent = units, .max_waiting = max_waiting};
    } else {
        return memory_bulkhead_config{.max_bytes = units * unit_of<Bulkhead>, .max_waiting = max_waiting};
    }
}

struct workload_shape {
    std::uint32_t least = 1;  ///< capacity, in units: it moves between the two
    std::uint32_t most = 1;
    std::uint32_t max_waiting = 1'000;
};

template <class Bulkhead>
class waiting_workload {
    using slot = typename Bulkhead::slot;
    using weight = decltype(std::declval<const slot&>().weight());
    static constexpr std::uint64_t unit = unit_of<Bulkhead>;

public:
    waiting_workload(run& r, const workload_shape& shape)
        : run_(r),
          shape_(shape),
          pool_(config_of<Bulkhead>(shape.most, shape.max_waiting)),
          hands_(r.threads()),
          watchdog_(r, pool_) {}

    /// One operation of a thread.
    void step(unsigned thread, random_source& random) {
        hand& h = hands_[thread];
        const weight n = some_weight(random);
        switch (random() % 24) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4: use(h, wait_for_ever(h, n), random); break;
            case 5:
            case 6: use(h, heard(h, pool_.acquire(token_of(h), n), {errc::stopped}), random); break;
            case 7:
            case 8: use(h, heard(h, pool_.try_acquire_for(some_time(random), n), {errc::timed_out}), random); break;
            case 9: {
                const auto end = std::chrono::steady_clock::now() + some_time(random);
                auto answer = pool_.try_acquire_until(end, token_of(h), n);
                use(h, heard(h, std::move(answer), {errc::timed_out, errc::stopped}), random);
                break;
            }
            case 10:
            case 16: stop_somebody(random); break;
            case 11: hand_over(wait_for_ever(h, n)); break;
            case 12:
            case 13: throw_inside(h); break;
            case 14: resize(h, random); break;
            case 15: empty_box(); break;
            default: use(h, heard(h, pool_.try_acquire(n), {errc::bulkhead_full}), random); break;
        }
        watchdog_.step(thread);
    }

    /// For each thread before it ends: others may wait for what it left in the box.
    void leave() { empty_box(); }

    /// When all have left: every permit is back, and every answer was counted.
    void check() {
        const auto now = pool_.snapshot();
        run_.check(now.waiting == 0 && pool_.waiting() == 0, "nobody is there, but waiting", now.waiting);
        run_.check(pool_.in_use() == 0 && now.in_use == 0, "a permit was lost or doubled:", now.in_use, "in use of",
                   now.capacity);
        run_.check(pool_.available() == pool_.capacity(), "free", pool_.available(), "of", pool_.capacity());
        check_counts(now);
        pool_.resize(units(shape_.least));
        auto all = pool_.try_acquire(units(shape_.least));
        run_.check(all.has_value(), "not all permits can be taken:", pool_.available(), "of", pool_.capacity());
        run_.check(!pool_.try_acquire(1).has_value(), "a permit too many");
    }

    /// One line of what was done, and how many permits are there now.
    void describe(std::ostream& out) const {
        std::uint64_t thrown = 0;
        std::uint64_t resized = 0;
        for (const hand& h : hands_) {
            thrown += h.thrown;
            resized += h.resized;
        }
        out << answers() << " admitted, " << answers(errc::bulkhead_full) << " found it full, "
            << answers(errc::queue_full) << " the queue, " << answers(errc::over_capacity) << " asked for too much, "
            << answers(errc::timed_out) << " timed out, " << answers(errc::stopped) << " were stopped, " << thrown
            << " threw, " << resized << " resizes; permits at the end: " << pool_.available() << " of "
            << pool_.capacity();
    }

    /// How many calls had this answer; without one, how many were admitted.
    std::uint64_t answers(errc what = {}) const {
        std::uint64_t sum = 0;
        for (const hand& h : hands_) sum += h.answers[static_cast<std::size_t>(what)];
        return sum;
    }

private:
    /// What one thread has, away from the others' lines; the source of its stops is for all.
    struct alignas(128) hand {
        std::array<std::uint64_t, 8> answers{};
        std::uint64_t thrown = 0;
        std::uint64_t resized = 0;
        std::mutex mutex;
        std::optional<std::stop_source> source;  ///< optional: g++ 12 warns of its own library where one is assigned
    };

    static weight units(std::uint64_t n) { return static_cast<weight>(n * unit); }

    /// Mostly one that any capacity has room for.
    weight some_weight(random_source& random) const {
        return units(random() % 8 == 0 ? random() % (shape_.most + 1) : 1 + random() % shape_.least);
    }

    static std::chrono::nanoseconds some_time(random_source& random) {
        return std::chrono::nanoseconds(random() % 8 == 0 ? 0 : random() % 100'000);
    }

    /// Notes an answer. Besides those that any call may get it may be one of `these`.
    template <class Answer>
    Answer heard(hand& h, Answer answer, std::initializer_list<errc> these) {
        const errc why = answer ? errc{} : answer.error();
        ++h.answers[static_cast<std::size_t>(why)];
        const bool can_wait = *these.begin() != errc::bulkhead_full;
        const bool fine = why == errc{} || (why == errc::over_capacity && shape_.least != shape_.most) ||
                          (why == errc::queue_full && can_wait) ||
                          std::find(these.begin(), these.end(), why) != these.end();
        run_.check(fine, "an answer that this call cannot have:", static_cast<int>(why));
        return answer;
    }

    auto wait_for_ever(hand& h, weight n) {
        empty_box();
        return heard(h, pool_.acquire(n), {errc::queue_full});
    }

    /// Of a call that may wait for ever as well: perhaps nobody stops it.
    std::stop_token token_of(hand& h) {
        empty_box();
        const std::lock_guard lock(h.mutex);
        if (!h.source || h.source->stop_requested()) h.source.emplace();
        return h.source->get_token();
    }

    void stop_somebody(random_source& random) {
        hand& h = hands_[random() % hands_.size()];
        std::optional<std::stop_source> source;
        {
            const std::lock_guard lock(h.mutex);
            source = h.source;
        }
        if (source) source->request_stop();
    }

    template <class Answer>
    void use(hand& h, Answer held, random_source& random) {
        if (!held) return;
        enter(held->weight());
        if (random() % 4 == 0) {
            const auto more = heard(h, pool_.try_acquire(units(1)), {errc::bulkhead_full});
            if (more) enter(more->weight());
            if (more) exit(more->weight());
        }
        // Others come meanwhile, and must wait.
        if (random() % 4 == 0) std::this_thread::yield();
        exit(held->weight());
    }

    void throw_inside(hand& h) {
        try {
            ++h.answers[0];
            const auto reply = pool_.execute([&] {
                enter(1);
                exit(1);
                throw std::runtime_error("service");
            });
            --h.answers[0];
            (void)heard(h, reply, {errc::bulkhead_full});
        } catch (const std::runtime_error&) {
            ++h.thrown;
        }
    }

    template <class Answer>
    void hand_over(Answer held) {
        if (!held) return;
        const std::lock_guard lock(mutex_);
        box_.push_back(std::move(*held));
    }

    void empty_box() {
        std::vector<slot> all;
        const std::lock_guard lock(mutex_);
        all.swap(box_);
    }

    void resize(hand& h, random_source& random) {
        ++h.resized;
        pool_.resize(units(shape_.least + random() % (shape_.most - shape_.least + 1)));
    }

    void enter(std::uint64_t n) {
        // relaxed: the bound is about amounts, not about what others wrote
        const std::uint64_t now = inside_.fetch_add(n, std::memory_order_relaxed) + n;
        run_.check(now <= shape_.most * unit, "more inside than permits:", now, "of", shape_.most * unit);
        // Not atomic on purpose where a holder is alone: ThreadSanitizer checks that what one wrote is visible to the
        // next, however the permit came to it.
        if (shape_.most == 1 && n == unit) ++guarded_by_the_only_permit_;
    }

    // relaxed: as in enter()
    void exit(std::uint64_t n) { inside_.fetch_sub(n, std::memory_order_relaxed); }

    template <class Snapshot>
    void check_counts(const Snapshot& now) {
        const std::uint64_t refused =
            answers(errc::bulkhead_full) + answers(errc::queue_full) + answers(errc::over_capacity);
        run_.check(now.admitted == answers(), "admitted", answers(), "but counted", now.admitted);
        run_.check(now.refused == refused, "refused", refused, "but counted", now.refused);
        run_.check(now.timed_out == answers(errc::timed_out), "timed out", answers(errc::timed_out), "but counted",
                   now.timed_out);
        run_.check(now.stopped == answers(errc::stopped), "stopped", answers(errc::stopped), "but counted",
                   now.stopped);
    }

    run& run_;
    const workload_shape shape_;
    Bulkhead pool_;
    std::atomic<std::uint64_t> inside_{0};
    std::uint64_t guarded_by_the_only_permit_ = 0;
    std::mutex mutex_;
    std::vector<slot> box_;
    std::vector<hand> hands_;
    watchdog<Bulkhead> watchdog_;
};

}  // namespace bulwark::stress
