// Calls that are coroutines, through the layers of a pipeline: that each layer does what it does around a call that
// blocks, that refusals are told apart, and that a deadline, a cancellation and the end of the context give everything
// back, whatever the call was waiting for. On one thread, on several, and with a service at the other end of a socket.
#include "until.hpp"

#include <bulwark/asio.hpp>
#include <bulwark/bulwark.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using bulwark::bulkhead;
using bulwark::circuit_breaker;
using bulwark::errc;
using bulwark::guarded;
using bulwark::outcome;
using bulwark::pipeline;
using bulwark::result;
using bulwark::timeout;
using bulwark::waiting;
using bulwark::test::until;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto soon = 5ms;
constexpr auto never = 1h;

bulwark::circuit_breaker_config trips_after(std::uint32_t failures) {
    return {.timeout = 1h, .ready_to_trip = bulwark::consecutive_failures(failures)};
}

awaitable<int> comes_to(int value, std::chrono::nanoseconds after = 0ns) {
    asio::steady_timer timer(co_await asio::this_coro::executor, after);
    co_await timer.async_wait(use_awaitable);
    co_return value;
}

/// Runs a coroutine to its end on one thread.
template <class F>
auto run(F fn) {
    asio::io_context context;
    auto got = asio::co_spawn(context, std::move(fn), asio::use_future);
    context.run();
    return got.get();
}

errc why(const result<int>& got) {
    return got ? errc{} : got.error();
}

TEST(AsyncExecute, EachLayerAlone) {
    circuit_breaker breaker{trips_after(1)};
    bulkhead pool{{.max_concurrent = 1, .max_waiting = 1}};
    timeout limit{never};
    bulwark::rate_limiter limiter{{.permits = 1, .period = 1h}};
    run([&]() -> awaitable<void> {
        EXPECT_EQ(*co_await guarded(breaker, [] { return comes_to(1); }), 1);
        EXPECT_EQ(*co_await guarded(pool, [] { return comes_to(2); }), 2);
        EXPECT_EQ(*co_await guarded(waiting(pool), [] { return comes_to(3); }), 3);
        EXPECT_EQ(*co_await guarded(limit, [] { return comes_to(4); }), 4);
        EXPECT_EQ(*co_await guarded(limiter, [] { return comes_to(5); }), 5);
        EXPECT_EQ(why(co_await guarded(limiter, [] { return comes_to(5); })), errc::rate_limited);
        EXPECT_EQ(breaker.counts().total_successes, 1U);
        EXPECT_EQ(pool.in_use(), 0U);

        const auto held = pool.try_acquire();
        EXPECT_EQ(why(co_await guarded(pool, [] { return comes_to(2); })), errc::bulkhead_full);
        breaker.trip();
        EXPECT_EQ(why(co_await guarded(breaker, [] { return comes_to(1); })), errc::circuit_open);
        bulwark::fallback second_best{[](errc reason) { return reason == errc::circuit_open ? 7 : 8; }};
        EXPECT_EQ(*co_await guarded(pipeline{second_best, breaker}, [] { return comes_to(1); }), 7);
    });
}

TEST(AsyncExecute, TheSamePipelineForCallsThatBlock) {
    circuit_breaker breaker{trips_after(2)};
    bulkhead pool{{.max_concurrent = 1, .max_waiting = 1}};
    pipeline call{breaker, waiting(pool), timeout{never}};
    EXPECT_EQ(*call.execute([] { return 1; }), 1);
    run([&]() -> awaitable<void> {
        EXPECT_EQ(*co_await guarded(call, [] { return comes_to(2); }), 2);
        EXPECT_EQ(*co_await guarded(pipeline{bulwark::retry{}, call}, [] { return comes_to(3); }), 3);
    });
    EXPECT_EQ(breaker.counts().total_successes, 3U);
}

