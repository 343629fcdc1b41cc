// Striped permits: never more of them than there are, found wherever they lie, and refused only where all were in use
// at one instant of the call, whatever other threads do between any two of its accesses.
#include "narrow.hpp"
#include "preemption.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/detail/permit_counter.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace {

using bulwark::bulkhead_config;
using bulwark::stripes_of;
using bulwark::detail::layout_widths;
using bulwark::detail::no_thread_slot;
using bulwark::test::before_access;
using bulwark::test::playing;

using counter = bulwark::detail::permit_counter<bulwark::test::traits_of<layout_widths{}>>;

TEST(PermitCounter, GivesAllOfItsPermitsToWhoeverAsksAndNoMore) {
    for (const std::uint32_t stripes : {1U, 2U, 8U, 64U}) {
        for (const std::uint32_t permits : {stripes, stripes + 1, 3 * stripes - 1}) {
            for (const std::uint32_t slot : {0U, 1U, stripes - 1, stripes, 1000U, no_thread_slot}) {
                SCOPED_TRACE(std::to_string(permits) + " in " + std::to_string(stripes) + " at " +
                             std::to_string(slot));
                counter c(permits, stripes);
                const playing caller(slot);
                EXPECT_EQ(c.available(), permits);
                for (std::uint32_t i = 0; i != permits; ++i) ASSERT_TRUE(c.try_take());
                EXPECT_FALSE(c.try_take());
                EXPECT_EQ(c.available(), 0U);
                c.give_back();
                EXPECT_EQ(c.available(), 1U);
                const playing another(slot + 1);
                EXPECT_TRUE(c.try_take());
                EXPECT_FALSE(c.try_take());
            }
        }
    }
}

TEST(PermitCounter, MorePermitsThanOneStripeBeganWithMayComeBackToIt) {
    counter c(8, 8);
    for (std::uint32_t slot = 0; slot != 8; ++slot) {
        const playing caller(slot);
        ASSERT_TRUE(c.try_take());
    }
    const playing caller(5);
    for (int i = 0; i != 8; ++i) c.give_back();
    EXPECT_EQ(c.available(), 8U);
    for (std::uint32_t slot = 0; slot != 8; ++slot) {
        const playing thief(slot);
        ASSERT_TRUE(c.try_take());
    }
    EXPECT_FALSE(c.try_take());
}

TEST(PermitCounter, PutsOverflowIntoNothing) {
    counter c(2, 2);
    const playing caller(0);
    for (int i = 0; i != 100'000; ++i) {
        ASSERT_TRUE(c.try_take());
        c.give_back();
    }
    EXPECT_EQ(c.available(), 2U);
}

/// Permits of two stripes, and who plays with them: `t` and `g` take and give at slot 0, `T` and `G` at slot 1.
class table {
    using preempted = bulwark::detail::permit_counter<bulwark::test::preempted_traits<layout_widths{}>>;

public:
    /// `first` and `second`: free permits of the stripes.
    table(std::uint32_t first, std::uint32_t second) : free_(first + second) {
        for (std::uint32_t i = 0; i != permits; ++i) EXPECT_TRUE(counter_.try_take());
        give(0, first);
        give(1, second);
    }

    /// What cannot be done, as nobody holds a permit or none is free, is left out.
    void play(std::string_view what) {
        for (const char c : what) {
            const playing caller(c == 't' || c == 'g' ? 0 : 1);
            if (c == 'g' || c == 'G') {
                if (free_ != permits) give();
            } else {
                const bool took = counter_.try_take();
                EXPECT_EQ(took, free_ != 0);
                if (took) took_one();
            }
        }
    }

    bool try_take() {
        none_was_free_ = free_ == 0;
        const bool took = counter_.try_take();
        if (took) took_one();
        return took;
    }
    void give() {
        counter_.give_back();
        ++free_;
    }

    bool none_was_free() const { return none_was_free_; }
    std::uint32_t free() const { return free_; }
    std::uint64_t available() const { return counter_.available(); }

private:
    static constexpr std::uint32_t permits = 4;

    void give(std::uint32_t slot, std::uint32_t times) {
        const playing caller(slot);
        for (std::uint32_t i = 0; i != times; ++i) counter_.give_back();
    }
    void took_one() {
        --free_;
        if (free_ == 0) none_was_free_ = true;
    }

    preempted counter_{permits, 2};
    std::uint32_t free_;
    bool none_was_free_ = false;
};

/// What others do before each of the first accesses of a call.
using schedule = std::array<std::string_view, 6>;

/// Calls `act` with every schedule.
template <class Act>
void for_all_schedules(Act act) {
    constexpr std::array<std::string_view, 7> deeds = {"", "gT", "Gt", "t", "T", "g", "G"};
    std::size_t schedules = 1;
    for (std::size_t i = 0; i != schedule().size(); ++i) schedules *= deeds.size();
    for (std::size_t n = 0; n != schedules && !::testing::Test::HasFailure(); ++n) {
        schedule others;
        std::size_t rest = n;
        for (auto& other : others) {
            other = deeds[rest % deeds.size()];
            rest /= deeds.size();
        }
        act(others);
    }
}

