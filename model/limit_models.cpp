// The adaptive limit under Relacy. First its gate alone: the bound, exact refusals, no leave and no change of the limit
// lost, and what one call hands over to the next. Then all of it, with windows that every call may end: every call is
// in the sums of one window, and who ends a window is alone with the algorithm and sees what the one before it did.
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "../checks/clock.hpp"
#include "catalogue.hpp"
#include "explore.hpp"
#include "linearize.hpp"
#include "traits.hpp"

#include <bulwark/adaptive_limit.hpp>
#include <bulwark/detail/limit_gate.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bulwark::model {
namespace {

enum class act : std::uint8_t {
    enter,
    leave,  ///< where one is inside
    set_to_one,
    set_to_two,
    tell,  ///< the others, in a word that is not the gate's
    hear,  ///< of that, or go home
};

struct gate_plan {
    std::uint32_t limit = 1;
    std::vector<std::vector<act>> steps;
};

/// The gate, in sequence.
class specification {
public:
    explicit specification(const gate_plan& p) : limit_(p.limit) {}

    std::uint64_t operator()(act what) {
        switch (what) {
            case act::enter: return inside_ < limit_ ? ++inside_, 1 : 0;
            case act::leave: --inside_; return 0;
            case act::set_to_one: limit_ = 1; return 0;
            case act::set_to_two: limit_ = 2; return 0;
            case act::tell: told_ = true; return 0;
            case act::hear: break;
        }
        return told_ ? 1 : 0;
    }

private:
    std::uint32_t limit_;
    std::uint32_t inside_ = 0;
    bool told_ = false;
};

const gate_plan* current_gate_plan = nullptr;
std::map<std::vector<std::vector<std::uint64_t>>, bool>* judged = nullptr;

template <unsigned Threads>
struct gate_suite : rl::test_suite<gate_suite<Threads>, static_cast<rl::thread_id_t>(Threads)> {
    static inline stage<bulwark::detail::limit_gate<traits<>>> gate;
    static inline stage<atomic<std::uint32_t>> told_of;
    /// What the only call inside works on, where the limit is 1 throughout: Relacy reports a race where there are two,
    /// or where the one before has not handed it over.
    static inline stage<rl::var<unsigned>> guarded;
    // Plain: models switch threads at atomic operations only.
    static inline std::uint32_t inside = 0;
    static inline std::uint32_t limit = 0;  ///< as thread 0 set it last
    static inline bool moves = false;       ///< the limit
    static inline std::vector<std::vector<act>> taken;
    static inline std::vector<std::vector<std::uint64_t>> told;

    void before() {
        {
            const outside_relacy memory;
            taken.assign(Threads + 2, {});
            told.assign(Threads + 2, {});
            for (auto& sequence : taken) sequence.reserve(8);
            for (auto& sequence : told) sequence.reserve(8);
        }
        inside = 0;
        limit = current_gate_plan->limit;
        moves = false;
        for (const act what : current_gate_plan->steps[0]) {
            moves = moves || what == act::set_to_one || what == act::set_to_two;
        }
        census<std::uint64_t>::on_load = nullptr;  // a breaker model that gave up has left its own
        gate.raise(limit);
        told_of.raise();
        guarded.raise();
        (*guarded)(RL_INFO) = 0U;
    }

    void thread(unsigned index) {
        unsigned held = 0;
        for (const act what : current_gate_plan->steps[index]) {
            std::uint64_t answer = 0;
            switch (what) {
                case act::enter: {
                    bulwark::detail::gate_view seen;
                    answer = gate->enter(seen) ? 1 : 0;
                    if (answer != 0) {
                        if (seen.inside >= seen.limit) give_up("admitted beyond the limit that it saw");
                        ++inside;
                        ++held;
                        if (!moves && limit == 1) (*guarded)(RL_INFO) = (*guarded)(RL_INFO) + 1U;
                    }
                    break;
                }
                case act::leave:
                    if (held == 0) continue;
                    --held;
                    --inside;
                    gate->leave();
                    break;
                case act::set_to_one: set(1); break;
                case act::set_to_two: set(2); break;
                case act::tell: told_of->store(1, boost::memory_order_release); break;
                case act::hear:
                    answer = told_of->load(boost::memory_order_acquire);
                    if (answer == 0) return;
                    break;
            }
            const outside_relacy memory;
            taken[index + 1].push_back(what);
            told[index + 1].push_back(answer);
        }
    }

