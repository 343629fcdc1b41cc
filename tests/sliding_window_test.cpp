// The sliding windows by themselves, against plain lists of outcomes: what they hold after any sequence of outcomes,
// slices and generations, also where places wrap all the time; and what becomes of an outcome that is interrupted at
// any access of a shared word by others (preemption.hpp), which is what a race comes to.
#include "narrow.hpp"
#include "preemption.hpp"

#include <bulwark/detail/count_window.hpp>
#include <bulwark/detail/ramp.hpp>
#include <bulwark/detail/time_window.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

using bulwark::detail::count_window;
using bulwark::detail::instant;
using bulwark::detail::time_window;
using bulwark::detail::window_counts;
using bulwark::test::before_access;

using plain = bulwark::test::traits_of<bulwark::detail::layout_widths{}>;
using preempted = bulwark::test::preempted_traits<bulwark::detail::layout_widths{}>;

constexpr auto always = [] { return true; };

struct ended {
    bool failed = false;
    bool slow = false;
    std::uint64_t slice = 0;
};

ended some_end(std::mt19937_64& random) {
    return {.failed = random() % 3 == 0, .slow = random() % 4 == 0, .slice = 0};
}

/// The totals of some outcomes, and the row that they end with.
template <class Outcomes>
window_counts totals(const Outcomes& outcomes) {
    window_counts all;
    for (const ended& e : outcomes) {
        ++(e.failed ? all.failures : all.successes);
        if (e.slow) ++all.slow;
        all.row = all.row != 0 && all.row_of_failures == e.failed ? all.row + 1 : 1;
        all.row_of_failures = e.failed;
    }
    return all;
}

class last_calls {
public:
    explicit last_calls(std::size_t n) : n_(n) {}
    window_counts add(const ended& e) {
        all_.push_back(e);
        if (all_.size() > n_) all_.pop_front();
        return totals(all_);
    }
    window_counts now() const { return totals(all_); }
    void forget() { all_.clear(); }

private:
    std::size_t n_;
    std::deque<ended> all_;
};

