// Random scripts find what is wrong: planted defects, weakened and torn operations; what they find replays; and answers
// must be explained by an order that keeps happens-before.
#include <explore/breaker_program.hpp>
#include <explore/scripts.hpp>
#include <explore/search.hpp>
#include <explore/sites.hpp>

#include <lin/planted.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace explore {
namespace {

using bulwark::detail::layout;
using maker = std::function<std::unique_ptr<judged_program>(std::uint64_t seed)>;

/// The seed of the first of `scripts` scripts of two threads that goes wrong, and does so again when replayed; 0: none.
std::uint64_t first_wrong(const maker& make, std::uint64_t scripts, const options& o) {
    for (std::uint64_t seed = 1; seed <= scripts; ++seed) {
        const auto p = make(seed);
        const report found = explore(*p, o);
        EXPECT_TRUE(found.exhausted || !found.violation.empty()) << "script " << seed;
        if (found.violation.empty()) continue;
        const report again = replay(*p, o, found.trace);
        EXPECT_EQ(again.violation, found.violation);
        EXPECT_EQ(again.trace, found.trace);
        return seed;
    }
    return 0;
}

template <class Breaker>
std::uint64_t first_wrong_breaker(std::uint64_t scripts) {
    const maker make = [](std::uint64_t seed) {
        return std::make_unique<breaker_program<Breaker>>(breaker_script::of(seed, 2));
    };
    return first_wrong(make, scripts, {.kind = search_kind::states, .lock_free = true});
}

std::uint64_t first_wrong_bulkhead(std::uint64_t scripts) {
    const maker make = [](std::uint64_t seed) { return program_of(bulkhead_script(seed, 2)); };
    return first_wrong(make, scripts, {.kind = search_kind::reduced, .spurious_failures = 1});
}

struct hasty_traits : traits<layout> {
    template <class T>
    using atomic = bulwark::lin::planted::hasty_atomic<T, explore::atomic<T>>;
};

TEST(Scripts, FindPlantedDefects) {
    EXPECT_NE((first_wrong_breaker<bulwark::basic_circuit_breaker<scenario_clock, hasty_traits>>(80)), 0U);
    EXPECT_NE((first_wrong_breaker<bulwark::lin::planted::torn_snapshot<scenario_clock, traits<layout>>>(80)), 0U);
}

/// An operation of the shipped headers that a script has executed.
std::string site_of(std::string_view file, std::string_view what, boost::memory_order order) {
    const auto at = std::find_if(sites().begin(), sites().end(), [&](const site& s) {
        return s.where.starts_with(file) && s.what == what && s.written == order;
    });
    return at == sites().end() ? std::string() : at->where;
}

TEST(Scripts, FindAlteredOperations) {
    EXPECT_EQ(first_wrong_breaker<breaker_of<layout>>(8), 0U);
    EXPECT_TRUE(split(site_of("breaker_core.hpp", "compare_exchange_weak", boost::memory_order_release)));
    EXPECT_NE(first_wrong_breaker<breaker_of<layout>>(80), 0U);
    mend_all();

    EXPECT_EQ(first_wrong_bulkhead(80), 0U);
    EXPECT_TRUE(weaken(site_of("permit_counter.hpp", "fetch_add", boost::memory_order_release), "relaxed"));
    EXPECT_NE(first_wrong_bulkhead(80), 0U);
    mend_all();
    EXPECT_TRUE(split(site_of("permit_counter.hpp", "compare_exchange_weak", boost::memory_order_acq_rel)));
    EXPECT_NE(first_wrong_bulkhead(80), 0U);
    mend_all();
}

TEST(Scripts, MustHaveAnOrderThatKeepsHappensBefore) {
    using operation = told_operation<sequential_bulkhead>;
    const sequential_bulkhead one(1, 0);
    const operation take{{0, 't'}, 1};
    const operation sees_it_free{{1, 'l'}, 1};
    operation later = sees_it_free;
    later.before[0] = 1;
    EXPECT_TRUE(explained<sequential_bulkhead>(one, {{take}, {sees_it_free}}));
    EXPECT_FALSE(explained<sequential_bulkhead>(one, {{take}, {later}}));
    EXPECT_FALSE(explained<sequential_bulkhead>(one, {{take}, {take}}));
}

/// Answers each look as if nothing had happened.
struct blind : breaker_of<layout> {
    using breaker_of<layout>::breaker_of;
    static bulwark::breaker_snapshot snapshot() { return {.generation = 1}; }
};

TEST(Scripts, ThreadsThatMeetHearOfEachOther) {
    const auto violation = [](const char* script) {
        breaker_program<blind> p({"blind", {}, script});
        const report found = explore(p, {});
        if (!found.violation.empty()) {
            EXPECT_EQ(replay(p, {}, found.trace).violation, found.violation);
        }
        return found.violation;
    };
    EXPECT_EQ(violation("| a0, l |"), "");
    EXPECT_EQ(violation("| m a0, l m |"), "");
    EXPECT_TRUE(violation("| a0 m, m l |").starts_with("no order that keeps happens-before"));
}

}  // namespace
}  // namespace explore
