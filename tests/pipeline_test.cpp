// Pipelines: the order of the layers and what follows from it, replies and functions of every kind, exceptions,
// contexts, pipelines in pipelines, layers of one's own, and what does not compile.
#include "until.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/compartments.hpp>
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>
#include <bulwark/waiting.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::bulkhead;
using bulwark::call_context;
using bulwark::errc;
using bulwark::layer;
using bulwark::manual_clock;
using bulwark::outcome;
using bulwark::pipeline;
using bulwark::result;
using bulwark::waiting;
using breaker = bulwark::basic_circuit_breaker<manual_clock>;
using namespace std::chrono_literals;

// Layers of one's own.

/// Notes its name on the way in, and in upper case on the way out, if a reply comes back.
struct noted {
    std::string& log;
    char name;

    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        log += name;
        auto reply = next(context);
        log += static_cast<char>(name - 'a' + 'A');
        return reply;
    }
};

/// Tries again what failed, once; refusals are let be.
struct again {
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        try {
            auto reply = next(context);
            if (next.outcome_of(reply) != outcome::failure) return reply;
        } catch (const std::runtime_error&) {
        }
        return next(context.as_attempt(context.attempt() + 1));
    }
};

/// Answers 99 where there is no good answer.
struct instead {
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        try {
            auto reply = next(context);
            if (next.outcome_of(reply) == outcome::success) return reply;
        } catch (const std::runtime_error&) {
        }
        return {boost::system::in_place_value, 99};
    }
};

/// Makes the call, and has no patience.
struct late {
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        static_cast<void>(next(context));
        return {boost::system::in_place_error, errc::deadline_exceeded};
    }
};

/// Calls what is inside on another thread, after its own call has lost everything that it owned.
struct elsewhere {
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        auto own = next.detach();
        auto reply = std::make_unique<typename Next::reply>(boost::system::in_place_error, errc::stopped);
        std::thread([&reply, context, own = std::move(own)]() mutable { *reply = own(context); }).join();
        return *reply;
    }
};

/// Of a clock of its own.
struct by_hand {
    using deadline_clock = manual_clock;
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        static_assert(std::is_same_v<typename Context::clock, manual_clock>);
        return next(context.until(bulwark::basic_deadline<manual_clock>::in(1s)));
    }
};

struct wrong_reply {
    template <class Context, class Next>
    int wrap(const Context&, Next&) {
        return 0;
    }
};

/// What has permits to give.
struct crowd {
    int places = 2;
    struct seat {
        explicit seat(crowd& of) : from(&of) {}
        seat(seat&& other) noexcept : from(std::exchange(other.from, nullptr)) {}
        ~seat() {
            if (from != nullptr) ++from->places;
        }
        crowd* from;
    };
    result<seat> try_acquire() {
        if (places == 0) return errc::concurrency_limited;
        --places;
        return seat(*this);
    }
};

struct keeps {
    std::unique_ptr<int> value;
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        ++*value;
        return next(context);
    }
};

breaker never_trips() {
    return breaker({.ready_to_trip = [](const breaker_counts&) { return false; }});
}

struct last_words {
    std::string* log;
    char name;

    last_words(std::string& l, char n) : log(&l), name(n) {}
    last_words(last_words&& other) noexcept : log(std::exchange(other.log, nullptr)), name(other.name) {}
    last_words& operator=(last_words&&) = delete;
    ~last_words() {
        if (log != nullptr) log->push_back(name);
    }
    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        return next(context);
    }
};

struct counted {
    std::uint32_t successes;
    std::uint32_t failures;
    std::uint32_t ignored;
    friend bool operator==(const counted&, const counted&) = default;
};
template <class Breaker>
counted counted_by(const Breaker& b) {
    const breaker_counts c = b.counts();
    EXPECT_EQ(c.requests, c.total_successes + c.total_failures + c.total_ignored);
    return {c.total_successes, c.total_failures, c.total_ignored};
}