TEST(AsyncExecute, WhatTheFunctionMayBe) {
    bulkhead pool{{.max_concurrent = 1}};
    run([&]() -> awaitable<void> {
        const result<void> nothing = co_await guarded(pool, []() -> awaitable<void> { co_return; });
        EXPECT_TRUE(nothing);
        const result<int> passed_on =
            co_await guarded(pool, []() -> awaitable<result<int>> { co_return errc::stopped; });
        EXPECT_EQ(why(passed_on), errc::stopped);
        const result<std::unique_ptr<int>> moved =
            co_await guarded(pool, []() -> awaitable<std::unique_ptr<int>> { co_return std::make_unique<int>(4); });
        EXPECT_EQ(**moved, 4);
        asio::steady_timer timer(co_await asio::this_coro::executor, 0ns);
        const result<void> operation = co_await guarded(pool, [&] { return timer.async_wait(asio::deferred); });
        EXPECT_TRUE(operation);
        const bulwark::call_context outer(bulwark::deadline::in(never));
        const result<bool> has_deadline = co_await guarded(
            outer, pool, [](const bulwark::call_context& c) -> awaitable<bool> { co_return !c.deadline().is_never(); },
            [](bool) { return outcome::success; });
        EXPECT_TRUE(*has_deadline);
    });
}

/// What a breaker makes of a call.
template <class F>
bulwark::breaker_counts judged(F fn) {
    circuit_breaker breaker{trips_after(100)};
    run([&]() -> awaitable<void> {
        try {
            (void)co_await guarded(breaker, fn);
        } catch (const std::exception&) {
        }
    });
    return breaker.counts();
}

TEST(AsyncExecute, WhatABreakerMakesOfIt) {
    using boost::system::error_code;
    EXPECT_EQ(judged([] { return comes_to(1); }).total_successes, 1U);
    EXPECT_EQ(judged([]() -> awaitable<int> { throw std::runtime_error("service"); }).total_failures, 1U);
    EXPECT_EQ(judged([]() -> awaitable<error_code> { co_return asio::error::eof; }).total_failures, 1U);
    EXPECT_EQ(judged([]() -> awaitable<error_code> { co_return error_code(); }).total_successes, 1U);
    using tuple = std::tuple<error_code, int>;
    EXPECT_EQ(judged([]() -> awaitable<tuple> { co_return tuple(asio::error::eof, 0); }).total_failures, 1U);
    EXPECT_EQ(judged([]() -> awaitable<tuple> { co_return tuple(error_code(), 0); }).total_successes, 1U);
    EXPECT_EQ(judged([]() -> awaitable<result<int>> { co_return errc::deadline_exceeded; }).total_failures, 1U);
    EXPECT_EQ(judged([]() -> awaitable<result<int>> { co_return errc::bulkhead_full; }).total_ignored, 1U);
    EXPECT_EQ(judged([]() -> awaitable<int> { co_return result<int>(errc::bulkhead_full).value(); }).total_ignored, 1U);
    // Nobody asked for it.
    EXPECT_EQ(judged([]() -> awaitable<error_code> { co_return asio::error::operation_aborted; }).total_failures, 1U);
    EXPECT_EQ(judged([]() -> awaitable<int> {
                  throw boost::system::system_error(asio::error::operation_aborted);
              }).total_failures,
              1U);
}

TEST(AsyncExecute, AClassifierJudges) {
    circuit_breaker breaker{trips_after(100)};
    const auto odd = [](int value) { return value % 2 == 0 ? outcome::failure : outcome::success; };
    run([&]() -> awaitable<void> {
        (void)co_await guarded(breaker, [] { return comes_to(1); }, odd);
        (void)co_await guarded(breaker, [] { return comes_to(2); }, odd);
        const auto throws = [](int) -> outcome { throw std::runtime_error("classifier"); };
        std::string said;
        try {
            (void)co_await guarded(breaker, [] { return comes_to(2); }, throws);
        } catch (const std::runtime_error& e) {
            said = e.what();
        }
        EXPECT_EQ(said, "classifier");
    });
    EXPECT_EQ(breaker.counts().total_successes, 1U);
    EXPECT_EQ(breaker.counts().total_failures, 2U);
}

