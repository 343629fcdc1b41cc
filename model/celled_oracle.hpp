// Judges one execution of a model of the breaker with cells: whether there is an order that explains the answers, where
// successes and admissions may be seen late, and failures and looks take time.
//
// The rule, step by step, over the sequential breaker of lin/:
//  - An admission, a success or an ignored outcome takes effect at one instant. Others may see the request or the
//    success of a cell later than that, each thread's in its order; but no later than what that thread does next to the
//    head (a failure, an ignored outcome), or to a word of the model (tell, leave).
//  - A failure reads the successes that it weighs, then the requests, then is counted; with no failure, window or
//    transition between. What its policy was asked about is what it read.
//  - A look reads the head (state, generation, failures, ignored, the row of failures), then the row of successes, then
//    the successes, then the requests; with no failure, window or transition between.
//
// So a failure is never counted before the successes that it comes after; what happens before a call is seen by it; and
// requests are never fewer than outcomes.
#pragma once

#include "celled_scenario.hpp"

#include <map>
#include <string>
#include <vector>

namespace bulwark::model {

class celled_oracle {
public:
    explicit celled_oracle(const celled_scenario& s);

    const std::vector<std::vector<celled_step>>& steps() const { return steps_; }
    /// Where the answer to a step goes.
    celled_answer& told(std::size_t sequence, std::size_t at) { return answers_[sequence][at]; }
    void forget();

    /// What is wrong with the answers, or nothing. Executions that told everyone the same are judged once.
    const std::string& judge();

private:
    std::string complaint() const;
    std::string key() const;
    std::string history() const;

    const celled_scenario scenario_;
    const std::vector<std::vector<celled_step>> steps_;
    std::vector<std::vector<celled_answer>> answers_;
    std::map<std::string, std::string> judged_;
};

}  // namespace bulwark::model
