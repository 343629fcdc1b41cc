// Calls that their callers may leave: the timeout on a pool, and the hedge. Time is turned by hand, as a rule by the
// function that is called, and threads wait for events.
#include "until.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/hedge.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/pool_timeout.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bulwark::errc;
using bulwark::manual_clock;
using bulwark::outcome;
using bulwark::result;
using bulwark::thread_pool_bulkhead;
using bulwark::test::until;
using namespace std::chrono_literals;
using deadline = bulwark::basic_deadline<manual_clock>;
using context = bulwark::basic_call_context<manual_clock>;
using breaker = bulwark::basic_circuit_breaker<manual_clock>;
using pool_timeout = bulwark::basic_pool_timeout<manual_clock>;
using hedge = bulwark::basic_hedge<manual_clock>;

class PoolTimeout : public testing::Test {
protected:
    PoolTimeout() { manual_clock::reset(); }
};
using Hedge = PoolTimeout;

bool asked_to_stop(const context& call) {
    return until([&] { return call.stop_token().stop_requested(); });
}

TEST_F(PoolTimeout, BringsTheReplyAsIfTheFunctionHadBeenCalledHere) {
    thread_pool_bulkhead pool{{.threads = 1}};
    pool_timeout limit{200ns, pool};
    EXPECT_EQ(limit.limit(), 200ns);
    EXPECT_EQ(limit.execute([] { return 1; }).value(), 1);
    EXPECT_TRUE(limit.execute([] {}));
    EXPECT_NE(limit.execute([] { return std::this_thread::get_id(); }).value(), std::this_thread::get_id());
    EXPECT_EQ(*limit.execute([] { return std::make_unique<int>(2); }).value(), 2) << "move-only";
    static int there = 3;
    EXPECT_EQ(&limit.execute([]() -> int& { return there; })->get(), &there);
    EXPECT_EQ(limit.execute([]() -> result<int> { return errc::circuit_open; }).error(), errc::circuit_open);
    EXPECT_THROW(limit.execute([]() -> int { throw std::runtime_error("service"); }), std::runtime_error);
    const auto seen = limit.execute(context().as_attempt(4), [](const context& call) {
        return std::pair(call.deadline().remaining(), call.attempt() + (call.stop_token().stop_requested() ? 100 : 0));
    });
    EXPECT_EQ(seen.value(), std::pair(std::chrono::nanoseconds(200), 4U));
    const auto left = [](const context& call) { return call.deadline().remaining(); };
    EXPECT_EQ(limit.execute(context(deadline::in(50ns)), left).value(), 50ns) << "what is left, and no more";
    EXPECT_TRUE(limit.execute([] { return false; }, [](bool) { return outcome::failure; }).has_value());
    EXPECT_EQ(limit.late() + limit.skipped() + limit.under_way(), 0U);
}

TEST_F(PoolTimeout, WhoHasTheAnswerFindsRoomForTheNextCall) {
    thread_pool_bulkhead pool{{.threads = 1}};
    bulwark::pool_timeout limit{1h, pool};
    const auto kept = std::make_shared<int>(1);
    for (int i = 0; i != 2000; ++i) {
        const auto reply = limit.execute([i, kept] { return i; });
        ASSERT_TRUE(reply) << "call " << i << ": " << make_error_code(reply.error()).message();
        ASSERT_EQ(*reply, i);
        ASSERT_EQ(kept.use_count(), 1) << "and the function destroyed";
    }
}

TEST_F(PoolTimeout, LeavesOnTimeAndDropsWhatComesLate) {
    breaker outside{{.ready_to_trip = bulwark::consecutive_failures(100)}};
    breaker inside{{.ready_to_trip = bulwark::consecutive_failures(100)}};
    const auto token = std::make_shared<int>(1);
    for (const bool throws : {false, true}) {
        thread_pool_bulkhead pool{{.threads = 1}};
        pool_timeout limit{200ns, pool};
        bulwark::pipeline call{outside, limit, inside};
        std::latch caller_is_gone(1);
        const auto reply = call.execute([&caller_is_gone, token, throws](const context& c) {
            manual_clock::advance(200ns);
            caller_is_gone.wait();
            asked_to_stop(c);
            if (throws) throw std::runtime_error("late");
            return token;
        });
        EXPECT_EQ(reply.error(), errc::deadline_exceeded);
        EXPECT_EQ(limit.late(), 0U);
        EXPECT_EQ(limit.under_way(), 1U);
        EXPECT_EQ(call.execute([] { return std::shared_ptr<int>(); }).error(), errc::queue_full) << "it has its thread";
        caller_is_gone.count_down();
        until([&] { return limit.under_way() == 0; });
        EXPECT_EQ(limit.late(), 1U);
        EXPECT_EQ(limit.skipped(), 0U);
        pool.stop(bulwark::stop_mode::drain);
        pool.join();
        EXPECT_EQ(token.use_count(), 1) << "dropped, not kept";
    }
    EXPECT_EQ(outside.counts().total_failures, 2U) << "who left on time had no answer";
    EXPECT_EQ(outside.counts().total_ignored, 2U);
    EXPECT_EQ(inside.counts().total_successes, 1U) << "the one inside saw what came at last";
    EXPECT_EQ(inside.counts().total_failures, 1U);
}

