// The bulkhead's scenarios: the shipped permit_counter over the explorer's atomics. Checked are the bound at every
// instant, the answers against the specification of lin/, in an order that keeps happens-before (history.hpp), that no
// permit is lost, and that what one holder of the only permit did is ordered before what the next one does (a plain
// datum, race-checked).
#pragma once

#include <explore/arena.hpp>
#include <explore/history.hpp>
#include <explore/machine.hpp>
#include <explore/plain.hpp>
#include <explore/traits.hpp>

#include <lin/bulkhead_spec.hpp>

#include <bulwark/detail/layout.hpp>
#include <bulwark/detail/permit_counter.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace explore {

/// Threads are words of t (take), g (give back, where it was taken), l (look at the free permits) and m (meet the other
/// threads, in a word that is not the bulkhead's). `held` permits are taken before and given back by the first thread's
/// first g. One thread may be what the waiting line is to the counter, of one stripe: c (close, and keep what was
/// free), k (collect what came back since) and o (open, with what was kept).
struct bulkhead_scenario {
    std::string name;
    std::uint32_t capacity = 1;
    std::uint32_t held = 0;
    std::vector<std::string> threads;
    std::uint32_t stripes = 1;  ///< with more than one, nobody looks: the figure is for people then
};

/// The specification of lin/ with the scenarios' operations, told by whom.
class sequential_bulkhead {
    using verb = bulwark::lin::bulkhead_verb;

public:
    using call = std::pair<std::size_t, char>;
    using answer = std::uint8_t;

    sequential_bulkhead(std::uint32_t capacity, std::uint32_t held) : spec_(capacity) {
        for (std::uint32_t i = 0; i != held; ++i) apply({0, 't'});
    }

    answer apply(const call& c) {
        std::uint32_t& holds = holds_[c.first];
        switch (c.second) {
            case 't':
                if (closed_) return 0;
                if (!spec_.apply({verb::acquire}).admitted) return 0;
                ++holds;
                return 1;
            case 'g':
                if (holds != 0) spec_.apply({verb::release});
                holds -= holds != 0 ? 1 : 0;
                return 0;
            case 'l': return static_cast<answer>(spec_.apply({verb::available}).figure);
            case 'c': closed_ = true; return keep();
            case 'k': return keep();
            case 'o':
                closed_ = false;
                for (; kept_ != 0; --kept_) spec_.apply({verb::release});
                return 0;
            default: return 0;
        }
    }

    bool operator==(const sequential_bulkhead&) const = default;
    std::size_t hash() const { return spec_.hash(); }

private:
    answer keep() {
        answer found = 0;
        while (spec_.apply({verb::acquire}).admitted) ++found;
        kept_ += found;
        return found;
    }

    bulwark::lin::bulkhead_spec spec_;
    std::array<std::uint32_t, max_threads> holds_{};
    std::uint32_t kept_ = 0;
    bool closed_ = false;
};

class bulkhead_program : public judged_program {
    using counter = bulwark::detail::permit_counter<traits<bulwark::detail::layout>>;
    static constexpr std::size_t longest = 8;
    using found = std::array<std::array<std::uint8_t, longest>, max_threads>;  // what each operation answered

    struct contents {
        explicit contents(const bulkhead_scenario& s) : datum(0) {
            const arena memory(stripes);
            permits.emplace(s.capacity, s.stripes);
        }
        alignas(64) std::array<std::byte, 64 * max_threads> stripes{};
        std::optional<counter> permits;
        atomic<std::uint8_t> meeting;
        return_marks returns;
        plain<std::uint32_t> datum;
        std::uint32_t inside = 0;
        std::uint32_t taken = 0;
        std::uint32_t kept = 0;
        std::array<std::uint32_t, max_threads> holds{};
        found answers{};
        std::array<std::array<heard, longest>, max_threads> before{};
    };

public:
    explicit bulkhead_program(bulkhead_scenario s) : scenario_(std::move(s)) {
        std::vector<std::size_t> left(scenario_.threads.size());
        std::ranges::transform(scenario_.threads, left.begin(), [](const std::string& t) { return t.size(); });
        std::vector<std::size_t> order;
        for_each_order(left, order, [&](const auto& o) { allowed_.insert(answers_in(o)); });
    }

    std::size_t threads() const override { return scenario_.threads.size(); }
    std::span<std::byte> world() override { return world_; }

    void begin() override {
        world_.fill({});
        contents& c = *::new (world_.data()) contents(scenario_);
        for (std::uint32_t i = 0; i != scenario_.held; ++i) take(c, 0);
    }

    void thread(std::size_t t) override {
        contents& c = inside();
        for (std::size_t i = 0; i != scenario_.threads[t].size(); ++i) {
            c.before[t][i] = c.returns.now();
            switch (scenario_.threads[t][i]) {
                case 't': c.answers[t][i] = take(c, t) ? 1 : 0; break;
                case 'g': give(c, t); break;
                case 'l': c.answers[t][i] = static_cast<std::uint8_t>(c.permits->available()); break;
                case 'c': c.answers[t][i] = close(c); break;
                case 'k': c.answers[t][i] = keep(c, c.permits->collect()); break;
                case 'o': open(c); break;
                default: c.meeting.fetch_add(1, boost::memory_order_acq_rel); break;
            }
            c.returns.add();
        }
    }

