// The pure state machine, row by row: every state, every event, one tick before each boundary, at it, and one after.
// No thread, no clock, no breaker: words and records in, words out, and all of it at compile time if asked.
#include "narrow.hpp"

#include <bulwark/detail/hint.hpp>
#include <bulwark/detail/transition.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::breaker_state;
using bulwark::errc;
using bulwark::outcome;
using bulwark::detail::instant;
using bulwark::detail::layout;
using bulwark::detail::limits;
using bulwark::detail::move;
using bulwark::detail::record;
using bulwark::detail::step;

using M = bulwark::detail::machine<layout>;

constexpr instant start = 1'000'000;
constexpr limits lim{.max_requests = 2, .interval = 100, .timeout = 50, .probe_timeout = 30};
constexpr record rec{.since = start, .generation = 7, .window = 4};

constexpr std::uint64_t head_of(breaker_state state, breaker_counts c = {}) {
    std::uint64_t head = layout::epoch::put(0, 9);
    head = layout::state::put(head, static_cast<std::uint64_t>(state));
    head = layout::requests::put(head, c.requests);
    head = layout::successes::put(head, c.total_successes);
    head = layout::failures::put(head, c.total_failures);
    head = layout::ignored::put(head, c.total_ignored);
    head = layout::run::put(head, c.consecutive_successes + c.consecutive_failures);
    return layout::run_of_failures::put(head, c.consecutive_failures != 0);
}

constexpr breaker_counts none{};
constexpr breaker_counts one_out{.requests = 1};
constexpr breaker_counts two_out{.requests = 2};
constexpr breaker_counts one_good{1, 1, 0, 0, 1, 0};
constexpr breaker_counts good_and_out{2, 1, 0, 0, 1, 0};
constexpr breaker_counts one_given_back{.requests = 1, .total_ignored = 1};

struct admit_row {
    const char* name;
    breaker_state state;
    breaker_counts counts;
    std::uint64_t age;
    move expected_move;
    errc expected_refusal;
};

constexpr auto let_through = errc{};
constexpr auto closed = breaker_state::closed;
constexpr auto open = breaker_state::open;
constexpr auto half_open = breaker_state::half_open;

const admit_row admissions[] = {
    {"closed, at its start", closed, none, 0, move::none, let_through},
    {"closed, a tick before the window ends", closed, one_out, 99, move::none, let_through},
    {"closed, at the window's end", closed, one_out, 100, move::roll, let_through},
    {"closed, a tick after it", closed, one_out, 101, move::roll, let_through},
    {"open, at its start", open, none, 0, move::none, errc::circuit_open},
    {"open, a tick before the timeout", open, none, 49, move::none, errc::circuit_open},
    {"open, at the timeout", open, none, 50, move::probe, let_through},
    {"open, a tick after it", open, none, 51, move::probe, let_through},
    {"half-open, a place free", half_open, one_out, 0, move::none, let_through},
    {"half-open, a place free, a tick before the probe timeout", half_open, one_out, 29, move::none, let_through},
    {"half-open, a place free, a probe silent at it", half_open, one_out, 30, move::renew, let_through},
    {"half-open, a place free, a probe silent a tick after it", half_open, one_out, 31, move::renew, let_through},
    {"half-open, a place free, nobody under way at it", half_open, one_good, 30, move::none, let_through},
    {"half-open, a place given back, nobody under way at it", half_open, one_given_back, 30, move::none, let_through},
    {"half-open, full, at its start", half_open, two_out, 0, move::none, errc::too_many_probes},
    {"half-open, full, a tick before the probe timeout", half_open, two_out, 29, move::none, errc::too_many_probes},
    {"half-open, full, a probe silent at it", half_open, two_out, 30, move::renew, let_through},
    {"half-open, full, one answered and one silent at it", half_open, good_and_out, 30, move::renew, let_through},
    {"half-open, full, one answered, a tick before", half_open, good_and_out, 29, move::none, errc::too_many_probes},
};

