// The layers of a pipeline around an asynchronous call: for each kind a coroutine that does what the layer's wrap()
// does, and waits without a thread. Which kinds there are, and what they do, is told in bulwark/asio/execute.hpp.
//
// Where a layer takes something for the time of a call, a coroutine that is destroyed while it is suspended gives it
// back by its destructors, as one that is cancelled does.
#pragma once

#include <bulwark/asio/acquire.hpp>
#include <bulwark/call_context.hpp>
#include <bulwark/detail/asio/cut_off.hpp>
#include <bulwark/detail/asio/judging.hpp>
#include <bulwark/detail/chain.hpp>
#include <bulwark/detail/wanted.hpp>
#include <bulwark/detail/wrapping.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/fallback.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/retry.hpp>
#include <bulwark/timeout.hpp>
#include <bulwark/version.hpp>
#include <bulwark/waiting.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

/// A layer of the user's own.
template <class Layer, class Context, class Next>
concept wraps_async = requires(Layer& layer, const Context& context, Next& next) {
    { layer.async_wrap(context, next) } -> std::same_as<boost::asio::awaitable<typename Next::reply>>;
};

/// It lends permits that want to know how the call ended: a breaker, an adaptive limit.
template <class Layer>
concept judges_permits = requires(Layer& layer) {
    layer.try_acquire()->success();
    layer.try_acquire()->failure();
    layer.try_acquire()->ignore();
};

/// What a call came to.
template <class Reply>
struct async_end {
    std::optional<Reply> reply;
    std::exception_ptr thrown;

    Reply give() {
        if (thrown) std::rethrow_exception(std::move(thrown));
        return *std::move(reply);
    }
    bool aborted() const noexcept {
        if (thrown) return says_aborted(thrown);
        if constexpr (std::is_void_v<typename Reply::value_type>) {
            return false;
        } else {
            return reply->has_value() && says_aborted(**reply);
        }
    }
};

/// A permit that is told how the call ended; without a word, as when the coroutine is destroyed, the call is ignored.
template <class Permit>
class told_permit {
public:
    explicit told_permit(Permit&& taken) noexcept : permit_(std::move(taken)) {}
    told_permit(const told_permit&) = delete;
    told_permit& operator=(const told_permit&) = delete;
    ~told_permit() { permit_.ignore(); }

    /// Throws what the policy of the breaker throws.
    void tell(outcome how) {
        switch (how) {
            case outcome::success: permit_.success(); break;
            case outcome::failure: permit_.failure(); break;
            case outcome::ignored: permit_.ignore(); break;
        }
    }
    void tell_of_exception(outcome how) noexcept {
        try {
            tell(how);
        } catch (...) {  // NOLINT(bugprone-empty-catch): the exception of the call goes on
        }
    }

private:
    Permit permit_;
};

/// What the parts of an asynchronous call do; a friend of the layers.
struct async_layers {
    template <class T>
    using awaitable = boost::asio::awaitable<T>;

    template <class Layer, class Context, class Next>
    static awaitable<typename Next::reply> wrap(Layer& layer, const Context& context, Next& next) {
        if constexpr (wraps_async<Layer, Context, Next>) {
            return layer.async_wrap(context, next);
        } else if constexpr (requires { through(layer, context, next); }) {
            return through(layer, context, next);
        } else if constexpr (judges_permits<Layer>) {
            return judged(layer, context, next);
        } else if constexpr (lends_permits<Layer>) {
            return held(layer, context, next);
        } else {
            static_assert(
                never_so<Layer>,
                "bulwark: no layer for an asynchronous call: it would block, or is const, or nothing is known "
                "of it (see bulwark/asio/execute.hpp)");
        }
    }

private:
    // The context and what is next live in the frame of the caller, which waits.

    static bool is_set(const boost::asio::cancellation_state& state) noexcept {
        return state.cancelled() != boost::asio::cancellation_type::none;
    }

    template <class Layer, class Context, class Next>
    static awaitable<typename Next::reply> judged(Layer& layer, const Context& context, Next& next) {
        using reply = typename Next::reply;
        auto admitted = layer.try_acquire();
        if (!admitted) co_return reply(boost::system::in_place_error, admitted.error());
        told_permit permit(*std::move(admitted));
        async_end<reply> end;
        try {
            end.reply.emplace(co_await next(context));
        } catch (...) {
            end.thrown = std::current_exception();
        }
        const boost::asio::cancellation_state state = co_await boost::asio::this_coro::cancellation_state;
        // Aborted by the caller's own wish, the call says nothing of the service; by a deadline, that it was too slow.
        const bool given_up = is_set(state) && !context.deadline().expired() && end.aborted();
        if (end.thrown) {
            permit.tell_of_exception(given_up ? outcome::ignored : outcome_of(end.thrown));
        } else {
            permit.tell(given_up ? outcome::ignored : judge(next, *end.reply, permit));
        }
        co_return end.give();
    }

