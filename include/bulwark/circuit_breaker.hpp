// The circuit breaker: stops calling a service that fails, and tries it again with a few probes after a while.
//
// closed -> open when ready_to_trip says so; open -> half-open at the first call after `timeout`; half-open -> closed
// after `max_requests` successes in a row, -> open at the first failure, -> half-open anew where probes stay silent
// for `probe_timeout`.
//
//     bulwark::circuit_breaker breaker{{.max_requests = 3, .timeout = 10s}};
//     auto reply = breaker.execute([&] { return client.get("/orders"); });
//     if (!reply) return cached_orders();   // reply.error() says why: errc::circuit_open, errc::too_many_probes
//
// Operators have force_open(), disable(), reset() and trip(); open times can grow and have jitter, and a service's own
// "not before" can be heard (timeout_multiplier and what follows it in the configuration). All that is off by default
// and costs the closed state nothing. A reset, a trip and the like cost a transition.
//
// Thread safety: every member may be called from any thread at any time, also from the callbacks; construction and
// destruction excepted. The breaker must outlive its permits.
// Progress: every member is lock-free, given that the clock and the user's callbacks return. For a thread with a cell
// (circuit_breaker_config::cells), admission by a closed breaker and success are wait-free but for the call that
// follows a change of state, window or failures.
// Cost, closed: for a thread with a cell, a clock read and a few loads and stores on its own cache line to admit, and
// the same for a success; for others a clock read, and one compare-and-swap to admit and two for a success (compact:
// one each, on a word that all share). A failure swaps that word and reads the cells. Open: refusing is one clock read
// and a few loads. No clock is read in an endless window.
// Memory: 384 bytes; where there are cells, 64 bytes for each and 512 for those that are shared; and what ready_to_trip
// and on_state_change allocate for themselves. Calls allocate nothing; at the first call of a thread the C library may,
// to note that its slot comes back at its exit.
//
// A watched breaker (a sliding window, slow calls or a ramp in its configuration) is lock-free in every member, and
// counts on words that all threads share: an admission is a clock read and some loads, an outcome two or three
// compare-and-swaps more. It takes 8 bytes for each call of its window or 64 for each bucket, and 704 besides.
// What its failures weigh is in detail/count_window.hpp (exactly the last calls) and detail/time_window.hpp.
//
// What threads see of each other. What happens before a call is seen by it. Without cells (cells = 0) every operation
// is linearizable, counts included. With cells, of what overlaps it: a failure weighs the successes of one instant
// during its call, and a success counted after that instant and before the trip is not weighed; a snapshot's successes,
// row of successes and requests are read one after another during its call. Everything else is exact in both: state,
// generation, admissions and refusals, the probe limit, what is stale, failures in total and in a row, one callback a
// transition; and requests >= successes + failures + ignored.
//
// The lock-free algorithm and its invariants are in detail/breaker_core.hpp; this file gives it lifetimes, callbacks
// and exceptions.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/detail/breaker_core.hpp>
#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/exceptions_in_flight.hpp>
#include <bulwark/detail/thrown.hpp>
#include <bulwark/detail/watch.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

/// Clock: a std::chrono clock with a static now(); a steady one, where time must not step back. See clock.hpp for the
/// resolution of the default. Traits are for the library's own tests and models.
template <class Clock = coarse_clock, class Traits = detail::default_traits>
class basic_circuit_breaker {
    using core = detail::breaker_core<Clock, Traits>;
    using watch = detail::watch<Clock, Traits>;

public:
    using clock = Clock;
    class permit;

    /// Throws std::invalid_argument that names the field of a configuration that makes no sense.
    explicit basic_circuit_breaker(circuit_breaker_config config = {})
        : core_((validate(config), limits_of(config)), detail::is_watched(config) ? 0 : config.cells),
          ready_to_trip_(std::move(config.ready_to_trip)),
          on_state_change_(std::move(config.on_state_change)),
          watch_(detail::is_watched(config) ? std::make_unique<watch>(config, core_) : nullptr) {}

    basic_circuit_breaker(const basic_circuit_breaker&) = delete;
    basic_circuit_breaker& operator=(const basic_circuit_breaker&) = delete;

    /// A permit to make one call, or errc::circuit_open, errc::too_many_probes or errc::circuit_ramping. Never throws;
    /// the error of on_state_change, which this may call, is dropped.
    [[nodiscard, gnu::always_inline]] result<permit> try_acquire() noexcept {
        detail::ticket admitted;
        if (const errc refusal = admit(admitted); refusal != errc{}) return {boost::system::in_place_error, refusal};
        return {boost::system::in_place_value, permit(*this, admitted)};
    }

