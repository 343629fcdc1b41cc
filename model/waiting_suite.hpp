// One waiting model: a plan, played by threads over the shipped waiting line, and judged.
//
// Judged are: never more inside than permits; an order of all steps that keeps each thread's and that the specification
// answers as the threads were answered; that the permits at the end equal the capacity; that what a holder of permits
// did is ordered before what the next one does (a plain datum: who holds the whole capacity writes it, the others read
// it); and that nobody sleeps for ever, uses a waiter after its end, or the line after its end, which is Relacy's.
#pragma once

#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "explore.hpp"
#include "linearize.hpp"
#include "waiting_plan.hpp"
#include "waiting_traits.hpp"

#include <bulwark/detail/callback_waiter.hpp>
#include <bulwark/detail/waiting_line.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace bulwark::model {

/// What std::stop_source and std::stop_callback are to a waiter: a callback runs at once where the stop was requested
/// before, and its end waits for one that is running.
template <class Waiter>
class stop_of_one {
public:
    void request() {
        const std::lock_guard lock(mutex_);
        requested_ = true;
        if (waiter_ != nullptr) waiter_->ask_to_leave();
    }
    void attach(Waiter& w) {
        const std::lock_guard lock(mutex_);
        waiter_ = &w;
        if (requested_) w.ask_to_leave();
    }
    void detach() {
        const std::lock_guard lock(mutex_);
        waiter_ = nullptr;
    }

private:
    mutex mutex_;
    Waiter* waiter_ = nullptr;
    bool requested_ = false;
};

inline const waiting_plan* current_waiting_plan = nullptr;
using waiting_history = std::pair<std::vector<std::vector<wait_step>>, std::vector<std::vector<std::uint64_t>>>;
inline std::map<waiting_history, bool>* waiting_judgements = nullptr;

template <class Traits, class Word, unsigned Threads>
struct waiting_suite : rl::test_suite<waiting_suite<Traits, Word, Threads>, static_cast<rl::thread_id_t>(Threads)> {
    using line_type = bulwark::detail::waiting_line<Traits, Word>;
    using waiter = typename line_type::waiter;
    using called_waiter = bulwark::detail::callback_waiter<Traits, Word>;
    using departure = bulwark::detail::departure<Traits, Word>;

    static inline stage<line_type> line;
    static inline std::array<stage<waiter>, Threads> nodes;
    static inline std::array<stage<stop_of_one<waiter>>, Threads> stops;
    static inline std::array<stage<called_waiter>, Threads> called;
    static inline std::array<stage<departure>, Threads> departures;
    static inline stage<atomic<std::uint32_t>> told_of;
    static inline stage<rl::var<unsigned>> guarded;
    // Plain: models switch threads at atomic operations and locks only.
    static inline std::uint64_t inside = 0;
    static inline std::uint64_t most = 0;
    static inline bool resized = false;
    static inline bool destroyed = false;
    static inline std::array<std::vector<std::uint64_t>, Threads> held;
    static inline waiting_history history;

    void before() {
        const waiting_plan& plan = *current_waiting_plan;
        {
            const outside_relacy memory;
            history.first.assign(Threads + 2, {});
            history.second.assign(Threads + 2, {});
            for (auto& h : held) h.clear();
            most = plan.capacity;
            for (const auto& thread : plan.steps) {
                for (const wait_step& s : thread) most = s.what == wait_act::resize ? std::max(most, s.n) : most;
            }
        }
        inside = 0;
        resized = destroyed = false;
        hourglass::late.fill(false);
        census<std::uint64_t>::on_load = nullptr;  // a breaker model that gave up has left its own
        futex::begin();
        line.raise(plan.capacity, plan.stripes, plan.max_waiting);
        told_of.raise();
        guarded.raise();
        (*guarded)(RL_INFO) = 0U;
        for (unsigned i = 0; i != Threads; ++i) {
            bury(i);
            stops[i].raise();
            called[i].raise(*line, 1U, &hear);
            departures[i].raise(*called[i]);
        }
        for (const wait_step& s : plan.first) {
            const auto who = static_cast<unsigned>(s.who);
            Traits::slots.fill(plan.slots[who]);
            if (s.what == wait_act::take) {
                take(0, who, s.n);
            } else if (s.what == wait_act::join_called) {
                called[who].strike();
                called[who].raise(*line, s.n, &hear);
                enter_called(0, who);
            } else {
                join(0, who, s.n);
            }
        }
        Traits::slots = plan.slots;
    }

