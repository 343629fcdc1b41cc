// The lock-free bulkheads against the mutex reference: the same random scripts, every answer, figure, count and event
// compared after each step. First with one thread, where nobody waits long; then with actors on threads of their own
// that really wait, one step at a time, so that who is admitted, and after which step, is a matter of the script alone.
// Seeds are fixed; a failure names its own.
#include "bulkhead_actors.hpp"
#include "slots.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <numeric>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using bulwark::bulkhead_config;
using bulwark::bulkhead_event;
using bulwark::bulkhead_snapshot;
using bulwark::errc;
using bulwark::memory_bulkhead_config;
using bulwark::test::patience;
using bulwark::test::returned_call;
using namespace std::chrono_literals;

/// One thread can play many, each at a stripe of its own, and at a cell or without one.
struct played_traits : bulwark::detail::default_traits {
    static std::uint32_t thread_slot() noexcept { return bulwark::test::played_slot; }
};
using played_bulkhead = bulwark::basic_bulkhead<bulwark::detail::calls, played_traits>;
using played_memory_bulkhead = bulwark::basic_bulkhead<bulwark::detail::bytes, played_traits>;

using event = std::tuple<bulwark::bulkhead_event_kind, errc, std::uint64_t>;

std::uint64_t most(const bulkhead_config& config) {
    return config.max_concurrent;
}
std::uint64_t most(const memory_bulkhead_config& config) {
    return config.max_bytes;
}

/// What two bulkheads must agree on: all but how long waits took.
auto figures(const bulkhead_snapshot& s) {
    const std::uint64_t waits = std::accumulate(s.waits.begin(), s.waits.end(), std::uint64_t{0});
    return std::tuple(s.capacity, s.in_use, s.waiting, s.admitted, s.refused, s.timed_out, s.stopped, waits);
}

/// One bulkhead, its slots in hand, and what it told.
template <class Bulkhead, class Config>
struct subject {
    using slot = typename Bulkhead::slot;

    explicit subject(Config config)
        : anybody_may_wait(config.max_waiting != 0),
          pool((config.on_event = [this](const bulkhead_event& e) { hear(e); }, config)) {}

    const bool anybody_may_wait;
    std::mutex mutex;
    std::vector<event> told;
    int heard = 0;
    Bulkhead pool;
    std::vector<slot> slots;

    void hear(const bulkhead_event& e) {
        const std::lock_guard lock(mutex);
        told.emplace_back(e.kind, e.reason, e.weight);
        if (++heard % 5 == 0) throw std::runtime_error("dropped by the bulkhead");
    }

    /// What it told since the last time; in order, where one thread was told of it.
    std::vector<event> events(bool of_one_thread) {
        std::vector<event> all;
        {
            const std::lock_guard lock(mutex);
            all.swap(told);
        }
        if (!of_one_thread) std::ranges::sort(all);
        return all;
    }

    auto state() const {
        return std::tuple(figures(pool.snapshot()), pool.capacity(), pool.in_use(), pool.available(), pool.waiting());
    }

    template <class Answer>
    int keep(Answer answer) {
        if (!answer) return static_cast<int>(answer.error());
        slots.push_back(std::move(*answer));
        return 0;
    }
};

enum class verb : std::uint8_t {
    take,
    wait_if_it_fits,
    wait_no_time,
    wait_a_little,
    wait_until_past,
    wait_stopped,
    give_back,
    assign,
    call,
    throw_inside,
    resize,
    resize_to_nothing,
};

struct command {
    verb what{};
    std::uint64_t n = 0;
    std::size_t which = 0;
};

template <class Subject>
int nested(Subject& s, std::uint64_t depth) {
    if (depth == 0) return 0;
    const auto reply = s.pool.execute([&] { return nested(s, depth - 1); });
    return reply ? *reply : static_cast<int>(depth) * 100 + static_cast<int>(reply.error());
}

