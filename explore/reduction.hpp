// Source-set dynamic partial-order reduction with sleep sets (Abdulla, Aronis, Jonsson, Sagonas, POPL 2014), for
// executions whose loads choose what they read.
//
// Two steps depend on each other where they are
//   - of one thread;
//   - both writers of one location. A compare-and-swap is one even where it fails, so is park and unpark;
//   - a write, and the load that reads it;
//   - both seq_cst, whatever their locations; or
//   - an unpark, and the end of the sleep that it ended.
// A load and a write that it does not read do not depend on each other: the load finds the same message before and
// after the write. But the load *could* have read a write that came later, so such a pair counts as a race, to be
// turned round: the write is tried first, and the load, whose other choices sleep, is left with the new one. The other
// way round nothing is to be done, because a load after the write is tried with every older message as well.
#pragma once

#include <explore/machine.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace explore {

class reduction {
public:
    /// A step that was explored, or that was explored from the same state and need not be again.
    struct step {
        choice made;
        action what = action::load;
        std::uint8_t location = 0;
        bool total = false;

        bool writer() const { return is_writer(what); }
        bool depends_on(const step& other) const {
            return made.thread == other.made.thread || (total && other.total) ||
                   (location == other.location && writer() && other.writer());
        }
    };

    /// What is known of a state on the path.
    struct node {
        unsigned threads = 0;      ///< those whose steps are to be explored here
        std::vector<step> asleep;  ///< steps whose executions were all explored elsewhere
    };

    static step of(const machine& m, choice c) {
        const request& r = m.wants(c.thread);
        return {c, r.what, r.location, r.total};
    }

    std::size_t depth() const { return nodes_.size(); }

    /// Enters the state to which the last step led; `last` is the thread that made it.
    void enter(const std::vector<choice>& choices, std::size_t last) {
        node n;
        if (!events_.empty()) {
            for (const step& s : nodes_.back().asleep) {
                if (!s.depends_on(events_.back().made)) n.asleep.push_back(s);
            }
        }
        // A switch only where it must be: what the other threads could do comes in through the races.
        for (const choice& c : choices) {
            if (sleeps(n, c)) continue;
            if (n.threads == 0 || c.thread == last) n.threads = 1U << c.thread;
        }
        nodes_.push_back(std::move(n));
    }

    /// Whether the choice is to be tried in the newest state.
    bool wants(choice c) const {
        const node& n = nodes_.back();
        return (n.threads >> c.thread & 1) != 0 && !sleeps(n, c);
    }

    /// The step that leads out of the newest state, and the message that it wrote, if any.
    void take(const step& s, stamp wrote) {
        event e{.made = s, .wrote = wrote};
        const std::size_t t = s.made.thread;
        std::vector<std::size_t>
            near;  // events on which it depends directly; in a race with it, unless ordered otherwise
        bool writer_found = false;
        bool total_found = false;
        bool own_found = false;
        for (std::size_t i = events_.size(); i-- != 0;) {
            const event& f = events_[i];
            const bool here = f.made.location == s.location;
            if (f.made.made.thread == t) {
                if (!own_found) e.join(f);
                own_found = true;
            }
            const bool last_writer = s.writer() && here && f.made.writer() && !writer_found;
            const bool last_total = s.total && f.made.total && !total_found;
            if (last_writer || last_total) near.push_back(i);
            writer_found |= last_writer;
            total_found |= last_total;
            const bool read = s.what == action::load && here && f.wrote == s.made.read && f.wrote != 0;
            const bool woken = s.what == action::wake && here && f.made.what == action::unpark;
            if (read || woken) e.join(f);
        }
        const event own = e;
        for (const std::size_t i : near) e.join(events_[i]);
        e.count[t] = own.count[t] + 1;
        events_.push_back(e);
        for (const std::size_t i : near) {
            event without = own;
            for (const std::size_t other : near) {
                if (other != i) without.join(events_[other]);
            }
            if (!before(i, without)) turn_round(i);
        }
        if (!s.writer()) return;
        for (std::size_t i = 0; i + 1 < events_.size(); ++i) {
            const step& f = events_[i].made;
            if (f.what == action::load && f.location == s.location && !before(i, e)) turn_round(i);
        }
    }

    /// Takes back the newest step: all that follows it is explored.
    void take_back() {
        nodes_.back().asleep.push_back(events_.back().made);
        events_.pop_back();
    }
    void leave() { nodes_.pop_back(); }

private:
    struct event {
        step made;
        stamp wrote = 0;
        /// Of each thread, how many of its events come before this one, or are it.
        std::array<std::uint32_t, max_threads> count{};

        void join(const event& other) {
            for (std::size_t t = 0; t != max_threads; ++t) count[t] = std::max(count[t], other.count[t]);
        }
    };

    static bool sleeps(const node& n, choice c) {
        return std::any_of(n.asleep.begin(), n.asleep.end(), [&](const step& s) { return s.made == c; });
    }

    bool before(std::size_t i, const event& e) const {
        const std::size_t t = events_[i].made.made.thread;
        return e.count[t] >= events_[i].count[t];
    }

    /// Sees to it that the newest event is also tried before event i: one of the threads that can begin an execution
    /// of what came after i without depending on it must be tried in the state before i.
    void turn_round(std::size_t i) {
        const std::size_t newest = events_.size() - 1;
        unsigned seen = 0;
        unsigned initial = 0;
        std::vector<std::size_t> kept;
        for (std::size_t k = i + 1; k <= newest; ++k) {
            if (k != newest && before(i, events_[k])) continue;
            const unsigned bit = 1U << events_[k].made.made.thread;
            const bool first =
                std::none_of(kept.begin(), kept.end(), [&](std::size_t j) { return before(j, events_[k]); });
            if ((seen & bit) == 0 && first) initial |= bit;
            seen |= bit;
            kept.push_back(k);
        }
        unsigned& threads = nodes_[i].threads;
        if ((threads & initial) != 0) return;
        const unsigned wanted = 1U << events_[newest].made.made.thread;
        threads |= (initial & wanted) != 0 ? wanted : initial & ~(initial - 1);
    }

    std::vector<node> nodes_;    // one for each state on the path
    std::vector<event> events_;  // one for each step on the path
};

}  // namespace explore
