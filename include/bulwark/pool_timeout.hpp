// A timeout for calls that block and cannot be told to stop: the call is made by a thread pool, and its caller leaves
// on time, with the answer or without.
//
//     bulwark::thread_pool_bulkhead reports{{.threads = 4, .max_queued = 10}};
//     bulwark::pool_timeout limit{200ms, reports};
//     auto rows = limit.execute([id] { return query(id); });   // captures by value: see below
//
//  - In time: the reply, or the exception, as if the function had been called here; its thread is free again.
//  - Time over: errc::deadline_exceeded, a failure to a breaker outside. The function's stop token is asked to stop.
//    What it still returns or throws is dropped, and counted: late().
//  - Time over before a thread was free: errc::timed_out, no failure of the service, which was not asked. The time runs
//    from the beginning of the call. The function is not called any more; a worker who comes to it skips it, and its
//    place in the queue is free: skipped().
//  - Refused by the pool: errc::queue_full, errc::stopped; the latter also where the pool drops it from its queue.
//  - The caller is asked to stop (the stop token of the context): errc::stopped, at once, as if the time were over.
//
// An answer that came in time is passed on, though its caller gets to look at it late; one that came late is dropped,
// though its caller has not yet left. (An exception is passed on as long as the caller is there.)
//
// What it costs the system: a call that was left behind goes on. It keeps its thread, so that calls that hang fill the
// pool, which is what the pool is for: they cannot take every thread. Layers inside see its real end: a breaker inside
// this one counts what the call came to at last, a bulkhead inside keeps its place until then. Outside they would see
// the caller's.
//
// Lifetimes. The function and the classifier are copied; they run in another thread, and after the caller has left, so
// what they refer to must live until then. The destructor of this layer waits for the calls that it has begun, late
// ones included: so what stands inside it, and the pool, only have to live longer than this. Not to be destroyed by a
// call of its own.
//
// Thread safety: every member may be called from any thread at any time; construction, moving and destruction excepted.
// Progress: blocking; the mutexes are held for a few steps. Not to be called by tasks of the same pool: they would hold
// a thread while they wait for another. Cost: a pool call, with two changes of threads, and eight allocations.
//
// Not in bulwark.hpp.
#pragma once

#include <bulwark/detail/background.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/detail/race.hpp>
#include <bulwark/detail/wanted.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/thread_pool_bulkhead.hpp>
#include <bulwark/timeout_config.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

/// Clock: std::chrono::steady_clock; manual_clock in tests, which a caller who waits looks at every millisecond.
template <class Clock = std::chrono::steady_clock>
class basic_pool_timeout : public detail::executes<basic_pool_timeout<Clock>> {
public:
    using deadline_clock = Clock;

    /// Throws std::invalid_argument where the limit is not positive.
    basic_pool_timeout(std::chrono::nanoseconds limit, thread_pool_bulkhead& pool) : limit_(limit), pool_(&pool) {
        validate(timeout_config{.limit = limit});
    }

    std::chrono::nanoseconds limit() const noexcept { return limit_; }
    /// Answers and exceptions that came when the caller had left.
    std::uint64_t late() const noexcept { return calls_.all()->seen().late; }
    /// Calls that were never made, because the caller left before a thread was free.
    std::uint64_t skipped() const noexcept { return calls_.all()->seen().skipped; }
    /// Calls that run or are queued, those included whose caller has left.
    std::uint64_t under_way() const noexcept { return calls_.all()->seen().under_way; }

    /// Throws what the function throws in time, what copying it throws, and std::bad_alloc.
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        using detail::race_news;
        const typename Clock::time_point now = Clock::now();
        if (const errc why = detail::unwanted(context, now); why != errc{}) {
            return {boost::system::in_place_error, why};
        }
        const Context limited = context.until(basic_deadline<Clock>::after(now, limit_));
        detail::race_caller call(detail::race_ends::with_any_answer, context.stop_token());
        const auto place = call.attempt(*pool_, calls_.all(), next, limited, 1);
        if (!place) return {boost::system::in_place_error, place.error()};

        const race_news news = call->wait(limited.deadline(), 0);
        auto what = call->leave();
        if (what.won) {
            place->wait();  // whoever has the answer finds room for the next call
            return detail::answer_of<typename Next::reply>::take(std::move(what.last));
        }
        if (news != race_news::time_over) return {boost::system::in_place_error, errc::stopped};
        return {boost::system::in_place_error, what.begun ? errc::deadline_exceeded : errc::timed_out};
    }

private:
    const std::chrono::nanoseconds limit_;
    thread_pool_bulkhead* const pool_;
    detail::background_owner calls_;
};

using pool_timeout = basic_pool_timeout<>;

}  // namespace bulwark::inline BULWARK_ABI
