// Judges one execution of a breaker model.
#pragma once

#include "breaker_scenario.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bulwark::model {

class breaker_oracle {
public:
    explicit breaker_oracle(const scenario& s);

    const std::vector<std::vector<step>>& steps() const { return steps_; }
    /// Where the answer to a step goes.
    answer& told(std::size_t sequence, std::size_t at) { return answers_[sequence][at]; }

    /// What is wrong with the answers, or nothing. Executions that told everyone the same are judged once.
    const std::string& judge();

private:
    std::string complaint() const;
    std::string broken_rule() const;
    bool explained() const;
    summary summarize() const;
    std::vector<transition> transitions() const;
    std::vector<std::int64_t> key() const;
    std::string history() const;

    const scenario scenario_;
    const std::vector<std::vector<step>> steps_;
    std::vector<std::vector<answer>> answers_;
    std::map<std::vector<std::int64_t>, std::string> judged_;
};

}  // namespace bulwark::model
