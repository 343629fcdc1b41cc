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
// Thread safety: every member may be called from any thread at any time, also from the callbacks; construction and
// destruction excepted. The breaker must outlive its permits.
// Progress: every member is lock-free, given that the clock and the user's callbacks return.
// Cost: admitting a call is one clock read and one compare-and-swap, and so is its outcome; refusing it while open is
// one clock read and a few loads. Nothing allocates once the breaker is built.
//
// The lock-free algorithm and its invariants are in detail/breaker_core.hpp; this file gives it lifetimes, callbacks
// and exceptions.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/detail/breaker_core.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace bulwark {

/// Clock: a std::chrono clock with a static now(); a steady one, where time must not step back. See clock.hpp for the
/// resolution of the default. Traits are for the library's own tests and models.
template <class Clock = coarse_clock, class Traits = detail::default_traits>
class basic_circuit_breaker {
    using core = detail::breaker_core<Clock, Traits>;

public:
    using clock = Clock;
    class permit;

    /// Throws std::invalid_argument that names the field of a configuration that makes no sense.
    explicit basic_circuit_breaker(circuit_breaker_config config = {})
        : config_(validated(std::move(config))), core_(limits_of(config_)) {}

    basic_circuit_breaker(const basic_circuit_breaker&) = delete;
    basic_circuit_breaker& operator=(const basic_circuit_breaker&) = delete;

    /// A permit to make one call, or errc::circuit_open or errc::too_many_probes. Never throws; the error of
    /// on_state_change, which this may call, is dropped.
    [[nodiscard]] result<permit> try_acquire() noexcept {
        detail::ticket admitted;
        if (const errc refusal = admit(admitted); refusal != errc{}) return {boost::system::in_place_error, refusal};
        return {boost::system::in_place_value, permit(*this, admitted)};
    }

    /// Calls fn, unless the breaker refuses, and counts what it returned: by itself where it is an error code or has
    /// has_value(), as a success otherwise. An exception out of fn counts as a failure and goes on to the caller.
    /// A function that returns bool needs a classifier.
    template <class F>
        requires classifies_itself<F>
    execute_result<F> execute(F&& fn) {
        return guarded(std::forward<F>(fn), default_classifier{});
    }

    /// The same, with a classifier: outcome(const R&). What it throws is treated like an exception out of fn.
    template <class F, class Classifier>
        requires classifier_of<Classifier, F>
    execute_result<F> execute(F&& fn, Classifier&& classify) {
        return guarded(std::forward<F>(fn), classify);
    }

    // Observers report what the next call would find, and change nothing.

    /// All of the below, taken at one instant.
    breaker_snapshot snapshot() const noexcept { return core_.observe(); }
    breaker_state state() const noexcept { return snapshot().state; }
    /// Starts at 1 and rises by one with every transition.
    std::uint64_t generation() const noexcept { return snapshot().generation; }
    /// Counts of the current window; each reaches 2^32 - 1, and the call that would pass it begins a new window
    /// (half-open: a new generation).
    breaker_counts counts() const noexcept { return snapshot().counts; }
    /// Open: how long until the first probe; nanoseconds::max() means never. Otherwise 0.
    std::chrono::nanoseconds retry_after() const noexcept { return snapshot().retry_after; }

    friend std::string to_string(const basic_circuit_breaker& breaker) { return to_string(breaker.snapshot()); }

private:
    static circuit_breaker_config validated(circuit_breaker_config config) {
        validate(config);
        return config;
    }

    static detail::limits limits_of(const circuit_breaker_config& config) noexcept {
        return {.max_requests = config.max_requests,
                .interval = static_cast<std::uint64_t>(config.interval.count()),
                .timeout = static_cast<std::uint64_t>(config.timeout.count()),
                .probe_timeout = static_cast<std::uint64_t>(config.probe_timeout.count())};
    }

    /// errc{} where the call is let through.
    errc admit(detail::ticket& admitted) noexcept {
        return core_.admit_plainly(admitted) ? errc{} : admit_with_care(admitted);
    }

    errc admit_with_care(detail::ticket& admitted) noexcept {
        const detail::admission answer = core_.admit();
        notify(answer.made);
        admitted = answer.admitted;
        return answer.refusal;
    }

    /// Throws only what ready_to_trip threw, after the outcome was counted.
    bool report(const detail::ticket& admitted, outcome o) {
        if (o != outcome::failure) return report_no_failure(admitted, o);
        std::exception_ptr thrown;
        const bool counted = report_failure(admitted, thrown);
        if (thrown) std::rethrow_exception(thrown);
        return counted;
    }