TEST(Transition, Admissions) {
    for (const admit_row& row : admissions) {
        SCOPED_TRACE(row.name);
        const std::uint64_t head = head_of(row.state, row.counts);
        const step s = M::admit(head, rec, start + row.age, lim);
        ASSERT_EQ(s.refusal, row.expected_refusal);
        if (s.refusal != let_through) {
            EXPECT_EQ(s.head, 0U);
        } else if (row.expected_move != move::none) {
            EXPECT_EQ(s.head, M::frozen(head, row.expected_move));
        } else {
            breaker_counts more = row.counts;
            ++more.requests;
            EXPECT_EQ(s.head, head_of(row.state, more));
        }
    }
}

struct report_row {
    const char* name;
    breaker_state state;
    breaker_counts counts;
    outcome ended;
    bool same_window;
    std::uint64_t age;
    move expected_move;
    breaker_counts expected_counts;  ///< where no move is expected
};

const report_row reports[] = {
    {"closed, success", closed, {1, 0, 0, 0, 0, 0}, outcome::success, true, 0, move::none, {1, 1, 0, 0, 1, 0}},
    {"closed, success in a row",
     closed,
     {3, 2, 0, 0, 2, 0},
     outcome::success,
     true,
     99,
     move::none,
     {3, 3, 0, 0, 3, 0}},
    {"closed, success ends failures",
     closed,
     {3, 0, 2, 0, 0, 2},
     outcome::success,
     true,
     0,
     move::none,
     {3, 1, 2, 0, 1, 0}},
    {"closed, failure", closed, {1, 0, 0, 0, 0, 0}, outcome::failure, true, 0, move::none, {1, 0, 1, 0, 0, 1}},
    {"closed, failure in a row", closed, {3, 0, 2, 0, 0, 2}, outcome::failure, true, 0, move::none, {3, 0, 3, 0, 0, 3}},
    {"closed, failure ends successes",
     closed,
     {3, 2, 0, 0, 2, 0},
     outcome::failure,
     true,
     0,
     move::none,
     {3, 2, 1, 0, 0, 1}},
    {"closed, ignored", closed, {3, 2, 0, 0, 2, 0}, outcome::ignored, true, 0, move::none, {3, 2, 0, 1, 2, 0}},
    {"closed, a tick before the window ends",
     closed,
     {1, 0, 0, 0, 0, 0},
     outcome::success,
     true,
     99,
     move::none,
     {1, 1, 0, 0, 1, 0}},
    {"closed, at the window's end", closed, {1, 0, 0, 0, 0, 0}, outcome::success, true, 100, move::roll, {}},
    {"closed, a tick after it", closed, {1, 0, 0, 0, 0, 0}, outcome::failure, true, 101, move::roll, {}},
    {"closed, from an earlier window",
     closed,
     {1, 1, 0, 0, 1, 0},
     outcome::success,
     false,
     5,
     move::none,
     {2, 2, 0, 0, 2, 0}},
    {"closed, failure from an earlier window",
     closed,
     none,
     outcome::failure,
     false,
     5,
     move::none,
     {1, 0, 1, 0, 0, 1}},
    {"closed, ignored from an earlier window",
     closed,
     none,
     outcome::ignored,
     false,
     5,
     move::none,
     {1, 0, 0, 1, 0, 0}},
    {"half-open, first success of two",
     half_open,
     {2, 0, 0, 0, 0, 0},
     outcome::success,
     true,
     0,
     move::none,
     {2, 1, 0, 0, 1, 0}},
    {"half-open, last success", half_open, {2, 1, 0, 0, 1, 0}, outcome::success, true, 0, move::close, {}},
    {"half-open, last success after an ignored",
     half_open,
     {3, 1, 0, 1, 1, 0},
     outcome::success,
     true,
     0,
     move::close,
     {}},
    {"half-open, last success past the probe timeout",
     half_open,
     {2, 1, 0, 0, 1, 0},
     outcome::success,
     true,
     31,
     move::close,
     {}},
    {"half-open, failure", half_open, {1, 0, 0, 0, 0, 0}, outcome::failure, true, 0, move::reopen, {}},
    {"half-open, failure after a success", half_open, {2, 1, 0, 0, 1, 0}, outcome::failure, true, 29, move::reopen, {}},
    {"half-open, ignored", half_open, {2, 1, 0, 0, 1, 0}, outcome::ignored, true, 0, move::none, {2, 1, 0, 1, 1, 0}},
};

