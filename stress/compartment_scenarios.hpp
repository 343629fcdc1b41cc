// What must hold of the compartments whatever the interleaving: a name has one compartment, for everybody and for ever.
#pragma once

#include "rounds.hpp"
#include "run.hpp"

#include <bulwark/compartments.hpp>
#include <bulwark/reference/compartments.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace bulwark::stress {

/// Compact, so that many are made quickly. With one permit the bulkhead is a lock.
inline compartments_config compact_compartments(std::uint32_t expected) {
    return {.defaults = {.breaker = {.interval = std::chrono::nanoseconds(0), .cells = 0},
                         .bulkhead = {.max_concurrent = 1, .cells = 0}},
            .services = {},
            .expected = expected};
}

/// Names longer than a string keeps in itself: they have memory that must be seen by who finds them.
inline std::vector<std::string> service_names(std::size_t n) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i != n; ++i) names.push_back("a service with a long name, number " + std::to_string(i));
    return names;
}

/// Whoever creates a name, everybody finds the same compartment from then on; who looks at all meets each once that he
/// knew of before.
template <class Registry>
class names_have_one_winner {
public:
    explicit names_have_one_winner(run& r)
        : run_(r),
          pools_(compact_compartments(std::array<std::uint32_t, 3>{1, 4, 64}[r.random()() % 3])),
          all_(names.size()),
          guarded_(names.size()) {}

    void act(unsigned, random_source& random) {
        constexpr int calls = 200;
        found known(names.size());
        for (int i = 0; i != calls; ++i) {
            const std::size_t n = random() % names.size();
            switch (random() % 8) {
                case 0: look_at_all(known); break;
                case 1:
                case 2:
                case 3: {
                    if (compartment* const c = pools_.find(names[n])) {
                        note(known, n, c);
                    } else {
                        run_.check(known[n] == nullptr, "a compartment is no longer found:", names[n]);
                    }
                    break;
                }
                default: {
                    compartment& c = pools_[names[n]];
                    note(known, n, &c);
                    // Not atomic on purpose: two compartments of one name would let two threads in at once.
                    (void)c.execute([&] { ++guarded_[n]; });
                    break;
                }
            }
        }
        run_.add_operations(calls);
        const std::lock_guard lock(mutex_);
        for (std::size_t n = 0; n != names.size(); ++n) {
            if (known[n] != nullptr) note(all_, n, known[n]);
        }
    }

    void finish() {
        for (std::size_t n = 0; n != names.size(); ++n) {
            run_.check(pools_.find(names[n]) == all_[n], "found at the end is not what was found before:", names[n]);
            if (all_[n] == nullptr) continue;
            run_.check(all_[n]->breaker().counts().total_successes == guarded_[n],
                       "calls of a service were lost:", all_[n]->breaker().counts().total_successes, "counted of",
                       guarded_[n]);
        }
        look_at_all(all_);
        std::size_t met = 0;
        pools_.for_each([&](const compartment&) { ++met; });
        const auto known = all_.size() - static_cast<std::size_t>(std::count(all_.begin(), all_.end(), nullptr));
        run_.check(met == known, "compartments at the end:", met, "of", known);
    }

private:
    using compartment = typename Registry::compartment;
    using found = std::vector<compartment*>;

    void note(found& known, std::size_t n, compartment* c) {
        run_.check(c->name() == names[n], "found under another name:", c->name(), names[n]);
        run_.check(known[n] == nullptr || known[n] == c, "two compartments of one name:", names[n]);
        known[n] = c;
    }

    void look_at_all(const found& known) {
        found met(names.size());
        pools_.for_each([&](compartment& c) {
            const auto at = std::find(names.begin(), names.end(), c.name());
            run_.check(at != names.end(), "a compartment that nobody asked for:", c.name());
            if (at == names.end()) return;
            const auto n = static_cast<std::size_t>(at - names.begin());
            run_.check(met[n] == nullptr, "met twice:", c.name());
            met[n] = &c;
        });
        for (std::size_t n = 0; n != names.size(); ++n) {
            run_.check(known[n] == nullptr || known[n] == met[n], "not met, or another:", names[n]);
        }
    }

    static inline const std::vector<std::string> names = service_names(24);

    run& run_;
    Registry pools_;
    std::mutex mutex_;
    found all_;
    std::vector<std::uint64_t> guarded_;
};

/// Two threads ask for a new name, or for two that meet in a bucket, at the same time.
template <class Registry>
class new_names_at_once {
public:
    explicit new_names_at_once(run& r) : run_(r), pools_(compact_compartments(r.random()() % 2 == 0 ? 1 : 64)) {}

    void choose(unsigned thread, random_source& random) {
        desk& d = desks_[thread];
        d.name = 2 * rounds_ + random() % 2;
        d.only_looks = random() % 4 == 0;
    }

    void act(unsigned thread) {
        desk& d = desks_[thread];
        d.got = d.only_looks ? pools_.find(names[d.name]) : &pools_[names[d.name]];
    }

    void check() {
        ++rounds_;
        for (const desk& d : desks_) {
            compartment* const there = pools_.find(names[d.name]);
            const bool created = std::any_of(desks_.begin(), desks_.end(),
                                             [&](const desk& o) { return !o.only_looks && o.name == d.name; });
            run_.check((there != nullptr) == created, "created, and is not found; or the other way round");
            run_.check(d.got == there || (d.only_looks && d.got == nullptr), "two compartments of one name");
            run_.check(there == nullptr || there->name() == names[d.name], "found under another name");
        }
        const bool two_names = desks_[0].name != desks_[1].name;
        for (std::size_t i = 0; i != desks_.size(); ++i) {
            created_ += !desks_[i].only_looks && (i == 0 || two_names || desks_[0].only_looks) ? 1U : 0U;
        }
        std::size_t met = 0;
        pools_.for_each([&](const compartment&) { ++met; });
        run_.check(met == created_, "compartments:", met, "of", created_);
    }

private:
    using compartment = typename Registry::compartment;
    struct alignas(128) desk {
        std::size_t name = 0;
        bool only_looks = false;
        compartment* got = nullptr;
    };

    static inline const std::vector<std::string> names = service_names(200);  // an object is used for 100 rounds

    run& run_;
    Registry pools_;
    std::array<desk, 2> desks_;
    std::size_t rounds_ = 0;
    std::size_t created_ = 0;
};

/// Adds both to a list of entries. The rounds are not for the mutex reference: who loses the mutex sleeps, and comes
/// late to the next round.
template <class Entry, class Kind>
void add_compartments(std::vector<Entry>& all, Kind crowd, Kind rounds) {
    using ours = bulwark::compartments;
    using twin = bulwark::reference::compartments;
    all.push_back({"names-have-one-winner", "lock-free", crowd, &repeat<names_have_one_winner<ours>>});
    all.push_back({"names-have-one-winner", "reference", crowd, &repeat<names_have_one_winner<twin>>});
    all.push_back({"new-name-rounds", "lock-free", rounds, &play_rounds<new_names_at_once<ours>>});
}

}  // namespace bulwark::stress
