// Every call interrupted at every access of a shared word by other calls, in every state of a breaker: what comes out
// must be what the reference brings for some order of the calls, one after the other. One thread plays both callers
// (preemption.hpp), so each lost race is lost in every run.
//
// Where callers count in cells, three counts of what an observer sees during another call need not be those of one
// instant: each of them must be one that it has with that call before or after. At rest they are exact again; but for
// breakers that do not count successes, of which the three are left out.
#include "narrow.hpp"
#include "preemption.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::breaker_snapshot;
using bulwark::manual_clock;
using bulwark::detail::layout_widths;
using bulwark::detail::no_thread_slot;
using bulwark::test::before_access;
using namespace std::chrono_literals;

using bulwark::test::one_bit;

/// Where the two callers count, and how many cells there are.
struct places {
    std::uint32_t a = no_thread_slot;
    std::uint32_t b = no_thread_slot;
    std::uint32_t cells = 0;
    bool count_successes = true;
};

/// What came out of a scene.
struct story {
    std::string exact;                       ///< what the reference must bring too
    std::vector<breaker_snapshot> glimpsed;  ///< with cells: what was seen during another call
};

/// A breaker whose clock stands still, and two callers, A and B. A letter is a call: `a` asks to be let through, `s`,
/// `f` and `i` say how the caller's oldest call ended, `h` is a failure with a hint, `o` observes. An operator's words
/// are `O` (force_open), `D` (disable), `R` (reset) and `T` (trip); `H` is a hint.
template <class Breaker>
class scene {
public:
    /// `A` and `B` admit a call that stays under way, `S` and `F` are whole calls; `t`, `p` and `w` wait until the open
    /// state, the probes or the window is over.
    scene(const places& where, std::chrono::nanoseconds timeout, std::string_view preparation)
        : where_(where), timeout_(timeout) {
        for (const char c : preparation) {
            switch (c) {
                case 'A': call('A', 'a'); break;
                case 'B': call('B', 'a'); break;
                case 'S': call('B', 'a'), call('B', 's'); break;
                case 'F': call('B', 'a'), call('B', 'f'); break;
                case 'O':
                case 'D':
                case 'H': call('B', c); break;
                case 't': manual_clock::advance(timeout_); break;
                case 'p': manual_clock::advance(probe_timeout); break;
                default: manual_clock::advance(interval); break;
            }
        }
        answers_.clear();
    }

    void call(char caller, char what) {
        const bulwark::test::playing slot(caller == 'A' ? where_.a : where_.b);
        const char outer = std::exchange(caller_, caller);
        answers_[caller] += what + answer(what) + ' ';
        caller_ = outer;
    }
    void calls(char caller, std::string_view what) {
        for (const char c : what) call(caller, c);
    }

    /// What was answered and told, and what becomes of the calls that A still has under way.
    story end() {
        at_rest_ = true;
        calls('A', "oss");
        std::string all = "A: " + answers_['A'] + "B: " + answers_['B'];
        for (const auto& [generation, how] : told_) all += how + ", ";
        auto& glimpsed = glimpsed_['B'];
        glimpsed.insert(glimpsed.end(), glimpsed_['A'].begin(), glimpsed_['A'].end());
        return {.exact = all + observed(), .glimpsed = std::move(glimpsed)};
    }

private:
    static constexpr auto interval = 60s;
    static constexpr auto probe_timeout = 5s;
    static constexpr auto hint = 11s;
    static constexpr auto longer_hint = 12s;

    std::string answer(char what) {
        auto& under_way = under_way_[caller_];
        if (what == 'o') return observed();
        if (what == 'a') {
            auto permit = breaker_.try_acquire();
            if (!permit) return std::to_string(static_cast<int>(permit.error()));
            under_way.push_back(std::move(*permit));
            return "+";
        }
        const auto changed = [](bool by_it) { return by_it ? "+" : "-"; };
        switch (what) {
            case 'O': return changed(breaker_.force_open());
            case 'D': return changed(breaker_.disable());
            case 'R': return changed(breaker_.reset());
            case 'T': return changed(breaker_.trip());
            case 'H': return changed(breaker_.hold_off(longer_hint));
            default: break;
        }
        if (under_way.empty()) return "?";
        auto permit = std::move(under_way.front());
        under_way.pop_front();
        const bool counted = what == 's'   ? permit.success()
                             : what == 'f' ? permit.failure()
                             : what == 'h' ? permit.failure(hint)
                                           : permit.ignore();
        return changed(counted);
    }

    std::string observed() {
        breaker_snapshot seen = breaker_.snapshot();
        const bool between = where_.cells != 0 && !at_rest_;
        if (between && where_.count_successes) glimpsed_[caller_].push_back(seen);
        if (between || !where_.count_successes) {
            seen.counts.requests = seen.counts.total_successes = seen.counts.consecutive_successes = 0;
        }
        return '(' + to_string(seen) + ')';
    }

