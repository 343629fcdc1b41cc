// The thread-pool bulkhead: a service's calls run on threads of their own, so many at once, and so many more may stand
// in a queue; beyond that a call is refused at once. Where the bulkhead borrows its callers' threads, this one keeps
// them free: a caller gets a std::future.
//
//     bulwark::thread_pool_bulkhead pool{{.threads = 4, .max_queued = 100}};
//     auto rows = pool.submit([&] { return query(); });   // result<std::future<R>>, or errc::queue_full, at once
//     if (rows) show(rows->get());                         // what query() threw is thrown here
//
// Nothing that was accepted is abandoned: its function runs and the future has its value or exception, or the pool was
// stopped by stop_mode::cancel before it began and the future has std::system_error(errc::stopped).
//
// When a future is ready its function object has been destroyed, the call is counted and its place is free: a caller
// who has the value finds room for the next call.
//
// Thread safety: every member may be called from any thread at any time, also from inside a task and from on_event;
// construction and destruction excepted. A task may submit, but should not wait for a call of its own pool: where every
// worker waits so, nobody is left to run what they wait for. With one thread the first such wait is for ever.
// Progress: to be refused is lock-free. To submit, stop and snapshot take the pool's mutex for a few steps (blocking)
// and never wait for a task; join waits.
// Cost: an accepted call allocates four times (the future's state and its result, the function, its place in the
// queue); a refused one never, nor does stop(). Idle workers cost no CPU.
//
// Not in bulwark.hpp: who wants it includes it, and <future> and <thread> with it.
#pragma once

#include <bulwark/bulkhead.hpp>
#include <bulwark/bulkhead_config.hpp>
#include <bulwark/detail/atomics.hpp>
#include <bulwark/detail/pool_task.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/version.hpp>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace bulwark::inline BULWARK_ABI {

struct thread_pool_bulkhead_config {
    /// Workers, all started by the constructor: how many calls run at once. At least 1 and at most 65,536; there is no
    /// default.
    std::uint32_t threads = 0;
    /// How many calls may wait for a worker. 0: a call is accepted where a worker is free, and otherwise refused.
    /// threads + max_queued must fit into 32 bits.
    std::uint32_t max_queued = 0;
    /// Told of refused calls (errc::queue_full, errc::stopped) and of saturation: a call found no worker free, the
    /// first such since one last did. Run in the thread that submitted, with nothing held: it may call the pool. What
    /// it throws is dropped.
    std::function<void(const bulkhead_event&)> on_event = nullptr;
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const thread_pool_bulkhead_config& config);

/// What happens to the calls that are queued when the pool is stopped. Those that have begun always run to their end.
enum class stop_mode : std::uint8_t {
    drain,   ///< they run
    cancel,  ///< they are dropped: each future has std::system_error(errc::stopped)
};

/// Of one instant: submitted == completed + failed + cancelled + busy + queued. (refused and stopped are read beside
/// it.)
struct thread_pool_bulkhead_snapshot {
    std::uint32_t threads = 0;
    std::uint32_t busy = 0;       ///< workers that run a call, or for whom one stands ready
    std::uint32_t queued = 0;     ///< calls for which no worker is free; never more than max_queued
    std::uint64_t submitted = 0;  ///< accepted
    std::uint64_t completed = 0;  ///< returned
    std::uint64_t failed = 0;     ///< threw
    std::uint64_t cancelled = 0;  ///< dropped by stop_mode::cancel
    std::uint64_t refused = 0;    ///< with errc::queue_full
    std::uint64_t stopped = 0;    ///< refused with errc::stopped
    /// From submit to the beginning of the call (or its drop), which takes a moment where a worker is free too: the
    /// longest time, also of those that still stand there, and of all that have left the queue the sum and, in
    /// waits[i], how many it took [2^i, 2^(i+1)) ns; waits[0] counts those under 1 ns too.
    std::chrono::nanoseconds longest_queued{0};
    std::chrono::nanoseconds total_queued{0};
    std::array<std::uint64_t, 64> waits{};
};

class thread_pool_bulkhead final : private detail::pool_task::listener {
public:
    /// Throws std::invalid_argument that names the field of a configuration that makes no sense, and std::system_error
    /// where the threads cannot be had.
    explicit thread_pool_bulkhead(thread_pool_bulkhead_config config);

