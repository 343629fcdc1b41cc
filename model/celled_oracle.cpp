// The search for an order: every way in which the parts of the operations can follow each other, depth first.
#include "celled_oracle.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <set>
#include <sstream>
#include <utility>

namespace bulwark::model {
namespace {

using lin::breaker_answer;
using lin::breaker_verb;

/// The sequential breaker, and what it does not show.
class open_spec : public lin::breaker_spec {
public:
    using breaker_spec::breaker_spec;

    std::uint32_t window() const { return window_; }
    bool closed() const { return state_ == breaker_state::closed; }
    bool is_window_over() const { return window_over(); }
    void roll() { begin_window(); }
    /// The next failure trips, or does not.
    void decide(bool trips) {
        rules_.trips = {.in_a_row = trips ? 1 : std::numeric_limits<std::uint32_t>::max(), .percent = 0, .at_least = 0};
    }
    std::uint32_t failures() const { return counts_.total_failures; }
    bool is_of_another_window(std::size_t permit) const { return tickets_[permit].window != window_; }
    bool is_stale(std::size_t permit) const { return tickets_[permit].generation != generation_; }
    breaker_counts counts() const { return counts_; }
};

/// What a thread counted and others may not have seen yet.
struct unseen {
    enum kind : std::uint8_t { request, total, row };

    kind what = request;
    std::uint32_t window = 0;
    std::uint32_t failures = 0;  ///< of the window, when it was counted: names the row

    auto operator<=>(const unseen&) const = default;
};

/// What must not change while an operation reads.
struct mark {
    std::uint32_t window = 0;
    std::uint32_t failures = 0;

    bool operator==(const mark&) const = default;
};

struct place {
    open_spec spec;
    std::vector<std::size_t> next;  ///< of each sequence: the step that it is at
    std::vector<std::size_t> part;  ///< and the part of that step
    std::vector<mark> begun;        ///< and what the first part found
    std::vector<std::deque<unseen>> late;
    bool told = false;
};

class search {
public:
    search(const celled_scenario& s, const std::vector<std::vector<celled_step>>& steps,
           const std::vector<std::vector<celled_answer>>& answers)
        : scenario_(s), steps_(steps), answers_(answers) {}

    bool explained() {
        const std::size_t n = steps_.size();
        return from({open_spec(scenario_.rules, std::chrono::nanoseconds(0)), std::vector<std::size_t>(n),
                     std::vector<std::size_t>(n), std::vector<mark>(n), std::vector<std::deque<unseen>>(n), false});
    }

private:
    bool from(const place& p) {
        if (!tried_.insert(key(p)).second) return false;
        bool complete = true;
        for (std::size_t who = 0; who != steps_.size(); ++who) {
            if (p.next[who] == steps_[who].size()) continue;
            complete = false;
            if (!may_be_next(p, who)) continue;
            place then = p;
            if (advance(then, who) && from(then)) return true;
        }
        if (complete) return true;
        for (std::size_t who = 0; who != steps_.size(); ++who) {
            if (p.late[who].empty()) continue;
            place then = p;
            then.late[who].pop_front();
            if (from(then)) return true;
        }
        if (!may_be_counted_out(p)) return false;
        place then = p;
        then.spec.roll();
        return from(then);
    }

    /// Whether a new window may begin because the counts come near to their end.
    bool may_be_counted_out(const place& p) const {
        return scenario_.layout == celled_layout::tiny && p.spec.closed() &&
               p.spec.counts().requests + (scenario_.cells + tiny_widths.shared_cells + 2) * tiny_widths.cell_stride >
                   tiny_widths.max_count;
    }

    static std::string key(const place& p) {
        std::string text;
        const auto put = [&](std::size_t n) { text.append(reinterpret_cast<const char*>(&n), sizeof n); };
        put(p.spec.hash());
        put(p.told ? 1 : 0);
        for (std::size_t i = 0; i != p.next.size(); ++i) {
            for (const std::size_t n : {p.next[i], p.part[i], std::size_t{p.begun[i].window},
                                        std::size_t{p.begun[i].failures}, p.late[i].size()}) {
                put(n);
            }
            for (const unseen& u : p.late[i]) {
                put(u.what);
                put(std::size_t{u.window} << 32 | u.failures);
            }
        }
        return text;
    }

    bool may_be_next(const place& p, std::size_t who) const {
        const auto done = [&](std::size_t other) { return p.next[other] == steps_[other].size(); };
        if (who != 0 && !done(0)) return false;
        if (who + 1 != steps_.size()) return true;
        for (std::size_t other = 0; other + 1 != steps_.size(); ++other) {
            if (!done(other) || !p.late[other].empty()) return false;
        }
        return true;
    }

    /// The newest counts, but for what others have counted and this one cannot see.
    static breaker_counts visible(const place& p, std::size_t who) {
        breaker_counts c = p.spec.counts();
        for (std::size_t other = 0; other != p.late.size(); ++other) {
            if (other == who) continue;
            for (const unseen& u : p.late[other]) {
                if (u.window != p.spec.window()) continue;
                if (u.what == unseen::request) --c.requests;
                if (u.what == unseen::total) --c.total_successes;
                if (u.what == unseen::row && u.failures == c.total_failures) --c.consecutive_successes;
            }
        }
        return c;
    }

