// The hedge: where an answer is slow to come, a second attempt is made beside the first, and the first good answer
// wins. It cuts off the long tail of a service whose calls are slow now and then, each for a reason of its own.
//
//     bulwark::thread_pool_bulkhead orders{{.threads = 8}};
//     bulwark::retry_budget budget{{.percent = 5}};
//     bulwark::hedge twice{{.delay = 50ms, .budget = &budget}, orders};
//     auto reply = twice.execute([](const bulwark::call_context& call) { return get_orders(call.stop_token()); });
//
//  - The first attempt is begun at once; the next when the latest has been silent for `delay`, or one has failed. None
//    is begun while another still stands in the pool's queue: it would only stand behind it.
//  - The first answer that is neither a failure nor a refusal is the reply. The others are asked to stop, through the
//    stop token of the context; what they still return or throw is dropped, and counted: late().
//  - Where all fail, the last failure is the reply; an exception is thrown here.
//  - A refusal by a layer inside (errc) ends nothing that is under way, and no attempt follows it. It is the reply only
//    where there is nothing better.
//  - No place in the pool, nothing in the budget, no memory: for the first attempt that is the reply (errc::queue_full,
//    errc::stopped, an exception), for another it only means that there is no hedge.
//  - The deadline of the context: a failure that is there, else errc::deadline_exceeded, or errc::timed_out where no
//    attempt had begun. The caller is asked to stop: errc::stopped.
//
// Only for calls that may be made twice. A hedge outside a breaker has it count each attempt; outside a bulkhead each
// takes a place. attempt() of the context tells them apart, unless there is a retry outside.
//
// A service that slows down because it is overloaded is made worse by hedges: give a budget. See
// docs/patterns/hedge.md.
//
// Lifetimes, thread safety and progress: as pool_timeout.hpp. Cost: a pool call for each attempt, and nine allocations
// for the first; the caller sleeps.
//
// Not in bulwark.hpp.
#pragma once

#include <bulwark/detail/background.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/detail/race.hpp>
#include <bulwark/detail/rare_count.hpp>
#include <bulwark/detail/wanted.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/hedge_config.hpp>
#include <bulwark/thread_pool_bulkhead.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <future>
#include <limits>
#include <utility>
#include <vector>

namespace bulwark::inline BULWARK_ABI {

/// Clock: std::chrono::steady_clock; manual_clock in tests, which a caller who waits looks at every millisecond.
template <class Clock = std::chrono::steady_clock>
class basic_hedge : public detail::executes<basic_hedge<Clock>> {
public:
    using deadline_clock = Clock;

    /// Throws std::invalid_argument that names the field of a configuration that makes no sense.
    basic_hedge(const hedge_config& config, thread_pool_bulkhead& pool) : config_(config), pool_(&pool) {
        validate(config);
    }

    const hedge_config& config() const noexcept { return config_; }
    /// Attempts after the first that the pool has accepted.
    std::uint64_t hedges() const noexcept { return hedges_.get(); }
    /// Answers and exceptions that came when the call was over.
    std::uint64_t late() const noexcept { return calls_.all()->seen().late; }
    /// Attempts that were never made, because the call was over before a thread was free.
    std::uint64_t skipped() const noexcept { return calls_.all()->seen().skipped; }
    /// Attempts that run or are queued, those included whose call is over.
    std::uint64_t under_way() const noexcept { return calls_.all()->seen().under_way; }

    /// Throws the last failure where that is an exception, what copying the function throws, and std::bad_alloc.
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        if (const errc why = detail::unwanted(context, Clock::now()); why != errc{}) {
            return {boost::system::in_place_error, why};
        }
        // The attempts of a retry outside are one call.
        if (config_.budget != nullptr && context.attempt() == 1) config_.budget->deposit();
        one_call<Context, Next> call(*this, context, next);
        if (const errc refusal = call.begin(); refusal != errc{}) return {boost::system::in_place_error, refusal};
        return call.finish();
    }

private:
    using race_news = detail::race_news;

