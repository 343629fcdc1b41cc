// The bulkhead as a sequential machine, written from the contract: calls, answers, and what one thread alone would
// find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>

namespace bulwark::lin {

enum class bulkhead_verb : std::uint8_t { acquire, release, in_use, available };

struct bulkhead_call {
    bulkhead_verb verb = bulkhead_verb::in_use;
};

/// Only what the verb is answered with is set.
struct bulkhead_answer {
    bool admitted = false;     ///< acquire
    std::uint32_t figure = 0;  ///< in_use, available

    bool operator==(const bulkhead_answer&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const bulkhead_call& call) {
    constexpr const char* names[] = {"acquire", "release", "in_use", "available"};
    return out << names[static_cast<std::size_t>(call.verb)];
}

inline void print_answer(std::ostream& out, const bulkhead_call& call, const bulkhead_answer& answer) {
    switch (call.verb) {
        case bulkhead_verb::acquire: out << (answer.admitted ? "admitted" : "refused"); break;
        case bulkhead_verb::release: out << "given back"; break;
        default: out << answer.figure; break;
    }
}

class bulkhead_spec {
public:
    using call = bulkhead_call;
    using answer = bulkhead_answer;

    explicit bulkhead_spec(std::uint32_t capacity) : capacity_(capacity) {}

    answer apply(const call& c) {
        switch (c.verb) {
            case bulkhead_verb::acquire:
                if (in_use_ == capacity_) return {.admitted = false};
                ++in_use_;
                return {.admitted = true};
            case bulkhead_verb::release: --in_use_; return {};
            case bulkhead_verb::in_use: return {.figure = in_use_};
            case bulkhead_verb::available: return {.figure = capacity_ - in_use_};
        }
        return {};
    }

    bool operator==(const bulkhead_spec&) const = default;
    std::size_t hash() const { return in_use_; }

private:
    std::uint32_t capacity_;
    std::uint32_t in_use_ = 0;
};

}  // namespace bulwark::lin
