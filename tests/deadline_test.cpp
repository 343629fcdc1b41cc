// Deadlines and how they travel; the timeout, against an oracle too, and the one that asks to stop, with its timer; the
// fallback. Time is turned by hand, and threads wait for events.
#include "until.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/deadline.hpp>
#include <bulwark/fallback.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/stopping_timeout.hpp>
#include <bulwark/timeout.hpp>
#include <bulwark/timer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace {

using bulwark::errc;
using bulwark::manual_clock;
using bulwark::outcome;
using bulwark::result;
using bulwark::test::until;
using namespace std::chrono_literals;
using deadline = bulwark::basic_deadline<manual_clock>;
using context = bulwark::basic_call_context<manual_clock>;
using timeout = bulwark::basic_timeout<manual_clock>;
using timer = bulwark::basic_timer<manual_clock>;
using stopping_timeout = bulwark::basic_stopping_timeout<manual_clock>;
using breaker = bulwark::basic_circuit_breaker<manual_clock>;

void after(std::chrono::nanoseconds time) {
    manual_clock::advance(time);
}

class Deadline : public testing::Test {
protected:
    Deadline() { manual_clock::reset(); }
};
using Timeout = Deadline;
using Timer = Deadline;
using StoppingTimeout = Deadline;
using Fallback = Deadline;

TEST_F(Deadline, ComesAtItsInstantAndNotBefore) {
    const deadline end = deadline::in(10ns);
    EXPECT_FALSE(end.expired());
    EXPECT_EQ(end.remaining(), 10ns);
    after(9ns);
    EXPECT_FALSE(end.expired());
    EXPECT_EQ(end.remaining(), 1ns);
    after(1ns);
    EXPECT_TRUE(end.expired());
    EXPECT_EQ(end.remaining(), 0ns);
    after(1h);
    EXPECT_TRUE(end.expired());
    EXPECT_EQ(end.remaining(), 0ns);
    EXPECT_FALSE(end.expired(end.when() - 1ns));
    EXPECT_TRUE(end.expired(end.when()));
}

TEST_F(Deadline, NeverComesOrAtOnce) {
    EXPECT_TRUE(deadline().is_never());
    EXPECT_EQ(deadline(), deadline::never());
    EXPECT_EQ(deadline::never().remaining(), deadline::longest);
    EXPECT_TRUE(deadline::in(std::chrono::nanoseconds::max()).is_never());
    EXPECT_TRUE(deadline::in(std::chrono::hours::max()).is_never());
    EXPECT_TRUE(deadline::in(0ns).expired());
    EXPECT_TRUE(deadline::in(-5s).expired());
    EXPECT_TRUE(deadline::in(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())).expired());
    after(5ns);
    EXPECT_TRUE(deadline::in(std::chrono::nanoseconds::max() - 5ns).is_never()) << "at the end of the clock's range";
    EXPECT_FALSE(deadline::in(std::chrono::nanoseconds::max() - 6ns).is_never());
    after(std::chrono::nanoseconds::max());
    EXPECT_FALSE(deadline::never().expired()) << "not even at the end of the clock's range";
    EXPECT_FALSE(deadline::never().expired(manual_clock::now()));
    const auto before_the_epoch = manual_clock::time_point(std::chrono::nanoseconds::min());
    EXPECT_EQ(deadline::after(before_the_epoch, std::chrono::nanoseconds::max()).when().time_since_epoch(), -1ns);
    EXPECT_EQ(deadline::in(10ns) < deadline::never(), false) << "the clock is at its end";
    manual_clock::reset();
    EXPECT_LT(deadline::in(10ns), deadline::in(11ns));
    EXPECT_LT(deadline::in(10ns), deadline::never());
    EXPECT_EQ(deadline::in(std::chrono::duration<double, std::nano>(0.5)), deadline::in(1ns)) << "not too early";
}

TEST_F(Deadline, TravelsInwardAndOnlyComesNearer) {
    const context whole(deadline::in(100ns));
    EXPECT_EQ(whole.until(deadline::in(200ns)).deadline(), whole.deadline());
    EXPECT_EQ(whole.until(deadline::never()).deadline(), whole.deadline());
    EXPECT_EQ(whole.until(deadline::in(50ns)).deadline(), deadline::in(50ns));
    const context third = whole.as_attempt(3);
    EXPECT_EQ(third.attempt(), 3U);
    EXPECT_EQ(third.deadline(), whole.deadline());
    EXPECT_FALSE(whole.over());
    std::stop_source source;
    const context stoppable = third.stopped_by(source.get_token());
    EXPECT_FALSE(stoppable.over());
    source.request_stop();
    EXPECT_TRUE(stoppable.over());
    EXPECT_EQ(stoppable.attempt(), 3U);
    after(100ns);
    EXPECT_TRUE(whole.over());
    EXPECT_FALSE(context().over());
}