/// What it answers: 0, an errc, or something of its own.
template <class Weight, class Subject>
int apply(Subject& s, const command& c) {
    const auto n = static_cast<Weight>(c.n);
    switch (c.what) {
        case verb::take: return s.keep(s.pool.try_acquire(n));
        case verb::wait_if_it_fits: return s.keep(s.pool.acquire(n));
        case verb::wait_no_time: return s.keep(s.pool.try_acquire_for(c.which % 2 == 0 ? 0s : -1s, n));
        case verb::wait_a_little: {
            // Where nobody may wait, whether the time or the queue ends the call would be a matter of time.
            const std::chrono::nanoseconds time = s.anybody_may_wait ? std::chrono::microseconds(c.which % 20) : 1h;
            return s.keep(s.pool.try_acquire_for(time, n));
        }
        case verb::wait_until_past: {
            if (c.which % 2 == 0) return s.keep(s.pool.try_acquire_until(std::chrono::system_clock::now() - 1s, n));
            return s.keep(s.pool.try_acquire_until(std::chrono::steady_clock::time_point::min(), std::stop_token(), n));
        }
        case verb::wait_stopped: {
            // Static: for one in its frame g++ 12 warns of its library's own constructor.
            static std::stop_source source;
            source.request_stop();
            if (c.which % 2 == 0) return s.keep(s.pool.acquire(source.get_token(), n));
            return s.keep(s.pool.try_acquire_for(1h, source.get_token(), n));
        }
        case verb::give_back: {
            if (s.slots.empty()) return -1;
            const auto at = s.slots.begin() + static_cast<std::ptrdiff_t>(c.which % s.slots.size());
            const auto weight = at->weight();
            s.slots.erase(at);
            return static_cast<int>(weight % 1'000'000);
        }
        case verb::assign: {
            if (s.slots.size() < 2) return -1;
            s.slots[c.which % (s.slots.size() - 1)] = std::move(s.slots.back());
            s.slots.pop_back();
            return 0;
        }
        case verb::call: return nested(s, 1 + c.which % 3);
        case verb::throw_inside: {
            try {
                const auto reply = s.pool.execute([] { throw 7; });
                return static_cast<int>(reply.error());
            } catch (int thrown) {
                return 1000 + thrown;
            }
        }
        case verb::resize: s.pool.resize(n); return 0;
        case verb::resize_to_nothing: {
            try {
                s.pool.resize(0);
                return 0;
            } catch (const std::invalid_argument&) {
                return -2;
            }
        }
    }
    return -3;
}

/// The next command, from what the reference shows.
template <class Subject>
command next(std::mt19937_64& random, const Subject& s, std::uint64_t most_permits) {
    const auto below = [&](std::uint64_t n) { return random() % n; };
    command c;
    c.which = static_cast<std::size_t>(random());
    const auto capacity = s.pool.capacity();
    const auto available = s.pool.available();
    constexpr std::uint64_t most_of_all = std::numeric_limits<decltype(s.pool.capacity())>::max();
    // Around what is free and what there is, where answers change.
    const auto about = below(24);
    if (about == 0) {
        c.n = most_of_all;
    } else if (about < 4) {
        c.n = below(3);
    } else if (about < 7) {
        c.n = available + below(2);
    } else if (about < 9) {
        c.n = capacity + below(2);
    } else if (about < 12) {
        c.n = 1 + below(std::uint64_t{available} + 1);
    } else {
        c.n = 1 + below(std::max<std::uint64_t>(capacity / 4, 1));
    }
    const auto dice = below(100);
    if (dice < 22) {
        c.what = verb::take;
    } else if (dice < 34) {
        c.what = verb::wait_if_it_fits;
        if (c.n > available && c.n <= capacity) c.n = available;
    } else if (dice < 39) {
        c.what = verb::wait_no_time;
    } else if (dice < 40) {
        c.what = verb::wait_a_little;
    } else if (dice < 44) {
        c.what = verb::wait_until_past;
    } else if (dice < 48) {
        c.what = verb::wait_stopped;
    } else if (dice < 78) {
        c.what = verb::give_back;
    } else if (dice < 82) {
        c.what = verb::assign;
    } else if (dice < 87) {
        c.what = verb::call;
    } else if (dice < 91) {
        c.what = verb::throw_inside;
    } else if (dice < 99) {
        c.what = verb::resize;
        c.n = 1 + below(most_permits);
    } else {
        c.what = verb::resize_to_nothing;
    }
    return c;
}