void pool_is_free(thread_pool_bulkhead& pool) {
    until([&] { return pool.snapshot().busy == 0; });
}

TEST_F(PoolTimeout, AnAnswerAtTheDeadlineIsTooLateThoughTheCallerIsThere) {
    thread_pool_bulkhead pool{{.threads = 1}};
    pool_timeout limit{200ns, pool};
    for (int i = 0; i != 20; ++i) {
        const auto in_time = limit.execute([] { return manual_clock::advance(199ns), 1; });
        EXPECT_EQ(in_time.value(), 1);
        const auto late =
            limit.execute([](const context& c) { return manual_clock::advance(200ns), c.over() ? 2 : 3; });
        EXPECT_EQ(late.error(), errc::deadline_exceeded);
        pool_is_free(pool);
    }
    EXPECT_EQ(limit.late(), 20U);
}

TEST_F(PoolTimeout, ACallWhoseTimeIsOverInTheQueueIsNeverMade) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 1}};
    pool_timeout limit{200ns, pool};
    std::latch let_go(1);
    auto holds = pool.submit([&] {
        until([&] { return limit.under_way() == 1; });
        manual_clock::advance(200ns);
        let_go.wait();
    });
    std::atomic<bool> called = false;
    EXPECT_EQ(limit.execute([&] { called = true; }).error(), errc::timed_out) << "the service was not asked";
    EXPECT_EQ(limit.skipped(), 0U) << "no worker has come to it";
    let_go.count_down();
    until([&] { return limit.under_way() == 0; });
    EXPECT_EQ(limit.skipped(), 1U);
    EXPECT_FALSE(called);
    EXPECT_EQ(limit.late(), 0U);
    holds->get();
    until([&] { return pool.snapshot().busy == 0; });
    EXPECT_TRUE(limit.execute([&] { called = true; })) << "its place is free";
    EXPECT_TRUE(called);
    EXPECT_EQ(limit.execute(context(deadline::in(0ns)), [&] { called = false; }).error(), errc::timed_out);
    EXPECT_TRUE(called);
}

TEST_F(PoolTimeout, PassesThePoolsRefusalsOn) {
    thread_pool_bulkhead pool{{.threads = 1, .max_queued = 1}};
    pool_timeout limit{200ns, pool};
    auto holds = pool.submit([&] {
        until([&] { return limit.under_way() == 1; });
        EXPECT_EQ(pool.submit([] {}).error(), errc::queue_full);
        EXPECT_EQ(pool_timeout(1s, pool).execute([] {}).error(), errc::queue_full);
        pool.stop(bulwark::stop_mode::cancel);
    });
    std::atomic<bool> called = false;
    EXPECT_EQ(limit.execute([&] { called = true; }).error(), errc::stopped) << "dropped from the queue";
    EXPECT_EQ(limit.execute([&] { called = true; }).error(), errc::stopped);
    EXPECT_FALSE(called);
    until([&] { return limit.under_way() == 0; });
    EXPECT_EQ(limit.late() + limit.skipped(), 0U);
    holds->get();
}

TEST_F(PoolTimeout, LeavesWhenTheCallerIsAskedToStop) {
    thread_pool_bulkhead pool{{.threads = 1}};
    pool_timeout limit{200ns, pool};
    std::stop_source outer;
    const context call = context().stopped_by(outer.get_token());
    const auto reply = limit.execute(call, [outer](const context& inner) mutable {
        outer.request_stop();
        asked_to_stop(inner);
    });
    EXPECT_EQ(reply.error(), errc::stopped);
    until([&] { return limit.late() == 1; });
    EXPECT_EQ(limit.execute(call, [] {}).error(), errc::stopped);
}

