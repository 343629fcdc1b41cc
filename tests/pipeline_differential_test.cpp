// Pipelines of the lock-free types against the mutex references nested by hand, in several orders: long random
// sequences of calls to a service that answers, fails, refuses, throws, takes its time and stops its caller. Every
// reply is compared, and after each call what every layer has counted. Seeds are fixed; a failure names its own.
//
// Both sides run by the same manual clock, one after the other from the same start.
#include <bulwark/bulkhead.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/fallback.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>
#include <bulwark/reference/retry_budget.hpp>
#include <bulwark/retry.hpp>
#include <bulwark/retry_budget.hpp>
#include <bulwark/timeout.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
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
using context = bulwark::basic_call_context<manual_clock>;
using deadline = bulwark::basic_deadline<manual_clock>;
using service = std::function<result<int>(const context&)>;
using namespace std::chrono_literals;

constexpr int calls_each = 12'000;
constexpr std::uint32_t places = 3;
constexpr auto attempt_limit = 30ns;
constexpr auto total_limit = 100ns;
constexpr int stand_in = 77;

const bulwark::circuit_breaker_config breaker_setup{.max_requests = 2,
                                                    .interval = 400ns,
                                                    .timeout = 60ns,
                                                    .probe_timeout = 90ns,
                                                    .ready_to_trip = bulwark::failure_ratio(0.5, 6)};
const bulwark::bulkhead_config bulkhead_setup{.max_concurrent = places};
const bulwark::retry_budget_config budget_setup{.percent = 40, .max_saved = 8, .initial = 3};
const bulwark::retry_config retry_setup{
    .max_attempts = 4, .backoff = {.initial = 5ns, .multiplier = 2, .ceiling = 15ns, .jitter = bulwark::jitter::none}};

outcome classify(int status) {
    if (status == 666) throw std::logic_error("classifier");
    return status >= 500 ? outcome::failure : status == 300 ? outcome::ignored : outcome::success;
}

/// What a side shows after a call.
struct seen {
    int reply = 0;  ///< the value; -1000 - errc for a refusal; -1 or -2 for an exception
    std::uint64_t asked = 0;
    std::uint64_t generation = 0;
    bulwark::breaker_state state{};
    bulwark::breaker_counts counts;
    std::uint32_t in_use = 0;
    double balance = 0;
    manual_clock::duration now{};
    friend bool operator==(const seen&, const seen&) = default;
};

/// The lock-free types.
struct shipped {
    bulwark::basic_circuit_breaker<manual_clock> breaker{breaker_setup};
    bulwark::bulkhead pool{bulkhead_setup};
    bulwark::retry_budget budget{budget_setup};

    auto retry() {
        bulwark::retry_config c = retry_setup;
        c.budget = &budget;
        const auto sleep = [](std::chrono::nanoseconds time, const std::stop_token&) { manual_clock::advance(time); };
        return bulwark::basic_retry<bulwark::retry_failures, bulwark::no_hint, decltype(sleep)>(c, {}, {}, sleep);
    }
    static auto fallback() {
        return bulwark::fallback([](auto&&...) { return stand_in; });
    }
    static auto timeout(std::chrono::nanoseconds limit) { return bulwark::basic_timeout<manual_clock>(limit); }
};

/// The same by hand: each layer in plain code around the mutex references.
struct plain {
    bulwark::reference::basic_circuit_breaker<manual_clock> breaker{breaker_setup};
    bulwark::reference::bulkhead pool{bulkhead_setup};
    bulwark::reference::retry_budget budget{budget_setup};

    static outcome judge(const result<int>& r) {
        if (!r) return r.error() == errc::deadline_exceeded ? outcome::failure : outcome::ignored;
        return classify(*r);
    }

