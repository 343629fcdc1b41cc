// What scripts/check-aarch64 compiles for AArch64 and looks into: each function is one of the library's own steps,
// called as the library calls it, with nothing around it. The instruction that must be there is named beside each in
// the script.
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/detail/cells.hpp>
#include <bulwark/detail/limit_gate.hpp>
#include <bulwark/detail/parker.hpp>
#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/detail/traits.hpp>

#include <cstdint>

namespace detail = bulwark::detail;
using traits = detail::default_traits;
using permits = detail::permit_counter<traits, detail::striped_word>;

// Names without the compiler's decorations, to be found again.
extern "C" {
bulwark::errc breaker_head(bulwark::circuit_breaker& compact);
bool breaker_trip(detail::breaker_core<bulwark::coarse_clock, traits>& core, std::uint64_t generation);
bool breaker_hold_off(detail::breaker_core<bulwark::coarse_clock, traits>& core, std::uint64_t span);
void cell_request(detail::cell<traits>& own, std::uint64_t so_far);
void cell_success(detail::cell<traits>& own, std::uint32_t failures);
void cell_sum(const detail::cell<traits>& any, detail::cell_counts& sum, std::uint64_t window);
bool permit_take(permits& pool);
bool permit_give_back(permits& pool);
std::uint64_t permit_collect(permits& pool);
bool gate_enter(detail::limit_gate<traits>& gate, detail::gate_view& seen);
void gate_leave(detail::limit_gate<traits>& gate);
std::uint32_t parker_wait(detail::futex_parker& parker);
bool parker_change(detail::futex_parker& parker);
void parker_finish(detail::futex_parker& parker);
std::uint64_t nothing_ordered(const detail::atomic<std::uint64_t>& word);
}

// (1) (2) (8) acquire of the head.
bulwark::errc breaker_head(bulwark::circuit_breaker& compact) {
    const auto held = compact.try_acquire();
    return held ? bulwark::errc{} : held.error();
}
// (2) release of the frozen head, (1) of the next.
bool breaker_trip(detail::breaker_core<bulwark::coarse_clock, traits>& core, std::uint64_t generation) {
    return core.trip(generation).has_value();
}
// (13) acquire and release of the hint.
bool breaker_hold_off(detail::breaker_core<bulwark::coarse_clock, traits>& core, std::uint64_t span) {
    return core.hold_off(span);
}
// (5) the owner's stores, and the reader's loads.
void cell_request(detail::cell<traits>& own, std::uint64_t so_far) {
    own.count_request(so_far);
}
void cell_success(detail::cell<traits>& own, std::uint32_t failures) {
    own.count_success(failures);
}
void cell_sum(const detail::cell<traits>& any, detail::cell_counts& sum, std::uint64_t window) {
    any.add_outcomes(sum, window, 0);
    any.add_requests(sum, window);
}
// (3) and (7) of the permits.
bool permit_take(permits& pool) {
    return pool.try_take();
}
bool permit_give_back(permits& pool) {
    return pool.give_back();
}
std::uint64_t permit_collect(permits& pool) {
    return pool.collect();
}
// (24) of the adaptive limit.
bool gate_enter(detail::limit_gate<traits>& gate, detail::gate_view& seen) {
    return gate.enter(seen);
}
void gate_leave(detail::limit_gate<traits>& gate) {
    gate.leave();
}
// (9) from who tells to who sleeps.
std::uint32_t parker_wait(detail::futex_parker& parker) {
    return parker.wait(0);
}
bool parker_change(detail::futex_parker& parker) {
    return parker.change(0, 1);
}
void parker_finish(detail::futex_parker& parker) {
    parker.finish(1);
}
// The counter-check: nothing is ordered here, so that an acquire found in it would mean that the search finds anything.
std::uint64_t nothing_ordered(const detail::atomic<std::uint64_t>& word) {
    return word.load(detail::memory_order_relaxed);
}
