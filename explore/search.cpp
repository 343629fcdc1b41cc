#include <explore/hash.hpp>
#include <explore/reduction.hpp>
#include <explore/search.hpp>
#include <explore/sites.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <random>
#include <vector>

namespace explore {

namespace {

class stopwatch {
public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// A trace is one letter a step for the thread, and the rank of the choice among the thread's choices, where it is not
// the first (the newest message, done as asked).

std::string to_text(choice c, const std::vector<choice>& choices) {
    std::size_t rank = 0;
    for (const choice& other : choices) {
        if (other == c) break;
        if (other.thread == c.thread) ++rank;
    }
    return static_cast<char>('a' + c.thread) + (rank == 0 ? std::string() : std::to_string(rank));
}

choice next_choice(const std::string& trace, std::size_t& at, const std::vector<choice>& choices) {
    if (at >= trace.size()) return choices.front();
    const int thread = trace[at++] - 'a';
    std::size_t rank = 0;
    for (; at < trace.size() && trace[at] >= '0' && trace[at] <= '9'; ++at) {
        rank = rank * 10 + static_cast<std::size_t>(trace[at] - '0');
    }
    for (const choice& c : choices) {
        if (c.thread == thread && rank-- == 0) return c;
    }
    return choices.front();
}

/// Checks an execution that cannot go on; false where it is wrong.
bool ends_well(machine& m) {
    if (m.finished()) {
        m.finish();
    } else {
        m.fail("dead-lock: every thread that is left sleeps");
    }
    return m.violation().empty();
}

class depth_first {
public:
    depth_first(program& p, const options& o) : options_(o) { machine_.start(p, o.spurious_failures); }

    report run() {
        bool right = machine_.violation().empty() && enter(0, {});
        while (right && depth_ != 0 && watch_.seconds() < options_.seconds) {
            for (int i = 0; right && depth_ != 0 && i != 256; ++i) right = advance();
        }
        report_.exhausted = right && depth_ == 0 && !cut_;
        report_.seconds = watch_.seconds();
        report_.states = states_.size();
        if (!right) describe();
        return report_;
    }

private:
    /// What the search is bounded in.
    struct cost {
        unsigned preemptions = 0;
        unsigned lags = 0;
        unsigned lagging = 0;  ///< the threads whose last load with a choice was of an old message
    };

    struct node {
        machine::snapshot before;
        digest known_as;
        std::vector<choice> choices;
        std::size_t next = 0;
        std::size_t last = 0;  ///< the thread that made the step to this state
        cost spent;            ///< on the way to this state
        choice taken;
        bool fresh = true;  ///< nothing was tried, so there is nothing to undo
    };

    /// Takes the next choice of the newest node, or leaves it. False where that is wrong.
    bool advance() {
        node& n = nodes_[depth_ - 1];
        const bool reduces = options_.kind == search_kind::reduced;
        if (reduces && !n.fresh) reduction_.take_back();
        // The reduction may want choices that it did not want before.
        if (reduces) n.next = 0;
        while (n.next != n.choices.size() && !allowed(n, n.choices[n.next])) ++n.next;
        if (n.next == n.choices.size()) {
            if (reduces) reduction_.leave();
            if (n.fresh) ++report_.schedules;  // all asleep
            --depth_;
            return true;
        }
        if (!n.fresh) machine_.go_back(n.before);
        n.fresh = false;
        n.taken = n.choices[n.next++];
        const cost spent = after(n, n.taken);
        const reduction::step step = reduction::of(machine_, n.taken);
        machine_.step(n.taken);
        ++report_.steps;
        if (reduces) reduction_.take(step, machine_.locations().wrote());
        return machine_.violation().empty() && enter(n.taken.thread, spent);
    }

    bool preempts(const node& n, choice c) const { return depth_ != 1 && c.thread != n.last && can_go_on(n); }
    static bool can_go_on(const node& n) {
        return std::any_of(n.choices.begin(), n.choices.end(), [&](const choice& c) { return c.thread == n.last; });
    }

    cost after(const node& n, choice c) const {
        cost spent = n.spent;
        if (preempts(n, c)) ++spent.preemptions;
        const unsigned bit = 1U << c.thread;
        const auto is_old = [&](const choice& other) { return other.thread == c.thread && other.old; };
        if (c.old && (spent.lagging & bit) == 0) ++spent.lags;
        if (c.old) {
            spent.lagging |= bit;
        } else if (std::any_of(n.choices.begin(), n.choices.end(), is_old)) {
            spent.lagging &= ~bit;
        }
        return spent;
    }

    bool allowed(const node& n, choice c) const {
        if (options_.kind == search_kind::reduced) return reduction_.wants(c);
        const cost spent = after(n, c);
        return spent.preemptions <= options_.preemptions && spent.lags <= options_.lags;
    }

