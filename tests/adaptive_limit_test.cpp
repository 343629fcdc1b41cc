// The adaptive limit: what it admits, what the calls tell it, and what the algorithms make of that. The contract is put
// to the lock-free one and to the mutex reference alike, by an algorithm that writes down what it is shown and answers
// by script; then both run through the same random steps. The rules of the algorithms are worked out by hand, row by
// row.
#include <bulwark/adaptive_limit.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/reference/adaptive_limit.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using bulwark::adaptive_limit_config;
using bulwark::aimd;
using bulwark::errc;
using bulwark::gradient;
using bulwark::limit_bounds;
using bulwark::limit_change;
using bulwark::limit_phase;
using bulwark::limit_sample;
using bulwark::limit_state;
using bulwark::manual_clock;
using bulwark::outcome;
using namespace std::chrono_literals;

struct notes {
    std::vector<limit_sample> shown;
    std::deque<double> answers;  ///< the limits to come; the same as before where there are none
};

/// An algorithm that answers by script.
struct scripted {
    std::shared_ptr<notes> kept = std::make_shared<notes>();

    limit_state next(const limit_state& from, const limit_sample& window, const limit_bounds&) const noexcept {
        kept->shown.push_back(window);
        limit_state state = from;
        if (!kept->answers.empty()) {
            state.limit = kept->answers.front();
            kept->answers.pop_front();
        }
        return state;
    }
    friend void validate(const scripted&) {}
};
static_assert(bulwark::limit_algorithm<scripted>);

struct lock_free {
    template <class Algorithm>
    using limit = bulwark::basic_adaptive_limit<Algorithm, manual_clock>;
};
struct mutex {
    template <class Algorithm>
    using limit = bulwark::reference::basic_adaptive_limit<Algorithm, manual_clock>;
};

template <class Kind>
class AdaptiveLimit : public testing::Test {
protected:
    using limit_type = typename Kind::template limit<scripted>;
    using permit_type = typename limit_type::permit;

    AdaptiveLimit() { manual_clock::reset(); }

    scripted script;
    std::vector<limit_sample>& shown = script.kept->shown;
    std::deque<double>& answers = script.kept->answers;

    /// Windows of 1 s and a call.
    adaptive_limit_config<scripted> plan(std::uint32_t initial, std::uint32_t min_samples = 1) const {
        return {.initial = initial,
                .max = 5000,
                .window = 1s,
                .longest_window = 10s,
                .min_samples = min_samples,
                .algorithm = script};
    }
};
using kinds = testing::Types<lock_free, mutex>;
TYPED_TEST_SUITE(AdaptiveLimit, kinds);

TYPED_TEST(AdaptiveLimit, AdmitsAsManyAsTheLimit) {
    typename TestFixture::limit_type limit(this->plan(2));
    auto first = limit.try_acquire();
    auto second = limit.try_acquire();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(limit.try_acquire().error(), errc::concurrency_limited);
    EXPECT_EQ(limit.in_use(), 2U);
    first->success();
    EXPECT_EQ(limit.in_use(), 1U);
    EXPECT_TRUE(limit.try_acquire());
    EXPECT_EQ(limit.limit(), 2U);
}

TYPED_TEST(AdaptiveLimit, OnlyTheFirstWordOfAPermitCounts) {
    typename TestFixture::limit_type limit(this->plan(5));
    {
        auto permit = limit.try_acquire();
        permit->ignore();
        permit->success();
        permit->failure();
    }
    EXPECT_EQ(limit.in_use(), 0U);
    manual_clock::advance(1s);
    limit.try_acquire()->success();
    ASSERT_EQ(this->shown.size(), 1U);
    EXPECT_EQ(this->shown[0], (limit_sample{.latency = 1ns, .succeeded = 1}));
}

TYPED_TEST(AdaptiveLimit, AMovedPermitIsOnePermit) {
    typename TestFixture::limit_type limit(this->plan(5));
    std::optional<typename TestFixture::permit_type> kept;
    {
        auto permit = limit.try_acquire();
        manual_clock::advance(64us);
        kept.emplace(std::move(*permit));
    }
    EXPECT_EQ(limit.in_use(), 1U);
    auto other = limit.try_acquire();
    manual_clock::advance(1s);
    *other = std::move(*kept);  // what it held before comes back without a word
    EXPECT_EQ(limit.in_use(), 1U);
    EXPECT_TRUE(this->shown.empty());
    other->success();
    EXPECT_EQ(limit.in_use(), 0U);
    ASSERT_EQ(this->shown.size(), 1U);
    EXPECT_EQ(this->shown[0], (limit_sample{.latency = 1s + 64us, .succeeded = 1}));
}

