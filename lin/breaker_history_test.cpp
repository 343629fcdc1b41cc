// Histories of a circuit breaker, known to be good or bad, before the checker with the breaker's specification; and
// that specification row by row against the contract.
#include "breaker_spec.hpp"
#include "checker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace bulwark::lin {
namespace {

using namespace std::chrono_literals;
using op = operation<breaker_call, breaker_answer>;
using hist = history<breaker_call, breaker_answer>;

constexpr transition trip{breaker_state::closed, breaker_state::open, 2};
constexpr transition probe{breaker_state::open, breaker_state::half_open, 3};

op admitted(unsigned thread, std::uint64_t from, std::uint64_t to, std::size_t permit, transition told = {}) {
    breaker_answer a;
    if (told.generation != 0) a.tell(told);
    return {thread, from, to, {breaker_verb::acquire, permit}, a};
}
op refused(unsigned thread, std::uint64_t from, std::uint64_t to, std::size_t permit, errc why) {
    return {thread, from, to, {breaker_verb::acquire, permit}, {.refusal = why, .seen = {}, .change = {}}};
}
op ended(unsigned thread, std::uint64_t from, std::uint64_t to, breaker_verb how, std::size_t permit, bool counted,
         transition told = {}) {
    breaker_answer a;
    a.counted = counted;
    if (told.generation != 0) a.tell(told);
    return {thread, from, to, {how, permit}, a};
}
op saw(unsigned thread, std::uint64_t from, std::uint64_t to, const breaker_snapshot& what) {
    return {thread, from, to, {breaker_verb::snapshot, 0}, {.seen = what, .change = {}}};
}
breaker_snapshot closed_with(const breaker_counts& counts) {
    return {.state = breaker_state::closed, .generation = 1, .counts = counts};
}

/// Trips at the first failure, waits 10 ns, one probe.
constexpr breaker_rules strict{.max_requests = 1, .timeout = 10ns, .trips = {.in_a_row = 1}};

breaker_spec fresh(const breaker_rules& rules = strict) {
    return {rules, 1000ns};
}

/// Tripped, and the timeout is over: the next caller is the first probe.
breaker_spec about_to_probe(breaker_rules rules = strict) {
    breaker_spec spec = fresh(rules);
    spec.apply({breaker_verb::acquire, 0});
    spec.apply({breaker_verb::failure, 0});
    spec.advance(rules.timeout);
    return spec;
}

TEST(breaker_history, takes_calls_that_overlap) {
    EXPECT_TRUE(linearizable(
        hist{admitted(0, 1, 5, 0), admitted(1, 2, 6, 6), saw(2, 3, 4, closed_with({.requests = 1}))}, fresh()));
}

TEST(breaker_history, refuses_a_stale_read) {
    EXPECT_FALSE(linearizable(hist{admitted(0, 1, 2, 0), saw(1, 3, 4, closed_with({}))}, fresh()));
    EXPECT_TRUE(linearizable(hist{admitted(0, 1, 4, 0), saw(1, 2, 3, closed_with({}))}, fresh()));
}

TEST(breaker_history, refuses_a_lost_update) {
    EXPECT_FALSE(linearizable(
        hist{admitted(0, 1, 3, 0), admitted(1, 2, 4, 6), saw(0, 5, 6, closed_with({.requests = 1}))}, fresh()));
    EXPECT_TRUE(linearizable(
        hist{admitted(0, 1, 3, 0), admitted(1, 2, 4, 6), saw(0, 5, 6, closed_with({.requests = 2}))}, fresh()));
}

TEST(breaker_history, refuses_counts_that_never_were) {
    // The success of a call whose request is not there yet.
    EXPECT_FALSE(linearizable(hist{admitted(0, 1, 2, 0), ended(0, 3, 4, breaker_verb::success, 0, true),
                                   saw(1, 1, 5, closed_with({.total_successes = 1, .consecutive_successes = 1}))},
                              fresh()));
    // Two readers who saw two requests come in different orders.
    const breaker_counts first{.requests = 1, .total_ignored = 1};
    const breaker_counts second{.requests = 2};
    EXPECT_FALSE(
        linearizable(hist{admitted(0, 1, 2, 0), ended(0, 3, 20, breaker_verb::ignore, 0, true), admitted(1, 4, 21, 6),
                          saw(2, 5, 6, closed_with(first)), saw(3, 7, 8, closed_with(second))},
                     fresh()));
}

TEST(breaker_history, refuses_a_trip_that_is_missed) {
    const auto with_the_failure = [](bool seen_open) {
        const breaker_snapshot open{.state = breaker_state::open, .generation = 2, .counts = {}, .retry_after = 10ns};
        const auto closed = closed_with({.requests = 1, .total_failures = 1, .consecutive_failures = 1});
        return hist{admitted(0, 1, 2, 0), ended(0, 3, 4, breaker_verb::failure, 0, true, trip),
                    saw(1, 5, 6, seen_open ? open : closed)};
    };
    EXPECT_TRUE(linearizable(with_the_failure(true), fresh()));
    EXPECT_FALSE(linearizable(with_the_failure(false), fresh()));
    // Nobody was told, everybody goes on.
    EXPECT_FALSE(linearizable(
        hist{admitted(0, 1, 2, 0), ended(0, 3, 4, breaker_verb::failure, 0, true), admitted(1, 5, 6, 6)}, fresh()));
}

TEST(breaker_history, refuses_an_early_trip) {
    breaker_rules two = strict;
    two.trips.in_a_row = 2;
    EXPECT_FALSE(
        linearizable(hist{admitted(0, 1, 2, 0), ended(0, 3, 4, breaker_verb::failure, 0, true, trip)}, fresh(two)));
}

TEST(breaker_history, refuses_a_probe_too_many) {
    EXPECT_TRUE(
        linearizable(hist{admitted(0, 1, 4, 0, probe), refused(1, 2, 3, 6, errc::too_many_probes)}, about_to_probe()));
    EXPECT_FALSE(linearizable(hist{admitted(0, 1, 4, 0, probe), admitted(1, 2, 3, 6)}, about_to_probe()));
}

TEST(breaker_history, refuses_a_place_that_is_never_given_back) {
    const auto after = [](op last) {
        return hist{admitted(0, 1, 2, 0, probe), ended(0, 3, 4, breaker_verb::ignore, 0, true), last};
    };
    EXPECT_TRUE(linearizable(after(admitted(1, 5, 6, 6)), about_to_probe()));
    EXPECT_FALSE(linearizable(after(refused(1, 5, 6, 6, errc::too_many_probes)), about_to_probe()));
}

TEST(breaker_history, refuses_a_callback_that_comes_twice_or_never_or_skips) {
    const auto told_as = [](const std::vector<transition>& told) {
        hist h{admitted(0, 1, 2, 0), ended(0, 3, 4, breaker_verb::failure, 0, true)};
        for (const transition& t : told) h.back().answer.tell(t);
        return h;
    };
    EXPECT_TRUE(linearizable(told_as({trip}), fresh()));
    EXPECT_FALSE(linearizable(told_as({}), fresh()));
    EXPECT_FALSE(linearizable(told_as({trip, trip}), fresh()));
    EXPECT_FALSE(linearizable(told_as({{breaker_state::closed, breaker_state::open, 3}}), fresh()));
    // Both racers say that they made the one transition.
    breaker_rules two = strict;
    two.max_requests = 2;
    EXPECT_FALSE(linearizable(hist{admitted(0, 1, 4, 0, probe), admitted(1, 2, 3, 6, probe)}, about_to_probe(two)));
}

TEST(breaker_history, refuses_a_generation_that_is_skipped) {
    const breaker_snapshot skipped{.state = breaker_state::open, .generation = 3, .counts = {}, .retry_after = 10ns};
    EXPECT_FALSE(linearizable(
        hist{admitted(0, 1, 2, 0), ended(0, 3, 4, breaker_verb::failure, 0, true, trip), saw(1, 5, 6, skipped)},
        fresh()));
}

TEST(breaker_history, refuses_a_stale_result_that_counts) {
    const auto late = [](bool counted) {
        return hist{admitted(0, 1, 2, 0), admitted(1, 3, 4, 6), ended(0, 5, 6, breaker_verb::failure, 0, true, trip),
                    ended(1, 7, 8, breaker_verb::success, 6, counted)};
    };
    EXPECT_TRUE(linearizable(late(false), fresh()));
    EXPECT_FALSE(linearizable(late(true), fresh()));
}

TEST(breaker_history, refuses_an_order_against_real_time) {
    // Refused before anybody failed.
    EXPECT_FALSE(linearizable(hist{admitted(0, 1, 2, 0), refused(1, 3, 4, 6, errc::circuit_open),
                                   ended(0, 5, 6, breaker_verb::failure, 0, true, trip)},
                              fresh()));
    EXPECT_TRUE(linearizable(hist{admitted(0, 1, 2, 0), refused(1, 3, 6, 6, errc::circuit_open),
                                  ended(0, 4, 7, breaker_verb::failure, 0, true, trip)},
                             fresh()));
}

TEST(breaker_spec, keeps_time_to_the_nanosecond) {
    breaker_spec spec =
        fresh({.max_requests = 2, .interval = 5ns, .timeout = 10ns, .probe_timeout = 7ns, .trips = {.in_a_row = 1}});
    spec.apply({breaker_verb::acquire, 0});
    spec.advance(4ns);
    EXPECT_EQ(spec.look().counts.requests, 1U);
    spec.advance(1ns);
    EXPECT_EQ(spec.look().counts.requests, 0U);
    // Ends in the next window, its request with it, and trips there.
    const breaker_answer end = spec.apply({breaker_verb::failure, 0});
    EXPECT_TRUE(end.counted);
    EXPECT_EQ(end.change, trip);
    spec.advance(9ns);
    EXPECT_EQ(spec.look().retry_after, 1ns);
    EXPECT_EQ(spec.apply({breaker_verb::acquire, 0}).refusal, errc::circuit_open);
    spec.advance(1ns);
    EXPECT_EQ(spec.apply({breaker_verb::acquire, 0}).change, probe);
    spec.advance(7ns);
    EXPECT_EQ(spec.look().generation, 4U);
    EXPECT_EQ(spec.apply({breaker_verb::acquire, 1}).told, 1U);
    EXPECT_FALSE(spec.apply({breaker_verb::success, 0}).counted);
    EXPECT_TRUE(spec.apply({breaker_verb::success, 1}).counted);
    EXPECT_EQ(spec.look().state, breaker_state::half_open);
    spec.apply({breaker_verb::acquire, 1});
    EXPECT_EQ(spec.apply({breaker_verb::success, 1}).change.to, breaker_state::closed);
}

TEST(breaker_spec, hashes_equal_states_alike) {
    const breaker_spec a = about_to_probe();
    breaker_spec b = fresh();
    b.apply({breaker_verb::acquire, 3});
    b.apply({breaker_verb::failure, 3});
    b.advance(10ns);
    EXPECT_EQ(a, b);
    EXPECT_EQ(a.hash(), b.hash());
    b.apply({breaker_verb::acquire, 3});
    EXPECT_FALSE(a == b);
}

/// Brute force again, on the real specification: two threads, every order of their operations.
bool some_order_fits(const hist& h, std::size_t a, std::size_t b, const breaker_spec& state,
                     const std::vector<std::size_t>& of_first, const std::vector<std::size_t>& of_second) {
    if (a == of_first.size() && b == of_second.size()) return true;
    const auto try_one = [&](bool first) {
        const auto& own = first ? of_first : of_second;
        const auto& other = first ? of_second : of_first;
        const std::size_t at = first ? a : b;
        const std::size_t others = first ? b : a;
        if (at == own.size()) return false;
        const op& next = h[own[at]];
        if (others != other.size() && h[other[others]].returned < next.invoked) return false;
        breaker_spec after = state;
        return after.apply(next.call) == next.answer &&
               some_order_fits(h, a + (first ? 1 : 0), b + (first ? 0 : 1), after, of_first, of_second);
    };
    return try_one(true) || try_one(false);
}

TEST(breaker_history, checker_agrees_with_brute_force) {
    std::mt19937 random(3);
    int good = 0;
    constexpr int histories = 5000;
    for (int i = 0; i != histories; ++i) {
        breaker_rules rules = strict;
        rules.max_requests = 1 + static_cast<std::uint32_t>(random() % 2);
        rules.timeout = std::chrono::nanoseconds(random() % 2);
        rules.trips.in_a_row = 1 + static_cast<std::uint32_t>(random() % 2);
        const breaker_spec start = random() % 2 == 0 ? fresh(rules) : about_to_probe(rules);
        // Operations take effect in the order of this loop; their intervals reach a few places further either way.
        breaker_spec state = start;
        hist h;
        std::vector<std::size_t> of[2];
        std::uint64_t free_from[2] = {1, 1};
        for (std::uint64_t step = 1; step != 8; ++step) {
            const auto thread = static_cast<unsigned>(random() % 2);
            op o{thread, std::max(free_from[thread], 100 * step - random() % 100), 100 * step + random() % 200, {}, {}};
            if (o.returned < o.invoked) o.returned = o.invoked;
            free_from[thread] = o.returned + 1;
            o.call = {static_cast<breaker_verb>(random() % 6), thread * 6 + random() % 2};
            o.answer = state.apply(o.call);
            if (random() % 24 == 0) o.answer.counted = !o.answer.counted;
            if (random() % 24 == 0) o.answer.seen.counts.requests ^= 1;
            of[thread].push_back(h.size());
            h.push_back(o);
        }
        // Some are shuffled in time, which real time may forbid.
        if (random() % 2 == 0 && !of[0].empty() && !of[1].empty()) {
            std::swap(h[of[0].back()].answer, h[of[1].back()].answer);
        }
        const bool expected = some_order_fits(h, 0, 0, start, of[0], of[1]);
        good += expected ? 1 : 0;
        ASSERT_EQ(linearizable(h, start), expected) << "history " << i;
    }
    EXPECT_GT(good, histories / 10);
    EXPECT_LT(good, histories - histories / 10);
}

}  // namespace
}  // namespace bulwark::lin
