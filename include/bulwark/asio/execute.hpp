// Calls that are coroutines or asynchronous operations of Boost.Asio, through the layers of a pipeline.
//
//     bulwark::pipeline call{breaker, bulwark::waiting(pool), bulwark::timeout{200ms}};   // as for calls that block
//     bulwark::result<std::string> reply =
//         co_await bulwark::guarded(call, [&]() -> asio::awaitable<std::string> { ... });
//     bulwark::async_execute(executor, call, fn, token);                                  // with any completion token
//
// The layers are those of the library, one or a pipeline of them, and mean what they mean there (docs/composition.md):
// the first is the outermost, each refusal is an errc of its own in the one result. What differs is how they wait:
//
// - waiting(pool), of a bulkhead or memory_bulkhead: as async_acquire(), in line with all others, until the deadline.
// - timeout: cancels the call at its deadline (terminal cancellation) and waits for it to end; what it comes to then,
//   or a value that comes late, is errc::deadline_exceeded: a failure to a breaker outside. A call that does not hear
//   of cancellation ends when it ends: nothing is left behind. The call runs on a strand of the coroutine's executor,
//   so that call, timer and cancellation do not meet on an executor of several threads.
// - retry: the back-off is a timer; a cancellation ends it. fallback: as it is, but for calls that their caller
// cancelled.
// - circuit_breaker, adaptive_limit, bulkhead, rate_limiter, their references: as they are; they never wait.
// - A layer of one's own: asio::awaitable<typename Next::reply> async_wrap(const Context& context, Next& next), where
//   co_await next(context) goes on; see pipeline.hpp for the rest.
//
// A stop token in a context is looked at where a call or an attempt begins; it ends no wait, cancellation does.
//
// What would block a thread (waiting(limiter), pool_timeout, hedge) does not compile here.
//
// What is the function's: it is called with the context of the call where it takes one, as often as the layers see fit,
// and returns an awaitable or a deferred operation. Its value judges itself, as in execute(); a tuple that begins with
// an error code or an exception_ptr (as_tuple) by that. An exception out of it is a failure and goes on.
//
// Cancellation. The caller cancels as Asio has it: through the slot of the token, or of the coroutine. A place in line
// and a permit are given back; the call is cancelled, and what it comes to goes on as it is. An abort
// (error::operation_aborted, thrown or returned) that the caller has asked for is ignored by a breaker; one that nobody
// asked for is a failure, and so is one of a call whose deadline has passed.
//
// Where the context ends, coroutines are destroyed where they stand. All of the above comes back then too: permits,
// places, retries that were paid for; a breaker's permit is ignored.
//
// Thread safety: as that of the layers. They must outlive the call; those given as temporaries are kept in it. Cost:
// for each layer the frame of a coroutine, which Asio recycles; for a timeout besides a strand, a timer and a coroutine
// on its own. Throws what allocating throws.
//
// Not in bulwark.hpp. CMake: link bulwark::asio.
#pragma once

#include <bulwark/call_context.hpp>
#include <bulwark/detail/asio/judging.hpp>
#include <bulwark/detail/asio/layers.hpp>
#include <bulwark/detail/chain.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

namespace detail {

template <class Layer>
using async_context = basic_call_context<typename common_clock<std::remove_cvref_t<Layer>>::type>;

template <class F, class Context>
using async_reply = typename reply_of<awaited_from<std::remove_reference_t<F>, Context>>::type;

/// Whether F can be called without a classifier.
template <class F, class Context>
concept async_end_of_chain = starts_call<std::remove_reference_t<F>, Context> &&
                             !std::is_same_v<awaited_from<std::remove_reference_t<F>, Context>, bool>;

/// Layer: a reference, or a value that is kept here with the function.
template <class Layer, class Context, class Fn, class Classifier>
boost::asio::awaitable<async_reply<Fn, Context>> run_guarded(Layer layer, Context context, Fn fn, Classifier classify) {
    async_innermost<Context, Fn, Classifier> call(fn, classify);
    co_return co_await async_layers::wrap(layer, context, call);
}

}  // namespace detail

/// The call through the layer, to be awaited at once or moved into a coroutine's executor. fn is kept; layers by name
/// are referred to.
template <class Layer, class F>
    requires detail::async_end_of_chain<F, detail::async_context<Layer>>
