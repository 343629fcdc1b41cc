// What an asynchronous call returned, and what it says: the value that a coroutine or operation comes to, whether it is
// a failure by itself, and whether it says that it was aborted.
#pragma once

#include <bulwark/detail/chain.hpp>
#include <bulwark/detail/thrown.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

template <class T>
struct is_awaitable : std::false_type {};
template <class T>
struct is_awaitable<boost::asio::awaitable<T>> : std::true_type {
    using awaited = T;
};

/// A coroutine, or an operation that takes a completion token, as one awaitable.
template <class A>
auto as_awaitable(A&& started) {
    if constexpr (is_awaitable<std::remove_cvref_t<A>>::value) {
        return std::forward<A>(started);
    } else {
        return std::forward<A>(started)(boost::asio::use_awaitable);
    }
}
template <class A>
concept can_be_awaited = is_awaitable<std::remove_cvref_t<A>>::value || requires {
    requires is_awaitable<decltype(std::declval<A>()(boost::asio::use_awaitable))>::value;
};

/// What the function comes to.
template <class F, class Context>
using awaited_from =
    typename is_awaitable<decltype(detail::as_awaitable(std::declval<returned_by<F, Context>>()))>::awaited;

template <class F, class Context>
concept starts_call = callable_with<F, Context> && can_be_awaited<returned_by<F, Context>>;

/// As as_tuple gives them: the first says how it went.
template <class T>
inline constexpr bool leads_with_error = false;
template <class... Rest>
inline constexpr bool leads_with_error<std::tuple<boost::system::error_code, Rest...>> = true;
template <class... Rest>
inline constexpr bool leads_with_error<std::tuple<std::exception_ptr, Rest...>> = true;

inline bool says_aborted(const boost::system::error_code& error) noexcept {
    return error == boost::asio::error::operation_aborted;
}
inline bool says_aborted(const std::exception_ptr& thrown) noexcept {
    if (!thrown) return false;
    try {
        std::rethrow_exception(thrown);
    } catch (const boost::system::system_error& e) {
        return says_aborted(e.code());
    } catch (const std::system_error& e) {
        return e.code() == std::errc::operation_canceled;
    } catch (...) {
        return false;
    }
}
template <class T>
bool says_aborted(const T& value) noexcept {
    if constexpr (leads_with_error<T>) {
        return says_aborted(std::get<0>(value));
    } else if constexpr (std::is_same_v<T, std::error_code>) {
        return value == std::errc::operation_canceled;
    } else if constexpr (requires { value.has_value(), value.error(); }) {
        return !value.has_value() && says_aborted(value.error());
    } else {
        return false;
    }
}

inline outcome outcome_of(const std::exception_ptr& thrown) noexcept {
    if (const std::optional<errc> refusal = refusal_in(thrown)) return outcome_of_error(*refusal);
    return outcome::failure;
}

/// The classifier where none is given.
struct awaited_classifier {
    template <class T>
    outcome operator()(const T& value) const {
        if constexpr (leads_with_error<T>) {
            return (*this)(std::get<0>(value));
        } else if constexpr (std::is_same_v<T, std::exception_ptr>) {
            return value ? detail::outcome_of(value) : outcome::success;
        } else {
            return default_classifier{}(value);
        }
    }
};

}  // namespace bulwark::inline BULWARK_ABI::detail