TEST_F(Timeout, SetsTheDeadlineOfTheCall) {
    timeout limit{200ns};
    EXPECT_EQ(limit.limit(), 200ns);
    after(7ns);
    const auto reply = limit.execute([](const context& call) { return call.deadline().when().time_since_epoch(); });
    EXPECT_EQ(reply.value(), 207ns);
    EXPECT_EQ(limit.execute([] {}).has_value(), true);
    EXPECT_EQ(limit.late(), 0U);
}

TEST_F(Timeout, AnAnswerAtTheDeadlineIsTooLateAndOneBeforeIsNot) {
    timeout limit{200ns};
    EXPECT_EQ(limit.execute([] { return after(199ns), 1; }).value(), 1);
    EXPECT_EQ(limit.late(), 0U);
    EXPECT_EQ(limit.execute([] { return after(200ns), 1; }).error(), errc::deadline_exceeded);
    EXPECT_EQ(limit.late(), 1U);
    EXPECT_EQ(limit.execute([] { after(1h); }).error(), errc::deadline_exceeded);
    EXPECT_EQ(limit.late(), 2U);
}

TEST_F(Timeout, ALateAnswerMayBeKept) {
    timeout limit{bulwark::timeout_config{.limit = 200ns, .keep_late_answer = true}};
    EXPECT_EQ(limit.execute([] { return after(300ns), 1; }).value(), 1);
    EXPECT_EQ(limit.late(), 1U) << "it is counted all the same";
}

TEST_F(Timeout, ExceptionsGoOnAsTheyAre) {
    timeout limit{200ns};
    const auto fails_after = [&](std::chrono::nanoseconds time) {
        const auto fails = [&]() -> int {
            after(time);
            throw std::runtime_error("service");
        };
        EXPECT_THROW(limit.execute(fails), std::runtime_error);
    };
    fails_after(199ns);
    EXPECT_EQ(limit.late(), 0U);
    fails_after(200ns);
    EXPECT_EQ(limit.late(), 1U);
}

TEST_F(Timeout, ARefusalInsideGoesOnHoweverLate) {
    timeout limit{200ns};
    const auto reply = limit.execute([]() -> result<int> { return after(1h), errc::timed_out; });
    EXPECT_EQ(reply.error(), errc::timed_out) << "the service was not asked: that is no deadline_exceeded";
    EXPECT_EQ(limit.late(), 0U);
}

TEST_F(Timeout, ACallWhoseTimeIsOverIsNotMade) {
    timeout limit{200ns};
    const context over(deadline::in(10ns));
    after(10ns);
    bool called = false;
    EXPECT_EQ(limit.execute(over, [&] { called = true; }).error(), errc::timed_out);
    std::stop_source source;
    source.request_stop();
    const context stopped = context().stopped_by(source.get_token());
    EXPECT_EQ(limit.execute(stopped, [&] { called = true; }).error(), errc::stopped);
    EXPECT_FALSE(called);
    EXPECT_EQ(limit.late(), 0U);
}

TEST_F(Timeout, AnInnerOneGivesWhatIsLeftAndNoMore) {
    timeout outer{200ns};
    timeout inner{150ns};
    bulwark::pipeline both{outer, inner};
    const auto left = [](const context& call) { return call.deadline().remaining(); };
    EXPECT_EQ(both.execute(left).value(), 150ns);
    EXPECT_EQ(outer.execute([&](const context& call) { return after(100ns), inner.execute(call, left); }).value(),
              100ns);
    // Where only the outer one is missed, the inner one is missed with it: it had no time of its own.
    const auto slow = [&](const context& call) {
        after(100ns);
        return inner.execute(call, [] { return after(100ns), 1; });
    };
    EXPECT_EQ(outer.execute(slow).error(), errc::deadline_exceeded);
    EXPECT_EQ(inner.late(), 1U);
    EXPECT_EQ(outer.late(), 0U) << "what came to it was no answer";
}

