// A plain datum with a race check.
//
// Every write is a version, a message without a value: whoever has not seen the newest one when it reads or writes
// is not ordered after that write. Reads leave versions too, one row for each thread, which a writer must have seen.
// Whether two accesses race depends on happens-before alone, so they are no steps of their own.
#pragma once

#include <explore/machine.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace explore {

template <class T>
class plain {
public:
    explicit plain(T initial) : value_(initial) {
        memory& m = machine::here().locations();
        written_ = m.add_location(0);
        for (std::uint8_t& row : read_) row = m.add_location(0);
    }
    plain(const plain&) = delete;
    plain& operator=(const plain&) = delete;

    T get() const {
        machine& m = machine::here();
        if (const std::size_t t = m.running(); t != m.threads()) {
            if (!m.locations().has_seen_newest(t, written_)) m.fail("data race: read against write");
            m.locations().write_version(t, read_[t]);
        }
        return value_;
    }

    void set(T value) {
        machine& m = machine::here();
        if (const std::size_t t = m.running(); t != m.threads()) {
            if (!m.locations().has_seen_newest(t, written_)) m.fail("data race: write against write");
            for (const std::uint8_t row : read_) {
                if (!m.locations().has_seen_newest(t, row)) m.fail("data race: write against read");
            }
            m.locations().write_version(t, written_);
        }
        value_ = value;
    }

private:
    T value_;
    std::uint8_t written_ = 0;
    std::array<std::uint8_t, max_threads> read_{};
};

}  // namespace explore