TEST(Transition, Outcomes) {
    for (const report_row& row : reports) {
        SCOPED_TRACE(row.name);
        const std::uint64_t head = head_of(row.state, row.counts);
        const std::uint64_t window = rec.window - (row.same_window ? 0U : 1U);
        const step s = M::report(head, rec, row.ended, window, start + row.age, lim);
        ASSERT_EQ(s.refusal, errc{});
        if (row.expected_move != move::none) {
            EXPECT_EQ(s.head, M::frozen(head, row.expected_move));
        } else {
            EXPECT_EQ(M::move_of(s.head), move::none);
            EXPECT_EQ(M::counts(s.head, rec), row.expected_counts);
            EXPECT_EQ(layout::epoch_of(s.head), 9U);
            EXPECT_EQ(M::state_of(s.head), row.state);
        }
    }
}

TEST(Transition, ZeroDurationsMeanEndlessOrAtOnce) {
    constexpr limits zero{.max_requests = 2, .interval = 0, .timeout = 0, .probe_timeout = 0};
    constexpr instant late = start + (std::uint64_t{1} << 62);
    EXPECT_EQ(M::due(head_of(closed, one_out), rec, late, zero), move::none);
    EXPECT_EQ(M::due(head_of(open), rec, start, zero), move::probe);
    EXPECT_EQ(M::due(head_of(open), rec, start - 5, zero), move::probe) << "a clock read out of order stands still";
    EXPECT_EQ(M::due(head_of(half_open, one_out), rec, late, zero), move::none);
    EXPECT_FALSE(M::timed(head_of(closed), zero));
    EXPECT_TRUE(M::timed(head_of(open), zero));
    EXPECT_FALSE(M::timed(head_of(half_open), zero));
}

TEST(Transition, ClosedAndOpenLastUntilAMoveBegins) {
    EXPECT_TRUE(M::is_lasting(head_of(closed, two_out)));
    EXPECT_TRUE(M::is_lasting(head_of(open)));
    EXPECT_FALSE(M::is_lasting(head_of(half_open))) << "its places are given and taken";
    EXPECT_FALSE(M::is_lasting(M::frozen(head_of(closed), move::carry)));
    EXPECT_FALSE(M::is_lasting(M::frozen(head_of(open), move::probe)));
    EXPECT_EQ(head_of(closed, {63, 63, 31, 3, 0, 63}) & layout::lasting, head_of(closed) & layout::lasting);
    EXPECT_NE(head_of(open) & layout::lasting, head_of(closed) & layout::lasting);
    EXPECT_NE(M::frozen(head_of(closed), move::roll) & layout::lasting, head_of(closed) & layout::lasting);
}

/// At every time before certain_until() nothing is due, and at that time something is; except that no clock gets to the
/// last instant, where times that it does not reach end.
void is_certain_to_the_tick(std::uint64_t head, const record& r, const limits& at_most, instant until) {
    using bulwark::detail::never;
    EXPECT_EQ(M::certain_until(head, r, at_most), until);
    if (until != 0) {
        EXPECT_EQ(M::due(head, r, until - 1, at_most), move::none);
    }
    if (until < never - 1) {
        EXPECT_NE(M::due(head, r, until, at_most), move::none);
    }
}

