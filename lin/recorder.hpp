// Records timed histories of real runs, one fresh object each, and checks them.
//
// A Target is an object under test brought to a random start by one thread: `Target(random, threads)`; `start()`, the
// specification in the same state, for which there is a check(); `start_error()`, where the two already differed on the
// way there; `choose(thread, random)` and `perform(thread, call)`, one thread's next call and its answer;
// `describe(out)`; `fewest_calls` and `most_calls(threads)` of a thread in one history.
//
// The stamps. A thread adds to one shared counter before it invokes an operation and after the operation has returned.
// The additions are read-modify-writes of one word, so if the stamp of a's return is below that of b's invocation, the
// second addition follows the first in the release sequence: all of a happens before all of b. The order that stamps
// claim is therefore never one that was not. They may miss one (a thread can rest between its operation and its stamp):
// then the history claims less, and the checker allows more, never less, than is right.
//
// The price: a locked addition is a full barrier on x86, so a store of one operation never passes a load of the next.
// Weakness of memory across operations is for the models; this finds what happens inside overlapping operations.
#pragma once

#include "../checks/own_core.hpp"
#include "../checks/start_line.hpp"
#include "../stress/run.hpp"
#include "checker.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace bulwark::lin {

using stress::random_source;

/// What was recorded, and what it cost.
struct tally {
    std::uint64_t histories = 0;
    std::uint64_t operations = 0;
    std::uint64_t overlaps = 0;
    std::uint64_t taken_apart = 0;  ///< histories explained by parts of operations only
    std::chrono::nanoseconds recording_and_checking{0};
    std::chrono::nanoseconds checking{0};
    std::chrono::nanoseconds longest_check{0};  ///< by the clock on the wall: on a busy machine mostly a preemption
    std::uint64_t most_steps = 0;

    tally& operator+=(const tally& more) {
        histories += more.histories;
        operations += more.operations;
        overlaps += more.overlaps;
        taken_apart += more.taken_apart;
        recording_and_checking += more.recording_and_checking;
        checking += more.checking;
        longest_check = std::max(longest_check, more.longest_check);
        most_steps = std::max(most_steps, more.most_steps);
        return *this;
    }
};

template <class Target>
class recorder {
    using spec = typename Target::spec;
    using operation = lin::operation<typename spec::call, typename spec::answer>;

public:
    explicit recorder(stress::run& r) : run_(r), line_(r.threads()), desks_(r.threads()) {
        for (desk& d : desks_) d.random.seed(r.random()());
    }

    /// Histories until the run is over or one is refused; that one is then the failure of the run.
    tally record() {
        const auto began = std::chrono::steady_clock::now();
        {
            std::vector<std::jthread> team;
            for (unsigned t = 0; t != run_.threads(); ++t) team.emplace_back([this, t] { work(t); });
        }
        tally_.recording_and_checking = std::chrono::steady_clock::now() - began;
        return tally_;
    }

private:
    /// What one thread writes on, away from the others' lines.
    struct alignas(128) desk {
        random_source random;
        std::vector<operation> done;
    };

    void work(unsigned thread) {
        checks::take_core(thread);
        for (;;) {
            line_.pass([this] {
                if (target_) judge();
                target_.reset();
                if (run_.more()) target_.emplace(run_.random(), run_.threads());
            });
            if (!target_) return;
            act(thread, desks_[thread]);
        }
    }

    void act(unsigned thread, desk& d) {
        d.done.clear();
        const std::size_t calls =
            Target::fewest_calls + d.random() % (Target::most_calls(run_.threads()) - Target::fewest_calls + 1);
        for (std::size_t i = 0; i != calls; ++i) {
            operation o;
            o.thread = thread;
            o.call = target_->choose(thread, d.random);
            if (i == 0) line_.go_together();
            o.invoked = stamp();
            o.answer = target_->perform(thread, o.call);
            o.returned = stamp();
            d.done.push_back(o);
        }
    }

    std::uint64_t stamp() { return stamps_.fetch_add(1, std::memory_order_seq_cst); }

    void judge() {
        history_.clear();
        for (const desk& d : desks_) history_.insert(history_.end(), d.done.begin(), d.done.end());
        const auto began = std::chrono::steady_clock::now();
        const verdict v = check(history_, target_->start());
        const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - began;
        ++tally_.histories;
        tally_.operations += history_.size();
        tally_.overlaps += overlaps(history_);
        tally_.taken_apart += v.taken_apart ? 1 : 0;
        tally_.checking += took;
        tally_.longest_check = std::max(tally_.longest_check, took);
        tally_.most_steps = std::max(tally_.most_steps, v.steps);
        run_.add_operations(history_.size());
        const std::string wrong_start = target_->start_error();
        if (!wrong_start.empty()) run_.check(false, "before any thread raced:", wrong_start);
        if (!v.linearizable) run_.check(false, "no order of these operations explains their answers:", text(v));
    }

    std::string text(const verdict& v) {
        std::sort(history_.begin(), history_.end(), [](auto& a, auto& b) { return a.invoked < b.invoked; });
        const std::uint64_t first = history_.front().invoked;
        std::ostringstream out;
        out << "\n  " << history_.size() << " operations";
        if (v.taken_apart) out << " in " << v.parts << " parts";
        out << ", of which no order gets past " << v.longest << "; ";
        target_->describe(out);
        for (const operation& o : history_) {
            out << "\n  " << std::setw(3) << o.invoked - first << " .." << std::setw(4) << o.returned - first
                << "  thread " << o.thread << "  " << o.call << " -> ";
            print_answer(out, o.call, o.answer);
        }
        return out.str();
    }

    stress::run& run_;
    checks::start_line line_;
    std::vector<desk> desks_;
    std::optional<Target> target_;
    history<typename spec::call, typename spec::answer> history_;
    tally tally_;
    alignas(128) std::atomic<std::uint64_t> stamps_{0};
};

}  // namespace bulwark::lin
