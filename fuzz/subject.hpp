// One implementation of the breaker under the fuzzer: does what an operation says and keeps all that can be seen from
// outside, in order. The same for both implementations, so that two records can be compared.
#pragma once

#include "operation.hpp"

#include <bulwark/breaker_types.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/outcome.hpp>

#include <chrono>
#include <cstddef>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bulwark::fuzz {

/// An answer, a transition told, counts that the policy was asked about, or what an observer said.
using event = std::variant<int, transition, breaker_counts, breaker_snapshot, std::string>;

inline std::ostream& operator<<(std::ostream& out, const event& e) {
    std::visit([&](const auto& it) { out << it; }, e);
    return out;
}

template <class Breaker>
class subject {
public:
    explicit subject(circuit_breaker_config config) : breaker_(wired(std::move(config))) {}

    void apply(const operation& o) {
        switch (o.what) {
            case deed::acquire: note(acquire()); break;
            case deed::success:
            case deed::failure:
            case deed::ignore:
            case deed::drop:
            case deed::unwind:
            case deed::second_word: end(o.what, index_of(o.argument)); break;
            case deed::assign: assign(o.argument); break;
            case deed::react:
                reactions_left_ = 1 + o.argument % 4;
                reaction_ = o.argument / 4;
                break;
            case deed::execute: note(execute(o.argument % 6)); break;
            case deed::observe: observe(); break;
            default: break;
        }
        note(breaker_.snapshot());
    }

    /// Dropping permits from here on calls nothing back into the breaker.
    void calm() { reactions_left_ = 0; }

    std::size_t permits() const { return permits_.size(); }
    std::vector<event>& seen() { return seen_; }
    const std::vector<event>& seen() const { return seen_; }

private:
    using permit = typename Breaker::permit;

    circuit_breaker_config wired(circuit_breaker_config config) {
        config.on_state_change = [this](const transition& t) {
            note(t);
            note(breaker_.snapshot());
            react();
        };
        config.ready_to_trip = [this, asked = std::move(config.ready_to_trip)](const breaker_counts& counts) {
            // It may be asked again about the same failure.
            if (seen_.empty() || seen_.back() != event(counts)) note(counts);
            return asked(counts);
        };
        return config;
    }

    void react() {
        if (reactions_left_ == 0) return;
        --reactions_left_;
        switch (reaction_) {
            case 0: note(acquire()); break;
            case 1: end(deed::failure, permits_.size() - 1); break;
            case 2: end(deed::success, permits_.size() - 1); break;
            default: throw std::runtime_error("listener");
        }
    }

    /// Even arguments count from the oldest permit, odd ones from the newest.
    std::size_t index_of(unsigned argument) const {
        if (permits_.empty()) return 0;
        const std::size_t place = argument / 2 % permits_.size();
        return argument % 2 == 0 ? place : permits_.size() - 1 - place;
    }

    int acquire() {
        auto got = breaker_.try_acquire();
        if (!got) return static_cast<int>(got.error());
        permits_.push_back(std::move(*got));
        return 0;
    }

    // A permit is out of the vector before it has its word: callbacks may change the vector.
    permit take(std::size_t which) {
        permit taken = std::move(permits_[which]);
        permits_.erase(permits_.begin() + static_cast<std::ptrdiff_t>(which));
        return taken;
    }

    void end(deed how, std::size_t which) {
        if (!permits_.empty()) note(end(how, take(which)));
    }

    static int end(deed how, permit held) {
        try {
            permit p = std::move(held);
            switch (how) {
                case deed::success: return p.success();
                case deed::failure: return p.failure();
                case deed::ignore: return p.ignore();
                case deed::second_word: return p.success() + 2 * p.failure() + 4 * p.ignore();
                case deed::unwind: throw 1;
                default: return -1;
            }
        } catch (int) {
            return -2;
        } catch (const std::runtime_error&) {
            return -3;
        }
    }

    void assign(unsigned argument) {
        if (permits_.empty()) return;
        permit over = take(index_of(argument));
        permit& self = over;
        if (permits_.empty()) {
            over = std::move(self);
        } else {
            over = take(index_of(argument / 4));
        }
        permits_.push_back(std::move(over));
    }

    int execute(unsigned how) {
        const auto seen_inside = [&] { note(breaker_.snapshot()); };
        const auto itself = [](outcome o) { return o; };
        const auto answer = [](const auto& r) { return r ? 0 : static_cast<int>(r.error()); };
        try {
            switch (how) {
                case 0: return answer(breaker_.execute(seen_inside));
                case 1: return answer(breaker_.execute([&] { seen_inside(), throw 1; }));
                case 2: return answer(breaker_.execute([] { return 0; }, [](int) -> outcome { throw 2; }));
                case 3: return answer(breaker_.execute([] { return outcome::success; }, itself));
                case 4: return answer(breaker_.execute([] { return outcome::failure; }, itself));
                default: return answer(breaker_.execute([] { return outcome::ignored; }, itself));
            }
        } catch (int thrown) {
            return -thrown;
        } catch (const std::runtime_error&) {
            return -3;
        }
    }

    void observe() {
        note(breaker_snapshot{breaker_.state(), breaker_.generation(), breaker_.counts(), breaker_.retry_after()});
        note(to_string(breaker_));
    }

    void note(event e) { seen_.push_back(std::move(e)); }

    std::vector<event> seen_;
    unsigned reactions_left_ = 0;
    unsigned reaction_ = 0;
    Breaker breaker_;
    std::vector<permit> permits_;
};

}  // namespace bulwark::fuzz