TEST_F(Timeout, IsAFailureToABreakerOutsideOnlyWhereTheCallWasMade) {
    breaker b{{.ready_to_trip = bulwark::consecutive_failures(2)}};
    timeout limit{200ns};
    bulwark::pipeline call{b, limit};
    for (int i = 0; i != 5; ++i) {
        EXPECT_EQ(call.execute(context(deadline::in(0ns)), [] {}).error(), errc::timed_out);
    }
    EXPECT_EQ(b.counts().total_failures, 0U);
    EXPECT_EQ(b.counts().total_ignored, 5U);
    const auto hangs = [] { after(1s); };
    EXPECT_EQ(call.execute(hangs).error(), errc::deadline_exceeded);
    EXPECT_EQ(b.counts().total_failures, 1U);
    EXPECT_EQ(call.execute(hangs).error(), errc::deadline_exceeded);
    EXPECT_EQ(call.execute(hangs).error(), errc::circuit_open);
    EXPECT_EQ(limit.late(), 2U);
}

TEST_F(Timeout, RefusesALimitThatMakesNoSense) {
    for (const auto bad : {0ns, -1ns, std::chrono::nanoseconds::min()}) {
        try {
            timeout{bad};
            ADD_FAILURE() << bad.count();
        } catch (const std::invalid_argument& e) {
            EXPECT_NE(std::string(e.what()).find("limit"), std::string::npos);
        }
    }
    timeout endless{std::chrono::nanoseconds::max()};
    after(1h);
    EXPECT_TRUE(endless.execute([](const context& call) { return call.deadline().is_never() ? 1 : 0; }).value());
    EXPECT_TRUE(endless.execute([] { after(std::chrono::hours(24 * 365)); }));
}

/// Some timeouts within each other, and a function that takes its time and ends somehow: what must come of it, told by
/// plain arithmetic on the times.
class nest {
public:
    explicit nest(std::mt19937_64& random) {
        const auto start = manual_clock::now().time_since_epoch();
        if (random() % 3 != 0) outer_ = std::chrono::nanoseconds(random() % 100);
        for (auto n = random() % 4 + 1; n != 0; --n) {
            limits_.push_back(std::chrono::nanoseconds(random() % 100 + 1));
            before_.push_back(std::chrono::nanoseconds(random() % 3 == 0 ? random() % 60 : 0));
            keeps_.push_back(random() % 4 == 0);
            layers_.push_back(std::make_unique<timeout>(
                bulwark::timeout_config{.limit = limits_.back(), .keep_late_answer = keeps_.back()}));
        }
        ending_ = random() % 4;
        takes_ = std::chrono::nanoseconds(random() % 120);
        foresee(start);
    }

    void run() {
        const context call(outer_ ? deadline::in(*outer_) : deadline::never());
        std::optional<result<int>> reply;
        try {
            reply = level(call, 0);
        } catch (const std::runtime_error&) {
            EXPECT_EQ(ending_, 0U);
        }
        EXPECT_EQ(reply.has_value(), expected_.has_value());
        if (reply && expected_) {
            EXPECT_EQ(*reply, *expected_);
        }
        EXPECT_EQ(called_, expects_call_);
        for (std::size_t i = 0; i != layers_.size(); ++i) EXPECT_EQ(layers_[i]->late(), late_[i]) << "layer " << i;
    }

private:
    result<int> level(const context& call, std::size_t i) {
        if (i == layers_.size()) {
            called_ = true;
            after(takes_);
            if (ending_ == 0) throw std::runtime_error("service");
            if (ending_ == 1) return errc::circuit_open;
            return 1;
        }
        after(before_[i]);
        return layers_[i]->execute(call, [&](const context& inner) { return level(inner, i + 1); });
    }

    void foresee(std::chrono::nanoseconds now) {
        std::optional<std::chrono::nanoseconds> end;
        if (outer_) end = now + *outer_;
        std::vector<std::chrono::nanoseconds> ends;
        late_.assign(layers_.size(), 0);
        for (std::size_t i = 0; i != layers_.size(); ++i) {
            now += before_[i];
            if (end && now >= *end) {
                expected_ = errc::timed_out;
                return;
            }
            end = end ? std::min(*end, now + limits_[i]) : now + limits_[i];
            ends.push_back(*end);
        }
        expects_call_ = true;
        now += takes_;
        if (ending_ == 1) {
            expected_ = errc::circuit_open;
            return;
        }
        bool is_answer = true;
        for (std::size_t i = layers_.size(); i-- != 0;) {
            if (!is_answer || now < ends[i]) continue;
            ++late_[i];
            if (ending_ != 0 && !keeps_[i]) is_answer = false;
        }
        if (ending_ == 0) return;
        if (is_answer) {
            expected_ = 1;
        } else {
            expected_ = errc::deadline_exceeded;
        }
    }

