// The bulkhead as a sequential machine, written from the contract: calls, answers, and what one thread alone would
// find.
//
// A call that waits is no single step: others are admitted, refused and sent away while it stands in the queue. It is
// taken apart into two: it *joins*, and then it *ends*, by being found admitted or sent away, or by leaving. In between
// the machine knows its place in the queue, so first come, first served is part of what is checked: of any order in
// which those who overlapped may have joined. When a time ends and who is stopped is not part of it: to leave is always
// right, as long as the call has not been admitted.
#pragma once

#include "checker.hpp"

#include <bulwark/errc.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ostream>
#include <vector>

namespace bulwark::lin {

enum class bulkhead_verb : std::uint8_t {
    acquire,  ///< try_acquire
    release,
    in_use,
    available,
    resize,
    wait,  ///< acquire, with or without limits
    stop,  ///< asks the next thread's waiting call to stop
    join,  ///< the parts of wait
    end,
};

struct bulkhead_call {
    bulkhead_verb verb = bulkhead_verb::in_use;
    std::uint32_t weight = 1;  ///< permits to take or to give back, or the new capacity
    std::uint32_t caller = 0;  ///< of a part: the thread, below bulkhead_spec::callers
    bool leaves = false;       ///< of an end: it timed out or was stopped, which comes before finding the queue full
};

/// Only what the verb is answered with is set.
struct bulkhead_answer {
    bool admitted = false;     ///< acquire, wait
    errc why{};                ///< where not admitted; of an end by leaving, timed_out
    std::uint32_t figure = 0;  ///< in_use, available

    bool operator==(const bulkhead_answer&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const bulkhead_call& call) {
    constexpr const char* names[] = {"acquire", "release", "in_use", "available", "resize",
                                     "wait",    "stop",    "join",   "end"};
    out << names[static_cast<std::size_t>(call.verb)];
    const bool counts = call.verb == bulkhead_verb::acquire || call.verb == bulkhead_verb::release ||
                        call.verb == bulkhead_verb::resize || call.verb == bulkhead_verb::wait;
    return counts ? out << ' ' << call.weight : out;
}

inline void print_answer(std::ostream& out, const bulkhead_call& call, const bulkhead_answer& answer) {
    switch (call.verb) {
        case bulkhead_verb::acquire:
        case bulkhead_verb::wait: out << (answer.admitted ? "admitted" : make_error_code(answer.why).message()); break;
        case bulkhead_verb::in_use:
        case bulkhead_verb::available: out << answer.figure; break;
        default: out << "done"; break;
    }
}

class bulkhead_spec {
public:
    using call = bulkhead_call;
    using answer = bulkhead_answer;

    /// So many threads may wait.
    static constexpr std::size_t callers = 4;

    explicit bulkhead_spec(std::uint32_t capacity,
                           std::uint32_t max_waiting = std::numeric_limits<std::uint32_t>::max())
        : capacity_(capacity), max_waiting_(max_waiting) {}

    answer apply(const call& c) {
        switch (c.verb) {
            case bulkhead_verb::acquire: return acquire(c.weight);
            case bulkhead_verb::release: in_use_ -= c.weight; break;
            case bulkhead_verb::resize:
                capacity_ = c.weight;
                turn_away();
                break;
            case bulkhead_verb::in_use: return {.figure = in_use_};
            case bulkhead_verb::available: return {.figure = capacity_ - std::min(in_use_, capacity_)};
            case bulkhead_verb::join: join(c); return {};
            case bulkhead_verb::end: return end(c);
            case bulkhead_verb::wait:  // alone: nothing can happen in between
                join(c);
                return end(c);
            case bulkhead_verb::stop: return {};
        }
        admit_waiters();
        return {};
    }

    bool operator==(const bulkhead_spec&) const = default;
    std::size_t hash() const {
        std::size_t all = in_use_ + std::size_t{capacity_} * 31;
        for (std::size_t i = 0; i != waiting_; ++i) all = all * 31 + queue_[i] + 1;
        for (const visit& v : visits_) all = all * 31 + static_cast<std::size_t>(v.is) * 8 + v.weight;
        return all;
    }

private:
    enum class standing : std::uint8_t { away, waits, admitted, queue_full, over_capacity };

