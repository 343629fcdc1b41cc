// The sliding windows of a watched breaker under Relacy, as they ship, and with planted defects.
//
// That of calls: every outcome, and every look at it, has its place in one order, and says exactly what the window held
// there, while the breaker's generation moves on. That of time: an outcome is taken apart into what it does to the
// words, one step each (its slice begins; it is counted; it is counted as slow; it continues the row; it weighs), and
// these have one order, in which what a failure weighs is what the words held at an instant. (One for each failure: two
// that overlap may disagree on the order of others that overlap both, on machines where stores reach some sooner.)
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "catalogue.hpp"
#include "explore.hpp"
#include "linearize.hpp"
#include "traits.hpp"

#include <bulwark/detail/count_window.hpp>
#include <bulwark/detail/time_window.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bulwark::model {
namespace {

using bulwark::detail::instant;
using bulwark::detail::window_counts;

enum class act : std::uint8_t {
    succeed,
    fail,
    fail_slowly,
    look,
    move_on,  ///< the breaker, to its next generation
    tell,     ///< the others, in a word that is not the window's
    hear,     ///< of that, or go home
    // Of the window of time, what the first three are made of.
    begin_slice,
    count,
    count_slow,
    continue_row,
    weigh,
};

struct step {
    act what = act::look;
    std::uint64_t at = 0;  ///< the generation that the thread saw, or the slice in which it is
    act of = act::look;    ///< of which outcome it is a part

    auto operator<=>(const step&) const = default;
};

struct window_plan {
    std::uint32_t size = 2;  ///< calls, or slices
    std::vector<std::vector<step>> steps;
};

/// 0 where there is no answer.
std::uint64_t told_by(const std::optional<window_counts>& c) {
    if (!c) return 0;
    return 1 + (c->successes + c->failures * 8 + c->slow * 64 + c->row * 512 + (c->row_of_failures ? 4096 : 0)) * 2;
}

bool failed(act a) {
    return a != act::succeed;
}

class calls_in_sequence {
public:
    explicit calls_in_sequence(const window_plan& p) : size_(p.size) {}

    std::uint64_t operator()(const step& s) {
        switch (s.what) {
            case act::move_on: ++generation_, all_.clear(); return 0;
            case act::tell: told_ = true; return 0;
            case act::hear: return told_ ? 1 : 0;
            default: break;
        }
        if (s.at != generation_) return 0;
        if (s.what != act::look) all_.push_back(s.what);
        if (all_.size() > size_) all_.pop_front();
        window_counts c;
        for (const act a : all_) {
            ++(failed(a) ? c.failures : c.successes);
            if (a == act::fail_slowly) ++c.slow;
            c.row = c.row != 0 && c.row_of_failures == failed(a) ? c.row + 1 : 1;
            c.row_of_failures = failed(a);
        }
        return told_by(c);
    }

private:
    std::size_t size_;
    std::uint64_t generation_ = 1;
    std::deque<act> all_;
    bool told_ = false;
};

class slices_in_sequence {
public:
    explicit slices_in_sequence(const window_plan& p) : size_(p.size) {}

    std::uint64_t operator()(const step& s) {
        window_counts& slice = slices_[s.at];
        switch (s.what) {
            case act::begin_slice: last_ = std::max(last_, s.at); return 0;
            case act::count: ++(failed(s.of) ? slice.failures : slice.successes); return 0;
            case act::count_slow: ++slice.slow; return 0;
            case act::look: return 0;  // what another failure weighs
            case act::continue_row:
                row_ = row_of_failures_ == failed(s.of) ? row_ + 1 : 1;
                row_of_failures_ = failed(s.of);
                return row_ * 2 + (row_of_failures_ ? 1 : 0);
            default: break;
        }
        window_counts c;
        for (const auto& [at, held] : slices_) {
            if (at + size_ <= last_ || at > last_) continue;
            c.successes += held.successes;
            c.failures += held.failures;
            c.slow += held.slow;
        }
        return told_by(c);
    }

private:
    std::uint64_t size_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, window_counts> slices_;
    std::uint32_t row_ = 0;
    bool row_of_failures_ = false;
};

const window_plan* current_window_plan = nullptr;
using history = std::pair<std::vector<std::vector<step>>, std::vector<std::vector<std::uint64_t>>>;
std::map<history, bool>* judged = nullptr;

/// What the threads did, and were told.
struct notes {
    static inline std::vector<std::vector<step>> taken;
    static inline std::vector<std::vector<std::uint64_t>> told;