    /// Calls fn, unless the breaker refuses, and counts what it returned: by itself where it is an error code or has
    /// has_value(), as a success otherwise. An exception out of fn counts as a failure and goes on to the caller;
    /// one that stands for a refusal by the library, as value() of a refused result throws, is ignored and goes on. A
    /// function that returns bool needs a classifier.
    template <class F>
        requires classifies_itself<F>
    [[gnu::always_inline]] execute_result<F> execute(F&& fn) {
        return guarded(std::forward<F>(fn), default_classifier{});
    }

    /// The same, with a classifier: outcome(const R&). What it throws is treated like an exception out of fn.
    template <class F, class Classifier>
        requires classifier_of<Classifier, F>
    [[gnu::always_inline]] execute_result<F> execute(F&& fn, Classifier&& classify) {
        return guarded(std::forward<F>(fn), classify);
    }

    /// As a layer (pipeline.hpp): as execute(), and the reply is made where it is returned.
    template <class Context, class Next>
    [[gnu::always_inline]] typename Next::reply wrap(const Context& context, Next& next) {
        detail::ticket admitted;
        if (const errc refusal = admit(admitted); refusal != errc{}) return {boost::system::in_place_error, refusal};
        return judged(admitted, context, next);
    }

    // For operators. True where it changed anything; that is a transition: it raises the generation, on_state_change is
    // told of it, and results of earlier calls are stale.

    /// Open until reset() or disable(), whatever the time: retry_after() is nanoseconds::max(). snapshot().manual tells
    /// it from an ordinary opening.
    bool force_open() noexcept { return make(detail::move::force); }
    /// Lets every call through and counts none until reset() or force_open(): state() says closed, permits answer
    /// false, and nothing trips.
    bool disable() noexcept { return make(detail::move::disable); }
    /// Closed, with counts at zero, from any state; hints that were given are forgotten. Always a change.
    bool reset() noexcept { return make(detail::move::reset); }
    /// Opens for the ordinary time, as if ready_to_trip had said yes. Changes nothing where the breaker is disabled, or
    /// open and not yet due for a probe.
    bool trip() noexcept { return make(detail::move::trip); }

    /// The service wants no call for so long: where the breaker is open, or the next to happen is that it opens, it
    /// stays open until then at least. At most config.max_hint counts, and the time is rounded up to 256 ns. A time
    /// that is not positive says nothing. True where that changed anything.
    bool hold_off(std::chrono::nanoseconds retry_after) noexcept {
        return retry_after > std::chrono::nanoseconds::zero() &&
               core_.hold_off(static_cast<std::uint64_t>(retry_after.count()));
    }

    // Observers report what the next call would find, and change nothing.

    /// All of the below, taken together.
    breaker_snapshot snapshot() const noexcept { return watch_ == nullptr ? core_.observe() : watch_->observe(core_); }
    breaker_state state() const noexcept { return snapshot().state; }
    /// Starts at 1 and rises by one with every transition.
    std::uint64_t generation() const noexcept { return snapshot().generation; }
    /// Counts of the current window; each reaches 2^32 - 1, and the call that would pass it begins a new window
    /// (half-open: a new generation).
    breaker_counts counts() const noexcept { return snapshot().counts; }
    /// Open: how long until the first probe; nanoseconds::max() means never. Otherwise 0.
    std::chrono::nanoseconds retry_after() const noexcept { return snapshot().retry_after; }

    /// One readable line: state, generation, counts, and the time left where it is open.
    friend std::string to_string(const basic_circuit_breaker& breaker) { return to_string(breaker.snapshot()); }

private:
    static detail::limits limits_of(const circuit_breaker_config& config) noexcept {
        const auto ns = [](std::chrono::nanoseconds span) { return static_cast<std::uint64_t>(span.count()); };
        detail::limits lim{.max_requests = config.max_requests,
                           .counted = config.count_successes ? detail::counting::all : detail::counting::failures,
                           .interval = ns(config.interval),
                           .timeout = ns(config.timeout),
                           .probe_timeout = ns(config.probe_timeout),
                           .timeout_varies = config.timeout_multiplier > 1 || config.timeout_jitter != jitter::none,
                           .timeout_jitter = config.timeout_jitter,
                           .timeout_multiplier = config.timeout_multiplier,
                           .seed = config.seed,
                           .max_hint = ns(config.max_hint)};
        if (config.max_timeout != std::chrono::nanoseconds::zero()) lim.max_timeout = ns(config.max_timeout);
        if (config.timeout_jitter != jitter::none && lim.seed == 0) lim.seed = detail::fresh_seed();
        if (detail::is_watched(config)) {
            lim.counted = detail::counting::elsewhere;
            lim.interval = 0;
        }
        return lim;
    }

