// What stands beside the core of a breaker that is *watched*: one with a sliding window, or a limit to slow calls, or a
// ramp. The core then has the state, the half-open test and all transitions, as ever, but counts nothing while it is
// closed: the outcomes go into a window here, and it is told when to trip.
//
// The core of a watched breaker has no cells and limits with counting::elsewhere: none of its everyday paths apply, so
// that every call comes here, and a breaker that is not watched has nothing more to look at.
//
// A call is let through by a closed breaker without writing anything, but for the sum of a ramp. Its ticket has the
// time of the admission where that of an ordinary breaker has the window.
//
// What threads see of each other. Every operation on the closed breaker has its place in the order of the others at its
// load of the head (admission, a stale result) or where its window says (count_window.hpp: exact; time_window.hpp: a
// failure weighs all that happens before it, and of what overlaps what some instant of its call might have shown). The
// trip comes after: what ends between the decision and the trip is told that it counted, and changes the decision no
// more. A result of an older generation is in no count of a newer one.
//
// Progress: lock-free, as its parts. No allocation but at construction, no exceptions. Edges: those of its parts.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/detail/breaker_core.hpp>
#include <bulwark/detail/count_window.hpp>
#include <bulwark/detail/ramp.hpp>
#include <bulwark/detail/time_window.hpp>
#include <bulwark/detail/transition.hpp>
#include <bulwark/detail/window_counts.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace bulwark::inline BULWARK_ABI::detail {

/// Where no policy is asked.
struct never_asked {
    bool operator()(const breaker_counts&) const noexcept { return false; }
};

inline bool is_watched(const circuit_breaker_config& config) noexcept {
    return config.window.of != sliding_window::kind::none || config.slow_call.count() != 0 || config.ramp.count() != 0;
}

template <class Clock, class Traits>
class watch {
    using core = breaker_core<Clock, Traits>;

public:
    /// `of` is the core of the breaker, in its first generation. Throws std::bad_alloc.
    watch(const circuit_breaker_config& config, const core& of)
        : slow_call_(ns(config.slow_call)),
          slow_call_ratio_(config.slow_call_ratio),
          slow_call_min_requests_(config.slow_call_min_requests) {
        if (config.window.of == sliding_window::kind::count) {
            calls_.emplace(config.window.calls);
        } else {
            record first;
            of.closed(first);
            const bool sliding = config.window.of == sliding_window::kind::time;
            slices_.emplace(ns(sliding ? config.window.span : config.interval), sliding ? config.window.buckets : 1,
                            first.since);
        }
        if (config.ramp.count() != 0) ramp_.emplace(ns(config.ramp), config.ramp_from);
    }

    [[gnu::noinline]] admission admit(core& of) noexcept {
        for (;;) {
            const instant now = slow_call_ != 0 || ramp_ ? read_clock() : 0;
            record r;
            if (of.closed(r)) {
                if (ramp_ && is_ramped(r.generation) && !ramp_->admits(r.since, now)) {
                    return {.admitted = {}, .refusal = errc::circuit_ramping, .made = {}};
                }
                return {.admitted = {r.generation, now}, .made = {}};
            }
            admission answer = of.template admit<true>();
            if (answer.refusal == errc{} && answer.admitted.generation == 0) continue;  // it has closed meanwhile
            answer.admitted.window = now;
            return answer;
        }
    }

    /// As breaker_core::report().
    template <class TripPolicy>
    [[gnu::noinline]] report_result report(core& of, ticket admitted, outcome o, const TripPolicy& trips) noexcept {
        // Before the generation, as the window wants it.
        const instant now = slow_call_ != 0 || slices_ ? read_clock() : 0;
        const bool slow = slow_call_ != 0 && o != outcome::ignored && elapsed(admitted.window, now) >= slow_call_;
        record r;
        if (!of.closed(r)) {
            return of.report(admitted, slow ? outcome::failure : o, never_asked{});
        }
        if (r.generation != admitted.generation) return {};
        if (o == outcome::ignored) return {.counted = true, .made = {}};
        const bool failed = o == outcome::failure;
        const std::optional<window_counts> counts = add(of, r, now, failed, slow);
        if (!counts) return {};
        if (!(slow && too_slow(*counts)) && !(failed && trips(to_breaker_counts(*counts)))) {
            return {.counted = true, .made = {}};
        }
        return {.counted = true, .made = of.trip(r.generation)};
    }

    [[gnu::noinline]] breaker_snapshot observe(const core& of) const noexcept {
        for (;;) {
            const instant now = slices_ ? read_clock() : 0;
            record r;
            if (!of.closed_for_now(r)) {
                const breaker_snapshot seen = of.observe();
                if (seen.state != breaker_state::closed || seen.manual) return seen;
                continue;
            }
            const std::optional<window_counts> counts =
                calls_ ? calls_->observe(r.generation) : slices_->observe(r.generation, r.since, now);
            record later;
            if (counts && of.closed_for_now(later) && later.generation == r.generation) {
                return {
                    .state = breaker_state::closed, .generation = r.generation, .counts = to_breaker_counts(*counts)};
            }
        }
    }

    /// Closes the breaker on an operator's word, and without a ramp.
    [[gnu::noinline]] std::optional<transition> reset(core& of) noexcept {
        if (!ramp_) return of.make(move::reset);
        // Said before the transition, so that no call is refused after it.
        return of.make(move::reset, [&](std::uint64_t generation) { exempt(generation); });
    }

private:
    static std::uint64_t ns(std::chrono::nanoseconds span) noexcept { return static_cast<std::uint64_t>(span.count()); }

    static instant read_clock() noexcept {
        const auto now = Clock::now().time_since_epoch();
        return to_instant(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
    }

    std::optional<window_counts> add(const core& of, const record& r, instant now, bool failed, bool slow) noexcept {
        if (slices_) return slices_->add(r.generation, r.since, now, failed, slow);
        return calls_->add(r.generation, failed, slow, [&] {
            record again;
            return of.closed(again) && again.generation == r.generation;
        });
    }

    bool too_slow(const window_counts& c) const noexcept {
        const double all = static_cast<double>(c.successes) + static_cast<double>(c.failures);
        return all >= slow_call_min_requests_ && static_cast<double>(c.slow) / all >= slow_call_ratio_;
    }

    bool is_ramped(std::uint64_t generation) const noexcept {
        // relaxed: the word says nothing of anything but the generations that it names.
        return generation > exempt_.load(memory_order_relaxed);
    }

    /// Of resets at once the latest counts, whoever says so last; and while one is on its way, the one before it still.
    void exempt(std::uint64_t generation) noexcept {
        // relaxed: (the swap too) see is_ramped(). Who sees the generation that reset() makes sees what it stored
        // before: see breaker_core::make().
        std::uint64_t seen = exempt_.load(memory_order_relaxed);
        while (seen < generation && !exempt_.compare_exchange_weak(seen, generation, memory_order_relaxed)) {
            Traits::pause();
        }
    }

    const std::uint64_t slow_call_;
    const double slow_call_ratio_;
    const std::uint32_t slow_call_min_requests_;
    std::optional<count_window<Traits>> calls_;
    std::optional<time_window<Traits>> slices_;  ///< exactly one of the two
    std::optional<ramp<Traits>> ramp_;
    typename Traits::template atomic<std::uint64_t> exempt_{1};  ///< no ramp in a generation up to this one
};

}  // namespace bulwark::inline BULWARK_ABI::detail
