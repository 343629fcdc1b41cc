// Histories of a bulkhead, known to be good or bad, before the checker with the bulkhead's specification.
#include "bulkhead_spec.hpp"
#include "checker.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace bulwark::lin {
namespace {

using op = operation<bulkhead_call, bulkhead_answer>;
using hist = history<bulkhead_call, bulkhead_answer>;

op acquire(unsigned thread, std::uint64_t from, std::uint64_t to, bool admitted) {
    return {thread,
            from,
            to,
            {.verb = bulkhead_verb::acquire},
            {.admitted = admitted, .why = admitted ? errc{} : errc::bulkhead_full}};
}
op release(unsigned thread, std::uint64_t from, std::uint64_t to) {
    return {thread, from, to, {.verb = bulkhead_verb::release}, {}};
}
op wait(unsigned thread, std::uint64_t from, std::uint64_t to, std::uint32_t n, errc why = {}) {
    return {thread, from, to, {.verb = bulkhead_verb::wait, .weight = n}, {.admitted = why == errc{}, .why = why}};
}
op resize(unsigned thread, std::uint64_t from, std::uint64_t to, std::uint32_t n) {
    return {thread, from, to, {.verb = bulkhead_verb::resize, .weight = n}, {}};
}
op in_use(unsigned thread, std::uint64_t from, std::uint64_t to, std::uint32_t n) {
    return {thread, from, to, {.verb = bulkhead_verb::in_use}, {.figure = n}};
}

TEST(bulkhead_history, takes_a_race_for_the_last_permit) {
    EXPECT_TRUE(linearizable(hist{acquire(0, 1, 4, true), acquire(1, 2, 3, false)}, bulkhead_spec(1)));
    EXPECT_TRUE(linearizable(hist{acquire(0, 1, 3, false), acquire(1, 2, 4, true)}, bulkhead_spec(1)));
}

TEST(bulkhead_history, refuses_one_inside_too_many) {
    EXPECT_FALSE(linearizable(hist{acquire(0, 1, 4, true), acquire(1, 2, 3, true)}, bulkhead_spec(1)));
}

TEST(bulkhead_history, refuses_a_refusal_with_a_permit_free) {
    EXPECT_FALSE(linearizable(hist{acquire(0, 1, 4, false), acquire(1, 2, 3, false)}, bulkhead_spec(1)));
    EXPECT_FALSE(
        linearizable(hist{acquire(0, 1, 2, true), release(0, 3, 4), acquire(1, 5, 6, false)}, bulkhead_spec(1)));
}

TEST(bulkhead_history, takes_a_refusal_beside_the_giving_back) {
    EXPECT_TRUE(
        linearizable(hist{acquire(0, 1, 2, true), release(0, 3, 6), acquire(1, 4, 5, false)}, bulkhead_spec(1)));
    EXPECT_TRUE(linearizable(hist{acquire(0, 1, 2, true), release(0, 3, 6), acquire(1, 4, 5, true)}, bulkhead_spec(1)));
}

TEST(bulkhead_history, refuses_a_stale_figure) {
    EXPECT_FALSE(linearizable(hist{acquire(0, 1, 2, true), in_use(1, 3, 4, 0)}, bulkhead_spec(2)));
    EXPECT_TRUE(linearizable(hist{acquire(0, 1, 4, true), in_use(1, 2, 3, 0)}, bulkhead_spec(2)));
    // The new figure, then the old one again.
    EXPECT_FALSE(linearizable(hist{acquire(0, 1, 6, true), in_use(1, 2, 3, 1), in_use(1, 4, 5, 0)}, bulkhead_spec(2)));
}

TEST(bulkhead_history, takes_a_waiter_that_is_admitted_by_a_permit_that_comes_back) {
    EXPECT_TRUE(linearizable(hist{acquire(0, 1, 2, true), wait(1, 3, 6, 1), release(0, 4, 5)}, bulkhead_spec(1)));
    EXPECT_FALSE(linearizable(hist{acquire(0, 1, 2, true), wait(1, 3, 4, 1), release(0, 5, 6)}, bulkhead_spec(1)));
}

TEST(bulkhead_history, takes_waiters_in_one_order_only) {
    const op one = acquire(0, 1, 2, true);
    const auto with = [&](op second, op third) {
        return linearizable(hist{one, second, third, release(0, 8, 9)}, bulkhead_spec(1));
    };
    // One permit, and nobody gives it back again: the other of the two leaves.
    EXPECT_TRUE(with(wait(1, 3, 12, 1), wait(2, 4, 13, 1, errc::timed_out)));
    EXPECT_TRUE(with(wait(1, 3, 12, 1, errc::stopped), wait(2, 4, 13, 1)));
    EXPECT_FALSE(with(wait(1, 3, 12, 1), wait(2, 4, 13, 1)));
}

TEST(bulkhead_history, refuses_a_newcomer_that_passes_a_waiter) {
    // Two of three are taken; the third thread waits for two, and was seen to have joined: somebody was refused one.
    const auto with = [](bool admitted) {
        return linearizable(hist{acquire(0, 1, 2, true), acquire(0, 3, 4, true), wait(2, 5, 14, 2),
                                 acquire(1, 6, 7, false), acquire(1, 8, 9, admitted), release(0, 10, 11)},
                            bulkhead_spec(3));
    };
    EXPECT_TRUE(with(false));
    EXPECT_FALSE(with(true));
}

TEST(bulkhead_history, lets_those_behind_pass_who_leaves) {
    const auto with = [](errc large) {
        return linearizable(
            hist{acquire(0, 1, 2, true), wait(1, 3, 12, 2, large), acquire(0, 4, 5, false), wait(2, 6, 13, 1)},
            bulkhead_spec(2));
    };
    EXPECT_TRUE(with(errc::timed_out));
    EXPECT_FALSE(with(errc{}));
}

TEST(bulkhead_history, refuses_leaving_with_the_permit_there) {
    EXPECT_FALSE(linearizable(hist{wait(0, 1, 2, 1, errc::timed_out)}, bulkhead_spec(1)));
    EXPECT_FALSE(linearizable(hist{acquire(0, 1, 2, true), release(0, 3, 4), wait(1, 5, 8, 1, errc::timed_out)},
                              bulkhead_spec(1)));
}

TEST(bulkhead_history, knows_the_length_of_the_queue) {
    const auto with = [](std::uint32_t most) {
        return linearizable(
            hist{acquire(0, 1, 2, true), wait(1, 3, 9, 1, errc::timed_out), wait(2, 4, 8, 1, errc::queue_full)},
            bulkhead_spec(1, most));
    };
    EXPECT_TRUE(with(1));
    EXPECT_FALSE(with(2));
}

TEST(bulkhead_history, takes_a_resize_at_one_instant) {
    EXPECT_TRUE(linearizable(hist{wait(1, 1, 9, 3, errc::over_capacity), resize(0, 2, 3, 2)}, bulkhead_spec(4)));
    EXPECT_FALSE(linearizable(hist{resize(0, 1, 2, 4), wait(1, 3, 9, 3, errc::over_capacity)}, bulkhead_spec(2)));
    // Shrunk below what is in use: nobody is admitted until enough came back.
    const auto with = [](bool admitted) {
        return linearizable(hist{acquire(0, 1, 2, true), acquire(0, 3, 4, true), resize(1, 5, 6, 1), release(0, 7, 8),
                                 acquire(1, 9, 10, admitted)},
                            bulkhead_spec(3));
    };
    EXPECT_TRUE(with(false));
    EXPECT_FALSE(with(true));
}

}  // namespace
}  // namespace bulwark::lin