    static void begin(std::size_t sequences) {
        const outside_relacy memory;
        taken.assign(sequences, {});
        told.assign(sequences, {});
        for (auto& sequence : taken) sequence.reserve(16);
        for (auto& sequence : told) sequence.reserve(16);
    }
    static void add(std::size_t sequence, const step& s, std::uint64_t answer) {
        const outside_relacy memory;
        taken[sequence].push_back(s);
        told[sequence].push_back(answer);
    }
    template <class Spec>
    static bool explained() {
        const outside_relacy memory;
        const auto [at, fresh] = judged->try_emplace(history(taken, told));
        if (fresh) at->second = fits<Spec>(at->first);
        return at->second;
    }
    /// Each weighing by itself, the others left out.
    template <class Spec>
    static bool each_explained() {
        const outside_relacy memory;
        const auto [at, fresh] = judged->try_emplace(history(taken, told));
        if (!fresh) return at->second;
        bool all = true;
        for (std::size_t who = 0; who != taken.size(); ++who) {
            for (std::size_t i = 0; i != taken[who].size(); ++i) {
                if (taken[who][i].what != act::weigh) continue;
                history h(taken, told);
                for (std::size_t other = 0; other != taken.size(); ++other) {
                    for (std::size_t j = 0; j != taken[other].size(); ++j) {
                        if (h.first[other][j].what != act::weigh || (other == who && j == i)) continue;
                        h.first[other][j].what = act::look;
                        h.second[other][j] = 0;
                    }
                }
                all = all && fits<Spec>(h);
            }
        }
        return at->second = all;
    }

private:
    template <class Spec>
    static bool fits(const history& h) {
        return linearizer<Spec, window_plan, step, std::uint64_t>(*current_window_plan, h.first, h.second).explained();
    }
};

template <unsigned Threads>
struct calls_suite : rl::test_suite<calls_suite<Threads>, static_cast<rl::thread_id_t>(Threads)> {
    static inline stage<bulwark::detail::count_window<traits<>>> window;
    static inline stage<atomic<std::uint64_t>> breaker;
    static inline stage<atomic<std::uint32_t>> told_of;

    void before() {
        notes::begin(Threads + 2);
        census<std::uint64_t>::on_load = nullptr;  // a breaker model that gave up has left its own
        window.raise(current_window_plan->size);
        breaker.raise(std::uint64_t{1});
        told_of.raise();
    }
    void thread(unsigned index) {
        for (const step& s : current_window_plan->steps[index]) {
            if (!take(index + 1, s.what)) return;
        }
    }
    void after() {
        take(Threads + 1, act::look);
        window.strike();
        breaker.strike();
        told_of.strike();
        if (!notes::explained<calls_in_sequence>()) give_up("no sequential order explains it");
    }

private:
    static bool take(std::size_t sequence, act what) {
        step s{.what = what};
        std::uint64_t answer = 0;
        switch (what) {
            case act::move_on: breaker->fetch_add(1, boost::memory_order_release); break;
            case act::tell: told_of->store(1, boost::memory_order_release); break;
            case act::hear:
                answer = told_of->load(boost::memory_order_acquire);
                if (answer == 0) return false;
                break;
            case act::look:
                s.at = breaker->load(boost::memory_order_acquire);
                answer = told_by(window->observe(s.at));
                // As the breaker's observers do: what is of a generation that is over is not told.
                if (breaker->load(boost::memory_order_acquire) != s.at) return true;
                break;
            default:
                s.at = breaker->load(boost::memory_order_acquire);
                answer = told_by(window->add(s.at, failed(what), what == act::fail_slowly,
                                             [&] { return breaker->load(boost::memory_order_acquire) == s.at; }));
                break;
        }
        notes::add(sequence, s, answer);
        return true;
    }
};

template <unsigned Threads>
struct slices_suite : rl::test_suite<slices_suite<Threads>, static_cast<rl::thread_id_t>(Threads)> {
    static constexpr instant origin = std::uint64_t{1} << 63;

