// Fuzzes the lock-free breaker against the mutex reference. An input is a configuration, a layout of the packed words,
// a number of cells, and operations, each of the thread at some slot, and clock steps; after each, all that can be seen
// of the two must be equal, and must be lawful.
//
// A crash leaves an input; giving it to this program as its one argument runs it again and prints what led to it.
#include "../tests/narrow.hpp"
#include "clock_step.hpp"
#include "configuration.hpp"
#include "operation.hpp"
#include "subject.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <string_view>
#include <vector>

namespace bulwark::fuzz {
namespace {

// Bursts are many steps in two bytes; without an end, slow inputs would crowd out the others.
constexpr std::size_t most_steps = 1500;
constexpr std::size_t most_permits = 150;

/// What the contract promises of every snapshot, whichever implementation it comes from.
bool lawful(const breaker_snapshot& s, std::uint32_t max_requests) {
    const breaker_counts& c = s.counts;
    const std::uint64_t ended = std::uint64_t{c.total_successes} + c.total_failures + c.total_ignored;
    return ended <= c.requests && (c.consecutive_successes == 0 || c.consecutive_failures == 0) &&
           c.consecutive_successes <= c.total_successes && c.consecutive_failures <= c.total_failures &&
           (s.state == breaker_state::open || s.retry_after == std::chrono::nanoseconds::zero()) &&
           (s.state != breaker_state::half_open || c.requests - c.total_ignored <= max_requests);
}

template <class LockFree, class Reference>
class duel {
public:
    duel(std::string_view layout, const circuit_breaker_config& config)
        : layout_(layout), config_(config), ours_(config), theirs_(config) {}

    void run(FuzzedDataProvider& input) {
        while (input.remaining_bytes() != 0 && steps_.size() < most_steps) {
            const operation o = next_operation(input);
            if (o.what == deed::burst) {
                burst(o);
            } else {
                step(o);
            }
        }
        ours_.calm();
        theirs_.calm();
        while (ours_.permits() != 0) step({.what = deed::drop});
    }

private:
    /// The argument's lower half: how calls end, if at all; the upper: whether there are new ones.
    void burst(const operation& o) {
        constexpr deed ends[] = {deed::success, deed::failure, deed::ignore, deed::acquire};
        const deed end = ends[o.argument % 4];
        for (unsigned i = 0; i != o.times; ++i) {
            if (o.argument < 12) step({.what = deed::acquire, .argument = i});
            if (end != deed::acquire) step({.what = end, .argument = o.argument / 4 % 2});
        }
    }

    /// Acquiring and observing leave their argument over: it says who calls from then on, one of the threads with a
    /// cell or the one without.
    void step(operation o) {
        if (o.what == deed::acquire || o.what == deed::observe) slot_ = o.argument % (config_.cells + 1);
        const test::playing caller(slot_);
        // Calls that hang end some day.
        if (o.what == deed::acquire && ours_.permits() >= most_permits) o.what = deed::success;
        steps_.push_back(o);
        ours_.seen().clear();
        theirs_.seen().clear();
        clock_step(config_, last_.retry_after).apply(o);
        ours_.apply(o);
        theirs_.apply(o);
        if (ours_.seen() != theirs_.seen()) fail("the two differ");
        if (ours_.permits() != theirs_.permits()) fail("they hold different numbers of permits");
        for (const event& e : ours_.seen()) check(e);
    }

    void check(const event& e) {
        if (const auto* const told = std::get_if<transition>(&e)) {
            if (told->generation != ++generation_) fail("a transition is missing or told twice");
        } else if (const auto* const seen = std::get_if<breaker_snapshot>(&e)) {
            if (!lawful(*seen, config_.max_requests)) fail("a snapshot breaks the contract");
            last_ = *seen;
        }
    }

    [[noreturn]] void fail(const char* what) const {
        std::cerr << "breaker of the " << layout_ << " layout, " << config_ << "\nsteps:";
        for (const operation& o : steps_) std::cerr << ' ' << o << ',';
        std::cerr << "\nat step " << steps_.size() << ", " << manual_clock::now().time_since_epoch().count()
                  << "ns: " << what << '\n';
        print("lock-free", ours_.seen());
        print("reference", theirs_.seen());
        std::abort();
    }

    static void print(std::string_view whose, const std::vector<event>& seen) {
        std::cerr << whose << ":\n";
        for (const event& e : seen) std::cerr << "    " << e << '\n';
    }

    std::string_view layout_;
    circuit_breaker_config config_;
    std::vector<operation> steps_;
    breaker_snapshot last_;
    std::uint64_t generation_ = 1;
    std::uint32_t slot_ = 0;
    subject<LockFree> ours_;
    subject<Reference> theirs_;
};

template <detail::layout_widths Widths>
void fight(std::string_view layout, const circuit_breaker_config& config, FuzzedDataProvider& input) {
    using lock_free = test::breaker_of<Widths>;
    using reference = reference::basic_circuit_breaker<manual_clock, Widths.max_count>;
    duel<lock_free, reference>(layout, config).run(input);
}

}  // namespace
}  // namespace bulwark::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace bulwark;
    FuzzedDataProvider input(data, size);
    circuit_breaker_config config = fuzz::choose_configuration(input);
    const auto layout = input.ConsumeIntegralInRange(0, 5);
    // Not where the epoch that a cell's owner saw last may come again, or the counts end where the reference's do not.
    config.cells = layout == 0 || layout == 5 ? input.ConsumeIntegralInRange(0U, 4U) : 0;
    manual_clock::reset();
    fuzz::clock_step::jump(input.ConsumeIntegralInRange(0U, fuzz::arguments - 1));
    switch (layout) {
        case 0: fuzz::fight<detail::layout_widths{}>("default", config, input); break;
        case 1: fuzz::fight<test::thin>("thin", config, input); break;
        case 2: fuzz::fight<test::narrow>("narrow", config, input); break;
        case 3: fuzz::fight<test::short_rows>("short rows", config, input); break;
        case 5: fuzz::fight<test::one_bit>("one-bit", config, input); break;
        default: fuzz::fight<test::narrowest>("narrowest", config, input); break;
    }
    return 0;
}
