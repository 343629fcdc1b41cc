// The explorer against itself: its searches agree on random programs, violations replay, dead-locks and races are
// found and told from what only looks like them.
#include <explore/plain.hpp>
#include <explore/small_program.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace explore {
namespace {

using outcome = small_program::outcome;

// One operation of a random program. Values and the way taken depend on what was read before.
struct operation {
    enum kind { load, store, add, compare, compare_weakly, last_kind } what = load;
    int cell = 0;
    int value = 0;
    bool only_if_odd = false;
    bool forgets = false;  ///< what it found leaves its mark on the thread's view alone
    memory_order order = memory_order_relaxed;
};

void run(const operation& o, cells& c, int& kept) {
    if (o.only_if_odd && (kept & 1) == 0) return;
    int forgotten = 0;
    int& read = o.forgets ? forgotten : kept;
    atomic<int>& cell = o.cell == 0 ? c.x : c.y;
    switch (o.what) {
        case operation::load: read = read * 4 + cell.load(o.order); break;
        case operation::store: cell.store(o.value + (read & 1), o.order); break;
        case operation::add: read = read * 4 + cell.fetch_add(o.value, o.order); break;
        default: {
            int expected = read & 1;
            const bool done = o.what == operation::compare
                                  ? cell.compare_exchange_strong(expected, o.value + 1, o.order)
                                  : cell.compare_exchange_weak(expected, o.value + 1, o.order);
            read = read * 8 + expected * 2 + (done ? 1 : 0);
            break;
        }
    }
}

operation random_operation(std::mt19937_64& random) {
    static constexpr memory_order of_load[] = {memory_order_relaxed, memory_order_acquire, memory_order_seq_cst};
    static constexpr memory_order of_store[] = {memory_order_relaxed, memory_order_release, memory_order_seq_cst};
    static constexpr memory_order of_both[] = {memory_order_relaxed, memory_order_acquire, memory_order_release,
                                               memory_order_acq_rel, memory_order_seq_cst};
    operation o;
    o.what = static_cast<operation::kind>(random() % operation::last_kind);
    o.cell = static_cast<int>(random() % 2);
    o.value = 1 + static_cast<int>(random() % 2);
    o.only_if_odd = random() % 4 == 0;
    o.forgets = random() % 3 == 0;
    o.order = o.what == operation::load    ? of_load[random() % 3]
              : o.what == operation::store ? of_store[random() % 3]
                                           : of_both[random() % 5];
    return o;
}

using plan = std::vector<std::vector<operation>>;

plan random_plan(std::mt19937_64& random) {
    plan p(2 + random() % 2);
    for (auto& thread : p) {
        const std::size_t length = p.size() == 2 ? 2 + random() % 3 : 1 + random() % 3;
        for (std::size_t i = 0; i != length; ++i) thread.push_back(random_operation(random));
    }
    return p;
}

std::vector<small_program::body> bodies_of(const plan& p) {
    std::vector<small_program::body> bodies;
    for (std::size_t t = 0; t != p.size(); ++t) {
        bodies.emplace_back([&p, t](cells& c) {
            int read = 0;
            for (const operation& o : p[t]) run(o, c, read);
            c.r[t] = read;
        });
    }
    return bodies;
}

outcome final_values(cells& c) {
    return {c.x.load(memory_order_relaxed), c.y.load(memory_order_relaxed)};
}

struct explored {
    small_program::outcomes found;
    report of;
};

explored outcomes_of(const plan& p, search_kind kind, std::uint8_t spurious) {
    small_program program(bodies_of(p), p.size(), final_values);
    report all = explore(program, {.kind = kind, .spurious_failures = spurious});
    return {program.found, std::move(all)};
}

TEST(Explorer, SearchesAgreeOnRandomPrograms) {
    std::mt19937_64 random(20240611);
    std::uint64_t every_schedule = 0;
    std::uint64_t reduced_schedules = 0;
    std::size_t racy = 0;
    for (int i = 0; i != 2000; ++i) {
        const plan p = random_plan(random);
        const auto spurious = static_cast<std::uint8_t>(random() % 2);
        const explored every = outcomes_of(p, search_kind::every, spurious);
        const explored reduced = outcomes_of(p, search_kind::reduced, spurious);
        const explored states = outcomes_of(p, search_kind::states, spurious);
        ASSERT_TRUE(every.of.exhausted && reduced.of.exhausted && states.of.exhausted);
        ASSERT_EQ(reduced.found, every.found) << "program " << i;
        ASSERT_EQ(states.found, every.found) << "program " << i;
        ASSERT_LE(reduced.of.schedules, every.of.schedules) << "program " << i;
        every_schedule += every.of.schedules;
        reduced_schedules += reduced.of.schedules;
        if (every.found.size() > 1) ++racy;
    }
    EXPECT_GT(racy, 1000U);
    EXPECT_LT(reduced_schedules * 5, every_schedule);
    RecordProperty("schedules", std::to_string(every_schedule));
    RecordProperty("reduced", std::to_string(reduced_schedules));
}

TEST(Explorer, PreemptionBoundsGrowIntoTheFullSearch) {
    std::mt19937_64 random(7);
    for (int i = 0; i != 300; ++i) {
        const plan p = random_plan(random);
        small_program::outcomes narrower;
        for (const unsigned bound : {0U, 1U, 2U, 20U}) {
            small_program by_every(bodies_of(p), p.size(), final_values);
            small_program by_states(bodies_of(p), p.size(), final_values);
            ASSERT_TRUE(explore(by_every, {.kind = search_kind::every, .preemptions = bound}).exhausted);
            ASSERT_TRUE(explore(by_states, {.kind = search_kind::states, .preemptions = bound}).exhausted);
            ASSERT_EQ(by_every.found, by_states.found) << "program " << i << " bound " << bound;
            for (const outcome& o : narrower) ASSERT_TRUE(by_every.found.contains(o));
            narrower = by_every.found;
        }
        ASSERT_EQ(narrower, outcomes_of(p, search_kind::every, 0).found);
    }
}

TEST(Explorer, EveryViolationReplaysToItself) {
    std::mt19937_64 random(11);
    int violations = 0;
    for (int i = 0; i != 300; ++i) {
        const plan p = random_plan(random);
        const small_program::outcomes all = outcomes_of(p, search_kind::every, 0).found;
        for (const outcome& forbidden : all) {
            for (const search_kind kind :
                 {search_kind::every, search_kind::reduced, search_kind::states, search_kind::random}) {
                outcome last;
                const auto fails_on_it = [&](cells& c) {
                    last.assign(c.r.begin(), c.r.begin() + static_cast<std::ptrdiff_t>(p.size()));
                    for (const int value : final_values(c)) last.push_back(value);
                    if (last == forbidden) machine::here().fail("forbidden");
                    return outcome{};
                };
                small_program program(bodies_of(p), p.size(), fails_on_it);
                const options o{.kind = kind, .runs = 5000};
                const report met = explore(program, o);
                if (met.violation.empty() && kind == search_kind::random) continue;
                ASSERT_EQ(met.violation, "forbidden") << "program " << i;
                last.clear();
                const report again = replay(program, o, met.trace);
                ASSERT_EQ(again.violation, met.violation) << "program " << i << " trace " << met.trace;
                ASSERT_EQ(again.trace, met.trace);
                ASSERT_EQ(last, forbidden);
                ++violations;
            }
        }
    }
    EXPECT_GT(violations, 1000);
}

// --- parking -------------------------------------------------------------------------------------------------------

report explore_all_ways(const std::vector<small_program::body>& bodies) {
    small_program p(bodies, 1);
    report by_every = explore(p, {.kind = search_kind::every});
    for (const search_kind kind : {search_kind::reduced, search_kind::states}) {
        const report other = explore(p, {.kind = kind});
        EXPECT_EQ(other.violation, by_every.violation);
        EXPECT_NE(other.exhausted, !other.violation.empty());
        if (!other.violation.empty()) {
            EXPECT_EQ(replay(p, {.kind = kind}, other.trace).violation, other.violation);
        }
    }
    return by_every;
}

void waits_for_one(cells& c) {
    while (c.x.load(memory_order_acquire) == 0) c.x.park(0);
}

TEST(Parking, AWakeUpThatFollowsTheChangeIsNeverLost) {
    const report all = explore_all_ways({waits_for_one, [](cells& c) {
                                             c.x.store(1, memory_order_release);
                                             c.x.unpark_all();
                                         }});
    EXPECT_EQ(all.violation, "");
    EXPECT_TRUE(all.exhausted);
}

TEST(Parking, AWakeUpBeforeTheChangeIsADeadLock) {
    EXPECT_NE(explore_all_ways({waits_for_one,
                                [](cells& c) {
                                    c.x.unpark_all();
                                    c.x.store(1, memory_order_release);
                                }})
                  .violation.find("dead-lock"),
              std::string::npos);
}

// A parking lot in small: the waiter announces itself and looks again; the other changes the datum and looks for
// waiters. Each must see the other's write, which takes seq_cst.
std::vector<small_program::body> parking_lot(memory_order announce, memory_order look) {
    return {[=](cells& c) {
                c.x.fetch_add(1, announce);
                if (c.y.load(look) == 0) c.x.park(1);
            },
            [=](cells& c) {
                c.y.store(1, announce);
                if (c.x.load(look) != 0) {
                    c.x.fetch_add(1, memory_order_relaxed);
                    c.x.unpark_all();
                }
            }};
}

TEST(Parking, AParkingLotNeedsSeqCst) {
    EXPECT_EQ(explore_all_ways(parking_lot(memory_order_seq_cst, memory_order_seq_cst)).violation, "");
    EXPECT_NE(explore_all_ways(parking_lot(memory_order_release, memory_order_acquire)).violation, "");
    EXPECT_NE(explore_all_ways(parking_lot(memory_order_seq_cst, memory_order_acquire)).violation, "");
}

// --- plain data ----------------------------------------------------------------------------------------------------

struct guarded_world {
    atomic<int> flag{0};
    plain<int> datum{0};
};

class guarded : public program {
public:
    using body = void (*)(guarded_world&);
    explicit guarded(std::vector<body> bodies) : bodies_(std::move(bodies)) {}

