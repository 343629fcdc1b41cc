// The waiting line under Relacy: bulwark::detail::waiting_line as it ships, over both words and one and two stripes,
// and with planted defects.
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "catalogue.hpp"
#include "waiting_bulkhead.hpp"
#include "waiting_mutants.hpp"
#include "waiting_suite.hpp"

#include <bulwark/detail/permit_counter.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bulwark::model {
namespace {

template <class Traits, class Word>
search_result search_word(const waiting_plan& threads, const search_plan& plan, bool with_trace) {
    return threads.steps.size() == 2 ? explore<waiting_suite<Traits, Word, 2>>(plan, with_trace)
                                     : explore<waiting_suite<Traits, Word, 3>>(plan, with_trace);
}

template <class Traits>
search_result search(const waiting_plan& threads, const search_plan& plan, bool with_trace) {
    std::map<waiting_history, bool> judgements;
    current_waiting_plan = &threads;
    waiting_judgements = &judgements;
    if constexpr (std::is_same_v<Traits, waiting_traits>) {
        if (threads.wide) return search_word<Traits, bulwark::detail::wide_word>(threads, plan, with_trace);
    }
    return search_word<Traits, bulwark::detail::striped_word>(threads, plan, with_trace);
}

template <class Traits = waiting_traits>
entry made(const std::string& name, const waiting_plan& threads, const search_plan& plan) {
    return {
        .name = name,
        .threads = static_cast<unsigned>(threads.steps.size()),
        .plan = plan,
        .planted = {},
        .must_fail = false,
        .search = [threads](const search_plan& p, bool with_trace) { return search<Traits>(threads, p, with_trace); }};
}

using enum wait_act;

struct waiting_scenario {
    std::string name;
    waiting_plan plan;
    search_plan through;
};

waiting_plan striped(waiting_plan p, std::array<std::uint32_t, 3> slots = {0, 1, 2}) {
    p.stripes = 2;
    p.slots = slots;
    return p;
}
waiting_plan wide(waiting_plan p) {
    p.wide = true;
    return p;
}

const waiting_plan joins{
    .capacity = 1, .first = {{take, 1, 0}}, .steps = {{{give}, {take}, {give}}, {{acquire}, {give}}}};
const waiting_plan times_out{
    .capacity = 1, .first = {{take, 1, 0}, {join, 1, 1}}, .steps = {{{give}, {take}}, {{await_timed}, {give}}}};
const waiting_plan is_stopped{
    .capacity = 1, .first = {{take, 1, 0}, {join, 1, 1}}, .steps = {{{give}}, {{await_stop}, {give}}, {{stop, 1}}}};
const waiting_plan only_stopped{
    .capacity = 1, .first = {{take, 1, 0}, {join, 1, 1}}, .steps = {{{stop, 1}}, {{await_stop}}}};
const waiting_plan clock_throws{
    .capacity = 1, .first = {{take, 1, 0}, {join, 1, 1}}, .steps = {{{give}, {take}}, {{await_throw}}}};

// Two permits, one of them in use; the first in line wants both, the one behind it one.
const waiting_plan first_times_out{.capacity = 2,
                                   .first = {{take, 1, 0}, {join, 2, 1}, {join, 1, 2}},
                                   .steps = {{{give}}, {{await_timed}, {give}}, {{await}, {give}}}};
const waiting_plan first_times_out_alone{.capacity = 2,
                                         .first = {{take, 1, 0}, {join, 2, 1}, {join, 1, 2}},
                                         .steps = {{{in_use}}, {{await_timed}}, {{await}, {give}}}};
const waiting_plan first_is_stopped{.capacity = 2,
                                    .first = {{take, 1, 0}, {join, 2, 1}, {join, 1, 2}},
                                    .steps = {{{stop, 1}, {give}}, {{await_stop}, {give}}, {{await}, {give}}}};

const waiting_plan two_and_two{.capacity = 2,
                               .first = {{take, 1, 0}, {take, 1, 0}, {join, 1, 1}, {join, 1, 2}},
                               .steps = {{{give}, {give}}, {{await}, {give}}, {{await}, {give}}}};
const waiting_plan one_for_two{.capacity = 1,
                               .first = {{take, 1, 0}, {join, 1, 1}, {join, 1, 2}},
                               .steps = {{{give}}, {{await}, {tell}, {give}}, {{await}, {ask}, {give}}}};
const waiting_plan one_for_both{.capacity = 2,
                                .first = {{take, 2, 0}, {join, 1, 1}, {join, 1, 2}},
                                .steps = {{{give}}, {{await}, {give}}, {{await}, {give}}}};
const waiting_plan in_turn{
    .capacity = 1,
    .first = {{take, 1, 0}},
    .steps = {{{give}}, {{acquire}, {tell}, {give}}, {{someone_waits}, {acquire}, {ask}, {give}}}};
const waiting_plan both_then_one{.capacity = 2,
                                 .first = {{take, 1, 0}, {take, 1, 0}, {join, 2, 1}, {join, 1, 2}},
                                 .steps = {{{give}, {give}}, {{await}, {tell}, {give}}, {{await}, {ask}, {give}}}};
const waiting_plan newcomer{.capacity = 2,
                            .first = {{take, 1, 0}, {join, 2, 1}},
                            .steps = {{{give}}, {{await}, {tell}, {give}}, {{acquire_timed}, {ask}}}};
const waiting_plan two_givers{.capacity = 2,
                              .first = {{take, 1, 0}, {take, 1, 2}, {join, 2, 1}},
                              .steps = {{{give}}, {{await}, {give}}, {{give}}}};
// With one left in line, so that the stripes stay closed.
const waiting_plan two_givers_and_more{.capacity = 2,
                                       .first = {{take, 1, 0}, {take, 1, 2}, {join, 2, 1}, {join, 2, 0}},
                                       .steps = {{{give}, {await}, {give}}, {{await}, {give}}, {{give}}}};
const waiting_plan never_enough{.capacity = 2, .first = {}, .steps = {{{acquire, 2}, {give}}, {{acquire, 2}, {give}}}};

const waiting_plan grows{
    .capacity = 1, .first = {{take, 1, 0}, {join, 1, 1}}, .steps = {{{resize, 2}}, {{await}, {give}}}};
const waiting_plan grows_anyway{.capacity = 1,
                                .first = {{take, 1, 0}, {join, 1, 1}},
                                .steps = {{{give}}, {{await}, {give}}, {{resize, 2}, {take}}}};
const waiting_plan grows_for_request{.capacity = 1, .first = {}, .steps = {{{resize, 2}}, {{take, 2}, {give}}}};
const waiting_plan shrinks_for_request{.capacity = 2, .first = {}, .steps = {{{resize, 1}}, {{take, 2}, {give}}}};
const waiting_plan shrinks{
    .capacity = 2, .first = {{take, 1, 0}, {take, 1, 0}}, .steps = {{{give}, {give}}, {{resize, 1}, {take}, {in_use}}}};
const waiting_plan shrinks_before{.capacity = 2,
                                  .first = {{take, 1, 0}, {take, 1, 0}},
                                  .steps = {{{give}, {give}}, {{acquire}, {give}}, {{resize, 1}}}};
const waiting_plan shrinks_and_grows{
    .capacity = 2, .first = {{take, 2, 0}}, .steps = {{{give}}, {{resize, 1}, {resize, 2}}, {{take}, {give}}}};
const waiting_plan too_much{
    .capacity = 2, .first = {{take, 1, 0}, {join, 2, 1}}, .steps = {{{give}}, {{await}, {give}}, {{resize, 1}}}};
const waiting_plan too_much_before_one{.capacity = 2,
                                       .first = {{take, 1, 0}, {join, 2, 1}, {join, 1, 2}},
                                       .steps = {{{resize, 1}, {give}}, {{await}, {give}}, {{await}, {give}}}};
const waiting_plan too_much_alone{
    .capacity = 2, .first = {{take, 1, 0}, {join, 2, 1}}, .steps = {{{resize, 1}}, {{await}}}};

const waiting_plan one_may_wait{.capacity = 1,
                                .first = {{take, 1, 0}},
                                .steps = {{{give}}, {{acquire}, {give}}, {{acquire}, {give}}},
                                .max_waiting = 1};
const waiting_plan one_waits{.capacity = 1,
                             .first = {{take, 1, 0}, {join, 1, 1}},
                             .steps = {{{acquire_timed}, {tell}}, {{ask}, {await_timed}}},
                             .max_waiting = 1};
const waiting_plan seen_waiting{
    .capacity = 2, .first = {}, .steps = {{{take}, {acquire_timed, 2}}, {{someone_waits}, {in_use}}}};
const waiting_plan seen_gone{
    .capacity = 2, .first = {{take, 1, 0}, {join, 2, 1}}, .steps = {{{nobody_waits}, {take}}, {{await_timed}}}};

const waiting_plan ends{
    .capacity = 1, .first = {{take, 1, 0}, {join, 1, 1}}, .steps = {{{give}}, {{await}, {give}, {destroy}}}};
const waiting_plan ends_of_two{.capacity = 2,
                               .first = {{take, 1, 0}, {take, 1, 2}, {join, 2, 1}},
                               .steps = {{{give}}, {{await}, {give}, {destroy}}, {{give}}}};

// Waiters that are told by a call, each named after a thread that has no other steps of its own.
const waiting_plan called{.capacity = 1, .first = {{take, 1, 0}, {join_called, 1, 1}}, .steps = {{{give}, {take}}, {}}};
// The first gives back while the other waits: that takes the lock.
const waiting_plan called_in_turn{
    .capacity = 1, .first = {{take, 1, 0}, {join_called, 1, 1}, {join_called, 1, 2}}, .steps = {{{give}}, {}, {}}};
const waiting_plan called_or_quits{
    .capacity = 1, .first = {{take, 1, 0}, {join_called, 1, 1}}, .steps = {{{give}, {take}}, {{quit, 1}}}};
const waiting_plan called_or_quits_twice{
    .capacity = 1, .first = {{take, 1, 0}, {join_called, 1, 2}}, .steps = {{{give}}, {{quit, 2}}, {{quit, 2}}}};
const waiting_plan enters_and_quits{
    .capacity = 1, .first = {{take, 1, 0}}, .steps = {{{give}}, {{enter_called}}, {{quit, 1}}}};
const waiting_plan first_quits{.capacity = 2,
                               .first = {{take, 1, 0}, {join_called, 2, 1}, {join_called, 1, 2}},
                               .steps = {{{give}}, {{quit, 1}}, {{quit, 2}}}};
const waiting_plan called_and_asleep{.capacity = 2,
                                     .first = {{take, 2, 0}, {join_called, 1, 2}, {join, 1, 1}},
                                     .steps = {{{give}}, {{await}, {give}}, {}}};
const waiting_plan called_too_much{
    .capacity = 2, .first = {{take, 1, 0}, {join_called, 2, 1}}, .steps = {{{resize, 1}, {give}}, {{quit, 1}}}};

// Two stripes with one permit each.
const waiting_plan gather_both{.capacity = 2, .first = {}, .steps = {{{take, 2}, {give}}, {{take, 2}, {give}}}};
const waiting_plan gather_against_one{.capacity = 2, .first = {}, .steps = {{{take, 2}, {give}}, {{take}, {give}}}};
const waiting_plan gather_in_vain{.capacity = 2, .first = {{take, 1, 0}}, .steps = {{{take, 2}}, {{take}, {give}}}};
// The same number of bytes may be another's.
const waiting_plan same_bytes{.capacity = 1, .first = {}, .steps = {{{take}, {give}}, {{take}, {give}}}};
const waiting_plan same_bytes_closed{
    .capacity = 1, .first = {{take, 1, 0}}, .steps = {{{give}, {take}, {give}}, {{acquire}, {give}}}};
const waiting_plan closes_and_gives{
    .capacity = 2, .first = {{take, 1, 1}}, .steps = {{{acquire, 2}, {give}}, {{give}, {take}, {give}}}};
const waiting_plan closes_and_takes{.capacity = 2, .first = {}, .steps = {{{acquire, 2}, {give}}, {{take}, {give}}}};
const waiting_plan closes3{
    .capacity = 2, .first = {{take, 1, 1}}, .steps = {{{acquire, 2}, {give}}, {{give}}, {{take}, {give}}}};
const waiting_plan one_always_free{
    .capacity = 3, .first = {{take, 1, 0}}, .steps = {{{take, 3}}, {{take}, {give}, {take}}}};
const waiting_plan shrinks_in_stripes{
    .capacity = 4, .first = {{take, 2, 0}}, .steps = {{{resize, 3}}, {{take}, {give}}}};
/// One is always free, but for a while it is with the line, on its way from stripe 0 to stripe 1.
const waiting_plan in_the_pot{.capacity = 5, .first = {{take, 2, 1}}, .steps = {{{resize, 4}}, {{take}}, {{take}}}};
const waiting_plan moved{
    .capacity = 1, .first = {{take, 1, 0}, {join, 1, 1}}, .steps = {{{give}}, {{await_timed}}, {{take}}}};

/// For two threads over two stripes: too many steps for every execution.
search_plan deep() {
    return bounded(5, 3);
}
search_plan usual() {
    return bounded(4, 2);
}
search_plan shallow() {
    return bounded(3, 2);
}

std::vector<waiting_scenario> scenarios() {
    return {
        {"waiting: release, a joiner", joins, full()},
        {"waiting: release, a joiner, wide word", wide(joins), full()},
        {"waiting: release, a time-out", times_out, full()},
        {"waiting: release, a stop", is_stopped, usual()},
        {"waiting: a stop alone", only_stopped, full()},
        {"waiting: a clock that throws", clock_throws, full()},
        {"waiting: the first times out", first_times_out, usual()},
        {"waiting: the first times out, no release", first_times_out_alone, full()},
        {"waiting: the first is stopped", first_is_stopped, usual()},
        {"waiting: two releases, two waiters", two_and_two, usual()},
        {"waiting: one release, two waiters", one_for_two, usual()},
        {"waiting: one release for both", one_for_both, usual()},
        {"waiting: in turn", in_turn, usual()},
        {"waiting: two permits, then one", both_then_one, usual()},
        {"waiting: two permits, then one, wide word", wide(both_then_one), usual()},
        {"waiting: a newcomer", newcomer, usual()},
        {"waiting: two releases for one", two_givers, full()},
        {"waiting: two releases, two for all", two_givers_and_more, usual()},
        {"waiting: two for all", never_enough, full()},
        {"waiting: grows", grows, full()},
        {"waiting: grows, release, newcomer", grows_anyway, usual()},
        {"waiting: grows, request", grows_for_request, full()},
        {"waiting: shrinks, request", shrinks_for_request, full()},
        {"waiting: shrinks, releases", shrinks, full()},
        {"waiting: shrinks, a joiner", shrinks_before, usual()},
        {"waiting: shrinks and grows", shrinks_and_grows, full()},
        {"waiting: too much after a shrink", too_much_alone, full()},
        {"waiting: too much, release", too_much, usual()},
        {"waiting: too much, one behind", too_much_before_one, usual()},
        {"waiting: one may wait", one_may_wait, usual()},
        {"waiting: one may wait, and does", one_waits, full()},
        {"waiting: seen waiting", seen_waiting, full()},
        {"waiting: seen gone", seen_gone, full()},
        {"waiting: end after the last", ends, full()},
        {"waiting: end after the last of two", ends_of_two, usual()},
        {"waiting: called", called, full()},
        {"waiting: called in turn", called_in_turn, full()},
        {"waiting: called, or quits", called_or_quits, full()},
        {"waiting: called, or quits, wide word", wide(called_or_quits), full()},
        {"waiting: called, or quits twice", called_or_quits_twice, usual()},
        {"waiting: called, enters, quits", enters_and_quits, usual()},
        {"waiting: called, the first quits", first_quits, usual()},
        {"waiting: called and asleep", called_and_asleep, usual()},
        {"waiting: called, too much", called_too_much, full()},
        {"waiting: stripes, gather two", striped(gather_both), deep()},
        {"waiting: stripes, gather, take", striped(gather_against_one), deep()},
        {"waiting: stripes, gather in vain", striped(gather_in_vain, {0, 0, 0}), full()},
        {"waiting: stripes, close, give", striped(closes_and_gives), deep()},
        {"waiting: stripes, close, take", striped(closes_and_takes), deep()},
        {"waiting: stripes, close, give, take", striped(closes3), shallow()},
        {"waiting: stripes, one always free", striped(one_always_free), deep()},
        {"waiting: stripes, shrinks", striped(shrinks_in_stripes, {0, 0, 0}), full()},
        {"waiting: stripes, one always in the pot", striped(in_the_pot, {0, 1, 0}), shallow()},
        {"waiting: stripes, moved by a leaver", striped(moved, {1, 1, 0}), shallow()},
        {"waiting: stripes, release, a joiner", striped(joins), deep()},
        {"waiting: stripes, in turn", striped(in_turn), shallow()},
        {"waiting: stripes, end", striped(ends), full()},
    };
}

template <class Kind>
entry whole(const std::string& name, const bulkhead_plan& threads, const search_plan& plan) {
    return {.name = name,
            .threads = 3,
            .plan = plan,
            .planted = {},
            .must_fail = false,
            .search = [threads](const search_plan& p, bool with_trace) {
                current_bulkhead_plan = &threads;
                return explore<whole_bulkhead_suite<Kind>>(p, with_trace);
            }};
}

}  // namespace

