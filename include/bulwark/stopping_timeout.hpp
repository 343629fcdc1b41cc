// A timeout that also asks the function to stop: its stop token is asked at the deadline, for functions that wait on a
// stop token and cannot wait until a time.
//
//     bulwark::timer timer;   // one for all
//     bulwark::stopping_timeout limit{200ms, timer};
//     auto reply = limit.execute([&](const bulwark::call_context& call) { return wait_for_news(call.stop_token()); });
//
// Everything else is as in timeout.hpp; so a function that stops when it is asked to answers late: its answer is
// dropped, the reply is errc::deadline_exceeded. The stop token of the call outside is passed on too: who asks it to
// stop asks the function.
//
// Thread safety and progress: as basic_timeout, but for the timer's mutex (blocking, for a few steps). The timer must
// outlive the calls. Cost: that of the timeout, an allocation for the stop source, and an alarm: see timer.hpp.
//
// Not in bulwark.hpp.
#pragma once

#include <bulwark/timeout.hpp>
#include <bulwark/timer.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

template <class Clock = std::chrono::steady_clock>
class basic_stopping_timeout : public detail::executes<basic_stopping_timeout<Clock>> {
public:
    using deadline_clock = Clock;

    /// Throws std::invalid_argument where the limit is not positive.
    basic_stopping_timeout(const timeout_config& config, basic_timer<Clock>& by) : limit_(config), timer_(&by) {}
    basic_stopping_timeout(std::chrono::nanoseconds limit, basic_timer<Clock>& by)
        : basic_stopping_timeout(timeout_config{.limit = limit}, by) {}

    std::chrono::nanoseconds limit() const noexcept { return limit_.limit(); }
    std::uint64_t late() const noexcept { return limit_.late(); }

    /// Throws std::bad_alloc besides what the function throws.
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        stoppable<Context, Next> inner{*timer_, next};
        return limit_.wrap(context, inner);
    }

private:
    /// What is called within the limit.
    template <class Context, class Next>
    struct stoppable {
        using reply = typename Next::reply;

        basic_timer<Clock>& by;
        Next& next;

        reply operator()(const Context& limited) {
            std::stop_source source;
            const typename basic_timer<Clock>::alarm alarm(by, limited.deadline(), source);
            const std::stop_callback pass_on(limited.stop_token(), [&source] { source.request_stop(); });
            return next(limited.stopped_by(source.get_token()));
        }
    };

    basic_timeout<Clock> limit_;
    basic_timer<Clock>* timer_;
};

using stopping_timeout = basic_stopping_timeout<>;

}  // namespace bulwark::inline BULWARK_ABI
