// What a breaker scenario is made of: operations, the answers they got, and the rule that a run must keep.
//
// The rule: the answers of all operations together are those of some order in which the mutex reference could have been
// called, one operation at a time, each thread's in its own order; every such order is tried. And they are those of an
// order of lin/'s specification that keeps happens-before as well (history.hpp).
#pragma once

#include <lin/breaker_spec.hpp>

#include <bulwark/circuit_breaker_config.hpp>
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

enum class verb : std::uint8_t {
    admit,
    success,
    failure,
    ignore,
    look,
    advance,  ///< of time
    meet,     ///< the other threads, in a word that is not the breaker's
};

struct operation {
    verb what = verb::look;
    std::size_t permit = 0;  ///< where an admission puts its permit, and whose outcome is told
    std::chrono::nanoseconds by{0};
};

/// What an operation found. Small and without padding: it is part of every state that a search compares.
struct answer {
    static constexpr std::uint8_t none = 255;

    std::uint8_t code = 0;  ///< admission: the refusal, or 0; outcome: whether it counted
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
    shipped,
};

struct breaker_scenario {
    breaker_scenario() = default;
    /// `script`: before | each thread, the next | after. In words: a0 admits and puts its permit in place 0; s0, f0 and
    /// i0 tell of that permit success, failure, and that it is ignored; l looks, +5 advances by 5 ns, m meets.
    breaker_scenario(std::string its_name, const bulwark::lin::breaker_rules& its_rules, const std::string& script);

    std::string name;
    widths layout = widths::two;
    bulwark::lin::breaker_rules rules;
    operations before;
    std::vector<operations> threads;
    operations after;
    /// How many threads have a cell, the first so many. Then looks of the threads are blurred: see blur().
    std::uint32_t cells = 0;
    /// Time moves while the threads run, so reading it is a step. Otherwise it stands still meanwhile.
    bool time_moves = false;
    /// Bounds of the search (search.hpp); 0: none. For scenarios with too many states to visit all.
    unsigned preemptions = 0;
    unsigned lags = 0;
    /// Explored with the partial-order reduction instead of state by state: better where no thread helps another.
    bool reduce = false;
};

bulwark::circuit_breaker_config config_of(const bulwark::lin::breaker_rules& rules, std::uint32_t cells = 0);

inline void note(answer& into, const bulwark::transition& made) {
    into.from = static_cast<std::uint8_t>(made.from);
    into.to = static_cast<std::uint8_t>(made.to);
    into.entered = static_cast<std::uint8_t>(made.generation);
}
void note(answer& into, const bulwark::breaker_snapshot& seen);

/// Takes the requests, the successes and their row out of a look: with cells, these are not of the instant at which the
/// rest is. False where they cannot be of any. The models of model/ know more of them.
bool blur(answer& look);

/// Does what is to be done to a breaker, lock-free or reference, but for moving time and meeting. `told` has the
/// transition already where the callback has noted it.
template <class Breaker>
void act(Breaker& breaker, std::array<std::optional<typename Breaker::permit>, max_permits>& permits,
         const operation& o, answer& told) {
    std::optional<typename Breaker::permit>& permit = permits[o.permit];
    const auto tell = [&](auto how) {
        told.code = permit && how(*permit) ? 1 : 0;
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
        case verb::look: note(told, breaker.snapshot()); break;
        case verb::advance:
        case verb::meet: break;
    }
}

/// The specification of lin/ with the scenarios' operations and answers; time moves by an operation.
class sequential_breaker {
public:
    using call = operation;
    using answer = explore::answer;

    explicit sequential_breaker(const bulwark::lin::breaker_rules& rules) : rules_(rules), spec_(rules, {}) {}
    /// From now on.
    void blur_looks(bool yes) { blurred_ = yes; }
    answer apply(const operation& o);

    /// Whether the next operation but a look begins a new window.
    bool window_over() const {
        return rules_.interval.count() != 0 && spec_.look().state == bulwark::breaker_state::closed &&
               spec_.age() >= rules_.interval;
    }

    bool operator==(const sequential_breaker&) const = default;
    std::size_t hash() const { return spec_.hash(); }

private:
    bulwark::lin::breaker_rules rules_;
    bulwark::lin::breaker_spec spec_;
    bool blurred_ = false;
};

/// The answers of a whole run, in a form that can be compared: before, each thread, after.
std::string key_of(const breaker_scenario& s, const std::vector<answers>& told);

/// The rules, and the operations, with their answers where there are any: one line each.
std::string describe(const breaker_scenario& s, const std::vector<answers>& told = {});

/// The keys of every order in which the reference could have been called.
std::unordered_set<std::string> sequential_outcomes(const breaker_scenario& s);

}  // namespace explore
