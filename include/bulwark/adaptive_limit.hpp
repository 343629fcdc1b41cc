// The adaptive limit: a bulkhead whose capacity follows how the service does. While latency is good and callers want
// more, more calls are let in; where latency rises or calls fail, fewer.
//
//     bulwark::adaptive_limit limit{{.initial = 20, .min = 1, .max = 1000}};
//     auto reply = limit.execute([&] { return client.get("/orders"); });   // or errc::concurrency_limited, at once
//     auto call = bulwark::pipeline{retry, limit, timeout};                // as a layer: outside what times out
//     if (auto permit = limit.try_acquire()) { ...; permit->success(); }   // or failure(), ignore()
//
// What a call tells. success(): how long it took. failure(): that the service did not manage, by a time-out, an error
// or an exception; enough of these in a window lower the limit. ignore(): nothing, as of a call that was refused by a
// layer inside, or answered from a cache. An error that says nothing of load (a bad request, say) is best ignored, by a
// classifier. The two algorithms, their rules and their settings: limit_algorithms.hpp. When to use it, and when not:
// docs/patterns/adaptive_limit.md.
//
// The bound is exact: a call is admitted by one compare-and-swap of a word that holds the limit and the number of calls
// inside, and leaves no more inside than the limit in it. A limit that falls below what is inside takes nothing away:
// nobody is admitted until enough calls came back. A refusal means that it was full at some instant of the call.
//
// A limit never falls below `min`, so calls that hang for ever, min of them, shut it for ever: put a time-out inside.
//
// Thread safety: every member may be called from any thread at any time, also from on_limit_change; construction and
// destruction excepted. It must outlive its permits and their last word.
// Progress: admission lock-free, a refusal wait-free, the end of a call lock-free, observers wait-free. The thread that
// ends a window sets the limit anew, a few floating-point operations; nobody waits for it, and while it is preempted
// the limit stays as it is. Cost: two readings of the clock, a compare-and-swap and an addition on one shared word, and
// where the call says how it ended a compare-and-swap on another. A refusal is one load. Memory: 320 bytes; nothing is
// allocated, but what on_limit_change allocates for itself.
#pragma once

#include <bulwark/adaptive_limit_config.hpp>
#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/exceptions_in_flight.hpp>
#include <bulwark/detail/executes.hpp>
#include <bulwark/detail/limit_gate.hpp>
#include <bulwark/detail/sample_window.hpp>
#include <bulwark/detail/thrown.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

/// Clock: a steady clock of std::chrono; a coarse one cannot tell latencies apart. Traits are for the library's own
/// tests and models.
template <limit_algorithm Algorithm, class Clock = std::chrono::steady_clock, class Traits = detail::default_traits>
class basic_adaptive_limit : public detail::executes<basic_adaptive_limit<Algorithm, Clock, Traits>> {
public:
    using config = adaptive_limit_config<Algorithm>;
    using clock = Clock;
    class permit;

    /// Throws std::invalid_argument that names the field of a configuration that makes no sense.
    explicit basic_adaptive_limit(config wanted = {})
        : config_(validated(std::move(wanted))),
          state_{.limit = static_cast<double>(config_.initial)},
          gate_(config_.initial),
          window_(config_.min_samples, after(now(), config_.window)) {}

    basic_adaptive_limit(const basic_adaptive_limit&) = delete;
    basic_adaptive_limit& operator=(const basic_adaptive_limit&) = delete;

    /// Leave to make one call, or errc::concurrency_limited.
    [[nodiscard, gnu::always_inline]] result<permit> try_acquire() noexcept {
        detail::gate_view seen;
        if (!gate_.enter(seen)) return {boost::system::in_place_error, errc::concurrency_limited};
        const bool limited = 2 * (std::uint64_t{seen.inside} + 1) >= seen.limit;
        return {boost::system::in_place_value, permit(*this, limited)};
    }

    // execute(fn), execute(fn, classifier), and both with a context before them: see detail/executes.hpp.

    /// As a layer. Refusals by layers inside are ignored; a call that had no answer by its deadline is a failure, and
    /// so is an exception.
    template <class Context, class Next>
    [[gnu::always_inline]] typename Next::reply wrap(const Context& context, Next& next) {
        result<permit> held = try_acquire();
        if (!held) return {boost::system::in_place_error, held.error()};
        BULWARK_TRY {
            typename Next::reply reply = next(context);
            held->tell(next.outcome_of(reply));
            return reply;
        }
        BULWARK_CATCH_ALL {
            held->tell(detail::outcome_of_thrown());
            BULWARK_RETHROW;
        }
    }