    std::optional<std::chrono::nanoseconds> outer_;
    std::vector<std::chrono::nanoseconds> limits_;
    std::vector<std::chrono::nanoseconds> before_;
    std::vector<bool> keeps_;
    std::vector<std::unique_ptr<timeout>> layers_;
    std::uint64_t ending_ = 0;
    std::chrono::nanoseconds takes_{0};
    bool called_ = false;

    std::optional<result<int>> expected_;  ///< nothing: the exception
    bool expects_call_ = false;
    std::vector<std::uint64_t> late_;
};

TEST_F(Timeout, DoesWhatTheOracleSays) {
    std::mt19937_64 random(17);
    for (int i = 0; i != 20'000; ++i) {
        nest(random).run();
        if (HasFailure()) FAIL() << "nest " << i;
    }
}

struct heap_entry : bulwark::detail::heap_item<int> {
    using heap_item::heap_item;
};

TEST(AlarmHeap, HasTheEarliestInFrontWhateverComesAndGoes) {
    std::mt19937_64 random(3);
    bulwark::detail::alarm_heap<heap_entry> heap;
    std::multimap<int, std::unique_ptr<heap_entry>> oracle;
    for (int i = 0; i != 20'000; ++i) {
        const bool grows = i % 2000 < 1000;
        if (oracle.empty() || (random() % 8 < 5) == grows) {
            const int when = static_cast<int>(random() % 500);
            const auto at = oracle.emplace(when, std::make_unique<heap_entry>(when));
            heap.add(*at->second);
        } else {
            const auto steps = static_cast<std::ptrdiff_t>(random() % (random() % 2 == 0 ? oracle.size() : 1));
            const auto gone = std::next(oracle.begin(), steps);
            heap.remove(*gone->second);
            ASSERT_EQ(gone->second->at, heap_entry::gone);
            oracle.erase(gone);
        }
        ASSERT_EQ(heap.size(), oracle.size());
        if (!oracle.empty()) {
            ASSERT_EQ(heap.front().when, oracle.begin()->first) << "step " << i;
        }
    }
}

TEST_F(Timer, GoesOffAtItsTimeAndNotBefore) {
    timer t;
    std::stop_source first;
    std::stop_source second;
    std::stop_source none;
    const timer::alarm later(t, deadline::in(10ns), second);
    const timer::alarm soon(t, deadline::in(9ns), first);
    const timer::alarm never(t, deadline::never(), none);
    EXPECT_EQ(t.pending(), 2U);
    manual_clock::advance(9ns);
    until([&] { return first.stop_requested(); });
    EXPECT_FALSE(second.stop_requested());
    EXPECT_EQ(t.pending(), 1U);
    manual_clock::advance(1ns);
    until([&] { return second.stop_requested(); });
    EXPECT_EQ(t.fired(), 2U);
    EXPECT_FALSE(none.stop_requested());
    std::stop_source at_once;
    const timer::alarm passed(t, deadline::in(-1s), at_once);
    until([&] { return at_once.stop_requested(); });
}

TEST_F(Timer, OneThatIsGoneDoesNotGoOff) {
    timer t;
    std::stop_source cancelled;
    {
        const timer::alarm a(t, deadline::in(10ns), cancelled);
    }
    EXPECT_EQ(t.pending(), 0U);
    std::stop_source last;
    const timer::alarm b(t, deadline::in(20ns), last);
    manual_clock::advance(20ns);
    until([&] { return last.stop_requested(); });
    EXPECT_FALSE(cancelled.stop_requested());
    EXPECT_EQ(t.fired(), 1U);
}

TEST_F(Timer, MayBeUsedFromWhatItCalls) {
    timer t;
    std::stop_source first;
    std::stop_source second;
    std::optional<timer::alarm> again;
    const std::stop_callback then(first.get_token(), [&] {
        {
            const timer::alarm dropped(t, deadline::in(0ns), std::stop_source());
        }
        again.emplace(t, deadline::in(0ns), second);
    });
    std::optional<timer::alarm> start(std::in_place, t, deadline::in(0ns), first);
    until([&] { return second.stop_requested(); });
    start.reset();
    EXPECT_EQ(t.fired(), 2U);
}

