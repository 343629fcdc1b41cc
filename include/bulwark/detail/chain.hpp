// How layers are put around a function at compile time: a chain of small objects, each of which calls the next. No
// allocation, no virtual call; an optimizing compiler leaves the sum of the parts. What a link offers to the layer
// outside it is told in bulwark/pipeline.hpp, for it is part of the interface.
#pragma once

#include <bulwark/call_context.hpp>
#include <bulwark/detail/wrapping.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

/// Called with the context where it takes one.
template <class Fn, class Context>
[[gnu::always_inline]] inline decltype(auto) call_with(Fn& fn, const Context& context) {
    if constexpr (std::is_invocable_v<Fn&, const Context&>) {
        return std::invoke(fn, context);
    } else {
        return std::invoke(fn);
    }
}

template <class Fn, class Context>
concept callable_with = std::invocable<Fn&, const Context&> || std::invocable<Fn&>;

template <class Fn, class Context>
using returned_by = decltype(call_with(std::declval<Fn&>(), std::declval<const Context&>()));

/// What a function that returns R replies: a result<T> is one already, everything else becomes one. `judged` is what a
/// classifier is shown of it.
template <class R>
struct reply_for {
    using type = result<typename held<R>::type>;
    using judged = const std::remove_reference_t<R>&;
    static constexpr bool is_result = false;
};
template <>
struct reply_for<void> {
    using type = result<void>;
    using judged = void;
    static constexpr bool is_result = false;
};
template <class T>
struct reply_for<result<T>> {
    using type = result<T>;
    using judged = std::conditional_t<std::is_void_v<T>, void, std::add_lvalue_reference_t<const T>>;
    static constexpr bool is_result = true;
};
template <class R>
using reply_of = reply_for<std::conditional_t<std::is_lvalue_reference_v<R>, R, std::remove_cvref_t<R>>>;

/// The end of a chain: the function, and how what it returns is to be judged. Fn and Classifier are values that it owns
/// or references to the caller's.
template <class Context, class Fn, class Classifier>
class innermost {
    using returned = returned_by<std::remove_reference_t<Fn>, Context>;

public:
    using reply = typename reply_of<returned>::type;

    innermost(Fn fn, Classifier classifier)
        : fn_(static_cast<Fn&&>(fn)), classifier_(static_cast<Classifier&&>(classifier)) {}

    [[gnu::always_inline]] reply operator()(const Context& context) {
        if constexpr (std::is_void_v<returned>) {
            call_with(fn_, context);
            // g++ 12 warns of the bytes of the error, which is not there, where a layer copies this reply.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
            return {boost::system::in_place_value};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
        } else if constexpr (reply_of<returned>::is_result) {
            return call_with(fn_, context);
        } else {
            return {boost::system::in_place_value, call_with(fn_, context)};
        }
    }

    [[gnu::always_inline]] outcome outcome_of(const reply& r) const {
        if (!r.has_value()) return outcome_of_error(r.error());
        if constexpr (std::is_void_v<typename reply::value_type>) {
            return outcome::success;
        } else if constexpr (std::is_lvalue_reference_v<returned>) {
            return std::invoke(classifier_, std::as_const(r->get()));
        } else {
            return std::invoke(classifier_, *r);
        }
    }

    auto detach() const {
        using own_fn = std::decay_t<Fn>;
        using own_classifier = std::decay_t<Classifier>;
        static_assert(std::is_copy_constructible_v<own_fn> && std::is_copy_constructible_v<own_classifier>,
                      "a layer that may leave the call behind keeps a copy of the function and of the classifier");
        return innermost<Context, own_fn, own_classifier>(fn_, classifier_);
    }

private:
    Fn fn_;
    Classifier classifier_;
};

/// The end of a chain inside another: what the outer one has next.
template <class Next>
class onward {
public:
    using reply = typename Next::reply;

    explicit onward(Next& next) : next_(&next) {}

    template <class Context>
    [[gnu::always_inline]] reply operator()(const Context& context) {
        return (*next_)(context);
    }
    [[gnu::always_inline]] outcome outcome_of(const reply& r) const { return next_->outcome_of(r); }
    auto detach() const { return next_->detach(); }

private:
    Next* next_;
};

template <class Context, class Layer, class Next>
class link {
public:
    using reply = typename Next::reply;

    link(Layer& layer, Next next) : layer_(&layer), next_(std::move(next)) {}

    [[gnu::always_inline]] reply operator()(const Context& context) { return call_inside(*layer_, context, next_); }
    [[gnu::always_inline]] outcome outcome_of(const reply& r) const { return next_.outcome_of(r); }
    auto detach() const {
        auto rest = next_.detach();
        return link<Context, Layer, decltype(rest)>(*layer_, std::move(rest));
    }

private:
    Layer* layer_;
    Next next_;
};

/// The function inside all the layers, the first outermost.
template <class Context, class Innermost>
[[gnu::always_inline]] inline auto chain(Innermost end) {
    return end;
}
template <class Context, class Innermost, class First, class... Rest>
[[gnu::always_inline]] inline auto chain(Innermost end, First& first, Rest&... rest) {
    auto next = chain<Context>(std::move(end), rest...);
    return link<Context, First, decltype(next)>(first, std::move(next));
}

/// The clock that the layers name; std::chrono::steady_clock where none does.
template <class... Layers>
struct common_clock {
    using type = std::chrono::steady_clock;
    static constexpr bool named = false;
};
template <class First, class... Rest>
struct common_clock<First, Rest...> : common_clock<Rest...> {};
template <class First, class... Rest>
    requires requires { typename First::deadline_clock; }
struct common_clock<First, Rest...> {
    using type = typename First::deadline_clock;
    static constexpr bool named = true;
    static_assert(!common_clock<Rest...>::named || std::is_same_v<type, typename common_clock<Rest...>::type>,
                  "bulwark: the layers of a pipeline keep to deadlines of one clock");
};

/// Whether F can stand at the end of a chain without a classifier: see classifies_itself.
template <class F, class Context>
concept chain_end = callable_with<std::remove_reference_t<F>, Context> &&
                    !std::is_same_v<std::remove_cvref_t<returned_by<std::remove_reference_t<F>, Context>>, bool>;

template <class F, class Context>
using judged_of = typename reply_of<returned_by<std::remove_reference_t<F>, Context>>::judged;

/// Whether C can judge what F returns. There is nothing to judge in void.
template <class C, class F, class Context>
concept judges = callable_with<std::remove_reference_t<F>, Context> && !std::is_void_v<judged_of<F, Context>> &&
                 std::is_invocable_r_v<outcome, std::remove_reference_t<C>&, judged_of<F, Context>>;

/// A call through layers.
template <class Context, class F, class Classifier, class... Layers>
[[gnu::always_inline]] inline auto call_through(const Context& context, F&& fn, Classifier&& classifier,
                                                Layers&... layers) {
    using end = innermost<Context, std::remove_reference_t<F>&, std::remove_reference_t<Classifier>&>;
    auto all = chain<Context>(end(fn, classifier), layers...);
    return all(context);
}

}  // namespace bulwark::inline BULWARK_ABI::detail