    void thread(unsigned me) {
        for (const wait_step& s : current_waiting_plan->steps[me]) {
            if (!play(me, s)) return;
        }
    }

    void after() {
        Traits::slots.fill(0);
        if (!destroyed) {
            note(Threads + 1, {wait_act::in_use}, line->in_use());
            note(Threads + 1, {wait_act::waiting}, line->waiting());
            line.strike();
        }
        told_of.strike();
        guarded.strike();
        for (unsigned i = 0; i != Threads; ++i) {
            nodes[i].strike();
            stops[i].strike();
            called[i].strike();
            departures[i].strike();
        }
        if (const char* const complaint = objection()) give_up(complaint);
    }

private:
    /// False: the thread goes home.
    static bool play(unsigned me, const wait_step& s) {
        using enum wait_act;
        const std::size_t to = me + 1;
        switch (s.what) {
            case take: waiting_suite::take(to, me, s.n); return true;
            case acquire: acquire_(me, s.n, await); return true;
            case acquire_timed: acquire_(me, s.n, await_timed); return true;
            case acquire_stop: acquire_(me, s.n, await_stop); return true;
            case await:
            case await_timed:
            case await_stop:
            case await_throw: sleep(me, s.what); return true;
            case give:
                if (held[me].empty()) return true;
                give_back(me);
                return true;
            case resize:
                resized = true;
                line->resize(s.n);
                note(to, {resize, s.n}, 0);
                return true;
            case stop:
                stops[s.n]->request();
                note(to, {stop, s.n}, 0);
                return true;
            case wait_act::enter_called: waiting_suite::enter_called(to, me); return true;
            case quit:
                if (called_waiter* const ended = departures[s.n]->leave(bulwark::detail::turn::stopped)) finish(*ended);
                return true;
            case waiting: note(to, {waiting}, line->waiting()); return true;
            case in_use: note(to, {in_use}, line->in_use()); return true;
            case someone_waits:
            case nobody_waits: {
                const std::uint64_t seen = line->waiting();
                if ((seen != 0) != (s.what == someone_waits)) return false;
                note(to, {s.what}, seen);
                return true;
            }
            case tell:
                told_of->store(1, boost::memory_order_release);
                note(to, {tell}, 0);
                return true;
            case hear:
                if (told_of->load(boost::memory_order_acquire) == 0) return false;
                note(to, {hear}, 1);
                return true;
            case ask: note(to, {ask}, told_of->load(boost::memory_order_acquire)); return true;
            case destroy:
                line.strike();
                destroyed = true;
                return true;
            default: give_up("no step of a plan"); return false;
        }
    }

    static std::uint64_t take(std::size_t to, unsigned me, std::uint64_t n) {
        const auto got = answer(line->take(n));
        note(to, {wait_act::take, n, me}, got);
        if (got == told::admitted) enter(me, n);
        return got;
    }

    static std::uint64_t join(std::size_t to, unsigned me, std::uint64_t n) {
        nodes[me].strike();
        nodes[me].raise(n);
        const auto got = answer(line->join(*nodes[me]));
        note(to, {wait_act::join, n, me}, got);
        if (got == told::admitted) enter(me, n);
        return got;
    }

    /// The threads play the part of whoever gives, cancels, or keeps the time; the waiter has no thread of its own, and
    /// what it hears stands with the steps of the thread that it is named after, which has no others.
    static void enter_called(std::size_t to, unsigned me) {
        const std::uint64_t n = called[me]->weight;
        note(to, {wait_act::join, n, me}, told::waits);
        const std::size_t at = history.second[to].size() - 1;
        const auto got = answer(departures[me]->begin([me] { return called[me]->join(); }));
        // Where it waits it may have had its word already: so this was noted before.
        if (got == told::waits) return;
        {
            const outside_relacy memory;
            history.second[to][at] = got;
        }
        if (got == told::admitted) {
            enter(me, n);
            give_back(me);
        }
    }

    static void hear(called_waiter& ended) noexcept { finish(ended); }

    /// By the one who has ended the wait: what an operation does in its executor, here and now. The line is used from
    /// within, and the waiter is no more.
    static void finish(called_waiter& ended) {
        unsigned me = 0;
        while (&*called[me] != &ended) ++me;
        const std::uint64_t n = ended.weight;
        const auto got = answer(ended.outcome());
        departures[me]->let_go();
        called[me].strike();
        called_waiter& grave = called[me].raise(*line, 1U, &touched);
        grave.next = grave.previous = &grave;
        grave.in_line = true;
        if (got == told::stopped) note(me + 1, {wait_act::stop, me}, 0);
        note(me + 1, {got == told::stopped ? wait_act::outcome_stop : wait_act::outcome, n, me}, got);
        if (got != told::admitted) return;
        enter(me, n);
        give_back(me);
    }