    result<int> inside(const std::string& layers, const context& c, const service& fn) {
        if (layers.empty()) return fn(c);
        const auto next = [&](const context& inner) { return inside(layers.substr(1), inner, fn); };
        switch (layers.front()) {
            case 'B': {
                const auto r = breaker.execute([&] { return next(c); }, judge);
                if (!r) return r.error();
                return *r;
            }
            case 'P': {
                const auto place = pool.try_acquire();
                if (!place) return place.error();
                return next(c);
            }
            case 'R': return retry(c, next);
            case 'F': return fallback(c, next);
            case 'T': return timeout(attempt_limit, c, next);
            default: return timeout(total_limit, c, next);
        }
    }

    result<int> retry(const context& c, const service& next) {
        if (c.attempt() == 1) budget.deposit();
        auto delay = retry_setup.backoff.initial;
        for (std::uint32_t made = 1;; ++made) {
            std::optional<result<int>> reply;
            std::exception_ptr thrown;
            try {
                reply = next(c.as_attempt(c.attempt() + made - 1));
                if (judge(*reply) != outcome::failure) return *reply;
            } catch (...) {
                thrown = std::current_exception();
            }
            if (made == retry_setup.max_attempts || !may_wait(c, delay)) {
                if (thrown) std::rethrow_exception(thrown);
                return *reply;
            }
            delay = std::min(2 * delay, retry_setup.backoff.ceiling);
        }
    }

    bool may_wait(const context& c, std::chrono::nanoseconds delay) {
        if (c.stop_token().stop_requested() || c.deadline().remaining() <= delay) return false;
        if (!budget.try_withdraw()) return false;
        manual_clock::advance(delay);
        return true;  // nobody stops a call, and nothing takes time, while it sleeps
    }

    static result<int> fallback(const context& c, const service& next) {
        std::optional<result<int>> reply;
        try {
            reply = next(c);
        } catch (...) {
            return stand_in;
        }
        if (!*reply || classify(**reply) == outcome::failure) return stand_in;
        return *reply;
    }

    static result<int> timeout(std::chrono::nanoseconds limit, const context& c, const service& next) {
        if (c.stop_token().stop_requested()) return errc::stopped;
        if (c.deadline().expired()) return errc::timed_out;
        const auto end = std::min(c.deadline().when(), manual_clock::now() + limit);
        const auto reply = next(c.until(deadline(end)));
        if (reply && manual_clock::now() >= end) return errc::deadline_exceeded;
        return reply;
    }
};

/// One side's run: `call` makes a call through that side's layers.
template <class Side, class Call>
std::vector<seen> run(Side& side, std::uint32_t seed, const Call& call) {
    std::mt19937 random(seed);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    std::vector<seen> all;
    std::uint64_t asked = 0;
    for (int i = 0; i != calls_each; ++i) {
        manual_clock::advance(std::chrono::nanoseconds(below(12)));
        const std::uint32_t bad = below(8) < 6 ? 4 : 16;  // of 20: calm, and storms
        std::vector<typename decltype(side.pool)::slot> others;
        for (std::uint32_t n = below(8) == 0 ? places : below(places); n != 0; --n) {
            others.push_back(std::move(side.pool.try_acquire().value()));
        }
        std::stop_source source;
        if (below(40) == 0) source.request_stop();
        const deadline end = below(3) == 0 ? deadline::in(std::chrono::nanoseconds(below(80))) : deadline::never();

        const service fn = [&](const context& c) -> result<int> {
            ++asked;
            EXPECT_LE(c.deadline(), end);
            if (below(3) == 0) manual_clock::advance(std::chrono::nanoseconds(below(45)));
            if (below(20) < bad) {
                switch (below(6)) {
                    case 0: throw std::runtime_error("service");
                    case 1: return errc::deadline_exceeded;
                    case 2: return errc::bulkhead_full;  // of somebody further in
                    case 3: return below(4) == 0 ? 666 : 501;
                    default: return 503;
                }
            }
            if (below(30) == 0) source.request_stop();
            return below(10) == 0 ? 300 : 200 + static_cast<int>(c.attempt());
        };
        seen now;
        try {
            const result<int> r = call(context(end, source.get_token()), fn);
            now.reply = r ? *r : -1000 - static_cast<int>(r.error());
        } catch (const std::logic_error&) {
            now.reply = -2;
        } catch (const std::runtime_error&) {
            now.reply = -1;
        }
        const auto snapshot = side.breaker.snapshot();
        now.asked = asked;
        now.generation = snapshot.generation;
        now.state = snapshot.state;
        now.counts = snapshot.counts;
        now.in_use = side.pool.in_use() - static_cast<std::uint32_t>(others.size());
        now.balance = side.budget.balance();
        now.now = manual_clock::now().time_since_epoch();
        all.push_back(now);
    }
    return all;
}

