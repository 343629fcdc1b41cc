// The circuit breaker behind one std::mutex: the contract in plain sequential code, to be read as the specification,
// swapped in, and compared with the lock-free one. The two share value types and no logic.
//
// Thread safety: as bulwark::basic_circuit_breaker. Progress: every member is blocking.
#pragma once

#include <bulwark/backoff.hpp>
#include <bulwark/breaker_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/detail/thrown.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/reference/sliding_window.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI::reference {

/// MaxCount: no count passes it; the call that would begins a new window (half-open: a new generation).
template <class Clock = coarse_clock, std::uint32_t MaxCount = std::numeric_limits<std::uint32_t>::max()>
class basic_circuit_breaker {
public:
    using clock = Clock;
    class permit;

    explicit basic_circuit_breaker(circuit_breaker_config config = {})
        : config_((validate(config), std::move(config))),
          seed_(config_.seed != 0 ? config_.seed : std::random_device{}()),
          since_(read_clock()),
          sliding_(config_),
          ramp_(config_) {
        sliding_.begin(since_);
    }

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
            if (disabled_) return permit(*this, generation_, window_, now);
            if (state_ == breaker_state::open) return errc::circuit_open;
            if (state_ == breaker_state::half_open && !has_place()) return errc::too_many_probes;
            if (ramping_ && !ramp_.admits(since_, now)) return errc::circuit_ramping;
            if (!counts_by_window()) ++counts_.requests;
            return permit(*this, generation_, window_, now);
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

    bool force_open() {
        return change([&](nanoseconds now) -> std::optional<transition> {
            if (forced_) return std::nullopt;
            const transition made = enter(breaker_state::open, now);
            forced_ = true;
            openings_ = 0;
            return made;
        });
    }

    bool disable() {
        return change([&](nanoseconds now) -> std::optional<transition> {
            if (disabled_) return std::nullopt;
            const transition made = enter(breaker_state::closed, now);
            disabled_ = true;
            ramping_ = false;
            return made;
        });
    }

    bool reset() {
        return change([&](nanoseconds now) -> std::optional<transition> {
            const transition made = enter(breaker_state::closed, now);
            hint_generation_ = 0;
            ramping_ = false;
            return made;
        });
    }

    bool trip() {
        return change([&](nanoseconds now) -> std::optional<transition> {
            if (disabled_) return std::nullopt;
            if (state_ == breaker_state::open && next_call_finds(now) != finds::half_open) return std::nullopt;
            return enter(breaker_state::open, now);
        });
    }

    bool hold_off(std::chrono::nanoseconds retry_after) {
        const std::lock_guard lock(mutex_);
        return take_hint(retry_after);
    }

