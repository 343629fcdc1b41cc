// Retry: another attempt for a call that failed, after a delay.
//
//     bulwark::retry_budget budget{{.percent = 20}};
//     bulwark::retry again{{.max_attempts = 4, .budget = &budget}};
//     auto r = again.execute([&] { return client.get("/orders"); });
//     auto call = bulwark::pipeline{again, breaker};          // outside the breaker: see docs/patterns/retry.md
//
// An attempt is followed by another where its outcome is a failure or an exception left it, unless a predicate says
// otherwise; a refusal by the library itself is not, unless asked for. Before each retry the call waits: as long as the
// back-off says, and as the server asked for (a hint from its reply) where that is longer. No retry begins after the
// deadline of the call, or once it is asked to stop; a delay that does not fit into the deadline is not begun; a stop
// cuts it short at once.
//
// When attempts, budget, time or a stop end it, the answer is what the last attempt gave: its reply, or its exception,
// rethrown as it was. Nothing is made up.
//
// Only what may be done twice should be retried.
//
// Thread safety: execute() may be called from any thread at any time; predicate, hint and callback are called by many
// at once. Progress: but for the sleep, lock-free. Cost of a first attempt that succeeds: the deposit into the budget,
// nothing without one. No allocation, but for the state of an exception.
#pragma once

#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/detail/retry_rules.hpp>
#include <bulwark/detail/thrown.hpp>
#include <bulwark/detail/time_limit.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/retry_config.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

/// The predicate where none is given: failures and exceptions are followed by another attempt.
struct retry_failures {};
/// The hint where none is given.
struct no_hint {};

namespace detail {

struct async_layers;

/// What a predicate or a hint is shown of a reply: the reply itself, or only its value, whichever it takes.
template <class Reply>
struct shown_of {
    using value = const typename Reply::value_type&;
    static value of(const Reply& r) { return *r; }
};
template <>
struct shown_of<result<void>> {
    struct value {};
    static value of(const result<void>&) { return {}; }
};
template <class T>
struct shown_of<result<std::reference_wrapper<T>>> {
    using value = const T&;
    static value of(const result<std::reference_wrapper<T>>& r) { return r->get(); }
};

template <class Rep, class Period>
std::optional<std::chrono::nanoseconds> saturated_hint(std::chrono::duration<Rep, Period> time) {
    return saturated(time);
}
template <class Rep, class Period>
std::optional<std::chrono::nanoseconds> saturated_hint(const std::optional<std::chrono::duration<Rep, Period>>& time) {
    if (!time) return std::nullopt;
    return saturated(*time);
}

template <class Hint, class What>
concept hints_at = requires(const Hint& hint, const What& what) { detail::saturated_hint(std::invoke(hint, what)); };

/// How an attempt ended: with a reply, or with an exception.
template <class Reply>
struct attempt_end {
    std::optional<Reply> reply;
    std::exception_ptr thrown;

    Reply give() {
        if (thrown) std::rethrow_exception(std::move(thrown));
        return *std::move(reply);
    }
};

}  // namespace detail

/// Predicate: bool(const T&), bool(const result<T>&) or bool(const std::exception_ptr&), or several of these: whether
/// to try again after that. What it does not take is judged as by default. Of refusals it sees, in a result<T>, those
/// that retry_refusals admits. What it throws is dropped, and there is no retry.
/// Hint: of the same, to a duration or an optional one: the least time that the server asks for. What it throws is
/// dropped, and there is no hint.
/// Sleep: void(std::chrono::nanoseconds, const std::stop_token&); tests have one of their own.
/// All three are called by many threads at once.
template <class Predicate = retry_failures, class Hint = no_hint, class Sleep = detail::interruptible_sleep>
class BULWARK_BY_EXCEPTIONS basic_retry : public detail::executes<basic_retry<Predicate, Hint, Sleep>> {
public:
    /// Throws std::invalid_argument that names the field of a configuration that makes no sense.
    explicit basic_retry(retry_config config = {}, Predicate predicate = {}, Hint hint = {}, Sleep sleep = {})
        : rules_(std::move(config), std::move(sleep)), predicate_(std::move(predicate)), hint_(std::move(hint)) {}

    /// With its counts. Not while the other one is in use.
    basic_retry(basic_retry&&) = default;

    // execute(fn), execute(fn, classifier), and both with a context before them: see detail/executes.hpp.

    template <class Context, class Next>
    [[gnu::always_inline]] typename Next::reply wrap(const Context& context, Next& next) {
        using reply = typename Next::reply;
        // An attempt of a retry outside has been paid for there.
        if (retry_budget* const budget = rules_.config().budget; budget != nullptr && context.attempt() == 1) {
            budget->deposit();
        }
        std::exception_ptr thrown;
        bool another = false;
        BULWARK_TRY {
            reply got = next(context);
            if (!wants_another(got, next)) [[likely]]
                return got;
            another = true;
            return go_on(context, next, &got, nullptr);
        }
        BULWARK_CATCH_ALL {
            if (another) BULWARK_RETHROW;  // the answer to this call
            thrown = detail::caught();
        }
        // Where the exception is not being handled any more.
        return go_on<Context, Next>(context, next, nullptr, std::move(thrown));
    }