    std::uint32_t limit() const noexcept { return gate_.look().limit; }
    /// More than the limit where that has fallen since.
    std::uint32_t in_use() const noexcept { return gate_.look().inside; }
    adaptive_limit_snapshot snapshot() const noexcept {
        const detail::gate_view seen = gate_.look();
        // relaxed: both are figures for people.
        return {.limit = seen.limit,
                .in_use = seen.inside,
                .short_latency = std::chrono::nanoseconds(short_latency_.load(detail::memory_order_relaxed)),
                .long_latency = std::chrono::nanoseconds(long_latency_.load(detail::memory_order_relaxed))};
    }

private:
    static config validated(config wanted) {
        validate(wanted);
        return wanted;
    }

    static std::int64_t now() noexcept {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
    }
    static std::int64_t after(std::int64_t at, std::chrono::nanoseconds time) noexcept {
        constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
        return at > never - time.count() ? never : at + time.count();
    }

    [[gnu::always_inline]] void finish(std::int64_t began, bool limited, outcome how) noexcept {
        if (how == outcome::ignored) return gate_.leave();
        const std::int64_t at = now();
        const detail::ended_call call{.took = at - began, .dropped = how == outcome::failure, .limited = limited};
        detail::window_sums sums;
        if (!window_.add(call, at, sums)) [[likely]]
            return gate_.leave();
        end_window(at, sums);
    }

    /// By one thread at a time.
    [[gnu::noinline]] void end_window(std::int64_t at, const detail::window_sums& sums) noexcept {
        const std::int64_t latency = sums.mean_ns();
        const limit_sample shown{.latency = std::chrono::nanoseconds(latency),
                                 .succeeded = sums.succeeded,
                                 .dropped = sums.dropped,
                                 .limited = sums.limited};
        const limit_change change = advance(shown);
        gate_.set_limit(change.from, change.to);
        if (sums.succeeded != 0) short_latency_.store(latency, detail::memory_order_relaxed);  // relaxed: for people
        // relaxed: for people
        long_latency_.store(static_cast<std::int64_t>(state_.long_latency), detail::memory_order_relaxed);

        const auto length = std::clamp(2 * shown.latency, config_.window, config_.longest_window);
        window_.open(after(at, length));
        gate_.leave();
        if (change.from != change.to) detail::tell(config_.on_limit_change, change);
    }

    limit_change advance(const limit_sample& shown) noexcept {
        const std::uint32_t from = state_.in_force();
        state_ = config_.algorithm.next(state_, shown, {.min = config_.min, .max = config_.max});
        return {.from = from, .to = state_.in_force()};
    }

    using figure = typename Traits::template atomic<std::int64_t>;

    const config config_;
    // Of the thread that ends a window.
    limit_state state_;
    figure short_latency_{0};
    figure long_latency_{0};
    // Each on a line of its own: calls write the one when they begin and end, the other when they end.
    alignas(64) detail::limit_gate<Traits> gate_;
    alignas(64) detail::sample_window<Traits> window_;
};

/// Leave to make one call. Say how it ended with success(), failure() or ignore(); only the first counts. One that is
/// destroyed without a word counts as a failure where an exception is unwinding the stack, and otherwise as ignored.
/// Move-only, for one thread at a time; it may be handed to another. The limit must outlive it.
template <limit_algorithm Algorithm, class Clock, class Traits>
class basic_adaptive_limit<Algorithm, Clock, Traits>::permit {
public:
    permit(permit&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          began_(other.began_),
          exceptions_(other.exceptions_),
          limited_(other.limited_) {}
    permit& operator=(permit&& other) noexcept {
        permit taken(std::move(other));
        std::swap(owner_, taken.owner_);
        std::swap(began_, taken.began_);
        std::swap(exceptions_, taken.exceptions_);
        std::swap(limited_, taken.limited_);
        return *this;
    }
    [[gnu::always_inline]] ~permit() {
        if (owner_ != nullptr) abandon();
    }

    /// The service answered in the time since the permit was taken.
    void success() noexcept { tell(outcome::success); }
    /// It did not manage: too late, an error, or an exception.
    void failure() noexcept { tell(outcome::failure); }
    /// The call says nothing of the service.
    void ignore() noexcept { tell(outcome::ignored); }
    [[gnu::always_inline]] void tell(outcome how) noexcept {
        basic_adaptive_limit* const owner = std::exchange(owner_, nullptr);
        if (owner != nullptr) owner->finish(began_, limited_, how);
    }

private:
    friend basic_adaptive_limit;
    permit(basic_adaptive_limit& owner, bool limited) noexcept
        : owner_(&owner), began_(now()), exceptions_(detail::exceptions_in_flight()), limited_(limited) {}

    [[gnu::noinline]] void abandon() noexcept {
        tell(detail::exceptions_in_flight() > exceptions_ ? outcome::failure : outcome::ignored);
    }

    basic_adaptive_limit* owner_;
    std::int64_t began_;
    int exceptions_;
    bool limited_;
};

/// By latency, with the gradient rule.
using adaptive_limit = basic_adaptive_limit<gradient>;
/// By time-outs, one more or a tenth less.
using aimd_limit = basic_adaptive_limit<aimd>;

}  // namespace bulwark::inline BULWARK_ABI