TEST(Pipeline, TheFirstLayerIsTheOutermost) {
    std::string log;
    noted a{log, 'a'};
    noted c{log, 'c'};
    auto all = pipeline{a, noted{log, 'b'}, c};
    EXPECT_EQ(all.execute([&] { return log += '.', 7; }).value(), 7);
    EXPECT_EQ(log, "abc.CBA");
    log.clear();
    EXPECT_THROW(static_cast<void>(all.execute([] { throw std::runtime_error("service"); })), std::runtime_error);
    EXPECT_EQ(log, "abc") << "an exception passes through all";
    EXPECT_EQ(pipeline{}.execute([] { return 1; }).value(), 1);
}

// What the breaker counts, by the order.

struct order {
    const char* name;
    std::function<result<int>(breaker&, bulkhead&, int (*)())> call;
    int calls;      ///< of the service
    int reply;      ///< or 0
    counted found;  ///< by the breaker
};

int calls_made = 0;
int good() {
    ++calls_made;
    return 1;
}
int bad() {
    ++calls_made;
    throw std::runtime_error("service");
}

void expect_all(const std::vector<order>& orders, int (*service)(), bool full) {
    for (const order& o : orders) {
        SCOPED_TRACE(o.name);
        breaker b = never_trips();
        bulkhead pool{{.max_concurrent = 1}};
        const auto held = pool.try_acquire(full ? 1 : 0);
        calls_made = 0;
        int reply = 0;
        try {
            const auto r = o.call(b, pool, service);
            if (r) reply = *r;
        } catch (const std::runtime_error&) {
            reply = -1;
        }
        EXPECT_EQ(calls_made, o.calls);
        EXPECT_EQ(reply, o.reply);
        EXPECT_EQ(counted_by(b), o.found);
        EXPECT_EQ(pool.in_use(), full ? 1U : 0U);
    }
}

TEST(PipelineOrder, WhereTheServiceFails) {
    expect_all({{"retry, breaker: each attempt counts",
                 [](auto& b, auto&, auto f) { return pipeline{again{}, b}.execute(f); },
                 2,
                 -1,
                 {0, 2, 0}},
                {"breaker, retry: the attempts together count once",
                 [](auto& b, auto&, auto f) { return pipeline{b, again{}}.execute(f); },
                 2,
                 -1,
                 {0, 1, 0}},
                {"fallback, breaker: the failure counts, and is answered for",
                 [](auto& b, auto&, auto f) { return pipeline{instead{}, b}.execute(f); },
                 1,
                 99,
                 {0, 1, 0}},
                {"breaker, fallback: the failure is hidden, and counts as a success",
                 [](auto& b, auto&, auto f) { return pipeline{b, instead{}}.execute(f); },
                 1,
                 99,
                 {1, 0, 0}},
                {"fallback, retry, breaker, bulkhead: the right order",
                 [](auto& b, auto& p, auto f) { return pipeline{instead{}, again{}, b, p}.execute(f); },
                 2,
                 99,
                 {0, 2, 0}},
                {"retry, fallback: there is nothing to retry",
                 [](auto& b, auto&, auto f) { return pipeline{again{}, instead{}, b}.execute(f); },
                 1,
                 99,
                 {0, 1, 0}}},
               bad, false);
}

TEST(PipelineOrder, WhereTheBulkheadIsFull) {
    expect_all({{"breaker, bulkhead: ignored, for it says nothing of the service",
                 [](auto& b, auto& p, auto f) { return pipeline{b, p}.execute(f); },
                 0,
                 0,
                 {0, 0, 1}},
                {"bulkhead, breaker: the breaker is never asked",
                 [](auto& b, auto& p, auto f) { return pipeline{p, b}.execute(f); },
                 0,
                 0,
                 {0, 0, 0}},
                {"retry, breaker, bulkhead: a refusal is let be",
                 [](auto& b, auto& p, auto f) { return pipeline{again{}, b, p}.execute(f); },
                 0,
                 0,
                 {0, 0, 1}},
                {"breaker, fallback, bulkhead: our own refusal counts as a success of the service",
                 [](auto& b, auto& p, auto f) { return pipeline{b, instead{}, p}.execute(f); },
                 0,
                 99,
                 {1, 0, 0}}},
               good, true);
}