TEST(Transition, IsCertainUntilItsTimeIsOver) {
    using bulwark::detail::never;
    is_certain_to_the_tick(head_of(closed, one_good), rec, lim, start + 100);
    is_certain_to_the_tick(head_of(open), rec, lim, start + 50);
    is_certain_to_the_tick(head_of(closed), rec, {.interval = 0, .timeout = 50}, never);
    is_certain_to_the_tick(head_of(open), rec, {.interval = 100, .timeout = 0}, 0);
    constexpr record late{.since = never - 100};
    is_certain_to_the_tick(head_of(closed), late, {.interval = 98}, never - 2);
    is_certain_to_the_tick(head_of(closed), late, {.interval = 99}, never - 1);
    EXPECT_EQ(M::due(head_of(closed), late, never - 1, {.interval = 99}), move::roll);
    is_certain_to_the_tick(head_of(closed), late, {.interval = 100}, never - 1);
    is_certain_to_the_tick(head_of(closed), late, {.interval = 101}, never);
    EXPECT_EQ(M::due(head_of(closed), late, never, {.interval = 101}), move::none);
    is_certain_to_the_tick(head_of(open), late, {.timeout = 101}, never);
}

TEST(Transition, WhatTheCellsCountIsAddedToTheHeadAndTheRecord) {
    constexpr bulwark::detail::cell_counts cells{.requests = 100, .successes = 70, .row = 30};
    constexpr record base{.requests = 20, .successes = 10, .failures = 3, .run = 4};
    EXPECT_EQ(M::counts(head_of(closed, good_and_out), base, cells), (breaker_counts{122, 81, 3, 0, 31, 0}));
    const std::uint64_t joined = layout::run_joined::put(head_of(closed, good_and_out), 1);
    EXPECT_EQ(M::counts(joined, base, cells), (breaker_counts{122, 81, 3, 0, 35, 0}));
    constexpr breaker_counts failed{.requests = 1, .total_failures = 1, .consecutive_failures = 1};
    EXPECT_EQ(M::counts(head_of(closed, failed), base, cells), (breaker_counts{121, 80, 4, 0, 0, 1}));
    EXPECT_EQ(M::observe(head_of(closed, good_and_out), base, start, {}, cells).counts,
              (breaker_counts{122, 81, 3, 0, 31, 0}));
}

struct move_row {
    move made;
    breaker_state from;
    breaker_state to;
    std::uint64_t generation;
    std::uint32_t requests;
    std::uint32_t openings;  ///< of the next record, where this one has seen none
};

const move_row moves[] = {
    {move::roll, closed, closed, 7, 0, 0},    {move::trip, closed, open, 8, 0, 1},
    {move::probe, open, half_open, 8, 1, 0},  {move::renew, half_open, half_open, 8, 1, 0},
    {move::reopen, half_open, open, 8, 0, 1}, {move::close, half_open, closed, 8, 0, 0},
    {move::reset, closed, closed, 8, 0, 0},   {move::reset, open, closed, 8, 0, 0},
    {move::trip, half_open, open, 8, 0, 1},   {move::trip, open, open, 8, 0, 1},
};

TEST(Transition, MovesBeginANewWindowAndAllButTheRollANewGeneration) {
    for (const move_row& row : moves) {
        SCOPED_TRACE(static_cast<int>(row.made));
        const std::uint64_t frozen = M::frozen(head_of(row.from, {5, 3, 1, 1, 2, 0}), row.made);
        for (const std::int64_t shift : {-1, 0, 1, 1000}) {
            const instant now = start + static_cast<std::uint64_t>(shift);
            const record next = M::next_record(frozen, rec, now);
            // Its window is the one after the row that a failure began.
            EXPECT_EQ(next, (record{.since = std::max(now, start),
                                    .generation = row.generation,
                                    .window = 6,
                                    .openings = row.openings}));
            const std::uint64_t head = M::next_head(frozen, rec);
            EXPECT_EQ(M::state_of(head), row.to);
            EXPECT_EQ(M::move_of(head), move::none);
            EXPECT_EQ(layout::epoch_of(head), 10U);
            EXPECT_EQ(M::counts(head, next), (breaker_counts{.requests = row.requests}));
        }
    }
}

constexpr std::uint64_t disabled_head = layout::state::put(head_of(closed), M::disabled_state);
constexpr record forced_open{.since = start, .generation = 7, .window = 4, .openings = record::forced};

