// A circuit breaker for the recorder: random rules, a random start, and the random calls that threads make from there.
//
// Starts matter more than length. One thread leads the breaker to where races are worth having: a failure short of the
// trip, the end of a window, a timeout or a probe timeout to the nanosecond, probes under way, permits of earlier
// windows and generations still in the hands of the threads that will use them. One start in three leads to a breaker
// that stays closed for a while, with calls under way in every thread and more eyes on its counts.
#pragma once

#include "../stress/run.hpp"
#include "breaker_spec.hpp"
#include "celled_breaker_spec.hpp"
#include "checker.hpp"

#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/trip_policy.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>

namespace bulwark::lin {

/// Where the callbacks of the operation that this thread is in are written.
inline thread_local breaker_answer* listener = nullptr;

inline circuit_breaker_config config_of(const breaker_rules& rules) {
    circuit_breaker_config config{.max_requests = rules.max_requests,
                                  .interval = rules.interval,
                                  .timeout = rules.timeout,
                                  .probe_timeout = rules.probe_timeout,
                                  .on_state_change = [](const transition& made) {
                                      if (listener != nullptr) listener->tell(made);
                                  }};
    if (rules.trips.in_a_row != 0) {
        config.ready_to_trip = consecutive_failures(rules.trips.in_a_row);
    } else {
        config.ready_to_trip = failure_ratio(rules.trips.percent / 100.0, rules.trips.at_least);
    }
    return config;
}

inline breaker_rules random_rules(stress::random_source& random) {
    const auto now_and_then = [&](int ns) { return std::chrono::nanoseconds(random() % 2 == 0 ? 0 : ns); };
    breaker_rules rules{.max_requests = 1 + static_cast<std::uint32_t>(random() % 3),
                        .interval = now_and_then(9),
                        .timeout = now_and_then(7),
                        .probe_timeout = now_and_then(5),
                        .trips = {}};
    const auto small = static_cast<std::uint32_t>(random() % 4);
    if (random() % 2 == 0) {
        rules.trips = {.in_a_row = 1 + small, .percent = 0, .at_least = 0};
    } else {
        rules.trips = {.in_a_row = 0, .percent = random() % 2 == 0 ? 50U : 80U, .at_least = 2 + small};
    }
    // Quick ones go through trip, probe and close in three calls, under the hands of a thread that is in the middle of
    // one.
    if (random() % 4 == 0) {
        rules.max_requests = 1;
        rules.timeout = std::chrono::nanoseconds(0);
        rules.trips = {.in_a_row = 1, .percent = 0, .at_least = 0};
    }
    return rules;
}

/// Of a breaker that takes a few failures before it trips.
inline breaker_rules patient_rules(stress::random_source& random) {
    breaker_rules rules = random_rules(random);
    const auto more = static_cast<std::uint32_t>(random() % 4);
    rules.trips = {.in_a_row = 0, .percent = random() % 2 == 0 ? 40U : 60U, .at_least = 3 + more};
    return rules;
}

/// `Spec`: breaker_spec, or celled_breaker_spec where the breaker has cells.
template <class Breaker, class Spec>
class breaker_target {
public:
    using spec = breaker_spec;

    static constexpr unsigned most_threads = 4;
    static constexpr std::size_t fewest_calls = 3;
    /// So many that they can all be taken apart and still be searched.
    static constexpr std::size_t most_calls(unsigned threads) {
        return std::min<std::size_t>(7, longest_history / celled_breaker_spec::most_parts / threads);
    }

    breaker_target(stress::random_source& random, unsigned threads)
        : threads_(threads),
          stays_closed_(random() % 3 == 0),
          rules_(stays_closed_ ? patient_rules(random) : random_rules(random)),
          breaker_(config_of(rules_)),
          spec_(rules_, manual_clock::now().time_since_epoch()) {
        hand_out(random, stays_closed_ ? random() % (3 * threads) : random() % 3);
        // A tally of the product's breaker is full after 63 requests, and a carry is worth a race.
        finish_calls(random, random() % 16 == 0 ? 55 + random() % 10 : random() % 4);
        if (random() % 4 == 0) {
            to_the_end_of(rules_.interval, random);
            hand_out(random, random() % 2);
        }
        if (!stays_closed_ && random() % 2 == 0) {
            break_it();
            to_the_end_of(rules_.timeout, random);
            hand_out(random, random() % (rules_.max_requests + 1));
        }
        if (random() % 2 == 0) to_the_end_of(current_period(), random);
        start_ = spec_.look();
    }

    Spec start() const { return Spec(spec_); }
    const std::string& start_error() const { return start_error_; }

    breaker_call choose(unsigned thread, stress::random_source& random) const {
        const std::uint64_t dice = random();
        if (dice % 8 == 0 || (stays_closed_ && dice % 8 == 7)) return {};
        const auto& own = hands_[thread].permits;
        const std::size_t from = (dice >> 8) % own.size();
        const bool ask = dice % 8 < 4;
        for (std::size_t i = 0; i != own.size(); ++i) {
            const std::size_t place = (from + i) % own.size();
            if (own[place].has_value() == ask) continue;
            return {ask ? breaker_verb::acquire : ending(dice >> 16), thread * own.size() + place};
        }
        return {ask ? ending(dice >> 16) : breaker_verb::acquire, thread * own.size() + from};
    }