    thread_pool_bulkhead(const thread_pool_bulkhead&) = delete;
    thread_pool_bulkhead& operator=(const thread_pool_bulkhead&) = delete;

    /// stop(stop_mode::drain), and waits until all of it has run, and for a stop() that is still dropping calls: what
    /// was accepted is kept. Say stop(stop_mode::cancel) before to leave sooner. Not to be run by one of the pool's own
    /// tasks, nor by what a dropped function held.
    ~thread_pool_bulkhead();

    /// Takes fn to be called once, as an rvalue, by a worker; callers of one thread are served in order. fn may be
    /// move-only, and so may what it returns. Refused at once with errc::queue_full or errc::stopped; fn is then
    /// untouched, unless the pool was stopped during this call.
    /// Throws std::bad_alloc and what the copying or moving of fn throws; nothing is counted then. Where the result
    /// throws as it is moved into the future, the future has that exception.
    template <class F>
        requires std::invocable<std::decay_t<F>>
    [[nodiscard]] result<std::future<detail::pool_result<F>>> submit(F&& fn) {
        result<bulkhead::slot> place = admit();
        if (!place) return {boost::system::in_place_error, place.error()};
        auto task = std::make_unique<detail::pool_task_of<std::decay_t<F>>>(std::move(*place), std::forward<F>(fn));
        auto future = task->get_future();
        if (!enqueue(std::move(task))) return {boost::system::in_place_error, errc::stopped};
        return {boost::system::in_place_value, std::move(future)};
    }

    /// No call is accepted from now on. Waits for no task, so that a task may say it too. May be said again: cancel
    /// after drain drops what is still queued. When stop(cancel) returns, the futures of what it dropped are ready.
    void stop(stop_mode mode) noexcept;

    /// Waits until the pool was stopped, the last call that it had accepted has ended and every future is ready; then
    /// true. From inside one of the pool's own tasks false, at once: it would wait for itself.
    bool join() noexcept;

    std::uint32_t threads() const noexcept { return config_.threads; }
    std::uint32_t max_queued() const noexcept { return config_.max_queued; }
    thread_pool_bulkhead_snapshot snapshot() const noexcept;

private:
    using tasks = std::list<std::unique_ptr<detail::pool_task>>;

    result<bulkhead::slot> admit() noexcept;
    bool enqueue(std::unique_ptr<detail::pool_task> task);
    void work() noexcept;
    void ended(bool threw) noexcept override;
    void leaves_queue(const detail::pool_task& task, std::chrono::steady_clock::time_point now) noexcept;

    errc refuse(errc reason) noexcept;
    void note_saturation() noexcept;
    void tell(const bulkhead_event& event) const noexcept;

    const thread_pool_bulkhead_config config_;
    /// What a dropped call's future has; made ahead, so that stop() needs no memory.
    const std::exception_ptr stopped_error_;
    /// A place for each call that runs or is queued. It refuses without the mutex: callers who are turned away in
    /// crowds do not hinder the workers.
    bulkhead room_;

    // Counts and flags that are no part of the instant which the mutex keeps.
    detail::atomic<std::uint64_t> refused_;
    detail::atomic<std::uint64_t> stopped_;
    detail::atomic<std::uint32_t> saturated_;
    /// Written under the mutex.
    detail::atomic<std::uint32_t> stopping_;

    mutable std::mutex mutex_;
    std::condition_variable work_;   ///< a call is queued, or the pool is stopped
    std::condition_variable quiet_;  ///< a worker has ended, or a stop() its drops
    tasks queue_;
    std::uint32_t running_ = 0;
    std::uint32_t workers_ = 0;   ///< that have not ended
    std::uint32_t dropping_ = 0;  ///< calls of stop() that have still to make futures ready
    std::uint64_t submitted_ = 0;
    std::uint64_t completed_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t cancelled_ = 0;
    // Of the calls that are no longer in the queue.
    std::chrono::nanoseconds longest_{0};
    std::chrono::nanoseconds total_{0};
    std::array<std::uint64_t, 64> waits_{};

    std::vector<std::jthread> threads_;
};

}  // namespace bulwark::inline BULWARK_ABI
