// The cells of a breaker: whatever caller counts where, the counts are exact at rest, in every window and to the end of
// their range. What differs from the reference in a random sequence of calls is for differential_test.cpp.
#include "narrow.hpp"

#include <bulwark/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::breaker_state;
using bulwark::circuit_breaker_config;
using bulwark::errc;
using bulwark::manual_clock;
using bulwark::detail::layout_widths;
using bulwark::detail::no_thread_slot;
using bulwark::test::breaker_of;
using bulwark::test::playing;
using namespace std::chrono_literals;

using breaker = breaker_of<layout_widths{}>;

constexpr auto never_trips = [](const breaker_counts&) { return false; };

template <class Breaker>
void succeed(Breaker& b, std::uint32_t slot) {
    const playing caller(slot);
    ASSERT_TRUE(b.try_acquire()->success());
}

template <class Breaker>
void fail(Breaker& b, std::uint32_t slot) {
    const playing caller(slot);
    ASSERT_TRUE(b.try_acquire()->failure());
}

TEST(Cells, AreAsLargeAsTheDocumentationSays) {
    static_assert(sizeof(bulwark::detail::cell<bulwark::detail::default_traits>) == 64);
    static_assert(alignof(bulwark::detail::cell<bulwark::detail::default_traits>) == 64);
    static_assert(sizeof(bulwark::detail::shared_cell<bulwark::detail::default_traits>) == 64);
    static_assert(bulwark::detail::layout::shared_cells == 8);
    static_assert(sizeof(bulwark::circuit_breaker) == 384);
}

TEST(Cells, TheCountsAreThoseOfAllCellsAndOfTheHead) {
    manual_clock::reset();
    breaker b{{.ready_to_trip = never_trips, .cells = 3}};
    for (const std::uint32_t slot : {0U, 2U, 1U, 3U, 1024U, no_thread_slot}) succeed(b, slot);
    EXPECT_EQ(b.counts(), (breaker_counts{6, 6, 0, 0, 6, 0}));
    fail(b, 2);
    EXPECT_EQ(b.counts(), (breaker_counts{7, 6, 1, 0, 0, 1}));
    for (const std::uint32_t slot : {1U, 1U, 2U, 0U, 7U}) succeed(b, slot);
    EXPECT_EQ(b.counts(), (breaker_counts{12, 11, 1, 0, 5, 0})) << "the row since the failure, over all cells";
    {
        const playing caller(1);
        const auto dropped = b.try_acquire();
        EXPECT_EQ(b.counts(), (breaker_counts{13, 11, 1, 0, 5, 0}));
    }
    EXPECT_EQ(b.counts(), (breaker_counts{13, 11, 1, 1, 5, 0}));
}

TEST(Cells, ThatAreSharedCountInEveryWindowAndRow) {
    manual_clock::reset();
    breaker b{{.interval = 10s, .ready_to_trip = never_trips, .cells = 1}};
    const std::vector<std::uint32_t> beyond = {1, 2, 8, 9, 500, no_thread_slot};  // 1, 9 and the last share a cell
    for (std::uint32_t window = 1; window != 4; ++window) {
        for (const std::uint32_t slot : beyond) succeed(b, slot);
        EXPECT_EQ(b.counts(), (breaker_counts{6, 6, 0, 0, 6, 0}));
        fail(b, 9);
        fail(b, 2);
        for (const std::uint32_t slot : beyond) succeed(b, slot);
        EXPECT_EQ(b.counts(), (breaker_counts{14, 12, 2, 0, 6, 0})) << "the row since the second failure";
        manual_clock::advance(10s);
        EXPECT_EQ(b.counts(), breaker_counts{});
        succeed(b, 8);
        EXPECT_EQ(b.counts(), (breaker_counts{1, 1, 0, 0, 1, 0})) << "the other cells are of the window before";
        manual_clock::advance(10s);
    }
}

