// The breaker with cells under Relacy: bulwark::basic_circuit_breaker as it ships, its threads with slots that the
// model gives them; and the same with planted defects.
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "catalogue.hpp"
#include "celled_mutants.hpp"
#include "celled_oracle.hpp"
#include "celled_scenario.hpp"
#include "celled_traits.hpp"
#include "epoch_watch.hpp"
#include "explore.hpp"

#include <bulwark/circuit_breaker.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace bulwark::model {
namespace {

const celled_scenario* current_celled = nullptr;
celled_oracle* current_celled_oracle = nullptr;

/// What lib/thread_slot.cpp does, over the model's atomics: edge (6).
class slot_table {
public:
    std::uint32_t take_lowest() {
        std::uint64_t seen = taken_.load(boost::memory_order_relaxed);
        while (std::countr_one(seen) != static_cast<int>(current_celled->cells)) {
            if (taken_.compare_exchange_weak(seen, seen | (seen + 1), boost::memory_order_acquire)) {
                return static_cast<std::uint32_t>(std::countr_one(seen));
            }
        }
        return bulwark::detail::no_thread_slot;
    }
    void give(std::uint32_t slot) { taken_.fetch_add(0 - (std::uint64_t{1} << slot), boost::memory_order_release); }
    void begin(std::uint32_t slots) { taken_.store((std::uint64_t{1} << slots) - 1, boost::memory_order_relaxed); }

private:
    atomic<std::uint64_t> taken_;
};

template <class Traits>
struct celled_stage {
    using breaker_type = basic_circuit_breaker<model_clock, Traits>;

    explicit celled_stage(const celled_scenario& s) : breaker(config_of(s)) { slots.begin(s.cells); }

    circuit_breaker_config config_of(const celled_scenario& s) {
        circuit_breaker_config c{.max_requests = s.rules.max_requests,
                                 .interval = s.rules.interval,
                                 .timeout = s.rules.timeout,
                                 .probe_timeout = s.rules.probe_timeout};
        c.cells = s.cells;
        c.ready_to_trip = [this](const breaker_counts& counts) {
            weighed[rl::thread_index()] = counts;
            return current_celled->policy ? current_celled->policy(counts)
                                          : current_celled->rules.trips.says_yes(counts);
        };
        c.on_state_change = [this](const transition& made) { told[rl::thread_index()].tell(made); };
        return c;
    }

    // By thread: between the two ends of an operation others run.
    std::array<std::optional<breaker_counts>, 3> weighed;
    std::array<lin::breaker_answer, 3> told;
    breaker_type breaker;
    std::array<std::optional<typename breaker_type::permit>, 8> permits;
    atomic<std::uint32_t> flag;
    slot_table slots;
};

template <class Traits, unsigned Threads>
struct celled_suite : rl::test_suite<celled_suite<Traits, Threads>, static_cast<rl::thread_id_t>(Threads)> {
    using watch = epoch_watch<typename Traits::layout>;

    static inline stage<celled_stage<Traits>> all;

    void before() {
        current_celled_oracle->forget();
        model_clock::begin(std::chrono::nanoseconds(0));
        Traits::begin();
        watch::begin();
        all.raise(*current_celled);
        Traits::slots.fill(current_celled->slots[0]);
        play(0);
        Traits::slots = current_celled->slots;
    }
    /// Relacy calls it before every step.
    void invariant() { watch::check_newest(); }
    void thread(unsigned index) { play(index + 1); }
    void after() {
        Traits::slots.fill(bulwark::detail::no_thread_slot);
        play(Threads + 1);
        watch::end();
        all.strike();
        Traits::end();
        model_clock::end();
        if (const char* const complaint = objection()) give_up(complaint);
    }

private:
    static void play(std::size_t sequence) {
        const auto& steps = current_celled_oracle->steps()[sequence];
        for (std::size_t i = 0; i != steps.size(); ++i) {
            if (!take(steps[i], current_celled_oracle->told(sequence, i))) return;
        }
    }

    static bool take(const celled_step& step, celled_answer& given) {
        const auto who = static_cast<std::size_t>(rl::thread_index());
        auto& permit = all->permits[step.arg];
        all->weighed[who] = std::nullopt;
        all->told[who] = {};
        bool counted = false;
        errc refusal{};
        breaker_snapshot seen;
        switch (step.what) {
            case celled_act::admit: {
                auto admitted = all->breaker.try_acquire();
                if (admitted) {
                    permit.emplace(std::move(*admitted));
                } else {
                    refusal = admitted.error();
                }
                break;
            }
            case celled_act::succeed: counted = permit && permit->success(); break;
            case celled_act::fail: counted = permit && permit->failure(); break;
            case celled_act::ignore: counted = permit && permit->ignore(); break;
            case celled_act::look: seen = all->breaker.snapshot(); break;
            case celled_act::wait: model_clock::advance(std::chrono::nanoseconds(step.arg)); break;
            case celled_act::tell: all->flag.store(1, boost::memory_order_release); break;
            case celled_act::hear:
                if (all->flag.load(boost::memory_order_acquire) == 0) return false;
                break;
            case celled_act::leave:
                all->slots.give(std::exchange(Traits::slots[who], bulwark::detail::no_thread_slot));
                break;
            case celled_act::come: Traits::slots[who] = all->slots.take_lowest(); break;
        }
        if (step.what == celled_act::succeed || step.what == celled_act::fail || step.what == celled_act::ignore) {
            permit.reset();
        }
        given.taken = true;
        given.told = all->told[who];
        given.told.refusal = refusal;
        given.told.counted = counted;
        given.told.seen = seen;
        // Asked in vain where the result turned out to be stale, or another thread's trip came first.
        if (counted) given.weighed = all->weighed[who];
        return true;
    }