TEST_F(PoolTimeout, WaitsForItsLateCallsBeforeItGoes) {
    thread_pool_bulkhead pool{{.threads = 1}};
    std::atomic<bool> ended = false;
    std::latch caller_is_gone(1);
    std::optional<pool_timeout> limit(std::in_place, 200ns, pool);
    const auto reply = limit->execute([&] {
        manual_clock::advance(200ns);
        caller_is_gone.wait();
        std::this_thread::yield();
        ended = true;
    });
    EXPECT_EQ(reply.error(), errc::deadline_exceeded);
    caller_is_gone.count_down();
    limit.reset();
    EXPECT_TRUE(ended);
}

TEST_F(PoolTimeout, RefusesALimitThatMakesNoSense) {
    thread_pool_bulkhead pool{{.threads = 1}};
    EXPECT_THROW(pool_timeout(0ns, pool), std::invalid_argument);
    EXPECT_THROW(pool_timeout(-1ns, pool), std::invalid_argument);
}

/// What each attempt does, by its number.
class service {
public:
    using attempt = std::function<result<int>(const context&)>;

    service(std::initializer_list<attempt> attempts) : attempts_(attempts) {}

    auto function() {
        return [this](const context& call) {
            ++calls_;
            return attempts_.at(call.attempt() - 1)(call);
        };
    }
    std::size_t calls() const { return calls_; }

private:
    const std::vector<attempt> attempts_;
    std::atomic<std::size_t> calls_ = 0;
};

result<int> slow_until_stopped(const context& call) {
    manual_clock::advance(10ns);
    asked_to_stop(call);
    return -1;
}
outcome negative_fails(int n) {
    return n < 0 ? outcome::failure : outcome::success;
}

class HedgeOnAPool : public Hedge {
protected:
    auto run(hedge& h, service& s, const context& call = {}) { return h.execute(call, s.function(), negative_fails); }

    thread_pool_bulkhead pool_{{.threads = 3}};
};

TEST_F(HedgeOnAPool, MakesOneAttemptWhereThatIsEnough) {
    bulwark::retry_budget budget{{.percent = 50, .max_saved = 10}};
    hedge h{{.delay = 10ns, .budget = &budget}, pool_};
    service s{[](const context&) { return 1; }, [](const context&) { return 2; }};
    EXPECT_EQ(run(h, s).value(), 1);
    EXPECT_EQ(run(h, s).value(), 1);
    EXPECT_EQ(h.hedges(), 0U);
    EXPECT_DOUBLE_EQ(budget.balance(), 1.0) << "each call deposits";
    EXPECT_EQ(run(h, s, context().as_attempt(2)).value(), 2);
    EXPECT_DOUBLE_EQ(budget.balance(), 1.0) << "but not the attempts of a retry outside";
    EXPECT_EQ(h.config().max_attempts, 2U);
}

TEST_F(HedgeOnAPool, TheSecondWinsOverASlowFirstWhichIsStopped) {
    hedge h{{.delay = 10ns}, pool_};
    service s{slow_until_stopped, [](const context&) { return 2; }};
    EXPECT_EQ(run(h, s).value(), 2);
    until([&] { return h.under_way() == 0; });
    EXPECT_EQ(h.hedges(), 1U);
    EXPECT_EQ(h.late(), 1U);
}

TEST_F(HedgeOnAPool, TheFirstMayWinStill) {
    hedge h{{.delay = 10ns}, pool_};
    std::latch second_has_begun(1);
    std::atomic<bool> stopped = false;
    service s{[&](const context&) {
                  manual_clock::advance(10ns);
                  second_has_begun.wait();
                  return 1;
              },
              [&](const context& call) {
                  second_has_begun.count_down();
                  stopped = asked_to_stop(call);
                  return 2;
              }};
    EXPECT_EQ(run(h, s).value(), 1);
    until([&] { return h.late() == 1; });
    EXPECT_TRUE(stopped);
}

TEST_F(HedgeOnAPool, AFailureIsFollowedByTheNextAttemptAtOnce) {
    hedge h{{.delay = 1h, .max_attempts = 4}, pool_};
    service s{[](const context&) { return -1; }, [](const context&) -> result<int> { throw std::runtime_error("2"); },
              [](const context&) -> result<int> { return errc::deadline_exceeded; }, [](const context&) { return 4; }};
    EXPECT_EQ(run(h, s).value(), 4);
    EXPECT_EQ(h.hedges(), 3U);
    EXPECT_EQ(h.late(), 0U);
    service one_fails{[](const context&) { return -1; },
                      [](const context&) {
                          std::this_thread::sleep_for(2ms);  // time enough for one that should not be made
                          return 2;
                      },
                      [](const context&) { return 3; }};
    EXPECT_EQ(run(h, one_fails).value(), 2);
    EXPECT_EQ(h.hedges(), 4U) << "one failure, one more attempt";
}