    const places where_;
    const std::chrono::nanoseconds timeout_;
    char caller_ = ' ';
    bool at_rest_ = false;
    std::map<char, std::string> answers_;
    std::map<char, std::vector<breaker_snapshot>> glimpsed_;
    std::multimap<std::uint64_t, std::string> told_;
    Breaker breaker_{{.max_requests = 2,
                      .interval = interval,
                      .timeout = timeout_,
                      .probe_timeout = probe_timeout,
                      .ready_to_trip = bulwark::consecutive_failures(2),
                      .on_state_change =
                          [this](const bulwark::transition& t) {
                              std::ostringstream how;
                              how << t << " by " << caller_;
                              told_.emplace(t.generation, how.str());
                          },
                      .count_successes = where_.count_successes,
                      .cells = where_.cells,
                      .timeout_multiplier = 1.5,
                      .max_hint = 1min}};
    std::map<char, std::deque<typename Breaker::permit>> under_way_;
};

/// What the calls bring to the reference one after the other, for every place that A's call can have among B's.
std::vector<story> stories_in_a_row(const places& where, std::chrono::nanoseconds timeout, std::string_view preparation,
                                    char a, std::string_view b) {
    std::vector<story> all;
    for (std::size_t place = 0; place <= b.size(); ++place) {
        manual_clock::reset();
        scene<bulwark::reference::basic_circuit_breaker<manual_clock>> s(where, timeout, preparation);
        s.calls('B', b.substr(0, place));
        s.call('A', a);
        s.calls('B', b.substr(place));
        all.push_back(s.end());
    }
    return all;
}

/// Each count on its own is one of those that it has in some order, or between two of them.
bool possible(const breaker_snapshot& seen, std::size_t place, const std::vector<story>& in_a_row) {
    const auto between = [&](std::uint32_t breaker_counts::* count) {
        std::uint32_t least = ~0U;
        std::uint32_t most = 0;
        for (const story& s : in_a_row) {
            const breaker_snapshot& exact = s.glimpsed[place];
            if (exact.generation != seen.generation) continue;
            const bool of_a_row = count == &breaker_counts::consecutive_successes;
            if (of_a_row && exact.counts.total_failures != seen.counts.total_failures) continue;
            least = std::min(least, exact.counts.*count);
            most = std::max(most, exact.counts.*count);
        }
        return least <= seen.counts.*count && seen.counts.*count <= most;
    };
    const breaker_counts& c = seen.counts;
    return between(&breaker_counts::requests) && between(&breaker_counts::total_successes) &&
           between(&breaker_counts::consecutive_successes) && c.consecutive_successes <= c.total_successes &&
           c.requests >= c.total_successes + c.total_failures + c.total_ignored;
}

/// A's call interrupted by B's at the given access; nothing where the call has fewer accesses.
template <layout_widths Widths>
story interrupted_story(const places& where, std::chrono::nanoseconds timeout, std::string_view preparation, char a,
                        std::string_view b, int access) {
    using breaker = bulwark::basic_circuit_breaker<manual_clock, bulwark::test::preempted_traits<Widths>>;
    manual_clock::reset();
    scene<breaker> s(where, timeout, preparation);
    int left = access;
    before_access = [&] {
        if (left-- != 0) return false;
        s.calls('B', b);
        return b.empty();  // nobody there: the swap fails all the same
    };
    s.call('A', a);
    before_access = nullptr;
    return left < 0 ? s.end() : story{};
}

/// How the breaker came to where it is, what A calls, and what B calls meanwhile.
struct cast {
    std::vector<const char*> preparations;
    std::string_view a;
    std::vector<const char*> b;
};

const cast callers{.preparations = {"ABBB", "FABBB", "SABBBw", "ABBFF", "ABBFFt", "FFtAB", "FFtABp", "FFtSAB",
                                    "SSASBBw", "FSSASBB", "AAwBB"},
                   .a = "asfio",
                   .b = {"", "a", "s", "f", "i", "o", "asas", "ff", "ffo", "asasasas", "afafo", "iii", "fffasas",
                         "ffasasas", "fo", "faso", "aso"}};

/// And an operator, or a service that gives hints. A failure with a hint is two steps, so nobody interrupts it here.
const cast operators{
    .preparations = {"FABB", "ABBFF", "ABBFFt", "FFtAB", "ABBO", "ABBD", "ABBFFHt"},
    .a = "asfoORDTH",
    .b = {"", "a", "f", "R", "O", "D", "T", "H", "h", "Oo", "DafRo", "RffH", "To", "OR", "RT", "TR", "hfo", "fHo"}};

template <layout_widths Widths>
void every_interruption_is_some_order(std::chrono::nanoseconds timeout, const places& where = {},
                                      const cast& who = callers) {
    for (const char* preparation : who.preparations) {
        for (const char a : who.a) {
            for (const char* b : who.b) {
                const auto expected = stories_in_a_row(where, timeout, preparation, a, b);
                for (int access = 0;; ++access) {
                    SCOPED_TRACE(std::string("after ") + preparation + ", " + a + " interrupted by '" + b +
                                 "' at access " + std::to_string(access));
                    const story told = interrupted_story<Widths>(where, timeout, preparation, a, b, access);
                    if (told.exact.empty()) break;
                    const auto alike = [&](const story& s) { return s.exact == told.exact; };
                    ASSERT_TRUE(std::ranges::any_of(expected, alike)) << told.exact << "\nbut in a row:\n"
                                                                      << expected.front().exact;
                    for (std::size_t i = 0; i != told.glimpsed.size(); ++i) {
                        ASSERT_TRUE(possible(told.glimpsed[i], i, expected)) << told.glimpsed[i];
                    }
                }
            }
        }
    }
}

