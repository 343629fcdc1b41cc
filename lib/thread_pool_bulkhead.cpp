// The workers of the thread-pool bulkhead and the queue before them: one mutex, one list.
//
// Why not a pool that exists, boost::asio::thread_pool say: its stop() leaves what is queued where it is, futures
// unready, until the pool is destroyed; its join() from a handler waits for itself; it keeps no counts, so that each
// handler would need a mutex of ours beside the scheduler's; and it orders memory by fences, which ThreadSanitizer does
// not see. What is left of it is a list behind a mutex, and that is less code than its adaptor.
#include <bulwark/detail/exceptions.hpp>

#if BULWARK_HAS_EXCEPTIONS  // they carry what is thrown; see thread_pool_bulkhead.hpp

#include <bulwark/detail/config_check.hpp>
#include <bulwark/thread_pool_bulkhead.hpp>

#include <algorithm>
#include <limits>
#include <system_error>

namespace bulwark::inline BULWARK_ABI {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::uint32_t most_threads = 65'536;

/// The pool of which this thread is a worker, or whose dropped calls it destroys.
constinit thread_local const void* inside = nullptr;

class being_inside {
public:
    explicit being_inside(const void* pool) noexcept : before_(std::exchange(inside, pool)) {}
    being_inside(const being_inside&) = delete;
    being_inside& operator=(const being_inside&) = delete;
    ~being_inside() { inside = before_; }

private:
    const void* const before_;
};

thread_pool_bulkhead_config validated(thread_pool_bulkhead_config config) {
    validate(config);
    return config;
}

/// On one word and one line: who is admitted takes the mutex next, so that more of them would gain nothing.
bulkhead_config room_for(const thread_pool_bulkhead_config& config) {
    return {.max_concurrent = config.threads + config.max_queued, .stripes = 1, .cells = 0};
}

}  // namespace

void validate(const thread_pool_bulkhead_config& config) {
    constexpr detail::config_check require("thread_pool_bulkhead_config");
    require(config.threads >= 1 && config.threads <= most_threads, "threads", "must be at least 1 and at most 65536");
    require(config.max_queued <= std::numeric_limits<std::uint32_t>::max() - config.threads, "max_queued",
            "must fit into 32 bits together with threads");
}

thread_pool_bulkhead::thread_pool_bulkhead(thread_pool_bulkhead_config config)
    : config_(validated(std::move(config))),
      stopped_error_(std::make_exception_ptr(std::system_error(make_error_code(errc::stopped)))),
      room_(room_for(config_)) {
    threads_.reserve(config_.threads);
    workers_ = config_.threads;
    try {
        while (threads_.size() != config_.threads) threads_.emplace_back([this] { work(); });
    } catch (...) {
        stop(stop_mode::drain);  // else those that were started would wait for ever, and ~jthread for them
        throw;
    }
}

thread_pool_bulkhead::~thread_pool_bulkhead() {
    stop(stop_mode::drain);
    join();  // for who stops the pool in another thread, and whose futures told its owner that all is over
    threads_.clear();
}

result<bulkhead::slot> thread_pool_bulkhead::admit() noexcept {
    // relaxed: no data is reached through it, and whoever comes after a stop() sees it by coherence.
    if (stopping_.load(detail::memory_order_relaxed) != 0) return refuse(errc::stopped);
    result<bulkhead::slot> place = room_.try_acquire();
    if (!place) return refuse(errc::queue_full);
    return place;
}

bool thread_pool_bulkhead::enqueue(std::unique_ptr<detail::pool_task> task) {
    tasks one;  // its memory is had before the mutex is taken
    task->submitted = clock::now();
    one.push_back(std::move(task));
    bool waits = false;
    {
        const std::lock_guard lock(mutex_);
        // relaxed: written under the mutex.
        if (stopping_.load(detail::memory_order_relaxed) == 0) {
            queue_.splice(queue_.end(), one);
            ++submitted_;
            waits = running_ + queue_.size() > config_.threads;
        }
    }
    if (!one.empty()) {
        one.clear();  // its place comes free, and its function is destroyed, before anybody is told
        refuse(errc::stopped);
        return false;
    }
    work_.notify_one();
    if (waits) {
        note_saturation();
        // relaxed: no data is reached through it, here and below; events are told in no order but each thread's own.
    } else if (saturated_.load(detail::memory_order_relaxed) != 0) {
        // relaxed: as above.
        saturated_.store(0, detail::memory_order_relaxed);
    }
    return true;
}

