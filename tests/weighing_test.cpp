// What a failure weighs and what an observer sees while calls of other threads, in cells and on the head, get in
// between any two of its accesses: each count as it was at some instant of the call, and never an outcome without its
// request.
#include "narrow.hpp"
#include "preemption.hpp"

#include <bulwark/circuit_breaker.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using bulwark::breaker_counts;
using bulwark::manual_clock;
using bulwark::detail::layout_widths;
using bulwark::test::before_access;
using bulwark::test::playing;
using namespace std::chrono_literals;

/// Three callers: at slots 0 and 1, which have cells, and at 2, which has none.
template <layout_widths Widths>
class stage {
    using breaker = bulwark::basic_circuit_breaker<manual_clock, bulwark::test::preempted_traits<Widths>>;

public:
    /// A digit is who calls from then on, a letter what: `a` asks to be let through, `s`, `f` and `i` say how the
    /// oldest call ended, whoever asked; `w` waits until the window is over.
    void play(std::string_view what) {
        for (const char c : what) {
            if (c >= '0' && c <= '9') {
                slot_ = static_cast<std::uint32_t>(c - '0');
            } else if (c == 'w') {
                manual_clock::advance(interval);
                begin_window();
            } else {
                const playing caller(slot_);
                act(c);
            }
            instants_.push_back({true_counts_, window_});
        }
    }

    /// The call that is interrupted, once, before the given access. False where it has fewer accesses.
    template <class Act>
    bool interrupted(int access, std::string_view others, Act call) {
        int left = access;
        instants_ = {{true_counts_, window_}};
        before_access = [&] {
            if (left-- != 0) return false;
            play(others);
            return others.empty();  // nobody there: the swap fails all the same
        };
        call();
        before_access = nullptr;
        return left < 0;
    }

    void fail_interrupted(std::uint32_t slot, int access, std::string_view others, bool& was) {
        const playing caller(slot);
        auto permit = std::move(under_way_.front());
        under_way_.pop_front();
        const unsigned admitted = window_;
        was = interrupted(access, others, [&] { permit.failure(); });
        const std::uint32_t late = admitted != window_ ? 1 : 0;  // then its request is counted here too
        true_counts_.requests += late;
        count_failure();
        breaker_counts but_two = true_counts_;
        but_two.requests = asked_.requests;
        but_two.total_successes = asked_.total_successes;
        EXPECT_EQ(asked_, but_two);
        EXPECT_TRUE(was_so(asked_.total_successes, &breaker_counts::total_successes)) << asked_;
        EXPECT_TRUE(was_so(asked_.requests - late, &breaker_counts::requests)) << asked_;
        EXPECT_GE(asked_.requests, asked_.total_successes + asked_.total_failures + asked_.total_ignored) << asked_;
    }

    void observe_interrupted(std::uint32_t slot, int access, std::string_view others, bool& was) {
        const playing caller(slot);
        breaker_counts seen;
        was = interrupted(access, others, [&] { seen = b_.counts(); });
        EXPECT_TRUE(was_so(seen)) << seen << "\nin the end " << true_counts_;
    }

    void admit_interrupted(std::uint32_t slot, int access, std::string_view others, bool& was) {
        const playing caller(slot);
        was = interrupted(access, others, [&] { under_way_.push_back(b_.try_acquire().value()); });
        ++true_counts_.requests;
    }

    void is_exact_at_rest() const { EXPECT_EQ(b_.counts(), true_counts_); }

private:
    static constexpr auto interval = 10s;

    void act(char what) {
        breaker_counts& c = true_counts_;
        if (what == 'a') {
            under_way_.push_back(b_.try_acquire().value());
            ++c.requests;
            return;
        }
        auto permit = std::move(under_way_.front());
        under_way_.pop_front();
        if (rolled_over_ != 0) {
            --rolled_over_;
            ++c.requests;
        }
        if (what == 's') {
            EXPECT_TRUE(permit.success());
            ++c.total_successes;
            ++c.consecutive_successes;
            c.consecutive_failures = 0;
        } else if (what == 'i') {
            EXPECT_TRUE(permit.ignore());
            ++c.total_ignored;
        } else {
            EXPECT_TRUE(permit.failure());
            count_failure();
            EXPECT_EQ(asked_, c) << "nobody interrupts this one";
        }
    }

    void count_failure() {
        ++true_counts_.total_failures;
        ++true_counts_.consecutive_failures;
        true_counts_.consecutive_successes = 0;
    }

    /// The count had that value at an instant of the call at which no failure had been counted that is not weighed.
    bool was_so(std::uint32_t value, std::uint32_t breaker_counts::* count) const {
        return std::ranges::any_of(instants_, [&](const instant& then) {
            const bool same = then.window == window_ && then.counts.total_failures + 1 == true_counts_.total_failures;
            return same && then.counts.*count == value;
        });
    }

