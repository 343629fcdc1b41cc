// Every call interrupted at every access of a shared word by other calls, in every state of a breaker: what comes out
// must be what the reference brings for some order of the calls, one after the other. One thread plays both callers
// (preemption.hpp), so each lost race is lost in every run.
#include "preemption.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace {

using bulwark::manual_clock;
using bulwark::detail::layout_widths;
using bulwark::test::before_access;
using namespace std::chrono_literals;

/// A move at nearly every call, and no epoch that comes again.
constexpr layout_widths one_bit{.requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1};

/// A breaker whose clock stands still, and two callers, A and B. A letter is a call: `a` asks to be let through, `s`,
/// `f` and `i` say how the caller's oldest call ended, `o` observes.
template <class Breaker>
class scene {
public:
    /// `A` and `B` admit a call that stays under way, `S` and `F` are whole calls; `t`, `p` and `w` wait until the open
    /// state, the probes or the window is over.
    scene(std::chrono::nanoseconds timeout, std::string_view preparation) : timeout_(timeout) {
        for (const char c : preparation) {
            switch (c) {
                case 'A': call('A', 'a'); break;
                case 'B': call('B', 'a'); break;
                case 'S': call('B', 'a'), call('B', 's'); break;
                case 'F': call('B', 'a'), call('B', 'f'); break;
                case 't': manual_clock::advance(timeout_); break;
                case 'p': manual_clock::advance(probe_timeout); break;
                default: manual_clock::advance(interval); break;
            }
        }
        answers_.clear();
    }

    void call(char caller, char what) {
        const char outer = std::exchange(caller_, caller);
        answers_[caller] += what + answer(what) + ' ';
        caller_ = outer;
    }
    void calls(char caller, std::string_view what) {
        for (const char c : what) call(caller, c);
    }

    /// What was answered and told, and what becomes of the calls that A still has under way.
    std::string story() {
        calls('A', "oss");
        std::string all = "A: " + answers_['A'] + "B: " + answers_['B'];
        for (const auto& [generation, how] : told_) all += how + ", ";
        return all + to_string(breaker_);
    }

private:
    static constexpr auto interval = 60s;
    static constexpr auto probe_timeout = 5s;

    std::string answer(char what) {
        auto& under_way = under_way_[caller_];
        if (what == 'o') return '(' + to_string(breaker_) + ')';
        if (what == 'a') {
            auto permit = breaker_.try_acquire();
            if (!permit) return std::to_string(static_cast<int>(permit.error()));
            under_way.push_back(std::move(*permit));
            return "+";
        }
        if (under_way.empty()) return "?";
        auto permit = std::move(under_way.front());
        under_way.pop_front();
        const bool counted = what == 's' ? permit.success() : what == 'f' ? permit.failure() : permit.ignore();
        return counted ? "+" : "-";
    }

    const std::chrono::nanoseconds timeout_;
    char caller_ = ' ';
    std::map<char, std::string> answers_;
    std::multimap<std::uint64_t, std::string> told_;
    Breaker breaker_{{.max_requests = 2,
                      .interval = interval,
                      .timeout = timeout_,
                      .probe_timeout = probe_timeout,
                      .ready_to_trip = bulwark::consecutive_failures(2),
                      .on_state_change = [this](const bulwark::transition& t) {
                          std::ostringstream how;
                          how << t << " by " << caller_;
                          told_.emplace(t.generation, how.str());
                      }}};
    std::map<char, std::deque<typename Breaker::permit>> under_way_;
};

/// What the calls bring to the reference one after the other, for every place that A's call can have among B's.
std::set<std::string> stories_in_a_row(std::chrono::nanoseconds timeout, std::string_view preparation, char a,
                                       std::string_view b) {
    std::set<std::string> all;
    for (std::size_t place = 0; place <= b.size(); ++place) {
        manual_clock::reset();
        scene<bulwark::reference::basic_circuit_breaker<manual_clock>> s(timeout, preparation);
        s.calls('B', b.substr(0, place));
        s.call('A', a);
        s.calls('B', b.substr(place));
        all.insert(s.story());
    }
    return all;
}

/// A's call interrupted by B's at the given access; nothing where the call has fewer accesses.
template <layout_widths Widths>
std::string interrupted_story(std::chrono::nanoseconds timeout, std::string_view preparation, char a,
                              std::string_view b, int access) {
    using breaker = bulwark::basic_circuit_breaker<manual_clock, bulwark::test::preempted_traits<Widths>>;
    manual_clock::reset();
    scene<breaker> s(timeout, preparation);
    int left = access;
    before_access = [&] {
        if (left-- != 0) return false;
        s.calls('B', b);
        return b.empty();  // nobody there: the swap fails all the same
    };
    s.call('A', a);
    before_access = nullptr;
    return left < 0 ? s.story() : "";
}

template <layout_widths Widths>
void every_interruption_is_some_order(std::chrono::nanoseconds timeout) {
    for (const char* preparation : {"ABBB", "FABBB", "SABBBw", "ABBFF", "ABBFFt", "FFtAB", "FFtABp", "FFtSAB"}) {
        for (const char a : {'a', 's', 'f', 'i', 'o'}) {
            for (const char* b :
                 {"", "a", "s", "f", "i", "o", "asas", "ff", "ffo", "asasasas", "afafo", "iii", "fffasas"}) {
                const auto expected = stories_in_a_row(timeout, preparation, a, b);
                for (int access = 0;; ++access) {
                    SCOPED_TRACE(std::string("after ") + preparation + ", " + a + " interrupted by '" + b +
                                 "' at access " + std::to_string(access));
                    const std::string story = interrupted_story<Widths>(timeout, preparation, a, b, access);
                    if (story.empty()) break;
                    ASSERT_TRUE(expected.contains(story)) << story << "\nbut in a row:\n" << *expected.begin();
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

}  // namespace