    /// Takes the next part of a thread's next step; false where it cannot come now, or does not fit the answer.
    bool advance(place& p, std::size_t who) const {
        const celled_step& step = steps_[who][p.next[who]];
        const celled_answer& given = answers_[who][p.next[who]];
        const bool over = !given.taken || take(p, who, step, given);
        if (failed_) return failed_ = false;
        if (over) {
            ++p.next[who];
            p.part[who] = 0;
            p.begun[who] = {};
        } else {
            ++p.part[who];
        }
        return true;
    }

    /// Whether the step is over with this part. Sets failed_ where it cannot be.
    bool take(place& p, std::size_t who, const celled_step& step, const celled_answer& given) const {
        const std::size_t permit = step.arg;
        const auto fits = [&](const breaker_answer& a) { failed_ = failed_ || !(a == given.told); };
        const auto seen_by_all = [&] { failed_ = failed_ || !p.late[who].empty(); };
        switch (step.what) {
            case celled_act::admit:
                fits(p.spec.apply({breaker_verb::acquire, permit}));
                if (p.spec.closed()) p.late[who].push_back({unseen::request, p.spec.window(), p.spec.failures()});
                return true;
            case celled_act::succeed: {
                const bool beside =
                    p.spec.closed() && !p.spec.is_stale(permit) && p.spec.counts().consecutive_failures == 0;
                fits(p.spec.apply({breaker_verb::success, permit}));
                if (!beside) return true;
                for (const unseen::kind what : {unseen::total, unseen::row}) {
                    p.late[who].push_back({what, p.spec.window(), p.spec.failures()});
                }
                return true;
            }
            case celled_act::ignore:
                seen_by_all();
                fits(p.spec.apply({breaker_verb::ignore, permit}));
                return true;
            case celled_act::fail: return fail(p, who, permit, given);
            case celled_act::look: return look(p, who, given);
            case celled_act::wait: p.spec.advance(std::chrono::nanoseconds(step.arg)); return true;
            case celled_act::tell:
                seen_by_all();
                p.told = true;
                return true;
            case celled_act::hear: failed_ = !p.told; return true;
            case celled_act::leave: seen_by_all(); return true;
            case celled_act::come: return true;
        }
        return true;
    }

    bool fail(place& p, std::size_t who, std::size_t permit, const celled_answer& given) const {
        if (!given.weighed) {
            seen_by_all(p, who);
            failed_ = failed_ || !(p.spec.apply({breaker_verb::failure, permit}) == given.told);
            return true;
        }
        if (p.spec.is_stale(permit) || !p.spec.closed()) return failed_ = true;
        const breaker_counts& weighed = *given.weighed;
        const mark now{p.spec.window(), p.spec.failures()};
        switch (p.part[who]) {
            case 0:
                if (p.spec.is_window_over()) {
                    // It begins the window first.
                    p.spec.roll();
                    p.begun[who] = {p.spec.window(), 0};
                } else {
                    p.begun[who] = now;
                }
                failed_ = visible(p, who).total_successes != weighed.total_successes;
                return false;
            case 1: {
                const std::uint32_t own = p.spec.is_of_another_window(permit) ? 1 : 0;
                const std::uint32_t outcomes = weighed.total_successes + weighed.total_failures + weighed.total_ignored;
                const std::uint32_t requests = std::max(visible(p, who).requests + own, outcomes);
                failed_ = !(p.begun[who] == now) || requests != weighed.requests;
                return false;
            }
            default: break;
        }
        seen_by_all(p, who);
        const breaker_counts before = p.spec.counts();
        failed_ = failed_ || !(p.begun[who] == now) || weighed.total_failures != before.total_failures + 1 ||
                  weighed.total_ignored != before.total_ignored || weighed.consecutive_successes != 0 ||
                  weighed.consecutive_failures != before.consecutive_failures + 1;
        p.spec.decide(scenario_.policy ? scenario_.policy(weighed) : scenario_.rules.trips.says_yes(weighed));
        failed_ = failed_ || !(p.spec.apply({breaker_verb::failure, permit}) == given.told);
        return true;
    }

    bool look(place& p, std::size_t who, const celled_answer& given) const {
        const breaker_snapshot& seen = given.told.seen;
        breaker_snapshot now = p.spec.look();
        if (now.state != breaker_state::closed || p.spec.is_window_over()) {
            failed_ = !(now == seen);
            return true;
        }
        const mark m{p.spec.window(), p.spec.failures()};
        const breaker_counts& told = seen.counts;
        const breaker_counts counts = visible(p, who);
        if (p.part[who] == 0) {
            p.begun[who] = m;
            now.counts.requests = told.requests;
            now.counts.total_successes = told.total_successes;
            now.counts.consecutive_successes = told.consecutive_successes;
            failed_ = !(now == seen);
            return false;
        }
        failed_ = !(p.begun[who] == m);
        switch (p.part[who]) {
            case 1: {
                const std::uint32_t in_a_row = told.consecutive_failures != 0 ? 0 : counts.consecutive_successes;
                failed_ = failed_ || in_a_row != told.consecutive_successes;
                return false;
            }
            case 2: failed_ = failed_ || counts.total_successes != told.total_successes; return false;
            default: failed_ = failed_ || counts.requests != told.requests; return true;
        }
    }

