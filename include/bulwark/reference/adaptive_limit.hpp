// The adaptive limit behind one std::mutex: the specification of bulwark::basic_adaptive_limit, and a drop-in to
// compare it with. The rules by which a limit moves are the algorithms' (limit_algorithms.hpp); all else is here.
//
// All there is to know: the limit, the calls inside, and the sums of the window. A call is admitted where there are
// fewer inside than the limit. One that ends with a word is added to the sums; if by then the window is over and has
// calls enough, the algorithm is asked and the next window begins. Times are added up in units of 64 ns; before the
// 1024th call of a window all that is in it is halved.
//
// Thread safety: as bulwark::basic_adaptive_limit. Progress: every member is blocking.
#pragma once

#include <bulwark/adaptive_limit_config.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/detail/thrown.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <utility>

namespace bulwark::inline BULWARK_ABI::reference {

template <limit_algorithm Algorithm, class Clock = std::chrono::steady_clock>
class basic_adaptive_limit : public bulwark::detail::executes<basic_adaptive_limit<Algorithm, Clock>> {
    using nanoseconds = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<Clock, nanoseconds>;

public:
    using config = adaptive_limit_config<Algorithm>;
    using clock = Clock;

    class permit {
    public:
        permit(permit&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)),
              began_(other.began_),
              limited_(other.limited_),
              exceptions_(other.exceptions_) {}
        permit& operator=(permit&& other) noexcept {
            permit taken(std::move(other));
            std::swap(owner_, taken.owner_);
            std::swap(began_, taken.began_);
            std::swap(limited_, taken.limited_);
            std::swap(exceptions_, taken.exceptions_);
            return *this;
        }
        ~permit() { tell(std::uncaught_exceptions() > exceptions_ ? outcome::failure : outcome::ignored); }

        void success() noexcept { tell(outcome::success); }
        void failure() noexcept { tell(outcome::failure); }
        void ignore() noexcept { tell(outcome::ignored); }
        void tell(outcome how) noexcept {
            if (auto* const owner = std::exchange(owner_, nullptr)) owner->finish(*this, how);
        }

    private:
        friend basic_adaptive_limit;
        permit(basic_adaptive_limit& owner, bool limited) noexcept
            : owner_(&owner), began_(Clock::now()), limited_(limited) {}

        basic_adaptive_limit* owner_;
        time_point began_;
        bool limited_;
        int exceptions_ = std::uncaught_exceptions();
    };

    explicit basic_adaptive_limit(config wanted = {}) : config_((validate(wanted), std::move(wanted))) {
        state_.limit = config_.initial;
        end_ = after(Clock::now(), config_.window);
    }

    basic_adaptive_limit(const basic_adaptive_limit&) = delete;
    basic_adaptive_limit& operator=(const basic_adaptive_limit&) = delete;

    [[nodiscard]] result<permit> try_acquire() {
        const std::lock_guard lock(mutex_);
        const std::uint64_t limit = state_.in_force();
        if (inside_ >= limit) return {boost::system::in_place_error, errc::concurrency_limited};
        ++inside_;
        return {boost::system::in_place_value, permit(*this, inside_ * 2 >= limit)};
    }

    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        result<permit> held = try_acquire();
        if (!held) return {boost::system::in_place_error, held.error()};
        try {
            typename Next::reply reply = next(context);
            held->tell(next.outcome_of(reply));
            return reply;
        } catch (...) {
            held->tell(bulwark::detail::outcome_of_thrown());
            throw;
        }
    }

    std::uint32_t limit() const { return snapshot().limit; }
    std::uint32_t in_use() const { return snapshot().in_use; }
    adaptive_limit_snapshot snapshot() const {
        const std::lock_guard lock(mutex_);
        return {.limit = state_.in_force(),
                .in_use = static_cast<std::uint32_t>(inside_),
                .short_latency = short_latency_,
                .long_latency = nanoseconds(static_cast<nanoseconds::rep>(state_.long_latency))};
    }

private:
    struct sums {
        std::uint64_t succeeded = 0;
        std::uint64_t dropped = 0;
        std::uint64_t units = 0;
        bool limited = false;
    };

    static time_point after(time_point at, nanoseconds time) {
        return time > time_point::max() - at ? time_point::max() : at + time;
    }

    void finish(const permit& call, outcome how) noexcept {
        limit_change change;
        {
            const std::lock_guard lock(mutex_);
            --inside_;
            const time_point now = Clock::now();
            if (how == outcome::ignored) return;
            add(now - call.began_, how == outcome::failure, call.limited_);
            if (now < end_ || sums_.succeeded + sums_.dropped < config_.min_samples) return;
            change = end_window(now);
        }
        if (change.from == change.to || !config_.on_limit_change) return;
        try {
            config_.on_limit_change(change);
        } catch (...) {  // NOLINT(bugprone-empty-catch): dropped, as documented
        }
    }

    void add(nanoseconds took, bool dropped, bool limited) {
        if (sums_.succeeded + sums_.dropped == 1023) {
            const std::uint64_t kept = sums_.succeeded / 2;
            sums_.units = kept == 0 ? 0 : sums_.units * kept / sums_.succeeded;
            sums_.succeeded = kept;
            sums_.dropped /= 2;
        }
        sums_.limited |= limited;
        if (dropped) {
            ++sums_.dropped;
        } else {
            ++sums_.succeeded;
            const auto ns = static_cast<std::uint64_t>(std::max(took, nanoseconds::zero()).count());
            sums_.units += std::min<std::uint64_t>((ns + 32) / 64, 0xffff'ffff);
        }
    }

    limit_change end_window(time_point now) {
        const sums s = std::exchange(sums_, {});
        limit_sample shown{.succeeded = static_cast<std::uint32_t>(s.succeeded),
                           .dropped = static_cast<std::uint32_t>(s.dropped),
                           .limited = s.limited};
        if (s.succeeded != 0) {
            shown.latency = std::max(nanoseconds(s.units * 64 / s.succeeded), nanoseconds(1));
            short_latency_ = shown.latency;
        }
        const std::uint32_t from = state_.in_force();
        state_ = config_.algorithm.next(state_, shown, {.min = config_.min, .max = config_.max});
        end_ = after(now, std::clamp(2 * shown.latency, config_.window, config_.longest_window));
        return {.from = from, .to = state_.in_force()};
    }

    const config config_;
    mutable std::mutex mutex_;
    limit_state state_;
    std::uint64_t inside_ = 0;
    sums sums_;
    time_point end_;
    nanoseconds short_latency_{0};
};

using adaptive_limit = basic_adaptive_limit<gradient>;
using aimd_limit = basic_adaptive_limit<aimd>;

}  // namespace bulwark::inline BULWARK_ABI::reference
