// A bulkhead for the recorder: a random capacity, a random start near full, and the random calls from there.
#pragma once

#include "../stress/run.hpp"
#include "../stress/waiting_workload.hpp"
#include "bulkhead_spec.hpp"

#include <bulwark/errc.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <ostream>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace bulwark::lin {

/// What the calls of a target are.
struct bulkhead_calls {
    bool figures = true;  ///< in_use() and available() are those of an instant: one stripe, and nobody resizes
    bool weights = true;  ///< of more than one permit
    bool waits = false;
    bool resizes = false;
};

template <class Bulkhead, bulkhead_calls Calls = bulkhead_calls{}>
class bulkhead_target {
    static constexpr std::uint64_t unit = stress::unit_of<Bulkhead>;

public:
    using spec = bulkhead_spec;

    static constexpr unsigned most_threads = spec::callers;
    // Longer than a breaker's: its operations are so short that the first of them are over before both threads are up.
    static constexpr std::size_t fewest_calls = Calls.waits ? 8 : 10;
    /// What waits is two operations for the checker.
    static constexpr std::size_t most_calls(unsigned threads) {
        return Calls.waits ? std::clamp<std::size_t>(longest_history / 2 / threads, fewest_calls, 15) : 15;
    }

    bulkhead_target(stress::random_source& random, unsigned threads)
        : capacity_(1 + static_cast<std::uint32_t>(random() % 4)),
          max_waiting_(Calls.waits && random() % 4 == 0 ? 1 : most_threads),
          pool_(stress::config_of<Bulkhead>(capacity_, max_waiting_)),
          spec_(capacity_, max_waiting_),
          threads_(threads) {
        for (auto& h : hands_) h.slots.reserve(16);
        for (std::uint64_t taken = random() % (capacity_ + 1); taken != 0; --taken) {
            const bulkhead_call take{.verb = bulkhead_verb::acquire};
            const auto thread = static_cast<unsigned>(random() % threads);
            if (!(perform(thread, take) == spec_.apply(take))) start_error_ = "refused with a permit free";
        }
    }

    const spec& start() const { return spec_; }
    const std::string& start_error() const { return start_error_; }

    bulkhead_call choose(unsigned thread, stress::random_source& random) const {
        const std::uint64_t dice = random() % 16;
        const auto& slots = hands_[thread].slots;
        if (dice < 4 && Calls.figures) return {.verb = dice < 2 ? bulkhead_verb::in_use : bulkhead_verb::available};
        if (dice < 10 && !slots.empty()) return {.verb = bulkhead_verb::release, .weight = slots.back().weight};
        const std::uint32_t weight =
            Calls.weights && random() % 2 == 0 ? 1 + static_cast<std::uint32_t>(random() % (capacity_ + 1)) : 1;
        if (dice == 10 && Calls.resizes) return {.verb = bulkhead_verb::resize, .weight = weight};
        if (dice == 11 && Calls.waits) return {.verb = bulkhead_verb::stop};
        return {.verb = dice > 12 && Calls.waits ? bulkhead_verb::wait : bulkhead_verb::acquire, .weight = weight};
    }

    bulkhead_answer perform(unsigned thread, const bulkhead_call& call) {
        hand& mine = hands_[thread];
        switch (call.verb) {
            case bulkhead_verb::acquire: return keep(mine, take(call.weight), call.weight);
            case bulkhead_verb::release: mine.slots.pop_back(); return {};
            case bulkhead_verb::in_use: return {.figure = static_cast<std::uint32_t>(pool_.in_use() / unit)};
            case bulkhead_verb::available: return {.figure = static_cast<std::uint32_t>(pool_.available() / unit)};
            case bulkhead_verb::resize:
                if constexpr (Calls.resizes) pool_.resize(units(call.weight));
                return {};
            case bulkhead_verb::stop: stop(hands_[(thread + 1) % threads_]); return {};
            case bulkhead_verb::wait:
                if constexpr (Calls.waits) return keep(mine, wait(mine, call.weight), call.weight);
                return {};
            case bulkhead_verb::join:
            case bulkhead_verb::end: break;  // parts, for the checker
        }
        return {};
    }

    void describe(std::ostream& out) const {
        out << "capacity " << capacity_ << ", in use at the start "
            << bulkhead_spec(spec_).apply({.verb = bulkhead_verb::in_use}).figure << ", at most " << max_waiting_
            << " wait";
    }

private:
    struct held {
        typename Bulkhead::slot slot;
        std::uint32_t weight;
    };

    struct alignas(128) hand {
        std::vector<held> slots;
        std::mutex mutex;
        std::optional<std::stop_source> source;  ///< of the waiting call, or of the next
    };

    static auto units(std::uint32_t n) {
        return static_cast<decltype(std::declval<const Bulkhead&>().in_use())>(n * unit);
    }

    auto take(std::uint32_t n) {
        if constexpr (Calls.weights) {
            return pool_.try_acquire(units(n));
        } else {
            return pool_.try_acquire();
        }
    }

    /// Not for ever: the others may have made their last call.
    auto wait(hand& h, std::uint32_t n) {
        std::stop_token token;
        {
            const std::lock_guard lock(h.mutex);
            if (!h.source || h.source->stop_requested()) h.source.emplace();
            token = h.source->get_token();
        }
        return pool_.try_acquire_for(std::chrono::microseconds(20), token, units(n));
    }

    static void stop(hand& h) {
        const std::lock_guard lock(h.mutex);
        if (h.source) h.source->request_stop();
    }

    template <class Answer>
    static bulkhead_answer keep(hand& h, Answer got, std::uint32_t weight) {
        if (!got) return {.why = got.error()};
        h.slots.push_back({std::move(*got), weight});
        return {.admitted = true};
    }

    const std::uint32_t capacity_;
    const std::uint32_t max_waiting_;
    Bulkhead pool_;
    bulkhead_spec spec_;
    const unsigned threads_;
    std::string start_error_;
    std::array<hand, most_threads> hands_;  // last: slots go before their bulkhead
};

}  // namespace bulwark::lin
