// A layer that counts calls by what became of them, and how long they took: totals that only rise, which a breaker does
// not have, because its counts begin anew with every window. It changes nothing of the call.
//
//     bulwark::call_meter meter;
//     auto call = bulwark::pipeline{meter, retry, breaker, pool};   // outermost: as the caller sees it
//     bulwark::metrics metrics;
//     auto shown = metrics.watch("orders", meter);
//
// Outside a retry it counts calls, inside one attempts; outside a breaker it counts the breaker's refusals too, inside
// one only what was asked of the service. Outcomes are those that the breaker goes by: a value by the classifier of the
// call, an error and an exception as ever; an error that stands for a refusal by a layer inside is a refusal, by
// reason.
//
// Thread safety: every member may be called from any thread at any time; construction and destruction excepted.
// Progress: wait-free, given that the clock returns. Cost: two readings of the clock and three additions on a line that
// one thread in eight shares; without times, one addition. Memory: 5 KiB.
//
// Not in bulwark.hpp.
#pragma once

#include <bulwark/detail/call_tally.hpp>
#include <bulwark/detail/enum_index.hpp>
#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/detail/thrown.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

/// Figures of one meter; all only grow, and are exact while no call is under way.
struct call_meter_snapshot {
    std::uint64_t successes = 0;
    std::uint64_t failures = 0;  ///< exceptions and errc::deadline_exceeded included
    std::uint64_t ignored = 0;   ///< by the classifier; an exception that stands for a refusal
    /// By the numbers of errc, less one.
    std::array<std::uint64_t, detail::errc_count> refused{};
    std::chrono::nanoseconds total_time{0};  ///< of the calls that were not refused
    /// times[i] counts those of [2^i, 2^(i+1)) ns, and times[0] those under 1 ns too.
    std::array<std::uint64_t, 64> times{};
    bool has_times = false;  ///< whether times are taken

    std::uint64_t all_refused() const noexcept {
        std::uint64_t all = 0;
        for (const std::uint64_t n : refused) all += n;
        return all;
    }
    friend bool operator==(const call_meter_snapshot&, const call_meter_snapshot&) = default;
};

struct call_meter_config {
    /// Whether the calls are timed; otherwise no clock is read.
    bool times = true;
};

/// Clock: a steady clock of std::chrono.
template <class Clock = std::chrono::steady_clock>
class BULWARK_BY_EXCEPTIONS basic_call_meter : public detail::executes<basic_call_meter<Clock>> {
public:
    explicit basic_call_meter(call_meter_config config = {}) noexcept : config_(config) {}

    basic_call_meter(const basic_call_meter&) = delete;
    basic_call_meter& operator=(const basic_call_meter&) = delete;

    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        const auto began = now();
        BULWARK_TRY {
            typename Next::reply reply = next(context);
            if (reply.has_value()) {
                count(next.outcome_of(reply), began);
            } else if (const outcome o = outcome_of_error(reply.error()); o == outcome::failure) {
                count(o, began);
            } else {
                add(first_refusal + detail::index_of(reply.error()), 1);
            }
            return reply;
        }
        BULWARK_CATCH_ALL {
            count(detail::outcome_of_thrown(), began);
            BULWARK_RETHROW;
        }
    }

    call_meter_snapshot snapshot() const noexcept {
        call_meter_snapshot all;
        all.successes = total(static_cast<std::size_t>(outcome::success));
        all.failures = total(static_cast<std::size_t>(outcome::failure));
        all.ignored = total(static_cast<std::size_t>(outcome::ignored));
        for (std::size_t i = 0; i != detail::errc_count; ++i) all.refused[i] = total(first_refusal + i);
        all.has_times = config_.times;
        if (!all.has_times) return all;
        all.total_time = std::chrono::nanoseconds(total(total_time));
        for (std::size_t i = 0; i != all.times.size(); ++i) all.times[i] = total(first_time + i);
        return all;
    }

private:
    // The words of a stripe: outcomes by their numbers, refusals, the time in ns, times by their powers of two.
    static constexpr std::size_t first_refusal = 3;
    static constexpr std::size_t total_time = first_refusal + detail::errc_count;
    static constexpr std::size_t first_time = total_time + 1;
    static constexpr std::size_t words = first_time + 64;
    static constexpr std::uint32_t stripes = 8;

    struct alignas(64) stripe {
        std::array<detail::atomic<std::uint64_t>, words> counts;
    };

    typename Clock::time_point now() const { return config_.times ? Clock::now() : typename Clock::time_point{}; }

    void count(outcome o, typename Clock::time_point began) {
        add(static_cast<std::size_t>(o), 1);
        if (!config_.times) return;
        const auto took = std::max(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began),
                                   std::chrono::nanoseconds::zero());
        add(total_time, static_cast<std::uint64_t>(took.count()));
        add(first_time + detail::wait_bucket(took), 1);
    }

    void add(std::size_t what, std::uint64_t n) noexcept {
        // relaxed: a figure for people; nothing is reached through it.
        stripes_[detail::thread_slot() % stripes].counts[what].fetch_add(n, detail::memory_order_relaxed);
    }

    std::uint64_t total(std::size_t what) const noexcept {
        std::uint64_t all = 0;
        // relaxed: as above.
        for (const stripe& s : stripes_) all += s.counts[what].load(detail::memory_order_relaxed);
        return all;
    }

    const call_meter_config config_;
    std::array<stripe, stripes> stripes_;
};

using call_meter = basic_call_meter<>;

}  // namespace bulwark::inline BULWARK_ABI