    struct visit {
        standing is = standing::away;
        std::uint32_t weight = 0;
        bool operator==(const visit&) const = default;
    };

    bool fits(std::uint32_t n) const { return in_use_ <= capacity_ && n <= capacity_ - in_use_; }
    bool admits(std::uint32_t n) const { return n == 0 || (waiting_ == 0 && fits(n)); }

    answer acquire(std::uint32_t n) {
        if (n > capacity_) return {.why = errc::over_capacity};
        if (!admits(n)) return {.why = errc::bulkhead_full};
        in_use_ += n;
        return {.admitted = true};
    }

    void join(const call& c) {
        visit& v = visits_[c.caller];
        v.weight = c.weight;
        if (admits(c.weight)) {
            in_use_ += c.weight;
            v.is = standing::admitted;
        } else if (c.weight > capacity_) {
            v.is = standing::over_capacity;
        } else if (waiting_ >= max_waiting_) {
            v.is = standing::queue_full;
        } else {
            v.is = standing::waits;
            queue_[waiting_++] = c.caller;
        }
    }

    answer end(const call& c) {
        const standing was = visits_[c.caller].is;
        visits_[c.caller] = {};
        switch (was) {
            case standing::waits:
                take_out(c.caller);
                admit_waiters();
                return {.why = errc::timed_out};
            case standing::admitted: return {.admitted = true};
            case standing::queue_full: return {.why = c.leaves ? errc::timed_out : errc::queue_full};
            case standing::over_capacity: return {.why = errc::over_capacity};
            case standing::away: break;  // has not joined
        }
        return {};
    }

    void admit_waiters() {
        while (waiting_ != 0 && fits(visits_[queue_[0]].weight)) {
            visit& first = visits_[queue_[0]];
            in_use_ += first.weight;
            first.is = standing::admitted;
            take_out(queue_[0]);
        }
    }

    void turn_away() {
        for (std::size_t i = 0; i != callers; ++i) {
            if (visits_[i].is != standing::waits || visits_[i].weight <= capacity_) continue;
            visits_[i].is = standing::over_capacity;
            take_out(static_cast<std::uint32_t>(i));
        }
    }

    void take_out(std::uint32_t who) {
        const auto last = queue_.begin() + waiting_;
        *std::remove(queue_.begin(), last, who) = 0;
        --waiting_;
    }

    std::uint32_t capacity_;
    std::uint32_t max_waiting_;
    std::uint32_t in_use_ = 0;
    std::uint32_t waiting_ = 0;
    std::array<std::uint32_t, callers> queue_{};
    std::array<visit, callers> visits_{};
};

/// Each call that waits, in its two parts.
inline history<bulkhead_call, bulkhead_answer> taken_apart(const history<bulkhead_call, bulkhead_answer>& h) {
    history<bulkhead_call, bulkhead_answer> parts;
    parts.reserve(2 * h.size());
    for (const auto& o : h) {
        if (o.call.verb != bulkhead_verb::wait) {
            parts.push_back(o);
            continue;
        }
        auto part = o;
        part.call.caller = o.thread;
        part.call.verb = bulkhead_verb::join;
        part.answer = {};
        parts.push_back(part);
        part.call.verb = bulkhead_verb::end;
        part.answer = o.answer;
        part.call.leaves = o.answer.why == errc::timed_out || o.answer.why == errc::stopped;
        if (part.call.leaves) part.answer.why = errc::timed_out;
        parts.push_back(part);
    }
    return parts;
}

/// Throws as check() does, where the parts are more than 64.
inline verdict check(const history<bulkhead_call, bulkhead_answer>& h, const bulkhead_spec& initial) {
    const auto parts = taken_apart(h);
    verdict v = check<bulkhead_spec>(parts, initial);
    v.taken_apart = parts.size() != h.size();
    return v;
}

}  // namespace bulwark::lin