    std::size_t threads() const override { return bodies_.size(); }
    std::span<std::byte> world() override { return world_; }
    void begin() override { ::new (world_.data()) guarded_world; }
    void thread(std::size_t index) override {
        bodies_[index](*std::launder(reinterpret_cast<guarded_world*>(world_.data())));
    }
    void end() override {}

private:
    std::vector<body> bodies_;
    alignas(guarded_world) std::array<std::byte, sizeof(guarded_world)> world_{};
};

std::string race_in(std::vector<guarded::body> bodies) {
    guarded p(std::move(bodies));
    const std::string found = explore(p, {.kind = search_kind::every}).violation;
    EXPECT_EQ(explore(p, {.kind = search_kind::reduced}).violation.empty(), found.empty());
    EXPECT_EQ(explore(p, {.kind = search_kind::states}).violation.empty(), found.empty());
    return found;
}

template <memory_order Order>
void publish(guarded_world& w) {
    w.datum.set(1);
    w.flag.fetch_add(1, Order);
}

template <memory_order Order>
void read_published(guarded_world& w) {
    if (w.flag.load(Order) != 0) w.datum.get();
}

TEST(PlainData, PublishedWithReleaseAndAcquireAreNoRace) {
    EXPECT_EQ(race_in({publish<memory_order_release>, read_published<memory_order_acquire>}), "");
}

TEST(PlainData, AWeakEndOfThePublicationIsARace) {
    EXPECT_NE(race_in({publish<memory_order_relaxed>, read_published<memory_order_acquire>}), "");
    EXPECT_NE(race_in({publish<memory_order_release>, read_published<memory_order_relaxed>}), "");
}

TEST(PlainData, TwoReadersAreNoRaceAndAWriterWithThemIs) {
    const guarded::body reads = [](guarded_world& w) { w.datum.get(); };
    EXPECT_EQ(race_in({reads, reads}), "");
    EXPECT_NE(race_in({reads, [](guarded_world& w) { w.datum.set(1); }}), "");
    EXPECT_NE(race_in({[](guarded_world& w) { w.datum.set(1); }, [](guarded_world& w) { w.datum.set(2); }}), "");
}

TEST(PlainData, AWriterMustHaveSeenTheReaders) {
    const guarded::body reads_then_says_so = [](guarded_world& w) {
        w.datum.get();
        w.flag.fetch_add(1, memory_order_release);
    };
    EXPECT_EQ(race_in({reads_then_says_so,
                       [](guarded_world& w) {
                           if (w.flag.load(memory_order_acquire) == 1) w.datum.set(1);
                       }}),
              "");
    EXPECT_NE(race_in({reads_then_says_so,
                       [](guarded_world& w) {
                           if (w.flag.load(memory_order_relaxed) == 1) w.datum.set(1);
                       }}),
              "");
}

// --- sites ---------------------------------------------------------------------------------------------------------

TEST(Sites, AreWeakenedAndSplitByName) {
    const std::vector<small_program::body> counts{[](cells& c) {
                                                      for (int i = 0; i != 2; ++i)
                                                          c.x.fetch_add(1, memory_order_relaxed);
                                                  },
                                                  [](cells& c) { c.x.fetch_add(1, memory_order_relaxed); }};
    const auto last = [](cells& c) { return outcome{c.x.load(memory_order_relaxed)}; };
    small_program p(counts, 0, last);
    explore(p, {});
    EXPECT_EQ(p.found, (small_program::outcomes{{3}}));

    std::string name;
    for (const site& s : sites()) {
        if (s.where.starts_with("explorer_test.cpp") && s.what == "fetch_add") name = s.where;
    }
    EXPECT_TRUE(split(name));
    small_program torn(counts, 0, last);
    explore(torn, {});
    EXPECT_TRUE(torn.found.contains({2}));
    mend_all();

    EXPECT_FALSE(weaken(name, "relaxed"));  // it is relaxed
    EXPECT_FALSE(weaken("nowhere:1", "relaxed"));
    EXPECT_FALSE(split("nowhere:1"));
}

TEST(Search, AnExecutionThatIsTooLongIsNotCalledExhausted) {
    small_program p({[](cells& c) {
                         while (c.x.load(memory_order_relaxed) == 0) {
                         }
                     },
                     [](cells& c) { c.x.store(1, memory_order_relaxed); }},
                    0);
    EXPECT_FALSE(explore(p, {.kind = search_kind::every, .max_steps = 20}).exhausted);
    // The loop comes back to a state that is known.
    EXPECT_TRUE(explore(p, {.kind = search_kind::states, .max_steps = 20}).exhausted);
}

TEST(Search, AThreadThatWaitsForAnotherIsNotLockFree) {
    const small_program::body waits = [](cells& c) {
        while (c.x.load(memory_order_relaxed) == 0) {
        }
    };
    small_program waiting({waits, [](cells& c) { c.x.store(1, memory_order_relaxed); }}, 0);
    const report circle = explore(waiting, {.kind = search_kind::states, .lock_free = true});
    EXPECT_NE(circle.violation.find("circle"), std::string::npos);
    // Old values may go on for as long as they like.
    const small_program::body sets_first = [waits](cells& c) {
        c.x.fetch_add(1, memory_order_relaxed);
        waits(c);
    };
    small_program fine({sets_first, sets_first}, 0);
    EXPECT_TRUE(explore(fine, {.kind = search_kind::states, .lock_free = true}).exhausted);
}

}  // namespace
}  // namespace explore