    bool report_no_failure(const detail::ticket& admitted, outcome o) noexcept {
        if (o == outcome::success && core_.succeed_plainly(admitted)) return true;
        const auto never_asked = [](const breaker_counts&) { return false; };
        return finish(core_.report(admitted, o, never_asked));
    }

    bool report_failure(const detail::ticket& admitted, std::exception_ptr& thrown) noexcept {
        const auto trips = [&](const breaker_counts& counts) noexcept {
            try {
                thrown = nullptr;
                return config_.ready_to_trip(counts);
            } catch (...) {
                thrown = std::current_exception();
                return false;
            }
        };
        const bool counted = finish(core_.report(admitted, outcome::failure, trips));
        if (!counted) thrown = nullptr;  // asked in vain: another thread's transition made the result stale
        return counted;
    }

    bool finish(const detail::report_result& answer) noexcept {
        notify(answer.made);
        return answer.counted;
    }

    void notify(const std::optional<transition>& made) noexcept {
        if (!made || !config_.on_state_change) return;
        try {
            config_.on_state_change(*made);
        } catch (...) {  // NOLINT(bugprone-empty-catch): a listener's failure is no failure of the call
        }
    }

    /// Counts a failure where fn or the classifier leaves by an exception.
    struct failure_on_unwinding {
        basic_circuit_breaker& breaker;
        const detail::ticket& admitted;
        bool armed = true;

        ~failure_on_unwinding() {
            std::exception_ptr dropped;
            if (armed) breaker.report_failure(admitted, dropped);
        }
    };

    template <class F, class Classifier>
    execute_result<F> guarded(F&& fn, Classifier&& classify) {
        detail::ticket admitted;
        if (const errc refusal = admit(admitted); refusal != errc{}) return {boost::system::in_place_error, refusal};
        failure_on_unwinding guard{*this, admitted};
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            std::invoke(std::forward<F>(fn));
            guard.armed = false;
            report(admitted, outcome::success);
            return {boost::system::in_place_value};
        } else {
            execute_result<F> reply(boost::system::in_place_value, std::invoke(std::forward<F>(fn)));
            const std::remove_reference_t<std::invoke_result_t<F>>& value = *reply;
            const outcome o = std::invoke(classify, value);
            guard.armed = false;
            report(admitted, o);
            return reply;
        }
    }

    const circuit_breaker_config config_;
    core core_;
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
          admitted_(other.admitted_),
          exceptions_(other.exceptions_) {}

    permit& operator=(permit&& other) noexcept {
        permit(std::move(other)).swap(*this);
        return *this;
    }

    ~permit() {
        if (breaker_ == nullptr) return;
        if (std::uncaught_exceptions() > exceptions_) {
            std::exception_ptr dropped;
            breaker_->report_failure(admitted_, dropped);
        } else {
            breaker_->report_no_failure(admitted_, outcome::ignored);
        }
    }

    /// Each says how the call ended. True where it was counted; false where it is stale, which changes nothing, or the
    /// permit has already had its word. failure() throws what ready_to_trip throws, once the failure is counted.
    bool success() noexcept { return tell_quietly(outcome::success); }
    bool ignore() noexcept { return tell_quietly(outcome::ignored); }
    bool failure() {
        basic_circuit_breaker* const breaker = std::exchange(breaker_, nullptr);
        return breaker != nullptr && breaker->report(admitted_, outcome::failure);
    }

private:
    friend basic_circuit_breaker;

    permit(basic_circuit_breaker& breaker, const detail::ticket& admitted) noexcept
        : breaker_(&breaker), admitted_(admitted), exceptions_(std::uncaught_exceptions()) {}

    bool tell_quietly(outcome o) noexcept {
        basic_circuit_breaker* const breaker = std::exchange(breaker_, nullptr);
        return breaker != nullptr && breaker->report_no_failure(admitted_, o);
    }

    void swap(permit& other) noexcept {
        std::swap(breaker_, other.breaker_);
        std::swap(admitted_, other.admitted_);
        std::swap(exceptions_, other.exceptions_);
    }

    basic_circuit_breaker* breaker_;
    detail::ticket admitted_;
    int exceptions_;
};

using circuit_breaker = basic_circuit_breaker<>;
using permit = circuit_breaker::permit;

}  // namespace bulwark