    void after() {
        const bulwark::detail::gate_view end = gate->look();
        gate.strike();
        told_of.strike();
        guarded.strike();
        if (end.inside != inside) give_up("a leave was lost, or an enter");
        if (end.limit != limit) give_up("a change of the limit was lost");
        if (!explained()) give_up("no sequential order explains it");
    }

private:
    static void set(std::uint32_t to) { gate->set_limit(std::exchange(limit, to), to); }

    static bool explained() {
        const outside_relacy memory;
        const auto [at, fresh] = judged->try_emplace(told);
        if (fresh) {
            at->second =
                linearizer<specification, gate_plan, act, std::uint64_t>(*current_gate_plan, taken, told).explained();
        }
        return at->second;
    }
};

search_result search_gate(const gate_plan& threads, const search_plan& plan, bool with_trace) {
    std::map<std::vector<std::vector<std::uint64_t>>, bool> judgements;
    current_gate_plan = &threads;
    judged = &judgements;
    return threads.steps.size() == 2 ? explore<gate_suite<2>>(plan, with_trace)
                                     : explore<gate_suite<3>>(plan, with_trace);
}

// ------------------------------------------------------------------------------------------------------- all of the
// limit

/// Every reading is later: by a unit of the sums, and longer than a window.
struct hurrying_clock : checks::nanosecond_clock<hurrying_clock> {
    static time_point now() noexcept { return time_point(duration(ticks += 64)); }
    static inline rep ticks = 0;
};

/// What the algorithm was shown, and the limit up and down in turn. It has memory of its own, which only the thread
/// that ends a window may touch: Relacy reports a race where two do, or where one has not handed it over.
struct watched {
    static inline stage<rl::var<std::uint32_t>> memory;
    static inline std::uint32_t shown = 0;
    static inline std::uint32_t windows = 0;

    limit_state next(const limit_state& from, const limit_sample& window, const limit_bounds&) const noexcept {
        (*memory)(RL_INFO) = (*memory)(RL_INFO) + window.succeeded + window.dropped;
        shown += window.succeeded + window.dropped;
        ++windows;
        limit_state state = from;
        state.limit = from.limit > 1 ? 1 : 2;
        return state;
    }
    friend void validate(const watched&) {}
};

struct calls_plan {
    std::uint32_t limit = 2;
    std::uint32_t min_samples = 1;
    std::vector<unsigned> calls;  ///< by thread
};

const calls_plan* current_calls_plan = nullptr;

template <unsigned Threads>
struct limit_suite : rl::test_suite<limit_suite<Threads>, static_cast<rl::thread_id_t>(Threads)> {
    using limit_type = basic_adaptive_limit<watched, hurrying_clock, traits<>>;

    static inline stage<limit_type> limit;
    static inline std::uint32_t told = 0;

    void before() {
        told = 0;
        watched::shown = 0;
        watched::windows = 0;
        hurrying_clock::ticks = 0;
        census<std::uint64_t>::on_load = nullptr;  // a breaker model that gave up has left its own
        watched::memory.raise();
        (*watched::memory)(RL_INFO) = 0U;
        limit.raise(adaptive_limit_config<watched>{.initial = current_calls_plan->limit,
                                                   .max = 2,
                                                   .window = std::chrono::nanoseconds(1),
                                                   .longest_window = std::chrono::nanoseconds(1),
                                                   .min_samples = current_calls_plan->min_samples});
    }

    void thread(unsigned index) {
        for (unsigned i = 0; i != current_calls_plan->calls[index]; ++i) {
            auto permit = limit->try_acquire();
            if (!permit) continue;
            ++told;
            if (i == 0) {
                permit->success();
            } else {
                permit->failure();
            }
        }
    }