    // The everyday paths are small and go inline, whatever the compiler thinks of their size; what is left is called.

    /// errc{} where the call is let through.
    [[gnu::always_inline]] errc admit(detail::ticket& admitted) noexcept {
        errc refusal{};
        if (core_.admit_plainly(admitted, refusal)) [[likely]]
            return refusal;
        const detail::admission answer = admit_with_care();
        admitted = answer.admitted;
        return answer.refusal;
    }

    [[gnu::noinline]] detail::admission admit_with_care() noexcept {
        const detail::admission answer = watch_ == nullptr ? core_.admit() : watch_->admit(core_);
        notify(answer.made);
        return answer;
    }

    /// Throws only what ready_to_trip threw, after the outcome was counted.
    [[gnu::always_inline]] bool report(detail::ticket admitted, outcome o) {
        return o == outcome::success ? report_success(admitted) : report_with_care(admitted, o);
    }

    [[gnu::always_inline]] bool report_success(detail::ticket admitted) noexcept {
        if (core_.succeed_plainly(admitted)) [[likely]]
            return true;
        return report_no_failure(admitted, outcome::success);
    }

    [[gnu::noinline]] bool report_with_care(detail::ticket admitted, outcome o) {
        if (o != outcome::failure) return report_no_failure(admitted, o);
        std::exception_ptr thrown;
        const bool counted = report_failure(admitted, thrown);
        if (thrown) std::rethrow_exception(thrown);
        return counted;
    }

    [[gnu::noinline]] bool report_no_failure(detail::ticket admitted, outcome o) noexcept {
        return finish(tell(admitted, o, detail::never_asked{}));
    }

    /// An admitted call was given up without a word; `failed`: by an exception.
    [[gnu::noinline]] void abandon(detail::ticket admitted, bool failed) noexcept {
        std::exception_ptr dropped;
        if (failed) {
            report_failure(admitted, dropped);
        } else {
            report_no_failure(admitted, outcome::ignored);
        }
    }

    bool report_failure(detail::ticket admitted, std::exception_ptr& thrown) noexcept {
        const auto trips = [&](const breaker_counts& counts) noexcept {
            BULWARK_TRY {
                thrown = nullptr;
                return ready_to_trip_(counts);
            }
            BULWARK_CATCH_ALL {
                thrown = std::current_exception();
                return false;
            }
        };
        const bool counted = finish(tell(admitted, outcome::failure, trips));
        if (!counted) thrown = nullptr;  // asked in vain: another thread's transition made the result stale
        return counted;
    }

    [[gnu::noinline]] bool make(detail::move wanted) noexcept {
        const std::optional<transition> made =
            watch_ != nullptr && wanted == detail::move::reset ? watch_->reset(core_) : core_.make(wanted);
        notify(made);
        return made.has_value();
    }

    template <class TripPolicy>
    detail::report_result tell(detail::ticket admitted, outcome o, const TripPolicy& trips) noexcept {
        return watch_ == nullptr ? core_.report(admitted, o, trips) : watch_->report(core_, admitted, o, trips);
    }

    bool finish(const detail::report_result& answer) noexcept {
        notify(answer.made);
        return answer.counted;
    }

    void notify(const std::optional<transition>& made) noexcept {
        if (made) detail::tell(on_state_change_, *made);
    }

    /// Counts what fn or the classifier throws.
    template <class Call>
    [[gnu::always_inline]] auto counting_exceptions(detail::ticket admitted, Call&& call) {
        BULWARK_TRY {
            return call();
        }
        BULWARK_CATCH_ALL {
            abandon(admitted, detail::outcome_of_thrown() == outcome::failure);
            BULWARK_RETHROW;
        }
    }

    template <class Context, class Next>
    [[gnu::always_inline]] typename Next::reply judged(detail::ticket admitted, const Context& context, Next& next) {
        outcome o{};
        typename Next::reply reply = counting_exceptions(admitted, [&] {
            typename Next::reply got = next(context);
            o = next.outcome_of(got);
            return got;
        });
        report(admitted, o);
        return reply;
    }

