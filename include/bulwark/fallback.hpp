// The fallback: answers for a call that has no good answer. As a rule the outermost layer, for it hides from those
// outside it what went wrong.
//
//     bulwark::fallback cached{[&](bulwark::errc) { return cached_orders(); }};            // refusals, and time-outs
//     bulwark::fallback stale{[&](auto&&...) { return cached_orders(); }};                 // whatever went wrong
//     auto reply = cached.execute([&] { return breaker.execute(call); });
//
// What the function takes says what it answers for:
//     fn(errc)                          the reply is an error: a refusal of any layer inside, or a time-out
//     fn(const std::exception_ptr&)     an exception left the layers inside
//     fn(const T&)                      the value is a failure, by the classifier of the call
//     fn()                              each of the three, where it takes nothing better
// An object with several of them answers for each; what it takes none of goes on as it was.
//
// It returns what the reply's value can be made of, or a reply (result<T>), which may be an error: so it can refuse to
// answer, by handing back the errc, or rethrowing the exception. What it throws goes on. Its answer is not judged
// again.
//
// Thread safety: every member may be called from any thread at any time, construction, moving and destruction excepted;
// so may the function. Progress: wait-free, given that the functions return.
// Cost: of a good reply, the classifier. Nothing is allocated or counted there.
#pragma once

#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/detail/rare_count.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

template <class Fn>
class BULWARK_BY_EXCEPTIONS fallback : public detail::executes<fallback<Fn>> {
public:
    explicit fallback(Fn fn) : fn_(std::move(fn)) {}

    /// How often it was asked.
    std::uint64_t asked() const noexcept { return asked_.get(); }

    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        static_assert(
            answers<errc> || answers<std::exception_ptr> || answers_value<typename Next::reply::value_type>,
            "bulwark: the function of the fallback takes neither an errc, nor a std::exception_ptr, nor the value, "
            "nor nothing: it would never be asked");
        bool answered = false;
        typename Next::reply reply = call(context, next, answered);
        if (answered) return reply;
        if (!reply.has_value()) {
            if constexpr (answers<errc>) return ask<typename Next::reply>(reply.error());
        } else if constexpr (!std::is_void_v<typename Next::reply::value_type>) {
            using value = typename Next::reply::value_type;
            if constexpr (answers<value>) {
                if (next.outcome_of(reply) == outcome::failure) return ask<typename Next::reply>(std::as_const(*reply));
            }
        }
        return reply;
    }

private:
    template <class Why>
    static constexpr bool takes = std::is_invocable_v<Fn&, const Why&>;
    template <class Why>
    static constexpr bool answers = takes<Why> || std::is_invocable_v<Fn&>;
    template <class T>
    static constexpr bool answers_value = answers<std::conditional_t<std::is_void_v<T>, errc, T>>;

    template <class Context, class Next>
    typename Next::reply call(const Context& context, Next& next, bool& answered) {
        if constexpr (answers<std::exception_ptr>) {
            BULWARK_TRY {
                return next(context);
            }
            BULWARK_CATCH_ALL {
                const std::exception_ptr thrown = detail::caught();
                answered = true;
                return ask<typename Next::reply>(thrown);
            }
        } else {
            return next(context);
        }
    }

    template <class Reply, class Why>
    Reply ask(const Why& why) {
        asked_.add_one();
        const auto tell = [&]() -> decltype(auto) {
            if constexpr (takes<Why>) {
                return std::invoke(fn_, why);
            } else {
                return std::invoke(fn_);
            }
        };
        using returned = decltype(tell());
        if constexpr (std::is_same_v<std::remove_cvref_t<returned>, errc> || detail::reply_of<returned>::is_result) {
            return tell();
        } else if constexpr (std::is_void_v<typename Reply::value_type>) {
            tell();
            return {boost::system::in_place_value};
        } else {
            return {boost::system::in_place_value, tell()};
        }
    }

    Fn fn_;
    detail::rare_count asked_;
};

}  // namespace bulwark::inline BULWARK_ABI