    /// What the classifier throws is a failure, and goes on.
    template <class Next, class Permit>
    static outcome judge(Next& next, const typename Next::reply& reply, Permit& permit) {
        try {
            return next.outcome_of(reply);
        } catch (...) {
            permit.tell_of_exception(outcome_of_thrown());
            throw;
        }
    }

    template <class Layer, class Context, class Next>
    static awaitable<typename Next::reply> held(Layer& layer, const Context& context, Next& next) {
        using reply = typename Next::reply;
        const auto permit = layer.try_acquire();
        if (!permit) co_return reply(boost::system::in_place_error, permit.error());
        co_return co_await next(context);
    }

    template <class Pool, class Context, class Next>
        requires asynchronous_pool<Pool>
    static awaitable<typename Next::reply> through(waiting<Pool>& line, const Context& context, Next& next) {
        using reply = typename Next::reply;
        const auto permits =
            co_await async_acquire(*line.pool_, line.weight_, steady(context.deadline()), boost::asio::use_awaitable);
        if (!permits) co_return reply(boost::system::in_place_error, permits.error());
        // Granted while it was cancelled: the call is not made.
        const boost::asio::cancellation_state state = co_await boost::asio::this_coro::cancellation_state;
        if (is_set(state)) co_return reply(boost::system::in_place_error, errc::stopped);
        co_return co_await next(context);
    }

    static deadline steady(deadline end) noexcept { return end; }
    template <class Clock>
    static deadline steady(basic_deadline<Clock> end) {
        return end.is_never() ? deadline::never() : deadline::in(end.remaining());
    }

    template <class Clock, class Context, class Next>
    static awaitable<typename Next::reply> through(basic_timeout<Clock>& limit, const Context& context, Next& next) {
        using reply = typename Next::reply;
        const typename Clock::time_point now = Clock::now();
        if (const errc why = unwanted(context, now); why != errc{}) {
            co_return reply(boost::system::in_place_error, why);
        }
        const auto until = std::min(context.deadline(), basic_deadline<Clock>::after(now, limit.limit()));
        const Context inner = context.until(until);
        const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
        const auto cut =
            std::allocate_shared<cut_off<Clock>>(boost::asio::recycling_allocator<cut_off<Clock>>(), executor, until);
        const boost::asio::cancellation_state before = co_await boost::asio::this_coro::cancellation_state;
        if (auto slot = before.slot(); slot.is_connected()) {
            slot.assign([weak = std::weak_ptr(cut)](boost::asio::cancellation_type_t type) {
                if (const auto still = weak.lock()) still->cancel(type);
            });
        }
        async_end<reply> end;
        try {
            end.reply = co_await boost::asio::co_spawn(
                cut->executor(), under(cut, inner, next),
                boost::asio::bind_cancellation_slot(cut->slot(), boost::asio::use_awaitable));
        } catch (...) {
            end.thrown = std::current_exception();
        }
        const boost::asio::cancellation_state after = co_await boost::asio::this_coro::cancellation_state;
        co_return in_time(limit, until, cut->made() && !is_set(after), std::move(end));
    }

    /// An optional one: what co_spawn returns must have a default.
    template <class Cut, class Context, class Next>
    static awaitable<std::optional<typename Next::reply>> under(std::shared_ptr<Cut> cut, const Context& context,
                                                                Next& next) {
        const typename Cut::call under_way(*cut);
        std::optional<typename Next::reply> got;
        got.emplace(co_await next(context));
        co_return got;
    }

    /// `cut`: by the deadline, and by nobody else.
    template <class Clock, class Reply>
    static Reply in_time(basic_timeout<Clock>& limit, basic_deadline<Clock> until, bool cut, async_end<Reply> end) {
        const bool aborted = cut && end.aborted();
        if (end.thrown) {
            if (until.expired()) limit.late_.add_one();
            if (aborted) return {boost::system::in_place_error, errc::deadline_exceeded};
            return end.give();
        }
        if (!end.reply->has_value()) {
            // Who waits for a permit hears of the deadline in either way.
            if (cut && end.reply->error() == errc::stopped) return {boost::system::in_place_error, errc::timed_out};
            return end.give();
        }
        if (!until.expired()) return end.give();
        limit.late_.add_one();
        if (limit.config_.keep_late_answer && !aborted) return end.give();
        return {boost::system::in_place_error, errc::deadline_exceeded};
    }

    template <class Fn, class Context, class Next>
    static awaitable<typename Next::reply> through(fallback<Fn>& answering, const Context& context, Next& next) {
        using reply = typename Next::reply;
        async_end<reply> end;
        try {
            end.reply.emplace(co_await next(context));
        } catch (...) {
            end.thrown = std::current_exception();
        }
        const boost::asio::cancellation_state state = co_await boost::asio::this_coro::cancellation_state;
        // Who wants no answer gets none made up.
        if (is_set(state) && end.aborted()) co_return end.give();
        finished<reply, Next> given{std::move(end), next};
        co_return answering.wrap(context, given);
    }

    /// A call that has ended, as what is next for a layer that does not wait.
    template <class Reply, class Next>
    struct finished {
        using reply = Reply;
        async_end<Reply> end;
        Next& next;

