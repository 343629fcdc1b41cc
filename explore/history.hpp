// Whether the answers of an execution are those of some order of its operations: the checker and the specifications of
// lin/, over histories that the explorer makes.
//
// Which order must be kept. In lin/ it is real time, told by stamps that synchronize. The step counter of the explorer
// is no such clock: in C++ an operation that returned ten steps before another thread invoked one need not be visible
// to it, and to demand that would refuse executions that the standard allows, a load of an old head among them. What
// the standard does promise is happens-before. So an operation must come before another where its return happens before
// the other's invocation, which includes the program order, and nothing else is demanded: less than linearizability
// by the clock on the wall, and more than each thread's own order alone. The threads of random scripts meet now and
// then (a read-modify-write, acquire and release, of a word that is not the library's), so that there is something to
// keep: who meets later has heard of all that the other did before.
//
// Happens-before is read from views. A thread marks each return by a message without a value in a location of its own,
// as plain.hpp marks accesses; how many messages of another thread's location a view has is how many of its operations
// happened before. These marks are no steps and order nothing.
//
// Happens-before is no order of intervals, so the stamps of lin::operation cannot express it. All operations of a
// history are therefore said to overlap, and a specification that refuses a call made too early is put round the real
// one.
#pragma once

#include <explore/machine.hpp>

#include <lin/checker.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace explore {

/// Of each thread, and of what comes after all of them, how many operations happened before.
using heard = std::array<std::uint8_t, max_threads + 1>;

/// The marks of a program's threads. Part of its world.
class return_marks {
public:
    return_marks() {
        for (std::uint8_t& x : at_) x = machine::here().locations().add_location(0);
    }

    /// For the thread that runs, before an operation.
    heard now() const {
        const machine& m = machine::here();
        heard all{};
        for (std::size_t t = 0; t != m.threads(); ++t) all[t] = m.locations().seen(m.running(), at_[t]);
        return all;
    }

    /// For the thread that runs, after each operation.
    void add() const {
        machine& m = machine::here();
        m.locations().write_version(m.running(), at_[m.running()]);
    }

private:
    std::array<std::uint8_t, max_threads> at_{};
};

template <class Spec>
struct told_operation {
    typename Spec::call call;
    typename Spec::answer answer;
    heard before{};
};

/// Specification that answers a call only after those that must come before it. Calls are bits.
template <class Spec>
class in_order {
public:
    struct call {
        typename Spec::call what;
        std::uint64_t own = 0;
        std::uint64_t before = 0;
    };
    using answer = std::optional<typename Spec::answer>;

    explicit in_order(const Spec& initial) : spec_(initial) {}

    answer apply(const call& c) {
        if ((done_ & c.before) != c.before) return std::nullopt;
        done_ |= c.own;
        return spec_.apply(c.what);
    }

    bool operator==(const in_order&) const = default;
    std::size_t hash() const { return spec_.hash(); }

private:
    Spec spec_;
    std::uint64_t done_ = 0;
};

/// Whether some order explains what was told, given what each thread did, in its order, and last what came after all.
template <class Spec>
bool explained(const Spec& initial, const std::vector<std::vector<told_operation<Spec>>>& threads) {
    using ordered = in_order<Spec>;
    bulwark::lin::history<typename ordered::call, typename ordered::answer> all;
    std::vector<std::size_t> first;
    for (std::size_t count = 0; const auto& operations : threads) {
        first.push_back(count);
        count += operations.size();
    }
    const auto beginning = [&](std::size_t t, std::size_t length) {
        return ((std::uint64_t{1} << length) - 1) << first[t];
    };
    for (const auto& operations : threads) {
        for (const auto& o : operations) {
            std::uint64_t before = 0;
            for (std::size_t t = 0; t != threads.size(); ++t) before |= beginning(t, o.before[t]);
            all.push_back(
                {.returned = 1, .call = {o.call, std::uint64_t{1} << all.size(), before}, .answer = o.answer});
        }
    }
    return bulwark::lin::linearizable(all, ordered(initial));
}

/// A program with a rule for its outcomes.
class judged_program : public program {
public:
    /// How many different outcomes were met, and how many the specification has.
    virtual std::size_t outcomes() const = 0;
    virtual std::size_t allowed() const = 0;
    /// What it does, for people.
    virtual std::string text() const = 0;
};

/// Calls `use` with every order in which threads with so many operations each can take turns.
template <class Use>
void for_each_order(std::vector<std::size_t>& left, std::vector<std::size_t>& order, const Use& use) {
    bool complete = true;
    for (std::size_t t = 0; t != left.size(); ++t) {
        if (left[t] == 0) continue;
        complete = false;
        --left[t];
        order.push_back(t);
        for_each_order(left, order, use);
        order.pop_back();
        ++left[t];
    }
    if (complete) use(order);
}

}  // namespace explore
