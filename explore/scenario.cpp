#include <explore/history.hpp>
#include <explore/scenario.hpp>

#include <bulwark/breaker_types.hpp>
#include <bulwark/reference/circuit_breaker.hpp>
#include <bulwark/trip_policy.hpp>

#include <cstring>
#include <sstream>

namespace explore {

namespace {

/// The clock of the specification. One order is run at a time, in one thread.
struct spec_clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<spec_clock>;
    static inline duration ticks{0};
    static time_point now() noexcept { return time_point(ticks); }
};

class specification {
    using breaker = bulwark::reference::basic_circuit_breaker<spec_clock>;

public:
    explicit specification(bulwark::circuit_breaker_config config)
        : breaker_([&] {
              spec_clock::ticks = {};
              config.on_state_change = [this](const bulwark::transition& made) { note(*told_, made); };
              return std::move(config);
          }()) {}

    void run(const operation& o, answer& told) {
        told_ = &told;
        spec_clock::ticks += o.by;
        act(breaker_, permits_, o, told);
    }

    /// Permits that are left over have no word to say.
    ~specification() {
        answer unheard;
        told_ = &unheard;
        for (auto& p : permits_) p.reset();
    }
    specification(const specification&) = delete;
    specification& operator=(const specification&) = delete;

private:
    answer* told_ = nullptr;
    breaker breaker_;
    std::array<std::optional<breaker::permit>, max_permits> permits_;
};

std::vector<const operations*> parts(const breaker_scenario& s) {
    std::vector<const operations*> all{&s.before};
    for (const operations& t : s.threads) all.push_back(&t);
    all.push_back(&s.after);
    return all;
}

std::string run_in_order(const breaker_scenario& s, const std::vector<std::size_t>& order) {
    const auto all = parts(s);
    std::vector<answers> told(all.size());
    specification spec(config_of(s.rules));
    std::vector<std::size_t> next(all.size(), 0);
    const auto run_next = [&](std::size_t part) {
        const std::size_t i = next[part]++;
        spec.run((*all[part])[i], told[part][i]);
        if (s.cells != 0 && part != 0 && part + 1 != all.size()) blur(told[part][i]);
    };
    while (next.front() != s.before.size()) run_next(0);
    for (const std::size_t thread : order) run_next(thread + 1);
    while (next.back() != s.after.size()) run_next(all.size() - 1);
    return key_of(s, told);
}

}  // namespace

breaker_scenario::breaker_scenario(std::string its_name, const bulwark::lin::breaker_rules& its_rules,
                                   const std::string& script)
    : name(std::move(its_name)), rules(its_rules) {
    static const std::string letters = "asfil+m";  // in the order of verb
    std::vector<operations> all(1);
    std::istringstream in(script);
    for (std::string word; in >> word;) {
        const bool last = word.back() == ',';
        if (word != "|") {
            const std::size_t number = word.size() - last == 1 ? 0 : std::stoul(word.substr(1));
            operation o{.what = static_cast<verb>(letters.find(word[0]))};
            if (o.what == verb::advance) {
                o.by = std::chrono::nanoseconds(number);
            } else {
                o.permit = number;
            }
            all.back().push_back(o);
        }
        if (last || word == "|") all.emplace_back();
    }
    before = all.front();
    after = all.back();
    threads.assign(all.begin() + 1, all.end() - 1);
}

bulwark::circuit_breaker_config config_of(const bulwark::lin::breaker_rules& rules, std::uint32_t cells) {
    bulwark::circuit_breaker_config c{.max_requests = rules.max_requests,
                                      .interval = rules.interval,
                                      .timeout = rules.timeout,
                                      .probe_timeout = rules.probe_timeout};
    c.cells = cells;
    if (rules.trips.in_a_row != 0) {
        c.ready_to_trip = bulwark::consecutive_failures(rules.trips.in_a_row);
    } else {
        c.ready_to_trip = bulwark::failure_ratio(rules.trips.percent / 100.0, rules.trips.at_least);
    }
    return c;
}

void note(answer& into, const bulwark::breaker_snapshot& seen) {
    const auto small = [](auto value) { return static_cast<std::uint8_t>(value); };
    into.state = small(seen.state);
    into.generation = small(seen.generation);
    into.counts = {small(seen.counts.requests),
                   small(seen.counts.total_successes),
                   small(seen.counts.total_failures),
                   small(seen.counts.total_ignored),
                   small(seen.counts.consecutive_successes),
                   small(seen.counts.consecutive_failures)};
    into.retry_after = static_cast<std::int32_t>(seen.retry_after.count());
}