TEST(PipelineOrder, WhereTheAnswerComesLate) {
    expect_all({{"breaker, timeout: a failure of the service",
                 [](auto& b, auto&, auto f) { return pipeline{b, late{}}.execute(f); },
                 1,
                 0,
                 {0, 1, 0}},
                {"timeout, breaker: the breaker sees a good answer",
                 [](auto& b, auto&, auto f) { return pipeline{late{}, b}.execute(f); },
                 1,
                 0,
                 {1, 0, 0}},
                {"retry, breaker, timeout: each attempt has its time",
                 [](auto& b, auto&, auto f) { return pipeline{again{}, b, late{}}.execute(f); },
                 2,
                 0,
                 {0, 2, 0}},
                {"timeout, retry, breaker: all attempts have one",
                 [](auto& b, auto&, auto f) { return pipeline{late{}, again{}, b}.execute(f); },
                 1,
                 0,
                 {1, 0, 0}}},
               good, false);
}

TEST(Pipeline, TellsTheRefusalsOfItsLayersApart) {
    breaker b{{.ready_to_trip = bulwark::consecutive_failures(1)}};
    bulkhead outer{{.max_concurrent = 1}};
    bulkhead inner{{.max_concurrent = 1}};
    auto all = pipeline{waiting(outer), b, inner};
    const auto call = [&] { return all.execute([] { return 1; }); };
    const auto past = bulwark::deadline::in(-1s);
    EXPECT_EQ(call().value(), 1);
    {
        const auto held = inner.acquire();
        EXPECT_EQ(call().error(), errc::bulkhead_full);
    }
    {
        const auto held = outer.acquire();
        EXPECT_EQ(all.execute(call_context(past), [] { return 1; }).error(), errc::timed_out);
    }
    b.try_acquire()->failure();
    EXPECT_EQ(call().error(), errc::circuit_open);
    EXPECT_EQ(inner.in_use() + outer.in_use(), 0U);
}

// Replies and functions.

TEST(Pipeline, RepliesOfEveryKind) {
    breaker b = never_trips();
    bulkhead pool{{.max_concurrent = 1}};
    auto all = pipeline{b, pool};
    static_assert(std::is_same_v<decltype(all.execute([] {})), result<void>>);
    static_assert(std::is_same_v<decltype(all.execute([]() -> const std::string { return ""; })), result<std::string>>);
    EXPECT_TRUE(all.execute([] {}).has_value());
    EXPECT_EQ(*all.execute([] { return std::make_unique<int>(3); }).value(), 3);
    int referred = 1;
    all.execute([&]() -> int& { return referred; }).value().get() = 2;
    EXPECT_EQ(referred, 2);
    std::string text = "moved";
    EXPECT_EQ(all.execute([&]() -> std::string&& { return std::move(text); }).value(), "moved");
    EXPECT_EQ(counted_by(b), (counted{4, 0, 0}));
}

TEST(Pipeline, PassesResultsOn) {
    breaker b = never_trips();
    auto all = pipeline{b, again{}};
    static_assert(std::is_same_v<decltype(all.execute([]() -> result<int> { return 1; })), result<int>>);
    EXPECT_EQ(all.execute([]() -> result<int> { return 1; }).value(), 1);
    EXPECT_EQ(all.execute([]() -> result<void> { return errc::bulkhead_full; }).error(), errc::bulkhead_full);
    EXPECT_EQ(all.execute([]() -> result<int> { return errc::deadline_exceeded; }).error(), errc::deadline_exceeded);
    EXPECT_EQ(counted_by(b), (counted{1, 1, 1}));
    // Errors of others are values, and judge themselves.
    EXPECT_TRUE(all.execute([] { return std::make_error_code(std::errc::timed_out); }).has_value());
    EXPECT_TRUE(all.execute([] { return boost::system::result<int>(make_error_code(boost::system::errc::timed_out)); })
                    .has_value());
    EXPECT_EQ(counted_by(b), (counted{1, 3, 1}));
}

