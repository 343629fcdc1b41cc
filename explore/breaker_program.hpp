// A breaker scenario as a program: the shipped basic_circuit_breaker over the explorer's atomics, its permits, and what
// each operation was told. After every run the answers are compared with those of the specification.
#pragma once

#include <explore/machine.hpp>
#include <explore/scenario.hpp>
#include <explore/traits.hpp>

#include <bulwark/circuit_breaker.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace explore {

/// Time in a scenario: one number, or, where it moves while threads run, an atomic with the orders of manual_clock.
struct scenario_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<scenario_clock>;
    static constexpr bool is_steady = true;

    static inline std::int64_t* ticks = nullptr;
    static inline atomic<std::int64_t>* moving = nullptr;

    static time_point now() noexcept {
        return time_point(duration(moving != nullptr ? moving->load(boost::memory_order_acquire) : *ticks));
    }
    static void advance(duration by) noexcept {
        if (moving != nullptr) {
            moving->fetch_add(by.count(), boost::memory_order_release);
        } else {
            *ticks += by.count();
        }
    }
};

template <bulwark::detail::layout_widths Widths>
class breaker_program : public program {
    using breaker = bulwark::basic_circuit_breaker<scenario_clock, traits<bulwark::detail::basic_layout<Widths>>>;

    struct contents {
        contents(bulwark::circuit_breaker_config config, bool time_moves) {
            if (time_moves) moving.emplace();
            scenario_clock::ticks = &ticks;
            scenario_clock::moving = moving ? &*moving : nullptr;
            config.on_state_change = [this](const bulwark::transition& made) { note(*current(), made); };
            subject.emplace(std::move(config));
        }

        answer*& current() { return at[machine::here().running()]; }

        std::int64_t ticks = 0;
        std::optional<atomic<std::int64_t>> moving;
        std::optional<breaker> subject;
        std::array<std::optional<typename breaker::permit>, max_permits> permits;
        std::array<answers, max_threads + 2> told{};  ///< before, each thread, after
        std::array<answer*, max_threads + 1> at{};    ///< of each thread and of none: the operation that it is in
    };

public:
    explicit breaker_program(const breaker_scenario& s) : scenario_(s), allowed_(sequential_outcomes(s)) {}

    std::size_t threads() const override { return scenario_.threads.size(); }
    std::span<std::byte> world() override { return world_; }

    void begin() override {
        world_.fill({});
        ::new (world_.data()) contents(scenario_.config, scenario_.time_moves);
        play(scenario_.before, 0);
    }
    void thread(std::size_t index) override { play(scenario_.threads[index], index + 1); }
    void end() override {
        play(scenario_.after, threads() + 1);
        const std::vector<answers> told(inside().told.begin(),
                                        inside().told.begin() + static_cast<std::ptrdiff_t>(threads() + 2));
        const std::string key = key_of(scenario_, told);
        seen_.insert(key);
        std::string broken;
        if (!allowed_.contains(key)) broken = "no order of the operations explains the answers";
        if (!each_generation_once(told)) broken = "a transition is lost or told twice";
        if (went_back(told)) broken = "a thread saw a generation before one that it had seen";
        if (!broken.empty()) machine::here().fail(broken + describe(scenario_, told));
    }

    /// How many different outcomes were met, and how many the specification has.
    std::size_t outcomes() const { return seen_.size(); }
    std::size_t allowed() const { return allowed_.size(); }

private:
    contents& inside() { return *std::launder(reinterpret_cast<contents*>(world_.data())); }

    void play(const operations& all, std::size_t part) {
        contents& c = inside();
        for (std::size_t i = 0; i != all.size(); ++i) {
            answer& told = c.told[part][i];
            c.current() = &told;
            if (all[i].what == verb::advance) scenario_clock::advance(all[i].by);
            act(*c.subject, c.permits, all[i], told);
        }
    }

    static bool each_generation_once(const std::vector<answers>& told) {
        std::vector<int> entered;
        for (const answers& part : told) {
            for (const answer& a : part) {
                if (a.entered != 0) entered.push_back(a.entered);
            }
        }
        std::sort(entered.begin(), entered.end());
        int expected = 2;
        return std::all_of(entered.begin(), entered.end(), [&](int generation) { return generation == expected++; });
    }

    static bool went_back(const std::vector<answers>& told) {
        return std::any_of(told.begin(), told.end(), [](const answers& part) {
            int known = 0;
            for (const answer& a : part) {
                const int generation = std::max(a.entered, a.generation);
                if (generation == 0) continue;
                if (generation < known) return true;
                known = generation;
            }
            return false;
        });
    }

    const breaker_scenario& scenario_;
    std::unordered_set<std::string> allowed_;
    std::unordered_set<std::string> seen_;
    alignas(contents) std::array<std::byte, sizeof(contents)> world_{};
};

}  // namespace explore
