// The guards of the retry storm: a pipeline of a time limit for the call, and retries; with a retry budget, and with a
// breaker, where asked for.
#pragma once

#include "clock.hpp"
#include "guard.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/retry.hpp>
#include <bulwark/retry_budget.hpp>
#include <bulwark/timeout.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace demo {

struct retry_plan {
    duration limit;  ///< of a call, all attempts together
    bulwark::retry_config retry;
    std::optional<bulwark::retry_budget_config> budget;
    std::optional<bulwark::circuit_breaker_config> breaker;
};

class retrying_guard final : public guard {
public:
    explicit retrying_guard(const retry_plan& plan) : plan_(plan), limit_(plan.limit) {
        bulwark::retry_config config = plan.retry;
        if (plan.budget) config.budget = &budget_.emplace(*plan.budget);
        again_.emplace(std::move(config));
        if (plan.breaker) {
            breaker_.emplace(*plan.breaker);
            call_ = [all = bulwark::pipeline{limit_, *again_, *breaker_}](const http_call& send) mutable {
                return all.execute(send, judge);
            };
        } else {
            call_ = [all = bulwark::pipeline{limit_, *again_}](const http_call& send) mutable {
                return all.execute(send, judge);
            };
        }
    }

    reply call(const http_call& send) override {
        calls_.fetch_add(1, std::memory_order_relaxed);
        return call_(send);
    }

    bulwark::retry_snapshot retries() const { return again_->snapshot(); }

    std::optional<bulwark::breaker_state> state() const override {
        if (!breaker_) return std::nullopt;
        return breaker_->state();
    }

    std::string complaint() const override {
        if (breaker_) {
            const bulwark::breaker_counts counts = breaker_->counts();
            if (counts.requests != counts.total_successes + counts.total_failures + counts.total_ignored) {
                return "the breaker still has calls under way: " + to_string(*breaker_);
            }
        }
        if (budget_) {
            const double allowed =
                plan_.budget->initial + static_cast<double>(calls_.load()) * plan_.budget->percent / 100;
            if (static_cast<double>(retries().retries) > allowed) return "more retries than the budget allows";
        }
        return {};
    }

private:
    static bulwark::outcome judge(int status) {
        return status == no_answer || status >= 500 ? bulwark::outcome::failure : bulwark::outcome::success;
    }

    const retry_plan plan_;
    std::atomic<std::uint64_t> calls_ = 0;
    bulwark::timeout limit_;
    std::optional<bulwark::retry_budget> budget_;
    std::optional<bulwark::retry> again_;
    std::optional<bulwark::circuit_breaker> breaker_;
    std::function<reply(const http_call&)> call_;
};

}  // namespace demo
