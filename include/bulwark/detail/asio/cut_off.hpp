// What ends an asynchronous call at its deadline: a strand on which the call runs, a timer on it, and the signal that
// cancels the call. Timer, call and signal come one after the other because of the strand, on however many threads the
// executor runs.
//
// Progress: that of the strand. Nothing of it is touched once the call has ended, but by who holds it.
#pragma once

#include <bulwark/deadline.hpp>
#include <bulwark/detail/time_limit.hpp>
#include <bulwark/version.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <chrono>
#include <memory>

namespace bulwark::inline BULWARK_ABI::detail {

template <class Clock>
class cut_off : public std::enable_shared_from_this<cut_off<Clock>> {
public:
    using executor_type = boost::asio::strand<boost::asio::any_io_executor>;

    cut_off(const boost::asio::any_io_executor& executor, basic_deadline<Clock> end)
        : strand_(executor), timer_(strand_), end_(end) {}

    const executor_type& executor() const noexcept { return strand_; }
    boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }

    /// From any thread: the caller wants no answer any more.
    void cancel(boost::asio::cancellation_type type) {
        boost::asio::dispatch(strand_, [self = this->shared_from_this(), type] {
            if (!self->over_) self->signal_.emit(type);
        });
    }

    /// On the strand, by the call itself: as long as this lives, the call is under way.
    class call {
    public:
        explicit call(cut_off& by) : by_(&by) { by.await_end(); }
        call(const call&) = delete;
        call& operator=(const call&) = delete;
        ~call() {
            by_->over_ = true;
            by_->timer_.cancel();
        }

    private:
        cut_off* by_;
    };

    /// Once the call has ended: whether it was cancelled because of the deadline.
    bool made() const noexcept { return made_; }

private:
    /// A clock that lags behind the steady one, or stands still, is asked again later.
    static constexpr std::chrono::nanoseconds soonest = std::chrono::milliseconds(1);

    void await_end() {
        if (end_.is_never()) return;
        timer_.expires_at(
            steady_after(std::max(end_.remaining(), asked_ ? soonest : std::chrono::nanoseconds::zero())));
        asked_ = true;
        timer_.async_wait([self = this->shared_from_this()](const boost::system::error_code& error) {
            if (error || self->over_) return;
            if (!self->end_.expired()) return self->await_end();
            self->made_ = true;
            self->signal_.emit(boost::asio::cancellation_type::terminal);
        });
    }

    executor_type strand_;
    boost::asio::steady_timer timer_;
    boost::asio::cancellation_signal signal_;
    const basic_deadline<Clock> end_;
    // On the strand.
    bool asked_ = false;
    bool over_ = false;
    bool made_ = false;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
