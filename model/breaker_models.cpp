// The breaker under Relacy: bulwark::basic_circuit_breaker as it ships, over Relacy's atomics, in each scenario.
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "breaker_oracle.hpp"
#include "breaker_scenario.hpp"
#include "catalogue.hpp"
#include "credulous_breaker.hpp"
#include "epoch_watch.hpp"
#include "explore.hpp"
#include "quiet_hints.hpp"
#include "traits.hpp"

#include <bulwark/circuit_breaker.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace bulwark::model {
namespace {

// Every tally of the product is wide enough for a model that never carries; with one bit each, most calls carry.
constexpr bulwark::detail::layout_widths one_bit{
    .requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1, .epoch = 32};

using shipped = basic_circuit_breaker<model_clock, traits<>>;
using narrow = basic_circuit_breaker<model_clock, traits<one_bit>>;
using credulous = credulous_breaker<model_clock, traits<>>;

using quiet = basic_circuit_breaker<model_clock, quiet_hints>;

// Relacy makes its suites itself, so what they work on is not a member of theirs.
const scenario* current_scenario = nullptr;
breaker_oracle* current_oracle = nullptr;

template <class Breaker>
struct layout_of;
template <template <class, class> class Breaker, class Clock, class Traits>
struct layout_of<Breaker<Clock, Traits>> {
    using type = typename Traits::layout;
};

template <class Breaker, unsigned Threads>
struct breaker_suite : rl::test_suite<breaker_suite<Breaker, Threads>, static_cast<rl::thread_id_t>(Threads)> {
    using watch = epoch_watch<typename layout_of<Breaker>::type>;

    static inline stage<player<Breaker>> breaker;

    void before() {
        model_clock::begin(current_scenario->begins_at);
        watch::begin();
        breaker.raise(current_scenario->config);
        play(0);
    }
    /// Relacy calls it before every step.
    void invariant() { watch::check_newest(); }
    void thread(unsigned index) { play(index + 1); }
    void after() {
        play(Threads + 1);
        watch::end();
        breaker.strike();
        model_clock::end();
        if (const char* const complaint = objection()) give_up(complaint);
    }

private:
    static void play(std::size_t sequence) {
        const auto& steps = current_oracle->steps()[sequence];
        for (std::size_t i = 0; i != steps.size(); ++i) current_oracle->told(sequence, i) = (*breaker)(steps[i]);
    }

