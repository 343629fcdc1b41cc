// execute() for whatever is a layer: a layer alone is a pipeline of one.
#pragma once

#include <bulwark/call_context.hpp>
#include <bulwark/detail/chain.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

/// A base of Layer. Calls keep to deadlines of the clock that Layer names; where it names none, of whichever clock the
/// caller's context has.
template <class Layer>
class executes {
    template <class Clock>
    static constexpr bool keeps_to =
        !common_clock<Layer>::named || std::is_same_v<Clock, typename common_clock<Layer>::type>;

    template <class L>
    using own_context = basic_call_context<typename common_clock<L>::type>;

public:
    /// Calls fn() or fn(context) through the layer; fn is called as an lvalue, as often as the layer sees fit. What it
    /// returned is judged by itself: an error code by whether it is set, anything with has_value() by whether it has
    /// one, every other value as a success. A function that returns bool needs a classifier. What fn throws is a
    /// failure, and goes on to the caller unless a layer answers for it.
    template <class F, class L = Layer>
        requires chain_end<F, own_context<L>>
    [[gnu::always_inline]] auto execute(F&& fn) {
        default_classifier classify;
        return call_through(own_context<L>{}, fn, classify, self());
    }

    /// The same, with a classifier: outcome(const T&), of the value that fn returned, also where it returned it in a
    /// result<T>. What it throws is treated like an exception out of fn.
    template <class F, class Classifier, class L = Layer>
        requires judges<Classifier, F, own_context<L>>
    [[gnu::always_inline]] auto execute(F&& fn, Classifier&& classify) {
        return call_through(own_context<L>{}, fn, classify, self());
    }

    /// The same as a part of a call that is under way: with its deadline, its stop token, its attempt.
    template <class Clock, class F>
        requires keeps_to<Clock> && chain_end<F, basic_call_context<Clock>>
    [[gnu::always_inline]] auto execute(const basic_call_context<Clock>& outer, F&& fn) {
        default_classifier classify;
        return call_through(outer, fn, classify, self());
    }
    template <class Clock, class F, class Classifier>
        requires keeps_to<Clock> && judges<Classifier, F, basic_call_context<Clock>>
    [[gnu::always_inline]] auto execute(const basic_call_context<Clock>& outer, F&& fn, Classifier&& classify) {
        return call_through(outer, fn, classify, self());
    }

private:
    friend Layer;
    executes() = default;

    Layer& self() noexcept { return static_cast<Layer&>(*this); }
};

}  // namespace bulwark::inline BULWARK_ABI::detail
