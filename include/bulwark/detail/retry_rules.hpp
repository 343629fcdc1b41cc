// Whether and when the next attempt of a call may begin: the part of a retry that knows nothing of replies. Only calls
// that want another attempt come here; the first attempt passes it by.
//
// Progress: but for the sleep, lock-free. Synchronizing edges: none of its own; its counts order nothing.
#pragma once

#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/random_sequence.hpp>
#include <bulwark/detail/rare_count.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/retry_config.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

/// Sleeps, and not a moment longer than until a stop is asked for.
struct interruptible_sleep {
    void operator()(std::chrono::nanoseconds time, const std::stop_token& stop) const;
};

enum class retry_end : std::uint8_t { made, exhausted, refused_by_budget, out_of_time, stopped };

/// Another attempt could change nothing about it.
constexpr bool is_final(errc refusal) noexcept {
    return refusal == errc::stopped || refusal == errc::over_capacity;
}

/// A retry that is paid for; goes back where it is not kept.
class paid_retry {
public:
    explicit paid_retry(retry_budget* from) noexcept : from_(from) {}
    paid_retry(const paid_retry&) = delete;
    paid_retry& operator=(const paid_retry&) = delete;
    ~paid_retry() {
        if (from_ != nullptr) from_->refund();
    }
    void keep() noexcept { from_ = nullptr; }

private:
    retry_budget* from_;
};

template <class Sleep>
class BULWARK_BY_EXCEPTIONS retry_rules {
    using nanoseconds = std::chrono::nanoseconds;

public:
    retry_rules(retry_config config, Sleep sleep)
        : config_((validate(config), std::move(config))),
          sleep_(std::move(sleep)),
          bits_(config_.seed == 0 ? fresh_seed() : config_.seed) {}

    const retry_config& config() const noexcept { return config_; }

    /// After so many attempts, from 1: waits until the next may begin, or says that none may. `hint`: the least time
    /// that the server asked for.
    template <class Context>
    bool await_next(const Context& context, std::uint32_t made, std::optional<nanoseconds> hint) {
        const retry_end end = next(context, made, hint);
        note(end);
        return end == retry_end::made;
    }

    // The same in steps, for who waits without a thread.

    /// `made`: the budget is paid, and `delay` is to be waited for. Anything else: none may begin.
    template <class Context>
    retry_end prepare(const Context& context, std::uint32_t made, std::optional<nanoseconds> hint, nanoseconds& delay) {
        if (made >= config_.max_attempts) return retry_end::exhausted;
        if (context.stop_token().stop_requested()) return retry_end::stopped;
        if (hint && *hint > config_.longest_hint) return retry_end::out_of_time;
        delay = std::max(backoff_delay(config_.backoff, made, bits_.draw()), hint.value_or(nanoseconds::zero()));
        // Its answer would come too late, so neither the budget nor the caller pays for it.
        if (context.deadline().remaining() <= delay) return retry_end::out_of_time;
        if (config_.budget != nullptr && !config_.budget->try_withdraw()) return retry_end::refused_by_budget;
        detail::tell(config_.on_retry, {.attempt = context.attempt() + made, .delay = delay});
        return retry_end::made;
    }
    /// After the delay; where it is not `made`, the budget is owed what was paid.
    template <class Context>
    static retry_end confirm(const Context& context) {
        if (context.stop_token().stop_requested()) return retry_end::stopped;
        if (context.deadline().expired()) return retry_end::out_of_time;
        return retry_end::made;
    }
    void note(retry_end end) noexcept { tally_[static_cast<std::size_t>(end)].add_one(); }

    retry_snapshot snapshot() const noexcept {
        return {.retries = count_of(retry_end::made),
                .exhausted = count_of(retry_end::exhausted),
                .refused_by_budget = count_of(retry_end::refused_by_budget),
                .out_of_time = count_of(retry_end::out_of_time),
                .stopped = count_of(retry_end::stopped)};
    }

private:
    template <class Context>
    retry_end next(const Context& context, std::uint32_t made, std::optional<nanoseconds> hint) {
        nanoseconds delay{0};
        if (const retry_end end = prepare(context, made, hint, delay); end != retry_end::made) return end;
        paid_retry paid(config_.budget);
        if (delay > nanoseconds::zero()) sleep_(delay, context.stop_token());
        const retry_end end = confirm(context);
        if (end == retry_end::made) paid.keep();
        return end;
    }

    std::uint64_t count_of(retry_end end) const noexcept { return tally_[static_cast<std::size_t>(end)].get(); }

    const retry_config config_;
    const Sleep sleep_;
    // Apart from what every call reads.
    alignas(64) random_sequence<> bits_;
    std::array<rare_count, 5> tally_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
