// The compartments' contract, on the lock-free ones and on the mutex reference; the two compared step by step; and the
// table of names under them, with other threads' steps at chosen places.
#include "../stress/compartment_scenarios.hpp"
#include "preemption.hpp"

#include <bulwark/compartments.hpp>
#include <bulwark/detail/name_table.hpp>
#include <bulwark/reference/compartments.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using bulwark::errc;
using bulwark::manual_clock;
using bulwark::outcome;
using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

bulwark::compartments_config two_services() {
    return {.defaults = {.bulkhead = {.max_concurrent = 2}},
            .services = {{"orders", {.bulkhead = {.max_concurrent = 5}}},
                         {"payments",
                          {.breaker = {.timeout = 7s, .ready_to_trip = bulwark::consecutive_failures(1)},
                           .bulkhead = {.max_concurrent = 1}}}}};
}

template <class Registry>
class Compartments : public ::testing::Test {
protected:
    void SetUp() override { manual_clock::reset(); }
};

using Implementations =
    ::testing::Types<bulwark::basic_compartments<manual_clock>, bulwark::reference::basic_compartments<manual_clock>>;
TYPED_TEST_SUITE(Compartments, Implementations);

TYPED_TEST(Compartments, AreCreatedAtTheFirstUseOfTheirNameAndStay) {
    TypeParam pools(two_services());
    EXPECT_EQ(pools.find("orders"), nullptr) << "configured, and not asked for";
    auto& orders = pools["orders"];
    EXPECT_EQ(orders.name(), "orders");
    EXPECT_EQ(pools.find("orders"), &orders);
    EXPECT_EQ(&pools["orders"], &orders);
    EXPECT_EQ(pools.find("order"), nullptr);
    EXPECT_EQ(pools.find("orders "), nullptr);
    for (int i = 0; i != 1000; ++i) (void)pools["another " + std::to_string(i)];
    EXPECT_EQ(&std::as_const(pools).find("orders")[0], &orders) << "however many came after it";
    EXPECT_EQ(&pools["orders"], &orders);
    EXPECT_EQ(pools.find("another 1000"), nullptr);
    EXPECT_EQ(std::as_const(pools).find("another 1000"), nullptr);
}

TYPED_TEST(Compartments, TheNameIsTheRegistrysOwn) {
    TypeParam pools(two_services());
    std::string given = "a name that is too long for the string's own memory";
    auto& one = pools[std::string_view(given).substr(0, 30)];
    const std::string first = given.substr(0, 30);
    given.assign(given.size(), 'x');
    EXPECT_EQ(one.name(), first);
    EXPECT_EQ(pools.find(first), &one);
    EXPECT_EQ(pools["orders"sv.substr(0, 0)].name(), "") << "an empty name is a name";
    EXPECT_NE(pools.find("a\0b"sv), pools.find(first));
    EXPECT_NE(&pools["a\0b"sv], &pools["a\0c"sv]);
}

TYPED_TEST(Compartments, AreConfiguredByNameAndElseByDefault) {
    TypeParam pools(two_services());
    EXPECT_EQ(pools["orders"].bulkhead().capacity(), 5U);
    EXPECT_EQ(pools["payments"].bulkhead().capacity(), 1U);
    EXPECT_EQ(pools["search"].bulkhead().capacity(), 2U);
    EXPECT_THROW((void)pools["payments"].execute([] { throw std::runtime_error("down"); }), std::runtime_error);
    EXPECT_EQ(pools["payments"].breaker().retry_after(), 7s);
    EXPECT_THROW((void)pools["search"].execute([] { throw std::runtime_error("down"); }), std::runtime_error);
    EXPECT_EQ(pools["search"].breaker().state(), bulwark::breaker_state::closed)
        << "the defaults' breaker, not payments'";
}

