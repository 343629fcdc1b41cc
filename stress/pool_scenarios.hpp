// What must hold of the neighbours of the bulkhead, whatever the interleaving: a thread pool abandons no call, and a
// memory resource charges what is allocated and no more.
#pragma once

#include "run.hpp"

#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/memory_resource.hpp>
#include <bulwark/thread_pool_bulkhead.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace bulwark::stress {

/// All threads submit, and somebody stops the pool in the middle, once or twice, draining or cancelling. Calls throw,
/// submit others, look at the pool, and stop it themselves. Every future is ready in the end, with what became of its
/// call, and the counts say the same.
class pool_abandons_nothing {
public:
    explicit pool_abandons_nothing(run& r)
        : run_(r),
          config_{.threads = static_cast<std::uint32_t>(r.random()() % 3 + 1),
                  .max_queued = static_cast<std::uint32_t>(r.random()() % 6)},
          pool_(std::in_place, config_) {}

    void act(unsigned, random_source& random) {
        constexpr int calls = 40;
        std::vector<std::shared_future<std::uint64_t>> futures;
        std::vector<std::uint64_t> numbers;
        for (int i = 0; i != calls; ++i) {
            const std::uint64_t number = random();
            auto got = pool_->submit([this, mine = std::make_unique<std::uint64_t>(number)] { return call(*mine); });
            if (!got) {
                note_refusal(got.error());
                continue;
            }
            ++accepted_;
            // Shared: an exception stays with its future (ThreadSanitizer does not see who counts its owners).
            futures.push_back(got->share());
            numbers.push_back(number);
            switch (random() % 64) {
                case 0: pool_->stop(random() % 2 == 0 ? stop_mode::drain : stop_mode::cancel); break;
                case 1: check_figures(); break;
                case 2: futures.back().wait(); break;
                default: break;
            }
        }
        for (std::size_t i = 0; i != futures.size(); ++i) check_future(futures[i], numbers[i]);
        run_.add_operations(calls);
    }

    void finish() {
        pool_->stop(stop_mode::drain);
        run_.check(pool_->join(), "joined from inside?");
        const thread_pool_bulkhead_snapshot s = pool_->snapshot();
        std::uint64_t waits = 0;
        for (const std::uint64_t n : s.waits) waits += n;
        run_.check(s.busy == 0 && s.queued == 0, "the pool is not empty:", s.busy, s.queued);
        run_.check(s.submitted == accepted_, "accepted:", accepted_.load(), "counted:", s.submitted);
        run_.check(s.completed + s.failed == began_, "begun:", began_.load(), "ended:", s.completed, s.failed);
        run_.check(s.failed == threw_, "threw:", threw_.load(), "counted:", s.failed);
        run_.check(s.cancelled == s.submitted - began_, "dropped:", s.cancelled, "of:", s.submitted);
        run_.check(s.refused == turned_away_, "turned away:", turned_away_.load(), "counted:", s.refused);
        run_.check(s.stopped == too_late_, "too late:", too_late_.load(), "counted:", s.stopped);
        run_.check(waits == s.submitted, "in the histogram:", waits, "of:", s.submitted);
        pool_.reset();
    }

private:
    /// `number` is in memory of its own: a function that is destroyed before its end is found.
    std::uint64_t call(const std::uint64_t& number) {
        ++began_;
        run_.check(++inside_ <= config_.threads, "more calls at once than workers");
        if (number % 8 == 0) {
            const auto inner = pool_->submit([this, &number = *numbers_of_inner_] { return call(number); });
            inner ? void(++accepted_) : note_refusal(inner.error());
        }
        if (number % 512 == 1) pool_->stop(number % 1024 == 1 ? stop_mode::drain : stop_mode::cancel);
        if (number % 16 == 2) run_.check(!pool_->join(), "a call has joined its own pool");
        --inside_;
        if (throws(number)) {
            ++threw_;
            throw number;
        }
        return number;
    }
    static bool throws(std::uint64_t number) { return number % 4 == 3; }

    void check_future(const std::shared_future<std::uint64_t>& future, std::uint64_t number) {
        try {
            run_.check(future.get() == number && !throws(number), "another call's value");
        } catch (const std::uint64_t& thrown) {
            run_.check(thrown == number && throws(number), "another call's exception");
        } catch (const std::system_error& e) {
            run_.check(e.code() == errc::stopped, "an error that nobody makes");
        }
    }