void refuses_only_what_it_must(std::uint32_t slot, std::uint32_t first, std::uint32_t second) {
    SCOPED_TRACE(std::to_string(slot) + " of " + std::to_string(first) + '+' + std::to_string(second));
    for_all_schedules([&](const schedule& others) {
        table t(first, second);
        std::size_t access = 0;
        before_access = [&] {
            if (access < others.size()) t.play(others[access++]);
            return false;
        };
        bool took = false;
        {
            const playing caller(slot);
            took = t.try_take();
        }
        before_access = nullptr;
        EXPECT_TRUE(took || t.none_was_free()) << others[0] << '|' << others[1] << '|' << others[2] << '|' << others[3]
                                               << '|' << others[4] << '|' << others[5];
        EXPECT_EQ(t.available(), t.free());
    });
}

TEST(PermitCounter, RefusesOnlyWhereNoneWasFreeAtOneInstantOfTheCall) {
    refuses_only_what_it_must(0, 0, 1);
    refuses_only_what_it_must(1, 1, 0);
    refuses_only_what_it_must(0, 1, 1);
    refuses_only_what_it_must(0, 0, 0);
}

TEST(PermitCounter, LosesNoPermitThatComesBackAmongOthers) {
    for_all_schedules([](const schedule& others) {
        table t(0, 1);
        std::size_t access = 0;
        before_access = [&] {
            if (access < others.size() && t.free() < 3) t.play(others[access++]);
            return false;
        };
        t.give();
        before_access = nullptr;
        EXPECT_EQ(t.available(), t.free());
    });
}

/// A word that lets a thread do something, or wait, before any access of its own.
template <class T>
class watched_atomic {
public:
    explicit watched_atomic(T initial = T()) noexcept : word_(initial) {}

    T load(boost::memory_order order) const { return (look(), word_.load(order)); }
    void store(T value, boost::memory_order order) { look(), word_.store(value, order); }
    T fetch_add(T addend, boost::memory_order order) { return (look(), word_.fetch_add(addend, order)); }
    bool compare_exchange_weak(T& expected, T desired, boost::memory_order order) {
        return (look(), word_.compare_exchange_weak(expected, desired, order));
    }

    static inline thread_local std::function<void()> before_mine;

private:
    static void look() {
        if (before_mine) before_mine();
    }

    bulwark::detail::atomic<T> word_;
};
using watched_word = watched_atomic<std::uint64_t>;

struct watched_traits : bulwark::test::traits_of<layout_widths{}> {
    template <class T>
    using atomic = watched_atomic<T>;
};

/// Two permits are free, one of them is taken meanwhile. The other passes, in the hands of the line, from the stripe
/// that the caller reads last to the one that it has read first, and is there too late for either reading.
TEST(PermitCounter, DoesNotRefuseAPermitThatTheLineIsAboutToPutBack) {
    using bulwark::detail::taking;
    bulwark::detail::permit_counter<watched_traits> c(3, 2);
    const playing caller(1);
    ASSERT_TRUE(c.try_take());  // 2 and 0 are left
    std::binary_semaphore half_open(0);
    std::binary_semaphore go_on(0);
    std::thread line;
    int accesses = 0;
    watched_word::before_mine = [&] {
        if (++accesses != 3) return;  // its own stripe has been read twice, and the other comes next
        line = std::thread([&] {
            std::uint64_t pot = 0;
            EXPECT_FALSE(c.take_or_close(3, pot));
            EXPECT_EQ(pot, 2U);
            int opened = 0;
            watched_word::before_mine = [&] {
                if (++opened != 2) return;
                half_open.release();
                go_on.acquire();
            };
            EXPECT_EQ(c.open(pot), 0U);
        });
        half_open.acquire();
        const playing another(0);
        EXPECT_EQ(c.take(), taking::taken);
    };
    EXPECT_EQ(c.take(), taking::ask_the_line) << "one was free all the time";
    EXPECT_GE(accesses, 3);
    watched_word::before_mine = nullptr;
    go_on.release();
    line.join();
    EXPECT_EQ(c.take(), taking::taken);
    EXPECT_EQ(c.take(), taking::full);
}

TEST(PermitCounter, TakesSeveralFromOneStripeOrSaysWhereToAsk) {
    using bulwark::detail::taking;
    counter c(8, 2);
    const playing caller(0);
    EXPECT_EQ(c.take(9), taking::full);
    EXPECT_EQ(c.take(5), taking::ask_the_line) << "four lie in either";
    EXPECT_EQ(c.take(3), taking::taken);
    EXPECT_EQ(c.take(4), taking::taken) << "the other stripe's";
    EXPECT_EQ(c.take(2), taking::full);
    EXPECT_FALSE(c.give_back(4)) << "open";
    EXPECT_EQ(c.available(), 5U);
    EXPECT_EQ(c.take(5), taking::taken);
    EXPECT_EQ(c.take(1), taking::full);
}