/// `layers`: B breaker, P bulkhead, R retry, F fallback, T timeout of an attempt, U of the whole call. `make` puts the
/// same into a pipeline.
template <class Make>
void compare(const std::string& layers, const Make& make) {
    for (const std::uint32_t seed : {1U, 2U}) {
        SCOPED_TRACE("layers " + layers + ", seed " + std::to_string(seed));
        manual_clock::reset();
        shipped real;
        auto pipe = make(real);
        const auto got =
            run(real, seed, [&](const context& c, const service& fn) { return pipe.execute(c, fn, classify); });
        manual_clock::reset();
        plain by_hand;
        const auto expected =
            run(by_hand, seed, [&](const context& c, const service& fn) { return by_hand.inside(layers, c, fn); });

        const auto differ = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
        ASSERT_TRUE(differ.first == got.end())
            << "call " << differ.first - got.begin() << ": reply " << differ.first->reply << ", expected "
            << differ.second->reply << "; asked " << differ.first->asked << ", " << differ.second->asked << "; "
            << differ.first->counts << ", " << differ.second->counts;
        // It was worth it: replies of every kind, and a breaker that has opened often, unless a fallback hides it all.
        const auto met = [&](auto&& is) { return std::count_if(got.begin(), got.end(), is); };
        EXPECT_GT(met([](const seen& s) { return s.reply >= 200; }), 1000);
        EXPECT_GT(met([](const seen& s) { return s.reply < 0 || s.reply == stand_in; }), 1000);
        if (layers.find('F') > layers.find('B') && layers.find('F') != layers.npos) {
            EXPECT_EQ(got.back().generation, 1U);
        } else {
            EXPECT_GT(got.back().generation, 50U);
        }
        EXPECT_EQ(met([](const seen& s) { return s.in_use != 0; }), 0);
    }
}

TEST(PipelineDifferential, FallbackRetryBreakerBulkheadTimeout) {
    compare("FRBPT", [](shipped& s) {
        return bulwark::pipeline{s.fallback(), s.retry(), s.breaker, s.pool, s.timeout(attempt_limit)};
    });
}

TEST(PipelineDifferential, PipelinesInPipelines) {
    compare("FRBPT", [](shipped& s) {
        return bulwark::pipeline{bulwark::pipeline{s.fallback(), s.retry()},
                                 bulwark::pipeline{s.breaker, bulwark::pipeline{s.pool, s.timeout(attempt_limit)}}};
    });
}

TEST(PipelineDifferential, TimeoutsOutsideAndInside) {
    compare("URBPT", [](shipped& s) {
        return bulwark::pipeline{s.timeout(total_limit), s.retry(), s.breaker, s.pool, s.timeout(attempt_limit)};
    });
}

TEST(PipelineDifferential, WrongOrders) {
    compare("BRPF", [](shipped& s) { return bulwark::pipeline{s.breaker, s.retry(), s.pool, s.fallback()}; });
    compare("PTBR",
            [](shipped& s) { return bulwark::pipeline{s.pool, s.timeout(attempt_limit), s.breaker, s.retry()}; });
}

}  // namespace
