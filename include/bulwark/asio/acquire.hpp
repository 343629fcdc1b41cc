// Permits of a bulkhead for Boost.Asio: waits for them without blocking a thread.
//
//     if (auto slot = co_await bulwark::async_acquire(pool)) ...                             // result<slot>
//     auto slot = co_await bulwark::async_acquire(pool, bulwark::deadline::in(200ms));      // or errc::timed_out
//     bulwark::async_acquire(pool, 5, asio::bind_executor(ex, [](bulwark::result<bulwark::slot> slot) { ... }));
//
// An asynchronous operation as Asio has them: the completion token says how it is answered (a callback, use_future,
// use_awaitable, deferred, as_tuple, ...), and is called with one argument, void(result<slot>). A refusal is a value
// here as everywhere in the library: it is no exception in a coroutine, and there is no error code beside it.
//
// Who waits stands in one line with the threads that wait in acquire(): strictly first come, first served, see
// bulkhead.hpp. The refusals are the same too, each told by the same errc, counted and told to on_event alike:
// errc::queue_full, errc::over_capacity, errc::timed_out where a deadline was given, and errc::stopped where the
// operation was cancelled. A free permit is granted even to who is late.
//
// - Executor: the handler is called on its associated executor (the system's, where it has none), never before the
//   initiating function has returned, and counts as outstanding work of that executor from the start. Whoever gives a
//   permit back only posts: no handler runs in its thread, unless the executor does that.
// - Allocator: the operation lies in memory of the associated allocator, given back before the handler is called.
// - Cancellation: terminal, partial and total alike take the operation out of the line at once; it completes with
//   errc::stopped. One that was granted its permits before gets them. No permit is lost in any such race. The
//   signal may be emitted on any thread once the initiating function has returned, and as late as one likes: also when
//   operation, context and bulkhead are no more.
// - End of the context: operations that wait leave the line, their handlers are destroyed uncalled; so it is with those
//   that were granted permits and not called yet, and the permits come back. Other threads may give permits back
//   meanwhile. (Where an executor does not name its context, as any_completion_executor does not, the context must
//   outlive the wait.)
//
// Thread safety: it may be called from any thread at any time. The bulkhead must outlive the operation and its slot.
// Progress: as try_acquire() where a permit is free; else blocking for a few steps. Cost: that of a post; of who must
// wait, one more allocation, and for a deadline a timer. Throws what allocating and the executor throw, and then
// nothing has begun; if posting throws in the thread of a giver, nobody is there to be told, and std::terminate is
// called.
//
// Not in bulwark.hpp. CMake: link bulwark::asio.
#pragma once

#include <bulwark/bulkhead.hpp>
#include <bulwark/deadline.hpp>
#include <bulwark/detail/asio/wait_operation.hpp>
#include <bulwark/detail/threadless_acquire.hpp>
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/version.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

namespace detail {

/// A handler and its answer, to be called.
template <class Handler, class Answer>
class answered {
public:
    using allocator_type = boost::asio::associated_allocator_t<Handler>;

    answered(Handler&& handler, Answer&& answer) : handler_(std::move(handler)), answer_(std::move(answer)) {}

    allocator_type get_allocator() const noexcept { return boost::asio::get_associated_allocator(handler_); }

    void operator()() { std::move(handler_)(std::move(answer_)); }

private:
    Handler handler_;
    Answer answer_;
};

template <class Pool>
struct acquire_initiation {
    using acquire = threadless_acquire<Pool>;

    Pool* from;
    typename Pool::weight_type n;
    deadline until;

    template <class H>
    void operator()(H&& given) const {
        using handler = std::decay_t<H>;
        const turn got = acquire::ask(*from, n);
        if (got == turn::full) {
            handler own(std::forward<H>(given));
            wait_operation<Pool, handler>::start(*from, n, until, std::move(own));
            return;
        }
        auto answer = acquire::answer(*from, n, got);
        handler own(std::forward<H>(given));
        const auto executor = boost::asio::get_associated_executor(own);
        post_to(executor, answered<handler, decltype(answer)>(std::move(own), std::move(answer)));
    }
};

template <class T>
inline constexpr bool is_bulkhead = false;
template <class Kind, class Traits>
inline constexpr bool is_bulkhead<basic_bulkhead<Kind, Traits>> = true;

}  // namespace detail

/// A bulkhead or memory_bulkhead. The mutex references have no waiters without threads.
template <class T>
concept asynchronous_pool = detail::is_bulkhead<T>;

/// n permits, by the deadline.
template <asynchronous_pool Pool,
          boost::asio::completion_token_for<void(result<typename Pool::slot>)> Token = boost::asio::deferred_t>
auto async_acquire(Pool& pool, typename Pool::weight_type n, deadline until, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(result<typename Pool::slot>)>(
        detail::acquire_initiation<Pool>{&pool, n, until}, token);
}

/// However long it takes.
template <asynchronous_pool Pool,
          boost::asio::completion_token_for<void(result<typename Pool::slot>)> Token = boost::asio::deferred_t>
auto async_acquire(Pool& pool, typename Pool::weight_type n, Token&& token = {}) {
    return async_acquire(pool, n, deadline::never(), std::forward<Token>(token));
}

/// One permit.
template <asynchronous_pool Pool,
          boost::asio::completion_token_for<void(result<typename Pool::slot>)> Token = boost::asio::deferred_t>
auto async_acquire(Pool& pool, deadline until, Token&& token = {}) {
    return async_acquire(pool, 1, until, std::forward<Token>(token));
}
template <asynchronous_pool Pool,
          boost::asio::completion_token_for<void(result<typename Pool::slot>)> Token = boost::asio::deferred_t>
auto async_acquire(Pool& pool, Token&& token = {}) {
    return async_acquire(pool, 1, deadline::never(), std::forward<Token>(token));
}

}  // namespace bulwark::inline BULWARK_ABI
