// What a call through a pipeline carries from layer to layer: until when it may take, who may stop it, and which
// attempt it is. The function at the end receives it where it asks for it, as its one argument.
//
// A layer hands on a copy that it has changed; the deadline can only come nearer. Copying one whose stop token has no
// source behind it touches no shared memory.
#pragma once

#include <bulwark/deadline.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

template <class Clock>
class basic_call_context {
public:
    using clock = Clock;
    using deadline_type = basic_deadline<Clock>;

    basic_call_context() = default;
    explicit basic_call_context(deadline_type end, std::stop_token stop = {}) noexcept
        : deadline_(end), stop_(std::move(stop)) {}

    /// By when the call must have its answer.
    deadline_type deadline() const noexcept { return deadline_; }
    /// Asked to stop: by the caller, or by a layer that wants no answer any more.
    const std::stop_token& stop_token() const noexcept { return stop_; }
    /// 1 for the first; a retry or a hedge raises it.
    std::uint32_t attempt() const noexcept { return attempt_; }

    /// The answer would not be wanted any more.
    bool over() const { return stop_.stop_requested() || deadline_.expired(); }

    /// The same with that deadline, unless it has an earlier one.
    basic_call_context until(deadline_type end) const {
        basic_call_context inner = *this;
        inner.deadline_ = std::min(deadline_, end);
        return inner;
    }
    basic_call_context stopped_by(std::stop_token stop) const {
        basic_call_context inner = *this;
        inner.stop_ = std::move(stop);
        return inner;
    }
    basic_call_context as_attempt(std::uint32_t n) const {
        basic_call_context inner = *this;
        inner.attempt_ = n;
        return inner;
    }

private:
    deadline_type deadline_;
    std::stop_token stop_;
    std::uint32_t attempt_ = 1;
};

using call_context = basic_call_context<std::chrono::steady_clock>;

}  // namespace bulwark::inline BULWARK_ABI