    void after() {
        const adaptive_limit_snapshot seen = limit->snapshot();
        const std::uint32_t expected =
            watched::windows % 2 == 0 ? current_calls_plan->limit : 3 - current_calls_plan->limit;
        // What is left in the window comes out with calls enough to end it.
        for (std::uint32_t i = 0; i != current_calls_plan->min_samples; ++i) {
            limit->try_acquire()->success();
            ++told;
        }
        const std::uint32_t left_over = told - watched::shown;
        limit.strike();
        watched::memory.strike();
        if (seen.in_use != 0) give_up("a place was lost");
        if (seen.limit != expected) give_up("the limit is not what the algorithm said");
        if (watched::shown > told) give_up("a call was counted twice");
        if (left_over >= current_calls_plan->min_samples) give_up("a call was lost, or a window never opened again");
    }
};

search_result search_limit(const calls_plan& threads, const search_plan& plan, bool with_trace) {
    current_calls_plan = &threads;
    return threads.calls.size() == 2 ? explore<limit_suite<2>>(plan, with_trace)
                                     : explore<limit_suite<3>>(plan, with_trace);
}

template <class Plan>
entry made(const std::string& name, std::size_t threads, const Plan& what, const search_plan& plan,
           search_result (*search)(const Plan&, const search_plan&, bool)) {
    return {.name = name,
            .threads = static_cast<unsigned>(threads),
            .plan = plan,
            .planted = {},
            .must_fail = false,
            .search = [what, search](const search_plan& p, bool with_trace) { return search(what, p, with_trace); }};
}

}  // namespace

void add_limit_models(std::vector<entry>& all) {
    using enum act;
    const auto add = [&](entry e) { all.push_back(std::move(e)); };
    const auto mutant = [&](const std::string& what, entry e, const sabotage& planted) {
        e.name = "mutant: " + what;
        e.planted = planted;
        e.must_fail = true;
        all.push_back(std::move(e));
    };
    const auto gate = [](const std::string& name, const gate_plan& p, const search_plan& through) {
        return made("limit gate, " + name, p.steps.size(), p, through, &search_gate);
    };
    const auto limit = [](const std::string& name, const calls_plan& p, const search_plan& through) {
        return made("adaptive limit, " + name, p.calls.size(), p, through, &search_limit);
    };

    const gate_plan one{.limit = 1, .steps = {{enter, leave, enter, leave}, {enter, leave, enter, leave}}};
    const gate_plan one3{.limit = 1, .steps = {{enter, leave}, {enter, leave}, {enter, leave}}};
    const gate_plan falls{.limit = 2,
                          .steps = {{set_to_one, set_to_two}, {enter, leave, enter}, {enter, leave, enter}}};
    const gate_plan rises{.limit = 1, .steps = {{set_to_two, enter, set_to_one}, {enter, leave, enter, leave}}};
    // Thread 2 comes when a place was free for certain, and must find it.
    const gate_plan never_full{.limit = 2, .steps = {{enter, leave, tell}, {hear, enter}, {enter}}};
    add(gate("one place", one, full()));
    add(gate("one place", one3, full()));
    add(gate("the limit falls and rises", falls, bounded(4, 2)));
    add(gate("the limit falls and rises", falls, at_random(50'000)));
    add(gate("the limit rises and falls", rises, full()));
    add(gate("one always free", never_full, full()));
    mutant("place entered as load and store", gate("", one, full()), {fault::torn, "enter"});
    mutant("place left as load and store", gate("", falls, bounded(4, 2)), {fault::torn, "leave"});
    mutant("limit set as load and store", gate("", falls, bounded(4, 2)), {fault::torn, "set_limit"});
    mutant("place entered relaxed", gate("", one, full()), {fault::relaxed, "enter"});
    mutant("place left relaxed", gate("", one, full()), {fault::relaxed, "leave"});

    const calls_plan each_ends{.limit = 2, .calls = {2, 2}};
    const calls_plan each_ends3{.limit = 2, .calls = {1, 1, 1}};
    const calls_plan two_end{.limit = 2, .min_samples = 2, .calls = {2, 2}};
    add(limit("every call ends a window", each_ends, bounded(4, 2)));
    add(limit("every call ends a window", each_ends, at_random(50'000)));
    add(limit("every call ends a window", each_ends3, bounded(3, 2)));
    add(limit("every call ends a window", each_ends3, at_random(50'000)));
    add(limit("two calls end a window", two_end, bounded(4, 2)));
    add(limit("two calls end a window", two_end, at_random(50'000)));
    mutant("call added as load and store", limit("", each_ends, bounded(4, 2)), {fault::torn, "add"});
    mutant("window ended relaxed", limit("", each_ends, bounded(4, 2)), {fault::relaxed, "add"});
    mutant("window opened relaxed", limit("", each_ends, bounded(4, 2)), {fault::relaxed, "open"});
}

}  // namespace bulwark::model
