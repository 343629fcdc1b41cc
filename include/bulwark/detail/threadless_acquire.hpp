// The acquire of a bulkhead in steps, for a caller who waits without a thread: what basic_bulkhead::wait() does for one
// who sleeps. The same rules, events and figures.
//
// Thread safety: one thread at a time, which synchronizes with the next; but for what callback_waiter.hpp says. The
// bulkhead must outlive it.
#pragma once

#include <bulwark/bulkhead.hpp>
#include <bulwark/detail/call_tally.hpp>
#include <bulwark/detail/callback_waiter.hpp>
#include <bulwark/detail/waiting_line.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/version.hpp>

#include <chrono>

namespace bulwark::inline BULWARK_ABI::detail {

/// Pool: a basic_bulkhead.
template <class Pool>
class threadless_acquire;

template <class Kind, class Traits>
class threadless_acquire<basic_bulkhead<Kind, Traits>> {
public:
    using pool = basic_bulkhead<Kind, Traits>;
    using slot = typename pool::slot;
    using weight_type = typename pool::weight_type;
    using waiter = callback_waiter<Traits, typename Kind::word>;
    using departure = detail::departure<Traits, typename Kind::word>;

    /// First of all: `full` where the caller must wait; anything else is the outcome.
    static turn ask(pool& from, weight_type n) noexcept { return from.take(n); }

    /// The outcome of a call that has never waited.
    static result<slot> answer(pool& from, weight_type n, turn got) noexcept {
        if (got == turn::admitted) return from.admitted_at_once(n);
        return {boost::system::in_place_error, from.refuse(got, n)};
    }

    /// Told before standing in line: whoever is told may wait for a permit himself.
    static void tell_of_too_few(pool& from, weight_type n) noexcept {
        if (from.found_too_few()) from.tell(bulkhead_event_kind::saturated, errc::bulkhead_full, n);
    }

    static auto& line_of(pool& from) noexcept { return from.line_; }

    /// Began to wait at that time, and was admitted, or sent away, or left.
    static result<slot> answer_after(pool& from, weight_type n, turn got,
                                     std::chrono::steady_clock::time_point began) noexcept {
        from.tally_.count_wait(std::chrono::steady_clock::now() - began);
        if (got != turn::admitted) return {boost::system::in_place_error, from.refuse(got, n)};
        from.tally_.count(tally_of::admitted);
        return {boost::system::in_place_value, slot(from, n)};
    }
};

}  // namespace bulwark::inline BULWARK_ABI::detail
