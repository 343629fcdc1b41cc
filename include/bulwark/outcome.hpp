// What became of a call: success, failure, or ignored; and how a returned value tells by itself.
#pragma once

#include <bulwark/errc.hpp>
#include <bulwark/version.hpp>

#include <boost/system/error_code.hpp>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace bulwark::inline BULWARK_ABI {

enum class outcome : std::uint8_t {
    success,
    failure,
    ignored,  ///< neither: counts in no rate and moves no state
};

/// "success" "failure" "ignored"
std::string_view to_string(outcome what) noexcept;
std::ostream& operator<<(std::ostream& out, outcome what);

/// The outcome that an error stands for. A refusal by the library itself (a full bulkhead inside a breaker, say) is
/// ignored: it says nothing about the service. A call that was made and had no answer in time is a failure.
template <class Error>
outcome outcome_of_error(const Error& error) noexcept {
    if constexpr (std::is_same_v<Error, errc>) {
        return error == errc::deadline_exceeded ? outcome::failure : outcome::ignored;
    } else if constexpr (std::is_same_v<Error, std::error_code>) {
        return error.category() == error_category() ? outcome_of_error(static_cast<errc>(error.value()))
                                                    : outcome::failure;
    } else {
        return outcome::failure;
    }
}

/// The classifier of execute() where none is given: an error code by whether it is set, anything with has_value() by
/// whether it has one, every other value as a success.
struct default_classifier {
    template <class T>
    outcome operator()(const T& value) const {
        if constexpr (std::is_same_v<T, std::error_code>) {
            return value ? outcome_of_error(value) : outcome::success;
        } else if constexpr (std::is_same_v<T, boost::system::error_code>) {
            return value.failed() ? outcome::failure : outcome::success;
        } else if constexpr (requires { static_cast<bool>(value.has_value()); }) {
            if (value.has_value()) return outcome::success;
            if constexpr (requires { value.error(); }) {
                return outcome_of_error<std::remove_cvref_t<decltype(value.error())>>(value.error());
            } else {
                return outcome::failure;
            }
        } else {
            return outcome::success;
        }
    }
};

namespace detail {

template <class R>
struct held {
    using type = std::remove_cvref_t<R>;
};
template <class T>
struct held<T&> {
    using type = std::reference_wrapper<T>;
};
template <>
struct held<void> {
    using type = void;
};

}  // namespace detail

/// What execute(F) returns: result<R> for a function that returns R. A returned T& is held as
/// std::reference_wrapper<T>.
template <class F>
using execute_result = result<typename detail::held<std::invoke_result_t<F>>::type>;

/// False for a function that returns bool: the reader could not know what `false` means, so a classifier must say.
template <class F>
concept classifies_itself = std::invocable<F> && !std::is_same_v<std::remove_cvref_t<std::invoke_result_t<F>>, bool>;

/// A function from what F returns to an outcome.
template <class C, class F>
concept classifier_of = std::invocable<F> && !std::is_void_v<std::invoke_result_t<F>> &&
                        std::is_invocable_r_v<outcome, C, const std::remove_cvref_t<std::invoke_result_t<F>>&>;

}  // namespace bulwark::inline BULWARK_ABI
