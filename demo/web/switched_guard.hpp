// What stands between the callers of the page and the service: a pipeline of a time limit, retries, a circuit breaker
// and a bulkhead, each of which but the first can be switched off and on while calls are under way.
#pragma once

#include "../clock.hpp"
#include "../guard.hpp"
#include "settings.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/retry.hpp>
#include <bulwark/retry_budget.hpp>
#include <bulwark/timeout.hpp>

#include <atomic>
#include <cstdint>
#include <string>

namespace demo {

/// A layer of our own (bulwark/pipeline.hpp): another one, or nothing.
template <class Layer>
class switched {
public:
    switched(Layer& layer, const std::atomic<bool>& on) : layer_(&layer), on_(&on) {}

    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        // relaxed: nothing is reached through it.
        return on_->load(std::memory_order_relaxed) ? layer_->wrap(context, next) : next(context);
    }

private:
    Layer* layer_;
    const std::atomic<bool>* on_;
};

/// A permit, for which a call waits so long and no longer.
class patient_bulkhead {
public:
    patient_bulkhead(bulwark::bulkhead& pool, duration patience) : pool_(&pool), patience_(patience) {}

    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        const auto permit = pool_->try_acquire_for(patience_);
        if (!permit) return {boost::system::in_place_error, permit.error()};
        return next(context);
    }

private:
    bulwark::bulkhead* pool_;
    duration patience_;
};

struct guard_plan {
    duration limit;  ///< of a call, all attempts together
    bulwark::retry_config retry;
    bulwark::retry_budget_config budget;
    bulwark::circuit_breaker_config breaker;
    bulwark::bulkhead_config bulkhead;
    duration wait;  ///< for a permit
};

class switched_guard final : public guard {
public:
    explicit switched_guard(const guard_plan& plan);

    reply call(const http_call& send) override;
    std::optional<bulwark::breaker_state> state() const override { return breaker_.state(); }
    std::string complaint() const override;

    /// For calls that begin from here on. From any thread.
    void set(const protection& wanted);

    bulwark::circuit_breaker& breaker() { return breaker_; }
    const bulwark::bulkhead& permits() const { return bulkhead_; }
    /// Of all calls so far, with and without a budget.
    std::uint64_t retries() const { return budgeted_.snapshot().retries + unbounded_.snapshot().retries; }
    std::uint64_t refused_by_budget() const { return budgeted_.snapshot().refused_by_budget; }

private:
    static bulwark::retry_config with(bulwark::retry_config config, bulwark::retry_budget* budget);

    std::atomic<bool> use_budgeted_ = false;
    std::atomic<bool> use_unbounded_ = false;
    std::atomic<bool> use_breaker_ = false;
    std::atomic<bool> use_bulkhead_ = false;
    bulwark::timeout limit_;
    bulwark::retry_budget budget_;
    bulwark::retry budgeted_;
    bulwark::retry unbounded_;
    bulwark::circuit_breaker breaker_;
    bulwark::bulkhead bulkhead_;
    patient_bulkhead waiting_;
    // Retries outside the breaker: so it sees every attempt, and an open one ends them.
    bulwark::pipeline<bulwark::timeout&, switched<bulwark::retry>, switched<bulwark::retry>,
                      switched<bulwark::circuit_breaker>, switched<patient_bulkhead>>
        call_;
};

}  // namespace demo
