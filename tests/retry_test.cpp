// Back-off and retry: when another attempt is made, after which delay, and what the caller is told in the end. Time is
// turned by hand and nobody sleeps, but for the tests of the sleep itself.
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/retry.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bulwark::backoff_config;
using bulwark::backoff_delay;
using bulwark::errc;
using bulwark::jitter;
using bulwark::manual_clock;
using bulwark::outcome;
using bulwark::result;
using bulwark::retry_config;
using std::chrono::nanoseconds;
using context = bulwark::basic_call_context<manual_clock>;
using deadline = bulwark::basic_deadline<manual_clock>;

constexpr auto greatest = std::numeric_limits<std::uint64_t>::max();

/// Whether the constructor refuses with a word about the field.
template <class Make>
bool refused(Make make, const std::string& field) {
    try {
        make();
    } catch (const std::invalid_argument& e) {
        return std::string(e.what()).find("_config: " + field + ' ') != std::string::npos;
    }
    return false;
}

// Back-off.

TEST(Backoff, TheFirstDelayIsTheInitialOneAndEachIsSoManyTimesTheOneBefore) {
    constexpr backoff_config config{.initial = 100ms, .ceiling = 10s, .jitter = jitter::none};
    static_assert(backoff_delay(config, 1, 0) == 100ms && backoff_delay(config, 2, greatest) == 200ms);
    static_assert(backoff_delay(config, 7, 0) == 6400ms && backoff_delay(config, 8, 0) == 10s);
    EXPECT_EQ(backoff_delay(config, 0, 0), 100ms) << "counted as the first";
    const backoff_config thrice{.initial = 7ns, .multiplier = 3, .ceiling = 1h, .jitter = jitter::none};
    nanoseconds expected = 7ns;
    for (std::uint32_t n = 1; n != 20; ++n, expected *= 3) EXPECT_EQ(backoff_delay(thrice, n, 1), expected);
    const backoff_config cut{.initial = 5ns, .multiplier = 3, .ceiling = 17ns, .jitter = jitter::none};
    EXPECT_EQ(backoff_delay(cut, 2, 0), 15ns);
    EXPECT_EQ(backoff_delay(cut, 3, 0), 17ns);
    const backoff_config same{.initial = 5s, .multiplier = 1, .jitter = jitter::none};
    EXPECT_EQ(backoff_delay(same, std::numeric_limits<std::uint32_t>::max(), 1), 5s);
}

TEST(Backoff, NothingOverflowsHoweverManyAttempts) {
    for (const double multiplier : {1.0000001, 1.5, 2.0, 9.75, 1e3, 1e16, 1.7e308}) {
        for (const nanoseconds ceiling : {nanoseconds(5min), nanoseconds(1h) - 1ns, nanoseconds::max()}) {
            const backoff_config config{
                .initial = 2s, .multiplier = multiplier, .ceiling = ceiling, .jitter = jitter::none};
            nanoseconds before = 0ns;
            for (std::uint64_t n = 1; n < std::uint64_t{1} << 32; n += 1 + n / 7) {
                const nanoseconds delay = backoff_delay(config, static_cast<std::uint32_t>(n), 0);
                ASSERT_GE(delay, before) << multiplier << ' ' << n;
                ASSERT_LE(delay, ceiling);
                before = delay;
            }
            EXPECT_EQ(before, ceiling) << multiplier;
        }
    }
    const backoff_config never{.initial = 0ns, .multiplier = 1.7e308, .jitter = jitter::none};
    EXPECT_EQ(backoff_delay(never, 1'000'000, 0), 0ns);
}

TEST(Backoff, GrowsByFractionsToo) {
    for (const double multiplier : {1.1, 1.5, 2.5, 3.141592653589793}) {
        const backoff_config config{
            .initial = 1ms, .multiplier = multiplier, .ceiling = nanoseconds::max(), .jitter = jitter::none};
        for (std::uint32_t n = 1; n != 26; ++n) {
            const long double exact = 1e6L * std::pow(static_cast<long double>(multiplier), n - 1.0L);
            const long double off = static_cast<long double>(backoff_delay(config, n, 0).count()) - exact;
            ASSERT_LE(off, exact * n * 1e-15L) << multiplier << ' ' << n;
            ASSERT_GT(off, -1 - exact * n * 1e-15L) << multiplier << ' ' << n;
        }
    }
}