TEST(AsyncExecute, TheDeadlineCutsTheCall) {
    circuit_breaker breaker{trips_after(100)};
    bulkhead pool{{.max_concurrent = 1, .max_waiting = 1}};
    timeout limit{soon};
    run([&]() -> awaitable<void> {
        pipeline call{breaker, waiting(pool), limit};
        EXPECT_EQ(why(co_await guarded(call, [] { return comes_to(1, never); })), errc::deadline_exceeded);
        EXPECT_EQ(limit.late(), 1U);
        EXPECT_EQ(breaker.counts().total_failures, 1U);
        EXPECT_EQ(pool.in_use(), 0U);
        // An answer that says that it was aborted is none.
        const auto quiet = [](asio::steady_timer& timer) {
            return [&timer] { return timer.async_wait(asio::as_tuple(asio::deferred)); };
        };
        asio::steady_timer timer(co_await asio::this_coro::executor, never);
        const auto got = co_await guarded(limit, quiet(timer));
        EXPECT_EQ(got.error(), errc::deadline_exceeded);
        // From outside the breaker too: the service was too slow.
        EXPECT_EQ(why(co_await guarded(pipeline{limit, breaker}, [] { return comes_to(1, never); })),
                  errc::deadline_exceeded);
        EXPECT_EQ(breaker.counts().total_failures, 2U);
        // What the call throws besides goes on.
        std::string said;
        try {
            (void)co_await guarded(limit, []() -> awaitable<int> {
                try {
                    co_await comes_to(1, never);
                } catch (const boost::system::system_error&) {
                    throw std::runtime_error("half done");
                }
                co_return 0;
            });
        } catch (const std::runtime_error& e) {
            said = e.what();
        }
        EXPECT_EQ(said, "half done");
        EXPECT_EQ(why(co_await guarded(bulwark::call_context(bulwark::deadline::in(-1ms)), limit,
                                       [] { return comes_to(1); })),
                  errc::timed_out);
    });
}

TEST(AsyncExecute, TheDeadlineEndsTheWaitForAPermit) {
    bulkhead pool{{.max_concurrent = 1, .max_waiting = 1}};
    timeout limit{soon};
    run([&]() -> awaitable<void> {
        const auto held = pool.try_acquire();
        const auto got = co_await guarded(pipeline{limit, waiting(pool)}, [] { return comes_to(1); });
        EXPECT_EQ(why(got), errc::timed_out);
        EXPECT_EQ(pool.waiting(), 0U);
    });
}

TEST(AsyncExecute, ALateAnswerIsDroppedOrKept) {
    const auto late = [](const bulwark::call_context& context) -> awaitable<int> {
        // Hears of nothing.
        while (!context.deadline().expired()) std::this_thread::yield();
        co_return 1;
    };
    timeout drops{soon};
    timeout keeps{bulwark::timeout_config{.limit = soon, .keep_late_answer = true}};
    run([&]() -> awaitable<void> {
        EXPECT_EQ(why(co_await guarded(drops, late)), errc::deadline_exceeded);
        EXPECT_EQ(*co_await guarded(keeps, late), 1);
        EXPECT_EQ(why(co_await guarded(keeps, [] { return comes_to(1, never); })), errc::deadline_exceeded);
    });
    EXPECT_EQ(drops.late(), 1U);
    EXPECT_EQ(keeps.late(), 2U);
}

TEST(AsyncExecute, AManualClock) {
    bulwark::manual_clock::reset();
    bulwark::basic_timeout<bulwark::manual_clock> limit{1s};
    run([&]() -> awaitable<void> {
        const auto got = co_await guarded(limit, []() -> awaitable<int> {
            bulwark::manual_clock::advance(1s);
            co_return 1;
        });
        EXPECT_EQ(why(got), errc::deadline_exceeded);
    });
}