template <unsigned PlaceBits>
void count_at_random(std::uint32_t calls, std::uint64_t seed) {
    SCOPED_TRACE(std::to_string(calls) + " calls, seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    count_window<plain, PlaceBits> ours(calls);
    last_calls theirs(calls);
    std::uint64_t generation = 1;
    EXPECT_EQ(ours.observe(generation), window_counts{});
    for (int step = 0; step != 3'000; ++step) {
        if (random() % (3 * calls) == 0) {
            generation += 1 + random() % 3;
            theirs.forget();
            ASSERT_EQ(ours.observe(generation), window_counts{}) << "step " << step;
        }
        const ended e = some_end(random);
        const auto held = ours.add(generation, e.failed, e.slow, always);
        ASSERT_EQ(held, theirs.add(e)) << "step " << step;
        ASSERT_EQ(ours.observe(generation), *held) << "step " << step;
        ASSERT_FALSE(ours.add(generation - 1, true, true, [] { return false; }).has_value());
    }
}

TEST(CountWindow, HoldsTheLastCallsOfTheGeneration) {
    for (const std::uint32_t calls : {1U, 2U, 3U, 7U, 64U, 1000U}) count_at_random<34>(calls, calls);
}

TEST(CountWindow, HoldsThemAcrossEveryWrapOfThePlaces) {
    for (const std::uint32_t calls : {1U, 2U, 3U, 7U, 15U, 16U}) count_at_random<5>(calls, 100 + calls);
}

TEST(CountWindow, IsFullOfTheMostThatItCanHold) {
    count_window<plain> w(1000);
    for (int i = 0; i != 2500; ++i) w.add(1, true, true, always);
    EXPECT_EQ(w.observe(1), (window_counts{0, 1000, 1000, 1000, true}));
    for (int i = 0; i != 2500; ++i) w.add(1, false, false, always);
    EXPECT_EQ(w.observe(1), (window_counts{1000, 0, 0, 1000, false}));
}

/// One outcome, at whose accesses of shared words others come in: at the first so many accesses from a certain one on,
/// each time so many. There must be an order of all that explains every answer.
template <unsigned PlaceBits>
void interrupt_count(std::uint32_t calls, std::uint64_t seed) {
    for (int from = 0; from != 8; ++from) {
        for (const int times : {1, 2, 3}) {
            for (const int others : {1, 2, static_cast<int>(calls), 2 * static_cast<int>(calls) + 1}) {
                SCOPED_TRACE(std::to_string(calls) + " calls, from access " + std::to_string(from) + ", " +
                             std::to_string(times) + " times " + std::to_string(others));
                std::mt19937_64 random(seed++);
                count_window<preempted, PlaceBits> w(calls);
                last_calls before(calls);
                const auto filling = random() % (2 * calls + 1);
                for (std::uint64_t i = 0; i != filling; ++i) {
                    const ended e = some_end(random);
                    ASSERT_EQ(w.add(1, e.failed, e.slow, always), before.add(e));
                }
                std::vector<ended> inner;
                std::vector<window_counts> answers;
                int access = 0;
                before_access = [&] {
                    if (access < from || access >= from + times) return ++access, false;
                    ++access;
                    for (int i = 0; i != others; ++i) {
                        inner.push_back(some_end(random));
                        answers.push_back(*w.add(1, inner.back().failed, inner.back().slow, always));
                    }
                    return false;
                };
                const ended own = some_end(random);
                const auto answer = w.add(1, own.failed, own.slow, always);
                before_access = nullptr;
                ASSERT_TRUE(answer.has_value());
                bool explained = false;
                for (std::size_t at = 0; at <= inner.size() && !explained; ++at) {
                    last_calls order = before;
                    bool fits = true;
                    for (std::size_t i = 0; i <= inner.size(); ++i) {
                        if (i == at) fits = fits && order.add(own) == *answer;
                        if (i != inner.size()) fits = fits && order.add(inner[i]) == answers[i];
                    }
                    explained = fits && order.now() == w.observe(1);
                }
                EXPECT_TRUE(explained);
            }
        }
    }
}

TEST(CountWindow, AnOutcomeThatIsInterruptedHasItsPlaceInOneOrderOfAll) {
    for (const std::uint32_t calls : {1U, 2U, 3U, 5U}) interrupt_count<34>(calls, calls);
    interrupt_count<4>(3, 77);
}

TEST(CountWindow, AResultThatIsOvertakenByAGenerationIsNotInIt) {
    for (int from = 0; from != 8; ++from) {
        SCOPED_TRACE(from);
        count_window<preempted> w(2);
        for (int i = 0; i != 3; ++i) w.add(1, true, true, always);
        std::uint64_t breaker = 1;
        int access = 0;
        before_access = [&] {
            if (access++ != from) return false;
            breaker = 4;
            w.add(4, false, false, always);
            return false;
        };
        const bool added = w.add(1, true, true, [&] { return breaker == 1; }).has_value();
        before_access = nullptr;
        EXPECT_TRUE(added || breaker == 4);
        if (breaker == 4) {
            EXPECT_EQ(w.observe(4), (window_counts{1, 0, 0, 1, false}));
            EXPECT_EQ(w.add(4, false, true, always), (window_counts{2, 0, 1, 2, false}));
        }
    }
}

TEST(CountWindow, ObserversThatAreInterruptedSeeWhatItHeldAtAnInstant) {
    for (int from = 0; from != 4; ++from) {
        for (const int others : {1, 2, 3, 7}) {
            count_window<preempted> w(2);
            w.add(1, true, false, always);
            std::vector<window_counts> held{w.observe(1)};
            int access = 0;
            before_access = [&] {
                if (access++ != from) return false;
                for (int i = 0; i != others; ++i) held.push_back(*w.add(1, i % 2 == 0, i % 3 == 0, always));
                return false;
            };
            const window_counts seen = w.observe(1);
            before_access = nullptr;
            EXPECT_NE(std::find(held.begin(), held.end(), seen), held.end());
        }
    }
}

TEST(CountWindow, ObserversNeitherWaitForAnOutcomeThatIsUnderWayNorSeeHalfOfIt) {
    for (const std::uint32_t calls : {1U, 2U, 3U}) {
        for (int from = 0; from != 8; ++from) {
            count_window<preempted> w(calls);
            for (std::uint32_t i = 0; i != calls; ++i) w.add(1, true, true, always);
            const window_counts before = w.observe(1);
            window_counts during = before;
            int access = 0;
            before_access = [&] {
                if (access++ == from) during = w.observe(1);
                return false;
            };
            w.add(1, false, false, always);
            before_access = nullptr;
            const window_counts after = w.observe(1);
            EXPECT_EQ(after, (window_counts{1, calls - 1, calls - 1, 1, false}));
            EXPECT_TRUE(during == before || during == after) << calls << " calls, access " << from;
        }
    }
}

/// The outcomes of a generation by slices; what a window holds that ends with a certain slice.
class last_slices {
public:
    explicit last_slices(std::uint64_t n) : n_(n) {}
    void add(const ended& e) { all_.push_back(e); }
    window_counts held(std::uint64_t last) const {
        std::vector<ended> inside;
        for (const ended& e : all_) {
            if (e.slice + n_ > last && e.slice <= last) inside.push_back(e);
        }
        window_counts of_window = totals(inside);
        const window_counts whole = totals(all_);
        of_window.row = whole.row;
        of_window.row_of_failures = whole.row_of_failures;
        return of_window;
    }
    void forget() { all_.clear(); }

private:
    std::uint64_t n_;
    std::deque<ended> all_;
};

constexpr instant origin = std::uint64_t{1} << 63;

TEST(TimeWindow, HoldsTheLastSlicesOfTheGeneration) {
    for (const std::uint32_t buckets : {1U, 2U, 3U, 10U, 100U}) {
        for (const std::uint64_t slice : {1U, 7U}) {
            SCOPED_TRACE(std::to_string(buckets) + " slices of " + std::to_string(slice));
            std::mt19937_64 random(buckets + slice);
            time_window<plain> ours((slice - 1) * buckets + 1, buckets, origin);  // rounded up
            last_slices theirs(buckets);
            std::uint64_t generation = 1;
            instant start = origin;
            instant now = origin;
            for (int step = 0; step != 2'000; ++step) {
                if (random() % 4 == 0) now += random() % (2 * slice);
                if (random() % 64 == 0) now += slice * (random() % (3 * buckets));
                if (random() % 128 == 0) now += slice << 33 | random() % 4;  // past all that a tag can tell
                if (random() % 64 == 0) {
                    ++generation;
                    start = now;
                    theirs.forget();
                    ASSERT_EQ(ours.observe(generation, start, now), window_counts{}) << "step " << step;
                }
                ended e = some_end(random);
                e.slice = (now - start) / slice;
                theirs.add(e);
                const auto held = ours.add(generation, start, now, e.failed, e.slow);
                ASSERT_TRUE(held.has_value()) << "step " << step;
                if (e.failed || e.slow) {
                    ASSERT_EQ(*held, theirs.held(e.slice)) << "step " << step;
                }
                ASSERT_EQ(ours.observe(generation, start, now), theirs.held(e.slice)) << "step " << step;
            }
        }
    }
}

TEST(TimeWindow, AnEndlessOneIsOneSliceAGeneration) {
    time_window<plain> w(0, 1, origin);
    w.add(1, origin, origin, true, false);
    EXPECT_EQ(w.add(1, origin, bulwark::detail::never, true, false), (window_counts{0, 2, 0, 2, true}));
    EXPECT_EQ(w.add(2, bulwark::detail::never, bulwark::detail::never, true, true), (window_counts{0, 1, 1, 1, true}));
}

TEST(TimeWindow, AReadingOutOfOrderCountsInItsOwnSliceAsLongAsThatIsInTheWindow) {
    time_window<plain> w(30, 3, origin);
    w.add(1, origin, origin + 25, true, false);
    EXPECT_EQ(w.add(1, origin, origin + 5, true, false), (window_counts{0, 2, 0, 2, true}));
    w.add(1, origin, origin + 30, false, false);
    EXPECT_EQ(w.observe(1, origin, origin + 30), (window_counts{1, 1, 0, 1, false}));
    EXPECT_FALSE(w.add(1, origin, origin + 5, true, false).has_value());
    EXPECT_FALSE(w.observe(1, origin, origin + 5).has_value());
    EXPECT_EQ(w.observe(1, origin, origin + 30), (window_counts{1, 1, 0, 1, false}));
    // From before the generation: in its first slice.
    EXPECT_EQ(w.add(2, origin + 40, origin + 31, true, false), (window_counts{0, 1, 0, 1, true}));
}

TEST(TimeWindow, AStaleResultIsInNoLaterGeneration) {
    for (const std::uint32_t buckets : {1U, 2U, 5U}) {
        time_window<plain> w(10 * buckets, buckets, origin);
        // The clock's steps back by up to a slice change nothing of it.
        const instant end = origin + 1000;
        w.add(1, origin, end + 10, true, true);
        EXPECT_EQ(w.observe(2, end, end), window_counts{});
        EXPECT_EQ(w.add(2, end, end, true, false), (window_counts{0, 1, 0, 1, true}));
        EXPECT_FALSE(w.add(1, origin, end, true, true).has_value());
        EXPECT_FALSE(w.add(1, origin, end + 10, false, false).has_value());
        EXPECT_EQ(w.observe(2, end, end), (window_counts{0, 1, 0, 1, true}));
    }
}

TEST(TimeWindow, AResultThatIsOvertakenByAGenerationIsNotInIt) {
    for (const std::uint32_t buckets : {1U, 3U}) {
        for (int from = 0; from != 20; ++from) {
            SCOPED_TRACE(from);
            time_window<preempted> w(10 * buckets, buckets, origin);
            w.add(1, origin, origin, true, true);
            bool began = false;
            int access = 0;
            before_access = [&] {
                if (access++ != from) return false;
                began = true;
                w.add(4, origin + 3, origin + 3, false, false);
                return false;
            };
            w.add(1, origin, origin, true, true);
            before_access = nullptr;
            if (!began) continue;
            EXPECT_EQ(w.observe(4, origin + 3, origin + 3), (window_counts{1, 0, 0, 1, false}));
            EXPECT_EQ(w.add(4, origin + 3, origin + 3, false, true), (window_counts{2, 0, 1, 2, false}));
        }
    }
}

/// A failure at whose accesses others come in. What it weighs must be what the window held at some instant meanwhile,
/// this failure among it.
TEST(TimeWindow, AFailureThatIsInterruptedWeighsWhatWasThereAtAnInstant) {
    std::uint64_t seed = 1;
    for (const std::uint32_t buckets : {1U, 2U, 3U}) {
        for (int from = 0; from != 40; ++from) {
            for (const int others : {1, 2, 5}) {
                SCOPED_TRACE(std::to_string(buckets) + " slices, access " + std::to_string(from) + ", " +
                             std::to_string(others));
                std::mt19937_64 random(seed++);
                time_window<preempted> w(10 * buckets, buckets, origin);
                last_slices without(buckets);
                instant now = origin;
                const auto add = [&] {
                    ended e = some_end(random);
                    e.slice = (now - origin) / 10;
                    without.add(e);
                    w.add(1, origin, now, e.failed, e.slow);
                };
                for (int i = 0; i != 6; ++i) now += random() % 6, add();
                const ended own{.failed = true, .slow = random() % 2 == 0, .slice = (now - origin) / 10};
                // With its own place unknown, the row is left out: it is exact, see the order of the swaps.
                std::vector<window_counts> held;
                const auto remember = [&](std::uint64_t last) {
                    last_slices with = without;
                    with.add(own);
                    window_counts c = with.held(last);
                    c.row = 0;
                    c.row_of_failures = true;
                    held.push_back(c);
                };
                remember(own.slice);
                int access = 0;
                before_access = [&] {
                    // At two accesses in turn, the second a little later.
                    ++access;
                    if (access != from + 1 && access != from + 4) return false;
                    for (int i = 0; i != others; ++i) {
                        const std::uint64_t last = (now - origin) / 10;
                        now += random() % 12;
                        for (auto s = last; s <= (now - origin) / 10; ++s) remember(s);
                        add();
                        remember((now - origin) / 10);
                    }
                    return false;
                };
                const auto weighed = w.add(1, origin, origin + own.slice * 10, true, own.slow);
                before_access = nullptr;
                if (!weighed) {
                    EXPECT_GE((now - origin) / 10, own.slice + buckets) << "left out though its slice is there";
                    continue;
                }
                window_counts seen = *weighed;
                EXPECT_TRUE(seen.row_of_failures);
                seen.row = 0;
                EXPECT_NE(std::find(held.begin(), held.end(), seen), held.end())
                    << seen.successes << ' ' << seen.failures << ' ' << seen.slow;
                const window_counts rest = w.observe(1, origin, now).value();
                window_counts all = held.back();
                EXPECT_EQ(rest.successes, all.successes);
                EXPECT_EQ(rest.failures, all.failures);
                EXPECT_EQ(rest.slow, all.slow);
            }
        }
    }
}

/// Two that come to slices of their own at the same time, from a last one long ago or just before.
TEST(TimeWindow, TwoWhoTakeOverTheSameBucketsForDifferentSlicesLoseNothing) {
    for (const std::uint32_t buckets : {1U, 2U, 3U, 4U}) {
        for (const std::uint64_t idle :
             {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{7}, (std::uint64_t{1} << 33) + 5}) {
            for (std::uint64_t later = 0; later != buckets + 2; ++later) {
                for (int from = 0; from != 25; ++from) {
                    SCOPED_TRACE(std::to_string(buckets) + " slices, idle for " + std::to_string(idle) + ", then " +
                                 std::to_string(later) + " later at access " + std::to_string(from));
                    time_window<preempted> w(10 * buckets, buckets, origin);
                    w.add(1, origin, origin, false, false);
                    const instant now = origin + 10 * idle;
                    bool came = false;
                    bool counted = false;
                    int access = 0;
                    before_access = [&] {
                        if (access++ != from) return false;
                        came = true;
                        counted = w.add(1, origin, now + 10 * later, true, false).has_value();
                        return false;
                    };
                    const bool own = w.add(1, origin, now, true, true).has_value();
                    before_access = nullptr;
                    EXPECT_EQ(came, counted);
                    EXPECT_TRUE(own || (came && later >= buckets));
                    const auto end = w.observe(1, origin, came ? now + 10 * later : now);
                    ASSERT_TRUE(end.has_value());
                    EXPECT_EQ(end->failures, (came ? 1U : 0U) + (came && later >= buckets ? 0U : 1U));
                    EXPECT_EQ(end->slow, came && later >= buckets ? 0U : 1U);
                }
            }
        }
    }
}

TEST(Ramp, LetsTheShareThroughGiveOrTakeOne) {
    for (const double share : {1e-12, 0.001, 0.1, 0.25, 1.0 / 3, 0.5, 0.9, 0.999, 1.0}) {
        bulwark::detail::ramp<plain> r(std::uint64_t{1} << 62, share);
        EXPECT_TRUE(r.admits(origin, origin)) << "the very first";
        double let_through = 1;
        for (int calls = 2; calls != 5'000; ++calls) {
            if (r.admits(origin, origin)) ++let_through;
            ASSERT_NEAR(let_through, share * calls, 1.0) << calls << " at " << share;
        }
    }
}

TEST(Ramp, GrowsEvenlyAndEnds) {
    bulwark::detail::ramp<plain> r(1000, 0.2);
    const auto of = [&](instant now) {
        int let_through = 0;
        for (int i = 0; i != 1000; ++i) let_through += r.admits(origin, now) ? 1 : 0;
        return let_through;
    };
    EXPECT_NEAR(of(origin - 5), 200, 1);  // a reading out of order
    EXPECT_NEAR(of(origin), 200, 1);
    EXPECT_NEAR(of(origin + 250), 400, 1);
    EXPECT_NEAR(of(origin + 500), 600, 1);
    EXPECT_NEAR(of(origin + 999), 999, 1);
    EXPECT_EQ(of(origin + 1000), 1000);
    EXPECT_EQ(of(bulwark::detail::never), 1000);
}

}  // namespace
