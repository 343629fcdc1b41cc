// What stands between a client and the upstream: nothing, or a bulkhead inside a circuit breaker. This is the part of
// the demo that uses the library.
#pragma once

#include <bulwark/bulwark.hpp>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace demo {

constexpr int no_answer = 0;             // in place of an HTTP status
using http_call = std::function<int()>;  // gives the status, or no_answer
using reply = bulwark::result<int>;      // the status, or why the call was refused

class guard {
public:
    guard() = default;
    guard(const guard&) = delete;
    guard& operator=(const guard&) = delete;
    virtual ~guard() = default;

    virtual reply call(const http_call& send) = 0;

    virtual std::optional<bulwark::breaker_state> state() const { return std::nullopt; }
    virtual std::uint32_t times_opened() const { return 0; }
    /// What should be so once every call is over, and is not; empty where all is well.
    virtual std::string complaint() const { return {}; }
};

class no_guard final : public guard {
public:
    reply call(const http_call& send) override { return send(); }
};

/// Breaker and Bulkhead: the lock-free ones, or their mutex twins.
template <class Breaker, class Bulkhead>
class full_guard final : public guard {
public:
    full_guard(bulwark::circuit_breaker_config breaker, const bulwark::bulkhead_config& bulkhead)
        : breaker_(listening(std::move(breaker))), bulkhead_(bulkhead) {}

    reply call(const http_call& send) override {
        const auto sent = breaker_.execute([&] { return bulkhead_.execute(send); }, judge);
        if (!sent) return sent.error();
        return *sent;
    }

    std::optional<bulwark::breaker_state> state() const override { return breaker_.state(); }

    std::uint32_t times_opened() const override {
        const std::lock_guard lock(mutex_);
        return times_opened_;
    }

    std::string complaint() const override {
        const bulwark::breaker_counts counts = breaker_.counts();
        const std::lock_guard lock(mutex_);
        if (bulkhead_.in_use() != 0) return "the bulkhead still has permits out";
        if (counts.requests != counts.total_successes + counts.total_failures + counts.total_ignored) {
            return "the breaker still has calls under way: " + to_string(breaker_);
        }
        if (newest_generation_ != 1 + transitions_) return "a transition was told twice or not at all";
        return {};
    }

private:
    /// A refusal by the bulkhead is no word on the service: were it a failure, our own limit would open the breaker.
    static bulwark::outcome judge(const reply& answer) {
        if (!answer) return bulwark::outcome::ignored;
        return *answer == no_answer || *answer >= 500 ? bulwark::outcome::failure : bulwark::outcome::success;
    }

    bulwark::circuit_breaker_config listening(bulwark::circuit_breaker_config config) {
        config.on_state_change = [this](const bulwark::transition& made) {
            const std::lock_guard lock(mutex_);
            ++transitions_;
            if (made.to == bulwark::breaker_state::open) ++times_opened_;
            // Two threads may tell of two transitions at once, and in either order.
            if (made.generation > newest_generation_) newest_generation_ = made.generation;
        };
        return config;
    }

    mutable std::mutex mutex_;
    std::uint64_t transitions_ = 0;
    std::uint64_t newest_generation_ = 1;
    std::uint32_t times_opened_ = 0;
    Breaker breaker_;
    Bulkhead bulkhead_;
};

}  // namespace demo
