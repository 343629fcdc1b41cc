// The situations of celled_scenario.hpp.
//
// Time moves before the threads only, as in breaker_scenarios.cpp: windows that begin in the middle are those of a
// breaker that trips, is tested and closes, or of one that has counted too far.
#include "celled_scenario.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace bulwark::model {
namespace {

using namespace std::chrono_literals;
using bulwark::detail::no_thread_slot;

constexpr auto never = std::chrono::nanoseconds::max();

/// Stays open. Trips where all of at least so many calls have failed, or half of them.
lin::breaker_rules all_of(std::uint32_t n) {
    return {.timeout = never, .trips = {.in_a_row = 0, .percent = 100, .at_least = n}};
}
lin::breaker_rules half_of(std::uint32_t n) {
    return {.timeout = never, .trips = {.in_a_row = 0, .percent = 50, .at_least = n}};
}
lin::breaker_rules in_a_row(std::uint32_t n) {
    return {.timeout = never, .trips = {.in_a_row = n, .percent = 0, .at_least = 0}};
}
/// The next call after a trip is a probe, and its success closes.
lin::breaker_rules tested_at_once(std::uint32_t n) {
    return {.trips = {.in_a_row = n, .percent = 0, .at_least = 0}};
}
lin::breaker_rules windows_of(std::chrono::nanoseconds interval, lin::breaker_rules rules) {
    rules.interval = interval;
    return rules;
}

}  // namespace

std::vector<celled_model> celled_models() {
    const std::array<std::uint32_t, 3> one_cell{0, no_thread_slot, no_thread_slot};
    const std::array<std::uint32_t, 3> shared_cell{no_thread_slot, no_thread_slot, no_thread_slot};
    return {
        {{"cells: a success against a trip", all_of(1), "a0 a1 | s0 l, f1 l | l a3"}, bounded(3, 1)},
        {{"cells: a success against a trip", half_of(2), "a0 a1 a2 | s0, s1 l, f2 | l"}, bounded(2, 1)},
        {{"cells: failures reach the threshold", half_of(2), "a0 a1 a2 | f0 s2 l, f1 l | l"}, bounded(3, 1)},
        {{"cells: failures reach the threshold", half_of(3), "a0 a1 a2 | s0, f1, f2 l | l"}, bounded(2, 1)},
        {{"cells: a success before one's own failure", all_of(2), "a0 a1 a2 | s0 f2, f1 l | l"}, bounded(3, 2)},
        {{"cells: a request before one's own failure", all_of(3), "| a0 f0, l l | l"}, bounded(3, 1)},
        {{"cells: a success in a new window", windows_of(10ns, half_of(2)), "a0 s0 a1 a2 +10 | s2 a3 s3, f1 l | l"},
         bounded(2, 1)},
        {{"cells: a success in a new window", windows_of(10ns, half_of(2)), "a0 s0 a1 a2 +10 | s2 a3, a4, f1 l | l"},
         bounded(1, 1)},
        {{"cells: a cell begins anew under a look", tested_at_once(1), "a0 s0 a1 s1 a2 | f2 a3 s3 a4 s4, l l | l"},
         bounded(3, 1)},
        {{"cells: a cell begins anew under a failure", tested_at_once(2),
          "a0 s0 a1 s1 a2 a5 f2 a2 | f2 a3 s3 a4 s4, f5 l | l"},
         bounded(3, 1)},
        {{"cells: a failure across a new window",
          in_a_row(9),
          "a0 s0 a1 s1 a5 | a2 a3 s3, f5 l | l",
          2,
          {0, 1, 2},
          celled_layout::tiny},
         bounded(3, 1)},
        {{"cells: a call changes hands", all_of(4), "| a0 t, h s0, l l | l"}, bounded(2, 1)},
        {{"cells: a call changes hands, and fails", all_of(4), "| a0 t, h f0, l l | l"}, bounded(2, 1)},
        {{"cells: a stale success", tested_at_once(1), "a0 a1 | f0 a2 s2, s1 l | l"}, bounded(3, 1)},
        {{"cells: the end of a row", in_a_row(3), "a0 a1 a2 a3 f0 | s1 s3 l, f2 l | l"}, bounded(3, 1)},
        {{"cells: a success told before the failure", half_of(2), "a0 a1 | s0 t, h f1 | l"}, bounded(3, 1)},
        {{"cells: a success told before the failure", half_of(3), "a0 a1 a2 | s0 t, h f1, s2 | l"}, bounded(2, 1)},
        {{"cells: one thread has none", half_of(3), "a0 a1 a2 | s0 a3 l, s1 f2 l | l", 1, one_cell}, bounded(3, 1)},
        {{"cells: two threads have none", half_of(3), "a0 a1 a2 | s0 a3, s1, f2 l | l", 1, one_cell}, bounded(2, 1)},
        {{"cells: a shared cell begins anew under a look",
          tested_at_once(1),
          "a0 s0 a1 s1 a2 | f2 a3 s3 a4 s4, l l | l",
          1,
          {no_thread_slot, 0, 0}},
         bounded(3, 1)},
        {{"cells: threads share a cell", tested_at_once(1), "a0 a1 s1 a2 | f2 a3 s3 a4 s4, s0 a5 s5 | l", 1,
          shared_cell},
         bounded(2, 1)},
        {{"cells: a shared cell is full", in_a_row(9), "a0 s0 a1 | s1 a2 s2, a3 s3 l | l", 1, shared_cell,
          celled_layout::tiny},
         bounded(3, 1)},
        {{"cells: a cell changes hands", half_of(9), "a0 | s0 a1 g, n a2 s2 l | l", 1, one_cell}, bounded(3, 1)},
        {{"cells: counted out", in_a_row(9), "a0 s0 a1 s1 | a2 s2 a3, a4 s4 l | l", 2, {0, 1, 2}, celled_layout::tiny},
         bounded(3, 1)},
        {{"cells: counted out", in_a_row(9), "a0 s0 a1 s1 | a2 s2, a4 s4, a5 f5 | l", 2, one_cell, celled_layout::tiny},
         bounded(2, 1)},
    };
}

celled_scenario celled(const std::string& name, std::size_t threads) {
    for (const celled_model& m : celled_models()) {
        if (m.scenario.name == "cells: " + name && sequences(m.scenario).size() == threads + 2) return m.scenario;
    }
    throw std::logic_error("no scenario is called " + name);
}

std::vector<std::vector<celled_step>> sequences(const celled_scenario& s) {
    static const std::string letters = "asfil+thgn";  // in the order of celled_act
    std::vector<std::vector<celled_step>> all(1);
    std::istringstream in(s.script);
    for (std::string word; in >> word;) {
        const bool last = word.back() == ',';
        if (last) word.pop_back();
        if (word != "|") {
            const auto what = static_cast<celled_act>(letters.find(word[0]));
            all.back().push_back({what, word.size() == 1 ? 0U : static_cast<unsigned>(std::stoul(word.substr(1)))});
        }
        if (last || word == "|") all.emplace_back();
    }
    return all;
}

}  // namespace bulwark::model
