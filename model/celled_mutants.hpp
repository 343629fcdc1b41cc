// Breakers with cells that have a planted defect which no memory order shows: members of the shipped templates, written
// anew for the traits of each.
#pragma once

#include "celled_scenario.hpp"
#include "celled_traits.hpp"

#include <bulwark/detail/breaker_core.hpp>
#include <bulwark/detail/cells.hpp>

#include <algorithm>
#include <cstdint>

namespace bulwark::model {

/// A cell names the new window before its counts begin anew.
struct window_first : celled_traits<> {};
/// Requests are read before outcomes.
struct requests_first : celled_traits<> {};
/// A sum of cells is used again in another window; after another failure.
struct stubborn_window : celled_traits<tiny_widths> {};
struct stubborn_failures : celled_traits<> {};
/// An observer does not look whether the head is still the same.
struct unvalidated : celled_traits<> {};
/// Cells count whatever their window.
struct anywindow : celled_traits<> {};
/// A shared cell counts a success in its row first.
struct shared_row_first : celled_traits<> {};

}  // namespace bulwark::model

namespace bulwark::detail {

template <>
inline void cell<model::window_first>::enter(std::uint64_t next) noexcept {
    if (window() == next) return;
    window_.store(next, memory_order_release);
    requests_.store(0, memory_order_release);
    successes_.store(0, memory_order_release);
    row_.store(0, memory_order_release);
}

template <>
inline cell_counts cell_array<model::requests_first>::sum(std::uint64_t window,
                                                          std::uint32_t failures_so_far) const noexcept {
    cell_counts all;
    for_each_in_use([&](const auto& c) { c.add_requests(all, window); });
    for_each_in_use([&](const auto& c) { c.add_outcomes(all, window, failures_so_far); });
    return all;
}

template <>
inline breaker_counts breaker_core<model::model_clock, model::stubborn_window>::counts_at_failure(
    std::uint64_t head, std::uint64_t next, const record& r, beside_head& beside) const noexcept {
    const std::uint32_t before = M::failures(head, r);
    if (beside.window == 0 || beside.failures != before) beside = {r.window, before, cells_.sum(r.window, before)};
    breaker_counts all = M::counts(next, r, beside.sum);
    all.requests = std::max(all.requests, all.total_successes + all.total_failures + all.total_ignored);
    return all;
}

template <>
inline breaker_counts breaker_core<model::model_clock, model::stubborn_failures>::counts_at_failure(
    std::uint64_t head, std::uint64_t next, const record& r, beside_head& beside) const noexcept {
    if (beside.window != r.window) beside = {r.window, 0, cells_.sum(r.window, M::failures(head, r))};
    breaker_counts all = M::counts(next, r, beside.sum);
    all.requests = std::max(all.requests, all.total_successes + all.total_failures + all.total_ignored);
    return all;
}

template <>
inline breaker_snapshot breaker_core<model::model_clock, model::unvalidated>::observe() const noexcept {
    for (;;) {
        const std::uint64_t head = load_head();
        record r;
        if (!read(head, r)) continue;
        const instant now = read_clock_for(head);
        if (!cells_.in_use() || M::state_of(head) != breaker_state::closed) return M::observe(head, r, now, limits_);
        return M::observe(head, r, now, limits_, cells_.sum(r.window, M::failures(head, r)));
    }
}

template <>
inline void cell<model::anywindow>::add_outcomes(cell_counts& sum, std::uint64_t /*of_window*/,
                                                 std::uint32_t failures_so_far) const noexcept {
    const std::uint64_t row = row_.load(memory_order_acquire);
    if (lane::tag(row) == failures_so_far) sum.row += lane::payload(row);
    sum.successes += successes_.load(memory_order_acquire);
}

template <>
inline bool shared_cell<model::shared_row_first>::count_success(std::uint64_t window,
                                                                std::uint32_t failures_so_far) noexcept {
    const auto always = [](std::uint64_t) { return true; };
    return raise(row_, window + failures_so_far, always) && raise(successes_, window, always);
}

}  // namespace bulwark::detail