TEST(Cells, ThatAreSharedAndFullLeaveTheRestToTheHead) {
    manual_clock::reset();
    breaker_of<bulwark::test::two_shared> b{{.ready_to_trip = never_trips, .cells = 1}};
    for (std::uint32_t i = 1; i != 10; ++i) {
        succeed(b, 1);
        EXPECT_EQ(b.counts(), (breaker_counts{i, i, 0, 0, i, 0}));
    }
    fail(b, 1);
    for (std::uint32_t i = 1; i != 10; ++i) {
        succeed(b, 1);
        EXPECT_EQ(b.counts(), (breaker_counts{10 + i, 9 + i, 1, 0, i, 0}));
    }
}

TEST(Cells, ACallMayEndAtAnotherSlotThanItBegan) {
    manual_clock::reset();
    breaker b{{.ready_to_trip = never_trips, .cells = 2}};
    for (const std::uint32_t begin : {0U, 1U, 2U}) {
        for (const std::uint32_t end : {0U, 1U, 2U}) {
            const playing first(begin);
            auto permit = b.try_acquire();
            const playing second(end);
            EXPECT_TRUE(permit->success());
        }
    }
    EXPECT_EQ(b.counts(), (breaker_counts{9, 9, 0, 0, 9, 0}));
}

TEST(Cells, ThePolicyIsAskedWithTheCountsOfAllCells) {
    manual_clock::reset();
    std::vector<breaker_counts> asked;
    breaker b{{.ready_to_trip =
                   [&](const breaker_counts& c) {
                       asked.push_back(c);
                       return c.total_failures == 3;
                   },
               .cells = 2}};
    for (const std::uint32_t slot : {0U, 1U, 2U, 1U}) succeed(b, slot);
    fail(b, 1);
    succeed(b, 0);
    const playing caller(0);
    const auto under_way = b.try_acquire();
    fail(b, 2);
    fail(b, 0);
    ASSERT_EQ(asked.size(), 3U);
    EXPECT_EQ(asked[0], (breaker_counts{5, 4, 1, 0, 0, 1}));
    EXPECT_EQ(asked[1], (breaker_counts{8, 5, 2, 0, 0, 1}));
    EXPECT_EQ(asked[2], (breaker_counts{9, 5, 3, 0, 0, 2}));
    EXPECT_EQ(b.state(), breaker_state::open);
    EXPECT_EQ(b.counts(), breaker_counts{});
}

TEST(Cells, CountNothingInTheWindowAfterTheirOwn) {
    manual_clock::reset();
    breaker b{{.interval = 10s, .ready_to_trip = never_trips, .cells = 2}};
    for (int i = 0; i != 5; ++i) succeed(b, 0);
    manual_clock::advance(10s);
    EXPECT_EQ(b.counts(), breaker_counts{});
    succeed(b, 1);
    EXPECT_EQ(b.counts(), (breaker_counts{1, 1, 0, 0, 1, 0})) << "the cell of slot 0 is in the window before";
    succeed(b, 0);
    EXPECT_EQ(b.counts(), (breaker_counts{2, 2, 0, 0, 2, 0}));
}

TEST(Cells, FollowTheBreakerThroughAllOfItsStates) {
    manual_clock::reset();
    breaker b{{.max_requests = 2, .timeout = 5s, .ready_to_trip = bulwark::consecutive_failures(2), .cells = 2}};
    for (std::uint64_t round = 0; round != 5; ++round) {
        const playing caller(0);
        succeed(b, 0);
        auto stale = b.try_acquire();
        fail(b, 1);
        fail(b, 0);
        EXPECT_FALSE(stale->success());
        for (const std::uint32_t slot : {0U, 1U, 2U}) {
            const playing refused(slot);
            EXPECT_EQ(b.try_acquire().error(), errc::circuit_open);
            EXPECT_EQ(b.try_acquire().error(), errc::circuit_open) << "as the cell remembers it";
        }
        manual_clock::advance(5s - 1ns);
        EXPECT_EQ(b.try_acquire().error(), errc::circuit_open);
        manual_clock::advance(1ns);
        succeed(b, 0);
        succeed(b, 1);
        EXPECT_EQ(b.generation(), 4 + 3 * round);
        EXPECT_EQ(b.state(), breaker_state::closed);
        EXPECT_EQ(b.counts(), breaker_counts{});
    }
}

