// What the threads of a waiting model do, and the sequential specification that their answers are held against: a queue
// that is served strictly first come, first served.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

namespace bulwark::model {

enum class wait_act : std::uint8_t {
    // Steps that a plan names.
    take,           ///< n permits, or go on without
    acquire,        ///< take, and where that fails stand in line, for ever
    acquire_timed,  ///< likewise, until a time that comes whenever it likes
    acquire_stop,   ///< likewise, until stopped
    await,          ///< for who was put in line before the threads began: its sleep
    await_timed,
    await_stop,
    await_throw,  ///< a clock that throws
    give,         ///< what was got first, where anything is held
    resize,       ///< to n
    stop,         ///< thread n
    waiting,      ///< how many?
    in_use,
    enter_called,   ///< the waiter that is told by a call and was made before the threads began joins
    quit,           ///< that of thread n leaves, unless it has its word
    someone_waits,  ///< or go home
    nobody_waits,   ///< or go home
    tell,           ///< the others, in a word that is not the bulkhead's
    hear,           ///< of that, or go home
    ask,            ///< whether it was told
    destroy,        ///< the line, where the whole capacity was held and given back
    // Steps that those consist of.
    join,
    join_called,  ///< in `first`: stands in line, is told by a call, and gives back at once
    outcome,
    outcome_timed,
    outcome_stop,
    outcome_throw,
};

struct wait_step {
    wait_act what;
    std::uint64_t n = 1;
    std::uint64_t who = 0;  ///< thread; of a step in a plan, only in `first`

    bool operator<(const wait_step& other) const {
        return what != other.what ? what < other.what : n != other.n ? n < other.n : who < other.who;
    }
};

struct waiting_plan {
    std::uint64_t capacity = 1;
    /// Takes and joins of the threads, before they begin.
    std::vector<wait_step> first{};               // NOLINT(readability-redundant-member-init): g++ asks
    std::vector<std::vector<wait_step>> steps{};  // NOLINT(readability-redundant-member-init): g++ asks
    std::uint32_t stripes = 1;
    std::uint32_t max_waiting = std::numeric_limits<std::uint32_t>::max();
    std::array<std::uint32_t, 3> slots{0, 1, 2};
    bool wide = false;  ///< words of a memory_bulkhead
};

/// What a step answered; figures are themselves.
namespace told {
enum : std::uint64_t { admitted, full, waits, queue_full, over_capacity, timed_out, stopped, thrown, must_wait };
}

class waiting_specification {
public:
    explicit waiting_specification(const waiting_plan& p) : capacity_(p.capacity), max_waiting_(p.max_waiting) {}

    std::uint64_t operator()(const wait_step& s) {
        switch (s.what) {
            case wait_act::take: return take(s.n);
            case wait_act::join:
            case wait_act::join_called: return join(s);
            case wait_act::outcome: return outcome(s.who, told::must_wait);
            case wait_act::outcome_timed: return outcome(s.who, told::timed_out);
            case wait_act::outcome_stop: return outcome(s.who, stopped_[s.who] ? told::stopped : told::must_wait);
            case wait_act::outcome_throw: return outcome_thrown(s);
            case wait_act::give: used_ -= s.n; return hand_over();
            case wait_act::resize: return resize(s.n);
            case wait_act::stop: stopped_[s.n] = true; return 0;
            case wait_act::waiting:
            case wait_act::someone_waits:
            case wait_act::nobody_waits: return line_.size();
            case wait_act::in_use: return used_;
            case wait_act::tell: told_ = true; return 0;
            case wait_act::hear:
            case wait_act::ask: return told_ ? 1 : 0;
            default: return 0;
        }
    }

private:
    bool fits(std::uint64_t n) const { return used_ + n <= capacity_; }

    std::uint64_t take(std::uint64_t n) {
        if (n > capacity_) return told::over_capacity;
        if (!line_.empty() || !fits(n)) return told::full;
        used_ += n;
        return told::admitted;
    }
    std::uint64_t join(const wait_step& s) {
        const std::uint64_t at_once = take(s.n);
        if (at_once != told::full) return at_once;
        if (line_.size() == max_waiting_) return told::queue_full;
        line_.push_back(s);
        told_outcome_[s.who] = told::waits;
        return told::waits;
    }
    std::uint64_t outcome(std::uint64_t who, std::uint64_t of_who_waits) {
        if (told_outcome_[who] != told::waits) return told_outcome_[who];
        std::erase_if(line_, [&](const wait_step& s) { return s.who == who; });
        hand_over();
        return of_who_waits;
    }
    /// Gives back what it got.
    std::uint64_t outcome_thrown(const wait_step& s) {
        if (outcome(s.who, told::thrown) == told::admitted) {
            used_ -= s.n;
            hand_over();
        }
        return told::thrown;
    }
    std::uint64_t hand_over() {
        while (!line_.empty() && fits(line_.front().n)) {
            used_ += line_.front().n;
            told_outcome_[line_.front().who] = told::admitted;
            line_.pop_front();
        }
        return 0;
    }
    std::uint64_t resize(std::uint64_t capacity) {
        capacity_ = capacity;
        std::erase_if(line_, [&](const wait_step& s) {
            if (s.n <= capacity_) return false;
            told_outcome_[s.who] = told::over_capacity;
            return true;
        });
        return hand_over();
    }

    std::uint64_t capacity_;
    const std::uint64_t max_waiting_;
    std::uint64_t used_ = 0;
    std::deque<wait_step> line_;
    std::array<std::uint64_t, 3> told_outcome_{};
    std::array<bool, 3> stopped_{};
    bool told_ = false;
};

}  // namespace bulwark::model
