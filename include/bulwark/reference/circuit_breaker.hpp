// The circuit breaker behind one std::mutex: the contract in plain sequential code, to be read as the specification,
// swapped in, and compared with the lock-free one. The two share value types and no logic.
//
// Thread safety: as bulwark::basic_circuit_breaker. Progress: every member is blocking.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace bulwark::reference {

/// MaxCount: no count passes it; the call that would begins a new window (half-open: a new generation).
template <class Clock = coarse_clock, std::uint32_t MaxCount = std::numeric_limits<std::uint32_t>::max()>
class basic_circuit_breaker {
public:
    using clock = Clock;
    class permit;

    explicit basic_circuit_breaker(circuit_breaker_config config = {})
        : config_((validate(config), std::move(config))), since_(read_clock()) {}

    basic_circuit_breaker(const basic_circuit_breaker&) = delete;
    basic_circuit_breaker& operator=(const basic_circuit_breaker&) = delete;

    [[nodiscard]] result<permit> try_acquire() {
        std::optional<transition> made;
        result<permit> answer = [&]() -> result<permit> {
            const std::lock_guard lock(mutex_);
            const nanoseconds now = read_clock();
            switch (next_call_finds(now)) {
                case finds::this_window: break;
                case finds::new_window: begin_window(now); break;
                case finds::half_open: made = enter(breaker_state::half_open, now); break;
            }
            if (state_ == breaker_state::open) return errc::circuit_open;
            if (state_ == breaker_state::half_open && !has_place()) return errc::too_many_probes;
            ++counts_.requests;
            return permit(*this, generation_, window_);
        }();
        notify(made);
        return answer;
    }

    template <class F>
        requires classifies_itself<F>
    execute_result<F> execute(F&& fn) {
        return guarded(std::forward<F>(fn), default_classifier{});
    }

    template <class F, class Classifier>
        requires classifier_of<Classifier, F>
    execute_result<F> execute(F&& fn, Classifier&& classify) {
        return guarded(std::forward<F>(fn), classify);
    }

    breaker_snapshot snapshot() const {
        const std::lock_guard lock(mutex_);
        const nanoseconds now = read_clock();
        switch (next_call_finds(now)) {
            case finds::this_window: break;
            case finds::new_window: return {state_, generation_, {}, nanoseconds::zero()};
            case finds::half_open: return {breaker_state::half_open, generation_ + 1, {}, nanoseconds::zero()};
        }
        return {state_, generation_, counts_, state_ == breaker_state::open ? time_left(now) : nanoseconds::zero()};
    }
    breaker_state state() const { return snapshot().state; }
    std::uint64_t generation() const { return snapshot().generation; }
    breaker_counts counts() const { return snapshot().counts; }
    std::chrono::nanoseconds retry_after() const { return snapshot().retry_after; }

    friend std::string to_string(const basic_circuit_breaker& breaker) { return to_string(breaker.snapshot()); }

private:
    using nanoseconds = std::chrono::nanoseconds;
    enum class finds : std::uint8_t { this_window, new_window, half_open };

    static nanoseconds read_clock() { return std::chrono::duration_cast<nanoseconds>(Clock::now().time_since_epoch()); }

    // Everything from here to guarded() is called with the mutex held.

    /// Whether `span` has passed since since_. A sum past the end of the clock's range never comes; a reading from
    /// before since_ counts as since_.
    bool passed(nanoseconds span, nanoseconds now) const {
        return since_ <= nanoseconds::max() - span && std::max(now, since_) >= since_ + span;
    }

    nanoseconds time_left(nanoseconds now) const {
        if (since_ > nanoseconds::max() - config_.timeout) return nanoseconds::max();
        return since_ + config_.timeout - std::max(now, since_);
    }

    finds next_call_finds(nanoseconds now) const {
        const bool counted_out = counts_.requests == MaxCount;
        switch (state_) {
            case breaker_state::closed: {
                const bool over = config_.interval != nanoseconds::zero() && passed(config_.interval, now);
                return over || counted_out ? finds::new_window : finds::this_window;
            }
            case breaker_state::open: return passed(config_.timeout, now) ? finds::half_open : finds::this_window;
            case breaker_state::half_open: {
                const bool under_way =
                    counts_.requests != counts_.total_successes + counts_.total_failures + counts_.total_ignored;
                const bool silent =
                    under_way && config_.probe_timeout != nanoseconds::zero() && passed(config_.probe_timeout, now);
                return silent || (counted_out && has_place()) ? finds::half_open : finds::this_window;
            }
        }
        return finds::this_window;
    }

    bool has_place() const { return counts_.requests - counts_.total_ignored < config_.max_requests; }

    void begin_window(nanoseconds now) {
        since_ = std::max(since_, now);  // two threads may read the clock out of order
        ++window_;
        counts_ = {};
    }