TEST(AsyncExecute, Retries) {
    bulwark::retry_budget budget{{.percent = 100, .initial = 10}};
    bulwark::retry again{bulwark::retry_config{.max_attempts = 3, .backoff = {.initial = 1ms}, .budget = &budget}};
    run([&]() -> awaitable<void> {
        int calls = 0;
        const auto got = co_await guarded(again, [&](const bulwark::call_context& c) -> awaitable<int> {
            ++calls;
            EXPECT_EQ(c.attempt(), static_cast<std::uint32_t>(calls));
            if (calls < 3) throw std::runtime_error("service");
            co_return calls;
        });
        EXPECT_EQ(*got, 3);
        std::string said;
        try {
            (void)co_await guarded(again, []() -> awaitable<int> { throw std::runtime_error("for good"); });
        } catch (const std::runtime_error& e) {
            said = e.what();
        }
        EXPECT_EQ(said, "for good");
        const auto refused = co_await guarded(again, []() -> awaitable<result<int>> { co_return errc::circuit_open; });
        EXPECT_EQ(why(refused), errc::circuit_open);
    });
    EXPECT_EQ(again.snapshot().retries, 4U);
    EXPECT_EQ(again.snapshot().exhausted, 1U);
}

struct doubled {
    template <class Context, class Next>
    awaitable<typename Next::reply> async_wrap(const Context& context, Next& next) {
        auto first = co_await next(context);
        auto second = co_await next(context.as_attempt(2));
        if (first && second) *first += *second;
        co_return first;
    }
};

TEST(AsyncExecute, ALayerOfOnesOwn) {
    run([&]() -> awaitable<void> {
        doubled twice;
        EXPECT_EQ(*co_await guarded(pipeline{twice, timeout{never}}, [] { return comes_to(4); }), 8);
    });
}

struct no_default {
    explicit no_default(int v) : value(v) {}
    int value;
};

TEST(AsyncExecute, WithAnyToken) {
    bulkhead pool{{.max_concurrent = 4}};
    asio::thread_pool threads(2);
    EXPECT_EQ(
        *bulwark::async_execute(threads.get_executor(), pool, [] { return comes_to(1); }, asio::use_future).get(), 1);
    const auto odd = []() -> awaitable<no_default> { co_return no_default(2); };
    EXPECT_EQ(bulwark::async_execute(threads.get_executor(), pool, odd, asio::use_future).get()->value, 2);
    const auto throws = []() -> awaitable<no_default> { throw std::runtime_error("service"); };
    EXPECT_THROW(bulwark::async_execute(threads.get_executor(), pool, throws, asio::use_future).get(),
                 std::runtime_error);
    std::promise<int> called;
    bulwark::async_execute(
        threads.get_executor(), pool, [] { return comes_to(3); },
        [&](const std::exception_ptr& thrown, result<int> got) { called.set_value(thrown ? 0 : *got); });
    EXPECT_EQ(called.get_future().get(), 3);

    asio::io_context context;
    asio::cancellation_signal signal;
    std::exception_ptr cut;
    bulwark::async_execute(
        context.get_executor(), pool, [] { return comes_to(3, never); },
        asio::bind_cancellation_slot(signal.slot(),
                                     [&](std::exception_ptr e, const result<int>&) { cut = std::move(e); }));
    context.poll();
    signal.emit(asio::cancellation_type::terminal);
    context.run();
    EXPECT_TRUE(bulwark::detail::says_aborted(cut));
    threads.join();
    EXPECT_EQ(pool.in_use(), 0U);
}

/// A pipeline of everything, and a call that stands still where it is told to.
struct stages {
    circuit_breaker breaker{trips_after(100)};
    bulkhead pool{{.max_concurrent = 1, .max_waiting = 10}};
    bulwark::retry_budget budget{{.percent = 100}};
    timeout limit{never};
    bulwark::retry again{
        bulwark::retry_config{.max_attempts = 2,
                              .backoff = {.initial = 1h, .ceiling = 1h, .jitter = bulwark::jitter::none},
                              .budget = &budget}};