TYPED_TEST(Compartments, ACallGoesThroughBothAndHasOneResult) {
    TypeParam pools(two_services());
    auto& orders = pools["orders"];
    EXPECT_EQ(orders.execute([] { return 7; }).value(), 7);
    EXPECT_TRUE(orders.execute([] {}));
    int kept = 1;
    orders.execute([&]() -> int& { return kept; }).value().get() = 2;
    EXPECT_EQ(kept, 2);
    EXPECT_EQ(*orders.execute([p = std::make_unique<int>(3)]() mutable { return std::move(p); }).value(), 3);
    EXPECT_EQ(orders.breaker().counts().total_successes, 4U);
    EXPECT_EQ(orders.execute([&] { return orders.bulkhead().in_use(); }).value(), 1U);
    EXPECT_EQ(orders.bulkhead().in_use(), 0U);
}

TYPED_TEST(Compartments, WhatTheFunctionReturnsOrThrowsIsTheBreakersToJudge) {
    TypeParam pools(two_services());
    auto& orders = pools["orders"];
    EXPECT_TRUE(orders.execute([] { return std::make_error_code(std::errc::timed_out); }))
        << "an error is a value here";
    EXPECT_EQ(orders.breaker().counts().total_failures, 1U);
    const auto judge = [](bool up) { return up ? outcome::success : outcome::failure; };
    EXPECT_EQ(orders.execute([] { return false; }, judge).value(), false);
    EXPECT_EQ(orders.breaker().counts().total_failures, 2U);
    (void)orders.execute([] { return 1; }, [](int) { return outcome::ignored; });
    EXPECT_EQ(orders.breaker().counts().total_ignored, 1U);
    EXPECT_THROW((void)orders.execute([] { throw std::runtime_error("down"); }), std::runtime_error);
    EXPECT_EQ(orders.breaker().counts().total_failures, 3U);
    const auto puzzled = [](int) -> outcome { throw std::logic_error("which?"); };
    EXPECT_THROW((void)orders.execute([] { return 1; }, puzzled), std::logic_error);
    EXPECT_EQ(orders.breaker().counts().total_failures, 4U) << "as with the breaker alone";
    EXPECT_EQ(orders.bulkhead().in_use(), 0U);
}

TYPED_TEST(Compartments, ThatTheBulkheadIsFullIsNoFailureOfTheService) {
    TypeParam pools(two_services());
    auto& payments = pools["payments"];
    {
        const auto held = payments.bulkhead().try_acquire();
        bool called = false;
        EXPECT_EQ(payments.execute([&] { called = true; }).error(), errc::bulkhead_full);
        EXPECT_FALSE(called);
        EXPECT_EQ(payments.execute([] { return 1; }, [](int) { return outcome::failure; }).error(),
                  errc::bulkhead_full);
    }
    EXPECT_EQ(payments.breaker().state(), bulwark::breaker_state::closed) << "one failure would have opened it";
    EXPECT_EQ(payments.breaker().counts().total_ignored, 2U);
    EXPECT_TRUE(payments.execute([] {}));
}

TYPED_TEST(Compartments, AProbeThatFindsTheBulkheadFullGivesItsPlaceBack) {
    TypeParam pools(two_services());
    auto& payments = pools["payments"];
    payments.breaker().try_acquire()->failure();
    manual_clock::advance(7s);
    {
        const auto held = payments.bulkhead().try_acquire();
        EXPECT_EQ(payments.execute([] {}).error(), errc::bulkhead_full);
        EXPECT_EQ(payments.execute([] {}).error(), errc::bulkhead_full) << "and not too_many_probes";
    }
    EXPECT_TRUE(payments.execute([] {}));
    EXPECT_EQ(payments.breaker().state(), bulwark::breaker_state::closed);
}

TYPED_TEST(Compartments, AnOpenBreakerRefusesBeforeTheBulkheadIsAsked) {
    TypeParam pools(two_services());
    auto& payments = pools["payments"];
    EXPECT_THROW((void)payments.execute([] { throw std::runtime_error("down"); }), std::runtime_error);
    const auto held = payments.bulkhead().try_acquire();
    EXPECT_EQ(payments.execute([] {}).error(), errc::circuit_open);
    EXPECT_TRUE(pools["orders"].execute([] {})) << "no other service notices";
}

