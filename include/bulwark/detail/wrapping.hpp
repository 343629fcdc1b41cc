// How a layer is put around the rest of a call: by its own wrap(), or, for a type that knows nothing of pipelines, by
// what it offers to every caller. The forms are told in bulwark/pipeline.hpp, for they are part of the interface.
#pragma once

#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

/// It says itself what it does.
template <class Layer, class Context, class Next>
concept wraps = requires(Layer& layer, const Context& context, Next& next) {
    { layer.wrap(context, next) } -> std::same_as<typename Next::reply>;
};

/// It calls a function, or refuses, and has what was returned judged: a breaker, a compartment.
template <class Layer, class Next>
concept judges_calls =
    requires(Layer& layer, typename Next::reply (*fn)(), outcome (*classify)(const typename Next::reply&)) {
        { layer.execute(fn, classify) } -> std::same_as<result<typename Next::reply>>;
    };

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

/// Permits of a memory bulkhead are bytes: one of them would be no limit on calls.
template <class Permit>
inline constexpr bool counts_bytes = requires(const Permit& p) {
    { p->weight() } -> std::same_as<std::uint64_t>;
};

/// It gives out permits, each good for a call and given back by its destructor: a bulkhead.
template <class Layer>
concept lends_permits =
    requires(Layer& layer) { layer.try_acquire(); } && is_result<decltype(std::declval<Layer&>().try_acquire())> &&
    !counts_bytes<decltype(std::declval<Layer&>().try_acquire())>;

template <class Layer, class Context, class Next>
concept goes_around = wraps<Layer, Context, Next> || judges_calls<Layer, Next> || lends_permits<Layer>;

template <class>
inline constexpr bool never_so = false;

template <class Layer, class Context, class Next>
[[gnu::always_inline]] inline typename Next::reply call_inside(Layer& layer, const Context& context, Next& next) {
    using reply = typename Next::reply;
    if constexpr (wraps<Layer, Context, Next>) {
        return layer.wrap(context, next);
    } else if constexpr (judges_calls<Layer, Next>) {
        result<reply> answer =
            layer.execute([&] { return next(context); }, [&](const reply& r) { return next.outcome_of(r); });
        if (!answer) return {boost::system::in_place_error, answer.error()};
        return *std::move(answer);
    } else if constexpr (lends_permits<Layer>) {
        const auto permit = layer.try_acquire();
        if (!permit) return {boost::system::in_place_error, permit.error()};
        return next(context);
    } else {
        static_assert(never_so<Layer>,
                      "bulwark: no layer for this call: it has no wrap(context, next) that returns Next::reply, no "
                      "execute(fn, classifier) and no try_acquire(), or it is const (see bulwark/pipeline.hpp)");
    }
}

}  // namespace bulwark::inline BULWARK_ABI::detail