TYPED_TEST(AdaptiveLimit, BelowWhatIsInsideNobodyIsAdmittedUntilEnoughCameBack) {
    typename TestFixture::limit_type limit(this->plan(4));
    std::vector<typename TestFixture::permit_type> held;
    for (int i = 0; i != 4; ++i) held.push_back(std::move(*limit.try_acquire()));
    manual_clock::advance(1s);
    this->answers = {2};
    held.back().success();
    EXPECT_EQ(limit.limit(), 2U);
    for (const std::uint32_t inside : {3U, 2U}) {
        held.pop_back();
        EXPECT_EQ(limit.in_use(), inside);
        EXPECT_EQ(limit.try_acquire().error(), errc::concurrency_limited);
    }
    held.pop_back();
    EXPECT_TRUE(limit.try_acquire());
}

TYPED_TEST(AdaptiveLimit, AWindowEndsByTimeAndByNumber) {
    typename TestFixture::limit_type limit(this->plan(20, 3));
    const auto call = [&](std::chrono::nanoseconds took) {
        auto permit = limit.try_acquire();
        manual_clock::advance(took);
        permit->success();
    };
    call(400ms);
    call(400ms);
    call(199ms);
    EXPECT_TRUE(this->shown.empty());  // 1 ns early, for all that there are calls enough
    limit.try_acquire()->ignore();
    manual_clock::advance(1ms);
    limit.try_acquire()->ignore();
    EXPECT_TRUE(this->shown.empty());  // an ignored call ends nothing
    limit.try_acquire()->success();
    ASSERT_EQ(this->shown.size(), 1U);
    EXPECT_EQ(this->shown[0], (limit_sample{.latency = 249750us, .succeeded = 4}));
    EXPECT_EQ(limit.snapshot().short_latency, 249750us);

    call(1s);
    call(1s);
    EXPECT_EQ(this->shown.size(), 1U);  // too few, for all that it is over
    call(1s);
    EXPECT_EQ(this->shown.size(), 2U);
}

TYPED_TEST(AdaptiveLimit, AWindowLastsTwiceTheLatencyOfTheOneBefore) {
    typename TestFixture::limit_type limit(this->plan(20));
    const auto call = [&](std::chrono::nanoseconds took) {
        auto permit = limit.try_acquire();
        manual_clock::advance(took);
        permit->success();
        return this->shown.size();
    };
    EXPECT_EQ(call(3s), 1U);  // so the next lasts 6 s
    EXPECT_EQ(call(5999ms), 1U);
    EXPECT_EQ(call(1ms), 2U);  // its mean is 3 s again
    manual_clock::advance(5s);
    EXPECT_EQ(call(999ms), 2U);
    EXPECT_EQ(call(100s), 3U);
    manual_clock::advance(9s);  // 10 s at the most
    EXPECT_EQ(call(999ms), 3U);
    EXPECT_EQ(call(1ms), 4U);
    manual_clock::advance(999ms);  // its mean was half a second; 1 s at the least
    EXPECT_EQ(call(0s), 4U);
    EXPECT_EQ(call(1ms), 5U);
}

TYPED_TEST(AdaptiveLimit, CallsThatFailCountWithoutTheirTime) {
    typename TestFixture::limit_type limit(this->plan(20));
    auto slow = limit.try_acquire();
    manual_clock::advance(500ms);
    slow->failure();
    auto fine = limit.try_acquire();
    manual_clock::advance(500ms);
    fine->success();
    ASSERT_EQ(this->shown.size(), 1U);
    EXPECT_EQ(this->shown[0], (limit_sample{.latency = 500ms, .succeeded = 1, .dropped = 1}));

    manual_clock::advance(1s);
    limit.try_acquire()->failure();  // a window of nothing else ends too
    ASSERT_EQ(this->shown.size(), 2U);
    EXPECT_EQ(this->shown[1], (limit_sample{.dropped = 1}));
    EXPECT_EQ(limit.snapshot().short_latency, 500ms);  // of the last that had one
}