    transition enter(breaker_state to, nanoseconds now) {
        const transition made{.from = state_, .to = to, .generation = ++generation_};
        state_ = to;
        begin_window(now);
        return made;
    }

    void count(outcome o) {
        switch (o) {
            case outcome::success:
                ++counts_.total_successes;
                ++counts_.consecutive_successes;
                counts_.consecutive_failures = 0;
                break;
            case outcome::failure:
                ++counts_.total_failures;
                ++counts_.consecutive_failures;
                counts_.consecutive_successes = 0;
                break;
            case outcome::ignored: ++counts_.total_ignored; break;
        }
    }

    std::optional<transition> move_after(outcome o, nanoseconds now, std::exception_ptr& thrown) {
        if (state_ == breaker_state::half_open) {
            if (o == outcome::failure) return enter(breaker_state::open, now);
            if (o == outcome::success && counts_.consecutive_successes >= config_.max_requests) {
                return enter(breaker_state::closed, now);
            }
        } else if (o == outcome::failure) {
            try {
                if (config_.ready_to_trip(counts_)) return enter(breaker_state::open, now);
            } catch (...) {
                thrown = std::current_exception();
            }
        }
        return std::nullopt;
    }

    // From here on it is not.

    bool report(std::uint64_t generation, std::uint64_t window, outcome o, std::exception_ptr& thrown) {
        std::optional<transition> made;
        {
            const std::lock_guard lock(mutex_);
            if (generation != generation_) return false;
            const nanoseconds now = read_clock();
            if (state_ == breaker_state::closed) {
                const bool over = config_.interval != nanoseconds::zero() && passed(config_.interval, now);
                if (over || (window != window_ && counts_.requests == MaxCount)) begin_window(now);
                if (window != window_) ++counts_.requests;
            }
            count(o);
            made = move_after(o, now, thrown);
        }
        notify(made);
        return true;
    }

    void notify(const std::optional<transition>& made) noexcept {
        if (!made || !config_.on_state_change) return;
        try {
            config_.on_state_change(*made);
        } catch (...) {  // NOLINT(bugprone-empty-catch): a listener's failure is no failure of the call
        }
    }

    template <class F, class Classifier>
    execute_result<F> guarded(F&& fn, Classifier&& classify) {
        result<permit> held = try_acquire();
        if (!held) return {boost::system::in_place_error, held.error()};
        // Where fn or the classifier throws, the permit counts a failure as the stack unwinds.
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            std::invoke(std::forward<F>(fn));
            held->success();
            return {boost::system::in_place_value};
        } else {
            execute_result<F> reply(boost::system::in_place_value, std::invoke(std::forward<F>(fn)));
            const std::remove_reference_t<std::invoke_result_t<F>>& value = *reply;
            held->tell(std::invoke(classify, value));
            return reply;
        }
    }

    const circuit_breaker_config config_;
    mutable std::mutex mutex_;
    breaker_state state_ = breaker_state::closed;
    std::uint64_t generation_ = 1;
    std::uint64_t window_ = 0;
    nanoseconds since_;
    breaker_counts counts_;
};

template <class Clock, std::uint32_t MaxCount>
class basic_circuit_breaker<Clock, MaxCount>::permit {
public:
    permit(permit&& other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)),
          generation_(other.generation_),
          window_(other.window_),
          exceptions_(other.exceptions_) {}

    permit& operator=(permit&& other) noexcept {
        if (this != &other) {
            drop();
            breaker_ = std::exchange(other.breaker_, nullptr);
            generation_ = other.generation_;
            window_ = other.window_;
            exceptions_ = other.exceptions_;
        }
        return *this;
    }

    ~permit() { drop(); }

    bool success() { return tell(outcome::success); }
    bool failure() { return tell(outcome::failure); }
    bool ignore() { return tell(outcome::ignored); }

private:
    friend basic_circuit_breaker;

    permit(basic_circuit_breaker& breaker, std::uint64_t generation, std::uint64_t window)
        : breaker_(&breaker), generation_(generation), window_(window), exceptions_(std::uncaught_exceptions()) {}

    bool tell(outcome o) {
        std::exception_ptr thrown;
        const bool counted = tell(o, thrown);
        if (thrown) std::rethrow_exception(thrown);
        return counted;
    }

    bool tell(outcome o, std::exception_ptr& thrown) {
        basic_circuit_breaker* const breaker = std::exchange(breaker_, nullptr);
        return breaker != nullptr && breaker->report(generation_, window_, o, thrown);
    }

    void drop() {
        std::exception_ptr dropped;
        tell(std::uncaught_exceptions() > exceptions_ ? outcome::failure : outcome::ignored, dropped);
    }

    basic_circuit_breaker* breaker_;
    std::uint64_t generation_;
    std::uint64_t window_;
    int exceptions_;
};

using circuit_breaker = basic_circuit_breaker<>;
using permit = circuit_breaker::permit;

}  // namespace bulwark::reference