TYPED_TEST(Compartments, ForEachMeetsEachOnce) {
    TypeParam pools(two_services());
    pools.for_each([](auto&) { FAIL() << "none has been created"; });
    std::set<std::string> created;
    for (int i = 0; i != 500; ++i) created.insert(std::string(pools[std::to_string(i)].name()));
    std::multiset<std::string> met;
    std::as_const(pools).for_each([&](const auto& c) { met.emplace(c.name()); });
    EXPECT_EQ(met, std::multiset<std::string>(created.begin(), created.end()));
}

TYPED_TEST(Compartments, ForEachMayCreate) {
    TypeParam pools(two_services());
    std::multiset<std::string> before;
    for (int i = 0; i != 100; ++i) before.emplace(pools[std::to_string(i)].name());
    std::multiset<std::string> met;
    pools.for_each([&](auto& c) {
        met.emplace(c.name());
        if (before.contains(std::string(c.name()))) (void)pools["beside " + std::string(c.name())];
    });
    for (const auto& name : before) EXPECT_EQ(met.count(name), 1U) << name;
    for (const auto& name : met) EXPECT_EQ(met.count(name), 1U) << name;
    EXPECT_NE(pools.find("beside 99"), nullptr);
}

std::string text_of(std::string_view name, const bulwark::transition& made) {
    return std::string(name) + ": " + std::string(to_string(made.from)) + " to " + std::string(to_string(made.to)) +
           ", generation " + std::to_string(made.generation);
}
std::string text_of(std::string_view name, const bulwark::bulkhead_event& event) {
    return std::string(name) + ": " + std::string(to_string(event.kind)) + ", " +
           make_error_code(event.reason).message() + ", " + std::to_string(event.weight);
}

/// Has everything that happens written down, by the callbacks for all services.
void write_down(bulwark::compartments_config& config, std::vector<std::string>& log) {
    const auto write = [&log](std::string_view name, const auto& what) { log.push_back(text_of(name, what)); };
    config.on_state_change = write;
    config.on_event = write;
}

TYPED_TEST(Compartments, OneCallbackIsToldOfAllServicesByName) {
    std::vector<std::string> log;
    bulwark::compartments_config config = two_services();
    write_down(config, log);
    TypeParam pools(config);
    const auto fails_and_finds_it_full = [&](std::string name) {
        auto& service = pools[name];
        name.assign(name.size(), 'x');  // the caller's name is gone by the time of the calls
        service.breaker().try_acquire()->failure();
        manual_clock::advance(7s);
        const auto held = service.bulkhead().try_acquire(service.bulkhead().capacity());
        EXPECT_FALSE(service.bulkhead().try_acquire());
    };
    fails_and_finds_it_full("payments");
    const std::string long_name = "a service with a name too long for the string's own memory";
    fails_and_finds_it_full(long_name);
    const std::string full = make_error_code(errc::bulkhead_full).message();
    EXPECT_EQ(
        log, (std::vector<std::string>{"payments: closed to open, generation 2", "payments: saturated, " + full + ", 1",
                                       "payments: refused, " + full + ", 1", long_name + ": saturated, " + full + ", 1",
                                       long_name + ": refused, " + full + ", 1"}));
    log.clear();
    EXPECT_TRUE(pools["payments"].execute([] {}));
    EXPECT_EQ(log, (std::vector<std::string>{"payments: open to half-open, generation 3",
                                             "payments: half-open to closed, generation 4"}));
}