template <class Weight, class LockFree, class Reference, class Config>
void compare_alone(Config config, std::uint64_t seed, int steps) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::uint64_t most_permits =
        std::min<std::uint64_t>(2 * most(config), std::numeric_limits<Weight>::max() / 4);
    std::mt19937_64 random(seed);
    subject<LockFree, Config> ours(config);
    subject<Reference, Config> theirs(config);
    for (int step = 0; step != steps; ++step) {
        const bulwark::test::playing caller(static_cast<std::uint32_t>(random() % 5));
        const command c = next(random, theirs, most_permits);
        const int expected = apply<Weight>(theirs, c);
        const std::string where = "step " + std::to_string(step) + ", verb " +
                                  std::to_string(static_cast<int>(c.what)) + " of " + std::to_string(c.n);
        ASSERT_EQ(apply<Weight>(ours, c), expected) << where;
        ASSERT_EQ(ours.state(), theirs.state()) << where;
        ASSERT_EQ(ours.events(true), theirs.events(true)) << where;
    }
    const std::uint64_t at_the_end = theirs.pool.in_use();
    std::uint64_t held = 0;
    for (const auto& s : theirs.slots) held += s.weight();
    EXPECT_EQ(at_the_end, held);
    ours.slots.clear();
    EXPECT_EQ(ours.pool.in_use(), 0U);
    EXPECT_EQ(ours.pool.available(), ours.pool.capacity());
}

/// The same play on two stages.
template <class Weight, class LockFree, class Reference, class Config>
class play {
public:
    play(const Config& config, std::uint64_t seed, std::uint64_t most_permits)
        : random_(seed), most_permits_(most_permits), ours_(config), theirs_(config) {}

    void go(int steps) {
        for (step_ = 0; step_ != steps && !::testing::Test::HasFatalFailure(); ++step_) one_step();
        if (!::testing::Test::HasFatalFailure()) end();
    }

    std::uint64_t admitted_after_waiting() const { return admitted_after_waiting_; }

private:
    static constexpr std::size_t cast = 5;

    template <class Bulkhead>
    struct side {
        explicit side(const Config& config) : subject(config), stage(subject.pool, cast) {}
        ::subject<Bulkhead, Config> subject;
        bulwark::test::stage<Bulkhead> stage;
    };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }

    void one_step() {
        const std::size_t who = below(cast);
        const bool idle = theirs_.stage.idle(who);
        const auto dice = below(100);
        if (idle && dice < 55) {
            begin(who);
        } else if (!idle && dice < 25 && can_be_stopped(theirs_.stage.patience_of(who))) {
            on_both("stop", [&](auto& s) { s.stage.stop(who); });
        } else if (!idle && dice < 50 && can_be_late(theirs_.stage.patience_of(who))) {
            on_both("late", [&](auto& s) { s.stage.be_late(who); });
        } else if (dice < 80) {
            give_back();
        } else if (dice < 90) {
            const auto n = static_cast<Weight>(1 + below(theirs_.subject.pool.capacity()));
            on_both("newcomer", [&](auto& s) { return s.subject.keep(s.subject.pool.try_acquire(n)); });
        } else if (dice < 93) {
            const command c{.what = dice == 90   ? verb::call
                                    : dice == 91 ? verb::throw_inside
                                                 : verb::wait_stopped,
                            .n = below(3),
                            .which = below(4)};
            on_both("call", [&](auto& s) { return apply<Weight>(s.subject, c); });
        } else {
            const auto n = static_cast<Weight>(1 + below(most_permits_));
            on_both("resize", [&](auto& s) { s.subject.pool.resize(n); });
        }
    }

    void begin(std::size_t who) {
        const std::uint64_t capacity = theirs_.subject.pool.capacity();
        const bool large = below(4) == 0;
        const auto n =
            static_cast<Weight>(large ? below(capacity + 2) : 1 + below(std::max<std::uint64_t>(capacity / 3, 1)));
        const auto wait = static_cast<patience>(below(4));
        on_both("begin", [&](auto& s) { s.stage.begin(who, n, wait); });
    }

    void give_back() {
        const std::uint64_t which = random_();
        on_both("give back", [&](auto& s) {
            // Those who did not wait have their slots with the subject.
            auto& slots = which % 2 == 0 && !s.subject.slots.empty() ? s.subject.slots : s.stage.slots;
            if (slots.empty()) return std::uint64_t{0};
            const auto at = slots.begin() + static_cast<std::ptrdiff_t>(which / 2 % slots.size());
            const std::uint64_t weight = at->weight();
            slots.erase(at);
            return weight;
        });
    }

    /// Does it here, then there, and compares what came of it.
    template <class Step>
    void on_both(const char* what, Step step) {
        const std::string where = "step " + std::to_string(step_) + ": " + what;
        const auto on = [&](auto& s) {
            if constexpr (std::is_void_v<decltype(step(s))>) {
                step(s);
                return 0;
            } else {
                return step(s);
            }
        };
        const auto expected = on(theirs_);
        const std::vector<returned_call> back = theirs_.stage.settle();
        ASSERT_EQ(on(ours_), expected) << where;
        const std::vector<returned_call> ours_back = ours_.stage.settle();
        ASSERT_EQ(ours_back, back) << where;
        ASSERT_EQ(ours_.subject.state(), theirs_.subject.state()) << where;
        ASSERT_EQ(ours_.subject.events(false), theirs_.subject.events(false)) << where;
        for (const returned_call& c : back) {
            if (c.answer == 0 && std::string_view(what) != "begin") ++admitted_after_waiting_;
        }
    }

    /// Room for all, then everything comes back.
    void end() {
        on_both("room for all", [&](auto& s) { s.subject.pool.resize(static_cast<Weight>(4 * cast * most_permits_)); });
        on_both("the end", [&](auto& s) {
            s.subject.slots.clear();
            s.stage.slots.clear();
        });
        const auto& pool = ours_.subject.pool;
        EXPECT_EQ(pool.in_use(), 0U);
        EXPECT_EQ(pool.waiting(), 0U);
        EXPECT_EQ(pool.available(), pool.capacity());
    }

    std::mt19937_64 random_;
    const std::uint64_t most_permits_;
    int step_ = 0;
    std::uint64_t admitted_after_waiting_ = 0;
    side<LockFree> ours_;
    side<Reference> theirs_;
};