int twice_the_attempt(const call_context& c) {
    return 2 * static_cast<int>(c.attempt());
}

TEST(Pipeline, CallsFunctionsOfEveryKind) {
    bulkhead pool{{.max_concurrent = 1}};
    auto all = pipeline{pool};
    auto changing = [n = 0]() mutable { return ++n; };
    EXPECT_EQ(all.execute(changing).value(), 1);
    EXPECT_EQ(all.execute(changing).value(), 2) << "called in place, not copied";
    const auto constant = [] { return 3; };
    EXPECT_EQ(all.execute(constant).value(), 3);
    EXPECT_EQ(all.execute([p = std::make_unique<int>(4)] { return *p; }).value(), 4);
    EXPECT_EQ(all.execute(twice_the_attempt).value(), 2);
    EXPECT_EQ(all.execute(&twice_the_attempt).value(), 2);
    struct either {
        int operator()() const { return 1; }
        int operator()(const call_context&) const { return 2; }
    };
    EXPECT_EQ(all.execute(either{}).value(), 2) << "the context, to whoever asks for it";
    // Without a type of its own: erased together with the function, in one indirect call.
    const std::function<result<int>(int)> erased = [all](int n) mutable { return all.execute([n] { return n; }); };
    EXPECT_EQ(erased(5).value(), 5);
}

struct accounts {
    int asked = 0;
    outcome operator()(int status) {
        ++asked;
        return status < 500 ? outcome::success : outcome::failure;
    }
};

TEST(Pipeline, AsksTheClassifierGivenAndNoCopy) {
    breaker b = never_trips();
    auto all = pipeline{b, again{}};
    accounts judge;
    EXPECT_EQ(all.execute([] { return 503; }, judge).value(), 503);
    EXPECT_EQ(judge.asked, 2) << "by the breaker, and by what tries again";
    EXPECT_EQ(all.execute([]() -> result<int> { return 200; }, judge).value(), 200);
    EXPECT_EQ(all.execute([](const call_context& c) { return c.attempt() == 1 ? 503 : 200; }, judge).value(), 200);
    EXPECT_EQ(counted_by(b), (counted{2, 1, 0}));
    const auto throws = [](int) -> outcome { throw std::logic_error("classifier"); };
    EXPECT_THROW(static_cast<void>(all.execute([] { return 1; }, throws)), std::logic_error);
    EXPECT_EQ(counted_by(b), (counted{2, 2, 0}));
}

template <class P, class... A>
concept executes = requires(P& p, A&&... a) { p.execute(std::forward<A>(a)...); };

TEST(Pipeline, DoesNotCompileWhereNobodyCouldKnow) {
    using some = pipeline<breaker&, bulkhead&>;
    const auto yes = [] { return true; };
    const auto judge = [](bool) { return outcome::success; };
    const auto nothing = [] {};
    const auto context = call_context();
    static_assert(executes<some, decltype(yes), decltype(judge)>);
    static_assert(executes<some, decltype(context), decltype(yes), decltype(judge)>);
    static_assert(!executes<some, decltype(yes)>, "what does false mean?");
    static_assert(!executes<some, decltype(context), decltype(yes)>);
    static_assert(executes<some, decltype(nothing)>);
    static_assert(!executes<some, decltype(nothing), decltype(judge)>, "there is nothing to judge");
    static_assert(!executes<some, decltype([](int, int) {})>);
    static_assert(!executes<some, decltype([] { return 1; }), decltype([](std::string) { return outcome::success; })>);
    static_assert(!executes<some, decltype([] { return 1; }), decltype([](int) { return 1; })>);

    EXPECT_EQ(pipeline{}.execute(yes, judge).value(), true);
}