TEST_F(Timer, FiringAgainstCancelling) {
    bulwark::timer t;  // of the steady clock
    std::mt19937_64 random(5);
    for (int i = 0; i != 3000; ++i) {
        // A state that nobody else keeps: it is freed with the last of the two.
        auto source = std::make_unique<std::stop_source>();
        std::atomic<bool> called = false;
        const std::stop_callback callback(source->get_token(), [&] { called = true; });
        {
            const auto time = std::chrono::nanoseconds(random() % 20'000);
            const bulwark::timer::alarm alarm(t, bulwark::deadline::in(time), *source);
            const auto stay = std::chrono::steady_clock::now() + std::chrono::nanoseconds(random() % 20'000);
            while (std::chrono::steady_clock::now() < stay) {
            }
        }
        source.reset();
    }
    EXPECT_EQ(t.pending(), 0U);
}

TEST_F(StoppingTimeout, AsksTheFunctionToStopAtTheDeadline) {
    timer t;
    stopping_timeout limit{200ns, t};
    EXPECT_EQ(limit.limit(), 200ns);
    const auto reply = limit.execute(
        [&](const context& call) {
            EXPECT_EQ(call.deadline().remaining(), 200ns);
            EXPECT_FALSE(call.stop_token().stop_requested());
            EXPECT_EQ(t.pending(), 1U);
            manual_clock::advance(200ns);
            return until([&] { return call.stop_token().stop_requested(); });
        },
        [](bool) { return outcome::success; });
    EXPECT_EQ(reply.error(), errc::deadline_exceeded);
    EXPECT_EQ(limit.late(), 1U);
    EXPECT_EQ(t.pending(), 0U);
}

TEST_F(StoppingTimeout, LeavesNoAlarmBehind) {
    timer t;
    stopping_timeout limit{200ns, t};
    EXPECT_EQ(limit.execute([] { return 1; }).value(), 1);
    EXPECT_EQ(t.pending(), 0U);
    EXPECT_THROW(limit.execute([]() -> int { throw std::runtime_error("service"); }), std::runtime_error);
    EXPECT_EQ(t.pending(), 0U);
    EXPECT_EQ(limit.execute(context(deadline::in(0ns)), [] { return 1; }).error(), errc::timed_out);
    manual_clock::advance(1s);
    EXPECT_EQ(limit.execute([] { return 1; }).value(), 1);
    EXPECT_EQ(limit.late(), 0U);
}

TEST_F(StoppingTimeout, PassesAStopOn) {
    timer t;
    stopping_timeout limit{200ns, t};
    std::stop_source outer;
    const context call = context().stopped_by(outer.get_token());
    const auto reply = limit.execute(call, [&](const context& inner) {
        outer.request_stop();
        return inner.stop_token().stop_requested() ? 1 : 2;
    });
    EXPECT_EQ(reply.value(), 1) << "an answer that came in time all the same";
    EXPECT_EQ(limit.execute(call, [] { return 1; }).error(), errc::stopped);
}

TEST_F(Fallback, AnswersForARefusal) {
    bulwark::fallback cached{[](errc why) { return why == errc::circuit_open ? 1 : 2; }};
    EXPECT_EQ(cached.execute([]() -> result<int> { return errc::circuit_open; }).value(), 1);
    EXPECT_EQ(cached.execute([]() -> result<int> { return errc::deadline_exceeded; }).value(), 2);
    EXPECT_EQ(cached.asked(), 2U);
    EXPECT_THROW(cached.execute([]() -> int { throw std::runtime_error("not its business"); }), std::runtime_error);
    const auto always_bad = [](int) { return outcome::failure; };
    EXPECT_EQ(cached.execute([] { return 7; }, always_bad).value(), 7) << "a value is not its business either";
    EXPECT_EQ(cached.asked(), 2U);
}

TEST_F(Fallback, AnswersForAnException) {
    bulwark::fallback told{[](const std::exception_ptr& thrown) -> std::string {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::runtime_error& e) {
            return e.what();
        }
    }};
    EXPECT_EQ(told.execute([]() -> std::string { throw std::runtime_error("service"); }).value(), "service");
    EXPECT_THROW(told.execute([]() -> std::string { throw 1; }), int) << "what it throws goes on";
    EXPECT_EQ(told.execute([]() -> result<std::string> { return errc::queue_full; }).error(), errc::queue_full);
    EXPECT_EQ(told.asked(), 2U);
}

TEST_F(Fallback, AnswersForAFailureInTheValue) {
    bulwark::fallback corrected{[](const int& bad) { return -bad; }};
    const auto odd_fails = [](int n) { return n % 2 != 0 ? outcome::failure : outcome::success; };
    EXPECT_EQ(corrected.execute([] { return 3; }, odd_fails).value(), -3) << "and its answer is not judged again";
    EXPECT_EQ(corrected.execute([] { return 4; }, odd_fails).value(), 4);
    EXPECT_EQ(corrected.execute([] { return 5; }, [](int) { return outcome::ignored; }).value(), 5);
    EXPECT_EQ(corrected.asked(), 1U);
}

TEST_F(Fallback, AnswersForWhateverItTakes) {
    const auto odd_fails = [](int n) { return n % 2 != 0 ? outcome::failure : outcome::success; };
    const auto answers_all = [&](auto& any) {
        EXPECT_EQ(any.execute([]() -> result<int> { return errc::bulkhead_full; }, odd_fails).value(), 9);
        EXPECT_EQ(any.execute([]() -> int { throw 1; }, odd_fails).value(), 9) << "asked once: see the count";
        EXPECT_EQ(any.execute([] { return 3; }, odd_fails).value(), 9);
        EXPECT_EQ(any.execute([] { return 4; }, odd_fails).value(), 4);
        EXPECT_EQ(any.asked(), 3U);
    };
    bulwark::fallback plain{[] { return 9; }};
    answers_all(plain);
    bulwark::fallback generic{[](const auto&... why) { return sizeof...(why) == 1 ? 9 : -1; }};
    answers_all(generic);
    struct several {
        int operator()(errc) const { return 1; }
        int operator()(const std::exception_ptr&) const { return 2; }
    };
    bulwark::fallback each{several{}};
    EXPECT_EQ(each.execute([]() -> result<int> { return errc::bulkhead_full; }).value(), 1);
    EXPECT_EQ(each.execute([]() -> int { throw 1; }).value(), 2);
    EXPECT_EQ(each.execute([] { return 3; }, odd_fails).value(), 3);
}

TEST_F(Fallback, MayRefuseToAnswerAndAnswersOfEveryKind) {
    bulwark::fallback choosy{[](errc why) -> result<int> {
        if (why != errc::circuit_open) return why;
        return 1;
    }};
    EXPECT_EQ(choosy.execute([]() -> result<int> { return errc::circuit_open; }).value(), 1);
    EXPECT_EQ(choosy.execute([]() -> result<int> { return errc::stopped; }).error(), errc::stopped);
    bulwark::fallback renames{[](errc) { return errc::bulkhead_full; }};
    EXPECT_EQ(renames.execute([]() -> result<int> { return errc::stopped; }).error(), errc::bulkhead_full);

    int noted = 0;
    bulwark::fallback notes{[&](auto&&...) { ++noted; }};
    EXPECT_TRUE(notes.execute([] { throw 1; })) << "void: it has been seen to";
    EXPECT_TRUE(notes.execute([]() -> result<void> { return errc::stopped; }));
    EXPECT_EQ(noted, 2);

    int there = 1;
    int spare = 2;
    bulwark::fallback refers{[&]() -> int& { return spare; }};
    EXPECT_EQ(&refers.execute([&]() -> int& { return there; })->get(), &there);
    EXPECT_EQ(&refers.execute([&]() -> int& { throw 1; })->get(), &spare);
    bulwark::fallback owned{[] { return std::make_unique<int>(3); }};
    EXPECT_EQ(**owned.execute([]() -> std::unique_ptr<int> { throw 1; }), 3) << "move-only";
}

TEST_F(Fallback, HidesNothingFromTheLayersInside) {
    breaker b{{.ready_to_trip = bulwark::consecutive_failures(3)}};
    bulwark::pipeline call{bulwark::fallback{[](auto&&...) { return -1; }}, b, timeout{200ns}};
    for (int i = 0; i != 2; ++i) EXPECT_EQ(call.execute([]() -> int { throw 1; }).value(), -1);
    EXPECT_EQ(call.execute([] { return after(1s), 1; }).value(), -1);
    EXPECT_EQ(b.state(), bulwark::breaker_state::open) << "it trips behind a fallback as it does without";
    EXPECT_EQ(call.execute([] { return 1; }).value(), -1);
}

}  // namespace