TEST(Interruption, IsSomeOrderOfTheCallsInTheDefaultLayout) {
    every_interruption_is_some_order<layout_widths{}>(10s);
}

TEST(Interruption, IsSomeOrderOfTheCallsWhereNearlyEveryCallIsAMove) {
    every_interruption_is_some_order<one_bit>(10s);
}

TEST(Interruption, IsSomeOrderOfTheCallsWhereABreakerClosesAgainDuringOne) {
    every_interruption_is_some_order<layout_widths{}>(0s);
    every_interruption_is_some_order<one_bit>(0s);
}

constexpr places both_in_cells{.a = 0, .b = 1, .cells = 2};
constexpr places only_a_in_a_cell{.a = 0, .b = 1, .cells = 1};
constexpr places only_b_in_a_cell{.a = 1, .b = 0, .cells = 1};
constexpr places both_share_a_cell{.a = 1, .b = no_thread_slot, .cells = 1};
constexpr places each_in_a_shared_cell{.a = 1, .b = 2, .cells = 1};
constexpr places uncounted{.a = 0, .b = 1, .cells = 2, .count_successes = false};
constexpr places uncounted_on_the_head{.count_successes = false};
constexpr places uncounted_beside{.a = 1, .b = 2, .cells = 1, .count_successes = false};

TEST(Interruption, IsSomeOrderOfTheCallsWhereCallersCountInCells) {
    every_interruption_is_some_order<layout_widths{}>(10s, both_in_cells);
    every_interruption_is_some_order<one_bit>(0s, both_in_cells);
}

TEST(Interruption, IsSomeOrderOfTheCallsWhereOneCallerCountsInACell) {
    every_interruption_is_some_order<layout_widths{}>(0s, only_a_in_a_cell);
    every_interruption_is_some_order<one_bit>(10s, only_b_in_a_cell);
}

TEST(Interruption, IsSomeOrderOfTheCallsWhereCallersShareACell) {
    every_interruption_is_some_order<layout_widths{}>(0s, both_share_a_cell);
    every_interruption_is_some_order<one_bit>(10s, each_in_a_shared_cell);
}

TEST(Interruption, IsSomeOrderOfTheCallsWhereCellsLookWhetherTheCountsEnd) {
    every_interruption_is_some_order<bulwark::test::one_bit_looks>(10s, both_in_cells);
    every_interruption_is_some_order<bulwark::test::one_bit_looks>(0s, both_share_a_cell);
}

TEST(Interruption, IsSomeOrderOfTheCallsWhereASharedCellIsFull) {
    every_interruption_is_some_order<bulwark::test::two_shared>(10s, both_share_a_cell);
}

TEST(Interruption, IsSomeOrderOfTheCallsAndAnOperatorsWords) {
    every_interruption_is_some_order<layout_widths{}>(10s, {}, operators);
    every_interruption_is_some_order<one_bit>(0s, both_in_cells, operators);
    every_interruption_is_some_order<layout_widths{}>(10s, only_a_in_a_cell, operators);
}

TEST(Interruption, IsSomeOrderOfTheCallsWhereSuccessesAreNotCounted) {
    every_interruption_is_some_order<layout_widths{}>(0s, uncounted);
    every_interruption_is_some_order<one_bit>(10s, uncounted_on_the_head);
    every_interruption_is_some_order<one_bit>(0s, uncounted_beside);
}

/// The request on the head, because the shared cell is full; the outcome in the cell of another thread.
TEST(Interruption, NoObserverSeesAnOutcomeWithoutItsRequest) {
    using breaker =
        bulwark::basic_circuit_breaker<manual_clock, bulwark::test::preempted_traits<bulwark::test::two_shared>>;
    bool seen_after = false;
    for (int access = 0;; ++access) {
        manual_clock::reset();
        breaker b{{.cells = 1}};
        const auto call = [&](std::uint32_t asks, std::uint32_t answers) {
            std::optional<breaker::permit> permit;
            {
                const bulwark::test::playing first(asks);
                permit = b.try_acquire().value();
            }
            const bulwark::test::playing second(answers);
            ASSERT_TRUE(permit->success());
        };
        call(0, 0);
        call(1, 1);
        call(1, 1);
        int left = access;
        before_access = [&] {
            if (left-- == 0) call(1, 0);
            return false;
        };
        const bulwark::breaker_counts seen = b.counts();
        before_access = nullptr;
        if (left >= 0) break;
        EXPECT_GE(seen.requests, seen.total_successes) << "interrupted before access " << access;
        seen_after |= seen.total_successes == 4;
    }
    EXPECT_TRUE(seen_after);
}

}  // namespace
