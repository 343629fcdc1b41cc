// The promise of a rate limiter, by definition and nothing else: in any time of length t at most burst + rate * t
// permits are granted. Exact; numbers of any size.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace bulwark::checks {

__extension__ using wide = __int128;

struct grant {
    std::int64_t at = 0;  ///< ns
    std::uint64_t permits = 0;
};

/// `permits` in each `period` ns, and `burst` of them at once.
struct rate_bound {
    std::uint64_t permits = 1;
    std::uint64_t period = 1;
    std::uint64_t burst = 1;

    /// Over all windows that begin and end with a grant; no other holds more for its length. Any order.
    bool holds(std::vector<grant> all) const {
        std::sort(all.begin(), all.end(), [](const grant& a, const grant& b) { return a.at < b.at; });
        // A window from grant i to grant j: period * (sum up to j - sum before i) <= period * burst + permits * time.
        wide sum = 0;
        wide least = std::numeric_limits<std::int64_t>::max();
        least *= std::numeric_limits<std::int64_t>::max();
        for (const grant& g : all) {
            const wide earned = wide{permits} * g.at;
            least = std::min(least, wide{period} * sum - earned);
            sum += g.permits;
            if (wide{period} * sum - earned - least > wide{period} * burst) return false;
        }
        return true;
    }

    /// The first nanosecond, not before `from` nor before the last grant, at which n permits more keep the bound.
    /// `before`: all grants so far, in the order of their time.
    std::int64_t first_time_for(std::uint64_t n, std::int64_t from, const std::vector<grant>& before) const {
        wide first = from;
        wide sum = n;
        for (auto g = before.rbegin(); g != before.rend(); ++g) {
            first = std::max<wide>(first, g->at);
            sum += g->permits;
            const wide missing = sum - wide{burst};
            if (missing > 0) first = std::max(first, g->at + (missing * period + permits - 1) / permits);
        }
        return static_cast<std::int64_t>(first);
    }
};

}  // namespace bulwark::checks
