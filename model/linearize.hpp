// Whether some sequential order explains what was observed: brute force over the orders that keep the order within
// each thread, the specification replayed along each.
//
// Only the order within threads counts, not real time: between threads a weak machine gives loads no such promise. The
// first sequence of steps comes before the threads, the last one after them.
#pragma once

#include <cstddef>
#include <vector>

namespace bulwark::model {

/// Spec: constructed from a Setup; called with a step, answers it.
template <class Spec, class Setup, class Step, class Answer>
class linearizer {
public:
    linearizer(const Setup& setup, const std::vector<std::vector<Step>>& steps,
               const std::vector<std::vector<Answer>>& answers)
        : setup_(setup), steps_(steps), answers_(answers), done_(steps.size()) {}

    bool explained() {
        if (order_.size() == total()) return true;
        for (std::size_t who = 0; who != steps_.size(); ++who) {
            if (!may_be_next(who)) continue;
            order_.push_back(who);
            ++done_[who];
            if (last_answer_fits() && explained()) return true;
            --done_[who];
            order_.pop_back();
        }
        return false;
    }

private:
    std::size_t total() const {
        std::size_t n = 0;
        for (const auto& sequence : steps_) n += sequence.size();
        return n;
    }

    bool may_be_next(std::size_t who) const {
        if (done_[who] == steps_[who].size()) return false;
        if (who != 0 && done_[0] != steps_[0].size()) return false;
        return who + 1 != steps_.size() || order_.size() + steps_[who].size() - done_[who] == total();
    }

    // The specification holds a mutex and cannot be copied; histories are short, so it is replayed from the start.
    bool last_answer_fits() const {
        Spec spec(setup_);
        std::vector<std::size_t> at(steps_.size());
        bool fits = true;
        for (const std::size_t who : order_) {
            fits = spec(steps_[who][at[who]]) == answers_[who][at[who]];
            ++at[who];
        }
        return fits;
    }

    const Setup& setup_;
    const std::vector<std::vector<Step>>& steps_;
    const std::vector<std::vector<Answer>>& answers_;
    std::vector<std::size_t> done_;
    std::vector<std::size_t> order_;
};

}  // namespace bulwark::model
