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
    return {thread, from, to, {bulkhead_verb::acquire}, {.admitted = admitted}};
}
op release(unsigned thread, std::uint64_t from, std::uint64_t to) {
    return {thread, from, to, {bulkhead_verb::release}, {}};
}
op in_use(unsigned thread, std::uint64_t from, std::uint64_t to, std::uint32_t n) {
    return {thread, from, to, {bulkhead_verb::in_use}, {.figure = n}};
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

}  // namespace
}  // namespace bulwark::lin
