// Is a history of concurrent operations one that a sequential object could have answered? The checker of Wing and Gong
// with the memory of Lowe.
//
// A history is linearizable where its operations can be put in one order that keeps real time (who returned before
// another was invoked comes first) and in which the sequential specification gives exactly the answers that were
// given. The search tries, at each point, the operations that nothing left over must precede; it remembers every
// (operations left, state of the specification) from which there was no way on, and never tries one twice.
//
// Spec is a small value: copyable, ==, `std::size_t hash() const`, and `Answer apply(const Call&)`, which acts and
// answers. A Spec that tells equal futures apart costs time, never the verdict.
//
// Cost: a history that is fine and not confusing takes one step an operation and no allocation. At worst, with t
// threads of n operations each, (n + 1)^t sets of operations times the states that each can lead to.
//
// It knows no breaker and no thread; the explorer uses it on histories that it made itself.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <unordered_set>
#include <vector>

namespace bulwark::lin {

/// One operation that has returned. Its stamps order it: it came before another where it returned at a smaller stamp
/// than that one was invoked at; otherwise the two overlapped.
template <class Call, class Answer>
struct operation {
    unsigned thread = 0;
    std::uint64_t invoked = 0;
    std::uint64_t returned = 0;
    Call call{};
    Answer answer{};
};

template <class Call, class Answer>
using history = std::vector<operation<Call, Answer>>;

struct verdict {
    bool linearizable = false;
    bool taken_apart = false;  ///< operations were split into parts, since as wholes they have no order
    std::size_t parts = 0;     ///< operations, or parts of operations, to be put in order
    std::uint64_t steps = 0;   ///< applications of the specification that were tried
    std::size_t longest = 0;   ///< of them, in the longest beginning of an order that was found
};

/// A history has at most this many operations: a set of them is one word.
inline constexpr std::size_t longest_history = 64;

namespace detail {

template <class Spec, class Operation>
class order_search {
public:
    /// `by_return`: the operations, by the time of their return.
    explicit order_search(const std::vector<const Operation*>& by_return) : operations_(by_return) {}

    verdict run(const Spec& initial) {
        const std::size_t n = operations_.size();
        const std::uint64_t all = n == 0 ? 0 : ~std::uint64_t{0} >> (longest_history - n);
        found_.parts = n;
        found_.linearizable = possible_from({all, initial});
        return found_;
    }

private:
    struct node {
        std::uint64_t left = 0;  ///< a bit for each operation that is not in the order yet
        Spec state;

        bool operator==(const node&) const = default;
    };

    struct hash_of_node {
        std::size_t operator()(const node& n) const {
            return n.state.hash() ^ static_cast<std::size_t>(n.left * 0x9E3779B97F4A7C15U);
        }
    };

    bool possible_from(const node& here) {
        found_.longest =
            std::max(found_.longest, operations_.size() - static_cast<std::size_t>(std::popcount(here.left)));
        if (here.left == 0) return true;
        // What was invoked after the first return of those left must come after that one.
        const std::uint64_t first_return = at(here.left).returned;
        for (std::uint64_t rest = here.left; rest != 0; rest &= rest - 1) {
            const Operation& next = at(rest);
            if (next.invoked > first_return) continue;
            node there{here.left & ~(rest & (~rest + 1)), here.state};
            ++found_.steps;
            if (!(there.state.apply(next.call) == next.answer)) continue;
            const bool known = !dead_ends_.empty() && dead_ends_.contains(there);
            if (!known && possible_from(there)) return true;
        }
        dead_ends_.insert(here);
        return false;
    }

    const Operation& at(std::uint64_t set) const {
        return *operations_[static_cast<std::size_t>(std::countr_zero(set))];
    }

    const std::vector<const Operation*>& operations_;
    std::unordered_set<node, hash_of_node> dead_ends_;
    verdict found_;
};

}  // namespace detail

/// Throws std::invalid_argument where the history is longer than longest_history.
template <class Spec, class Call, class Answer>
verdict check(const history<Call, Answer>& h, const Spec& initial) {
    if (h.size() > longest_history) throw std::invalid_argument("bulwark: a history of more than 64 operations");
    std::vector<const operation<Call, Answer>*> by_return;
    by_return.reserve(h.size());
    for (const auto& o : h) by_return.push_back(&o);
    // Of equal returns (parts of one operation) the one that the history names first is tried first.
    std::sort(by_return.begin(), by_return.end(),
              [](auto* a, auto* b) { return a->returned != b->returned ? a->returned < b->returned : a < b; });
    return detail::order_search<Spec, operation<Call, Answer>>(by_return).run(initial);
}

template <class Spec, class Call, class Answer>
bool linearizable(const history<Call, Answer>& h, const Spec& initial) {
    return check(h, initial).linearizable;
}

/// Pairs of operations of different threads of which neither came before the other.
template <class Call, class Answer>
std::uint64_t overlaps(const history<Call, Answer>& h) {
    std::uint64_t pairs = 0;
    for (std::size_t i = 0; i != h.size(); ++i) {
        for (std::size_t j = 0; j != i; ++j) {
            const bool apart = h[i].returned < h[j].invoked || h[j].returned < h[i].invoked;
            if (h[i].thread != h[j].thread && !apart) ++pairs;
        }
    }
    return pairs;
}

}  // namespace bulwark::lin
