// Waiting lines that have a planted defect which no memory order shows: members of the shipped templates, written anew
// for the traits of each.
#pragma once

#include "waiting_traits.hpp"

#include <bulwark/detail/callback_waiter.hpp>
#include <bulwark/detail/parker.hpp>
#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/detail/waiting_line.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>
#include <utility>

namespace bulwark::model {

// Parkers, told apart by their system.
struct silent_finish : futex {};
struct silent_change : futex {};
struct wakes_too_early : futex {};
struct looks_back : futex {};
struct sleeps_through : futex {};
/// Who tells, or asks to leave, does not wake.
struct silent_telling : waiting_traits {
    using parker = parker_over<silent_finish>;
};
struct silent_stop : waiting_traits {
    using parker = parker_over<silent_change>;
};
/// Who tells wakes first.
struct woken_before : waiting_traits {
    using parker = parker_over<wakes_too_early>;
};
/// Who tells touches the parker afterwards.
struct late_address : waiting_traits {
    using parker = parker_over<looks_back>;
};
/// Who sleeps does so whatever the word is by then.
struct blind_sleeper : waiting_traits {
    using parker = parker_over<sleeps_through>;
};
/// A stripe is emptied and not marked closed.
struct unmarked : waiting_traits {};
/// Handing over does not collect first.
struct uncollected : waiting_traits {};
/// Who leaves goes without handing over to those behind.
struct selfish_leaver : waiting_traits {};
/// Who is late goes, though it has been granted its permits.
struct deaf_leaver : waiting_traits {};
/// The next to be told is looked up after the telling.
struct late_next : waiting_traits {};
/// Waiters are told with the lock held.
struct calls_with_the_lock : waiting_traits {};
/// Nobody calls.
struct uncalled : waiting_traits {};
/// Who asks a waiter to leave that has its word is told that it has left.
struct greedy_quitter : waiting_traits {};
/// A waiter can still be asked to leave when it is no more.
struct clinging : waiting_traits {};
/// Last come, first served.
struct last_first : waiting_traits {};
/// Who fits goes before who does not.
struct fitting_first : waiting_traits {};
/// One more may wait than may.
struct one_more : waiting_traits {};
/// Who asks for more than is left stays in line.
struct patient : waiting_traits {};
/// A greater capacity is not handed over.
struct grown_in_silence : waiting_traits {};
/// A shrink below what is in use leaves no debt.
struct debtless : waiting_traits {};
/// A debt is waited for, but the line is not in charge.
struct unled : waiting_traits {};
/// The line goes though a visit is due.
struct early_end : waiting_traits {};
/// A visitor hands over whoever is in charge.
struct bold_visitor : waiting_traits {};
/// A visitor stays away when nobody waits.
struct shy_visitor : waiting_traits {};
/// An opening is not counted as a put.
struct unseen_opening : waiting_traits {};
/// The second reading of the stripes does not look whether one is closed.
struct unseen_closing : waiting_traits {};

}  // namespace bulwark::model

namespace bulwark::detail {

template <>
inline void basic_futex_parker<model::parker_word, model::silent_finish>::finish(std::uint32_t last) noexcept {
    word_.store(last, memory_order_release);
}

template <>
inline bool basic_futex_parker<model::parker_word, model::silent_change>::change(std::uint32_t from,
                                                                                 std::uint32_t to) noexcept {
    return word_.compare_exchange_strong(from, to, memory_order_release);
}

template <>
inline void basic_futex_parker<model::parker_word, model::wakes_too_early>::finish(std::uint32_t last) noexcept {
    model::futex::wake(word_.address());
    word_.store(last, memory_order_release);
}

template <>
inline void basic_futex_parker<model::parker_word, model::looks_back>::finish(std::uint32_t last) noexcept {
    word_.store(last, memory_order_release);
    rl::ctx().sched();
    model::futex::wake(word_.address());
}

template <>
inline std::uint32_t basic_futex_parker<model::parker_word, model::sleeps_through>::wait_until(
    std::uint32_t old, std::chrono::steady_clock::time_point until) noexcept {
    for (;;) {
        const std::uint32_t seen = word_.load(memory_order_acquire);
        if (seen != old) return seen;
        model::futex::sleep(word_, word_.newest(), until);
    }
}

template <>
inline bool permit_counter<model::unmarked, striped_word>::shut(word& stripe, std::uint64_t n,
                                                                std::uint64_t& found) noexcept {
    for (;;) {
        std::uint64_t seen = read(stripe);
        const std::uint64_t free = striped_word::free(seen);
        const bool closes = free < n;
        if (stripe.compare_exchange_weak(seen, closes ? seen - free : seen - n, memory_order_acq_rel)) {
            if (closes) found += free;
            return closes;
        }
    }
}

template <>
inline void waiting_line<model::uncollected>::collect() noexcept {}

template <>
inline bool waiting_line<model::selfish_leaver>::leave(waiter& w) {
    const std::lock_guard lock(mutex_);
    if (!w.in_line) return false;
    unlink(w);
    if (first_ == nullptr) hand_over();
    return true;
}

template <>
inline bool waiting_line<model::deaf_leaver>::leave(waiter& w) {
    waiter* told = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (!w.in_line) return true;
        unlink(w);
        told = hand_over();
    }
    tell(told);
    return true;
}

