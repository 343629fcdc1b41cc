#include <explore/scenario.hpp>

#include <bulwark/breaker_types.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

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
    specification spec(s.config);
    std::vector<std::size_t> next(all.size(), 0);
    const auto run_next = [&](std::size_t part) {
        const std::size_t i = next[part]++;
        spec.run((*all[part])[i], told[part][i]);
    };
    while (next.front() != s.before.size()) run_next(0);
    for (const std::size_t thread : order) run_next(thread + 1);
    while (next.back() != s.after.size()) run_next(all.size() - 1);
    return key_of(s, told);
}

void run_orders(const breaker_scenario& s, std::vector<std::size_t>& left, std::vector<std::size_t>& order,
                std::unordered_set<std::string>& outcomes) {
    bool complete = true;
    for (std::size_t t = 0; t != left.size(); ++t) {
        if (left[t] == 0) continue;
        complete = false;
        --left[t];
        order.push_back(t);
        run_orders(s, left, order, outcomes);
        order.pop_back();
        ++left[t];
    }
    if (complete) outcomes.insert(run_in_order(s, order));
}

}  // namespace

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
    static constexpr const char* verbs[] = {"admit", "success", "failure", "ignore", "look", "advance"};
    const auto state = [](std::uint8_t of) { return to_string(static_cast<bulwark::breaker_state>(of)); };
    std::ostringstream out;
    const auto all = parts(s);
    for (std::size_t part = 0; part != all.size(); ++part) {
        for (std::size_t i = 0; i != all[part]->size(); ++i) {
            const operation& o = (*all[part])[i];
            const answer& a = told[part][i];
            out << "\n    " << (part == 0 ? "before" : part + 1 == all.size() ? "after" : "thread ");
            if (part != 0 && part + 1 != all.size()) out << static_cast<char>('a' + part - 1);
            out << "  " << verbs[static_cast<std::size_t>(o.what)];
            if (o.what == verb::advance) {
                out << ' ' << o.by.count() << " ns";
            } else if (o.what == verb::look) {
                out << " -> " << state(a.state) << ", generation " << static_cast<int>(a.generation) << ", counts";
                for (const std::uint8_t count : a.counts) out << ' ' << static_cast<int>(count);
                out << ", retry after " << a.retry_after;
            } else {
                out << " permit " << o.permit << " -> " << static_cast<int>(a.code);
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
    run_orders(s, left, order, outcomes);
    return outcomes;
}

}  // namespace explore
