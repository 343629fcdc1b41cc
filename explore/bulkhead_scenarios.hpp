// The bulkhead's scenarios: the shipped permit_counter over the explorer's atomics. Checked are the bound at every
// instant, the answers against the mutex reference, that no permit is lost, and that what one holder of the only permit
// did is ordered before what the next one does (a plain datum, race-checked).
#pragma once

#include <explore/machine.hpp>
#include <explore/plain.hpp>
#include <explore/traits.hpp>

#include <bulwark/detail/layout.hpp>
#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace explore {

/// Threads are words of t (take), g (give back, where it was taken) and l (look at the free permits). `held` permits
/// are taken before and given back by the first thread's first g.
struct bulkhead_scenario {
    std::string name;
    std::uint32_t capacity = 1;
    std::uint32_t held = 0;
    std::vector<std::string> threads;
};

class bulkhead_program : public program {
    using counter = bulwark::detail::permit_counter<traits<bulwark::detail::layout>>;
    static constexpr std::size_t longest = 8;
    using found = std::array<std::array<std::uint8_t, longest>, max_threads>;  // what each operation answered

    struct contents {
        explicit contents(std::uint32_t capacity) : permits(capacity), datum(0) {}
        counter permits;
        plain<std::uint32_t> datum;
        std::uint32_t inside = 0;
        std::uint32_t taken = 0;
        std::array<std::uint32_t, max_threads> holds{};
        found answers{};
    };

public:
    explicit bulkhead_program(const bulkhead_scenario& s) : scenario_(s) {
        std::array<std::size_t, max_threads> next{};
        std::vector<std::size_t> order;
        run_orders(next, order);
    }

    std::size_t threads() const override { return scenario_.threads.size(); }
    std::span<std::byte> world() override { return world_; }

    void begin() override {
        world_.fill({});
        contents& c = *::new (world_.data()) contents(scenario_.capacity);
        for (std::uint32_t i = 0; i != scenario_.held; ++i) take(c, 0);
    }

    void thread(std::size_t t) override {
        contents& c = inside();
        for (std::size_t i = 0; i != scenario_.threads[t].size(); ++i) {
            switch (scenario_.threads[t][i]) {
                case 't': c.answers[t][i] = take(c, t) ? 1 : 0; break;
                case 'g': give(c, t); break;
                default: c.answers[t][i] = static_cast<std::uint8_t>(c.permits.available()); break;
            }
        }
    }

    void end() override {
        contents& c = inside();
        seen_.insert(c.answers);
        machine& m = machine::here();
        if (!allowed_.contains(c.answers)) m.fail("no order of the operations explains the answers");
        if (c.permits.available() + c.inside != scenario_.capacity)
            m.fail("a permit is lost, or there is one too many");
        if (scenario_.capacity == 1 && c.datum.get() != c.taken) m.fail("a holder did not see what the last one did");
    }

    std::size_t outcomes() const { return seen_.size(); }
    std::size_t allowed() const { return allowed_.size(); }

private:
    contents& inside() { return *std::launder(reinterpret_cast<contents*>(world_.data())); }

    bool take(contents& c, std::size_t t) {
        if (!c.permits.try_take()) return false;
        if (++c.inside > scenario_.capacity) machine::here().fail("more inside than permits");
        ++c.taken;
        ++c.holds[t];
        if (scenario_.capacity == 1) c.datum.set(c.datum.get() + 1);
        return true;
    }

    static void give(contents& c, std::size_t t) {
        if (c.holds[t] == 0) return;
        --c.holds[t];
        --c.inside;
        c.permits.give_back();
    }

    /// The answers of the reference in one order of the operations.
    found run_reference(const std::vector<std::size_t>& order) const {
        bulwark::reference::bulkhead pool{{.max_concurrent = scenario_.capacity}};
        std::array<std::vector<bulwark::reference::slot>, max_threads> slots;
        for (std::uint32_t i = 0; i != scenario_.held; ++i) slots[0].push_back(*pool.try_acquire());
        found told{};
        std::array<std::size_t, max_threads> next{};
        for (const std::size_t t : order) {
            const std::size_t i = next[t]++;
            switch (scenario_.threads[t][i]) {
                case 't': {
                    auto slot = pool.try_acquire();
                    told[t][i] = slot ? 1 : 0;
                    if (slot) slots[t].push_back(std::move(*slot));
                    break;
                }
                case 'g':
                    if (!slots[t].empty()) slots[t].pop_back();
                    break;
                default: told[t][i] = static_cast<std::uint8_t>(pool.available()); break;
            }
        }
        return told;
    }

    void run_orders(std::array<std::size_t, max_threads>& next, std::vector<std::size_t>& order) {
        bool complete = true;
        for (std::size_t t = 0; t != threads_of(scenario_); ++t) {
            if (next[t] == scenario_.threads[t].size()) continue;
            complete = false;
            ++next[t];
            order.push_back(t);
            run_orders(next, order);
            order.pop_back();
            --next[t];
        }
        if (complete) allowed_.insert(run_reference(order));
    }
    static std::size_t threads_of(const bulkhead_scenario& s) { return s.threads.size(); }

    const bulkhead_scenario& scenario_;
    std::set<found> allowed_;
    std::set<found> seen_;
    alignas(contents) std::array<std::byte, sizeof(contents)> world_{};
};

inline std::vector<bulkhead_scenario> bulkhead_scenarios() {
    return {
        {"bulkhead-one", 1, 0, {"tgtg", "tgtg"}},      {"bulkhead-handed-over", 1, 1, {"gt", "tgl"}},
        {"bulkhead-two", 2, 0, {"ttgl", "ttgg"}},      {"3-bulkhead-one", 1, 0, {"tg", "tg", "tg"}},
        {"3-bulkhead-two", 2, 0, {"tg", "tgl", "tg"}}, {"3-bulkhead-refusal", 1, 1, {"g", "tg", "tl"}},
    };
}

}  // namespace explore
