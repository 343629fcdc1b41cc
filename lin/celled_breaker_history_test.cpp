// Histories of a circuit breaker with cells, known to be within its guarantee or beyond it: each clause of
// celled_breaker_spec.hpp once where it gives way, and once where it does not.
#include "breaker_spec.hpp"
#include "celled_breaker_spec.hpp"
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

op admitted(unsigned thread, std::uint64_t from, std::uint64_t to, std::size_t permit) {
    return {thread, from, to, {breaker_verb::acquire, permit}, {}};
}
op ended(unsigned thread, std::uint64_t from, std::uint64_t to, breaker_verb how, std::size_t permit,
         bool counted = true, transition told = {}) {
    breaker_answer a;
    a.counted = counted;
    if (told.generation != 0) a.tell(told);
    return {thread, from, to, {how, permit}, a};
}
op saw(unsigned thread, std::uint64_t from, std::uint64_t to, const breaker_counts& what) {
    return {thread,
            from,
            to,
            {breaker_verb::snapshot, 0},
            {.seen = {.state = breaker_state::closed, .generation = 1, .counts = what}, .change = {}}};
}

/// Trips at half of two; the permits 0 to `under_way` - 1 are out.
breaker_spec start(std::size_t under_way, trip_rule trips = {.in_a_row = 0, .percent = 60, .at_least = 2}) {
    breaker_spec spec({.max_requests = 1, .timeout = 10ns, .trips = trips}, 1000ns);
    for (std::size_t i = 0; i != under_way; ++i) spec.apply({breaker_verb::acquire, i});
    return spec;
}

bool with_cells(const hist& h, const breaker_spec& from) {
    return linearizable(h, celled_breaker_spec(from));
}

constexpr auto good = breaker_verb::success;
constexpr auto bad = breaker_verb::failure;

TEST(celled_breaker, a_success_that_overlaps_a_failure_may_be_before_it_in_the_row_and_after_it_in_the_totals) {
    const auto h = [](std::uint64_t success_returns) {
        return hist{
            ended(0, 1, success_returns, good, 0), ended(1, 2, 3, bad, 1),
            saw(1, 4, 5, {.requests = 2, .total_failures = 1, .consecutive_failures = 1}),
            saw(1, 8, 9, {.requests = 2, .total_successes = 1, .total_failures = 1, .consecutive_failures = 1})};
    };
    const breaker_spec from = start(2, {.in_a_row = 3, .percent = 0, .at_least = 0});
    EXPECT_TRUE(with_cells(h(7), from));
    EXPECT_FALSE(linearizable(h(7), from));
    // It has returned before the first snapshot: that must show it.
    hist late = h(7);
    late[0].returned = 3;
    EXPECT_FALSE(with_cells(late, from));
}

TEST(celled_breaker, a_success_may_show_in_the_totals_before_it_shows_in_the_row) {
    const breaker_counts half{.requests = 1, .total_successes = 1};
    const breaker_counts full{.requests = 1, .total_successes = 1, .consecutive_successes = 1};
    const breaker_spec from = start(1);
    EXPECT_TRUE(
        with_cells(hist{ended(0, 1, 8, good, 0), saw(1, 2, 3, half), saw(1, 4, 5, half), saw(1, 6, 7, full)}, from));
    EXPECT_FALSE(with_cells(hist{ended(0, 1, 8, good, 0), saw(1, 2, 3, full), saw(1, 4, 5, half)}, from));
    EXPECT_FALSE(with_cells(hist{ended(0, 1, 2, good, 0), saw(1, 3, 4, half)}, from));
    const breaker_counts never{.requests = 1, .consecutive_successes = 1};
    EXPECT_FALSE(with_cells(hist{ended(0, 1, 8, good, 0), saw(1, 2, 7, never)}, from));
}

TEST(celled_breaker, requests_are_read_last) {
    // The reader overlaps a whole call: it may miss the outcome and see the request, not the other way round.
    const auto h = [](const breaker_counts& c) {
        return hist{saw(1, 1, 10, c), admitted(0, 2, 3, 0), ended(0, 4, 5, good, 0), admitted(0, 6, 7, 1)};
    };
    EXPECT_TRUE(with_cells(h({.requests = 2}), start(0)));
    EXPECT_FALSE(linearizable(h({.requests = 2}), start(0)));
    EXPECT_FALSE(with_cells(h({.requests = 0, .total_successes = 1, .consecutive_successes = 1}), start(0)));
    // Not from before the call, and not what never was.
    EXPECT_FALSE(with_cells(h({.requests = 3}), start(0)));
    EXPECT_FALSE(
        with_cells(hist{ended(0, 1, 2, good, 0), saw(1, 3, 6, {.requests = 1}), admitted(0, 4, 5, 1)}, start(1)));
}

TEST(celled_breaker, failures_are_the_same_at_all_readings_of_a_snapshot) {
    // One head does not show both ways: a success before the failure, and a request that came only after it.
    EXPECT_FALSE(with_cells(hist{saw(1, 1, 10, {.requests = 3, .total_successes = 1, .consecutive_successes = 1}),
                                 ended(0, 2, 3, good, 0), ended(0, 4, 5, bad, 1), admitted(0, 6, 7, 2)},
                            start(2)));
    EXPECT_FALSE(with_cells(
        hist{saw(1, 1, 10, {.requests = 3, .total_ignored = 0}), ended(0, 2, 3, bad, 0), admitted(0, 4, 5, 2)},
        start(2)));
}