    breaker_snapshot snapshot() const {
        const std::lock_guard lock(mutex_);
        const nanoseconds now = read_clock();
        switch (next_call_finds(now)) {
            case finds::this_window: break;
            case finds::new_window: return {.state = state_, .generation = generation_};
            case finds::half_open: return {.state = breaker_state::half_open, .generation = generation_ + 1};
        }
        return {.state = state_,
                .generation = generation_,
                .counts = counts_by_window() ? sliding_.counts(now) : counts_,
                .retry_after = state_ == breaker_state::open ? time_left(now) : nanoseconds::zero(),
                .manual = forced_ || disabled_};
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

    /// How long this opening lasts, but for hints.
    nanoseconds open_time() const {
        const nanoseconds longest =
            config_.max_timeout == nanoseconds::zero() ? nanoseconds::max() : config_.max_timeout;
        // Output number generation_ of splitmix64.
        std::uint64_t random = seed_ + generation_ * 0x9E37'79B9'7F4A'7C15;
        random = (random ^ random >> 30) * 0xBF58'476D'1CE4'E5B9;
        random = (random ^ random >> 27) * 0x94D0'49BB'1331'11EB;
        random ^= random >> 31;
        return backoff_delay({.initial = config_.timeout,
                              .multiplier = config_.timeout_multiplier,
                              .ceiling = longest,
                              .jitter = config_.timeout_jitter},
                             openings_, random);
    }

    /// Whether there is a hint for this opening: given during it, or in the generation that ended with it.
    bool hinted() const { return hint_generation_ == generation_ || hint_generation_ + 1 == generation_; }

    nanoseconds time_left(nanoseconds now) const {
        const nanoseconds time = open_time();
        if (forced_ || since_ > nanoseconds::max() - time) return nanoseconds::max();
        const nanoseconds from = std::max(now, since_);
        const nanoseconds of_timeout = std::max(nanoseconds::zero(), since_ + time - from);
        if (!hinted() || not_before_ <= from) return of_timeout;
        if (not_before_ == nanoseconds::max()) return not_before_;
        return std::max(of_timeout, not_before_ - from);
    }

    bool wait_over(nanoseconds now) const {
        if (forced_ || !passed(open_time(), now)) return false;
        return !hinted() || (not_before_ != nanoseconds::max() && std::max(now, since_) >= not_before_);
    }

    /// True where this generation, or the opening that it ends with, is to wait for longer than it was.
    bool take_hint(nanoseconds retry_after) {
        if (config_.max_hint == nanoseconds::zero() || retry_after <= nanoseconds::zero()) return false;
        if (forced_ || disabled_) return false;
        const nanoseconds until = whole(read_clock(), std::min(retry_after, config_.max_hint));
        const bool heard =
            hint_generation_ == generation_ || (hint_generation_ + 1 == generation_ && state_ == breaker_state::open);
        if (heard && not_before_ >= until) return false;
        not_before_ = until;
        hint_generation_ = generation_;
        return true;
    }

    /// now + span, rounded up to 256 ns; max() where that is past the range.
    static nanoseconds whole(nanoseconds now, nanoseconds span) {
        constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max() / 256 * 256;
        if (now.count() > last - span.count()) return nanoseconds::max();
        const std::int64_t sum = (now + span).count();
        const std::int64_t past = (sum % 256 + 256) % 256;
        const std::int64_t up = past == 0 ? sum : sum + (256 - past);
        return up >= last ? nanoseconds::max() : nanoseconds(up);
    }

    bool is_watched() const {
        return config_.window.of != sliding_window::kind::none || config_.slow_call != nanoseconds::zero() ||
               config_.ramp != nanoseconds::zero();
    }

    /// The outcomes of a watched breaker that is closed.
    bool counts_by_window() const { return is_watched() && state_ == breaker_state::closed && !disabled_; }

    bool is_too_slow(nanoseconds now) const {
        const window_totals t = sliding_.totals(now);
        return t.requests() >= config_.slow_call_min_requests &&
               static_cast<double>(t.slow) / t.requests() >= config_.slow_call_ratio;
    }

    finds next_call_finds(nanoseconds now) const {
        if (disabled_ || counts_by_window()) return finds::this_window;
        const bool counted_out = counts_.requests == MaxCount;
        switch (state_) {
            case breaker_state::closed: {
                const bool over = config_.interval != nanoseconds::zero() && passed(config_.interval, now);
                return over || counted_out ? finds::new_window : finds::this_window;
            }
            case breaker_state::open: return wait_over(now) ? finds::half_open : finds::this_window;
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
        ramping_ = config_.ramp != nanoseconds::zero() && to == breaker_state::closed;
        state_ = to;
        forced_ = disabled_ = false;
        if (to == breaker_state::closed) openings_ = 0;
        if (to == breaker_state::open && openings_ != std::numeric_limits<std::uint32_t>::max()) ++openings_;
        begin_window(now);
        sliding_.begin(since_);
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

    std::optional<transition> move_after(outcome o, bool slow, nanoseconds now, std::exception_ptr& thrown) {
        if (state_ == breaker_state::half_open) {
            if (o == outcome::failure) return enter(breaker_state::open, now);
            if (o == outcome::success && counts_.consecutive_successes >= config_.max_requests) {
                return enter(breaker_state::closed, now);
            }
        } else if (slow && is_too_slow(now)) {
            return enter(breaker_state::open, now);
        } else if (o == outcome::failure) {
            try {
                if (config_.ready_to_trip(counts_by_window() ? sliding_.counts(now) : counts_))
                    return enter(breaker_state::open, now);
            } catch (...) {
                thrown = std::current_exception();
            }
        }
        return std::nullopt;
    }

    // From here on it is not.

    /// An operator's word.
    template <class Change>
    bool change(const Change& make) {
        std::optional<transition> made;
        {
            const std::lock_guard lock(mutex_);
            made = make(read_clock());
        }
        notify(made);
        return made.has_value();
    }

    bool report(std::uint64_t generation, std::uint64_t window, nanoseconds admitted, outcome o, nanoseconds hint,
                std::exception_ptr& thrown) {
        std::optional<transition> made;
        {
            const std::lock_guard lock(mutex_);
            if (generation != generation_ || disabled_) return false;
            take_hint(hint);
            const nanoseconds now = read_clock();
            const bool slow = config_.slow_call != nanoseconds::zero() && o != outcome::ignored &&
                              time_between(admitted, now) >= static_cast<std::uint64_t>(config_.slow_call.count());
            if (counts_by_window()) {
                if (o == outcome::ignored) return true;
                if (!sliding_.add(o == outcome::failure, slow, now)) return false;
            } else if (state_ == breaker_state::closed) {
                const bool over = config_.interval != nanoseconds::zero() && passed(config_.interval, now);
                if (over || (window != window_ && counts_.requests == MaxCount)) begin_window(now);
                if (window != window_) ++counts_.requests;
            }
            if (slow && state_ == breaker_state::half_open) o = outcome::failure;
            count(o);
            made = move_after(o, slow, now, thrown);
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
        try {
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
        } catch (...) {
            std::exception_ptr dropped;
            held->tell(bulwark::detail::outcome_of_thrown(), nanoseconds::zero(), dropped);
            throw;
        }
    }

    const circuit_breaker_config config_;
    const std::uint64_t seed_;
    mutable std::mutex mutex_;
    breaker_state state_ = breaker_state::closed;
    std::uint64_t generation_ = 1;
    std::uint64_t window_ = 0;
    nanoseconds since_;
    breaker_counts counts_;
    sliding_counts sliding_;             ///< of a watched breaker
    ramp ramp_;                          ///< likewise
    bool ramping_ = false;               ///< closed after half-open, perhaps long ago
    bool forced_ = false;                ///< open, whatever the time
    bool disabled_ = false;              ///< closed, and counts nothing
    std::uint32_t openings_ = 0;         ///< since it was closed last
    nanoseconds not_before_{0};          ///< the service's word,
    std::uint64_t hint_generation_ = 0;  ///< given in this generation; 0: none
};

template <class Clock, std::uint32_t MaxCount>
class basic_circuit_breaker<Clock, MaxCount>::permit {
public:
    permit(permit&& other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)),
          generation_(other.generation_),
          window_(other.window_),
          admitted_(other.admitted_),
          exceptions_(other.exceptions_) {}

    permit& operator=(permit&& other) noexcept {
        if (this != &other) {
            drop();
            breaker_ = std::exchange(other.breaker_, nullptr);
            generation_ = other.generation_;
            window_ = other.window_;
            admitted_ = other.admitted_;
            exceptions_ = other.exceptions_;
        }
        return *this;
    }

    ~permit() { drop(); }

    bool success() { return tell(outcome::success); }
    bool failure() { return tell(outcome::failure); }
    bool failure(std::chrono::nanoseconds retry_after) { return tell(outcome::failure, retry_after); }
    bool ignore() { return tell(outcome::ignored); }

private:
    friend basic_circuit_breaker;

    permit(basic_circuit_breaker& breaker, std::uint64_t generation, std::uint64_t window, nanoseconds admitted)
        : breaker_(&breaker),
          generation_(generation),
          window_(window),
          admitted_(admitted),
          exceptions_(std::uncaught_exceptions()) {}

    bool tell(outcome o, std::chrono::nanoseconds hint = std::chrono::nanoseconds::zero()) {
        std::exception_ptr thrown;
        const bool counted = tell(o, hint, thrown);
        if (thrown) std::rethrow_exception(thrown);
        return counted;
    }

    bool tell(outcome o, std::chrono::nanoseconds hint, std::exception_ptr& thrown) {
        basic_circuit_breaker* const breaker = std::exchange(breaker_, nullptr);
        return breaker != nullptr && breaker->report(generation_, window_, admitted_, o, hint, thrown);
    }

    void drop() {
        std::exception_ptr dropped;
        const bool unwinding = std::uncaught_exceptions() > exceptions_;
        tell(unwinding ? outcome::failure : outcome::ignored, std::chrono::nanoseconds::zero(), dropped);
    }

    basic_circuit_breaker* breaker_;
    std::uint64_t generation_;
    std::uint64_t window_;
    nanoseconds admitted_;
    int exceptions_;
};

using circuit_breaker = basic_circuit_breaker<>;
using permit = circuit_breaker::permit;

}  // namespace bulwark::inline BULWARK_ABI::reference