    void check_figures() {
        const thread_pool_bulkhead_snapshot s = pool_->snapshot();
        run_.check(s.submitted == s.completed + s.failed + s.cancelled + s.busy + s.queued, "a call is in no figure");
        run_.check(s.busy <= config_.threads && s.queued <= config_.max_queued, "too many:", s.busy, s.queued);
        run_.check(s.total_queued >= std::chrono::nanoseconds(0), "a sum below nothing");
    }

    void note_refusal(errc why) { ++(why == errc::stopped ? too_late_ : turned_away_); }

    run& run_;
    const thread_pool_bulkhead_config config_;
    const std::unique_ptr<const std::uint64_t> numbers_of_inner_ = std::make_unique<const std::uint64_t>(4);
    std::atomic<std::uint32_t> inside_{0};
    std::atomic<std::uint64_t> accepted_{0};
    std::atomic<std::uint64_t> began_{0};
    std::atomic<std::uint64_t> threw_{0};
    std::atomic<std::uint64_t> turned_away_{0};
    std::atomic<std::uint64_t> too_late_{0};
    std::optional<thread_pool_bulkhead> pool_;
};

/// All threads allocate from one budget, over an upstream that fails now and then; others wait for bytes of it and
/// resize it. What is out is never more than may be, and in the end nothing is.
class memory_is_charged {
public:
    explicit memory_is_charged(run& r) : run_(r), memory_(budget_, &upstream_) {}

    void act(unsigned, random_source& random) {
        constexpr int steps = 100;
        struct piece {
            void* at;
            std::size_t bytes;
        };
        std::vector<piece> mine;
        for (int i = 0; i != steps; ++i) {
            const std::size_t bytes = random() % (most / 4);
            switch (random() % 8) {
                case 0:
                    // Who waits holds nothing, so that nobody waits for ever.
                    for (const piece& p : mine) memory_.deallocate(p.at, p.bytes);
                    mine.clear();
                    wait(random, bytes + 1);
                    break;
                case 1: budget_.resize(random() % 2 == 0 ? most : most / 2); break;
                case 2:
                case 3:
                case 4:
                    if (mine.empty()) break;
                    memory_.deallocate(mine.back().at, mine.back().bytes);
                    mine.pop_back();
                    break;
                default:
                    try {
                        void* const at = memory_.allocate(bytes);
                        mine.push_back({at, bytes});
                    } catch (const std::bad_alloc&) {
                        ++refused_;
                    }
            }
        }
        for (const piece& p : mine) memory_.deallocate(p.at, p.bytes);
        run_.add_operations(steps);
    }

    void finish() {
        run_.check(upstream_.out() == 0, "bytes are still out:", upstream_.out());
        run_.check(upstream_.most_out() <= most, "more was out than may be:", upstream_.most_out());
        run_.check(budget_.in_use() == 0, "bytes are still charged:", budget_.in_use());
        const bulkhead_snapshot s = budget_.snapshot();
        run_.check(s.refused + upstream_.failures() >= refused_, "refused:", refused_.load(), "counted:", s.refused);
    }

private:
    static constexpr std::uint64_t most = 1024;

    /// Knows what is out, and fails now and then.
    class failing_upstream final : public std::pmr::memory_resource {
    public:
        std::uint64_t out() const { return out_; }
        std::uint64_t most_out() const { return most_out_; }
        std::uint64_t failures() const { return failures_; }

    private:
        void* do_allocate(std::size_t bytes, std::size_t alignment) override {
            if (calls_.fetch_add(1) % 32 == 31) {
                ++failures_;
                throw std::bad_alloc();
            }
            void* const p = std::pmr::new_delete_resource()->allocate(bytes, alignment);
            const std::uint64_t now = out_ += bytes;
            std::uint64_t seen = most_out_;
            while (seen < now && !most_out_.compare_exchange_weak(seen, now)) {
            }
            return p;
        }
        void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
            out_ -= bytes;
            std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
        }
        bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

        std::atomic<std::uint64_t> calls_{0};
        std::atomic<std::uint64_t> out_{0};
        std::atomic<std::uint64_t> most_out_{0};
        std::atomic<std::uint64_t> failures_{0};
    };

    void wait(random_source& random, std::uint64_t bytes) {
        const auto share = random() % 2 == 0
                               ? budget_.acquire(bytes)
                               : budget_.try_acquire_for(std::chrono::nanoseconds(random() % 50'000), bytes);
        if (share) return;
        run_.check(share.error() == errc::timed_out,
                   "refused, though it is never more than the budget:", static_cast<int>(share.error()));
    }

    run& run_;
    memory_bulkhead budget_{{.max_bytes = most}};
    failing_upstream upstream_;
    bulkhead_memory_resource memory_;
    std::atomic<std::uint64_t> refused_{0};
};

}  // namespace bulwark::stress