TYPED_TEST(Compartments, AServicesOwnCallbacksComeFirstAndNoneHarmsAnother) {
    for (const bool own_throw : {false, true}) {
        for (const bool those_for_all_throw : {false, true}) {
            std::vector<std::string> log;
            const auto write = [&log](const char* what, bool throws) {
                log.emplace_back(what);
                if (throws) throw std::runtime_error("the listener is down");
            };
            bulwark::compartments_config config = two_services();
            bulwark::compartment_config& own = config.services[1].config;
            own.breaker.on_state_change = [&](const auto&) { write("own transition", own_throw); };
            own.bulkhead.on_event = [&](const auto&) { write("own event", own_throw); };
            config.on_state_change = [&](std::string_view, const auto&) { write("transition", those_for_all_throw); };
            config.on_event = [&](std::string_view, const auto&) { write("event", those_for_all_throw); };
            TypeParam pools(config);
            auto& payments = pools["payments"];
            {
                const auto held = payments.bulkhead().try_acquire();
                EXPECT_EQ(payments.execute([] {}).error(), errc::bulkhead_full);
            }
            EXPECT_EQ(log, (std::vector<std::string>{"own event", "event", "own event", "event"}))
                << "saturated, refused";
            log.clear();
            EXPECT_TRUE(payments.breaker().try_acquire()->failure());
            EXPECT_EQ(log, (std::vector<std::string>{"own transition", "transition"}));
            EXPECT_EQ(payments.breaker().state(), bulwark::breaker_state::open);
            EXPECT_EQ(payments.bulkhead().in_use(), 0U);
        }
    }
}

TYPED_TEST(Compartments, ServicesHaveTheirOwnCallbacksWhereThereAreNoneForAll) {
    int told = 0;
    bulwark::compartments_config config = two_services();
    config.services[1].config.breaker.on_state_change = [&](const auto&) { ++told; };
    config.defaults.bulkhead.on_event = [&](const auto&) { told += 10; };
    TypeParam pools(config);
    for (const char* name : {"payments", "orders", "search"}) {
        auto& service = pools[name];
        const auto held = service.bulkhead().try_acquire(service.bulkhead().capacity());
        EXPECT_FALSE(service.bulkhead().try_acquire());
        service.breaker().try_acquire()->failure();
    }
    EXPECT_EQ(told, 21) << "payments opened; search was saturated, and refused";
}

TYPED_TEST(Compartments, ACallbackForAllMayUseTheRegistry) {
    TypeParam* registry = nullptr;
    bulwark::compartments_config config = two_services();
    config.on_state_change = [&](std::string_view name, const bulwark::transition& made) {
        EXPECT_EQ(registry->find(name)->breaker().state(), made.to);
        (void)(*registry)["beside " + std::string(name)];
    };
    TypeParam pools(config);
    registry = &pools;
    pools["payments"].breaker().try_acquire()->failure();
    EXPECT_NE(pools.find("beside payments"), nullptr);
}