    static void touched(called_waiter& /*dead*/) noexcept { give_up("a waiter was told twice, or after its end"); }

    static void acquire_(unsigned me, std::uint64_t n, wait_act how) {
        if (take(me + 1, me, n) != told::full) return;
        if (join(me + 1, me, n) == told::waits) {
            sleep(me, how);
        } else {
            bury_again(me);
        }
    }

    static void sleep(unsigned me, wait_act how) {
        waiter& self = *nodes[me];
        const std::uint64_t n = self.weight;
        std::uint64_t got = told::thrown;
        auto noted = wait_act::outcome;
        const auto for_ever = [](auto& parker) { return parker.wait(0); };
        hourglass::late[me] = false;
        const std::chrono::steady_clock::time_point soon(hourglass::soon);
        switch (how) {
            case wait_act::await_timed:
                noted = wait_act::outcome_timed;
                got = answer(line->await(self, [soon](auto& parker) { return parker.wait_until(0, soon); }));
                break;
            case wait_act::await_stop:
                noted = wait_act::outcome_stop;
                stops[me]->attach(self);
                got = answer(line->await(self, for_ever));
                stops[me]->detach();
                break;
            case wait_act::await_throw:
                noted = wait_act::outcome_throw;
                try {
                    line->await(self, [soon](auto& parker) -> std::uint32_t { throw parker.wait_until(0, soon); });
                } catch (std::uint32_t) {
                    got = told::thrown;
                }
                break;
            default: got = answer(line->await(self, for_ever));
        }
        bury_again(me);
        note(me + 1, {noted, n, me}, got);
        if (got == told::admitted) enter(me, n);
    }

    static void give_back(unsigned me) {
        const std::uint64_t n = held[me].front();
        {
            const outside_relacy memory;
            held[me].erase(held[me].begin());
        }
        touch(n);
        inside -= n;
        line->give_back(n);
        note(me + 1, {wait_act::give, n}, 0);
    }

    /// In the place of a waiter that is no more, one that leads to itself, and tells of it when it is touched.
    static void bury(unsigned who) {
        const undisturbed step;
        parker_word::born_buried = true;
        waiter& grave = nodes[who].raise(1U);
        parker_word::born_buried = false;
        grave.next = grave.previous = &grave;
    }
    static void bury_again(unsigned who) {
        nodes[who].strike();
        bury(who);
    }

    static void enter(unsigned me, std::uint64_t n) {
        inside += n;
        if (inside > most) give_up("more inside than there are permits");
        {
            const outside_relacy memory;
            held[me].push_back(n);
        }
        touch(n);
    }

    /// What permits are for.
    static void touch(std::uint64_t n) {
        // With another capacity, nobody knows who is alone.
        if (most != current_waiting_plan->capacity || resized) return;
        const unsigned seen = (*guarded)(RL_INFO);
        if (n == most) (*guarded)(RL_INFO) = seen + 1U;
    }

    static std::uint64_t answer(bulwark::detail::turn got) {
        using bulwark::detail::turn;
        switch (got) {
            case turn::admitted: return told::admitted;
            case turn::full: return told::full;
            case turn::waits: return told::waits;
            case turn::queue_full: return told::queue_full;
            case turn::over_capacity: return told::over_capacity;
            case turn::timed_out: return told::timed_out;
            case turn::stopped: return told::stopped;
        }
        return told::must_wait;
    }

    static void note(std::size_t sequence, const wait_step& what, std::uint64_t answered) {
        const outside_relacy memory;
        history.first[sequence].push_back(what);
        history.second[sequence].push_back(answered);
    }

    static const char* objection() {
        const outside_relacy memory;
        if (!destroyed && history.second.back().front() != inside) return "a permit was lost, or there is one too many";
        const auto [at, fresh] = waiting_judgements->try_emplace(history);
        if (fresh) {
            at->second = linearizer<waiting_specification, waiting_plan, wait_step, std::uint64_t>(
                             *current_waiting_plan, at->first.first, at->first.second)
                             .explained();
        }
        return at->second ? nullptr : "no sequential order explains it";
    }
};

}  // namespace bulwark::model