    void seen_by_all(const place& p, std::size_t who) const { failed_ = failed_ || !p.late[who].empty(); }

    const celled_scenario& scenario_;
    const std::vector<std::vector<celled_step>>& steps_;
    const std::vector<std::vector<celled_answer>>& answers_;
    std::set<std::string> tried_;
    mutable bool failed_ = false;
};

bool adds_up(const breaker_counts& c) {
    return c.requests >= c.total_successes + c.total_failures + c.total_ignored &&
           c.consecutive_successes <= c.total_successes && c.consecutive_failures <= c.total_failures &&
           (c.consecutive_successes == 0 || c.consecutive_failures == 0);
}

std::string name_of(celled_act what) {
    static constexpr const char* names[] = {"admit", "succeed", "fail", "ignore", "look",
                                            "wait",  "tell",    "hear", "leave",  "come"};
    return names[static_cast<std::size_t>(what)];
}

}  // namespace

celled_oracle::celled_oracle(const celled_scenario& s) : scenario_(s), steps_(sequences(s)) {
    for (const auto& sequence : steps_) answers_.emplace_back(sequence.size());
}

void celled_oracle::forget() {
    for (auto& sequence : answers_) sequence.assign(sequence.size(), {});
}

const std::string& celled_oracle::judge() {
    const auto [at, fresh] = judged_.try_emplace(key());
    if (fresh) at->second = complaint();
    return at->second;
}

std::string celled_oracle::complaint() const {
    std::string wrong;
    for (const auto& sequence : answers_) {
        for (const celled_answer& a : sequence) {
            if (scenario_.layout == celled_layout::tiny && a.told.seen.counts.requests > tiny_widths.max_count) {
                wrong = "a count passes its end";
            }
            if (!adds_up(a.told.seen.counts)) wrong = "a snapshot that cannot be";
            if (a.weighed && !adds_up(*a.weighed)) wrong = "the policy was asked about counts that cannot be";
        }
    }
    if (wrong.empty() && !search(scenario_, steps_, answers_).explained()) wrong = "no order explains it";
    return wrong.empty() ? wrong : wrong + '\n' + history();
}

std::string celled_oracle::key() const {
    std::string text;
    const auto put = [&](auto number) {
        const auto n = static_cast<std::int64_t>(number);
        text.append(reinterpret_cast<const char*>(&n), sizeof n);
    };
    const auto put_counts = [&](const breaker_counts& c) {
        for (const auto n : {c.requests, c.total_successes, c.total_failures, c.total_ignored, c.consecutive_successes,
                             c.consecutive_failures}) {
            put(n);
        }
    };
    for (const auto& sequence : answers_) {
        for (const celled_answer& a : sequence) {
            put(a.taken);
            put(a.told.refusal);
            put(a.told.counted);
            put(a.told.told);
            put(a.told.change.from);
            put(a.told.change.to);
            put(a.told.change.generation);
            put(a.told.seen.state);
            put(a.told.seen.generation);
            put(a.told.seen.retry_after.count());
            put_counts(a.told.seen.counts);
            put(a.weighed.has_value());
            put_counts(a.weighed.value_or(breaker_counts{}));
        }
    }
    return text;
}

std::string celled_oracle::history() const {
    std::ostringstream out;
    for (std::size_t i = 0; i != steps_.size(); ++i) {
        const bool outer = i == 0 || i + 1 == steps_.size();
        const std::string who = !outer ? "thread " + std::to_string(i - 1) : i == 0 ? "before" : "after";
        for (std::size_t j = 0; j != steps_[i].size(); ++j) {
            const celled_answer& a = answers_[i][j];
            if (!a.taken) continue;
            out << "    " << who << ": " << name_of(steps_[i][j].what) << ' ' << steps_[i][j].arg;
            switch (steps_[i][j].what) {
                case celled_act::admit:
                    out << ": " << (a.told.refusal == errc{} ? "yes" : make_error_code(a.told.refusal).message());
                    break;
                case celled_act::succeed:
                case celled_act::fail:
                case celled_act::ignore: out << ": " << (a.told.counted ? "counted" : "stale"); break;
                case celled_act::look: out << ": " << a.told.seen; break;
                default: break;
            }
            if (a.weighed) out << ", weighed " << *a.weighed;
            if (a.told.told != 0) out << ", made " << a.told.change;
            out << '\n';
        }
    }
    return out.str();
}

}  // namespace bulwark::model