TEST(Pipeline, WhatIsALayer) {
    static_assert(layer<breaker> && layer<bulkhead> && layer<bulwark::compartment> && layer<waiting<bulkhead>>);
    static_assert(layer<bulwark::reference::circuit_breaker> && layer<bulwark::reference::bulkhead>);
    static_assert(layer<pipeline<breaker&>> && layer<pipeline<>> && layer<by_hand> && layer<again, void>);
    static_assert(!layer<int> && !layer<std::string> && !layer<const bulkhead>);
    static_assert(!layer<bulwark::memory_bulkhead> && !layer<bulwark::reference::memory_bulkhead>);
    static_assert(!layer<wrong_reply>);
    crowd two;
    static_assert(layer<crowd>);
    auto all = pipeline{two, two, two};
    EXPECT_EQ(all.execute([] {}).error(), errc::concurrency_limited);
    EXPECT_EQ((pipeline{two, two}.execute([&] { return two.places; })).value(), 0);
    EXPECT_EQ(two.places, 2);
}

// The library's other types as layers.

TEST(Pipeline, TakesReferencesAndCompartments) {
    bulwark::reference::basic_circuit_breaker<manual_clock> b{{.ready_to_trip = bulwark::consecutive_failures(1)}};
    bulwark::reference::bulkhead pool{{.max_concurrent = 1}};
    auto plain = pipeline{b, pool};
    EXPECT_EQ(plain.execute([&] { return pool.in_use(); }).value(), 1U);
    EXPECT_EQ(plain.execute([&] { return plain.execute([] {}); }).error(), errc::bulkhead_full);
    EXPECT_EQ(counted_by(b), (counted{1, 0, 2}));
    EXPECT_THROW(static_cast<void>(plain.execute([] { throw std::runtime_error("service"); })), std::runtime_error);
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(plain.execute([] {}).error(), errc::circuit_open);

    bulwark::basic_compartments<manual_clock> services{
        {.defaults = {.breaker = {.ready_to_trip = bulwark::consecutive_failures(1)},
                      .bulkhead = {.max_concurrent = 1}}}};
    auto& orders = services["orders"];
    auto guarded = pipeline{again{}, orders};
    EXPECT_EQ(guarded.execute([&] { return guarded.execute([] {}); }).error(), errc::bulkhead_full);
    EXPECT_EQ(counted_by(orders.breaker()), (counted{0, 0, 2}));
    EXPECT_EQ(guarded.execute([] { return 503; }, [](int) { return outcome::failure; }).error(), errc::circuit_open)
        << "the first attempt opened it";
}

TEST(Pipeline, CountsAnExceptionAndGivesEverythingBack) {
    breaker b = never_trips();
    bulkhead pool{{.max_concurrent = 1}};
    auto all = pipeline{waiting(pool), b};
    for (int i = 0; i != 3; ++i) {
        EXPECT_THROW(static_cast<void>(all.execute([] { throw 7; })), int);
        EXPECT_EQ(pool.in_use(), 0U);
    }
    EXPECT_EQ(counted_by(b), (counted{0, 3, 0}));
}

// The context.

TEST(Pipeline, CarriesTheContextInward) {
    bulkhead pool{{.max_concurrent = 1}};
    auto all = pipeline{again{}, pool};
    std::stop_source source;
    const auto end = bulwark::deadline::in(1h);
    std::vector<std::uint32_t> attempts;
    const auto call = [&](const call_context& c) -> result<int> {
        EXPECT_EQ(c.deadline(), end);
        EXPECT_EQ(c.stop_token(), source.get_token());
        attempts.push_back(c.attempt());
        return errc::deadline_exceeded;
    };
    EXPECT_FALSE(all.execute(call_context(end, source.get_token()), call).has_value());
    EXPECT_EQ(attempts, (std::vector<std::uint32_t>{1, 2}));
    const call_context third = call_context(end, source.get_token()).as_attempt(3);
    EXPECT_FALSE(all.execute(third, call, [](int) { return outcome::success; }).has_value());
    EXPECT_EQ(attempts, (std::vector<std::uint32_t>{1, 2, 3, 4}));
}

