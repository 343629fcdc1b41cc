// The sliding windows of the mutex reference, and its ramp: plain sequential code, to be read as the specification of
// what a watched breaker counts and lets through. Not for several threads at once: the breaker has the mutex.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>

namespace bulwark::inline BULWARK_ABI::reference {

/// 0 where the reading is from before. Unsigned: from one end of a clock to the other is more than it can say itself.
inline std::uint64_t time_between(std::chrono::nanoseconds start, std::chrono::nanoseconds now) {
    if (now <= start) return 0;
    return static_cast<std::uint64_t>(now.count()) - static_cast<std::uint64_t>(start.count());
}

struct window_totals {
    std::uint32_t successes = 0;
    std::uint32_t failures = 0;
    std::uint32_t slow = 0;

    void add(bool failed, bool is_slow) {
        ++(failed ? failures : successes);
        if (is_slow) ++slow;
    }
    std::uint32_t requests() const { return successes + failures; }
};

/// The outcomes of one generation of the closed breaker that count.
class sliding_counts {
    using nanoseconds = std::chrono::nanoseconds;

public:
    explicit sliding_counts(const circuit_breaker_config& config)
        : by_calls_(config.window.of == sliding_window::kind::count), calls_(config.window.calls) {
        const bool by_time = config.window.of == sliding_window::kind::time;
        const nanoseconds span = by_time ? config.window.span : config.interval;
        slices_ = by_time ? config.window.buckets : 1;
        slice_ = span / slices_ + nanoseconds(span % slices_ != nanoseconds::zero() ? 1 : 0);
    }

    /// A generation begins.
    void begin(nanoseconds now) {
        start_ = now;
        last_calls_.clear();
        by_slice_.clear();
        row_ = 0;
    }

    /// False where its slice is out of the window already, since another reading of the clock was later.
    bool add(bool failed, bool slow, nanoseconds now) {
        if (by_calls_) {
            last_calls_.push_back({failed, slow});
            if (last_calls_.size() > calls_) last_calls_.pop_front();
        } else {
            const std::uint64_t slice = slice_at(now);
            if (!by_slice_.empty() && is_out(slice, by_slice_.rbegin()->first)) return false;
            by_slice_[slice].add(failed, slow);
        }
        row_ = failed == row_of_failures_ ? row_ + 1 : 1;
        row_of_failures_ = failed;
        return true;
    }

    window_totals totals(nanoseconds now) const {
        window_totals all;
        if (by_calls_) {
            for (const outcome_of_call& c : last_calls_) all.add(c.failed, c.slow);
        } else if (!by_slice_.empty()) {
            const std::uint64_t last = std::max(slice_at(now), by_slice_.rbegin()->first);
            for (const auto& [slice, of_slice] : by_slice_) {
                if (is_out(slice, last)) continue;
                all.successes += of_slice.successes;
                all.failures += of_slice.failures;
                all.slow += of_slice.slow;
            }
        }
        return all;
    }

    breaker_counts counts(nanoseconds now) const {
        const window_totals t = totals(now);
        return {.requests = t.requests(),
                .total_successes = t.successes,
                .total_failures = t.failures,
                .total_ignored = 0,
                .consecutive_successes = row_of_failures_ ? 0 : std::min(row_, t.successes),
                .consecutive_failures = row_of_failures_ ? std::min(row_, t.failures) : 0};
    }

private:
    struct outcome_of_call {
        bool failed;
        bool slow;
    };

    std::uint64_t slice_at(nanoseconds now) const {
        if (slice_ == nanoseconds::zero()) return 0;
        return time_between(start_, now) / static_cast<std::uint64_t>(slice_.count());
    }
    bool is_out(std::uint64_t slice, std::uint64_t last) const { return last > slice && last - slice >= slices_; }

    const bool by_calls_;
    const std::uint32_t calls_;
    std::uint32_t slices_ = 1;
    nanoseconds slice_{0};  ///< 0: without end
    nanoseconds start_{0};
    std::deque<outcome_of_call> last_calls_;
    std::map<std::uint64_t, window_totals> by_slice_;
    std::uint32_t row_ = 0;
    bool row_of_failures_ = false;
};

/// Each call adds its share, in units of 2^-32; who makes a whole is let through.
class ramp {
    using nanoseconds = std::chrono::nanoseconds;

public:
    explicit ramp(const circuit_breaker_config& config) : time_(config.ramp), from_(config.ramp_from) {}

    bool admits(nanoseconds start, nanoseconds now) {
        const std::uint64_t age = time_between(start, now);
        if (age >= static_cast<std::uint64_t>(time_.count())) return true;
        const double part = static_cast<double>(age) / static_cast<double>(time_.count());
        const double share = (from_ + (1 - from_) * part) * whole;
        sum_ += std::max<std::uint64_t>(1, static_cast<std::uint64_t>(share));
        if (sum_ < std::uint64_t{whole}) return false;
        sum_ -= std::uint64_t{whole};
        return true;
    }

private:
    static constexpr std::uint64_t whole = std::uint64_t{1} << 32;

    const nanoseconds time_;
    const double from_;
    std::uint64_t sum_ = whole - 1;
};

}  // namespace bulwark::inline BULWARK_ABI::reference