    static inline stage<bulwark::detail::time_window<traits<>>> window;
    // Plain: models switch threads at atomic operations only.
    static inline std::uint32_t failures = 0;  ///< in the last slice that anybody comes to
    static inline std::uint32_t most_weighed = 0;
    static inline std::uint64_t last = 0;
    static inline bool slices_leave = false;

    void before() {
        notes::begin(Threads + 2);
        census<std::uint64_t>::on_load = nullptr;
        failures = most_weighed = 0;
        last = 0;
        for (const auto& sequence : current_window_plan->steps) {
            for (const step& s : sequence) last = std::max(last, s.at);
        }
        slices_leave = last >= current_window_plan->size;
        window.raise(10 * current_window_plan->size, current_window_plan->size, origin);
    }
    void thread(unsigned index) {
        for (const step& s : current_window_plan->steps[index]) add(index + 1, s);
    }
    void after() {
        const window_counts rest = window->observe(1, origin, origin + 10 * last).value_or(window_counts{});
        window.strike();
        if (rest.failures != failures) give_up("an outcome was lost, or counted twice");
        if (failures != 0 && most_weighed != failures) give_up("no failure weighed them all: a trip would be late");
        if (!slices_leave && !notes::each_explained<slices_in_sequence>()) give_up("no sequential order explains it");
    }

private:
    static bool in_the_end(std::uint64_t slice) { return slice + current_window_plan->size > last; }

    static void add(std::size_t sequence, const step& s) {
        const bool slow = s.what == act::fail_slowly;
        const instant now = origin + 10 * s.at + 5;
        const std::optional<window_counts> c = window->add(1, origin, now, failed(s.what), slow);
        if (failed(s.what) && in_the_end(s.at)) {
            ++failures;
            if (c) most_weighed = std::max(most_weighed, c->failures);
        }
        if (slices_leave) return;
        if (!c) give_up("left out, though its slice is there");
        const auto part = [&](act what, std::uint64_t answer) {
            notes::add(sequence, {.what = what, .at = s.at, .of = s.what}, answer);
        };
        part(act::begin_slice, 0);
        part(act::count, 0);
        if (slow) part(act::count_slow, 0);
        part(act::continue_row, std::uint64_t{c->row} * 2 + (c->row_of_failures ? 1 : 0));
        if (!failed(s.what)) return;
        window_counts weighed = *c;
        weighed.row = 0;
        weighed.row_of_failures = false;
        part(act::weigh, told_by(weighed));
    }
};

template <template <unsigned> class Suite>
search_result search(const window_plan& window, const search_plan& plan, bool with_trace) {
    std::map<history, bool> judgements;
    current_window_plan = &window;
    judged = &judgements;
    return window.steps.size() == 2 ? explore<Suite<2>>(plan, with_trace) : explore<Suite<3>>(plan, with_trace);
}

template <template <unsigned> class Suite>
entry made(const std::string& name, const window_plan& window, const search_plan& plan) {
    return {.name = name,
            .threads = static_cast<unsigned>(window.steps.size()),
            .plan = plan,
            .planted = {},
            .must_fail = false,
            .search = [window](const search_plan& p, bool with_trace) { return search<Suite>(window, p, with_trace); }};
}

template <template <unsigned> class Suite>
entry mutant(const std::string& what, const window_plan& window, const sabotage& planted,
             const search_plan& plan = bounded(2, 1)) {
    entry e = made<Suite>("mutant: " + what, window, plan);
    e.planted = planted;
    e.must_fail = true;
    return e;
}

}  // namespace