TEST(Cells, ABreakerThatNeverOpensAgainRefusesForEver) {
    manual_clock::reset();
    constexpr auto forever = std::chrono::nanoseconds::max();
    breaker b{{.interval = forever, .timeout = forever, .ready_to_trip = bulwark::consecutive_failures(1), .cells = 1}};
    const playing caller(0);
    manual_clock::advance(1ns);  // the timeout of a breaker that opens now is past the clock's end
    fail(b, 0);
    for (int i = 0; i != 3; ++i) {
        EXPECT_EQ(b.try_acquire().error(), errc::circuit_open);
        manual_clock::advance(forever);
    }
}

TEST(Cells, ThreadsThatComeAndGoAreAllCounted) {
    bulwark::circuit_breaker b{{.interval = 0s}};
    for (std::uint32_t threads = 1; threads <= 40; ++threads) {
        std::thread([&] {
            for (int i = 0; i != 10; ++i) b.try_acquire()->success();
        }).join();
        ASSERT_EQ(b.counts(), (breaker_counts{10 * threads, 10 * threads, 0, 0, 10 * threads, 0}));
    }
}

TEST(Cells, AThreadKeepsManyBreakersApart) {
    manual_clock::reset();
    std::deque<bulwark::basic_circuit_breaker<manual_clock>> breakers;
    for (std::uint32_t i = 0; i != 100; ++i) breakers.emplace_back(circuit_breaker_config{.cells = i % 3});
    for (std::uint32_t calls = 1; calls != 4; ++calls) {
        for (auto& b : breakers) b.try_acquire()->success();
        for (auto& b : breakers) ASSERT_EQ(b.counts(), (breaker_counts{calls, calls, 0, 0, calls, 0}));
    }
}

TEST(Cells, ANewBreakerAtTheSameAddressKnowsNothingOfTheOld) {
    manual_clock::reset();
    std::optional<breaker> b;
    for (int i = 0; i != 3; ++i) {
        b.emplace(circuit_breaker_config{.ready_to_trip = bulwark::consecutive_failures(1), .cells = 2});
        EXPECT_EQ(b->counts(), breaker_counts{});
        for (const std::uint32_t slot : {0U, 1U, 0U, 2U}) succeed(*b, slot);
        EXPECT_EQ(b->counts(), (breaker_counts{4, 4, 0, 0, 4, 0}));
        fail(*b, 1);
        const playing caller(1);
        EXPECT_EQ(b->try_acquire().error(), errc::circuit_open);
    }
}

TEST(Cells, FromNoneToAsManyAsThreadsCanHave) {
    for (const std::uint32_t cells : {0U, 1U, 32U, 1024U}) {
        manual_clock::reset();
        breaker b{{.cells = cells}};
        for (const std::uint32_t slot : {0U, 31U, 1023U, no_thread_slot}) succeed(b, slot);
        EXPECT_EQ(b.counts(), (breaker_counts{4, 4, 0, 0, 4, 0})) << cells;
    }
}

/// The most requests of a window that successful calls, each at a random one of the slots, lead to; and that the counts
/// stay lawful.
template <layout_widths Widths>
std::uint32_t most_requests(std::uint32_t slots, std::uint32_t cells) {
    manual_clock::reset();
    breaker_of<Widths> b{{.interval = 0s, .cells = cells}};
    std::mt19937_64 random(slots);
    std::uint32_t most = 0;
    for (int i = 0; i != 3000; ++i) {
        succeed(b, static_cast<std::uint32_t>(random() % slots));
        const breaker_counts c = b.counts();
        EXPECT_EQ(c.requests, c.total_successes);
        EXPECT_EQ(c.requests, c.consecutive_successes);
        most = std::max(most, c.requests);
    }
    EXPECT_EQ(b.generation(), 1U);
    return most;
}

