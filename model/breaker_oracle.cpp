// The oracle: rules that any history must keep, the promise of the scenario, and a sequential order of the mutex
// reference that explains it all.
#include "breaker_oracle.hpp"
#include "../checks/clock.hpp"

#include "linearize.hpp"

#include <bulwark/reference/circuit_breaker.hpp>

#include <algorithm>
#include <sstream>

namespace bulwark::model {
namespace {

/// Time of the specification. Single-threaded, so it is a plain number.
struct spec_clock : checks::nanosecond_clock<spec_clock> {
    static time_point now() noexcept { return time; }
    static void advance(duration by) noexcept { time += by; }

    static inline time_point time;
};

class specification {
public:
    explicit specification(const scenario& s)
        : player_((spec_clock::time = spec_clock::time_point(s.begins_at), s.config)) {}
    answer operator()(const step& taken) { return player_(taken); }

private:
    player<reference::basic_circuit_breaker<spec_clock>> player_;
};

bool possible(const transition& t) {
    switch (t.from) {
        case breaker_state::closed: return t.to == breaker_state::open;
        case breaker_state::open: return t.to == breaker_state::half_open;
        case breaker_state::half_open: return true;
    }
    return false;
}

bool sane(const breaker_snapshot& s, std::uint32_t max_requests) {
    const breaker_counts& c = s.counts;
    const bool adds_up = c.requests >= c.total_successes + c.total_failures + c.total_ignored;
    const bool one_row = c.consecutive_successes == 0 || c.consecutive_failures == 0;
    const bool bounded = s.state != breaker_state::half_open || c.requests - c.total_ignored <= max_requests;
    return adds_up && one_row && bounded;
}

std::string name_of(act what) {
    switch (what) {
        case act::admit: return "admit";
        case act::succeed: return "succeed";
        case act::fail: return "fail";
        case act::ignore: return "ignore";
        case act::look: return "look";
        case act::wait: return "wait";
        case act::trip: return "trip";
        case act::force: return "force open";
        case act::disable: return "disable";
        case act::reset: return "reset";
        case act::hold: return "hold off, in 256 ns";
    }
    return "?";
}

}  // namespace

std::string to_string(const step& taken, const answer& given) {
    std::ostringstream out;
    out << name_of(taken.what);
    if (taken.what < act::look || taken.what == act::wait || taken.what == act::hold) out << ' ' << taken.arg;
    switch (taken.what) {
        case act::admit:
            out << ": " << (given.refusal == errc{} ? "yes" : make_error_code(given.refusal).message());
            break;
        case act::look: out << ": " << *given.seen; break;
        case act::wait: break;
        default:
            if (is_operators(taken.what)) {
                out << (given.counted ? ": changed" : ": no change");
            } else {
                out << ": " << (given.counted ? "counted" : "stale");
            }
            break;
    }
    if (given.made) out << ", made " << *given.made;
    return out.str();
}

breaker_oracle::breaker_oracle(const scenario& s) : scenario_(s), steps_(sequences(s)) {
    for (const auto& sequence : steps_) answers_.emplace_back(sequence.size());
}

const std::string& breaker_oracle::judge() {
    const auto [at, fresh] = judged_.try_emplace(key());
    if (fresh) at->second = complaint();
    return at->second;
}

std::string breaker_oracle::complaint() const {
    std::string wrong = broken_rule();
    if (wrong.empty() && !scenario_.promise(summarize())) wrong = "the promise of the scenario is broken";
    if (wrong.empty() && !explained()) wrong = "no sequential order explains it";
    return wrong.empty() ? wrong : wrong + '\n' + history();
}

std::string breaker_oracle::broken_rule() const {
    breaker_state state = breaker_state::closed;
    std::uint64_t generation = 1;
    bool operated = false;  // then any state may follow any
    for (const auto& sequence : steps_) {
        for (const step& taken : sequence) operated |= is_operators(taken.what);
    }
    for (const transition& t : transitions()) {
        if (t.generation != ++generation) return "a transition was lost or made twice";
        if (t.from != state || !(possible(t) || operated)) return "there is no such transition";
        state = t.to;
    }
    for (std::size_t i = 0; i != answers_.size(); ++i) {
        for (std::size_t j = 0; j != answers_[i].size(); ++j) {
            const answer& a = answers_[i][j];
            if (a.seen && !sane(*a.seen, scenario_.config.max_requests)) return "a snapshot that cannot be";
            if (a.made && steps_[i][j].what != act::admit && !a.counted) return "a stale result made a transition";
        }
    }
    return {};
}

bool breaker_oracle::explained() const {
    return linearizer<specification, scenario, step, answer>(scenario_, steps_, answers_).explained();
}

summary breaker_oracle::summarize() const {
    summary s;
    for (std::size_t i = 1; i + 1 != answers_.size(); ++i) {
        for (std::size_t j = 0; j != answers_[i].size(); ++j) {
            const answer& a = answers_[i][j];
            if (steps_[i][j].what == act::admit && a.refusal == errc{}) ++s.admitted;
            if (a.made) ++s.transitions;
        }
    }
    for (const answer& a : answers_.back()) {
        if (a.seen) s.last = *a.seen;
    }
    return s;
}

std::vector<transition> breaker_oracle::transitions() const {
    std::vector<transition> all;
    for (const auto& sequence : answers_) {
        for (const answer& a : sequence) {
            if (a.made) all.push_back(*a.made);
        }
    }
    std::sort(all.begin(), all.end(),
              [](const transition& a, const transition& b) { return a.generation < b.generation; });
    return all;
}

std::vector<std::int64_t> breaker_oracle::key() const {
    std::vector<std::int64_t> all;
    const auto put = [&](auto number) { all.push_back(static_cast<std::int64_t>(number)); };
    for (const auto& sequence : answers_) {
        for (const answer& a : sequence) {
            put(a.refusal);
            put(a.counted);
            const transition t = a.made.value_or(transition{});
            for (const auto n : {static_cast<std::uint64_t>(t.from), static_cast<std::uint64_t>(t.to), t.generation})
                put(n);
            const breaker_snapshot s = a.seen.value_or(breaker_snapshot{});
            put(s.state);
            put(s.generation);
            put(s.retry_after.count());
            put(s.manual);
            const breaker_counts& c = s.counts;
            for (const auto n : {c.requests, c.total_successes, c.total_failures, c.total_ignored,
                                 c.consecutive_successes, c.consecutive_failures}) {
                put(n);
            }
        }
    }
    return all;
}

std::string breaker_oracle::history() const {
    std::string text;
    for (std::size_t i = 0; i != steps_.size(); ++i) {
        const bool outer = i == 0 || i + 1 == steps_.size();
        const std::string who = !outer ? "thread " + std::to_string(i - 1) : i == 0 ? "before" : "after";
        for (std::size_t j = 0; j != steps_[i].size(); ++j) {
            text += "    " + who + ": " + to_string(steps_[i][j], answers_[i][j]) + '\n';
        }
    }
    return text;
}

}  // namespace bulwark::model
