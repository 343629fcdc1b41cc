// Waiters for whom no thread sleeps: each wait is ended by one, who is told or answered so, with nothing held; and who
// comes too late finds nothing. Below Boost.Asio, on the waiting line itself.
#include <bulwark/detail/callback_waiter.hpp>
#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/waiting_line.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bulwark::detail::default_traits;
using bulwark::detail::striped_word;
using bulwark::detail::turn;
using line_type = bulwark::detail::waiting_line<default_traits>;
using waiter_type = bulwark::detail::callback_waiter<default_traits, striped_word>;
using departure = bulwark::detail::departure<default_traits, striped_word>;

/// One that notes what it was told, and can do more then.
struct noted : waiter_type {
    noted(line_type& at, std::uint64_t n) : waiter_type(at, n, &hear), line(at) {}

    static void hear(waiter_type& w) noexcept {
        auto& self = static_cast<noted&>(w);
        ++self.told;
        if (self.gives_back && self.outcome() == turn::admitted) self.line.give_back(self.weight);
        if (self.ends) delete &self;  // NOLINT(cppcoreguidelines-owning-memory): as an operation does
    }

    line_type& line;
    int told = 0;
    bool gives_back = false;
    bool ends = false;
};

TEST(CallbackWaiter, IsCalledByWhoGivesBackAndMayUseTheLine) {
    line_type line(1, 1, 10);
    ASSERT_EQ(line.take(1), turn::admitted);
    noted first(line, 1);
    noted second(line, 1);
    first.gives_back = second.gives_back = true;
    EXPECT_EQ(first.join(), turn::waits);
    EXPECT_EQ(second.join(), turn::waits);
    EXPECT_EQ(first.told, 0);
    line.give_back(1);
    EXPECT_EQ(first.told, 1);
    EXPECT_EQ(second.told, 1);
    EXPECT_EQ(second.outcome(), turn::admitted);
    EXPECT_EQ(line.in_use(), 0U);
    EXPECT_EQ(line.waiting(), 0U);
}

TEST(CallbackWaiter, MayEndWhenItIsCalled) {
    line_type line(3, 1, 10);
    ASSERT_EQ(line.take(3), turn::admitted);
    for (int i = 0; i != 3; ++i) {
        auto* const w = new noted(line, 1);
        w->gives_back = w->ends = true;
        ASSERT_EQ(w->join(), turn::waits);
    }
    line.give_back(3);
    EXPECT_EQ(line.waiting(), 0U);
    EXPECT_EQ(line.in_use(), 0U);
}

TEST(CallbackWaiter, StandsInOneLineWithSleepers) {
    line_type line(1, 1, 10);
    ASSERT_EQ(line.take(1), turn::admitted);
    noted first(line, 1);
    EXPECT_EQ(first.join(), turn::waits);
    line_type::waiter sleeper(1);
    ASSERT_EQ(line.join(sleeper), turn::waits);
    noted last(line, 1);
    EXPECT_EQ(last.join(), turn::waits);
    line.give_back(1);
    EXPECT_EQ(first.told, 1);
    EXPECT_EQ(last.told, 0);
    line.give_back(1);
    EXPECT_EQ(line.await(sleeper, [](auto& parker) { return parker.wait(0); }), turn::admitted);
    EXPECT_EQ(last.told, 0);
    line.give_back(1);
    EXPECT_EQ(last.told, 1);
}

TEST(CallbackWaiter, IsSentAwayByAShrink) {
    line_type line(2, 1, 10);
    ASSERT_EQ(line.take(1), turn::admitted);
    noted wants_all(line, 2);
    EXPECT_EQ(wants_all.join(), turn::waits);
    line.resize(1);
    EXPECT_EQ(wants_all.told, 1);
    EXPECT_EQ(wants_all.outcome(), turn::over_capacity);
}

TEST(CallbackWaiter, LeavesOnceAndLetsOthersPass) {
    line_type line(2, 1, 10);
    ASSERT_EQ(line.take(1), turn::admitted);
    noted large(line, 2);
    noted small(line, 1);
    departure of_large(large);
    departure of_small(small);
    EXPECT_EQ(of_large.begin([&] { return large.join(); }), turn::waits);
    EXPECT_EQ(of_small.begin([&] { return small.join(); }), turn::waits);
    EXPECT_EQ(of_large.leave(turn::stopped), &large);
    EXPECT_EQ(large.outcome(), turn::stopped);
    EXPECT_EQ(small.told, 1);
    EXPECT_EQ(of_large.leave(turn::timed_out), nullptr);
    EXPECT_EQ(of_small.leave(turn::timed_out), nullptr) << "it was told";
    EXPECT_EQ(small.outcome(), turn::admitted);
    EXPECT_EQ(large.told, 0);
}

TEST(CallbackWaiter, NobodyComesToItThroughADepartureThatLetItGo) {
    line_type line(1, 1, 10);
    ASSERT_EQ(line.take(1), turn::admitted);
    noted here(line, 1);
    departure of_it(here);
    EXPECT_EQ(of_it.leave(turn::stopped), nullptr) << "it has not joined";
    EXPECT_EQ(of_it.begin([&] { return here.join(); }), turn::waits);
    of_it.let_go();
    EXPECT_EQ(of_it.leave(turn::stopped), nullptr);
    EXPECT_EQ(line.waiting(), 1U);
    EXPECT_TRUE(here.leave(turn::timed_out));
    EXPECT_EQ(here.outcome(), turn::timed_out);
    EXPECT_FALSE(here.leave(turn::timed_out));
}

TEST(CallbackWaiter, OneOfAllEndsIt) {
    for (int round = 0; round != 2'000; ++round) {
        line_type line(1, 1, 10);
        ASSERT_EQ(line.take(1), turn::admitted);
        noted contested(line, 1);
        departure of_it(contested);
        ASSERT_EQ(of_it.begin([&] { return contested.join(); }), turn::waits);
        std::atomic<int> left = 0;
        {
            const std::jthread giver([&] { line.give_back(1); });
            const std::jthread canceller([&] { left += of_it.leave(turn::stopped) != nullptr; });
            left += of_it.leave(turn::timed_out) != nullptr;
        }
        EXPECT_EQ(left + contested.told, 1);
        EXPECT_EQ(line.in_use(), static_cast<std::uint64_t>(contested.told));
        EXPECT_EQ(line.waiting(), 0U);
    }
}

}  // namespace