TEST(Cells, BeginANewWindowBeforeTheCountsOfAllTogetherAreFull) {
    using bulwark::test::four_strides;
    using bulwark::test::one_stride;
    // Three cells, a shared one, the head and one to spare: at 95 of 100 requests one more look is due before each may
    // count again.
    EXPECT_EQ(most_requests<one_stride>(1, 3), 95U);
    EXPECT_EQ(most_requests<one_stride>(3, 3), 95U);
    EXPECT_EQ(most_requests<one_stride>(5, 3), 95U);
    // A look before every fourth request of a cell, and the first of a window is on the head: six times four may come
    // unseen, and at 176 there is just room for them.
    EXPECT_EQ(most_requests<four_strides>(1, 3), 180U);
    for (const std::uint32_t slots : {4U, 5U}) {
        const std::uint32_t in_all_places = most_requests<four_strides>(slots, 3);
        EXPECT_GE(in_all_places, 177U);
        EXPECT_LE(in_all_places, 200U);
    }
}

TEST(Cells, TheEndOfTheCountsInHalfOpenIsNotNear) {
    manual_clock::reset();
    breaker_of<bulwark::test::one_stride> b{
        {.max_requests = 99, .timeout = 1s, .ready_to_trip = bulwark::consecutive_failures(1), .cells = 2}};
    const playing caller(0);
    fail(b, 0);
    manual_clock::advance(1s);
    std::vector<decltype(b)::permit> probes;
    for (int i = 0; i != 99; ++i) probes.push_back(b.try_acquire().value());
    EXPECT_EQ(b.state(), breaker_state::half_open);
    EXPECT_EQ(b.counts().requests, 99U);
    for (auto& probe : probes) EXPECT_TRUE(probe.success());
    EXPECT_EQ(b.state(), breaker_state::closed);
}

TEST(Cells, SuccessesThatAreNotCountedLeaveNoTrace) {
    struct place {
        std::uint32_t cells, slot;
    };
    for (const place where : {place{1, 0}, place{1, no_thread_slot}, place{0, 0}}) {
        manual_clock::reset();
        breaker b{{.interval = 10s,
                   .timeout = 1s,
                   .ready_to_trip = bulwark::consecutive_failures(2),
                   .count_successes = false,
                   .cells = where.cells}};
        const std::uint32_t slot = where.slot;
        const playing caller(slot);
        for (int i = 0; i != 3; ++i) succeed(b, slot);
        EXPECT_EQ(b.counts(), breaker_counts{});
        auto old = b.try_acquire();
        fail(b, slot);
        EXPECT_EQ(b.counts(), (breaker_counts{1, 0, 1, 0, 0, 1})) << "a failure counts its request";
        succeed(b, slot);
        EXPECT_EQ(b.counts(), (breaker_counts{2, 1, 1, 0, 1, 0})) << "and so does the success that ends its row";
        fail(b, slot);
        fail(b, slot);
        EXPECT_EQ(b.state(), breaker_state::open);
        manual_clock::advance(1s);
        succeed(b, slot);
        EXPECT_EQ(b.state(), breaker_state::closed);
        succeed(b, slot);
        EXPECT_FALSE(old->success()) << "it is of the first generation";
    }
}

TEST(Cells, LateResultsDoNotPassTheEndOfTheCounts) {
    manual_clock::reset();
    breaker_of<bulwark::test::one_stride> b{{.interval = 10s, .cells = 2}};
    const playing caller(0);
    std::vector<decltype(b)::permit> late;
    for (int i = 0; i != 150; ++i) late.push_back(b.try_acquire().value());
    manual_clock::advance(10s);
    for (int i = 0; i != 90; ++i) succeed(b, 1);
    EXPECT_EQ(b.counts().requests, 90U);
    std::uint32_t before = 90;
    int windows = 0;
    for (auto& permit : late) {
        ASSERT_TRUE(permit.success());
        const breaker_counts c = b.counts();
        ASSERT_LE(c.requests, 100U);
        ASSERT_EQ(c.requests, c.total_successes);
        if (c.requests < before) ++windows;
        before = c.requests;
    }
    EXPECT_EQ(windows, 2);
}

}  // namespace
