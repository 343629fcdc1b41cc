// The bulkhead itself over the waiting traits: bulwark::basic_bulkhead as it ships, its slots, its deadlines and its
// figures. A stop is left to the line below it: std::stop_callback tells threads apart by the system's threads, and all
// of a model's are one.
#pragma once

#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "explore.hpp"
#include "waiting_traits.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/memory_bulkhead.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace bulwark::model {

/// What a thread does, one after the other; each slot is given back at once.
enum class bulkhead_act : std::uint8_t { try_one, acquire_one, acquire_all, acquire_until, shrink_to_one, grow_to_two };

struct bulkhead_plan {
    std::uint32_t capacity = 1;
    std::vector<std::vector<bulkhead_act>> steps{};  // NOLINT(readability-redundant-member-init): g++ asks for it
    std::uint32_t stripes = 1;
    std::uint32_t max_waiting = 3;
};

inline const bulkhead_plan* current_bulkhead_plan = nullptr;

template <class Kind>
struct whole_bulkhead_suite : rl::test_suite<whole_bulkhead_suite<Kind>, 3> {
    using bulkhead_type = basic_bulkhead<Kind, waiting_traits>;

    static inline stage<bulkhead_type> bulkhead;
    static inline stage<rl::var<unsigned>> guarded;
    static inline std::uint32_t inside = 0;
    static inline std::array<std::uint64_t, 3> told{};  // admitted, refused, timed out

    void before() {
        inside = 0;
        told.fill(0);
        hourglass::late.fill(false);
        census<std::uint64_t>::on_load = nullptr;  // a breaker model that gave up has left its own
        futex::begin();
        waiting_traits::slots = {0, 1, 2};
        bulkhead.raise(config());
        guarded.raise();
        (*guarded)(RL_INFO) = 0U;
    }

    void thread(unsigned me) {
        for (const bulkhead_act what : current_bulkhead_plan->steps[me]) {
            hourglass::late[me] = false;
            switch (what) {
                case bulkhead_act::try_one: work(bulkhead->try_acquire()); break;
                case bulkhead_act::acquire_one: work(bulkhead->acquire()); break;
                case bulkhead_act::acquire_all: work(bulkhead->acquire(current_bulkhead_plan->capacity)); break;
                case bulkhead_act::acquire_until:
                    work(bulkhead->try_acquire_until(hourglass::time_point(hourglass::soon)));
                    break;
                case bulkhead_act::shrink_to_one: bulkhead->resize(1); break;
                case bulkhead_act::grow_to_two: bulkhead->resize(2); break;
            }
        }
    }

    void after() {
        const bulkhead_snapshot seen = bulkhead->snapshot();
        const bool fits = seen.in_use == 0 && seen.waiting == 0 && seen.admitted == told[0] &&
                          seen.refused == told[1] && seen.timed_out == told[2] && seen.stopped == 0;
        bulkhead.strike();
        guarded.strike();
        if (!fits) give_up("the figures do not add up");
    }

private:
    static auto config() {
        typename Kind::config c;
        if constexpr (requires { c.max_bytes; }) {
            c.max_bytes = current_bulkhead_plan->capacity;
        } else {
            c.max_concurrent = current_bulkhead_plan->capacity;
            c.stripes = current_bulkhead_plan->stripes;
        }
        c.max_waiting = current_bulkhead_plan->max_waiting;
        c.cells = 2;  // the third thread counts on the shared line
        return c;
    }

    static void work(const result<typename bulkhead_type::slot>& held) {
        if (!held) {
            ++told[held.error() == errc::timed_out ? 2 : 1];
            return;
        }
        ++told[0];
        const auto weight = static_cast<std::uint32_t>(held->weight());
        inside += weight;
        if (inside > 2) give_up("more inside than there are permits");
        const unsigned seen = (*guarded)(RL_INFO);
        if (weight == current_bulkhead_plan->capacity) (*guarded)(RL_INFO) = seen + 1U;
        inside -= weight;
    }
};

}  // namespace bulwark::model