TEST(PermitCounter, ClosedItGivesNothingAndWhoGivesBackIsTold) {
    using bulwark::detail::taking;
    for (const std::uint32_t stripes : {1U, 4U}) {
        SCOPED_TRACE(stripes);
        const taking refusal = stripes == 1 ? taking::full : taking::ask_the_line;
        counter c(7, stripes);
        const playing caller(2);
        EXPECT_TRUE(c.try_take());
        std::uint64_t pot = 0;
        EXPECT_FALSE(c.take_or_close(7, pot));
        EXPECT_EQ(pot, 6U);
        EXPECT_EQ(c.available(), 0U);
        EXPECT_NE(c.look().closed, 0U);
        EXPECT_EQ(c.take(), refusal);
        EXPECT_TRUE(c.give_back());
        EXPECT_EQ(c.take(), refusal) << "it is the line's";
        EXPECT_EQ(c.collect(), 1U);
        EXPECT_EQ(c.collect(), 0U);
        EXPECT_TRUE(c.give_back(2));
        EXPECT_EQ(c.open(pot), 2U) << "what came back and was not collected";
        EXPECT_EQ(c.look().closed, 0U);
        EXPECT_EQ(c.available(), 8U);
        for (int i = 0; i != 8; ++i) EXPECT_TRUE(c.try_take());
        EXPECT_EQ(c.take(), taking::full);
    }
}

TEST(PermitCounter, OneStripeIsNotClosedWhereItHasWhatIsWanted) {
    counter c(7);
    std::uint64_t pot = 0;
    EXPECT_TRUE(c.take_or_close(5, pot));
    EXPECT_EQ(pot, 0U);
    EXPECT_EQ(c.available(), 2U);
    EXPECT_FALSE(c.take_or_close(3, pot));
    EXPECT_EQ(pot, 2U);
    EXPECT_NE(c.look().closed, 0U);
}

TEST(PermitCounter, AStripedWordIsFullAtTheEndOfItsRangeAndKeepsTheFlagApart) {
    using word = bulwark::detail::striped_word;
    constexpr std::uint64_t all = std::numeric_limits<std::uint32_t>::max();
    for (const std::uint64_t puts :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 30, (std::uint64_t{1} << 31) - 1}) {
        const std::uint64_t base = puts * word::one_put;
        EXPECT_TRUE(word::has(base + all, all));
        EXPECT_TRUE(word::has(base + all, 1));
        EXPECT_FALSE(word::has(base + all - 1, all));
        EXPECT_FALSE(word::has(base, 1));
        EXPECT_TRUE(word::has(base + 1, 1));
        for (const std::uint64_t free : {std::uint64_t{0}, std::uint64_t{1}, all}) {
            EXPECT_FALSE(word::has(base + word::closed + free, 1));
            EXPECT_FALSE(word::has(base + word::closed + free, all));
            EXPECT_EQ(word::free(base + word::closed + free), free);
            EXPECT_EQ(word::puts(base + word::closed + free), puts);
        }
    }
}

TEST(PermitCounter, AWideWordAnswersEveryRequest) {
    using word = bulwark::detail::wide_word;
    constexpr std::uint64_t all = std::uint64_t{1} << 62;
    bulwark::detail::permit_counter<bulwark::test::traits_of<layout_widths{}>, word> c(all);
    for (const std::uint64_t n : {all + 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) EXPECT_FALSE(c.try_take(n));
    EXPECT_TRUE(c.try_take(all));
    EXPECT_FALSE(c.try_take());
    std::uint64_t pot = 0;
    EXPECT_FALSE(c.take_or_close(1, pot));
    EXPECT_TRUE(c.give_back(all));
    EXPECT_FALSE(c.try_take());
    EXPECT_EQ(c.open(0), all);
    EXPECT_TRUE(c.try_take(all));
}

TEST(PermitCounter, IsStripedByItselfFromAThousandOrSoPermitsOn) {
    EXPECT_EQ(stripes_of({.max_concurrent = 1}), 1U);
    EXPECT_EQ(stripes_of({.max_concurrent = 1023}), 1U);
    EXPECT_EQ(stripes_of({.max_concurrent = 1024}), 8U);
    EXPECT_EQ(stripes_of({.max_concurrent = 1023, .stripes = 16}), 16U);
    EXPECT_EQ(stripes_of({.max_concurrent = 4096, .stripes = 1}), 1U);
}

TEST(PermitCounter, RefusesStripesThatMakeNoSenseAndNamesThem) {
    const auto message = [](const bulkhead_config& config) -> std::string {
        try {
            const bulwark::bulkhead pool(config);
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
        return "accepted";
    };
    for (const std::uint32_t stripes : {0U, 1U, 2U, 32U, 64U}) {
        EXPECT_EQ(message({.max_concurrent = 64, .stripes = stripes}), "accepted") << stripes;
    }
    for (const std::uint32_t stripes : {3U, 63U, 128U, ~0U}) {
        EXPECT_NE(message({.max_concurrent = 1000, .stripes = stripes}).find("stripes"), std::string::npos) << stripes;
    }
    EXPECT_NE(message({.max_concurrent = 63, .stripes = 64}).find("stripes"), std::string::npos);
    EXPECT_NE(message({.max_concurrent = 1, .stripes = 2}).find("stripes"), std::string::npos);
}

}  // namespace
