// The timeout: a layer that says by when the call must have its answer. It is cooperative: nothing is interrupted, the
// function looks at what it is given.
//
//     bulwark::timeout limit{200ms};
//     auto reply = limit.execute([&](const bulwark::call_context& call) {
//         return client.get("/orders", call.deadline().remaining());
//     });
//
// The deadline travels inward with the context, and can only come nearer: a timeout inside another, or inside a retry,
// gives what is left of the whole call and never a fresh allowance. A timeout inside a retry limits each attempt, one
// outside limits them all together.
//
//  - The time is over, or the caller was asked to stop, before the call: it is not made. errc::timed_out,
//    errc::stopped; no failure of the service, which was not asked.
//  - The answer comes late: it is dropped, as if the caller had left on time, and the reply is errc::deadline_exceeded,
//    a failure to a breaker outside. keep_late_answer passes it on instead. Either is counted: late().
//  - An exception that comes late goes on as it is, and is counted: it is a failure anyway, and says more.
//  - A refusal by a layer inside goes on, however late: that call was not made.
//
// A function that cannot look at the context is left behind by pool_timeout.hpp; one that waits on a stop token is told
// by stopping_timeout.hpp.
//
// Thread safety: every member may be called from any thread at any time; construction, moving and destruction excepted.
// Progress: wait-free, given that the clock and the function return.
// Cost: two readings of the clock; the second only where there is an answer. Nothing is allocated, nothing shared is
// written but late().
#pragma once

#include <bulwark/call_context.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/detail/rare_count.hpp>
#include <bulwark/detail/wanted.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/timeout_config.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

namespace detail {
struct async_layers;
}  // namespace detail

/// Clock: a steady clock of std::chrono; coarse_clock, whose readings cost less, where the limit is many ticks of it;
/// manual_clock in tests.
template <class Clock = std::chrono::steady_clock>
class basic_timeout : public detail::executes<basic_timeout<Clock>> {
public:
    using deadline_clock = Clock;

    /// Throws std::invalid_argument where the limit is not positive.
    explicit basic_timeout(const timeout_config& config) : config_(config) { validate(config); }
    explicit basic_timeout(std::chrono::nanoseconds limit) : basic_timeout(timeout_config{.limit = limit}) {}

    std::chrono::nanoseconds limit() const noexcept { return config_.limit; }
    /// Answers and exceptions that came after the deadline.
    std::uint64_t late() const noexcept { return late_.get(); }

    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        const typename Clock::time_point now = Clock::now();
        if (const errc why = detail::unwanted(context, now); why != errc{}) {
            return {boost::system::in_place_error, why};
        }
        return limited(context, next, std::min(context.deadline(), basic_deadline<Clock>::after(now, config_.limit)));
    }

private:
    friend detail::async_layers;

    /// Counts one that leaves after the end.
    struct late_exceptions {
        const basic_deadline<Clock> end;
        detail::rare_count& late;
        bool armed = true;

        ~late_exceptions() {
            if (armed && end.expired()) late.add_one();
        }
    };

    template <class Context, class Next>
    typename Next::reply limited(const Context& context, Next& next, basic_deadline<Clock> end) {
        late_exceptions watch{end, late_};
        typename Next::reply reply = next(context.until(end));
        watch.armed = false;
        if (!reply.has_value() || !end.expired()) return reply;
        late_.add_one();
        if (config_.keep_late_answer) return reply;
        return {boost::system::in_place_error, errc::deadline_exceeded};
    }

    const timeout_config config_;
    detail::rare_count late_;
};

using timeout = basic_timeout<>;

}  // namespace bulwark::inline BULWARK_ABI
