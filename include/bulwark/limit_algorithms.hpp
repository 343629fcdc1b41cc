// How an adaptive limit follows what its calls show: two algorithms, each a small struct of settings with one pure
// function, (limit, what a window of calls showed) -> next limit. No clock, no thread, no memory of its own; a program
// may bring another (limit_algorithm).
//
//  - aimd: additive increase, multiplicative decrease. D.-M. Chiu and R. Jain, "Analysis of the Increase and Decrease
//    Algorithms for Congestion Avoidance in Computer Networks" (1989), and TCP's congestion avoidance; here once a
//    window, with the fields of AIMDLimit of Netflix concurrency-limits (backoffRatio, timeout).
//  - gradient: the rule of Gradient2Limit of Netflix concurrency-limits (rttTolerance, queueSize, smoothing,
//    longWindow): a short-term latency beside a long-term one. The fields from probe_every on are of Envoy's
//    adaptive_concurrency filter in spirit (its minRTT windows): they keep the long-term latency from following a
//    queue, see gradient::probe_every.
//
// Where they differ from these: windows in which too many calls were dropped make either back off (Gradient2Limit looks
// at latency alone, so calls that fail at once, or all after the same time, raise its limit), and a few drops do not.
//
// Thread safety: values. next() is const and noexcept and neither locks nor allocates.
#pragma once

#include <bulwark/version.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>

namespace bulwark::inline BULWARK_ABI {

/// What a window of calls showed.
struct limit_sample {
    /// The mean time of those that succeeded, at least 1 ns; 0 where none did.
    std::chrono::nanoseconds latency{0};
    std::uint32_t succeeded = 0;
    std::uint32_t dropped = 0;  ///< failed: timed out, thrown, turned away
    /// Some call was the one that filled half of the limit, or more of it. Otherwise the limit was not what held the
    /// calls back, and what they show is no reason to raise it.
    bool limited = false;

    friend bool operator==(const limit_sample&, const limit_sample&) = default;
};

/// Between what the limit may move; 1 <= min <= max.
struct limit_bounds {
    std::uint32_t min = 1;
    std::uint32_t max = 1;
};

enum class limit_phase : std::uint8_t {
    following,  ///< the limit in force is the one worked with
    draining,   ///< a probe has begun: the calls from before it come back
    measuring,  ///< the probe's second window, which tells
};

/// Where an algorithm stands.
struct limit_state {
    double limit = 1;           ///< fractions count: the limit in force is this rounded down, except in a probe
    double long_latency = 0;    ///< ns; what latency is held against. 0 where the algorithm has none
    std::uint32_t windows = 0;  ///< since the beginning, or the last probe
    bool probed = false;        ///< there was a probe before
    limit_phase phase = limit_phase::following;
    std::uint32_t probe_with = 0;  ///< the limit in a probe

    /// What is in force in the window that comes.
    std::uint32_t in_force() const noexcept {
        return phase == limit_phase::following ? static_cast<std::uint32_t>(limit) : probe_with;
    }

    friend bool operator==(const limit_state&, const limit_state&) = default;
};

/// next() answers the state after a window, with a limit in force that is within the bounds. validate(a) throws
/// std::invalid_argument that names a field.
template <class A>
concept limit_algorithm = std::copyable<A> && requires(const A& a, limit_state s, limit_sample w, limit_bounds b) {
    { a.next(s, w, b) } noexcept -> std::same_as<limit_state>;
    validate(a);
};

/// One more in a window in which all is well, a share less in one in which it is not. It knows good from bad by
/// `timeout` and by drops, and finds the greatest limit at which both stay away; so it needs a timeout that means
/// something.
struct aimd {
    double backoff = 0.9;  ///< what is left of the limit after a bad window; in (0, 1)
    /// A window whose mean latency is greater is a bad one.
    std::chrono::nanoseconds timeout = std::chrono::seconds(5);
    /// The share of dropped calls above which a window is bad; in [0, 1).
    double tolerated_drops = 0.01;

    limit_state next(const limit_state& from, const limit_sample& window, const limit_bounds& bounds) const noexcept;
};

/// Follows latency: long-term over short-term latency, with some tolerance, says what share of the limit the service
/// does without a queue; a few calls are added, or the limit could never grow.
///
///     gradient = max(1/2, min(1, tolerance * long / short))
///     limit   += smoothing * (limit * gradient + queue - limit)
///
/// With c calls served at a time without queueing it settles at about tolerance * c + queue, latency at tolerance times
/// that of an idle service and a little more.
struct gradient {
    double tolerance = 1.5;           ///< latency up to so many times the long-term one is good; at least 1
    double queue = 4;                 ///< calls that may queue however bad latency is: the limit stays above 2 * queue
    double smoothing = 0.2;           ///< how much of a step is taken; in (0, 1]
    std::uint32_t long_window = 600;  ///< windows in the long-term mean; at least 1
    double backoff = 0.9;             ///< what is left of the limit after a window of drops; in (0, 1)
    double tolerated_drops = 0.01;    ///< the share of dropped calls above which that is; in [0, 1)
    /// A service that is always busy shows a queue in the long-term latency too, which then permits a longer queue, and
    /// so on to `max`. So after this many windows, if the limit held calls back, there is a probe: for two windows
    /// probe_share of the limit is in force. In the first the calls from before come back; the latency in the second,
    /// good or bad, becomes the long-term one. The first probe comes after 10 windows at the latest. 0: never, as in
    /// Gradient2Limit.
    std::uint32_t probe_every = 100;
    double probe_share = 0.25;  ///< in (0, 1); less than 1 / tolerance, or probes would queue too

    limit_state next(const limit_state& from, const limit_sample& window, const limit_bounds& bounds) const noexcept;
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const aimd& settings);
void validate(const gradient& settings);

}  // namespace bulwark::inline BULWARK_ABI