TEST_F(HedgeOnAPool, WhereAllFailTheLastFailureIsTheReply) {
    hedge h{{.delay = 1h, .max_attempts = 3}, pool_};
    service throws{[](const context&) { return -1; }, [](const context&) { return -2; },
                   [](const context&) -> result<int> { throw std::runtime_error("third"); }};
    EXPECT_THROW(run(h, throws), std::runtime_error);
    service replies{[](const context&) -> result<int> { throw std::runtime_error("first"); },
                    [](const context&) { return -2; }, [](const context&) { return -3; }};
    EXPECT_EQ(run(h, replies).value(), -3);
    EXPECT_EQ(replies.calls(), 3U) << "and there is no fourth";
}

TEST_F(HedgeOnAPool, ARefusalInsideIsNotFollowedAndEndsNothing) {
    hedge h{{.delay = 10ns}, pool_};
    service refused{[](const context&) -> result<int> { return errc::circuit_open; }};
    EXPECT_EQ(run(h, refused).error(), errc::circuit_open);
    EXPECT_EQ(h.hedges(), 0U);
    std::latch second_is_refused(1);
    service second{[&](const context& call) -> result<int> {
                       manual_clock::advance(10ns);
                       second_is_refused.wait();
                       return call.stop_token().stop_requested() ? -7 : 1;
                   },
                   [&](const context&) -> result<int> {
                       second_is_refused.count_down();
                       return errc::bulkhead_full;
                   }};
    EXPECT_EQ(run(h, second).value(), 1) << "the first was not given up";
    service both{[&](const context&) { return -1; }, [](const context&) -> result<int> { return errc::bulkhead_full; }};
    EXPECT_EQ(run(h, both).value(), -1) << "the failure says more than the refusal";
    EXPECT_EQ(h.hedges(), 2U);
}

TEST_F(HedgeOnAPool, NoBudgetNoHedge) {
    bulwark::retry_budget budget{{.percent = 0}};
    hedge h{{.delay = 10ns, .budget = &budget}, pool_};
    service s{[](const context&) { return -1; }};
    EXPECT_EQ(run(h, s).value(), -1) << "at once, not at some deadline";
    EXPECT_EQ(s.calls(), 1U);
    EXPECT_EQ(h.hedges(), 0U);
    bulwark::retry_budget two{{.percent = 0, .max_saved = 2, .initial = 2}};
    hedge paid{{.delay = 10ns, .budget = &two}, pool_};
    service fails{[](const context&) { return -1; }, [](const context&) { return -2; }};
    for (int i = 0; i != 3; ++i) EXPECT_EQ(run(paid, fails).value(), i < 2 ? -2 : -1);
    EXPECT_EQ(paid.hedges(), 2U);
}

TEST_F(HedgeOnAPool, NoPlaceNoHedgeAndTheBudgetHasItsTokenBack) {
    thread_pool_bulkhead narrow{{.threads = 1}};
    bulwark::retry_budget budget{{.percent = 0, .max_saved = 2, .initial = 2}};
    hedge h{{.delay = 10ns, .budget = &budget}, narrow};
    service s{[&](const context&) {
        manual_clock::advance(10ns);
        until([&] { return narrow.snapshot().refused == 1; });
        return 1;
    }};
    EXPECT_EQ(run(h, s).value(), 1);
    EXPECT_EQ(h.hedges(), 0U);
    EXPECT_DOUBLE_EQ(budget.balance(), 2.0);
    narrow.stop(bulwark::stop_mode::drain);
    EXPECT_EQ(run(h, s).error(), errc::stopped) << "for the first it is the reply";
}

TEST_F(HedgeOnAPool, ASecondThatIsWonOverInTheQueueIsNeverMade) {
    thread_pool_bulkhead narrow{{.threads = 1, .max_queued = 1}};
    hedge h{{.delay = 10ns}, narrow};
    service s{[&](const context&) {
        manual_clock::advance(10ns);
        until([&] { return h.hedges() == 1; });
        return 1;
    }};
    EXPECT_EQ(run(h, s).value(), 1);
    until([&] { return h.under_way() == 0; });
    EXPECT_EQ(h.skipped(), 1U);
    EXPECT_EQ(h.late(), 0U);
}

