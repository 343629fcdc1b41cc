// A pipeline: several layers around a call, in one line, put together at compile time.
//
//     auto call = bulwark::pipeline{fallback, retry, breaker, bulkhead, timeout};
//     auto reply = call.execute([&] { return client.get("/orders"); });   // result<response>
//
// The first layer is the outermost: its refusal is met first, and it sees what all the others made of the call. Which
// order is right, and why: docs/composition.md. A layer given by name (an lvalue) is referred to and must outlive the
// pipeline; a temporary is moved in and owned. A pipeline is a layer too.
//
// The function may take the context of the call (basic_call_context: deadline, stop token, attempt). Its reply is a
// result<T>: what it returned is the value (a result<T> of the library is passed on, not wrapped again), and every
// layer's refusal is an error of its own (errc). A refusal is never a failure of the service: a breaker outside ignores
// it, and a retry outside lets it be.
//
// Thread safety: execute() may be called from any thread at any time. Progress and cost: those of the layers; between
// them nothing is allocated, locked or erased.
//
// A layer of one's own is any type L with
//
//     template <class Context, class Next>
//     typename Next::reply wrap(const Context& context, Next& next);
//
// called for each call, from many threads at once. `next` is what is inside: the layers that follow, and the function.
//
//     next(context)            calls it, as often as the layer sees fit; context is the one that came, or one made from
//                              it (until(), stopped_by(), as_attempt()). What the function throws comes out.
//     Next::reply              the result<T> that it returns, and that wrap() returns: passed on, or another value, or
//                              a refusal, {boost::system::in_place_error, errc}
//     next.outcome_of(reply)   what a reply says of the service: success, failure, ignored
//     next.detach()            the same, fit to outlive this call: it owns copies of function and classifier, refers to
//                              the layers, and may be called later on another thread
//
// A layer that sets deadlines, or keeps to them, names their clock: `using deadline_clock = ...`; all layers that do
// agree on it. Types that know nothing of pipelines are layers too where they have
//
//     execute(fn, classifier)  as circuit_breaker: calls fn or refuses, and returns a result<R> of what fn returned
//     try_acquire()            as bulkhead: a result<permit>; the permit is given back by its destructor
//
// in this order of preference; so the mutex references and compartments are. (A memory bulkhead is not: one byte would
// be no limit. Take its permits by bulwark::waiting(pool, bytes).)
#pragma once

#include <bulwark/call_context.hpp>
#include <bulwark/detail/chain.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

namespace detail {

struct async_layers;

/// Stands for what is inside a layer, where only types are looked at.
template <class T, class Context>
struct anything_next {
    using reply = result<T>;
    reply operator()(const Context&);
    outcome outcome_of(const reply&) const;
    anything_next detach() const;
};

/// Where layers name a clock, what they make up names it too.
template <class... Layers>
struct agreed_clock {};
template <class... Layers>
    requires(common_clock<Layers...>::named)
struct agreed_clock<Layers...> {
    using deadline_clock = typename common_clock<Layers...>::type;
};

/// Layers that are kept, the first outermost. They go in that order too: a layer whose calls may outlive their callers
/// ends them while what is inside it is still there. (The order in which a std::tuple goes is nobody's promise.)
template <class... Layers>
struct layers_kept {
    template <class F, class... Outer>
    [[gnu::always_inline]] decltype(auto) apply(F&& f, Outer&... outer) {
        return f(outer...);
    }
};
template <class First, class... Rest>
struct layers_kept<First, Rest...> {
    explicit layers_kept(First&& first, Rest&&... rest)
        : inside(std::forward<Rest>(rest)...), layer(std::forward<First>(first)) {}

    template <class F, class... Outer>
    [[gnu::always_inline]] decltype(auto) apply(F&& f, Outer&... outer) {
        return inside.apply(f, outer..., layer);
    }

    [[no_unique_address]] layers_kept<Rest...> inside;
    [[no_unique_address]] First layer;
};

}  // namespace detail

/// Whether L is a layer, in calls whose reply is a result<T>.
template <class L, class T = int, class Context = basic_call_context<typename detail::common_clock<L>::type>>
concept layer = detail::goes_around<L, Context, detail::anything_next<T, Context>>;

template <class... Layers>
class pipeline : public detail::agreed_clock<std::remove_reference_t<Layers>...>,
                 public detail::executes<pipeline<Layers...>> {
    static_assert(
        (std::is_constructible_v<Layers, Layers> && ...),
        "bulwark: a layer that cannot be moved stays where it is: give it a name, and the pipeline that name");

public:
    /// Of deadlines: what the layers name, std::chrono::steady_clock where none does.
    using clock = typename detail::common_clock<std::remove_reference_t<Layers>...>::type;
    using context = basic_call_context<clock>;

    explicit pipeline(Layers&&... layers) : layers_(std::forward<Layers>(layers)...) {}

    // execute(fn), execute(fn, classifier), and both with a context before them: see detail/executes.hpp.

    /// As a layer of another pipeline.
    template <class Context, class Next>
    [[gnu::always_inline]] typename Next::reply wrap(const Context& outer, Next& next) {
        return layers_.apply([&](auto&... layers) {
            auto all = detail::chain<Context>(detail::onward<Next>(next), layers...);
            return all(outer);
        });
    }

private:
    friend detail::async_layers;

    detail::layers_kept<Layers...> layers_;
};

template <class... Layers>
pipeline(Layers&&...) -> pipeline<Layers...>;

}  // namespace bulwark::inline BULWARK_ABI