TYPED_TEST(AdaptiveLimit, KnowsWhetherTheLimitHeldCallsBack) {
    typename TestFixture::limit_type limit(this->plan(5));
    const auto window_with = [&](std::size_t calls) {
        std::vector<typename TestFixture::permit_type> held;
        for (std::size_t i = 0; i != calls; ++i) held.push_back(std::move(*limit.try_acquire()));
        for (auto& p : held) p.success();
        manual_clock::advance(1s);
        limit.try_acquire()->success();
        return this->shown.back().limited;
    };
    EXPECT_FALSE(window_with(2));
    EXPECT_TRUE(window_with(3));
    EXPECT_FALSE(window_with(1));
    this->answers = {4};
    EXPECT_FALSE(window_with(2));
    EXPECT_TRUE(window_with(2));
}

TYPED_TEST(AdaptiveLimit, TimesAreSummedInUnitsOf64Nanoseconds) {
    typename TestFixture::limit_type limit(this->plan(20));
    const auto mean_of = [&](std::chrono::nanoseconds a, std::chrono::nanoseconds b) {
        this->shown.clear();
        auto first = limit.try_acquire();
        manual_clock::advance(a);
        first->success();
        if (this->shown.empty()) {
            auto second = limit.try_acquire();
            manual_clock::advance(b);
            second->success();
        }
        while (this->shown.empty()) {
            manual_clock::advance(1s);
            limit.try_acquire()->ignore();
            limit.try_acquire()->failure();
        }
        return this->shown[0].latency;
    };
    EXPECT_EQ(mean_of(31ns, 0ns), 1ns);
    EXPECT_EQ(mean_of(32ns, 96ns), 96ns);
    EXPECT_EQ(mean_of(95ns, 160ns), 128ns);
    EXPECT_EQ(mean_of(24h, 0ns), std::chrono::nanoseconds(64 * std::int64_t{0xffff'ffff}));
}

TYPED_TEST(AdaptiveLimit, AClockThatStepsBackSaysNothing) {
    typename TestFixture::limit_type limit(this->plan(20));
    manual_clock::advance(2s);
    auto backwards = limit.try_acquire();
    manual_clock::advance(-1s);
    backwards->success();
    ASSERT_EQ(this->shown.size(), 1U);
    EXPECT_EQ(this->shown[0], (limit_sample{.latency = 1ns, .succeeded = 1}));
}

TYPED_TEST(AdaptiveLimit, OlderCallsOfAFullWindowWeighLess) {
    typename TestFixture::limit_type limit(this->plan(2000));
    std::vector<typename TestFixture::permit_type> held;
    const auto end = [&](int calls, bool well) {
        for (; calls != 0; --calls) {
            if (well) {
                held.back().success();
            } else {
                held.back().failure();
            }
            held.pop_back();
        }
    };
    for (int i = 0; i != 2000; ++i) held.push_back(std::move(*limit.try_acquire()));
    manual_clock::advance(64us);
    end(1000, true);
    end(23, false);
    manual_clock::advance(64us);
    end(1, true);  // 500 of 64 us, 11 failures, and this
    end(511, true);
    end(1, true);  // halved again: 506 of those 1012, then this
    manual_clock::advance(999'872us);
    limit.try_acquire()->success();
    ASSERT_EQ(this->shown.size(), 1U);
    const limit_sample& all = this->shown[0];
    EXPECT_EQ(all.succeeded, 508U);
    EXPECT_EQ(all.dropped, 5U);
    EXPECT_TRUE(all.limited);  // by calls from before the halving alone
    const std::int64_t sum = (500 * 1000 + 512 * 2000) * 506LL / 1012 + 2000;
    EXPECT_EQ(all.latency.count(), sum * 64 / 508);
    held.clear();
}

TYPED_TEST(AdaptiveLimit, TheLargestSumsFit) {
    auto wanted = this->plan(5000);
    wanted.window = wanted.longest_window = std::chrono::nanoseconds::max();
    manual_clock::advance(1h);
    typename TestFixture::limit_type limit(wanted);  // its window ends with the clock
    std::vector<typename TestFixture::permit_type> held;
    for (int i = 0; i != 5000; ++i) held.push_back(std::move(*limit.try_acquire()));
    manual_clock::advance(1h);
    for (auto& p : held) p.success();
    EXPECT_TRUE(this->shown.empty());
    manual_clock::advance(std::chrono::nanoseconds::max());
    limit.try_acquire()->failure();
    ASSERT_EQ(this->shown.size(), 1U);
    EXPECT_EQ(this->shown[0].latency, std::chrono::nanoseconds(64 * std::int64_t{0xffff'ffff}));
    EXPECT_EQ(this->shown[0].dropped, 1U);
    EXPECT_GE(this->shown[0].succeeded, 511U);
    EXPECT_TRUE(this->shown[0].limited);
}

TYPED_TEST(AdaptiveLimit, ChangesAreToldWithNothingHeld) {
    std::vector<limit_change> told;
    typename TestFixture::limit_type* that = nullptr;
    auto wanted = this->plan(1);
    wanted.on_limit_change = [&](const limit_change& change) {
        told.push_back(change);
        EXPECT_EQ(that->in_use(), 0U);
        EXPECT_EQ(that->limit(), change.to);
        manual_clock::advance(1s);
        if (told.size() == 1) that->try_acquire()->success();  // ends a window of its own
        throw std::runtime_error("dropped");
    };
    typename TestFixture::limit_type limit(wanted);
    that = &limit;
    manual_clock::advance(1s);
    this->answers = {3.9, 3, 7};
    limit.try_acquire()->success();
    EXPECT_EQ(this->shown.size(), 2U);
    EXPECT_EQ(told, (std::vector<limit_change>{{1, 3}}));  // the second window changed nothing
    manual_clock::advance(1s);
    limit.try_acquire()->success();
    EXPECT_EQ(told, (std::vector<limit_change>{{1, 3}, {3, 7}}));
}

TYPED_TEST(AdaptiveLimit, ExecuteTellsHowTheCallEnded) {
    typename TestFixture::limit_type limit(this->plan(20, 1));
    const auto last = [&]() -> limit_sample {
        this->shown.clear();
        manual_clock::advance(1s);
        limit.try_acquire()->success();
        limit_sample all;
        for (const limit_sample& s : this->shown) {
            all.succeeded += s.succeeded;
            all.dropped += s.dropped;
        }
        --all.succeeded;  // its own
        return all;
    };
    EXPECT_EQ(limit.execute([] { return 3; }).value(), 3);
    EXPECT_EQ(last(), (limit_sample{.succeeded = 1}));
    EXPECT_TRUE(limit.execute([] {}));
    EXPECT_EQ(last(), (limit_sample{.succeeded = 1}));
    EXPECT_THROW(limit.execute([]() -> int { throw std::runtime_error("service"); }), std::runtime_error);
    EXPECT_EQ(last(), (limit_sample{.dropped = 1}));
    EXPECT_TRUE(limit.execute([] { return std::make_error_code(std::errc::timed_out); }));
    EXPECT_EQ(last(), (limit_sample{.dropped = 1}));
    const auto judge = [](int status) { return status == 503 ? outcome::failure : outcome::ignored; };
    (void)limit.execute([] { return 503; }, judge);
    EXPECT_EQ(last(), (limit_sample{.dropped = 1}));
    (void)limit.execute([] { return 404; }, judge);
    EXPECT_EQ(last(), limit_sample{});
    (void)limit.execute([](const bulwark::call_context&) -> bulwark::result<int> { return errc::rate_limited; });
    EXPECT_EQ(last(), limit_sample{});
    const auto refused = []() -> int { return bulwark::result<int>(errc::rate_limited).value(); };
    EXPECT_THROW(limit.execute(refused), std::system_error);
    EXPECT_EQ(last(), limit_sample{});
    (void)limit.execute([]() -> bulwark::result<int> { return errc::deadline_exceeded; });
    EXPECT_EQ(last(), (limit_sample{.dropped = 1}));
    EXPECT_EQ(limit.in_use(), 0U);
}

TYPED_TEST(AdaptiveLimit, IsALayer) {
    typename TestFixture::limit_type outer(this->plan(2));
    typename TestFixture::limit_type inner(this->plan(1));
    bulwark::pipeline call{outer, inner};
    const auto held = inner.try_acquire();
    manual_clock::advance(1s);
    bool called = false;
    EXPECT_EQ(call.execute([&] { called = true; }).error(), errc::concurrency_limited);
    EXPECT_FALSE(called);
    EXPECT_EQ(outer.in_use(), 0U);
    EXPECT_TRUE(this->shown.empty());  // what an inner layer refuses is no sample
}

TYPED_TEST(AdaptiveLimit, APermitWithoutAWordIsIgnoredButForUnwinding) {
    typename TestFixture::limit_type limit(this->plan(20));
    manual_clock::advance(1s);
    {
        const auto silent = limit.try_acquire();
    }
    EXPECT_TRUE(this->shown.empty());
    try {
        const auto unwound = limit.try_acquire();
        throw std::runtime_error("service");
    } catch (const std::runtime_error&) {
        const auto in_handler = limit.try_acquire();
    }
    ASSERT_EQ(this->shown.size(), 1U);
    EXPECT_EQ(this->shown[0], (limit_sample{.dropped = 1}));

    struct cleans_up {
        typename TestFixture::limit_type& limit;
        ~cleans_up() { const auto silent = limit.try_acquire(); }
    };
    manual_clock::advance(1s);
    EXPECT_THROW(
        {
            const cleans_up late{limit};
            throw std::runtime_error("another");
        },
        std::runtime_error);
    EXPECT_EQ(this->shown.size(), 1U);  // the exception was there before the permit
    EXPECT_EQ(limit.in_use(), 0U);
}

template <class Limit>
concept takes_bool = requires(Limit& limit) { limit.execute([] { return true; }); };
static_assert(!takes_bool<bulwark::adaptive_limit> && !takes_bool<bulwark::reference::adaptive_limit>);
static_assert(bulwark::layer<bulwark::adaptive_limit> && bulwark::layer<bulwark::reference::adaptive_limit>);
static_assert(std::is_nothrow_move_constructible_v<bulwark::adaptive_limit::permit> &&
              !std::is_copy_constructible_v<bulwark::adaptive_limit::permit>);

// ------------------------------------------------------------------------------------------------- random steps on
// both

/// A limit, its permits, and what it told.
template <class Limit>
struct subject {
    using config = typename Limit::config;

    explicit subject(config wanted)
        : limit((wanted.on_limit_change = [this](const limit_change& c) { told.push_back(c); }, wanted)) {}

    std::vector<limit_change> told;
    Limit limit;
    std::vector<typename Limit::permit> held;

    bool take() {
        auto permit = limit.try_acquire();
        if (permit) held.push_back(std::move(*permit));
        return permit.has_value();
    }
    void end(std::size_t which, unsigned how) {
        auto permit = std::move(held[which]);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
        if (how < 7) permit.success();
        if (how == 7) permit.failure();
    }
};

template <class Algorithm>
void same_for_both(const adaptive_limit_config<Algorithm>& wanted, std::uint64_t seed, int steps) {
    manual_clock::reset();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    subject<bulwark::basic_adaptive_limit<Algorithm, manual_clock>> a(wanted);
    subject<bulwark::reference::basic_adaptive_limit<Algorithm, manual_clock>> b(wanted);
    bool busy = true;
    for (int step = 0; step != steps; ++step) {
        if (random() % 500 == 0) busy = !busy;
        const bool takes = random() % 100 < (busy ? 55U : 40U);
        if (takes) {
            ASSERT_EQ(a.take(), b.take()) << "step " << step;
        } else if (!a.held.empty()) {
            const std::size_t which = random() % a.held.size();
            const auto how = static_cast<unsigned>(random() % 1000 == 0 ? random() % 9 : random() % 7);
            a.end(which, how);
            b.end(which, how);
        }
        if (random() % 2 == 0) manual_clock::advance(std::chrono::nanoseconds(random() % 2'000'000));
        ASSERT_EQ(a.limit.snapshot(), b.limit.snapshot()) << "step " << step;
        ASSERT_LE(a.limit.limit(), wanted.max);
        ASSERT_GE(a.limit.limit(), wanted.min);
    }
    EXPECT_EQ(a.told, b.told);
    EXPECT_GT(a.told.size(), 20U);
}

TEST(AdaptiveLimitDifferential, BothTakeTheSameStepsByGradient) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        same_for_both<gradient>({.initial = 8,
                                 .max = 60,
                                 .window = 5ms,
                                 .min_samples = static_cast<std::uint32_t>(seed),
                                 .algorithm = {.probe_every = static_cast<std::uint32_t>(seed * 5)}},
                                seed, 200'000);
    }
}

TEST(AdaptiveLimitDifferential, BothTakeTheSameStepsByAimd) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        same_for_both<aimd>({.initial = 8, .min = 2, .max = 60, .window = 5ms, .algorithm = {.timeout = 9ms}}, seed,
                            200'000);
    }
}

// ------------------------------------------------------------------------------------------------------- the
// algorithms

constexpr limit_bounds wide{.min = 1, .max = 1000};

limit_sample good(std::chrono::nanoseconds latency) {
    return {.latency = latency, .succeeded = 100, .limited = true};
}
limit_sample idle(std::chrono::nanoseconds latency) {
    return {.latency = latency, .succeeded = 100};
}
limit_sample drops(std::uint32_t dropped, std::uint32_t of) {
    return {.latency = 1ms, .succeeded = of - dropped, .dropped = dropped, .limited = true};
}

template <class Algorithm>
double after(const Algorithm& a, const limit_sample& window, double limit, limit_bounds bounds = wide) {
    return a.next({.limit = limit}, window, bounds).limit;
}

TEST(Aimd, OneMoreOrAShareLess) {
    const aimd a{.backoff = 0.9, .timeout = 100ms};
    EXPECT_EQ(after(a, good(100ms), 20), 21);
    EXPECT_EQ(after(a, good(100ms + 1ns), 20), 18);
    EXPECT_EQ(after(a, good(101ms), 19), 17);  // rounded down, or 1 would never be left
    EXPECT_EQ(after(a, idle(1ms), 20), 20);    // the limit held nobody back
    EXPECT_EQ(after(a, idle(101ms), 20), 18);
    EXPECT_EQ(after(a, drops(1, 100), 20), 21);  // 1 % is tolerated
    EXPECT_EQ(after(a, drops(2, 100), 20), 18);
    EXPECT_EQ(after(a, drops(100, 100), 20), 18);
    EXPECT_EQ(after(aimd{.tolerated_drops = 0}, drops(1, 1023), 20), 18);
}

TEST(Aimd, StaysWithinItsBounds) {
    const aimd a;
    EXPECT_EQ(after(a, good(1ms), 30, {.min = 5, .max = 30}), 30);  // and there it stays: it is no reason to back off
    EXPECT_EQ(after(a, drops(9, 9), 5, {.min = 5, .max = 30}), 5);
    EXPECT_EQ(after(a, drops(9, 9), 1), 1);
    EXPECT_EQ(after(a, good(1ms), 1), 2);
}

/// As after many windows whose long-term latency is so much.
limit_state settled(double limit, std::chrono::nanoseconds latency) {
    return {.limit = limit, .long_latency = static_cast<double>(latency.count()), .windows = 50, .probed = true};
}

TEST(Gradient, FollowsTheRatioOfLatencies) {
    const gradient g{.tolerance = 1.5, .queue = 4, .smoothing = 0.2, .long_window = 1'000'000'000};
    const auto limit = [&](double from, std::chrono::nanoseconds latency, const limit_sample& window) {
        return g.next(settled(from, latency), window, wide).limit;
    };
    constexpr double near = 1e-6;
    EXPECT_NEAR(limit(20, 10ms, good(10ms)), 20.8, near);    // ratio 1: by 0.2 * 4
    EXPECT_NEAR(limit(20, 10ms, good(15ms)), 20.8, near);    // the whole tolerance
    EXPECT_NEAR(limit(20, 10ms, good(20ms)), 19.8, near);    // 3/4: 0.2 * (15 + 4 - 20)
    EXPECT_NEAR(limit(16, 10ms, good(20ms)), 16, near);      // 3/4 of 16, and 4
    EXPECT_NEAR(limit(20, 10ms, good(10s)), 18.8, near);     // no less than 1/2
    EXPECT_NEAR(limit(8, 10ms, good(10s)), 8, near);         // twice the queue is its floor
    EXPECT_NEAR(limit(20, 10ms, idle(10ms)), 20, near);      // the limit held nobody back: no rise
    EXPECT_NEAR(limit(20, 10ms, idle(20ms)), 20, near);      // and no fall: noise would only lower it
    EXPECT_NEAR(limit(20, 10ms, drops(2, 100)), 18, near);   // by backoff, for all that latency is good
    EXPECT_NEAR(limit(20, 1ms, drops(1, 100)), 20.8, near);  // 1 % is tolerated
    EXPECT_NEAR(limit(20, 10ms, limit_sample{}), 20, near);  // nothing was seen
    EXPECT_NEAR(g.next(settled(1000, 1ms), good(1ms), wide).limit, 1000, near);
    EXPECT_NEAR(g.next(settled(5, 1ms), drops(9, 9), {.min = 5, .max = 9}).limit, 5, near);
}

TEST(Gradient, FractionsAddUp) {
    const gradient g{.probe_every = 0};
    limit_state state{.limit = 20};
    std::vector<std::uint32_t> limits;
    for (int i = 0; i != 5; ++i) {
        state = g.next(state, good(1ms), wide);
        limits.push_back(state.in_force());
    }
    EXPECT_EQ(limits, (std::vector<std::uint32_t>{20, 21, 22, 23, 24}));
}

TEST(Gradient, TheLongTermLatencyIsAMean) {
    const gradient g{.long_window = 99, .probe_every = 0};
    limit_state state{.limit = 20};
    for (int i = 1; i <= 10; ++i) {
        state = g.next(state, idle(std::chrono::milliseconds(i)), wide);
        EXPECT_NEAR(state.long_latency, 0.5e6 * (i + 1), 1e-3) << i;  // the first ten alike
    }
    state = g.next(state, idle(10500us), wide);
    EXPECT_NEAR(state.long_latency, 5.6e6, 1e-3);  // then 2 / (99 + 1) of each
    state = g.next(state, idle(1ms), wide);
    EXPECT_NEAR(state.long_latency, (5.6e6 - 0.02 * 4.6e6) * 0.95, 1e-3);  // faster where it is twice too long
    const gradient brief{.long_window = 1, .probe_every = 0};
    EXPECT_NEAR(brief.next(brief.next({.limit = 20}, idle(3ms), wide), idle(2ms), wide).long_latency, 2e6, 1e-3);
}

TEST(Gradient, ProbesWithAShareOfTheLimit) {
    const gradient g{.probe_every = 3, .probe_share = 0.25};
    limit_state state{.limit = 40};
    state = g.next(state, good(10ms), wide);
    state = g.next(state, good(10ms), wide);
    EXPECT_EQ(state.phase, limit_phase::following);
    EXPECT_EQ(state.in_force(), 41U);
    state = g.next(state, idle(10ms), wide);
    EXPECT_EQ(state.phase, limit_phase::following);  // nothing to learn: the limit holds nobody back
    state = g.next(state, good(10ms), wide);
    EXPECT_EQ(state.phase, limit_phase::draining);
    EXPECT_EQ(state.in_force(), 10U);
    const double before = state.limit;
    state = g.next(state, good(10ms), wide);  // the calls from before: nothing is made of them
    EXPECT_EQ(state.phase, limit_phase::measuring);
    EXPECT_EQ(state.in_force(), 10U);
    EXPECT_NEAR(state.long_latency, 10e6, 1e-3);
    state = g.next(state, good(4ms), wide);
    EXPECT_EQ(state.phase, limit_phase::following);
    EXPECT_EQ(state.long_latency, 4e6);
    EXPECT_EQ(state.limit, before);  // as if nothing had been
    EXPECT_EQ(state.windows, 0U);
    for (int i = 0; i != 3; ++i) {
        EXPECT_EQ(state.phase, limit_phase::following);
        state = g.next(state, good(4ms), wide);
    }
    EXPECT_EQ(state.phase, limit_phase::draining);
    state = g.next(state, good(4ms), wide);
    state = g.next(state, good(40ms), wide);
    EXPECT_EQ(state.long_latency, 40e6);  // whichever way
}

TEST(Gradient, TheFirstProbeComesEarly) {
    const gradient g;
    limit_state state{.limit = 40};
    int windows = 0;
    for (; state.phase == limit_phase::following; ++windows) state = g.next(state, good(10ms), wide);
    EXPECT_EQ(windows, 10);
    state = g.next(g.next(state, good(10ms), wide), good(10ms), wide);
    for (windows = 0; state.phase == limit_phase::following; ++windows) state = g.next(state, good(10ms), wide);
    EXPECT_EQ(windows, 100);
}

TEST(Gradient, AProbeStaysWithinTheBoundsAndGivesWayToDrops) {
    const gradient g{.probe_every = 1};
    limit_state state = g.next({.limit = 10}, good(10ms), {.min = 5, .max = 20});
    EXPECT_EQ(state.phase, limit_phase::draining);
    EXPECT_EQ(state.in_force(), 5U);
    for (const bool measuring : {false, true}) {
        limit_state probing = state;
        if (measuring) probing = g.next(probing, good(10ms), wide);
        const limit_state failed = g.next(probing, drops(50, 100), {.min = 5, .max = 20});
        EXPECT_EQ(failed.phase, limit_phase::following);
        EXPECT_NEAR(failed.limit, 0.9 * state.limit, 1e-9);
    }
    EXPECT_EQ(g.next(g.next(state, good(1ms), wide), limit_sample{}, wide).phase, limit_phase::measuring);
}

// --------------------------------------------------------------------------------------------------------
// configuration

template <class Change>
std::string refusal(Change change) {
    adaptive_limit_config<gradient> byg;
    adaptive_limit_config<aimd> bya;
    try {
        if constexpr (std::invocable<Change, adaptive_limit_config<gradient>&>) {
            change(byg);
            const bulwark::adaptive_limit limit(byg);
        } else {
            change(bya);
            const bulwark::aimd_limit limit(bya);
        }
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "accepted";
}

TEST(AdaptiveLimitConfig, WhatMakesNoSenseIsRefusedByName) {
    using by_gradient = adaptive_limit_config<gradient>;
    using by_aimd = adaptive_limit_config<aimd>;
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const auto names = [](const std::string& text, const char* config, const char* field) {
        return text.starts_with(std::string("bulwark: ") + config + ": " + field + ' ');
    };
    constexpr const char* frame = "adaptive_limit_config";
    EXPECT_TRUE(names(refusal([](by_gradient& c) { c.min = 0; }), frame, "min"));
    EXPECT_TRUE(names(refusal([](by_gradient& c) { c.max = 0; }), frame, "max"));
    EXPECT_TRUE(names(refusal([](by_gradient& c) { c.initial = 1001; }), frame, "initial"));
    EXPECT_TRUE(names(refusal([](by_gradient& c) { c.min = 21; }), frame, "initial"));
    EXPECT_TRUE(names(refusal([](by_gradient& c) { c.window = 0ns; }), frame, "window"));
    EXPECT_TRUE(names(refusal([](by_gradient& c) { c.longest_window = 99ms; }), frame, "longest_window"));
    EXPECT_TRUE(names(refusal([](by_gradient& c) { c.min_samples = 0; }), frame, "min_samples"));
    EXPECT_TRUE(names(refusal([](by_gradient& c) { c.min_samples = 513; }), frame, "min_samples"));
    for (const double wrong : {0.0, 1.0, -1.0, nan}) {
        EXPECT_TRUE(names(refusal([&](by_aimd& c) { c.algorithm.backoff = wrong; }), "aimd", "backoff"));
        EXPECT_TRUE(names(refusal([&](by_gradient& c) { c.algorithm.backoff = wrong; }), "gradient", "backoff"));
    }
    for (const double wrong : {-0.1, 1.0, nan}) {
        EXPECT_TRUE(
            names(refusal([&](by_aimd& c) { c.algorithm.tolerated_drops = wrong; }), "aimd", "tolerated_drops"));
        EXPECT_TRUE(names(refusal([&](by_gradient& c) { c.algorithm.tolerated_drops = wrong; }), "gradient",
                          "tolerated_drops"));
    }
    EXPECT_TRUE(names(refusal([](by_aimd& c) { c.algorithm.timeout = 0s; }), "aimd", "timeout"));
    for (const double wrong : {0.9, nan, std::numeric_limits<double>::infinity()}) {
        EXPECT_TRUE(names(refusal([&](by_gradient& c) { c.algorithm.tolerance = wrong; }), "gradient", "tolerance"));
    }
    for (const double wrong : {-1.0, nan}) {
        EXPECT_TRUE(names(refusal([&](by_gradient& c) { c.algorithm.queue = wrong; }), "gradient", "queue"));
    }
    for (const double wrong : {0.0, 1.1, nan}) {
        EXPECT_TRUE(names(refusal([&](by_gradient& c) { c.algorithm.smoothing = wrong; }), "gradient", "smoothing"));
    }
    for (const double wrong : {0.0, 0.667, nan}) {  // with a tolerance of 1.5 a probe of 2/3 would queue
        EXPECT_TRUE(
            names(refusal([&](by_gradient& c) { c.algorithm.probe_share = wrong; }), "gradient", "probe_share"));
    }
    EXPECT_TRUE(names(refusal([](by_gradient& c) { c.algorithm.long_window = 0; }), "gradient", "long_window"));
    const auto widest = [](by_gradient& c) {
        c.min = c.initial = c.max = std::numeric_limits<std::uint32_t>::max();
        c.window = 1ns;
        c.longest_window = std::chrono::nanoseconds::max();
        c.min_samples = 512;
        c.algorithm = {.tolerance = 1,
                       .queue = 0,
                       .smoothing = 1,
                       .long_window = 1,
                       .tolerated_drops = 0,
                       .probe_every = 0,
                       .probe_share = 0.99};
    };
    EXPECT_EQ(refusal(widest), "accepted");
    EXPECT_THROW(bulwark::reference::adaptive_limit({.min = 0}), std::invalid_argument);
}

TEST(AdaptiveLimitConfig, ReadsAsInTheHeader) {
    bulwark::adaptive_limit limit{{.initial = 20, .min = 1, .max = 1000}};
    EXPECT_EQ(limit.limit(), 20U);
    EXPECT_EQ(limit.execute([] { return 3; }).value(), 3);
    EXPECT_EQ(limit.snapshot(), (bulwark::adaptive_limit_snapshot{.limit = 20}));
}

}  // namespace