constexpr std::uint64_t tebibyte = std::uint64_t{1} << 40;

TEST(BulkheadDifferential, OneThreadOfCalls) {
    std::uint64_t seed = 500;
    for (const std::uint32_t stripes : {1U, 2U, 8U}) {
        for (const std::uint32_t permits : {stripes, stripes + 1, 3 * stripes + 2}) {
            for (const std::uint32_t waiting : {0U, 100U}) {
                SCOPED_TRACE(std::to_string(permits) + " permits in " + std::to_string(stripes) + " stripes");
                const bulkhead_config config{
                    .max_concurrent = permits, .max_waiting = waiting, .stripes = stripes, .cells = 3};
                compare_alone<std::uint32_t, played_bulkhead, bulwark::reference::bulkhead>(config, ++seed, 5'000);
                if (::testing::Test::HasFatalFailure()) return;
            }
        }
    }
}

TEST(BulkheadDifferential, OneThreadOfBytes) {
    std::uint64_t seed = 600;
    for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{7}, tebibyte, std::uint64_t{1} << 59}) {
        SCOPED_TRACE(std::to_string(bytes) + " bytes");
        const memory_bulkhead_config config{.max_bytes = bytes, .max_waiting = 3, .cells = 3};
        compare_alone<std::uint64_t, played_memory_bulkhead, bulwark::reference::memory_bulkhead>(config, ++seed,
                                                                                                  20'000);
        if (::testing::Test::HasFatalFailure()) return;
    }
}

TEST(BulkheadDifferential, ActorsThatWait) {
    std::uint64_t seed = 700;
    for (const std::uint32_t stripes : {1U, 2U, 8U}) {
        for (const std::uint32_t waiting : {2U, 100U}) {
            SCOPED_TRACE(std::to_string(stripes) + " stripes, seed " + std::to_string(++seed));
            const bulkhead_config config{
                .max_concurrent = stripes + 2, .max_waiting = waiting, .stripes = stripes, .wait_histogram = true};
            play<std::uint32_t, bulwark::bulkhead, bulwark::reference::bulkhead, bulkhead_config> p(config, seed,
                                                                                                    stripes + 5);
            p.go(2'000);
            if (::testing::Test::HasFatalFailure()) return;
            EXPECT_GT(p.admitted_after_waiting(), 100U) << "too few waited to mean anything";
        }
    }
}

TEST(BulkheadDifferential, ActorsThatWaitForBytes) {
    for (const std::uint64_t bytes : {std::uint64_t{3}, tebibyte}) {
        SCOPED_TRACE(std::to_string(bytes) + " bytes");
        const memory_bulkhead_config config{.max_bytes = bytes, .max_waiting = 4, .wait_histogram = true};
        play<std::uint64_t, bulwark::memory_bulkhead, bulwark::reference::memory_bulkhead, memory_bulkhead_config> p(
            config, bytes, 2 * bytes);
        p.go(3'000);
        if (::testing::Test::HasFatalFailure()) return;
        EXPECT_GT(p.admitted_after_waiting(), 100U) << "too few waited to mean anything";
    }
}

}  // namespace
