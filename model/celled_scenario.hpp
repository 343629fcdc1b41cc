// One situation of a breaker with cells, and what threads with and without a cell then do to it.
#pragma once

#include "search.hpp"

#include <bulwark/detail/layout.hpp>
#include <bulwark/detail/thread_slot.hpp>

#include <lin/breaker_spec.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bulwark::model {

enum class celled_act : std::uint8_t {
    admit,
    succeed,
    fail,
    ignore,
    look,
    wait,   ///< lets time pass
    tell,   ///< the others, in a word that is not the breaker's
    hear,   ///< of that, or skip the rest
    leave,  ///< gives the slot back, as a thread does that exits
    come,   ///< takes the lowest free slot, if any, as a new thread does
};

struct celled_step {
    celled_act what = celled_act::look;
    unsigned arg = 0;  ///< which call; or how many nanoseconds
};

/// All that a step shows to the one who takes it.
struct celled_answer {
    bool taken = false;                     ///< a thread that did not hear skips its steps
    lin::breaker_answer told;               ///< of the breaker
    std::optional<breaker_counts> weighed;  ///< what ready_to_trip was last asked about
};

/// One bit a tally, and a new window every few requests: each request of a cell looks whether one is due.
inline constexpr bulwark::detail::layout_widths tiny_widths{.requests = 1,
                                                            .successes = 1,
                                                            .failures = 1,
                                                            .ignored = 1,
                                                            .run = 1,
                                                            .epoch = 32,
                                                            .max_count = 8,
                                                            .cell_stride = 1,
                                                            .shared_cells = 1,
                                                            .shared_count = 2};

enum class celled_layout : std::uint8_t {
    shipped,
    tiny,
};

struct celled_scenario {
    std::string name;
    lin::breaker_rules rules;
    /// before | each thread, the next | after. In words: a0 admits and puts its permit in place 0; s0, f0 and i0 tell
    /// of that permit success, failure, and that it is ignored; l looks, +5 waits 5 ns, t tells, h hears, g gives the
    /// slot back, n takes a new one.
    std::string script;
    std::uint32_t cells = 2;
    /// The slots of the threads. What comes before and after is the work of the first.
    std::array<std::uint32_t, 3> slots{0, 1, 2};
    celled_layout layout = celled_layout::shipped;
    /// The policy where the rules cannot say it: then the oracle takes its verdict as given.
    std::function<bool(const breaker_counts&)> policy = nullptr;
};

/// before, the threads, after.
std::vector<std::vector<celled_step>> sequences(const celled_scenario& s);

struct celled_model {
    celled_scenario scenario;
    search_plan through;
};

std::vector<celled_model> celled_models();
/// The scenario of that name; with so many threads.
celled_scenario celled(const std::string& name, std::size_t threads = 2);

}  // namespace bulwark::model