template <>
inline void waiting_line<model::late_next>::tell(waiter* told) noexcept {
    for (; told != nullptr; told = told->next) {
        if (told->call != nullptr) {
            told->call(*told);
        } else {
            told->parker.finish(static_cast<std::uint32_t>(told->last));
        }
    }
}

template <>
inline void waiting_line<model::calls_with_the_lock>::hand_over_after(std::uint64_t n) noexcept {
    const std::lock_guard lock(mutex_);
    visits_due_ -= n;
    if (in_charge()) tell(hand_over());
}

template <>
inline void waiting_line<model::uncalled>::tell(waiter* told) noexcept {
    while (told != nullptr) {
        waiter& w = *told;
        told = w.next;
        w.parker.finish(static_cast<std::uint32_t>(w.last));
    }
}

template <>
inline auto departure<model::greedy_quitter, striped_word>::leave(turn why) -> waiter* {
    detail::waiter<model::greedy_quitter>* others = nullptr;
    waiter* self = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (waiter_ == nullptr) return nullptr;
        waiter_->line_->step_out(*waiter_, others);
        self = std::exchange(waiter_, nullptr);
    }
    self->outcome_ = why;
    waiter::line_type::tell(others);
    return self;
}

template <>
inline void departure<model::clinging, striped_word>::let_go() {}

template <>
inline void waiting_line<model::last_first>::push(waiter& w) noexcept {
    w.in_line = true;
    w.next = first_;
    (first_ == nullptr ? last_ : first_->previous) = &w;
    first_ = &w;
    ++in_line_;
}

template <>
inline auto waiting_line<model::fitting_first>::hand_over(waiter* told) noexcept -> waiter* {
    collect();
    for (waiter* at = first_; at != nullptr;) {
        waiter& w = *std::exchange(at, at->next);
        if (pot_ < static_cast<std::int64_t>(w.weight)) continue;
        pot_ -= static_cast<std::int64_t>(w.weight);
        unlink(w);
        w.last = word_to_waiter::admitted;
        w.next = std::exchange(told, &w);
    }
    if (first_ == nullptr && pot_ >= 0) open();
    return told;
}

template <>
inline turn waiting_line<model::one_more>::join(waiter& w) {
    const std::lock_guard lock(mutex_);
    if (w.weight > capacity_now()) return turn::over_capacity;
    if (!in_charge()) {
        if (!close_without(w.weight)) return turn::admitted;
        charge(1);
    }
    if (in_line_ > max_waiting_) return turn::queue_full;
    push(w);
    set_waiting(in_line_);
    return turn::waits;
}

template <>
inline auto waiting_line<model::patient>::turn_away() noexcept -> waiter* {
    return nullptr;
}

template <>
inline auto waiting_line<model::grown_in_silence>::grow(std::uint64_t by) noexcept -> waiter* {
    if (in_charge()) {
        pot_ += static_cast<std::int64_t>(by);
    } else {
        permits_.grow(by);
    }
    return nullptr;
}

template <>
inline auto waiting_line<model::debtless>::shrink(std::uint64_t by) noexcept -> waiter* {
    if (in_charge()) return hand_over(turn_away());
    if (close_without(by)) open();
    return nullptr;
}

template <>
inline auto waiting_line<model::unled>::shrink(std::uint64_t by) noexcept -> waiter* {
    if (in_charge()) {
        pot_ -= static_cast<std::int64_t>(by);
        return hand_over(turn_away());
    }
    if (close_without(by)) pot_ -= static_cast<std::int64_t>(by);
    return nullptr;
}

template <>
inline waiting_line<model::early_end>::~waiting_line() = default;

template <>
inline void waiting_line<model::bold_visitor>::hand_over_after(std::uint64_t n) noexcept {
    waiter* told = nullptr;
    {
        const std::lock_guard lock(mutex_);
        visits_due_ -= n;
        told = hand_over();
    }
    tell(told);
}

template <>
inline void waiting_line<model::shy_visitor>::hand_over_after(std::uint64_t n) noexcept {
    waiter* told = nullptr;
    {
        const std::lock_guard lock(mutex_);
        visits_due_ -= n;
        if (first_ != nullptr) told = hand_over();
    }
    tell(told);
}

template <>
inline std::uint64_t permit_counter<model::unseen_opening, striped_word>::open(std::uint64_t permits) noexcept {
    std::uint64_t found = 0;
    for (std::uint32_t i = 0; i <= mask_; ++i) {
        found += striped_word::free(at(i).fetch_add(share(permits, i) - striped_word::closed, memory_order_acq_rel));
    }
    return found;
}

template <>
inline bool permit_counter<model::unseen_closing, striped_word>::still_empty(std::uint64_t puts) const noexcept {
    stripes_read again;
    for (std::uint32_t i = 0; i <= mask_; ++i) again.add<striped_word>(read(at(i)));
    return again.puts == puts;
}

}  // namespace bulwark::detail