        template <class Context>
        Reply operator()(const Context& /*context*/) {
            return end.give();
        }
        outcome outcome_of(const Reply& r) const { return next.outcome_of(r); }
    };

    template <class Predicate, class Hint, class Sleep, class Context, class Next>
    static awaitable<typename Next::reply> through(basic_retry<Predicate, Hint, Sleep>& again, const Context& context,
                                                   Next& next) {
        using reply = typename Next::reply;
        auto& rules = again.rules_;
        // An attempt of a retry outside has been paid for there.
        if (retry_budget* const budget = rules.config().budget; budget != nullptr && context.attempt() == 1) {
            budget->deposit();
        }
        for (std::uint32_t made = 0;;) {
            const Context attempt = made == 0 ? context : context.as_attempt(context.attempt() + made);
            attempt_end<reply> end;
            try {
                end.reply.emplace(co_await next(attempt));
            } catch (...) {
                end.thrown = std::current_exception();
            }
            ++made;
            const boost::asio::cancellation_state state = co_await boost::asio::this_coro::cancellation_state;
            if (end.thrown ? !again.wants_another(end.thrown) : !again.wants_another(*end.reply, next)) {
                co_return end.give();
            }
            if (is_set(state)) {
                rules.note(context.deadline().expired() ? retry_end::out_of_time : retry_end::stopped);
                co_return end.give();
            }
            std::chrono::nanoseconds delay{0};
            const retry_end may = rules.prepare(context, made, again.hint_in(end), delay);
            if (may != retry_end::made) {
                rules.note(may);
                co_return end.give();
            }
            paid_retry paid(rules.config().budget);
            const retry_end now = co_await slept(context, rules, delay);
            rules.note(now);
            if (now != retry_end::made) co_return end.give();
            paid.keep();
        }
    }

    template <class Context, class Rules>
    static awaitable<retry_end> slept(const Context& context, Rules& rules, std::chrono::nanoseconds delay) {
        if (delay > std::chrono::nanoseconds::zero()) {
            const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
            boost::asio::steady_timer timer(executor, steady_after(delay));
            const auto [error] = co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
            if (error) co_return retry_end::stopped;
        }
        co_return rules.confirm(context);
    }

    template <class... Layers, class Context, class Next>
    static awaitable<typename Next::reply> through(pipeline<Layers...>& all, const Context& context, Next& next) {
        return all.layers_.apply([&](auto&... layers) { return in_order(context, next, layers...); });
    }
    template <class Context, class Next, class... Layers>
    static awaitable<typename Next::reply> in_order(const Context& context, Next& next, Layers&... layers) {
        auto all = chain(onward<Next>(next), layers...);
        co_return co_await all(context);
    }

    template <class Innermost>
    static auto chain(Innermost end) {
        return end;
    }
    template <class Innermost, class First, class... Rest>
    static auto chain(Innermost end, First& first, Rest&... rest) {
        auto next = chain(std::move(end), rest...);
        return async_link<First, decltype(next)>(first, std::move(next));
    }

    /// The end of a chain inside another.
    template <class Next>
    class onward {
    public:
        using reply = typename Next::reply;
        explicit onward(Next& next) noexcept : next_(&next) {}
        template <class Context>
        awaitable<reply> operator()(const Context& context) {
            return (*next_)(context);
        }
        outcome outcome_of(const reply& r) const { return next_->outcome_of(r); }

    private:
        Next* next_;
    };

    template <class Layer, class Next>
    class async_link {
    public:
        using reply = typename Next::reply;
        async_link(Layer& layer, Next next) : layer_(&layer), next_(std::move(next)) {}
        template <class Context>
        awaitable<reply> operator()(const Context& context) {
            return wrap(*layer_, context, next_);
        }
        outcome outcome_of(const reply& r) const { return next_.outcome_of(r); }

    private:
        Layer* layer_;
        Next next_;
    };
};

/// The function at the end of a chain, and how what it comes to is to be judged.
template <class Context, class Fn, class Classifier>
class async_innermost {
    using awaited = awaited_from<Fn, Context>;

public:
    using reply = typename reply_of<awaited>::type;

    async_innermost(Fn& fn, Classifier& classifier) noexcept : fn_(&fn), classifier_(&classifier) {}

    boost::asio::awaitable<reply> operator()(const Context& context) {
        if constexpr (std::is_void_v<awaited>) {
            co_await as_awaitable(call_with(*fn_, context));
            co_return reply(boost::system::in_place_value);
        } else if constexpr (reply_of<awaited>::is_result) {
            co_return co_await as_awaitable(call_with(*fn_, context));
        } else {
            co_return reply(boost::system::in_place_value, co_await as_awaitable(call_with(*fn_, context)));
        }
    }

    outcome outcome_of(const reply& r) const {
        if (!r.has_value()) return outcome_of_error(r.error());
        if constexpr (std::is_void_v<typename reply::value_type>) {
            return outcome::success;
        } else {
            return std::invoke(*classifier_, *r);
        }
    }

private:
    Fn* fn_;
    Classifier* classifier_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