    /// Cheap: a line of memory is read.
    retry_snapshot snapshot() const noexcept { return rules_.snapshot(); }

private:
    friend detail::async_layers;

    /// After a first attempt that gave a reply to be followed by another attempt, or an exception.
    template <class Context, class Next>
    [[gnu::noinline]] typename Next::reply go_on(const Context& context, Next& next, typename Next::reply* got,
                                                 std::exception_ptr thrown) {
        detail::attempt_end<typename Next::reply> end;
        if (got != nullptr) end.reply.emplace(std::move(*got));
        end.thrown = std::move(thrown);
        for (std::uint32_t made = 1;; ++made) {
            if (end.thrown && !wants_another(end.thrown)) return end.give();
            if (!rules_.await_next(context, made, hint_in(end))) return end.give();
            // What the reply holds (a connection, say) is given back before the next attempt needs one.
            end.reply.reset();
            end.thrown = nullptr;
            BULWARK_TRY {
                end.reply.emplace(next(context.as_attempt(context.attempt() + made)));
                if (!wants_another(*end.reply, next)) return end.give();
            }
            BULWARK_CATCH_ALL {
                end.reply.reset();
                end.thrown = detail::caught();
            }
        }
    }

    template <class Reply, class Next>
    [[gnu::always_inline]] bool wants_another(const Reply& got, Next& next) const {
        using shown = detail::shown_of<Reply>;
        constexpr bool asks_reply = std::predicate<const Predicate&, const Reply&>;
        constexpr bool asks_value = !asks_reply && std::predicate<const Predicate&, typename shown::value>;
        static_assert(asks_reply || asks_value || std::predicate<const Predicate&, const std::exception_ptr&> ||
                          std::same_as<Predicate, retry_failures>,
                      "bulwark: the predicate of the retry takes neither the value, nor the result, nor an exception");
        if (!got.has_value() && outcome_of_error(got.error()) != outcome::failure) {
            if (!rules_.config().retry_refusals || detail::is_final(got.error())) return false;
            if constexpr (asks_reply) return ask(got);
            return true;
        }
        if constexpr (asks_reply) {
            return ask(got);
        } else {
            if constexpr (asks_value) {
                if (got.has_value()) return ask(shown::of(got));
            }
            return next.outcome_of(got) == outcome::failure;
        }
    }

    bool wants_another(const std::exception_ptr& thrown) const {
        if (const std::optional<errc> refusal = detail::refusal_in(thrown)) {
            if (!rules_.config().retry_refusals || detail::is_final(*refusal)) return false;
        }
        if constexpr (std::predicate<const Predicate&, const std::exception_ptr&>) {
            return ask(thrown);
        } else {
            return true;
        }
    }

    template <class What>
    [[gnu::always_inline]] bool ask(const What& what) const noexcept {
        BULWARK_TRY {
            return std::invoke(predicate_, what);
        }
        BULWARK_CATCH_ALL {  // dropped, as documented
            return false;
        }
    }

    template <class Reply>
    std::optional<std::chrono::nanoseconds> hint_in(const detail::attempt_end<Reply>& end) const noexcept {
        using shown = detail::shown_of<Reply>;
        static_assert(detail::hints_at<Hint, Reply> ||
                          detail::hints_at<Hint, std::remove_cvref_t<typename shown::value>> ||
                          detail::hints_at<Hint, std::exception_ptr> || std::same_as<Hint, no_hint>,
                      "bulwark: the hint of the retry takes neither the value, nor the result, nor an exception, or it "
                      "gives no duration");
        BULWARK_TRY {
            if (end.thrown) {
                if constexpr (detail::hints_at<Hint, std::exception_ptr>) {
                    return detail::saturated_hint(std::invoke(hint_, end.thrown));
                }
            } else if constexpr (detail::hints_at<Hint, Reply>) {
                return detail::saturated_hint(std::invoke(hint_, *end.reply));
            } else if constexpr (detail::hints_at<Hint, std::remove_cvref_t<typename shown::value>>) {
                if (end.reply->has_value()) return detail::saturated_hint(std::invoke(hint_, shown::of(*end.reply)));
            }
        }
        BULWARK_CATCH_ALL {  // NOLINT(bugprone-empty-catch): dropped, as documented
        }
        return std::nullopt;
    }

    detail::retry_rules<Sleep> rules_;
    const Predicate predicate_;
    const Hint hint_;
};

using retry = basic_retry<>;

}  // namespace bulwark::inline BULWARK_ABI
