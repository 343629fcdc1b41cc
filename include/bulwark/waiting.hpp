// A bulkhead or a rate limiter whose callers wait for their permit, as a layer: until the deadline of the call, or
// until it is stopped.
//
//     auto call = bulwark::pipeline{bulwark::timeout{200ms}, bulwark::waiting(pool)};
//
// (By themselves, as layers, they never wait.) Refusals: errc::timed_out, errc::stopped, errc::queue_full,
// errc::over_capacity. Where the permit is free it is taken, however late it is.
//
// Thread safety, progress and cost: as acquire() of what it waits for.
#pragma once

#include <bulwark/call_context.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/version.hpp>

#include <boost/system/result.hpp>

#include <utility>

namespace bulwark::inline BULWARK_ABI {

namespace detail {
struct async_layers;
}  // namespace detail

/// Pool: bulkhead, memory_bulkhead, their mutex references, rate_limiter, or what has the same acquire() and
/// capacity(). It must outlive this.
template <class Pool>
class waiting : public detail::executes<waiting<Pool>> {
public:
    using weight_type = decltype(std::declval<const Pool&>().capacity());

    /// Each call takes n permits.
    explicit waiting(Pool& pool, weight_type n = 1) noexcept : pool_(&pool), weight_(n) {}

    template <class Context, class Next>
    [[gnu::always_inline]] typename Next::reply wrap(const Context& context, Next& next) {
        const auto permits = take(context);
        if (!permits) return {boost::system::in_place_error, permits.error()};
        return next(context);
    }

private:
    friend detail::async_layers;

    template <class Context>
    auto take(const Context& context) {
        const auto& stop = context.stop_token();
        const auto end = context.deadline();
        // A token that nobody can use, and a deadline that never comes, are not even looked at.
        if (!stop.stop_possible()) {
            return end.is_never() ? pool_->acquire(weight_) : pool_->try_acquire_until(end.when(), weight_);
        }
        return end.is_never() ? pool_->acquire(stop, weight_) : pool_->try_acquire_until(end.when(), stop, weight_);
    }

    Pool* pool_;
    weight_type weight_;
};

}  // namespace bulwark::inline BULWARK_ABI
