// A call in the thread-pool bulkhead: a function, the future of what it returns, and its place in the pool.
//
// The order at its end is kept here: the function is called and destroyed, the pool counts it, the place comes free,
// and only then is the future ready. Whoever has seen the future has seen all the rest.
//
// A std::packaged_task and not a std::promise: where the result throws as it is moved into the future, the exception of
// set_value() leaves through std::call_once, which not every platform survives (ThreadSanitizer's does not). The task
// catches it inside.
#pragma once

#include <bulwark/bulkhead.hpp>
#include <bulwark/detail/exceptions.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <optional>
#include <type_traits>
#include <utility>

#if !BULWARK_HAS_EXCEPTIONS
#error "bulwark: thread_pool_bulkhead, pool_timeout and hedge need exceptions: the futures of the pool carry them"
#endif

namespace bulwark::inline BULWARK_ABI::detail {

/// What the future of a submitted F holds: what F returns, but a value for an rvalue reference.
template <class F>
using pool_result = std::conditional_t<std::is_rvalue_reference_v<std::invoke_result_t<std::decay_t<F>>>,
                                       std::remove_cvref_t<std::invoke_result_t<std::decay_t<F>>>,
                                       std::invoke_result_t<std::decay_t<F>>>;

class pool_task {
public:
    /// Told when the function has ended, once.
    class listener {
    public:
        virtual void ended(bool threw) noexcept = 0;

    protected:
        ~listener() = default;
    };

    explicit pool_task(bulkhead::slot place) noexcept : place_(std::move(place)) {}
    pool_task(const pool_task&) = delete;
    pool_task& operator=(const pool_task&) = delete;
    virtual ~pool_task() = default;

    virtual void run(listener& pool) noexcept = 0;
    virtual void cancel(const std::exception_ptr& why) noexcept = 0;

    std::chrono::steady_clock::time_point submitted;

protected:
    void leave() noexcept { place_.reset(); }

private:
    std::optional<bulkhead::slot> place_;
};

template <class F>
class pool_task_of final : public pool_task {
    using R = pool_result<F>;

public:
    template <class Source>
    pool_task_of(bulkhead::slot place, Source&& fn)
        : pool_task(std::move(place)), fn_(std::forward<Source>(fn)), task_([this]() -> R { return call(); }) {}

    std::future<R> get_future() { return task_.get_future(); }

    void run(listener& pool) noexcept override {
        pool_ = &pool;
        task_();
    }

    void cancel(const std::exception_ptr& why) noexcept override {
        why_ = why;
        fn_.reset();
        leave();
        task_();
    }

private:
    /// What it returns or throws is the future's.
    R call() {
        if (why_) std::rethrow_exception(why_);
        try {
            if constexpr (std::is_void_v<R>) {
                std::invoke(std::move(*fn_));
                end(false);
            } else {
                R value = std::invoke(std::move(*fn_));
                end(false);
                return value;
            }
        } catch (...) {
            end(true);
            throw;
        }
    }

    /// Once: a result that throws on its way out does so after its function has ended.
    void end(bool threw) noexcept {
        listener* const pool = std::exchange(pool_, nullptr);
        if (pool == nullptr) return;
        fn_.reset();
        pool->ended(threw);
        leave();
    }

    std::optional<F> fn_;
    listener* pool_ = nullptr;
    std::exception_ptr why_;
    std::packaged_task<R()> task_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
