// The list of all models, as main() shows and runs it.
#pragma once

#include "sabotage.hpp"
#include "search.hpp"

#include <functional>
#include <string>
#include <vector>

namespace bulwark::model {

struct entry {
    std::string name;
    unsigned threads = 2;
    search_plan plan;
    sabotage planted;  ///< a defect that must be found, or none
    bool must_fail = false;
    std::function<search_result(const search_plan&, bool with_trace)> search;
};

void add_breaker_models(std::vector<entry>& all);
void add_celled_models(std::vector<entry>& all);
void add_bulkhead_models(std::vector<entry>& all);
void add_name_table_models(std::vector<entry>& all);
void add_waiting_models(std::vector<entry>& all);
void add_window_models(std::vector<entry>& all);
void add_limit_models(std::vector<entry>& all);
void add_retry_models(std::vector<entry>& all);
void add_rate_models(std::vector<entry>& all);

}  // namespace bulwark::model
