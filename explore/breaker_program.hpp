// A breaker scenario as a program: the shipped basic_circuit_breaker over the explorer's atomics, its permits, and what
// each operation was told. After every run the answers are compared with those of the specifications.
#pragma once

#include <explore/arena.hpp>
#include <explore/history.hpp>
#include <explore/machine.hpp>
#include <explore/scenario.hpp>
#include <explore/traits.hpp>

#include <checks/clock.hpp>

#include <bulwark/circuit_breaker.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace explore {

/// Time in a scenario: one number, or, where it moves while threads run, an atomic with the orders of manual_clock.
struct scenario_clock : bulwark::checks::nanosecond_clock<scenario_clock> {
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

// One bit a tally, or two; 16 bits of epoch, because what a wrap of it means is documented, and no fault here.
inline constexpr bulwark::detail::layout_widths thin_tallies{
    .requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1, .epoch = 16};
inline constexpr bulwark::detail::layout_widths two_bit_tallies{
    .requests = 2, .successes = 2, .failures = 2, .ignored = 2, .run = 2, .epoch = 16};
// The shipped words; of the cells that threads share one is enough for two threads, and a location is dear.
inline constexpr bulwark::detail::layout_widths shipped_tallies{.shared_cells = 1};

template <class Layout>
using breaker_of = bulwark::basic_circuit_breaker<scenario_clock, traits<Layout>>;

template <class Breaker>
class breaker_program : public judged_program {
    struct contents {
        contents(bulwark::circuit_breaker_config config, bool time_moves) {
            if (time_moves) moving.emplace();
            scenario_clock::ticks = &ticks;
            scenario_clock::moving = moving ? &*moving : nullptr;
            config.on_state_change = [this](const bulwark::transition& made) { note(*current(), made); };
            const arena memory(cells);
            subject.emplace(std::move(config));
        }

        answer*& current() { return at[machine::here().running()]; }

        alignas(64) std::array<std::byte, 64 * (max_threads + 1)> cells{};
        std::int64_t ticks = 0;
        std::optional<atomic<std::int64_t>> moving;
        atomic<std::uint8_t> meeting;
        return_marks returns;
        std::optional<Breaker> subject;
        std::array<std::optional<typename Breaker::permit>, max_permits> permits;
        std::array<answers, max_threads + 2> told{};  ///< before, each thread, after
        std::array<std::array<heard, max_operations>, max_threads> before{};
        std::array<answer*, max_threads + 1> at{};  ///< of each thread and of none: the operation that it is in
    };

public:
    explicit breaker_program(breaker_scenario s) : scenario_(std::move(s)), allowed_(sequential_outcomes(scenario_)) {}

    std::size_t threads() const override { return scenario_.threads.size(); }
    std::span<std::byte> world() override { return world_; }

    void begin() override {
        world_.fill({});
        ::new (world_.data()) contents(config_of(scenario_.rules, scenario_.cells), scenario_.time_moves);
        play(scenario_.before, 0);
    }
    void thread(std::size_t index) override { play(scenario_.threads[index], index + 1); }
    void end() override {
        play(scenario_.after, threads() + 1);
        const std::vector<answers> told(inside().told.begin(),
                                        inside().told.begin() + static_cast<std::ptrdiff_t>(threads() + 2));
        const std::string key = key_of(scenario_, told);
        seen_.insert(key);
        if (!allowed_.contains(key)) {
            machine::here().fail("no order of the operations explains the answers" + describe(scenario_, told));
        } else if (!explained_in_order(key, told)) {
            machine::here().fail("no order that keeps happens-before explains the answers" + describe(scenario_, told));
        }
    }

    std::size_t outcomes() const override { return seen_.size(); }
    std::size_t allowed() const override { return allowed_.size(); }
    std::string text() const override { return describe(scenario_); }

private:
    contents& inside() { return *std::launder(reinterpret_cast<contents*>(world_.data())); }

    void play(const operations& all, std::size_t part) {
        contents& c = inside();
        for (std::size_t i = 0; i != all.size(); ++i) {
            answer& told = c.told[part][i];
            c.current() = &told;
            const bool in_thread = part != 0 && part <= threads();
            if (in_thread) c.before[part - 1][i] = c.returns.now();
            if (all[i].what == verb::advance) scenario_clock::advance(all[i].by);
            if (all[i].what == verb::meet) c.meeting.fetch_add(1, boost::memory_order_acq_rel);
            act(*c.subject, c.permits, all[i], told);
            if (in_thread) c.returns.add();
            if (in_thread && scenario_.cells != 0 && !blur(told)) machine::here().fail("counts that cannot be");
        }
    }

    /// Each outcome is checked once for each happens-before that it was met with.
    bool explained_in_order(std::string key, const std::vector<answers>& told) {
        const auto& before = inside().before;
        key.append(reinterpret_cast<const char*>(&before), sizeof before);
        if (explained_.contains(key)) return true;
        sequential_breaker spec(scenario_.rules);
        for (std::size_t i = 0; i != scenario_.before.size(); ++i) {
            if (!(spec.apply(scenario_.before[i]) == told[0][i])) return false;
        }
        std::vector<std::vector<told_operation<sequential_breaker>>> all(threads() + 1);
        spec.blur_looks(scenario_.cells != 0);
        heard everything{};
        for (std::size_t t = 0; t != threads(); ++t) {
            for (const operation& o : scenario_.threads[t]) {
                const std::size_t i = everything[t]++;
                all[t].push_back({o, told[t + 1][i], before[t][i]});
            }
        }
        for (const operation& o : scenario_.after) {
            const std::size_t i = everything[threads()]++;
            heard earlier = everything;
            --earlier[threads()];
            answer last = told.back()[i];
            if (scenario_.cells != 0) blur(last);
            all.back().push_back({o, last, earlier});
        }
        const bool fine = explained(spec, all);
        if (fine) explained_.insert(std::move(key));
        return fine;
    }

    const breaker_scenario scenario_;
    std::unordered_set<std::string> allowed_;
    std::unordered_set<std::string> seen_;
    std::unordered_set<std::string> explained_;
    alignas(contents) std::array<std::byte, sizeof(contents)> world_{};
};

inline std::unique_ptr<judged_program> program_of(const breaker_scenario& s) {
    using bulwark::detail::basic_layout;
    switch (s.layout) {
        case widths::thin: return std::make_unique<breaker_program<breaker_of<basic_layout<thin_tallies>>>>(s);
        case widths::two: return std::make_unique<breaker_program<breaker_of<basic_layout<two_bit_tallies>>>>(s);
        case widths::shipped: break;
    }
    return std::make_unique<breaker_program<breaker_of<basic_layout<shipped_tallies>>>>(s);
}

}  // namespace explore
