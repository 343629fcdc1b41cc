// What an act amounts to: the figures of the table, each computed from the calls that were made.
#pragma once

#include "clock.hpp"
#include "load.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace demo {

/// The latency that a share of the calls stayed within; nothing where there were no calls.
std::optional<duration> quantile(const std::vector<call_record>& calls, double share);

std::size_t count(const std::vector<call_record>& calls, verdict how);

/// How long after `fault_end` useful answers came again at 95 % of the offered rate, over a slice. Nothing where they
/// did not.
std::optional<duration> time_to_recover(const std::vector<call_record>& calls, std::size_t per_second,
                                        time_point fault_end);

struct report {
    std::size_t calls = 0;
    std::size_t useful = 0;
    std::size_t late = 0;
    std::size_t errors = 0;
    std::size_t refused_by_breaker = 0;
    std::size_t refused_by_bulkhead = 0;
    std::size_t never_sent = 0;  ///< no client became free for them
    std::size_t reached = 0;     ///< calls that the upstream had to deal with
    std::size_t times_opened = 0;
    std::optional<duration> p50;
    std::optional<duration> p99;
    std::optional<duration> recovery;
    std::string complaint;  ///< what cannot be so, but is; empty where all is well

    std::size_t refused() const { return refused_by_breaker + refused_by_bulkhead; }
};

}  // namespace demo