    template <class F, class Classifier>
    [[gnu::always_inline]] execute_result<F> guarded(F&& fn, Classifier&& classify) {
        detail::ticket admitted;
        if (const errc refusal = admit(admitted); refusal != errc{}) return {boost::system::in_place_error, refusal};
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            counting_exceptions(admitted, [&] { std::invoke(std::forward<F>(fn)); });
            report(admitted, outcome::success);
            return {boost::system::in_place_value};
        } else {
            outcome o{};
            execute_result<F> reply = counting_exceptions(admitted, [&] {
                execute_result<F> got(boost::system::in_place_value, std::invoke(std::forward<F>(fn)));
                const std::remove_reference_t<std::invoke_result_t<F>>& value = *got;
                o = std::invoke(classify, value);
                return got;
            });
            report(admitted, o);
            return reply;
        }
    }

    // The core leaves room in its last line for the members that follow.
    [[no_unique_address]] core core_;
    const std::function<bool(const breaker_counts&)> ready_to_trip_;
    const std::function<void(const transition&)> on_state_change_;
    const std::unique_ptr<watch> watch_;  ///< asked only where the everyday paths do not apply
};

/// Leave to make one call. Say how it ended with success(), failure() or ignore(). A permit destroyed without a word
/// counts as a failure where an exception is unwinding the stack, and otherwise as ignored; in half-open that gives its
/// place to another probe. Move-only, for one thread at a time; it may be handed to another. The breaker must outlive
/// it.
template <class Clock, class Traits>
class basic_circuit_breaker<Clock, Traits>::permit {
public:
    permit(permit&& other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)),
          generation_(other.generation_),
          exceptions_(other.exceptions_),
          window_(other.window_) {}

    permit& operator=(permit&& other) noexcept {
        permit(std::move(other)).swap(*this);
        return *this;
    }

    ~permit() {
        if (breaker_ != nullptr) breaker_->abandon(admitted(), detail::exceptions_in_flight() > exceptions_);
    }

    /// Each says how the call ended. True where it was counted; false where it is stale, which changes nothing, or the
    /// permit has already had its word. failure() throws what ready_to_trip throws, once the failure is counted.
    [[gnu::always_inline]] bool success() noexcept {
        basic_circuit_breaker* const breaker = std::exchange(breaker_, nullptr);
        return breaker != nullptr && breaker->report_success(admitted());
    }
    bool ignore() noexcept {
        basic_circuit_breaker* const breaker = std::exchange(breaker_, nullptr);
        return breaker != nullptr && breaker->report_no_failure(admitted(), outcome::ignored);
    }
    bool failure() {
        basic_circuit_breaker* const breaker = std::exchange(breaker_, nullptr);
        return breaker != nullptr && breaker->report_with_care(admitted(), outcome::failure);
    }
    /// A failure, with which the service said how long to leave it alone (Retry-After): as hold_off() and then
    /// failure(), which may come after another thread's transition and be stale where the hint was heard. The hint of a
    /// call that was stale before is not.
    bool failure(std::chrono::nanoseconds retry_after) {
        if (breaker_ != nullptr && retry_after > std::chrono::nanoseconds::zero()) {
            breaker_->core_.hold_off(static_cast<std::uint64_t>(retry_after.count()), generation_);
        }
        return failure();
    }

private:
    friend basic_circuit_breaker;

    permit(basic_circuit_breaker& breaker, detail::ticket admitted) noexcept
        : breaker_(&breaker),
          generation_(admitted.generation),
          exceptions_(detail::exceptions_in_flight()),
          window_(admitted.window) {}

    detail::ticket admitted() const noexcept { return {generation_, window_}; }

    void swap(permit& other) noexcept {
        std::swap(breaker_, other.breaker_);
        std::swap(generation_, other.generation_);
        std::swap(exceptions_, other.exceptions_);
        std::swap(window_, other.window_);
    }

    basic_circuit_breaker* breaker_;
    // The two halves of the ticket apart: side by side, g++ copies them by one wide load, which waits for the two
    // narrow stores before it (4 ns a call).
    std::uint64_t generation_;
    int exceptions_;
    std::uint64_t window_;
};

using circuit_breaker = basic_circuit_breaker<>;
using permit = circuit_breaker::permit;

}  // namespace bulwark::inline BULWARK_ABI