    breaker_answer perform(unsigned thread, const breaker_call& call) {
        breaker_answer answer;
        listener = &answer;
        auto& place = hands_[thread].permits[call.permit % hand::size];
        switch (call.verb) {
            case breaker_verb::acquire:
                if (auto admitted = breaker_.try_acquire()) {
                    place.emplace(std::move(*admitted));
                } else {
                    answer.refusal = admitted.error();
                }
                break;
            case breaker_verb::success: answer.counted = place->success(); break;
            case breaker_verb::failure: answer.counted = place->failure(); break;
            case breaker_verb::ignore: answer.counted = place->ignore(); break;
            case breaker_verb::snapshot: answer.seen = breaker_.snapshot(); break;
            case breaker_verb::drop: break;
        }
        if (call.verb != breaker_verb::acquire && call.verb != breaker_verb::snapshot) place.reset();
        listener = nullptr;
        return answer;
    }

    void describe(std::ostream& out) const {
        out << "max_requests " << rules_.max_requests << ", interval " << rules_.interval.count() << ", timeout "
            << rules_.timeout.count() << ", probe_timeout " << rules_.probe_timeout.count() << ", trips at ";
        if (rules_.trips.in_a_row != 0) {
            out << rules_.trips.in_a_row << " in a row";
        } else {
            out << rules_.trips.percent << " % of " << rules_.trips.at_least;
        }
        out << "\n  start: " << start_ << ", age " << spec_.age().count();
    }

private:
    struct alignas(128) hand {
        static constexpr std::size_t size = breaker_spec::permits / most_threads;
        std::array<std::optional<typename Breaker::permit>, size> permits;
    };

    static breaker_verb ending(std::uint64_t dice) {
        constexpr breaker_verb endings[] = {breaker_verb::success, breaker_verb::success, breaker_verb::success,
                                            breaker_verb::failure, breaker_verb::failure, breaker_verb::failure,
                                            breaker_verb::ignore,  breaker_verb::drop};
        return endings[dice % std::size(endings)];
    }

    /// To the breaker and to its specification, which must agree.
    void do_both(unsigned thread, const breaker_call& call) {
        const breaker_answer got = perform(thread, call);
        const breaker_answer expected = spec_.apply(call);
        if (got == expected || !start_error_.empty()) return;
        std::ostringstream text;
        text << call << " -> ";
        print_answer(text, call, got);
        text << ", expected: ";
        print_answer(text, call, expected);
        start_error_ = text.str();
    }

    void advance(std::chrono::nanoseconds by) {
        manual_clock::advance(by);
        spec_.advance(by);
    }

    /// Permits that their holders have not used yet.
    void hand_out(stress::random_source& random, std::uint64_t n) {
        for (std::uint64_t i = 0; i != n; ++i) {
            const auto thread = static_cast<unsigned>(random() % threads_);
            auto& own = hands_[thread].permits;
            const auto free = std::find_if(own.begin(), own.end(), [](const auto& p) { return !p.has_value(); });
            if (free == own.end()) continue;
            const auto place = static_cast<std::size_t>(free - own.begin());
            do_both(thread, {breaker_verb::acquire, thread * own.size() + place});
        }
    }

    /// One thread keeps its last place free for these.
    void one_call(breaker_verb how) {
        constexpr std::size_t place = hand::size - 1;
        do_both(0, {breaker_verb::acquire, place});
        if (hands_[0].permits[place]) do_both(0, {how, place});
    }

    void finish_calls(stress::random_source& random, std::uint64_t n) {
        for (std::uint64_t i = 0; i != n; ++i) one_call(n > 50 ? breaker_verb::success : ending(random()));
    }

    void break_it() {
        for (int i = 0; i != 80 && spec_.look().state == breaker_state::closed; ++i) one_call(breaker_verb::failure);
    }

    std::chrono::nanoseconds current_period() const {
        switch (spec_.look().state) {
            case breaker_state::closed: return rules_.interval;
            case breaker_state::open: return rules_.timeout;
            case breaker_state::half_open: break;
        }
        return rules_.probe_timeout;
    }

    /// To the last nanosecond of the period, to its end, or one past it.
    void to_the_end_of(std::chrono::nanoseconds period, stress::random_source& random) {
        const auto by = period - spec_.age() + std::chrono::nanoseconds(static_cast<int>(random() % 3) - 1);
        if (by.count() > 0) advance(by);
    }

    const unsigned threads_;
    const bool stays_closed_;
    const breaker_rules rules_;
    Breaker breaker_;
    breaker_spec spec_;
    breaker_snapshot start_;
    std::string start_error_;
    std::array<hand, most_threads> hands_;  // last: permits go before their breaker
};

}  // namespace bulwark::lin