TEST(Backoff, JitterLeavesTheWholeDelayOrItsUpperHalf) {
    constexpr backoff_config full{.initial = 100ms, .jitter = jitter::full};
    static_assert(backoff_delay(full, 1, 0) == 0ns && backoff_delay(full, 1, greatest) == 100ms);
    constexpr backoff_config equal{.initial = 100ms, .jitter = jitter::equal};
    static_assert(backoff_delay(equal, 2, 0) == 100ms && backoff_delay(equal, 2, greatest) == 200ms);
    const backoff_config odd{.initial = 3ns, .jitter = jitter::equal};
    EXPECT_EQ(backoff_delay(odd, 1, 0), 1ns);
    EXPECT_EQ(backoff_delay(odd, 1, greatest), 3ns);
    const backoff_config all{.initial = nanoseconds::max(), .ceiling = nanoseconds::max()};
    EXPECT_EQ(backoff_delay(all, 9, 0), 0ns);
    EXPECT_EQ(backoff_delay(all, 9, greatest), nanoseconds::max());
    EXPECT_EQ(backoff_delay(all, 9, greatest / 2 + 1).count(), std::int64_t{1} << 62);
    // A third of the words each, to the word.
    const backoff_config three{.initial = 2ns};
    EXPECT_EQ(backoff_delay(three, 1, 0x5555'5555'5555'5555), 0ns);
    EXPECT_EQ(backoff_delay(three, 1, 0x5555'5555'5555'5556), 1ns);
    EXPECT_EQ(backoff_delay(three, 1, 0xAAAA'AAAA'AAAA'AAAA), 1ns);
    EXPECT_EQ(backoff_delay(three, 1, 0xAAAA'AAAA'AAAA'AAAB), 2ns);
    // Of four possible delays each has its quarter of the words.
    const backoff_config four{.initial = 3ns};
    for (std::uint64_t quarter = 0; quarter != 4; ++quarter) {
        const nanoseconds expected(static_cast<nanoseconds::rep>(quarter));
        EXPECT_EQ(backoff_delay(four, 1, quarter << 62), expected);
        EXPECT_EQ(backoff_delay(four, 1, (quarter << 62) + (greatest >> 2)), expected);
    }
}

TEST(Backoff, RefusesWhatMakesNoSenseByName) {
    const auto says = [](const backoff_config& config, const std::string& field) {
        return refused([&] { validate(config); }, field);
    };
    EXPECT_TRUE(says({.initial = -1ns}, "initial"));
    EXPECT_TRUE(says({.multiplier = 0.999}, "multiplier"));
    EXPECT_TRUE(says({.multiplier = std::numeric_limits<double>::quiet_NaN()}, "multiplier"));
    EXPECT_TRUE(says({.multiplier = std::numeric_limits<double>::infinity()}, "multiplier"));
    EXPECT_TRUE(says({.initial = 2s, .ceiling = 1s}, "ceiling"));
    EXPECT_TRUE(says({.jitter = static_cast<jitter>(3)}, "jitter"));
    EXPECT_NO_THROW(validate(backoff_config{.initial = 0ns, .multiplier = 1, .ceiling = 0ns}));
    EXPECT_NO_THROW(validate(backoff_config{.initial = 1s, .ceiling = 1s}));
}

// Retry.

/// Does not sleep but notes how long it should have, and moves time on.
struct sleep_log {
    std::vector<nanoseconds> slept;
    nanoseconds oversleeps = 0ns;
    std::function<void()> meanwhile = [] {};
};
struct noted_sleep {
    void operator()(nanoseconds time, const std::stop_token&) const {
        log->slept.push_back(time);
        manual_clock::advance(time + log->oversleeps);
        log->meanwhile();
    }
    sleep_log* log;
};

constexpr backoff_config plain{.initial = 100ms, .jitter = jitter::none};

class Retry : public ::testing::Test {
protected:
    template <class Predicate = bulwark::retry_failures, class Hint = bulwark::no_hint>
    auto make(retry_config config = {.backoff = plain}, Predicate predicate = {}, Hint hint = {}) {
        return bulwark::basic_retry<Predicate, Hint, noted_sleep>(std::move(config), std::move(predicate),
                                                                  std::move(hint), noted_sleep{&log});
    }

    /// Fails so often, with its number, then answers it.
    auto fails(int times) {
        return [this, times] { return ++attempts <= times ? -attempts : attempts; };
    }
    static outcome negative_is_failure(int value) { return value < 0 ? outcome::failure : outcome::success; }

    sleep_log log;
    int attempts = 0;
};

TEST_F(Retry, WhatSucceedsIsCalledOnce) {
    auto retry = make();
    EXPECT_EQ(*retry.execute(fails(0), negative_is_failure), 1);
    EXPECT_EQ(attempts, 1);
    EXPECT_TRUE(log.slept.empty());
    EXPECT_EQ(retry.snapshot(), bulwark::retry_snapshot{});
}

TEST_F(Retry, WhatFailsIsCalledAgainAfterGrowingDelays) {
    auto retry = make({.max_attempts = 5, .backoff = plain});
    std::vector<std::uint32_t> numbers;
    const auto answer = retry.execute(
        [&](const bulwark::call_context& call) {
            numbers.push_back(call.attempt());
            return fails(3)();
        },
        negative_is_failure);
    EXPECT_EQ(*answer, 4);
    EXPECT_EQ(numbers, (std::vector<std::uint32_t>{1, 2, 3, 4}));
    EXPECT_EQ(log.slept, (std::vector<nanoseconds>{100ms, 200ms, 400ms}));
    EXPECT_EQ(retry.snapshot(), (bulwark::retry_snapshot{.retries = 3}));
}

TEST_F(Retry, AfterTheLastAttemptItsReplyIsTheAnswer) {
    auto retry = make();
    EXPECT_EQ(*retry.execute(fails(100), negative_is_failure), -3);
    EXPECT_EQ(attempts, 3);
    EXPECT_EQ(log.slept.size(), 2U) << "nobody waits after the last";
    EXPECT_EQ(retry.snapshot(), (bulwark::retry_snapshot{.retries = 2, .exhausted = 1}));
    EXPECT_EQ(retry.snapshot().given_up(), 1U);

    auto once = make({.max_attempts = 1});
    EXPECT_EQ(*once.execute(fails(100), negative_is_failure), -4);
    EXPECT_EQ(once.snapshot(), (bulwark::retry_snapshot{.exhausted = 1}));
}

struct numbered : std::runtime_error {
    explicit numbered(int n) : std::runtime_error("attempt"), number(n) {}
    int number;
};

TEST_F(Retry, TheLastExceptionIsRethrownAsItWas) {
    auto retry = make();
    std::vector<const void*> thrown;
    try {
        retry.execute([&]() -> int {
            try {
                throw numbered(++attempts);
            } catch (const numbered& e) {
                thrown.push_back(&e);
                throw;
            }
        });
        FAIL();
    } catch (const numbered& e) {
        EXPECT_EQ(e.number, 3);
        EXPECT_EQ(&e, thrown.back()) << "the object itself";
    }
    EXPECT_EQ(thrown.size(), 3U);
}

TEST_F(Retry, ExceptionsAndRepliesFollowEachOther) {
    auto retry = make({.max_attempts = 4, .backoff = plain});
    const auto odd_throw = [&] {
        if (++attempts % 2 == 1) throw numbered(attempts);
        return -attempts;
    };
    EXPECT_EQ(*retry.execute(odd_throw, negative_is_failure), -4) << "not the exception before it";
    auto shorter = make({.max_attempts = 3, .backoff = plain});
    EXPECT_THROW(shorter.execute(odd_throw, negative_is_failure), numbered) << "not the reply before it";
    EXPECT_EQ(attempts, 7);
    auto twice = make({.max_attempts = 2, .backoff = plain});
    EXPECT_THROW(twice.execute(odd_throw, negative_is_failure), numbered) << "after a reply at first";
    EXPECT_EQ(attempts, 9);
}

TEST_F(Retry, RetriesRunWithNoExceptionBeingHandled) {
    auto retry = make();
    retry.execute([&] {
        EXPECT_EQ(std::current_exception(), nullptr);
        EXPECT_EQ(std::uncaught_exceptions(), 0);
        if (++attempts != 3) throw numbered(attempts);
    });
    EXPECT_EQ(attempts, 3);
}

TEST_F(Retry, WhatAClassifierThrowsIsLikeAnExceptionOfTheFunction) {
    auto retry = make();
    const auto bad = [](int value) -> outcome {
        if (value < 3) throw numbered(value);
        return outcome::success;
    };
    EXPECT_EQ(*retry.execute(fails(0), bad), 3);
}

TEST_F(Retry, WhatIsIgnoredIsNotRetried) {
    auto retry = make();
    EXPECT_EQ(*retry.execute(fails(9), [](int) { return outcome::ignored; }), -1);
    EXPECT_EQ(attempts, 1);
}

TEST_F(Retry, RepliesOfEveryKind) {
    auto retry = make();
    int variable = 7;
    EXPECT_EQ(&retry.execute([&]() -> int& { return variable; }).value().get(), &variable);
    EXPECT_TRUE(retry.execute([] {}).has_value());
    EXPECT_EQ(**retry.execute([] { return std::make_unique<int>(5); }), 5);
    const auto code = std::make_error_code(std::errc::timed_out);
    EXPECT_EQ(*retry.execute([&] { return ++attempts < 3 ? code : std::error_code(); }), std::error_code());
    EXPECT_EQ(attempts, 3) << "an error code judges itself";
    EXPECT_EQ(*retry.execute([&] { return ++attempts == 5; },
                             [](bool good) { return good ? outcome::success : outcome::failure; }),
              true);
    const auto pointer =
        retry.execute([&] { return ++attempts < 7 ? nullptr : std::make_unique<int>(6); },
                      [](const std::unique_ptr<int>& p) { return p ? outcome::success : outcome::failure; });
    EXPECT_EQ(**pointer, 6) << "moved through attempts, never copied";
}

TEST_F(Retry, AReplyIsGoneBeforeTheNextAttemptBegins) {
    auto retry = make();
    int alive = 0;
    const auto connection = [&] {
        EXPECT_EQ(alive, 0) << "the last reply still holds what this attempt may need";
        ++alive;
        ++attempts;
        return std::shared_ptr<int>(&alive, [](int* n) { --*n; });
    };
    const auto last = retry.execute(connection, [](const auto&) { return outcome::failure; });
    EXPECT_EQ(attempts, 3);
    EXPECT_EQ(alive, 1) << "the last one is the answer";
}

// What is retried.

TEST_F(Retry, APredicateOnTheValueDecides) {
    auto retry = make({.backoff = plain}, [](int value) { return value == -1 || value == -2; });
    EXPECT_EQ(*retry.execute(fails(9)), -3) << "-3 is no more to be retried";
    EXPECT_EQ(retry.snapshot(), (bulwark::retry_snapshot{.retries = 2}));
    attempts = 5;
    EXPECT_EQ(*retry.execute(fails(99), negative_is_failure), -6) << "the predicate, not the classifier";
    // What it does not take is judged as ever.
    EXPECT_THROW(retry.execute([&]() -> int { throw numbered(++attempts); }), numbered);
    EXPECT_EQ(attempts, 9);
}

TEST_F(Retry, APredicateOnExceptionsDecides) {
    auto retry = make({.backoff = plain}, [](const std::exception_ptr& thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const numbered& e) {
            return e.number == 1;
        } catch (...) {
            return true;
        }
    });
    EXPECT_THROW(retry.execute([&]() -> int { throw numbered(++attempts); }), numbered);
    EXPECT_EQ(attempts, 2);
    EXPECT_EQ(*retry.execute(fails(4), negative_is_failure), -4 + 9) << "replies are judged as ever";
}

TEST_F(Retry, APredicateOnTheResultSeesErrorsToo) {
    std::vector<errc> seen;
    auto retry = make({.backoff = plain, .retry_refusals = true}, [&](const result<int>& reply) {
        if (reply.has_value()) return false;
        seen.push_back(reply.error());
        return reply.error() == errc::circuit_ramping;
    });
    const std::vector<errc> answers{errc::circuit_ramping, errc::circuit_open};
    const auto answer =
        retry.execute([&]() -> result<int> { return answers.at(static_cast<std::size_t>(attempts++)); });
    EXPECT_EQ(answer.error(), errc::circuit_open);
    EXPECT_EQ(seen, answers);
}

TEST_F(Retry, WhatAPredicateThrowsMeansNoRetryAndIsNotTheAnswer) {
    auto retry = make({.backoff = plain}, [](int) -> bool { throw numbered(0); });
    EXPECT_EQ(*retry.execute(fails(9)), -1);
    EXPECT_EQ(attempts, 1);
}

TEST_F(Retry, ARefusalByTheLibraryIsNotRetriedUnlessAskedFor) {
    for (const errc refusal : {errc::circuit_open, errc::too_many_probes, errc::bulkhead_full, errc::queue_full,
                               errc::timed_out, errc::rate_limited, errc::concurrency_limited, errc::circuit_ramping}) {
        const auto refuses = [&]() -> result<int> { return ++attempts, refusal; };
        const auto throws = [&]() -> int { return ++attempts, result<int>(refusal).value(); };
        auto retry = make();
        attempts = 0;
        EXPECT_EQ(retry.execute(refuses).error(), refusal);
        EXPECT_THROW(retry.execute(throws), std::system_error);
        EXPECT_EQ(attempts, 2) << make_error_code(refusal);
        EXPECT_EQ(retry.snapshot(), bulwark::retry_snapshot{});

        auto asked = make({.backoff = plain, .retry_refusals = true});
        attempts = 0;
        EXPECT_EQ(asked.execute(refuses).error(), refusal);
        EXPECT_THROW(asked.execute(throws), std::system_error);
        EXPECT_EQ(attempts, 6) << make_error_code(refusal);
    }
    for (const errc last_word : {errc::stopped, errc::over_capacity}) {
        auto asked = make({.backoff = plain, .retry_refusals = true});
        attempts = 0;
        EXPECT_EQ(asked.execute([&]() -> result<int> { return ++attempts, last_word; }).error(), last_word);
        EXPECT_THROW(asked.execute([&]() -> int { return ++attempts, result<int>(last_word).value(); }),
                     std::system_error);
        EXPECT_EQ(attempts, 2) << make_error_code(last_word);
    }
}

TEST_F(Retry, ACallWithoutAnAnswerInTimeIsAFailureAndRetried) {
    auto retry = make();
    EXPECT_EQ(retry.execute([&]() -> result<int> { return ++attempts, errc::deadline_exceeded; }).error(),
              errc::deadline_exceeded);
    EXPECT_EQ(attempts, 3);
    EXPECT_THROW(retry.execute([&]() -> int { return ++attempts, result<int>(errc::deadline_exceeded).value(); }),
                 std::system_error);
    EXPECT_EQ(attempts, 6);
    EXPECT_THROW(
        retry.execute([&]() -> int { throw std::system_error((++attempts, std::make_error_code(std::errc{1}))); }),
        std::system_error);
    EXPECT_EQ(attempts, 9) << "an error of another category with the number of a refusal";
}

TEST_F(Retry, OutsideABreakerItStopsWhenThatOpens) {
    auto retry = make({.max_attempts = 10, .backoff = plain});
    bulwark::basic_circuit_breaker<manual_clock> breaker{{.ready_to_trip = bulwark::consecutive_failures(4)}};
    bulwark::pipeline call{retry, breaker};
    const auto answer = call.execute(fails(100), negative_is_failure);
    EXPECT_EQ(attempts, 4) << "each attempt is counted by the breaker";
    EXPECT_EQ(answer.error(), errc::circuit_open) << "the reply of the fifth";
    EXPECT_EQ(call.execute(fails(100), negative_is_failure).error(), errc::circuit_open);
    EXPECT_EQ(attempts, 4);
    EXPECT_EQ(retry.snapshot(), (bulwark::retry_snapshot{.retries = 4}));
}

// Time.

TEST_F(Retry, ADelayThatDoesNotFitIntoTheDeadlineIsNotBegun) {
    for (const nanoseconds left : {nanoseconds(1ns), nanoseconds(50ms), nanoseconds(100ms)}) {
        bulwark::retry_budget budget{{.percent = 100}};
        auto retry = make({.backoff = plain, .budget = &budget});
        attempts = 0;
        const auto answer = retry.execute(context(deadline::in(left)), fails(9), negative_is_failure);
        EXPECT_EQ(*answer, -1) << "what the call has, not an error of ours";
        EXPECT_TRUE(log.slept.empty()) << "in vain";
        EXPECT_EQ(budget.balance(), 1.0) << "nothing was paid";
        EXPECT_EQ(retry.snapshot(), (bulwark::retry_snapshot{.out_of_time = 1}));
    }
    auto retry = make();
    attempts = 0;
    EXPECT_EQ(*retry.execute(context(deadline::in(100ms + 1ns)), fails(9), negative_is_failure), -2) << "it just fits";
}

TEST_F(Retry, NoRetryBeginsAfterTheDeadline) {
    bulwark::retry_budget budget{{.percent = 100}};
    auto retry = make({.backoff = {.initial = 0ns, .jitter = jitter::none}, .budget = &budget});
    const auto slow = [&] {
        manual_clock::advance(1s);
        return fails(9)();
    };
    EXPECT_EQ(*retry.execute(context(deadline::in(1s)), slow, negative_is_failure), -1) << "not even without a delay";
    EXPECT_EQ(*retry.execute(context(deadline(manual_clock::now())), slow, negative_is_failure), -2)
        << "the first attempt is not ours to refuse";
    // It fitted, but the sleep took longer.
    auto sleepy = make({.backoff = plain, .budget = &budget});
    log.oversleeps = 1ms;
    EXPECT_EQ(*sleepy.execute(context(deadline::in(100ms + 1us)), fails(9), negative_is_failure), -3);
    EXPECT_EQ(log.slept.size(), 1U);
    EXPECT_EQ(budget.balance(), 3.0) << "what was paid came back";
    EXPECT_EQ(sleepy.snapshot(), (bulwark::retry_snapshot{.out_of_time = 1}));
}

TEST_F(Retry, NoRetryBeginsOnceStopIsAskedFor) {
    bulwark::retry_budget budget{{.percent = 100}};
    auto retry = make({.backoff = plain, .budget = &budget});
    std::stop_source before;
    before.request_stop();
    EXPECT_EQ(*retry.execute(context({}, before.get_token()), fails(9), negative_is_failure), -1);
    EXPECT_TRUE(log.slept.empty());
    std::stop_source during;
    log.meanwhile = [&] { during.request_stop(); };
    EXPECT_EQ(*retry.execute(context({}, during.get_token()), fails(9), negative_is_failure), -2)
        << "the reply before the sleep";
    std::stop_source thrown_before;
    log.meanwhile = [&] { thrown_before.request_stop(); };
    EXPECT_THROW(retry.execute(context({}, thrown_before.get_token()), [&]() -> int { throw numbered(++attempts); }),
                 numbered);
    EXPECT_EQ(attempts, 3);
    EXPECT_EQ(budget.balance(), 3.0) << "what was paid came back";
    EXPECT_EQ(retry.snapshot(), (bulwark::retry_snapshot{.stopped = 3}));
}

TEST_F(Retry, ASleepThatThrowsLosesNothing) {
    bulwark::retry_budget budget{{.percent = 100}};
    auto retry = make({.backoff = plain, .budget = &budget});
    log.meanwhile = [] { throw numbered(0); };
    EXPECT_THROW(retry.execute(fails(9), negative_is_failure), numbered);
    EXPECT_EQ(budget.balance(), 1.0);
}

TEST(RetrySleep, IsCutShortByAStop) {
    std::stop_source source;
    std::jthread stopper;
    bulwark::retry retry{
        {.backoff = {.initial = 24h, .ceiling = 24h, .jitter = jitter::none},
         .on_retry = [&](const bulwark::retry_event&) { stopper = std::jthread([&] { source.request_stop(); }); }}};
    EXPECT_EQ(
        *retry.execute(
            bulwark::call_context({}, source.get_token()), [] { return -1; }, [](int) { return outcome::failure; }),
        -1);
    EXPECT_EQ(retry.snapshot().stopped, 1U);
    // Nor is it begun after one.
    bulwark::detail::interruptible_sleep{}(24h, source.get_token());
}

TEST(RetrySleep, TakesItsTime) {
    const auto began = std::chrono::steady_clock::now();
    int attempts = 0;
    bulwark::retry retry{{.backoff = {.initial = 2ms, .multiplier = 1, .jitter = jitter::none}}};
    retry.execute([&] { return ++attempts; }, [](int n) { return n < 3 ? outcome::failure : outcome::success; });
    std::stop_source unused;
    bulwark::detail::interruptible_sleep{}(2ms, unused.get_token());
    EXPECT_GE(std::chrono::steady_clock::now() - began, 6ms);
}

// What the server asks for.

TEST_F(Retry, AHintIsWaitedForWhereItIsLonger) {
    const auto hinted = [&](auto hint) {
        log.slept.clear();
        attempts = 0;
        auto retry = make({.max_attempts = 2, .backoff = plain, .longest_hint = 1min}, bulwark::retry_failures{}, hint);
        const int answer = *retry.execute(fails(9), negative_is_failure);
        EXPECT_EQ(answer, -attempts);
        return log.slept.empty() ? nanoseconds(-1) : log.slept.front();
    };
    EXPECT_EQ(hinted([](int) { return 3s; }), 3s);
    EXPECT_EQ(hinted([](int) { return 30ms; }), 100ms) << "the back-off is longer";
    EXPECT_EQ(hinted([](int) { return -3s; }), 100ms);
    EXPECT_EQ(hinted([](int value) { return std::optional(value == -1 ? 4s : 0s); }), 4s);
    EXPECT_EQ(hinted([](int) { return std::optional<nanoseconds>(); }), 100ms);
    EXPECT_EQ(hinted([](const result<int>& reply) { return *reply == -1 ? 5s : 0s; }), 5s);
    EXPECT_EQ(hinted([](int) -> nanoseconds { throw numbered(0); }), 100ms) << "dropped";
    EXPECT_EQ(hinted([](int) { return 1min; }), 1min);
    // Days, and more than nanoseconds can say: a server that asks for that is not asked again.
    EXPECT_EQ(hinted([](int) { return 1min + 1ns; }), -1ns);
    EXPECT_EQ(hinted([](int) { return std::chrono::seconds::max(); }), -1ns);
    EXPECT_EQ(hinted([](int) { return std::chrono::duration<double>(1e300); }), -1ns);
}

TEST_F(Retry, AHintMayComeWithAnException) {
    auto retry = make({.max_attempts = 2, .backoff = plain}, bulwark::retry_failures{},
                      [](const std::exception_ptr& thrown) { return thrown ? 7s : 8s; });
    EXPECT_THROW(retry.execute([&]() -> int { throw numbered(++attempts); }), numbered);
    retry.execute(fails(9), negative_is_failure);
    EXPECT_EQ(log.slept, (std::vector<nanoseconds>{7s, 100ms}));
}

TEST_F(Retry, AHintMustFitIntoTheDeadline) {
    auto retry = make({.backoff = plain}, bulwark::retry_failures{}, [](int) { return 3s; });
    EXPECT_EQ(*retry.execute(context(deadline::in(3s)), fails(9), negative_is_failure), -1);
    EXPECT_TRUE(log.slept.empty());
    EXPECT_EQ(*retry.execute(context(deadline::in(3s + 1ns)), fails(9), negative_is_failure), -3);
}

// The budget.

TEST_F(Retry, CallsPayInAndRetriesAreTakenOut) {
    bulwark::retry_budget budget{{.percent = 50}};
    auto retry = make({.backoff = plain, .budget = &budget});
    auto other = make({.backoff = plain, .budget = &budget});
    EXPECT_EQ(*retry.execute(fails(0), negative_is_failure), 1);
    EXPECT_EQ(budget.balance(), 0.5);
    EXPECT_EQ(*other.execute(fails(99), negative_is_failure), -3) << "one retry for two calls";
    EXPECT_EQ(budget.balance(), 0.0);
    EXPECT_EQ(other.snapshot(), (bulwark::retry_snapshot{.retries = 1, .refused_by_budget = 1}));
    EXPECT_EQ(*retry.execute(fails(99), negative_is_failure), -4) << "the last reply, not an error of ours";
    EXPECT_EQ(retry.snapshot(), (bulwark::retry_snapshot{.refused_by_budget = 1}));
    EXPECT_EQ(log.slept.size(), 1U) << "nobody waits for a retry that is not made";
}

TEST_F(Retry, TenThousandFailingCallsRetryAsTheBudgetSays) {
    for (const double percent : {0.5, 20.0, 33.3, 100.0}) {
        bulwark::retry_budget budget{{.percent = percent}};
        auto retry = make({.max_attempts = 4, .backoff = {.initial = 0ns, .ceiling = 0ns}, .budget = &budget});
        attempts = 0;
        for (int call = 0; call != 10'000; ++call) retry.execute(fails(1'000'000), negative_is_failure);
        EXPECT_EQ(attempts, 10'000 + static_cast<int>(percent * 100 + 1e-6)) << percent;
        EXPECT_EQ(retry.snapshot().retries, static_cast<std::uint64_t>(attempts - 10'000));
    }
}

TEST_F(Retry, AnAttemptOfARetryOutsidePaysNothingIn) {
    bulwark::retry_budget budget{{.percent = 20}};
    auto outer = make({.backoff = plain});
    auto inner = make({.max_attempts = 1, .budget = &budget});
    bulwark::pipeline call{outer, inner};
    std::vector<std::uint32_t> numbers;
    call.execute(
        [&](const bulwark::call_context& c) {
            numbers.push_back(c.attempt());
            return -1;
        },
        negative_is_failure);
    EXPECT_EQ(numbers, (std::vector<std::uint32_t>{1, 2, 3}));
    EXPECT_DOUBLE_EQ(budget.balance(), 0.2);
}

TEST(RetryConcurrency, AllCallersTogetherKeepToTheBudget) {
    bulwark::retry_budget budget{{.percent = 12.5}};
    bulwark::retry retry{{.max_attempts = 3, .backoff = {.initial = 0ns, .ceiling = 0ns}, .budget = &budget}};
    constexpr std::uint64_t calls = 2'500;
    std::vector<std::uint64_t> attempts(4);
    std::vector<std::jthread> team;
    team.reserve(attempts.size());
    for (std::uint64_t& mine : attempts) {
        team.emplace_back([&] {
            for (std::uint64_t i = 0; i != calls; ++i) {
                retry.execute([&] { return ++mine; }, [](std::uint64_t) { return outcome::failure; });
            }
        });
    }
    team.clear();
    std::uint64_t all = 0;
    for (const std::uint64_t mine : attempts) all += mine;
    const bulwark::retry_snapshot seen = retry.snapshot();
    EXPECT_EQ(all, 10'000 + seen.retries);
    EXPECT_EQ(seen.given_up(), 10'000U);
    EXPECT_NEAR(static_cast<double>(seen.retries), 1250.0, 1.0);
}

// The rest.

TEST_F(Retry, TellsOfEachRetryBeforeItsDelay) {
    std::vector<std::pair<std::uint32_t, nanoseconds>> told;
    std::function<void()> reenter = [] {};
    auto retry = make({.backoff = plain, .on_retry = [&](const bulwark::retry_event& event) {
                           told.emplace_back(event.attempt, event.delay);
                           EXPECT_EQ(log.slept.size() + 1, told.size());
                           std::exchange(reenter, [] {})();
                           throw numbered(0);
                       }});
    EXPECT_EQ(*retry.execute(fails(9), negative_is_failure), -3) << "what it throws is dropped";
    EXPECT_EQ(told, (std::vector<std::pair<std::uint32_t, nanoseconds>>{{2, 100ms}, {3, 200ms}}));
    bool entered = false;
    reenter = [&] { entered = retry.execute([] { return 1; }).has_value(); };
    retry.execute(fails(9), negative_is_failure);
    EXPECT_TRUE(entered);
}

TEST_F(Retry, JitterDiffersFromCallToCallAndFromObjectToObject) {
    const auto delays = [&](auto& retry) {
        log.slept.clear();
        for (int i = 0; i != 4; ++i) retry.execute(fails(1'000), negative_is_failure);
        std::vector<nanoseconds> all = log.slept;
        return all;
    };
    const backoff_config wide{.initial = 1h, .multiplier = 1, .ceiling = 1h};
    auto first = make({.backoff = wide});
    auto second = make({.backoff = wide});
    std::vector<nanoseconds> both = delays(first);
    const std::vector<nanoseconds> others = delays(second);
    both.insert(both.end(), others.begin(), others.end());
    std::sort(both.begin(), both.end());
    EXPECT_EQ(std::adjacent_find(both.begin(), both.end()), both.end());
    EXPECT_EQ(both.size(), 16U);
    auto repeated = make({.backoff = wide, .seed = 5});
    auto again = make({.backoff = wide, .seed = 5});
    EXPECT_EQ(delays(repeated), delays(again));
}

TEST_F(Retry, APipelineMayOwnItWithItsCounts) {
    auto made = make();
    made.execute(fails(1), negative_is_failure);
    auto moved = std::move(made);
    EXPECT_EQ(moved.snapshot().retries, 1U);
    bulwark::pipeline call{std::move(moved)};
    attempts = 0;
    EXPECT_EQ(*call.execute(fails(1), negative_is_failure), 2);
}

TEST_F(Retry, RefusesWhatMakesNoSenseByName) {
    EXPECT_TRUE(refused([] { bulwark::retry{{.max_attempts = 0}}; }, "max_attempts"));
    EXPECT_TRUE(refused([] { bulwark::retry{{.backoff = {.initial = -1ns}}}; }, "initial"));
    EXPECT_TRUE(refused([] { bulwark::retry{{.longest_hint = -1ns}}; }, "longest_hint"));
    EXPECT_NO_THROW((bulwark::retry{{.max_attempts = 1, .longest_hint = 0ns}}));
}

}  // namespace
