// What a refusal is: the errors of the library, and the result type that carries them.
//
// A refusal is a value. It costs no exception and no allocation; only `value()` on a refused result throws,
// a std::system_error with the code below.
#pragma once

#include <bulwark/version.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <iosfwd>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace bulwark::inline BULWARK_ABI {

/// Why a call was not let through, or brought no answer. Converts to std::error_code, which knows its text:
/// make_error_code(reply.error()).message().
enum class errc {
    circuit_open = 1,     ///< the breaker is open: the service is given time to recover
    too_many_probes,      ///< the breaker is half-open and all its probes are under way
    bulkhead_full,        ///< too few permits of the bulkhead are free, or others wait for them already
    queue_full,           ///< as many callers wait as may
    timed_out,            ///< the time to wait passed before there was a place, or before the call was made
    stopped,              ///< the caller was asked to stop, or the pool was stopped
    over_capacity,        ///< asked for more than there is
    deadline_exceeded,    ///< the call was made and had no answer in time; to a breaker a failure of the service
    rate_limited,         ///< the rate limiter lets so many calls through in a time, and no more
    concurrency_limited,  ///< as many calls are under way as the adaptive limit allows at present
    circuit_ramping,      ///< the breaker has just closed and lets a growing share of the calls through
};

/// As it stands above: "circuit_open". For labels and logs; the category has a message for people.
std::string_view to_string(errc code) noexcept;
std::ostream& operator<<(std::ostream& out, errc code);

/// The category of every bulwark::errc; its name is "bulwark". Thread-safe, wait-free.
const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

/// Found by boost::system::result: what value() throws when the call was refused.
[[noreturn]] void throw_exception_from_error(errc code, const boost::source_location& where);

/// A T, or the reason why there is none. See boost::system::result for its members.
template <class T>
using result = boost::system::result<T, errc>;

}  // namespace bulwark::inline BULWARK_ABI

template <>
struct std::is_error_code_enum<bulwark::errc> : std::true_type {};