void add_waiting_models(std::vector<entry>& all) {
    // Twice where it is not every execution: all within a bound, and some of those beyond it.
    for (const auto& [name, plan, through] : scenarios()) {
        all.push_back(made(name, plan, through));
        if (through.switches != unlimited) all.push_back(made(name, plan, at_random(20'000)));
    }

    using enum bulkhead_act;
    const bulkhead_plan one{.capacity = 1, .steps = {{acquire_one, try_one}, {acquire_until}, {acquire_one}}};
    const bulkhead_plan two{
        .capacity = 2, .steps = {{acquire_all}, {try_one, acquire_one}, {acquire_until}}, .max_waiting = 1};
    const bulkhead_plan of_two_sizes{
        .capacity = 2, .steps = {{acquire_all}, {shrink_to_one, grow_to_two}, {acquire_one, acquire_until}}};
    const bulkhead_plan in_stripes{.capacity = 2, .steps = {{acquire_all}, {acquire_one}, {acquire_all}}, .stripes = 2};
    // At random: how long a wait took, which the bulkhead measures, changes its steps.
    all.push_back(whole<bulwark::detail::calls>("waiting: bulkhead of one", one, at_random(20'000)));
    all.push_back(whole<bulwark::detail::calls>("waiting: bulkhead of two", two, at_random(20'000)));
    all.push_back(whole<bulwark::detail::calls>("waiting: bulkhead of two sizes", of_two_sizes, at_random(20'000)));
    all.push_back(whole<bulwark::detail::calls>("waiting: bulkhead in stripes", in_stripes, at_random(20'000)));
    all.push_back(whole<bulwark::detail::bytes>("waiting: memory_bulkhead", two, at_random(20'000)));

    const auto order = [&](const std::string& what, const waiting_plan& threads, const sabotage& planted) {
        entry e = made("mutant: " + what, threads, usual());
        e.planted = planted;
        e.must_fail = true;
        all.push_back(e);
    };
    order("permits given without release", joins, {fault::no_release, "give_back"});
    order("stripe closed without acquire", joins,
          {.kind = fault::no_acquire, .function = "shut", .other_function = "read"});
    order("stripe closed without release", shrinks_for_request, {fault::no_release, "shut"});
    order("stripes read relaxed, capacity", shrinks_for_request, {fault::relaxed, "read"});
    order("moved permit taken without acquire", striped(moved, {1, 1, 0}),
          {.kind = fault::no_acquire, .function = "take_from", .other_function = "read"});
    order("permits collected without acquire", two_givers_and_more,
          {.kind = fault::no_acquire, .function = "collect", .other_function = "read"});
    order("stripes opened without release", striped(moved, {1, 1, 0}), {fault::no_release, "open"});
    order("waiter told relaxed", two_givers, {fault::relaxed, "finish"});
    order("waiter wakes relaxed", two_givers, {fault::relaxed, "wait_until"});
    order("waiting_ stored relaxed", seen_waiting, {fault::relaxed, "set_waiting"});
    order("waiting_ read relaxed", seen_waiting, {fault::relaxed, "waiting"});
    order("bytes taken without acquire", wide(same_bytes), {fault::no_acquire, "take_from"});
    order("bytes closed without acquire", wide(same_bytes_closed), {fault::no_acquire, "shut"});
    order("stripe closed as load and store", joins, {fault::torn, "shut"});
    order("given to a closed stripe, load and store", two_givers, {fault::torn, "give_back"});
    order("collected as load and store", two_givers, {fault::torn, "collect"});
    order("opened as load and store", times_out, {fault::torn, "open"});

    const auto mutant = [&]<class Traits>(Traits /*tag*/, const std::string& what, const waiting_plan& threads) {
        entry e = made<Traits>("mutant: " + what, threads, usual());
        e.must_fail = true;
        all.push_back(e);
    };
    mutant(silent_telling(), "waiter told and not woken", joins);
    mutant(silent_stop(), "waiter stopped and not woken", only_stopped);
    mutant(woken_before(), "waiter woken before it is told", joins);
    mutant(late_address(), "waiter used after the telling", joins);
    mutant(blind_sleeper(), "waiter sleeps though it was told", joins);
    mutant(unmarked(), "stripe emptied and not marked closed", joins);
    mutant(uncollected(), "hand-over without collecting", joins);
    mutant(selfish_leaver(), "leaver does not hand over", first_times_out_alone);
    mutant(deaf_leaver(), "leaver swallows its permit", times_out);
    mutant(late_next(), "next read after the telling", one_for_both);
    mutant(late_next(), "next read after the call", called_and_asleep);
    mutant(calls_with_the_lock(), "called with the lock held", called_in_turn);
    mutant(uncalled(), "a called waiter is woken, and not called", called);
    mutant(greedy_quitter(), "who quits is told that it has ended the wait", called_or_quits);
    mutant(clinging(), "who quits comes to a waiter that is no more", called_or_quits);
    mutant(last_first(), "last come, first served", one_for_two);
    mutant(fitting_first(), "who fits goes first", both_then_one);
    mutant(one_more(), "one more waits than may", one_waits);
    mutant(patient(), "too much stays in line", too_much_alone);
    mutant(grown_in_silence(), "growing does not hand over", grows);
    mutant(debtless(), "shrinking leaves no debt", shrinks);
    mutant(unled(), "debt without the line in charge", shrinks);
    mutant(early_end(), "end without waiting for visits", ends_of_two);
    mutant(bold_visitor(), "visit hands over whoever is in charge", times_out);
    mutant(shy_visitor(), "visit only for waiters", shrinks);
    mutant(unseen_closing(), "second reading does not look for closing", striped(in_the_pot, {0, 1, 0}));
    mutant(unseen_opening(), "opening is not a put", striped(shrinks_in_stripes, {0, 0, 0}));
}

}  // namespace bulwark::model