TEST(Pipeline, KeepsToTheClockThatItsLayersName) {
    manual_clock::reset();
    using manual = bulwark::basic_call_context<manual_clock>;
    bulkhead pool{{.max_concurrent = 1}};
    auto inner = pipeline{pool, by_hand{}};
    auto all = pipeline{again{}, inner};
    static_assert(std::is_same_v<decltype(all)::clock, manual_clock>);
    static_assert(std::is_same_v<pipeline<again, bulkhead&>::clock, std::chrono::steady_clock>);
    const auto left = [](const manual& c) { return c.deadline().remaining(); };
    EXPECT_EQ(all.execute(left).value(), 1s);
    EXPECT_EQ(all.execute(manual(bulwark::basic_deadline<manual_clock>::in(1ms)), left).value(), 1ms);
    static_assert(!executes<decltype(all), call_context, void (*)()>, "of another clock");
    // Where none names one, the caller's does.
    auto any = pipeline{again{}, pool};
    EXPECT_EQ(any.execute(manual(bulwark::basic_deadline<manual_clock>::in(2ms)), left).value(), 2ms);
}

// Pipelines as layers.

TEST(Pipeline, IsALayerOfAnother) {
    std::string log;
    breaker b = never_trips();
    auto inner = pipeline{noted{log, 'b'}, b, noted{log, 'c'}};
    auto all = pipeline{noted{log, 'a'}, inner, pipeline{noted{log, 'd'}, again{}}, noted{log, 'e'}};
    EXPECT_EQ(all.execute([&](const call_context& c) { return log += '.', c.attempt() == 1 ? 503 : 200; },
                          [](int status) { return status == 200 ? outcome::success : outcome::failure; })
                  .value(),
              200);
    EXPECT_EQ(log, "abcde.Ee.EDCBA");
    EXPECT_EQ(counted_by(b), (counted{1, 0, 0}));
    EXPECT_THROW(static_cast<void>(all.execute([] { throw std::runtime_error("service"); })), std::runtime_error);
    EXPECT_EQ(counted_by(b), (counted{1, 1, 0}));
}

TEST(Pipeline, OwnsTemporariesAndMoves) {
    keeps named{std::make_unique<int>(0)};
    auto first = pipeline{named, keeps{std::make_unique<int>(10)}};
    auto second = std::move(first);
    EXPECT_TRUE(second.execute([] {}).has_value());
    EXPECT_EQ(*named.value, 1) << "referred to";
}

TEST(Pipeline, GoesFromTheOutside) {
    std::string log;
    {
        auto all =
            pipeline{last_words{log, 'a'}, last_words{log, 'b'}, pipeline{last_words{log, 'c'}, last_words{log, 'd'}}};
        EXPECT_EQ(*all.execute([] { return 1; }), 1);
        EXPECT_EQ(log, "");
    }
    EXPECT_EQ(log, "abcd");
}