    /// There was an instant for what is exact, and one after the other for the row, the successes and the requests.
    bool was_so(const breaker_counts& seen) const {
        for (const instant& exact : instants_) {
            const breaker_counts& c = exact.counts;
            if (c.total_failures != seen.total_failures || c.total_ignored != seen.total_ignored ||
                c.consecutive_failures != seen.consecutive_failures) {
                continue;
            }
            auto at = instants_.begin();
            const auto find = [&](std::uint32_t breaker_counts::* count, bool in_row) {
                at = std::find_if(at, instants_.end(), [&](const instant& then) {
                    const bool same_row = !in_row || then.counts.total_failures == c.total_failures;
                    return then.window == exact.window && same_row && then.counts.*count == seen.*count;
                });
                return at != instants_.end();
            };
            if (find(&breaker_counts::consecutive_successes, true) && find(&breaker_counts::total_successes, false) &&
                find(&breaker_counts::requests, false)) {
                return true;
            }
        }
        return false;
    }

    void begin_window() {
        true_counts_ = {};
        ++window_;
        rolled_over_ = under_way_.size();
    }

    struct instant {
        breaker_counts counts;
        unsigned window = 0;
    };

    std::uint32_t slot_ = 0;
    breaker_counts true_counts_;
    unsigned window_ = 0;
    std::vector<instant> instants_;  ///< what was true during the interrupted call
    breaker_counts asked_;
    std::size_t rolled_over_ = 0;  ///< so many of the calls under way are from an earlier window
    breaker b_{{.interval = interval,
                .ready_to_trip =
                    [this](const breaker_counts& c) {
                        asked_ = c;
                        return false;
                    },
                .cells = 2}};
    std::deque<typename breaker::permit> under_way_;
};

/// `others` get in before every access in turn of a failure, or of an observer, at slot 0 and at slot 2.
template <layout_widths Widths>
void holds_at_every_access(std::string_view preparation, std::string_view others) {
    for (const bool observing : {false, true}) {
        for (const std::uint32_t slot : {0U, 2U}) {
            if (slot == 0 && others.find('0') != std::string_view::npos) continue;  // it is interrupted itself
            for (int access = 0;; ++access) {
                SCOPED_TRACE(std::string("after ") + std::string(preparation) + (observing ? " observed" : " failed") +
                             " at " + std::to_string(slot) + ", '" + std::string(others) + "' at access " +
                             std::to_string(access));
                manual_clock::reset();
                stage<Widths> s;
                s.play(preparation);
                bool was = false;
                if (observing) {
                    s.observe_interrupted(slot, access, others, was);
                } else {
                    s.fail_interrupted(slot, access, others, was);
                }
                s.is_exact_at_rest();
                if (!was || ::testing::Test::HasFailure()) break;
            }
        }
    }
}

TEST(Weighing, IsOfOneInstantForEachCountWhateverOthersCountMeanwhile) {
    for (const char* const preparation :
         {"0aaaaaaaa", "0asas1asas2asasaaaaaa", "0asaaaaaf1asas0as2aaa", "1asas0aaaaafa"}) {
        for (const char* const others :
             {"1as", "2as", "0as", "1a2s", "2a1s", "0a1s", "1a0s", "1a0s2i", "2i", "1f", "1as1f1as", "2f1as2s",
              "2f1asas", "1a2a1s2s", "2s1as", "1as2s", "1asasas2i", "1as2asas", "2aaa1sss"}) {
            holds_at_every_access<layout_widths{}>(preparation, others);
            holds_at_every_access<bulwark::test::one_bit>(preparation, others);
        }
    }
}

TEST(Weighing, AnAdmissionThatLooksWhetherTheCountsEndIsCountedOnce) {
    for (const char* const preparation : {"0asas", "0asas1asas"}) {
        for (const char* const others : {"", "2as", "2asasas", "0as2as0as2as"}) {
            bool was = true;
            for (int access = 0; was && !HasFailure(); ++access) {
                SCOPED_TRACE(std::string(preparation) + ", '" + others + "' at access " + std::to_string(access));
                manual_clock::reset();
                stage<bulwark::test::one_stride> s;
                s.play(preparation);
                s.admit_interrupted(1, access, others, was);
                s.is_exact_at_rest();
            }
        }
    }
}

TEST(Weighing, IsOfOneWindowWhereANewOneBeginsMeanwhile) {
    for (const char* const others : {"w1as", "w2as1as", "w1as0as2as", "1asw1asas", "w2a", "w1asas2i"}) {
        holds_at_every_access<layout_widths{}>("0asasasas1asasasas2aaa", others);
        holds_at_every_access<bulwark::test::one_bit>("0asasasas1asasasas2aaa", others);
    }
}

}  // namespace