template <class Registry>
std::string refusal_of(const bulwark::compartments_config& config) {
    try {
        const Registry pools(config);
        return "accepted";
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
}

TYPED_TEST(Compartments, WhatMakesNoSenseIsRefusedAtOnceByServiceAndField) {
    const auto refusal = [](auto&& spoil) {
        bulwark::compartments_config config = two_services();
        spoil(config);
        return refusal_of<TypeParam>(config);
    };
    EXPECT_EQ(refusal([](auto&) {}), "accepted");
    EXPECT_EQ(refusal([](auto& c) { c.defaults = {}; }),
              "bulwark: compartments_config: defaults: bulkhead_config: max_concurrent must be at least 1");
    EXPECT_EQ(
        refusal([](auto& c) { c.services[1].config.breaker.timeout = -1ns; }),
        "bulwark: compartments_config: service \"payments\": circuit_breaker_config: timeout must not be negative");
    EXPECT_EQ(refusal([](auto& c) { c.services[0].config.bulkhead.max_concurrent = 0; }),
              "bulwark: compartments_config: service \"orders\": bulkhead_config: max_concurrent must be at least 1");
    EXPECT_EQ(refusal([](auto& c) { c.services.push_back(c.services[0]); }),
              "bulwark: compartments_config: service \"orders\" is configured twice");
    for (const std::uint32_t expected : {0U, (1U << 20) + 1}) {
        EXPECT_EQ(refusal([&](auto& c) { c.expected = expected; }),
                  "bulwark: compartments_config: expected must be at least 1 and at most 1048576");
    }
    EXPECT_EQ(refusal([](auto& c) { c.expected = 1; }), "accepted");
}

// The lock-free compartments against the reference, step by step.

/// One random program on both.
class comparison {
public:
    comparison(std::uint64_t seed, std::uint32_t expected)
        : random_(seed), lock_free_(config(expected, lock_free_log_)), reference_(config(expected, reference_log_)) {}

    void step() {
        const std::string name = "service " + std::to_string(random_() % 12);
        switch (random_() % 10) {
            case 0: manual_clock::advance(std::chrono::milliseconds(random_() % 3000)); break;
            case 1:
            case 2: same([&](auto& pools) { return pools.find(name) == nullptr; }, "find"); break;
            case 3:
                same(&all_of<bulwark::basic_compartments<manual_clock>>,
                     &all_of<bulwark::reference::basic_compartments<manual_clock>>);
                break;
            case 4: hold_or_let_go(name); break;
            case 5: same([&](auto& pools) { return thrown_by(pools[name]); }, "a call that throws"); break;
            default: {
                const int value = static_cast<int>(random_() % 3);
                const auto judge = [](int v) { return static_cast<outcome>(v); };
                same([&](auto& pools) { return pools[name].execute([&] { return value; }, judge); }, "a call");
            }
        }
        same([&](auto& pools) { return state_of(pools.find(name)); }, "the state");
        EXPECT_EQ(lock_free_log_, reference_log_) << "what the callbacks were told";
        told_ += lock_free_log_.size();
        lock_free_log_.clear();
        reference_log_.clear();
    }
    std::size_t told() const { return told_; }

private:
    static bulwark::compartments_config config(std::uint32_t expected, std::vector<std::string>& log) {
        bulwark::compartments_config c{
            .defaults = {.breaker = {.interval = 2s, .timeout = 1s}, .bulkhead = {.max_concurrent = 1}},
            .services = {},
            .expected = expected};
        for (int i = 0; i != 6; ++i) {
            c.services.push_back({"service " + std::to_string(i),
                                  {.breaker = {.max_requests = 1 + static_cast<std::uint32_t>(i) % 2,
                                               .timeout = 1s * i,
                                               .ready_to_trip = bulwark::consecutive_failures(2)},
                                   .bulkhead = {.max_concurrent = 1 + static_cast<std::uint32_t>(i)}}});
        }
        write_down(c, log);
        return c;
    }

    template <class F>
    void same(const F& f, const char* what) {
        EXPECT_EQ(f(lock_free_), f(reference_)) << what;
    }
    template <class F, class G>
    void same(const F& f, const G& g) {
        EXPECT_EQ(f(lock_free_), g(reference_)) << "what for_each meets";
    }

    template <class Registry>
    static std::multiset<std::string> all_of(const Registry& pools) {
        std::multiset<std::string> met;
        pools.for_each([&](const auto& c) { met.emplace(c.name()); });
        return met;
    }

    template <class Compartment>
    static std::string thrown_by(Compartment& c) {
        try {
            const auto refused = c.execute([] { throw std::runtime_error("down"); });
            return make_error_code(refused.error()).message();
        } catch (const std::runtime_error& e) {
            return e.what();
        }
    }

    template <class Compartment>
    static std::string state_of(const Compartment* c) {
        if (c == nullptr) return "absent";
        return std::string(c->name()) + ", " + to_string(c->breaker()) + ", " + std::to_string(c->bulkhead().in_use()) +
               " of " + std::to_string(c->bulkhead().capacity());
    }

    /// A permit of the bulkhead, kept for a while, so that calls find it full.
    void hold_or_let_go(const std::string& name) {
        if (held_.size() == 4) held_.erase(held_.begin());
        auto one = lock_free_[name].bulkhead().try_acquire();
        auto other = reference_[name].bulkhead().try_acquire();
        EXPECT_EQ(one.has_value(), other.has_value()) << name;
        if (one && other) held_.emplace_back(std::move(*one), std::move(*other));
    }

    std::mt19937_64 random_;
    std::vector<std::string> lock_free_log_;
    std::vector<std::string> reference_log_;
    std::size_t told_ = 0;
    bulwark::basic_compartments<manual_clock> lock_free_;
    bulwark::reference::basic_compartments<manual_clock> reference_;
    std::vector<std::pair<bulwark::bulkhead::slot, bulwark::reference::bulkhead::slot>> held_;
};

TEST(CompartmentsDifferential, TheLockFreeOnesAndTheReferenceAgreeAtEveryStep) {
    for (std::uint64_t seed = 1; seed != 41; ++seed) {
        manual_clock::reset();
        comparison both(seed, seed % 2 == 0 ? 1 : 64);
        for (int i = 0; i != 1000 && !::testing::Test::HasFailure(); ++i) both.step();
        EXPECT_NE(both.told(), 0U);
        ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
    }
}

// The table of names, with other threads' steps at chosen places.

/// Counts itself, and can do something while it is made.
struct made_thing {
    explicit made_thing(std::string_view its_name) : name(its_name) { ++alive; }
    made_thing(const made_thing&) = delete;
    made_thing& operator=(const made_thing&) = delete;
    ~made_thing() { --alive; }

    const std::string_view name;
    static inline int alive = 0;
};

made_thing plainly(std::string_view name) {
    return made_thing(name);
}

struct all_alike {
    std::size_t operator()(std::string_view) const noexcept { return 42; }
};

template <class Table>
std::multiset<std::string> names_in(const Table& table) {
    std::multiset<std::string> met;
    table.for_each([&](const made_thing& t) { met.emplace(t.name); });
    return met;
}

using plain_table = bulwark::detail::name_table<made_thing>;
using table_of_one_hash = bulwark::detail::name_table<made_thing, bulwark::detail::default_traits, all_alike>;

TEST(NameTable, WhoIsOvertakenWhileHeMakesTakesTheOthers) {
    {
        plain_table table(8);
        made_thing* others = nullptr;
        made_thing& mine = table.get_or_create("a", [&](std::string_view name) {
            others = &table.get_or_create("a", plainly);
            return made_thing(name);
        });
        EXPECT_EQ(&mine, others);
        EXPECT_EQ(table.find("a"), others);
        EXPECT_EQ(made_thing::alive, 1) << "what was made in vain is gone";
    }
    EXPECT_EQ(made_thing::alive, 0);
}

TEST(NameTable, WhoIsOvertakenByAnotherNameInHisBucketKeepsBoth) {
    table_of_one_hash table(1);
    (void)table.get_or_create("first", plainly);
    made_thing& mine = table.get_or_create("mine", [&](std::string_view name) {
        (void)table.get_or_create("other", plainly);
        (void)table.get_or_create("another", plainly);
        return made_thing(name);
    });
    EXPECT_EQ(mine.name, "mine");
    EXPECT_EQ(table.find("mine"), &mine);
    EXPECT_EQ(names_in(table), (std::multiset<std::string>{"first", "other", "another", "mine"}));
    EXPECT_EQ(table.find("none"), nullptr);
}

TEST(NameTable, WhatThrowsWhileItIsMadeLeavesNothing) {
    plain_table table(8);
    const auto throws = [](std::string_view) -> made_thing { throw std::bad_alloc(); };
    EXPECT_THROW((void)table.get_or_create("a", throws), std::bad_alloc);
    EXPECT_EQ(table.find("a"), nullptr);
    EXPECT_EQ(table.get_or_create("a", plainly).name, "a");
    EXPECT_EQ(&table.get_or_create("a", throws), table.find("a")) << "nothing is made where the name is there";
}

TEST(NameTable, AnyNumberOfBucketsServes) {
    for (const std::uint32_t expected : {0U, 1U, 2U, 3U, 100U, 128U}) {
        plain_table table(expected);
        std::multiset<std::string> all;
        for (int i = 0; i != 100; ++i) all.emplace(table.get_or_create(std::to_string(i), plainly).name);
        EXPECT_EQ(names_in(table), all);
        for (const auto& name : all) EXPECT_EQ(table.find(name)->name, name);
    }
}

struct preempted {
    template <class T>
    using atomic = bulwark::test::preempted_atomic<T>;
    static void pause() noexcept {}
};

/// Another thread puts names in, and compare-and-swaps fail for no reason, before any access.
TEST(NameTable, HoldsWhateverComesBetweenAnyTwoAccesses) {
    using table_type = bulwark::detail::name_table<made_thing, preempted>;
    for (std::uint64_t seed = 1; seed != 301; ++seed) {
        std::mt19937_64 random(seed);
        std::optional<table_type> table(std::in_place, 1U << seed % 3);
        std::vector<made_thing*> known(10);
        const auto note = [&](std::size_t n, made_thing* t) {
            if (t == nullptr) {
                EXPECT_EQ(known[n], nullptr) << "seed " << seed << ": no longer found";
                return;
            }
            EXPECT_EQ(t->name, std::to_string(n));
            EXPECT_TRUE(known[n] == nullptr || known[n] == t) << "seed " << seed << ": two of one name";
            known[n] = t;
        };
        bulwark::test::before_access = [&] {
            if (random() % 3 == 0) {
                const std::size_t n = random() % known.size();
                note(n, &table->get_or_create(std::to_string(n), plainly));
            }
            return random() % 4 == 0;
        };
        for (int i = 0; i != 30; ++i) {
            const std::size_t n = random() % known.size();
            const std::string name = std::to_string(n);
            if (random() % 2 == 0) {
                note(n, &table->get_or_create(name, plainly));
            } else {
                made_thing* const before = known[n];
                made_thing* const found = table->find(name);
                EXPECT_TRUE(before == nullptr || found == before) << "seed " << seed;
                if (found != nullptr) note(n, found);
            }
        }
        std::vector<made_thing*> before = known;
        std::multiset<std::string> met;
        table->for_each([&](made_thing& t) {
            met.emplace(t.name);
            known[std::stoul(std::string(t.name))] = &t;
        });
        bulwark::test::before_access = nullptr;
        for (std::size_t n = 0; n != known.size(); ++n) {
            const std::size_t times = met.count(std::to_string(n));
            EXPECT_LE(times, 1U) << "seed " << seed;
            if (before[n] != nullptr) {
                EXPECT_EQ(times, 1U) << "seed " << seed << ": it was there at the start";
            }
        }
        table.reset();
        ASSERT_EQ(made_thing::alive, 0);
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
}

// Real threads.

template <class Scenario>
void holds(std::uint64_t rounds) {
    for (const unsigned threads : {2U, 5U}) {
        bulwark::stress::run r({.threads = threads, .seed = 42 + threads, .rounds = rounds});
        bulwark::stress::repeat<Scenario>(r);
        EXPECT_EQ(r.failure(), "") << threads << " threads";
        EXPECT_EQ(r.rounds(), rounds);
    }
}

TEST(CompartmentsConcurrency, ANameHasOneWinner) {
    holds<bulwark::stress::names_have_one_winner<bulwark::compartments>>(200);
    holds<bulwark::stress::names_have_one_winner<bulwark::reference::compartments>>(200);
}

TEST(CompartmentsConcurrency, TwoThreadsAskForNewNamesAtOnce) {
    bulwark::stress::run r({.threads = 2, .seed = 1, .rounds = 5000});
    bulwark::stress::play_rounds<bulwark::stress::new_names_at_once<bulwark::compartments>>(r);
    EXPECT_EQ(r.failure(), "");
    EXPECT_EQ(r.rounds(), 5000U);
}

}  // namespace