    template <class Context, class Next>
    class one_call {
        using reply = typename Next::reply;

    public:
        one_call(basic_hedge& hedge, const Context& context, Next& next)
            : hedge_(hedge),
              context_(context),
              next_(next),
              race_(detail::race_ends::with_no_failure, context.stop_token()),
              may_hedge_(hedge.config_.max_attempts > 1) {
            places_.reserve(hedge.config_.max_attempts);
        }

        /// errc{} where the attempt is on the pool.
        errc begin() {
            const auto n = static_cast<std::uint32_t>(places_.size());
            const Context as_nth = context_.as_attempt(context_.attempt() + n);
            const auto next_at = basic_deadline<Clock>::in(hedge_.config_.delay);
            auto place = race_.attempt(*hedge_.pool_, hedge_.calls_.all(), next_, as_nth, n);
            if (!place) return place.error();
            places_.push_back(std::move(*place));
            next_at_ = next_at;
            return errc{};
        }

        reply finish() {
            const race_news news = wait();
            auto what = race_->leave();
            if (what.won) {
                places_[what.winner].wait();  // whoever has the answer finds room for the next call
                return taken(what);
            }
            if (news == race_news::out) {
                for (auto& place : places_) place.wait();
                if (what.last) return taken(what);
                return {boost::system::in_place_error, errc::stopped};  // the pool was, and dropped it
            }
            if (news == race_news::stopped) return {boost::system::in_place_error, errc::stopped};
            if (what.last && what.last->failed()) return taken(what);
            return {boost::system::in_place_error, what.begun ? errc::deadline_exceeded : errc::timed_out};
        }

    private:
        static reply taken(detail::race::ending& what) { return detail::answer_of<reply>::take(std::move(what.last)); }

        /// Until the call is over; makes the attempts that are due meanwhile.
        race_news wait() {
            const auto end = context_.deadline();
            bool in_queue = false;
            for (std::uint32_t heard = 0;;) {
                may_hedge_ = may_hedge_ && !race_->refused();
                const auto until = may_hedge_ && !in_queue ? std::min(end, next_at_) : end;
                const race_news news = race_->wait(until, may_hedge_ ? heard : deaf, may_hedge_ && in_queue);
                if (news == race_news::won || news == race_news::stopped || !may_hedge_ || end.expired()) return news;
                if (race_->refused()) continue;
                // One more behind it in the same queue would not be any faster.
                in_queue = news == race_news::time_over && race_->queued();
                if (in_queue) continue;
                if (news == race_news::begun) {
                    next_at_ = basic_deadline<Clock>::in(hedge_.config_.delay);
                    continue;
                }
                if (news != race_news::time_over) ++heard;
                try_hedge();
            }
        }

        void try_hedge() noexcept {
            may_hedge_ = false;
            retry_budget* const budget = hedge_.config_.budget;
            if (budget != nullptr && !budget->try_withdraw()) return;
            bool made = false;
            try {
                made = begin() == errc{};
            } catch (...) {  // NOLINT(bugprone-empty-catch): the first attempt is under way, or has failed
            }
            if (made) {
                hedge_.hedges_.add_one();
                may_hedge_ = places_.size() < hedge_.config_.max_attempts;
            } else if (budget != nullptr) {
                budget->refund();
            }
        }

        static constexpr std::uint32_t deaf = std::numeric_limits<std::uint32_t>::max();

        basic_hedge& hedge_;
        const Context& context_;
        Next& next_;
        std::vector<std::future<void>> places_;
        detail::race_caller race_;
        basic_deadline<Clock> next_at_;
        bool may_hedge_;
    };

    const hedge_config config_;
    thread_pool_bulkhead* const pool_;
    detail::rare_count hedges_;
    detail::background_owner calls_;
};

using hedge = basic_hedge<>;

}  // namespace bulwark::inline BULWARK_ABI
