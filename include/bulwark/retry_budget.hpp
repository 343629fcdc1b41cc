// A retry budget: retries may be so many per cent of calls, whoever makes them, so that an outage is not made worse by
// those who suffer from it.
//
//     bulwark::retry_budget budget{{.percent = 20}};       // one for all callers of a service
//     bulwark::retry again{{.budget = &budget}};
//
// A token bucket in one word. Each call's first attempt deposits `percent` / 100 of a retry, each retry takes a whole
// one, and where there is none the retry is not made. While all goes well the savings grow up to max_saved; that is how
// many retries a sudden failure may cause at once, beyond the percentage. Savings do not expire, so that callers with
// few calls have retries too.
//
// The word counts billionths of a retry, so that percentages add up exactly: 10,000 calls that all fail, at p per cent,
// make 100 p retries, from however many threads, and never one more.
//
// Invariants
//  - 0 <= word <= max_saved retries.
//  - Retries withdrawn and not refunded <= initial + deposits * percent / 100, at every instant.
//
// Linearization: each operation at its successful compare-and-swap; or, where nothing changes (a refused withdrawal, a
// deposit or refund to a full bucket), at its last load.
// Progress: every operation is lock-free (it repeats only when another has changed the word); balance() is wait-free.
// Cost: a compare-and-swap; a full bucket, which is how it is while all goes well, costs a deposit only a load of a
// line that nobody writes. No operation allocates or throws.
//
// Synchronizing edges: none. The word alone says who may retry; nothing is reached through it, and its changes are all
// read-modify-writes, which have one order in every memory model.
#pragma once

#include <bulwark/detail/traits.hpp>
#include <bulwark/retry_budget_config.hpp>
#include <bulwark/version.hpp>

#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

template <class Traits = detail::default_traits>
class alignas(64) basic_retry_budget {
public:
    /// Throws std::invalid_argument that names the field of a configuration that makes no sense.
    explicit basic_retry_budget(const retry_budget_config& config = {})
        : deposit_((validate(config), detail::retry_units(config.percent))),
          most_(config.max_saved * detail::one_retry),
          word_(config.initial * detail::one_retry) {}

    basic_retry_budget(const basic_retry_budget&) = delete;
    basic_retry_budget& operator=(const basic_retry_budget&) = delete;

    /// Once for each call, at its first attempt.
    [[gnu::always_inline]] void deposit() noexcept { add(deposit_); }

    /// Pays for a retry. False where less than a whole one is there: then it is not to be made.
    [[nodiscard]] bool try_withdraw() noexcept {
        // relaxed: (the swap too) see above.
        std::uint64_t seen = word_.load(detail::memory_order_relaxed);
        while (seen >= detail::one_retry) {
            if (word_.compare_exchange_weak(seen, seen - detail::one_retry, detail::memory_order_relaxed)) return true;
            Traits::pause();
        }
        return false;
    }

    /// A retry was paid for and not made.
    void refund() noexcept { add(detail::one_retry); }

    /// Retries that could be made now, with the fraction; a figure for people.
    double balance() const noexcept {
        // relaxed: see above.
        return static_cast<double>(word_.load(detail::memory_order_relaxed)) / static_cast<double>(detail::one_retry);
    }

private:
    [[gnu::always_inline]] void add(std::uint64_t amount) noexcept {
        // relaxed: see above. Where it lags behind, the addition came before what it does not show.
        const std::uint64_t seen = word_.load(detail::memory_order_relaxed);
        if (seen != most_) [[unlikely]]
            add_to(seen, amount);
    }
    [[gnu::noinline]] void add_to(std::uint64_t seen, std::uint64_t amount) noexcept {
        while (seen != most_) {
            const std::uint64_t next = amount < most_ - seen ? seen + amount : most_;
            // relaxed: see above.
            if (word_.compare_exchange_weak(seen, next, detail::memory_order_relaxed)) return;
            Traits::pause();
        }
    }

    const std::uint64_t deposit_;
    const std::uint64_t most_;
    typename Traits::template atomic<std::uint64_t> word_;  ///< billionths of a retry
};

using retry_budget = basic_retry_budget<>;

}  // namespace bulwark::inline BULWARK_ABI