TEST(celled_breaker, ignored_calls_are_read_first) {
    const auto h = [](const breaker_counts& c) {
        return hist{saw(1, 1, 10, c), ended(0, 2, 3, breaker_verb::ignore, 0), ended(0, 4, 5, good, 1)};
    };
    EXPECT_TRUE(with_cells(h({.requests = 2, .total_successes = 1, .consecutive_successes = 1}), start(2)));
    EXPECT_FALSE(linearizable(h({.requests = 2, .total_successes = 1, .consecutive_successes = 1}), start(2)));
    const auto other_way = [](const breaker_counts& c) {
        return hist{saw(1, 1, 10, c), ended(0, 2, 3, good, 1), ended(0, 4, 5, breaker_verb::ignore, 0)};
    };
    EXPECT_FALSE(with_cells(other_way({.requests = 2, .total_ignored = 1}), start(2)));
}

TEST(celled_breaker, a_failure_need_not_weigh_a_success_that_overlaps_it) {
    // One failure of two trips nothing, one of one is too few: the trip needs two of two, though a success came first.
    const auto h = [](op success) {
        return hist{ended(1, 1, 2, bad, 1), success, ended(1, 5, 10, bad, 2, true, trip)};
    };
    const trip_rule rule{.in_a_row = 0, .percent = 90, .at_least = 2};
    EXPECT_TRUE(with_cells(h(ended(0, 6, 7, good, 0)), start(3, rule)));
    EXPECT_FALSE(with_cells(h(ended(0, 3, 4, good, 0)), start(3, rule)));
}

TEST(celled_breaker, a_failure_weighs_what_was_before_the_last_failure_that_it_weighs) {
    // Between the first success and the report of thread 1 another failure was counted: it must look again.
    const trip_rule rule{.in_a_row = 0, .percent = 60, .at_least = 2};
    const auto h = [](transition told) {
        return hist{ended(1, 1, 10, bad, 1, true, told), ended(0, 2, 3, good, 0), ended(0, 4, 5, good, 3),
                    ended(0, 6, 7, bad, 2)};
    };
    EXPECT_FALSE(with_cells(h(trip), start(4, rule)));
    EXPECT_TRUE(with_cells(h({}), start(4, rule)));
}

TEST(celled_breaker, a_success_that_overlaps_a_trip_may_answer_true_and_count_nowhere) {
    const breaker_spec from = start(2, {.in_a_row = 1, .percent = 0, .at_least = 0});
    EXPECT_TRUE(with_cells(hist{ended(0, 1, 4, good, 0), ended(1, 2, 3, bad, 1, true, trip)}, from));
    EXPECT_FALSE(with_cells(hist{ended(1, 1, 2, bad, 1, true, trip), ended(0, 3, 4, good, 0)}, from));
}

TEST(celled_breaker, parts_in_one_piece_are_the_whole) {
    std::mt19937 random(5);
    for (int i = 0; i != 20000; ++i) {
        const breaker_rules rules{.max_requests = 1 + static_cast<std::uint32_t>(random() % 2),
                                  .interval = std::chrono::nanoseconds(random() % 3),
                                  .timeout = std::chrono::nanoseconds(random() % 2),
                                  .probe_timeout = std::chrono::nanoseconds(random() % 2),
                                  .trips = {.in_a_row = static_cast<std::uint32_t>(random() % 3), .at_least = 3}};
        breaker_spec exact(rules, 1000ns);
        celled_breaker_spec celled(exact);
        for (int step = 0; step != 12; ++step) {
            if (random() % 4 == 0) {
                exact.advance(1ns);
                celled.advance(1ns);
            }
            const breaker_call c{static_cast<breaker_verb>(random() % 6), random() % 3};
            const breaker_answer whole = exact.apply(c);
            for_each_part(c, whole, [&](breaker_part p) {
                ASSERT_EQ(celled.apply({c, p, 1}), celled_breaker_spec::share_of(p, whole)) << c << " in " << i;
            });
            ASSERT_EQ(exact, static_cast<const breaker_spec&>(celled)) << c << " in " << i;
        }
    }
}

TEST(celled_breaker, takes_every_history_that_is_exact) {
    std::mt19937 random(7);
    for (int i = 0; i != 3000; ++i) {
        const breaker_spec from = start(random() % 4);
        breaker_spec state = from;
        hist h;
        std::uint64_t free_from[2] = {1, 1};
        for (std::uint64_t step = 1; step != 9; ++step) {
            const auto thread = static_cast<unsigned>(random() % 2);
            op o{thread, std::max(free_from[thread], 100 * step - random() % 100), 100 * step + random() % 200, {}, {}};
            o.returned = std::max(o.returned, o.invoked);
            free_from[thread] = o.returned + 1;
            o.call = {static_cast<breaker_verb>(random() % 6), random() % 4};
            o.answer = state.apply(o.call);
            h.push_back(o);
        }
        ASSERT_TRUE(linearizable(taken_apart(h), celled_breaker_spec(from))) << "history " << i;
    }
}

}  // namespace
}  // namespace bulwark::lin