    bool enter(std::size_t last, const cost& spent) {
        if (nodes_.size() == depth_) nodes_.emplace_back();
        node& n = nodes_[depth_];
        machine_.list_choices(n.choices);
        if (n.choices.empty()) {
            ++report_.schedules;
            ++report_.complete;
            return ends_well(machine_);
        }
        std::uint64_t more = 0;
        if (options_.preemptions != options::unbounded) more = std::uint64_t{spent.preemptions} << 8 | (last + 1);
        if (options_.lags != options::unbounded)
            more |= std::uint64_t{spent.lags} << 32 | std::uint64_t{spent.lagging} << 48;
        if (options_.kind == search_kind::states) {
            n.known_as = machine_.hash(more);
            if (!states_.insert(n.known_as)) {
                ++report_.schedules;
                if (options_.lock_free && circles(last, n.known_as))
                    machine_.fail("a thread that runs alone goes in a circle");
                return machine_.violation().empty();
            }
        }
        if (depth_ == options_.max_steps) {
            cut_ = true;
            ++report_.schedules;
            return true;
        }
        // The thread that ran goes on first; the choices of a thread lie together.
        const auto own =
            std::find_if(n.choices.begin(), n.choices.end(), [&](const choice& c) { return c.thread == last; });
        std::rotate(n.choices.begin(), own, n.choices.end());
        n.next = 0;
        n.last = last;
        n.spent = spent;
        n.fresh = true;
        machine_.save(n.before);
        if (options_.kind == search_kind::reduced) reduction_.enter(n.choices, last);
        ++depth_;
        return true;
    }

    /// Whether the thread has come back to where it was, though none of the others moved and it read what was newest.
    bool circles(std::size_t thread, const digest& here) const {
        for (std::size_t i = depth_; i-- != 0;) {
            const node& n = nodes_[i];
            const auto is_own = [&](const choice& c) { return c.thread == thread; };
            if (*std::find_if(n.choices.begin(), n.choices.end(), is_own) != n.taken) return false;
            if (n.known_as == here) return true;
        }
        return false;
    }

    void describe() {
        report_.violation = machine_.violation();
        for (std::size_t i = 0; i != depth_; ++i) report_.trace += to_text(nodes_[i].taken, nodes_[i].choices);
    }

    options options_;
    stopwatch watch_;
    report report_;
    machine machine_;
    reduction reduction_;
    digest_set states_;
    std::vector<node> nodes_;  // the first depth_ are the path; the rest keep their memory
    std::size_t depth_ = 0;
    bool cut_ = false;
};

report random_runs(program& p, const options& o) {
    const stopwatch watch;
    report all;
    std::mt19937_64 random(o.seed);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    machine m;
    m.start(p, o.spurious_failures);
    machine::snapshot root;
    m.save(root);
    std::vector<choice> choices;
    std::size_t longest = 100;
    while (all.schedules != o.runs && watch.seconds() < o.seconds) {
        m.go_back(root);
        std::string trace;
        std::array<std::uint64_t, max_threads> priority{};
        for (std::uint64_t& of : priority) of = random();
        std::vector<std::size_t> changes(o.changes);
        for (std::size_t& at : changes) at = below(longest);
        std::size_t step = 0;
        for (; step != o.max_steps; ++step) {
            m.list_choices(choices);
            if (choices.empty() || !m.violation().empty()) break;
            const auto by_priority = [&](const choice& a, const choice& b) {
                return priority[a.thread] < priority[b.thread];
            };
            std::size_t t = std::max_element(choices.begin(), choices.end(), by_priority)->thread;
            if (std::find(changes.begin(), changes.end(), step) != changes.end()) {
                priority[t] = below(1024);
                t = std::max_element(choices.begin(), choices.end(), by_priority)->thread;
            }
            std::vector<choice> own;
            std::copy_if(choices.begin(), choices.end(), std::back_inserter(own),
                         [&](const choice& c) { return c.thread == t; });
            const choice c = own[below(2) == 0 ? 0 : below(own.size())];
            trace += to_text(c, choices);
            m.step(c);
        }
        longest = std::max(longest, step);
        if (o.lock_free && step == o.max_steps) m.fail("no end after " + std::to_string(step) + " steps");
        all.steps += step;
        ++all.schedules;
        if (choices.empty() && m.violation().empty()) {
            ++all.complete;
            ends_well(m);
        }
        if (!m.violation().empty()) {
            all.violation = m.violation();
            all.trace = trace;
            break;
        }
    }
    all.seconds = watch.seconds();
    return all;
}

void tell_step(const machine& m, std::size_t step, choice c, const request& r) {
    static constexpr const char* verbs[] = {"load", "store", "add", "compare", "park", "wake", "unpark"};
    const site& s = sites()[r.site];
    std::cout << step << "  " << static_cast<char>('a' + c.thread) << "  " << s.where << "  "
              << verbs[static_cast<std::size_t>(r.what)] << ' ' << to_string(s.weakened.value_or(s.written))
              << "  location " << static_cast<int>(r.location) << "  newest 0x" << std::hex
              << m.locations().newest(r.location) << std::dec;
    if (r.what == action::compare)
        std::cout << "  expects 0x" << std::hex << r.expected << std::dec << (c.fails ? "  fails" : "");
    std::cout << '\n';
}

}  // namespace

report explore(program& p, const options& o) {
    return o.kind == search_kind::random ? random_runs(p, o) : depth_first(p, o).run();
}

report replay(program& p, const options& o, const std::string& trace, bool tell) {
    report once;
    machine m;
    m.start(p, o.spurious_failures);
    std::vector<choice> choices;
    std::size_t at = 0;
    while (once.steps != o.max_steps && m.violation().empty()) {
        m.list_choices(choices);
        if (choices.empty()) break;
        const choice c = next_choice(trace, at, choices);
        once.trace += to_text(c, choices);
        if (tell) tell_step(m, once.steps, c, m.wants(c.thread));
        m.step(c);
        ++once.steps;
    }
    once.schedules = 1;
    if (choices.empty() && m.violation().empty()) {
        once.complete = 1;
        ends_well(m);
    }
    once.violation = m.violation();
    return once;
}

}  // namespace explore