auto guarded(Layer&& layer, F&& fn) {
    using context = detail::async_context<Layer>;
    return detail::run_guarded<Layer, context, std::decay_t<F>, detail::awaited_classifier>(
        std::forward<Layer>(layer), context{}, std::forward<F>(fn), {});
}

/// With a classifier: outcome(const T&), of the value that the function comes to.
template <class Layer, class F, class Classifier>
    requires detail::starts_call<std::remove_reference_t<F>, detail::async_context<Layer>>
auto guarded(Layer&& layer, F&& fn, Classifier&& classify) {
    using context = detail::async_context<Layer>;
    return detail::run_guarded<Layer, context, std::decay_t<F>, std::decay_t<Classifier>>(
        std::forward<Layer>(layer), context{}, std::forward<F>(fn), std::forward<Classifier>(classify));
}

/// As a part of a call that is under way: with its deadline and its attempt.
template <class Clock, class Layer, class F>
    requires detail::async_end_of_chain<F, basic_call_context<Clock>>
auto guarded(const basic_call_context<Clock>& outer, Layer&& layer, F&& fn) {
    return detail::run_guarded<Layer, basic_call_context<Clock>, std::decay_t<F>, detail::awaited_classifier>(
        std::forward<Layer>(layer), outer, std::forward<F>(fn), {});
}
template <class Clock, class Layer, class F, class Classifier>
    requires detail::starts_call<std::remove_reference_t<F>, basic_call_context<Clock>>
auto guarded(const basic_call_context<Clock>& outer, Layer&& layer, F&& fn, Classifier&& classify) {
    return detail::run_guarded<Layer, basic_call_context<Clock>, std::decay_t<F>, std::decay_t<Classifier>>(
        std::forward<Layer>(layer), outer, std::forward<F>(fn), std::forward<Classifier>(classify));
}

namespace detail {

/// What co_spawn calls: its result must have a default, that of the user need not.
template <class Handler, class Reply>
struct unwrapped {
    Handler handler;
    void operator()(std::exception_ptr thrown, std::optional<Reply> got) {
        if (!got) got.emplace(boost::system::in_place_error, errc{});
        std::move(handler)(std::move(thrown), *std::move(got));
    }
};

template <class Reply>
boost::asio::awaitable<std::optional<Reply>> wrapped(boost::asio::awaitable<Reply> call) {
    std::optional<Reply> got;
    got.emplace(co_await std::move(call));
    co_return got;
}

template <class Executor, class Reply>
struct execute_initiation {
    Executor executor;

    template <class H>
    void operator()(H&& handler, boost::asio::awaitable<Reply> call) const {
        boost::asio::co_spawn(executor, wrapped(std::move(call)),
                              unwrapped<std::decay_t<H>, Reply>{std::forward<H>(handler)});
    }
};

template <class Awaitable>
using reply_awaited = typename is_awaitable<Awaitable>::awaited;

}  // namespace detail

/// guarded(), run on the executor. Completes with void(std::exception_ptr, result<T>), as co_spawn() does; where there
/// is an exception the result is errc{} and says nothing.
template <class Executor, class Layer, class F, class Token>
    requires detail::async_end_of_chain<F, detail::async_context<Layer>>
auto async_execute(const Executor& executor, Layer&& layer, F&& fn, Token&& token) {
    auto call = guarded(std::forward<Layer>(layer), std::forward<F>(fn));
    using reply = detail::reply_awaited<decltype(call)>;
    return boost::asio::async_initiate<Token, void(std::exception_ptr, reply)>(
        detail::execute_initiation<Executor, reply>{executor}, token, std::move(call));
}

}  // namespace bulwark::inline BULWARK_ABI

/// The handler's executor, allocator and cancellation slot are those of what it is wrapped in.
template <template <class, class> class Associator, class Handler, class Reply, class Default>
struct boost::asio::associator<Associator, bulwark::detail::unwrapped<Handler, Reply>, Default>
    : Associator<Handler, Default> {
    static auto get(const bulwark::detail::unwrapped<Handler, Reply>& wrapped) noexcept {
        return Associator<Handler, Default>::get(wrapped.handler);
    }
    static auto get(const bulwark::detail::unwrapped<Handler, Reply>& wrapped, const Default& otherwise) noexcept {
        return Associator<Handler, Default>::get(wrapped.handler, otherwise);
    }
};
