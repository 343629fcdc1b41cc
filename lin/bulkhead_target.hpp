// A bulkhead for the recorder: a random capacity, a random start near full, and the random calls from there.
#pragma once

#include "../stress/run.hpp"
#include "bulkhead_spec.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace bulwark::lin {

/// `ExactFigures`: in_use() and available() are those of an instant, as they are of a bulkhead of one stripe.
template <class Bulkhead, bool ExactFigures = true>
class bulkhead_target {
public:
    using spec = bulkhead_spec;

    static constexpr unsigned most_threads = 4;
    // Longer than a breaker's: its operations are so short that the first of them are over before both threads are up.
    static constexpr std::size_t fewest_calls = 10;
    static constexpr std::size_t most_calls(unsigned) { return 15; }

    bulkhead_target(stress::random_source& random, unsigned threads)
        : capacity_(1 + static_cast<std::uint32_t>(random() % 4)),
          pool_({.max_concurrent = capacity_}),
          spec_(capacity_) {
        for (auto& h : hands_) h.slots.reserve(16);
        for (std::uint64_t taken = random() % (capacity_ + 1); taken != 0; --taken) {
            const bulkhead_call take{bulkhead_verb::acquire};
            const auto thread = static_cast<unsigned>(random() % threads);
            if (!(perform(thread, take) == spec_.apply(take))) start_error_ = "refused with a permit free";
        }
    }

    const spec& start() const { return spec_; }
    const std::string& start_error() const { return start_error_; }

    bulkhead_call choose(unsigned thread, stress::random_source& random) const {
        const std::uint64_t dice = ExactFigures ? random() % 8 : 2 + random() % 6;
        if (dice == 0) return {bulkhead_verb::in_use};
        if (dice == 1) return {bulkhead_verb::available};
        const bool give = dice < 5 && !hands_[thread].slots.empty();
        return {give ? bulkhead_verb::release : bulkhead_verb::acquire};
    }

    bulkhead_answer perform(unsigned thread, const bulkhead_call& call) {
        auto& slots = hands_[thread].slots;
        switch (call.verb) {
            case bulkhead_verb::acquire: {
                auto slot = pool_.try_acquire();
                if (slot) slots.push_back(std::move(*slot));
                return {.admitted = slot.has_value()};
            }
            case bulkhead_verb::release: slots.pop_back(); return {};
            case bulkhead_verb::in_use: return {.figure = pool_.in_use()};
            case bulkhead_verb::available: return {.figure = pool_.available()};
        }
        return {};
    }

    void describe(std::ostream& out) const {
        out << "capacity " << capacity_ << ", in use at the start "
            << bulkhead_spec(spec_).apply({bulkhead_verb::in_use}).figure;
    }

private:
    struct alignas(128) hand {
        std::vector<typename Bulkhead::slot> slots;
    };

    const std::uint32_t capacity_;
    Bulkhead pool_;
    bulkhead_spec spec_;
    std::string start_error_;
    std::array<hand, most_threads> hands_;  // last: slots go before their bulkhead
};

}  // namespace bulwark::lin
