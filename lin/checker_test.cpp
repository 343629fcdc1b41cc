// The checker against the definition: every order of every small history tried by brute force, on machines simple
// enough to see through.
#include "checker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

namespace bulwark::lin {
namespace {

/// A register that adds: answers what it held before.
class adder {
public:
    int apply(int by) {
        const int before = value_;
        value_ += by;
        return before;
    }
    bool operator==(const adder&) const = default;
    std::size_t hash() const { return static_cast<std::size_t>(value_); }

private:
    int value_ = 0;
};

/// Holds the last value written (a positive call); answers a read (0) with it.
class cell {
public:
    int apply(int call) {
        if (call == 0) return value_;
        value_ = call;
        return 0;
    }
    bool operator==(const cell&) const = default;
    std::size_t hash() const { return static_cast<std::size_t>(value_); }

private:
    int value_ = 0;
};

using ints = history<int, int>;

/// The definition: some permutation keeps real time and gives these answers.
template <class Spec>
bool linearizable_by_definition(const ints& h) {
    std::vector<std::size_t> order(h.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    do {
        Spec state;
        bool fits = true;
        for (std::size_t i = 0; fits && i != order.size(); ++i) {
            for (std::size_t j = i + 1; fits && j != order.size(); ++j) {
                fits = h[order[j]].returned >= h[order[i]].invoked;
            }
            fits = fits && state.apply(h[order[i]].call) == h[order[i]].answer;
        }
        if (fits) return true;
    } while (std::next_permutation(order.begin(), order.end()));
    return false;
}

/// Threads that take turns at random, each at the invocation or the return of its next operation. Answers are those of
/// some moment in between, so that a good part is linearizable; some are then spoilt.
template <class Spec>
ints random_history(std::mt19937& random) {
    const std::size_t threads = 2 + random() % 3;
    const std::size_t wanted = 1 + random() % 6;
    ints h;
    std::vector<std::size_t> pending(threads, wanted);  // wanted: none
    Spec state;
    std::uint64_t now = 0;
    for (std::size_t returned = 0; returned != wanted;) {
        const std::size_t t = random() % threads;
        if (pending[t] == wanted) {
            if (h.size() == wanted) continue;
            pending[t] = h.size();
            h.push_back({.thread = static_cast<unsigned>(t),
                         .invoked = ++now,
                         .returned = 0,
                         .call = static_cast<int>(random() % 3),
                         .answer = -1});
        } else if (h[pending[t]].answer < 0) {
            h[pending[t]].answer = state.apply(h[pending[t]].call);
        } else {
            h[pending[t]].returned = ++now;
            pending[t] = wanted;
            ++returned;
        }
    }
    for (auto& o : h) {
        if (random() % 8 == 0) o.answer = static_cast<int>(random() % 4);
    }
    return h;
}

template <class Spec>
void agrees_with_the_definition(unsigned seed) {
    std::mt19937 random(seed);
    constexpr int histories = 20'000;
    int good = 0;
    for (int i = 0; i != histories; ++i) {
        const ints h = random_history<Spec>(random);
        const bool expected = linearizable_by_definition<Spec>(h);
        good += expected ? 1 : 0;
        ASSERT_EQ(linearizable(h, Spec{}), expected) << "history " << i;
    }
    EXPECT_GT(good, histories / 10) << "too few good ones to mean anything";
    EXPECT_LT(good, histories - histories / 10) << "too few bad ones to mean anything";
}

TEST(checker, agrees_with_brute_force_on_an_adder) {
    agrees_with_the_definition<adder>(1);
}

TEST(checker, agrees_with_brute_force_on_a_cell) {
    agrees_with_the_definition<cell>(2);
}

TEST(checker, takes_an_empty_history) {
    EXPECT_TRUE(linearizable(ints{}, adder{}));
}

TEST(checker, lets_overlapping_operations_change_places) {
    EXPECT_TRUE(linearizable(ints{{0, 1, 4, 1, 2}, {1, 2, 3, 2, 0}}, adder{}));
    EXPECT_TRUE(linearizable(ints{{0, 1, 3, 1, 2}, {1, 2, 4, 2, 0}}, adder{}));
}

TEST(checker, keeps_real_time) {
    EXPECT_FALSE(linearizable(ints{{0, 1, 2, 1, 2}, {1, 3, 4, 2, 0}}, adder{}));
    // Each read is right for some order; together they see the two writes in different ones.
    EXPECT_FALSE(linearizable(
        ints{{0, 1, 10, 1, 0}, {1, 2, 9, 2, 0}, {2, 3, 4, 0, 1}, {2, 5, 6, 0, 2}, {2, 7, 8, 0, 1}}, cell{}));
}

TEST(checker, refuses_a_stale_read_and_a_lost_update) {
    EXPECT_FALSE(linearizable(ints{{0, 1, 2, 1, 0}, {1, 3, 4, 0, 0}}, cell{}));
    EXPECT_FALSE(linearizable(ints{{0, 1, 4, 1, 0}, {1, 2, 3, 1, 0}}, adder{}));
}

TEST(checker, takes_equal_stamps_for_an_overlap) {
    EXPECT_TRUE(linearizable(ints{{0, 1, 2, 1, 2}, {1, 2, 3, 2, 0}}, adder{}));
}

TEST(checker, manages_sixty_four_operations_and_says_no_to_more) {
    ints h;
    adder state;
    for (unsigned i = 0; i != longest_history; ++i) {
        // Each overlaps with the next three.
        h.push_back({i % 4, 4 * i + 1, 4 * i + 14, 1, state.apply(1)});
    }
    EXPECT_TRUE(linearizable(h, adder{}));
    std::swap(h[30].answer, h[50].answer);
    EXPECT_FALSE(linearizable(h, adder{}));
    h.push_back(h.back());
    EXPECT_THROW((void)linearizable(h, adder{}), std::invalid_argument);
}

/// Four threads of eight writes that all overlap, then a read of what nobody wrote: without the memory of dead ends
/// there are 32! orders to try.
TEST(checker, remembers_dead_ends) {
    ints h;
    for (unsigned t = 0; t != 4; ++t) {
        for (unsigned i = 0; i != 8; ++i)
            h.push_back({t, 4 * i + t + 1, 4 * (i + 1) + t, static_cast<int>(1 + (t + i) % 2), 0});
    }
    h.push_back({0, 100, 101, 0, 3});
    const verdict v = check(h, cell{});
    EXPECT_FALSE(v.linearizable);
    EXPECT_EQ(v.longest, 32U);
    EXPECT_LT(v.steps, 9U * 9 * 9 * 9 * 2 * 4);
}

TEST(overlaps, count_pairs_of_different_threads) {
    EXPECT_EQ(overlaps(ints{{0, 1, 4, 0, 0}, {1, 2, 3, 0, 0}, {1, 5, 6, 0, 0}}), 1U);
    EXPECT_EQ(overlaps(ints{{0, 1, 6, 0, 0}, {1, 2, 3, 0, 0}, {1, 4, 5, 0, 0}}), 2U);
    EXPECT_EQ(overlaps(ints{{0, 1, 2, 0, 0}, {1, 3, 4, 0, 0}}), 0U);
}

}  // namespace
}  // namespace bulwark::lin