struct word_row {
    const char* name;
    std::uint64_t head;
    record at;
    bool trip;
    bool force;
    bool disable;
};

const word_row words[] = {
    {"closed", head_of(closed, one_good), rec, true, true, true},
    {"open", head_of(open), rec, false, true, true},
    {"open, its time over", head_of(open), {.since = start - 50, .openings = 1}, true, true, true},
    {"half-open", head_of(half_open, one_out), rec, true, true, true},
    {"forced", head_of(open), forced_open, false, false, true},
    {"disabled", disabled_head, rec, false, true, false},
};

TEST(Transition, AnOperatorsWordChangesWhatIsNotSoAlready) {
    for (const word_row& row : words) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(M::can_make(move::trip, row.head, row.at, start, lim), row.trip);
        EXPECT_EQ(M::can_make(move::force, row.head, row.at, start, lim), row.force);
        EXPECT_EQ(M::can_make(move::disable, row.head, row.at, start, lim), row.disable);
        EXPECT_TRUE(M::can_make(move::reset, row.head, row.at, start, lim));
        EXPECT_FALSE(M::can_make(move::carry, row.head, row.at, start, lim));
    }
}

TEST(Transition, ForcedOpenNothingIsEverDue) {
    for (const limits& bounds : {lim, limits{.timeout = 0}}) {
        for (const instant now : {start, start + 1'000, bulwark::detail::never}) {
            EXPECT_EQ(M::due(head_of(open), forced_open, now, bounds), move::none);
            const auto seen = M::observe(head_of(open), forced_open, now, bounds);
            EXPECT_EQ(seen.retry_after, std::chrono::nanoseconds::max());
            EXPECT_TRUE(seen.manual);
        }
        EXPECT_EQ(M::certain_until(head_of(open), forced_open, bounds), bulwark::detail::never);
    }
    const std::uint64_t frozen = M::frozen(head_of(half_open, one_out), move::force);
    const record next = M::next_record(frozen, rec, start + 3);
    EXPECT_TRUE(M::is_forced(M::next_head(frozen, rec), next));
    EXPECT_EQ(next.since, start + 3);
    EXPECT_EQ(next.generation, 8U);
    EXPECT_EQ(M::next_record(M::frozen(head_of(open), move::reset), forced_open, start).openings, 0U);
}

TEST(Transition, DisabledNothingIsDueAndNoThreadRemembersIt) {
    EXPECT_EQ(M::state_of(disabled_head), closed);
    EXPECT_FALSE(M::is_plain(disabled_head));
    EXPECT_FALSE(M::is_lasting(disabled_head));
    EXPECT_FALSE(M::timed(disabled_head, lim));
    EXPECT_EQ(M::due(disabled_head, rec, start + 1'000'000, lim), move::none);
    const auto seen = M::observe(disabled_head, rec, start + 1'000'000, lim);
    EXPECT_EQ(seen, (bulwark::breaker_snapshot{.state = closed, .generation = 7, .manual = true}));
    for (const breaker_state from : {closed, open, half_open}) {
        const std::uint64_t next = M::next_head(M::frozen(head_of(from, one_out), move::disable), rec);
        EXPECT_EQ(next, layout::epoch::put(disabled_head, 10));
    }
}

TEST(Transition, OpeningsAreCountedUntilItCloses) {
    record r = rec;
    for (const std::uint32_t seen : {0U, 1U, 1000U, record::forced - 2, record::forced - 1}) {
        r.openings = seen;
        const std::uint32_t more = std::min(seen + 1, record::forced - 1);
        EXPECT_EQ(M::next_record(M::frozen(head_of(half_open), move::reopen), r, start).openings, more);
        EXPECT_EQ(M::next_record(M::frozen(head_of(open), move::probe), r, start).openings, seen);
        EXPECT_EQ(M::next_record(M::frozen(head_of(half_open), move::renew), r, start).openings, seen);
        EXPECT_EQ(M::next_record(M::frozen(head_of(half_open), move::carry), r, start).openings, seen);
        EXPECT_EQ(M::next_record(M::frozen(head_of(half_open), move::close), r, start).openings, 0U);
    }
}

TEST(Transition, OpenTimesGrowWithTheOpeningsAndNoThreadComputesAnother) {
    constexpr limits growing{.timeout = 50, .timeout_varies = true, .timeout_multiplier = 2, .max_timeout = 300};
    for (const auto& [openings, time] : {std::pair{1U, 50U}, {2U, 100U}, {3U, 200U}, {4U, 300U}, {99U, 300U}}) {
        const record r{.since = start, .openings = openings};
        EXPECT_EQ(M::open_time(r, growing), time);
        is_certain_to_the_tick(head_of(open), r, growing, start + time);
        EXPECT_EQ(M::observe(head_of(open), r, start + 1, growing).retry_after, std::chrono::nanoseconds(time - 1));
    }
    limits jittered{.timeout = 1000, .timeout_varies = true, .timeout_jitter = bulwark::jitter::equal, .seed = 3};
    std::uint64_t sum = 0;
    for (std::uint64_t generation = 1; generation <= 1000; ++generation) {
        const record r{.since = start, .generation = generation, .openings = 1};
        const std::uint64_t time = M::open_time(r, jittered);
        EXPECT_EQ(M::open_time(r, jittered), time);
        EXPECT_TRUE(time >= 500 && time <= 1000);
        sum += time;
    }
    EXPECT_NEAR(static_cast<double>(sum) / 1000, 750, 25);
}

TEST(Transition, AHintMovesTheEndOfTheWaitAndOnlyLater) {
    record r{.since = start, .openings = 1};
    r.not_before = start + 70;
    is_certain_to_the_tick(head_of(open), r, lim, start + 70);
    is_certain_to_the_tick(head_of(open), r, {.timeout = 0}, start + 70);
    EXPECT_EQ(M::observe(head_of(open), r, start + 60, lim).retry_after, std::chrono::nanoseconds(10));
    const std::uint64_t carried = M::frozen(head_of(open), move::carry);
    EXPECT_EQ(M::next_record(carried, r, start, start + 60).not_before, start + 70);
    EXPECT_EQ(M::next_record(carried, r, start, start + 80).not_before, start + 80);
    EXPECT_EQ(M::next_record(M::frozen(head_of(half_open), move::reopen), rec, start, start + 80).not_before,
              start + 80);
    r.not_before = start + 30;
    is_certain_to_the_tick(head_of(open), r, lim, start + 50);
    EXPECT_EQ(M::observe(head_of(open), r, start + 20, lim).retry_after, std::chrono::nanoseconds(30));
    r.not_before = start - 5;
    EXPECT_EQ(M::certain_until(head_of(open), r, {.timeout = 0}), 0U);
    EXPECT_EQ(M::due(head_of(open), r, start - 9, {.timeout = 0}), move::probe) << "read out of order";
    r.not_before = bulwark::detail::never;
    EXPECT_EQ(M::due(head_of(open), r, bulwark::detail::never, lim), move::none);
    EXPECT_EQ(M::observe(head_of(open), r, start + 60, lim).retry_after, std::chrono::nanoseconds::max());
    r.not_before = start + 70;
    EXPECT_EQ(M::due(head_of(closed), r, start + 1, lim), move::none);
    EXPECT_EQ(M::next_record(M::frozen(head_of(open), move::probe), r, start).not_before, 0U);
}

TEST(HintWord, IsRoundedUpAndIsForItsGenerationAndTheOpeningAfterIt) {
    using bulwark::detail::hint_word;
    using bulwark::detail::never;
    for (const std::uint64_t generation : {1U, 255U, 256U, 257U}) {
        for (const auto& [asked, heard] : {std::pair<instant, instant>{0, 0}, {1, 256}, {256, 256}, {257, 512}}) {
            EXPECT_EQ(hint_word::not_before(hint_word::pack(asked, generation)), heard);
        }
        EXPECT_EQ(hint_word::not_before(hint_word::pack(never, generation)), never);
        EXPECT_EQ(hint_word::not_before(hint_word::pack(never - 600, generation)), never - 511);
        const std::uint64_t word = hint_word::pack(start, generation);
        EXPECT_TRUE(hint_word::is_for(word, generation, false));
        EXPECT_TRUE(hint_word::is_for(word, generation, true));
        EXPECT_TRUE(hint_word::is_for(word, generation + 1, true));
        EXPECT_FALSE(hint_word::is_for(word, generation + 1, false));
        EXPECT_FALSE(hint_word::is_for(word, generation + 2, true));
        EXPECT_FALSE(hint_word::is_for(word, generation - 1, true));
        EXPECT_EQ(hint_word::raised(word, start - 300, generation, false), word);
        EXPECT_EQ(hint_word::raised(word, start + 300, generation, false), hint_word::pack(start + 300, generation));
        EXPECT_EQ(hint_word::raised(word, start - 300, generation + 1, true), word);
        EXPECT_EQ(hint_word::raised(word, start - 300, generation + 1, false),
                  hint_word::pack(start - 300, generation + 1));
    }
}

TEST(Transition, AFullTallyIsCarriedIntoTheRecordAndNothingElseChanges) {
    constexpr breaker_counts full{.requests = 63,
                                  .total_successes = 40,
                                  .total_failures = 20,
                                  .total_ignored = 3,
                                  .consecutive_successes = 0,
                                  .consecutive_failures = 9};
    const std::uint64_t head = head_of(closed, full);
    EXPECT_EQ(M::admit(head, rec, start, lim).head, M::frozen(head, move::carry));
    EXPECT_EQ(M::report(head, rec, outcome::ignored, 4, start, lim).head, M::frozen(head, move::carry));
    const std::uint64_t frozen = M::frozen(head, move::carry);
    const record next = M::next_record(frozen, rec, start + 70);
    EXPECT_EQ(next, (record{start, 7, 4, 63, 40, 20, 3, 9}));
    const std::uint64_t after = M::next_head(frozen, rec);
    EXPECT_EQ(M::counts(after, next), full);
    EXPECT_EQ(layout::epoch_of(after), 10U);
    // The row of failures goes on across the carry, and ends at a success.
    const std::uint64_t failed = M::report(after, next, outcome::failure, 4, start, lim).head;
    EXPECT_EQ(M::counts(failed, next).consecutive_failures, 10U);
    const std::uint64_t succeeded = M::report(failed, next, outcome::success, 4, start, lim).head;
    EXPECT_EQ(M::counts(succeeded, next).consecutive_failures, 0U);
    EXPECT_EQ(M::counts(succeeded, next).consecutive_successes, 1U);
}

TEST(Transition, ObserversSeeWhatTheNextCallWouldFind) {
    EXPECT_EQ(M::observe(head_of(closed, one_good), rec, start + 99, lim),
              (bulwark::breaker_snapshot{closed, 7, one_good, std::chrono::nanoseconds(0)}));
    EXPECT_EQ(M::observe(head_of(closed, one_good), rec, start + 100, lim),
              (bulwark::breaker_snapshot{closed, 7, none, std::chrono::nanoseconds(0)}));
    EXPECT_EQ(M::observe(head_of(open), rec, start + 49, lim),
              (bulwark::breaker_snapshot{open, 7, none, std::chrono::nanoseconds(1)}));
    EXPECT_EQ(M::observe(head_of(open), rec, start + 50, lim),
              (bulwark::breaker_snapshot{half_open, 8, none, std::chrono::nanoseconds(0)}));
    EXPECT_EQ(M::observe(head_of(half_open, two_out), rec, start + 29, lim),
              (bulwark::breaker_snapshot{half_open, 7, two_out, std::chrono::nanoseconds(0)}));
    EXPECT_EQ(M::observe(head_of(half_open, two_out), rec, start + 30, lim),
              (bulwark::breaker_snapshot{half_open, 8, none, std::chrono::nanoseconds(0)}));
    for (const move m : {move::carry, move::roll, move::trip}) {
        EXPECT_EQ(M::observe(M::frozen(head_of(closed, one_good), m), rec, start, lim),
                  M::observe(head_of(closed, one_good), rec, start, lim))
            << "a move that is under way has not happened yet";
    }
}

TEST(Transition, RecordsCompareByAllTheirMembers) {
    EXPECT_NE((record{.since = 1}), record{});
    EXPECT_NE((record{.run = 1}), record{});
    EXPECT_NE((record{.openings = 1}), record{});
}

TEST(Transition, RunsAtCompileTime) {
    constexpr std::uint64_t head = head_of(closed);
    constexpr step admitted = M::admit(head, rec, start, lim);
    static_assert(M::counts(admitted.head, rec) == one_out);
    constexpr step ended = M::report(admitted.head, rec, outcome::success, rec.window, start + 1, lim);
    static_assert(M::counts(ended.head, rec) == one_good);
    static_assert(M::admit(head_of(open), rec, start, lim) == step{0, errc::circuit_open});
}

/// Drives the machine of a layout with one call after the other, making each move at once.
template <class Layout>
class driver {
    using N = bulwark::detail::machine<Layout>;

public:
    explicit driver(const limits& bounds) : bounds_(bounds) {}

    void call(outcome o) {
        record admitted;
        apply([&] { return N::admit(head_, record_, 0, bounds_); }, &admitted);
        apply([&] { return N::report(head_, record_, o, admitted.window, 0, bounds_); }, nullptr);
    }
    breaker_counts counts() const { return N::counts(head_, record_); }
    const record& last_record() const { return record_; }

private:
    template <class Event>
    void apply(Event event, record* at) {
        for (;;) {
            if (at != nullptr) *at = record_;
            head_ = event().head;
            if (N::move_of(head_) == move::none) return;
            const record next = N::next_record(head_, record_, 0);
            head_ = N::next_head(head_, record_);
            record_ = next;
        }
    }

    limits bounds_;
    std::uint64_t head_ = N::initial_head();
    record record_;
};

TEST(Transition, NoCountWrapsOrCarriesIntoItsNeighbourWhateverTheMixture) {
    // Every mixture of a row of successes, a row of failures and ignored calls, past every tally's width.
    for (const unsigned successes : {0U, 1U, 62U, 63U, 64U, 65U, 200U}) {
        for (const unsigned failures : {0U, 1U, 30U, 31U, 32U, 33U, 200U}) {
            for (const unsigned ignored : {0U, 1U, 2U, 3U, 4U, 5U, 20U}) {
                driver<layout> d({.max_requests = 1});
                for (unsigned i = 0; i != successes; ++i) d.call(outcome::success);
                for (unsigned i = 0; i != failures; ++i) d.call(outcome::failure);
                for (unsigned i = 0; i != ignored; ++i) d.call(outcome::ignored);
                ASSERT_EQ(d.counts(), (breaker_counts{successes + failures + ignored, successes, failures, ignored,
                                                      failures == 0 ? successes : 0, failures}));
            }
        }
    }
}

TEST(Transition, TheCallThatWouldPassMaxCountBeginsANewWindow) {
    using small = bulwark::detail::basic_layout<bulwark::test::narrow>;
    driver<small> d({.max_requests = 1});
    for (unsigned i = 1; i <= 100; ++i) {
        d.call(outcome::success);
        ASSERT_EQ(d.counts(), (breaker_counts{i, i, 0, 0, i, 0}));
        ASSERT_EQ(d.last_record().window, 1U);
    }
    d.call(outcome::failure);
    EXPECT_EQ(d.counts(), (breaker_counts{1, 0, 1, 0, 0, 1}));
    EXPECT_EQ(d.last_record().window, 2U);
    EXPECT_EQ(d.last_record().generation, 1U);
}

}  // namespace