    static const char* objection() {
        const outside_relacy memory;
        const std::string& complaint = current_oracle->judge();
        return complaint.empty() ? nullptr : complaint.c_str();
    }
};

template <class Breaker>
search_result search(const scenario& s, const search_plan& plan, bool with_trace) {
    breaker_oracle oracle(s);
    current_scenario = &s;
    current_oracle = &oracle;
    return s.threads.size() == 2 ? explore<breaker_suite<Breaker, 2>>(plan, with_trace)
                                 : explore<breaker_suite<Breaker, 3>>(plan, with_trace);
}

template <class Breaker>
entry made(const scenario& s, const search_plan& plan) {
    return {.name = s.name,
            .threads = static_cast<unsigned>(s.threads.size()),
            .plan = plan,
            .planted = {},
            .must_fail = false,
            .search = [s](const search_plan& p, bool with_trace) { return search<Breaker>(s, p, with_trace); }};
}

template <class Breaker>
entry mutant(const std::string& what, const scenario& s, const sabotage& planted) {
    entry e = made<Breaker>(s, at_random(300'000));
    e.name = "mutant: " + what;
    e.planted = planted;
    e.must_fail = true;
    return e;
}

}  // namespace

void add_breaker_models(std::vector<entry>& all) {
    // Twice each: all of the executions within a bound, and some of those beyond it.
    const auto add = [&]<class Breaker = shipped>(const scenario& s, const search_plan& through) {
        all.push_back(made<Breaker>(s, through));
        all.push_back(made<Breaker>(s, at_random(50'000)));
    };
    // Chosen so that each ends in seconds; a switch more takes about ten times as long.
    add(threshold(2), full());
    add(threshold(3), bounded(4, 1));
    add(trip_against_admission(2), bounded(4, 1));
    add(trip_against_admission(3), bounded(2, 1));
    add(probe_race(2), bounded(4, 1));
    add(probe_race(3), bounded(2, 1));
    add(probe_limit(2), full());
    add(probe_limit(3), bounded(4, 1));
    add(success_against_failure(2), bounded(4, 1));
    add(success_against_failure(3), bounded(2, 1));
    add(successes_close(2), full());
    add(successes_close(3), bounded(3, 1));
    add(stale_result(2), bounded(3, 1));
    add(stale_result(3), bounded(2, 1));
    add(roll_against_report(2), bounded(3, 1));
    add(roll_against_report(3), bounded(2, 1));
    add(probe_timeout(2), bounded(3, 1));
    add(probe_timeout(3), bounded(2, 1));
    add(place_given_back(2), full());
    add(place_given_back(3), full());
    add.operator()<narrow>(carry(2), bounded(3, 1));
    add.operator()<narrow>(carry(3), bounded(2, 1));
    add(own_transition(2), bounded(3, 1));
    add(own_transition(3), bounded(2, 1));
    add(late_helper(2), bounded(3, 1));
    add(late_helper(3), bounded(2, 1));
    add(agreed_time(2), full());
    add(agreed_time(3), bounded(2, 1));
    add(time_of_a_trip(), bounded(4, 1));
    add(reset_against_trip(2), bounded(3, 1));
    add(reset_against_trip(3), bounded(2, 1));
    add(force_against_verdict(2), bounded(3, 1));
    add(force_against_verdict(3), bounded(2, 1));
    add(disable_against_count(2), bounded(3, 1));
    add(disable_against_count(3), bounded(2, 1));
    add(trip_against_close(2), bounded(3, 1));
    add(trip_against_close(3), bounded(2, 1));
    add(hint_against_opening(2), bounded(3, 1));
    add(hint_against_opening(3), bounded(2, 1));
    add(hint_against_probe(2), bounded(3, 1));
    add(hint_against_probe(3), bounded(2, 1));
    add(hint_after_reset(2), bounded(2, 1));
    add(hint_after_reset(3), bounded(1, 1));
    add(two_hints(2), bounded(2, 1));
    add(two_hints(3), bounded(1, 1));

    all.push_back(mutant<shipped>("head loaded relaxed", late_helper(2), {fault::relaxed, "load_head"}));
    all.push_back(mutant<shipped>("new head published relaxed", late_helper(2), {fault::relaxed, "settle"}));
    all.push_back(mutant<shipped>("head frozen relaxed", time_of_a_trip(), {fault::relaxed, "freeze"}));
    all.push_back(mutant<shipped>("count as load and store", threshold(3), {fault::torn, "count"}));
    all.push_back(mutant<shipped>("freeze as load and store", probe_race(2), {fault::torn, "freeze"}));
    all.push_back(mutant<shipped>("follow as load and store", own_transition(2), {fault::torn, "settle"}));
    all.push_back(mutant<shipped>("lane as load and store", own_transition(2), {fault::torn, "agree"}));
    all.push_back(mutant<shipped>("own move not looked at", own_transition(2), {fault::blind_failure, "settle"}));
    all.push_back(mutant<shipped>("hint as load and store", two_hints(2), {fault::torn, "hold_off"}));
    all.push_back(mutant<shipped>("hint read relaxed", hint_after_reset(2), {fault::no_acquire, "hold_off"}));
    all.push_back(mutant<shipped>("hint raised relaxed", hint_after_reset(2), {fault::no_release, "hold_off"}));
    all.push_back(mutant<quiet>("hint without a carry", hint_against_opening(2), {}));
    all.push_back(mutant<credulous>("generation not checked", stale_result(2), {}));
}

}  // namespace bulwark::model