    enum class stage : std::uint8_t { line, call, back_off };

    awaitable<result<int>> call(stage stands) {
        pipeline all{again, breaker, waiting(pool), limit};
        co_return co_await guarded(all, [stands]() -> awaitable<int> {
            if (stands == stage::back_off) throw std::runtime_error("service");
            co_return co_await comes_to(1, never);
        });
    }

    void expect_nothing_kept() {
        EXPECT_EQ(pool.waiting(), 0U);
        EXPECT_EQ(pool.in_use(), 0U);
        const auto counts = breaker.counts();
        EXPECT_EQ(counts.requests, counts.total_successes + counts.total_failures + counts.total_ignored);
    }
};

using stage = stages::stage;

TEST(AsyncExecute, ACancellationGivesEverythingBackAtEveryStage) {
    for (const stage stands : {stage::line, stage::call, stage::back_off}) {
        stages all;
        asio::io_context context;
        std::optional<result<bulwark::slot>> held;
        if (stands == stage::line) held = all.pool.try_acquire();
        asio::cancellation_signal signal;
        std::optional<std::exception_ptr> thrown;
        std::optional<result<int>> got;
        asio::co_spawn(context, all.call(stands),
                       asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e, result<int> r) {
                           thrown = std::move(e);
                           got = std::move(r);
                       }));
        context.poll();
        EXPECT_FALSE(got);
        EXPECT_EQ(all.pool.waiting(), stands == stage::line ? 1U : 0U);
        EXPECT_EQ(all.pool.in_use(), stands == stage::back_off ? 0U : 1U);
        const auto balance = all.budget.balance();
        signal.emit(asio::cancellation_type::terminal);
        context.run();
        held.reset();
        ASSERT_TRUE(got);
        all.expect_nothing_kept();
        const auto counts = all.breaker.counts();
        if (stands == stage::line) {
            EXPECT_EQ(why(*got), errc::stopped);
            EXPECT_EQ(counts.total_ignored, 1U);
        } else if (stands == stage::call) {
            EXPECT_TRUE(bulwark::detail::says_aborted(*thrown));
            EXPECT_EQ(counts.total_ignored, 1U);
        } else {
            EXPECT_TRUE(*thrown) << "what the last attempt gave";
            EXPECT_EQ(counts.total_failures, 1U);
            EXPECT_GT(all.budget.balance(), balance);
        }
        EXPECT_EQ(all.again.snapshot().retries, 0U);
    }
}

TEST(AsyncExecute, TheEndOfTheContextGivesEverythingBackAtEveryStage) {
    for (const stage stands : {stage::line, stage::call, stage::back_off}) {
        stages all;
        std::optional<result<bulwark::slot>> held;
        if (stands == stage::line) held = all.pool.try_acquire();
        asio::cancellation_signal signal;
        const auto balance_before = all.budget.balance();
        {
            asio::io_context context;
            asio::co_spawn(context, all.call(stands), asio::bind_cancellation_slot(signal.slot(), asio::detached));
            context.poll();
            EXPECT_EQ(all.pool.waiting(), stands == stage::line ? 1U : 0U);
        }
        held.reset();
        all.expect_nothing_kept();
        EXPECT_GE(all.budget.balance(), balance_before);
        EXPECT_EQ(all.breaker.counts().total_ignored, stands == stage::back_off ? 0U : 1U);
    }
}

/// A service on the loopback interface, on a thread of its own: a line is answered with the same line.
class service {
public:
    enum class mood : std::uint8_t { answers, hangs, hangs_up };

    service() : acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
        asio::co_spawn(context_, listen(), asio::detached);
        thread_ = std::jthread([this] { context_.run(); });
    }
    service(const service&) = delete;
    service& operator=(const service&) = delete;
    ~service() { context_.stop(); }

    tcp::endpoint where() const { return acceptor_.local_endpoint(); }
    int most() const { return most_; }
    std::atomic<mood> now{mood::answers};