bool blur(answer& look) {
    auto& [requests, successes, failures, ignored, row, row_of_failures] = look.counts;
    const bool possible = requests >= successes + failures + ignored && row <= successes &&
                          (row == 0 || row_of_failures == 0) && row_of_failures <= failures;
    requests = successes = row = 0;
    return possible;
}

answer sequential_breaker::apply(const operation& o) {
    using lin_verb = bulwark::lin::breaker_verb;
    static constexpr lin_verb verbs[] = {lin_verb::acquire, lin_verb::success, lin_verb::failure, lin_verb::ignore,
                                         lin_verb::snapshot};
    answer told;
    spec_.advance(o.by);
    if (o.what == verb::advance || o.what == verb::meet) return told;
    const bulwark::lin::breaker_answer found = spec_.apply({verbs[static_cast<std::size_t>(o.what)], o.permit});
    told.code = static_cast<std::uint8_t>(found.counted ? 1 : static_cast<int>(found.refusal));
    if (o.what == verb::look) note(told, found.seen);
    if (blurred_) blur(told);
    if (found.told != 0) note(told, found.change);
    return told;
}

std::string key_of(const breaker_scenario& s, const std::vector<answers>& told) {
    std::string key;
    const auto all = parts(s);
    for (std::size_t part = 0; part != all.size(); ++part) {
        const std::size_t size = all[part]->size() * sizeof(answer);
        const std::size_t at = key.size();
        key.resize(at + size);
        if (size != 0) std::memcpy(key.data() + at, told[part].data(), size);
    }
    return key;
}

std::string describe(const breaker_scenario& s, const std::vector<answers>& told) {
    static constexpr const char* layouts[] = {"one bit a tally", "two bits a tally", "shipped layout"};
    static constexpr const char* verbs[] = {"admit", "success", "failure", "ignore", "look", "advance", "meet"};
    const auto state = [](std::uint8_t of) { return to_string(static_cast<bulwark::breaker_state>(of)); };
    std::ostringstream out;
    const auto& r = s.rules;
    out << "\n    " << layouts[static_cast<std::size_t>(s.layout)] << ", max_requests " << r.max_requests
        << ", interval " << r.interval.count() << ", timeout " << r.timeout.count() << ", probe_timeout "
        << r.probe_timeout.count() << ", trips at ";
    if (r.trips.in_a_row != 0) {
        out << r.trips.in_a_row << " in a row";
    } else {
        out << r.trips.percent << " % of " << r.trips.at_least;
    }
    const auto all = parts(s);
    for (std::size_t part = 0; part != all.size(); ++part) {
        for (std::size_t i = 0; i != all[part]->size(); ++i) {
            const operation& o = (*all[part])[i];
            out << "\n    " << (part == 0 ? "before" : part + 1 == all.size() ? "after" : "thread ");
            if (part != 0 && part + 1 != all.size()) out << static_cast<char>('a' + part - 1);
            out << "  " << verbs[static_cast<std::size_t>(o.what)];
            if (o.what == verb::advance) out << ' ' << o.by.count() << " ns";
            if (o.what < verb::look) out << " permit " << o.permit;
            if (told.empty()) continue;
            const answer& a = told[part][i];
            if (o.what == verb::look) {
                out << " -> " << state(a.state) << ", generation " << static_cast<int>(a.generation) << ", counts";
                for (const std::uint8_t count : a.counts) out << ' ' << static_cast<int>(count);
                out << ", retry after " << a.retry_after;
            } else if (o.what < verb::look) {
                out << " -> " << static_cast<int>(a.code);
            }
            if (a.entered != 0) {
                out << ", made " << state(a.from) << " -> " << state(a.to) << ", generation "
                    << static_cast<int>(a.entered);
            }
        }
    }
    return out.str();
}

std::unordered_set<std::string> sequential_outcomes(const breaker_scenario& s) {
    std::unordered_set<std::string> outcomes;
    std::vector<std::size_t> left;
    left.reserve(s.threads.size());
    for (const operations& t : s.threads) left.push_back(t.size());
    std::vector<std::size_t> order;
    for_each_order(left, order, [&](const auto& o) { outcomes.insert(run_in_order(s, o)); });
    return outcomes;
}

}  // namespace explore