TEST_F(HedgeOnAPool, NoneIsMadeWhileTheFirstStillStandsInTheQueue) {
    thread_pool_bulkhead narrow{{.threads = 1, .max_queued = 5}};
    hedge h{{.delay = 10ns}, narrow};
    auto holds = narrow.submit([&] {
        until([&] { return h.under_way() == 1; });
        manual_clock::advance(1h);
        std::this_thread::sleep_for(5ms);  // longer than the caller takes to look at the clock; else nothing is tested
    });
    service s{[&](const context&) { return h.hedges() == 0 ? 1 : 3; }, [](const context&) { return 2; }};
    EXPECT_EQ(run(h, s).value(), 1);
    EXPECT_EQ(h.hedges(), 0U);
    holds->get();
}

TEST_F(HedgeOnAPool, KeepsToTheDeadline) {
    hedge h{{.delay = 10ns}, pool_};
    service hangs{slow_until_stopped, slow_until_stopped};
    EXPECT_EQ(run(h, hangs, context(deadline::in(20ns))).error(), errc::deadline_exceeded);
    until([&] { return h.under_way() == 0; });
    EXPECT_EQ(h.late(), 2U);
    service one_fails{[](const context&) { return -1; },
                      [](const context& call) -> result<int> {
                          EXPECT_EQ(call.deadline().remaining(), 20ns);
                          manual_clock::advance(20ns);
                          asked_to_stop(call);
                          return 2;
                      }};
    EXPECT_EQ(run(h, one_fails, context(deadline::in(20ns))).value(), -1) << "a failure that is known says more";
    service late{[](const context&) { return manual_clock::advance(20ns), 1; }};
    EXPECT_EQ(run(h, late, context(deadline::in(20ns))).error(), errc::deadline_exceeded);
    EXPECT_EQ(run(h, one_fails, context(deadline::in(0ns))).error(), errc::timed_out);
    EXPECT_EQ(one_fails.calls(), 2U);
}

TEST_F(HedgeOnAPool, StopsWhenTheCallerIsAskedTo) {
    hedge h{{.delay = 1h}, pool_};
    std::stop_source outer;
    const context call = context().stopped_by(outer.get_token());
    service s{[&](const context& inner) {
        outer.request_stop();
        asked_to_stop(inner);
        return 1;
    }};
    EXPECT_EQ(run(h, s, call).error(), errc::stopped);
    EXPECT_EQ(run(h, s, call).error(), errc::stopped);
    until([&] { return h.under_way() == 0; });
    EXPECT_EQ(s.calls(), 1U);
    EXPECT_EQ(h.hedges(), 0U) << "nothing is begun after the stop";
}

TEST_F(HedgeOnAPool, ThrowsWhatCannotBeCopiedAndGoesOnWithoutWhereItIsOnlyTheHedge) {
    struct fragile {
        explicit fragile(int n) : copies_left(n) {}
        fragile(const fragile& other) : copies_left(other.copies_left - 1) {
            if (other.copies_left == 0) throw std::runtime_error("copy");
            --other.copies_left;
        }
        fragile(fragile&& other) noexcept : copies_left(other.copies_left) {}
        ~fragile() = default;
        int operator()() const { return -1; }
        mutable int copies_left;
    };
    hedge h{{.delay = 1h}, pool_};
    EXPECT_THROW(h.execute(fragile(0), negative_fails), std::runtime_error);
    EXPECT_EQ(h.execute(fragile(1), negative_fails).value(), -1);
    EXPECT_EQ(h.hedges(), 0U);
    EXPECT_EQ(h.execute(fragile(2), negative_fails).value(), -1);
    EXPECT_EQ(h.hedges(), 1U);
}

TEST_F(HedgeOnAPool, RefusesAConfigurationThatMakesNoSense) {
    const auto names = [&](const bulwark::hedge_config& config, const char* field) {
        try {
            hedge(config, pool_);
            ADD_FAILURE() << field;
        } catch (const std::invalid_argument& e) {
            EXPECT_NE(std::string(e.what()).find(field), std::string::npos);
        }
    };
    names({}, "delay");
    names({.delay = -1ns}, "delay");
    names({.delay = 1ns, .max_attempts = 0}, "max_attempts");
    names({.delay = 1ns, .max_attempts = 65}, "max_attempts");
    hedge off{{.delay = 0ns, .max_attempts = 1}, pool_};
    service s{[](const context&) { return -1; }};
    EXPECT_EQ(run(off, s).value(), -1);
}

}  // namespace