void add_window_models(std::vector<entry>& all) {
    using enum act;
    const step ok{.what = succeed};
    const step bad{.what = fail};
    const step slow{.what = fail_slowly};
    const step seen{.what = look};
    const step next{.what = move_on};
    const step say{.what = tell};
    const step listen{.what = hear};
    const auto add = [&]<template <unsigned> class Suite>(const char* name, const window_plan& p,
                                                          const search_plan& plan) {
        all.push_back(made<Suite>(name, p, plan));
        all.push_back(made<Suite>(name, p, at_random(50'000)));
    };

    const window_plan two{.size = 2, .steps = {{bad, ok, seen}, {bad, slow}}};
    const window_plan one{.size = 1, .steps = {{bad, ok}, {slow, seen}}};
    const window_plan three{.size = 2, .steps = {{bad}, {ok}, {slow, seen}}};
    const window_plan moved{.size = 2, .steps = {{bad, next, bad, seen}, {slow, ok}}};
    const window_plan heard{.size = 2, .steps = {{bad, next, say}, {bad, bad}, {listen, ok, seen}}};
    add.operator()<calls_suite>("window of calls, two", two, bounded(4, 1));
    add.operator()<calls_suite>("window of calls, one", one, bounded(4, 1));
    add.operator()<calls_suite>("window of calls, two", three, bounded(3, 1));
    add.operator()<calls_suite>("window of calls, generations", moved, bounded(4, 1));
    add.operator()<calls_suite>("window of calls, generations", heard, bounded(3, 1));
    const auto spoilt_calls = [&](const char* what, const window_plan& p, const sabotage& planted,
                                  const search_plan& plan = bounded(2, 1)) {
        all.push_back(mutant<calls_suite>(what, p, planted, plan));
    };
    spoilt_calls("entry of a call announced as load and store", two, {fault::torn, "announce"});
    spoilt_calls("head of the calls moved as load and store", two, {fault::torn, "follow"});
    spoilt_calls("entry of a call announced without release", moved, {fault::no_release, "announce"});
    spoilt_calls("entry of a call read without acquire", moved, {fault::no_acquire, "entry_at"});

    const auto in = [](std::uint64_t slice, act what) { return step{.what = what, .at = slice}; };
    const window_plan slices{.size = 2, .steps = {{in(0, fail), in(1, fail)}, {in(0, fail_slowly), in(1, succeed)}}};
    const window_plan threshold{.size = 2, .steps = {{in(0, fail)}, {in(1, fail)}, {in(1, succeed)}}};
    const window_plan mixed{.size = 1, .steps = {{in(0, succeed), in(0, fail)}, {in(0, fail), in(0, succeed)}}};
    const window_plan leaving{.size = 1, .steps = {{in(0, fail), in(1, fail)}, {in(0, fail), in(1, fail)}}};
    const window_plan leaving3{.size = 2, .steps = {{in(0, fail), in(2, fail)}, {in(1, fail)}, {in(2, fail_slowly)}}};
    add.operator()<slices_suite>("window of time, two slices", slices, bounded(2, 2));
    add.operator()<slices_suite>("window of time, two slices", threshold, bounded(2, 1));
    add.operator()<slices_suite>("window of time, one slice", mixed, bounded(3, 1));
    add.operator()<slices_suite>("window of time, a slice leaves", leaving, bounded(2, 2));
    add.operator()<slices_suite>("window of time, a slice leaves", leaving3, bounded(2, 0));
    const auto spoilt_slices = [&](const char* what, const window_plan& p, const sabotage& planted,
                                   const search_plan& plan = bounded(2, 1)) {
        all.push_back(mutant<slices_suite>(what, p, planted, plan));
    };
    spoilt_slices("outcome counted as load and store", mixed, {fault::torn, "raise"});
    spoilt_slices("slice emptied as load and store", leaving, {fault::torn, "empty"});
    spoilt_slices("row continued as load and store", mixed, {fault::torn, "continue_row"});
    spoilt_slices("row continued without acquire", threshold, {fault::no_acquire, "continue_row"});
    spoilt_slices("row continued without release", threshold, {fault::no_release, "continue_row"});
    spoilt_slices("outcome counted and row continued relaxed", threshold,
                  {.kind = fault::relaxed, .function = "raise", .other_function = "continue_row"});
    spoilt_slices("slice begun relaxed", threshold, {fault::relaxed, "come_to"});
}

}  // namespace bulwark::model
