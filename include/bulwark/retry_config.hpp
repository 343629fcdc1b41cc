// How retries are set up, what they tell, and what they refuse to be set up with.
#pragma once

#include <bulwark/backoff.hpp>
#include <bulwark/retry_budget.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>
#include <functional>

namespace bulwark::inline BULWARK_ABI {

/// A retry that has been decided on and paid for. It is made after the delay, unless the call is stopped meanwhile.
struct retry_event {
    std::uint32_t attempt = 2;  ///< which one it will be; 2 is the first retry
    std::chrono::nanoseconds delay{};
};

struct retry_config {
    /// Attempts of one call, the first among them; at least 1.
    std::uint32_t max_attempts = 3;
    /// How long to wait before each retry.
    backoff_config backoff = {};
    /// Asked for every retry, and paid into by every call. It may be shared by any number of retries, and must outlive
    /// them. Null: nothing bounds the retries of all calls together.
    retry_budget* budget = nullptr;
    /// Whether a refusal by the library itself (an open breaker, a full bulkhead) is retried too, and an exception that
    /// stands for one. Never those that another attempt cannot change: errc::stopped and errc::over_capacity.
    bool retry_refusals = false;
    /// A server that asks for more time than this is not asked again: the call ends with what it has.
    std::chrono::nanoseconds longest_hint = std::chrono::seconds(60);
    /// Of the jitter. 0: another one for every object, in every process; otherwise the delays can be repeated.
    std::uint64_t seed = 0;
    /// Told of every retry before its delay, in the thread of the call, with nothing held. Several threads may call it
    /// at once. What it throws is dropped.
    std::function<void(const retry_event&)> on_retry = nullptr;
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const retry_config& config);

/// What became of calls whose first attempt was to be followed by another. All figures only grow.
struct retry_snapshot {
    std::uint64_t retries = 0;            ///< attempts made, apart from the first of every call
    std::uint64_t exhausted = 0;          ///< calls that ended because they had made max_attempts
    std::uint64_t refused_by_budget = 0;  ///< calls that ended because there was no retry left in the budget
    std::uint64_t out_of_time = 0;        ///< because the delay did not fit into the deadline, or the hint was too long
    std::uint64_t stopped = 0;            ///< because they were asked to stop

    /// Calls whose last attempt was to be followed by another, and was not.
    std::uint64_t given_up() const noexcept { return exhausted + refused_by_budget + out_of_time + stopped; }
    friend bool operator==(const retry_snapshot&, const retry_snapshot&) = default;
};

}  // namespace bulwark::inline BULWARK_ABI