void thread_pool_bulkhead::work() noexcept {
    const being_inside here(this);
    std::unique_lock lock(mutex_);
    for (;;) {
        // relaxed: written under the mutex.
        work_.wait(lock, [&] { return !queue_.empty() || stopping_.load(detail::memory_order_relaxed) != 0; });
        if (queue_.empty()) break;
        leaves_queue(*queue_.front(), clock::now());
        tasks mine;
        mine.splice(mine.end(), queue_, queue_.begin());
        ++running_;
        lock.unlock();
        mine.front()->run(*this);
        mine.clear();
        lock.lock();
    }
    --workers_;
    quiet_.notify_all();
}

void thread_pool_bulkhead::ended(bool threw) noexcept {
    const std::lock_guard lock(mutex_);
    --running_;
    ++(threw ? failed_ : completed_);
}

void thread_pool_bulkhead::stop(stop_mode mode) noexcept {
    const being_inside here(this);
    tasks dropped;
    {
        const std::lock_guard lock(mutex_);
        // relaxed: who must see the queue's end of it reads it under the mutex; see admit() for the others.
        stopping_.store(1, detail::memory_order_relaxed);
        if (mode == stop_mode::cancel) {
            const auto now = clock::now();
            for (const auto& task : queue_) leaves_queue(*task, now);
            cancelled_ += queue_.size();
            dropped.swap(queue_);
        }
        ++dropping_;
        work_.notify_all();
    }
    // One by one from the front: what a function holds may be destroyed at length, and the first has waited longest.
    for (; !dropped.empty(); dropped.pop_front()) dropped.front()->cancel(stopped_error_);
    const std::lock_guard lock(mutex_);
    --dropping_;
    // With the mutex held: who waits in join() may destroy the pool next.
    quiet_.notify_all();
}

bool thread_pool_bulkhead::join() noexcept {
    if (inside == this) return false;
    std::unique_lock lock(mutex_);
    quiet_.wait(lock, [&] { return workers_ == 0 && dropping_ == 0; });
    return true;
}

thread_pool_bulkhead_snapshot thread_pool_bulkhead::snapshot() const noexcept {
    thread_pool_bulkhead_snapshot seen;
    seen.threads = config_.threads;
    // relaxed: counts, no data is reached through them.
    seen.refused = refused_.load(detail::memory_order_relaxed);
    seen.stopped = stopped_.load(detail::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    // A call for which a worker is free is that worker's, though it may not be awake yet.
    const auto inside_now = static_cast<std::uint32_t>(running_ + queue_.size());
    seen.busy = std::min(inside_now, config_.threads);
    seen.queued = inside_now - seen.busy;
    seen.submitted = submitted_;
    seen.completed = completed_;
    seen.failed = failed_;
    seen.cancelled = cancelled_;
    seen.longest_queued = longest_;
    // The first in the queue has been there longest.
    if (!queue_.empty()) {
        seen.longest_queued = std::max<std::chrono::nanoseconds>(longest_, clock::now() - queue_.front()->submitted);
    }
    seen.total_queued = total_;
    seen.waits = waits_;
    return seen;
}

/// With the mutex held.
void thread_pool_bulkhead::leaves_queue(const detail::pool_task& task, clock::time_point now) noexcept {
    const std::chrono::nanoseconds time = now - task.submitted;
    longest_ = std::max(longest_, time);
    total_ += time;
    ++waits_[detail::wait_bucket(time)];
}

errc thread_pool_bulkhead::refuse(errc reason) noexcept {
    // relaxed: a count, no data is reached through it.
    (reason == errc::stopped ? stopped_ : refused_).fetch_add(1, detail::memory_order_relaxed);
    if (reason == errc::queue_full) note_saturation();
    tell({.kind = bulkhead_event_kind::refused, .reason = reason, .weight = 1});
    return reason;
}

void thread_pool_bulkhead::note_saturation() noexcept {
    // relaxed: no data is reached through it, the exchange below only lets one of several through.
    if (saturated_.load(detail::memory_order_relaxed) != 0) return;
    std::uint32_t before = 0;
    // relaxed: as above.
    if (!saturated_.compare_exchange_strong(before, 1, detail::memory_order_relaxed)) return;
    tell({.kind = bulkhead_event_kind::saturated, .weight = 1});
}

void thread_pool_bulkhead::tell(const bulkhead_event& event) const noexcept {
    detail::tell(config_.on_event, event);
}

}  // namespace bulwark::inline BULWARK_ABI

#endif