    static const char* objection() {
        const outside_relacy memory;
        const std::string& complaint = current_celled_oracle->judge();
        return complaint.empty() ? nullptr : complaint.c_str();
    }
};

template <class Traits>
search_result search(const celled_scenario& s, const search_plan& plan, bool with_trace) {
    celled_oracle oracle(s);
    current_celled = &s;
    current_celled_oracle = &oracle;
    return sequences(s).size() == 4 ? explore<celled_suite<Traits, 2>>(plan, with_trace)
                                    : explore<celled_suite<Traits, 3>>(plan, with_trace);
}

template <class Traits = celled_traits<>>
entry made(const celled_scenario& s, const search_plan& plan) {
    return {.name = s.name,
            .threads = static_cast<unsigned>(sequences(s).size() - 2),
            .plan = plan,
            .planted = {},
            .must_fail = false,
            .search = [s](const search_plan& p, bool with_trace) { return search<Traits>(s, p, with_trace); }};
}

template <class Traits = celled_traits<>>
entry mutant(const std::string& what, const celled_scenario& s, const sabotage& planted) {
    entry e = made<Traits>(s, at_random(300'000));
    e.name = "mutant: " + what;
    e.planted = planted;
    e.must_fail = true;
    return e;
}

}  // namespace

void add_celled_models(std::vector<entry>& all) {
    // Twice where it is not every execution: all within a bound, and some of those beyond it.
    for (const auto& [scenario, through] : celled_models()) {
        const auto add = [&](const search_plan& plan) {
            all.push_back(scenario.layout == celled_layout::tiny ? made<celled_traits<tiny_widths>>(scenario, plan)
                                                                 : made(scenario, plan));
        };
        add(through);
        if (through.switches != unlimited) add(at_random(20'000));
    }
    enum : int { window, requests, successes, row };
    const celled_scenario anew = celled("a cell begins anew under a look");
    all.push_back(mutant("requests begun relaxed", anew, {fault::relaxed, "enter", requests}));
    all.push_back(mutant("successes begun relaxed", anew, {fault::relaxed, "enter", successes}));
    all.push_back(mutant("row begun relaxed", anew, {fault::relaxed, "enter", row}));
    all.push_back(mutant("window named relaxed", anew, {fault::relaxed, "enter", window}));

    // The request of a cell is not among them: to Relacy, as to C++17, a later store of the same thread continues the
    // release sequence of enter(). The explorer (cells-anew) goes by C++20.
    all.push_back(mutant("success counted relaxed", anew, {fault::relaxed, "count_success", successes}));
    all.push_back(mutant("row counted relaxed", anew, {fault::relaxed, "count_success", row}));
    all.push_back(mutant("window read relaxed, outcomes", anew, {fault::relaxed, "add_outcomes", window}));
    all.push_back(mutant("row read relaxed", anew, {fault::relaxed, "add_outcomes", row}));
    all.push_back(mutant("successes read relaxed", anew, {fault::relaxed, "add_outcomes", successes}));
    all.push_back(mutant("window read relaxed, requests", anew, {fault::relaxed, "add_requests", window}));
    all.push_back(mutant("requests read relaxed", anew, {fault::relaxed, "add_requests", requests}));
    all.push_back(
        mutant("count on the head relaxed", celled("a request before one's own failure"), {fault::relaxed, "count"}));
    all.push_back(mutant("slot given back relaxed", celled("a cell changes hands"), {fault::relaxed, "give"}));
    all.push_back(mutant("slot taken relaxed", celled("a cell changes hands"), {fault::relaxed, "take_lowest"}));
    all.push_back(mutant<window_first>("cell named before it is begun", anew, {}));
    all.push_back(mutant<requests_first>("requests read before outcomes", celled("a call changes hands", 3), {}));
    all.push_back(mutant<stubborn_window>("sum kept in a new window", celled("a failure across a new window"), {}));
    all.push_back(
        mutant<stubborn_failures>("sum kept after a failure", celled("a success before one's own failure"), {}));
    all.push_back(mutant<unvalidated>("head not looked at again", anew, {}));
    const celled_scenario anew_shared = celled("a shared cell begins anew under a look");
    all.push_back(mutant("shared count relaxed", anew_shared, {fault::relaxed, "raise"}));
    all.push_back(mutant("shared outcomes read relaxed", anew_shared, {fault::relaxed, "add_outcomes"}));
    all.push_back(mutant("shared requests read relaxed", anew_shared, {fault::relaxed, "add_requests"}));
    all.push_back(mutant("shared count torn", celled("threads share a cell"), {fault::torn, "raise"}));
    all.push_back(mutant<shared_row_first>("shared row counted first", anew_shared, {}));
    all.push_back(mutant<anywindow>("window of a cell not looked at", anew, {}));
}

}  // namespace bulwark::model
