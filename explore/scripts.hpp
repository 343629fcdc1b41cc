// Random small scenarios, each known by its seed: a start in which races are worth having, and a few operations of each
// thread.
//
// A breaker's script is drawn again where the order of its operations does not matter to any answer, or where some
// order makes more moves (transitions and new windows) than one; of three threads, than none. What is left out takes
// minutes to explore, and is for the fixed scenarios, as are carries: the layout is the shipped one, whose tallies are
// never full in so few calls.
#pragma once

#include <explore/bulkhead_scenarios.hpp>
#include <explore/history.hpp>
#include <explore/scenario.hpp>

#include <bulwark/breaker_types.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace explore {

class breaker_script {
public:
    /// The scenario of a seed. Of two threads each does two or three operations, of three one or two.
    static breaker_scenario of(std::uint64_t seed, std::size_t threads) {
        std::mt19937_64 random(seed);
        for (;;) {
            breaker_script drawn(random, threads);
            if (drawn.most_moves() > (threads == 2 ? 1 : 0)) continue;
            if (sequential_outcomes(drawn.made_).size() > 1) return std::move(drawn.made_);
        }
    }

private:
    breaker_script(std::mt19937_64& random, std::size_t threads) : random_(random) {
        made_.layout = widths::shipped;
        made_.rules = random_rules();
        made_.threads.resize(threads);
        lead();
        for (std::size_t t = 0; t != threads; ++t) {
            const std::size_t length = (threads == 2 ? 2 : 1) + random_() % 2;
            while (made_.threads[t].size() != length) made_.threads[t].push_back(random_operation(t));
        }
        if (one_in(2)) {
            for (operations& o : made_.threads) {
                o.insert(o.begin() + static_cast<std::ptrdiff_t>(random_() % (o.size() + 1)), operation{verb::meet});
            }
        }
        made_.after = {{verb::look}};
        if (threads == 2) return;
        made_.preemptions = 2;
        made_.lags = 1;
    }

    bool one_in(unsigned n) { return random_() % n == 0; }

    bulwark::lin::breaker_rules random_rules() {
        const auto now_and_then = [&](int ns) { return std::chrono::nanoseconds(one_in(2) ? 0 : ns); };
        const auto few = static_cast<std::uint32_t>(1 + random_() % 2);
        bulwark::lin::breaker_rules r{.max_requests = few,
                                      .interval = now_and_then(10),
                                      .timeout = now_and_then(20),
                                      .probe_timeout = now_and_then(5),
                                      .trips = {}};
        const auto limit = static_cast<std::uint32_t>(1 + random_() % 2);
        r.trips = one_in(4) ? bulwark::lin::trip_rule{.in_a_row = 0, .percent = 50, .at_least = limit + 1}
                            : bulwark::lin::trip_rule{.in_a_row = limit, .percent = 0, .at_least = 0};
        return r;
    }

    /// Permits in the hands of those who will use them, a failure, the end of a period, probes.
    void lead() {
        const std::size_t threads = made_.threads.size();
        for (std::size_t t = 0; t != threads; ++t) {
            if (!one_in(3)) first({verb::admit, t});
        }
        if (one_in(2)) {
            first({verb::admit, max_permits - 1});
            first({verb::failure, max_permits - 1});
        }
        if (one_in(2)) first({verb::advance, 0, period()});
        if (one_in(2)) first({verb::admit, threads + random_() % threads});
        if (one_in(2)) first({verb::advance, 0, period()});
    }

    void first(const operation& o) {
        if (made_.before.size() == max_operations || (o.what == verb::advance && o.by.count() == 0)) return;
        made_.before.push_back(o);
        if (o.what != verb::advance) held_[o.permit] = o.what == verb::admit;
    }

    sequential_breaker start() const {
        sequential_breaker spec(made_.rules);
        for (const operation& o : made_.before) spec.apply(o);
        return spec;
    }

    /// Of any order of the threads' operations.
    int most_moves() const {
        int most = 0;
        std::vector<std::size_t> left(made_.threads.size());
        std::ranges::transform(made_.threads, left.begin(), [](const operations& o) { return o.size(); });
        std::vector<std::size_t> order;
        for_each_order(left, order, [&](const auto& threads) {
            sequential_breaker spec = start();
            int moves = spec.window_over() ? 1 : 0;
            std::array<std::size_t, max_threads> next{};
            for (const std::size_t t : threads) moves += spec.apply(made_.threads[t][next[t]++]).entered != 0 ? 1 : 0;
            most = std::max(most, moves);
        });
        return most;
    }

    /// How long the state lasts that the breaker is in.
    std::chrono::nanoseconds period() const {
        switch (static_cast<bulwark::breaker_state>(start().apply({verb::look}).state)) {
            case bulwark::breaker_state::closed: return made_.rules.interval;
            case bulwark::breaker_state::open: return made_.rules.timeout;
            case bulwark::breaker_state::half_open: break;
        }
        return made_.rules.probe_timeout;
    }

    /// A thread has two places for permits.
    operation random_operation(std::size_t t) {
        if (one_in(6)) return {verb::look};
        const std::size_t place = t + (one_in(2) ? 0 : made_.threads.size());
        held_[place] = !held_[place];
        if (held_[place]) return {verb::admit, place};
        if (one_in(2)) return {verb::failure, place};
        return {one_in(3) ? verb::ignore : verb::success, place};
    }

    std::mt19937_64& random_;
    breaker_scenario made_;
    std::array<bool, max_permits> held_{};
};

inline bulkhead_scenario bulkhead_script(std::uint64_t seed, std::size_t threads) {
    std::mt19937_64 random(seed);
    bulkhead_scenario s;
    s.capacity = static_cast<std::uint32_t>(1 + random() % 2);
    s.held = static_cast<std::uint32_t>(random() % (s.capacity + 1));
    for (std::size_t t = 0; t != threads; ++t) {
        std::string& all = s.threads.emplace_back();
        const std::size_t length = (threads == 2 ? 3 : 2) + random() % 2;
        while (all.size() != length) all += "ttgglm"[random() % 6];
    }
    return s;
}

}  // namespace explore
