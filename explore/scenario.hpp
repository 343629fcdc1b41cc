// What a breaker scenario is made of: operations, the answers they got, and the rule that a run must keep.
//
// The rule: the answers of all operations together are those of some order in which the mutex reference, the
// specification, could have been called, one operation at a time, each thread's in its own order. Every such order is
// tried, so the rule is exact.
#pragma once

#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/detail/layout.hpp>
#include <bulwark/errc.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace explore {

enum class verb : std::uint8_t { admit, success, failure, ignore, look, advance };

struct operation {
    verb what = verb::look;
    std::size_t permit = 0;  ///< where an admission puts its permit, and whose outcome is told
    std::chrono::nanoseconds by{0};
};

constexpr operation admit(std::size_t permit) {
    return {verb::admit, permit};
}
constexpr operation succeed(std::size_t permit) {
    return {verb::success, permit};
}
constexpr operation fail(std::size_t permit) {
    return {verb::failure, permit};
}
constexpr operation ignore(std::size_t permit) {
    return {verb::ignore, permit};
}
constexpr operation look() {
    return {verb::look};
}
constexpr operation advance(std::chrono::nanoseconds by) {
    return {verb::advance, 0, by};
}

/// What an operation found. Small and without padding: it is part of every state that a search compares.
struct answer {
    static constexpr std::uint8_t none = 255;

    std::uint8_t code = 0;  ///< admission: the refusal, or 0; outcome: whether it counted, or none without a permit
    std::uint8_t from = none;
    std::uint8_t to = none;
    std::uint8_t entered = 0;  ///< the generation of the transition that the operation made
    std::uint8_t state = none;
    std::uint8_t generation = 0;
    std::array<std::uint8_t, 6> counts{};
    std::int32_t retry_after = 0;

    friend bool operator==(const answer&, const answer&) = default;
};
static_assert(sizeof(answer) == 16);

inline constexpr std::size_t max_operations = 6;  // of one thread
inline constexpr std::size_t max_permits = 6;

using operations = std::vector<operation>;
using answers = std::array<answer, max_operations>;

enum class widths : std::uint8_t {
    thin,  ///< one bit a tally: a carry at almost every call
    two,   ///< two bits a tally
};

struct breaker_scenario {
    std::string name;
    widths layout = widths::two;
    bulwark::circuit_breaker_config config;
    operations before;
    std::vector<operations> threads;
    operations after;
    /// Time moves while the threads run, so reading it is a step. Otherwise it stands still meanwhile.
    bool time_moves = false;
    /// Bounds of the search (search.hpp); 0: none. For scenarios with too many states to visit all.
    unsigned preemptions = 0;
    unsigned lags = 0;
    /// Explored with the partial-order reduction instead of state by state: better where no thread helps another.
    bool reduce = false;
};

inline void note(answer& into, const bulwark::transition& made) {
    into.from = static_cast<std::uint8_t>(made.from);
    into.to = static_cast<std::uint8_t>(made.to);
    into.entered = static_cast<std::uint8_t>(made.generation);
}

/// Does what is to be done to a breaker, lock-free or reference, but for moving time. `told` has the transition already
/// where the callback has noted it.
template <class Breaker>
void act(Breaker& breaker, std::array<std::optional<typename Breaker::permit>, max_permits>& permits,
         const operation& o, answer& told) {
    std::optional<typename Breaker::permit>& permit = permits[o.permit];
    const auto tell = [&](auto how) {
        told.code = permit ? static_cast<std::uint8_t>(how(*permit)) : answer::none;
        permit.reset();
    };
    switch (o.what) {
        case verb::admit: {
            auto admitted = breaker.try_acquire();
            if (admitted) {
                permit.emplace(std::move(*admitted));
            } else {
                told.code = static_cast<std::uint8_t>(admitted.error());
            }
            break;
        }
        case verb::success: tell([](auto& p) { return p.success(); }); break;
        case verb::failure: tell([](auto& p) { return p.failure(); }); break;
        case verb::ignore: tell([](auto& p) { return p.ignore(); }); break;
        case verb::look: {
            const bulwark::breaker_snapshot s = breaker.snapshot();
            const auto small = [](auto value) { return static_cast<std::uint8_t>(value); };
            told.state = small(s.state);
            told.generation = small(s.generation);
            told.counts = {small(s.counts.requests),
                           small(s.counts.total_successes),
                           small(s.counts.total_failures),
                           small(s.counts.total_ignored),
                           small(s.counts.consecutive_successes),
                           small(s.counts.consecutive_failures)};
            told.retry_after = static_cast<std::int32_t>(s.retry_after.count());
            break;
        }
        case verb::advance: break;
    }
}

/// The answers of a whole run, in a form that can be compared: before, each thread, after.
std::string key_of(const breaker_scenario& s, const std::vector<answers>& told);

/// The same for people, one line an operation.
std::string describe(const breaker_scenario& s, const std::vector<answers>& told);

/// The keys of every order in which the reference could have been called.
std::unordered_set<std::string> sequential_outcomes(const breaker_scenario& s);

}  // namespace explore