TEST(Pipeline, DetachesWhatOutlivesTheCall) {
    breaker b = never_trips();
    bulkhead pool{{.max_concurrent = 1}};
    auto all = pipeline{elsewhere{}, pipeline{b, elsewhere{}}, pool};
    const auto here = std::this_thread::get_id();
    const auto there = all.execute([copied = std::string(100, 'x')](const call_context& c) {
        EXPECT_EQ(copied, std::string(100, 'x'));
        EXPECT_EQ(c.attempt(), 1U);
        return std::this_thread::get_id();
    });
    EXPECT_NE(there.value(), here);
    EXPECT_EQ(counted_by(b), (counted{1, 0, 0}));
    EXPECT_EQ(all.execute([] { return 503; }, [](int) { return outcome::failure; }).value(), 503);
    EXPECT_EQ(counted_by(b), (counted{1, 1, 0})) << "the classifier went along";
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(Pipeline, ServesManyThreads) {
    constexpr int calls = 500;
    constexpr std::uint32_t places = 2;
    breaker b = never_trips();
    bulkhead pool{{.max_concurrent = places, .max_waiting = 8}};
    auto all = pipeline{again{}, b, waiting(pool)};
    std::atomic<std::uint32_t> inside = 0;
    std::atomic<int> crowded = 0;
    std::atomic<int> good_replies = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t != 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i != calls; ++i) {
                const auto r = all.execute([&](const call_context& c) {
                    if (++inside > places) ++crowded;
                    if (i % 8 == 0) std::this_thread::yield();
                    --inside;
                    if (i % 4 == 0 && c.attempt() == 1) throw std::runtime_error("first attempt");
                    return i;
                });
                if (r && *r == i) ++good_replies;
            }
        });
    }
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(good_replies, 4 * calls);
    EXPECT_EQ(crowded, 0);
    EXPECT_EQ(counted_by(b), (counted{4 * calls, calls, 0}));
    EXPECT_EQ(pool.in_use(), 0U);
}

// Waiting at a bulkhead.

template <class Pool>
void waits_within_the_context() {
    Pool pool{{.max_concurrent = 2, .max_waiting = 1}};
    auto all = pipeline{waiting(pool)};
    const auto one = [] { return 1; };
    std::stop_source stopped;
    stopped.request_stop();
    const call_context past(bulwark::deadline::in(0s));
    EXPECT_EQ(all.execute(past, one).value(), 1) << "there was a place";
    EXPECT_EQ(pipeline{waiting(pool, 3)}.execute(one).error(), errc::over_capacity);
    EXPECT_EQ(waiting(pool, 2).execute([&] { return pool.in_use(); }).value(), 2U);

    auto held = pool.acquire(2);
    EXPECT_EQ(all.execute(past, one).error(), errc::timed_out);
    EXPECT_EQ(all.execute(call_context({}, stopped.get_token()), one).error(), errc::stopped);
    EXPECT_EQ(all.execute(call_context(bulwark::deadline::in(1ms)), one).error(), errc::timed_out);
    result<int> replied = errc::stopped;
    std::thread waits([&] { replied = all.execute(one); });
    EXPECT_TRUE(bulwark::test::until([&] { return pool.waiting() == 1; }));
    EXPECT_EQ(all.execute(call_context(bulwark::deadline::in(1h)), one).error(), errc::queue_full);
    {
        const auto let_go = std::move(*held);
    }
    waits.join();
    EXPECT_EQ(replied.value(), 1);
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(Waiting, EndsWithTheDeadlineAndTheStopToken) {
    waits_within_the_context<bulkhead>();
    waits_within_the_context<bulwark::reference::bulkhead>();
}

TEST(Waiting, IsStoppedByWhoeverHoldsTheToken) {
    bulkhead pool{{.max_concurrent = 1}};
    const auto held = pool.acquire();
    std::stop_source source;
    result<void> replied;
    std::thread waits(
        [&] { replied = waiting(pool).execute(call_context(bulwark::deadline::in(1h), source.get_token()), [] {}); });
    EXPECT_TRUE(bulwark::test::until([&] { return pool.waiting() == 1; }));
    source.request_stop();
    waits.join();
    EXPECT_EQ(replied.error(), errc::stopped);
}

TEST(Waiting, TakesBytesOfAMemoryBulkhead) {
    bulwark::memory_bulkhead pool{{.max_bytes = 1000}};
    EXPECT_EQ(pipeline{waiting(pool, 600)}.execute([&] { return pool.in_use(); }).value(), 600U);
    EXPECT_EQ(pool.in_use(), 0U);
}

}  // namespace