private:
    awaitable<void> listen() {
        for (;;) asio::co_spawn(context_, serve(co_await acceptor_.async_accept(use_awaitable)), asio::detached);
    }
    awaitable<void> serve(tcp::socket socket) {
        std::array<char, 4> line{};
        for (;;) {
            co_await asio::async_read(socket, asio::buffer(line), use_awaitable);
            const int inside = ++inside_;
            if (inside > most_) most_ = inside;
            if (now == mood::answers) co_await comes_to(0, 200us);
            --inside_;
            if (now == mood::hangs_up) co_return;
            if (now == mood::answers) co_await asio::async_write(socket, asio::buffer(line), use_awaitable);
        }
    }

    asio::io_context context_{1};
    tcp::acceptor acceptor_;
    std::atomic<int> inside_{0};
    std::atomic<int> most_{0};
    std::jthread thread_;
};

awaitable<std::string> ask(tcp::endpoint where, std::string line) {
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(where, use_awaitable);
    co_await asio::async_write(socket, asio::buffer(line), use_awaitable);
    co_await asio::async_read(socket, asio::buffer(line), use_awaitable);
    co_return line;
}

TEST(AsyncSockets, ABreakerHearsOfAServiceThatHangsAndThatHangsUp) {
    for (const auto mood : {service::mood::hangs, service::mood::hangs_up}) {
        service orders;
        circuit_breaker breaker{trips_after(3)};
        bulkhead pool{{.max_concurrent = 2, .max_waiting = 10}};
        pipeline call{breaker, waiting(pool), timeout{mood == service::mood::hangs ? 50ms : 1min}};
        run([&]() -> awaitable<void> {
            const auto where = orders.where();
            EXPECT_EQ(co_await guarded(pipeline{breaker, waiting(pool)}, [&] { return ask(where, "ping"); }), "ping");
            orders.now = mood;
            for (int i = 0; i != 3; ++i) {
                try {
                    const auto got = co_await guarded(call, [&] { return ask(where, "ping"); });
                    EXPECT_EQ(got.error(), errc::deadline_exceeded);
                    EXPECT_EQ(mood, service::mood::hangs);
                } catch (const boost::system::system_error& e) {
                    EXPECT_EQ(mood, service::mood::hangs_up) << e.what();
                }
            }
            const auto refused = co_await guarded(call, [&] { return ask(where, "ping"); });
            EXPECT_EQ(refused.error(), errc::circuit_open);
        });
        EXPECT_EQ(breaker.state(), bulwark::breaker_state::open);
        EXPECT_EQ(pool.in_use(), 0U);
    }
}

TEST(AsyncSockets, ManyCallsOnSeveralThreadsThroughOneBulkhead) {
    service orders;
    circuit_breaker breaker{trips_after(1'000'000)};
    bulkhead pool{{.max_concurrent = 3, .max_waiting = 1000}};
    std::atomic<int> answered = 0;
    std::atomic<int> given_up = 0;
    constexpr int clients = 16;
    constexpr int calls = 10;
    {
        asio::thread_pool threads(4);
        for (int c = 0; c != clients; ++c) {
            asio::co_spawn(
                threads,
                [&, c]() -> awaitable<void> {
                    timeout limit{c % 4 == 0 ? std::chrono::nanoseconds(300us) : std::chrono::nanoseconds(1min)};
                    for (int i = 0; i != calls; ++i) {
                        const auto got = co_await guarded(
                            pipeline{breaker, waiting(pool), limit}, [&] { return ask(orders.where(), "ping"); },
                            [](const std::string&) { return outcome::success; });
                        ++(got ? answered : given_up);
                    }
                },
                [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
        }
        threads.join();
    }
    EXPECT_EQ(answered + given_up, clients * calls);
    EXPECT_GE(answered, clients / 4 * 3 * calls) << "whoever has a minute";
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(pool.waiting(), 0U);
    const auto counts = breaker.counts();
    EXPECT_EQ(counts.requests, counts.total_successes + counts.total_failures + counts.total_ignored);
}

}  // namespace