    void end() override {
        contents& c = inside();
        seen_.insert(c.answers);
        machine& m = machine::here();
        if (!explained_in_order(c)) m.fail("no order that keeps happens-before explains the answers" + text());
        if (c.permits->available() + c.inside != scenario_.capacity)
            m.fail("a permit is lost, or there is one too many");
        if (scenario_.capacity == 1 && c.datum.get() != c.taken) m.fail("a holder did not see what the last one did");
    }

    std::size_t outcomes() const override { return seen_.size(); }
    std::size_t allowed() const override { return allowed_.size(); }
    std::string text() const override {
        std::string all =
            "\n    capacity " + std::to_string(scenario_.capacity) + ", held " + std::to_string(scenario_.held);
        for (const std::string& t : scenario_.threads) all += ", " + t;
        return all;
    }

private:
    contents& inside() { return *std::launder(reinterpret_cast<contents*>(world_.data())); }

    bool take(contents& c, std::size_t t) {
        if (!c.permits->try_take()) return false;
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
        c.permits->give_back();
    }

    std::uint8_t close(contents& c) {
        std::uint64_t free = 0;
        c.permits->take_or_close(std::uint64_t{scenario_.capacity} + 1, free);
        return keep(c, free);
    }
    std::uint8_t keep(contents& c, std::uint64_t free) {
        const auto more = static_cast<std::uint32_t>(free);
        c.inside += more;
        if (c.inside > scenario_.capacity) machine::here().fail("more inside than permits");
        c.kept += more;
        c.taken += more;
        if (scenario_.capacity == 1 && more != 0) c.datum.set(c.datum.get() + 1);
        return static_cast<std::uint8_t>(free);
    }
    static void open(contents& c) {
        c.inside -= c.kept;
        c.permits->open(std::exchange(c.kept, 0));
    }

    bool explained_in_order(const contents& c) {
        if (explained_.contains({c.answers, c.before})) return true;
        std::vector<std::vector<told_operation<sequential_bulkhead>>> all(threads());
        for (std::size_t t = 0; t != threads(); ++t) {
            for (std::size_t i = 0; i != scenario_.threads[t].size(); ++i) {
                all[t].push_back({{t, scenario_.threads[t][i]}, c.answers[t][i], c.before[t][i]});
            }
        }
        const bool fine = explained(sequential_bulkhead(scenario_.capacity, scenario_.held), all);
        if (fine) explained_.insert({c.answers, c.before});
        return fine;
    }

    found answers_in(const std::vector<std::size_t>& order) const {
        sequential_bulkhead spec(scenario_.capacity, scenario_.held);
        found told{};
        std::array<std::size_t, max_threads> next{};
        for (const std::size_t t : order) {
            const std::size_t i = next[t]++;
            told[t][i] = spec.apply({t, scenario_.threads[t][i]});
        }
        return told;
    }

    const bulkhead_scenario scenario_;
    std::set<found> allowed_;
    std::set<found> seen_;
    std::set<std::pair<found, decltype(contents::before)>> explained_;
    alignas(contents) std::array<std::byte, sizeof(contents)> world_{};
};

inline std::unique_ptr<judged_program> program_of(const bulkhead_scenario& s) {
    return std::make_unique<bulkhead_program>(s);
}

inline std::vector<bulkhead_scenario> bulkhead_scenarios() {
    return {
        {"bulkhead-one", 1, 0, {"tgtg", "tgtg"}},        {"bulkhead-handed-over", 1, 1, {"gt", "tgl"}},
        {"bulkhead-two", 2, 0, {"ttgl", "ttgg"}},        {"3-bulkhead-one", 1, 0, {"tg", "tg", "tg"}},
        {"3-bulkhead-two", 2, 0, {"tg", "tgl", "tg"}},   {"3-bulkhead-refusal", 1, 1, {"g", "tg", "tl"}},
        {"bulkhead-closed", 1, 0, {"cko", "tgt"}},       {"bulkhead-closed-held", 1, 1, {"gt", "cko"}},
        {"bulkhead-closed-two", 2, 2, {"ggt", "cko"}},   {"3-bulkhead-closed", 1, 1, {"g", "cko", "tg"}},
        {"striped-one", 1, 0, {"tgtg", "tgtg"}, 2},      {"striped-two", 2, 0, {"ttgg", "ttgg"}, 2},
        {"striped-met", 1, 0, {"tgm", "mt"}, 2},         {"3-striped-one", 1, 0, {"tg", "tg", "tg"}, 2},
        {"3-striped-free", 2, 0, {"tgm", "mt", "t"}, 2},
    };
}

}  // namespace explore
