// One execution: the threads of a program, the memory, and the step that a search takes with them.
//
// A thread runs until it wants an atomic operation; it states its request and suspends. The search looks at all
// requests, picks a thread and what it reads, and calls step(). Everything between two requests of a thread is one
// step: that is sound because threads meet only in atomics, and plain data are race-checked (plain.hpp).
#pragma once

#include <explore/fiber.hpp>
#include <explore/hash.hpp>
#include <explore/memory.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace explore {

/// What is explored. The world is all that threads write outside their stacks; it is put back byte by byte and never
/// destroyed, so it must own nothing.
class program {
public:
    program() = default;
    program(const program&) = delete;
    program& operator=(const program&) = delete;
    virtual ~program() = default;

    virtual std::size_t threads() const = 0;
    virtual std::span<std::byte> world() = 0;
    /// Once, before the search: builds the world and does what comes before the threads.
    virtual void begin() = 0;
    virtual void thread(std::size_t index) = 0;
    /// After every complete execution: what comes after the threads, and the checks.
    virtual void end() = 0;
};

class machine {
public:
    machine() = default;
    machine(const machine&) = delete;
    machine& operator=(const machine&) = delete;

    /// The machine whose threads run now. There is one at a time.
    static machine& here() { return *current; }

    void start(program& p, std::uint8_t spurious_failures);

    // For the search.

    std::size_t threads() const { return threads_; }
    bool finished() const { return flags_.finished == (1U << threads_) - 1; }
    bool can_step(std::size_t thread) const {
        const unsigned bit = 1U << thread;
        return (flags_.finished & bit) == 0 && !((flags_.asleep & bit) != 0 && wants(thread).what == action::wake);
    }
    const request& wants(std::size_t thread) const { return *flags_.wants[thread]; }
    void list_choices(std::vector<choice>& into) const {
        into.clear();
        for (std::size_t t = 0; t != threads_; ++t) {
            if (can_step(t)) memory_.list_choices(t, wants(t), into);
        }
    }
    void step(choice c);
    /// Runs program::end().
    void finish();
    /// Why the execution is wrong; empty while it is not.
    const std::string& violation() const { return violation_; }

    using snapshot = std::vector<std::byte>;
    void save(snapshot& into);
    void go_back(const snapshot& to);
    digest hash(std::uint64_t more);  ///< of all that the future depends on, and `more`

    // For the code under test.

    /// Carries out an operation, as a step that the search picks; outside the threads, at once.
    void perform(request& r);
    memory& locations() { return memory_; }
    const memory& locations() const { return memory_; }
    /// The thread that runs; threads() outside of all.
    std::size_t running() const { return running_; }
    /// Ends the execution as wrong. In a thread it does not return.
    void fail(std::string why);

private:
    struct flags {
        unsigned finished = 0;
        unsigned asleep = 0;
        std::array<request*, max_threads> wants{};
        std::array<std::byte*, max_threads> stacks{};  ///< in snapshots: where the part in use begins
    };

    static inline machine* current = nullptr;

    memory memory_;
    program* program_ = nullptr;
    std::size_t threads_ = 0;
    std::size_t running_ = 0;
    flags flags_;
    std::string violation_;
    std::array<fiber, max_threads> fibers_;
};

}  // namespace explore
