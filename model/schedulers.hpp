// Who runs next, and which value a load sees: two schedulers for Relacy, which takes any class of this shape.
//
// Relacy's own do not fit. Its random one switches at every other step, so no thread ever gets two transitions ahead of
// another; and its tree searches let a load lag by one value only.
#pragma once

#include "relacy.hpp"
#include "search.hpp"

#include <array>
#include <cstdint>
#include <limits>

namespace bulwark::model {

/// The plan of the search that is under way; Relacy makes its schedulers itself and hands them nothing of ours.
inline search_plan current_plan;

/// Draws executions at random. Each has a habit of its own: how long a thread runs before another does, and how often
/// a load lags behind.
template <rl::thread_id_t Threads>
class bursty_scheduler : public rl::scheduler<bursty_scheduler<Threads>, rl::scheduler_thread_info, Threads> {
    using base = rl::scheduler<bursty_scheduler<Threads>, rl::scheduler_thread_info, Threads>;

public:
    using shared_context_t = typename base::shared_context_t;
    struct task_t {};

    bursty_scheduler(rl::test_params& params, shared_context_t& shared, rl::thread_id_t dynamic_threads)
        : base(params, shared, dynamic_threads) {}

    rl::thread_id_t iteration_begin_impl() {
        state_ = this->iter_ * 0x9E3779B97F4A7C15U;
        stay_ = bursts[draw() % bursts.size()];
        newest_ = lags[draw() % lags.size()];
        return pick();
    }
    bool iteration_end_impl() { return this->iter_ == this->params_.iteration_count; }

    rl::thread_id_t schedule_impl(rl::unpark_reason& reason, unsigned /*yield*/) {
        reason = rl::unpark_reason_normal;
        return this->thread_->state_ == rl::thread_state_running && draw() % 1024 < stay_ ? this->thread_->index_
                                                                                          : pick();
    }

    unsigned rand_impl(unsigned limit, rl::sched_type type) {
        // Relacy asks a load 'the newest value that is left? 0 for yes'.
        if (type == rl::sched_type_atomic_load) return draw() % 1024 < newest_ ? 0 : 1;
        return static_cast<unsigned>(draw() % limit);
    }

    rl::iteration_t iteration_count_impl() { return this->params_.iteration_count; }
    void get_state_impl(std::ostream& /*out*/) {}
    void set_state_impl(std::istream& /*in*/) {}
    void on_thread_block(rl::thread_id_t /*thread*/, bool /*yield*/) {}

private:
    // Chances in 1024.
    static constexpr std::array<std::uint64_t, 8> bursts{0, 512, 768, 896, 960, 992, 1008, 1016};
    static constexpr std::array<std::uint64_t, 4> lags{128, 512, 896, 992};

    // xorshift64*: Relacy's own generator repeats itself after 2^32 draws.
    std::uint64_t draw() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return (state_ * 0x2545F4914F6CDD1DU) >> 33;
    }

    rl::thread_id_t pick() {
        return this->running_threads[draw() % static_cast<unsigned>(this->running_threads_count)];
    }

    std::uint64_t state_ = 1;
    std::uint64_t stay_ = 0;
    std::uint64_t newest_ = 0;
};

/// Visits every execution within the budgets of the plan.
template <rl::thread_id_t Threads>
class exhaustive_scheduler : public rl::tree_search_scheduler<exhaustive_scheduler<Threads>,
                                                              rl::tree_search_scheduler_thread_info<Threads>, Threads> {
    using base = rl::tree_search_scheduler<exhaustive_scheduler<Threads>,
                                           rl::tree_search_scheduler_thread_info<Threads>, Threads>;

public:
    using shared_context_t = typename base::shared_context_t;
    using thread_info_t = typename base::thread_info_t;

    exhaustive_scheduler(rl::test_params& params, shared_context_t& shared, rl::thread_id_t dynamic_threads)
        : base(params, shared, dynamic_threads) {}

    rl::thread_id_t iteration_begin_impl() {
        left_ = current_plan;
        return base::iteration_begin_impl();
    }

    bool can_switch(thread_info_t& /*thread*/) { return left_.switches != 0; }
    void on_switch(thread_info_t& thread) {
        if (thread.state_ == rl::thread_state_running) spend(left_.switches);
    }

    unsigned rand_impl(unsigned limit, rl::sched_type type) {
        switch (type) {
            // 'The newest value that is left? 0 for yes.'
            case rl::sched_type_atomic_load: return branch(left_.stale, type);
            // 'Fail without a reason? 0 for yes', one chance in `limit`; here a branch of two.
            case rl::sched_type_cas_fail: return branch(left_.spurious, type) == 1 ? 0 : 1;
            case rl::sched_type_mem_realloc: return 1;
            default: return base::rand_impl(limit, type);
        }
    }

    double iteration_count_approx() { return std::numeric_limits<std::int32_t>::max(); }

private:
    static void spend(unsigned& budget) {
        if (budget != unlimited) --budget;
    }

    unsigned branch(unsigned& budget, rl::sched_type type) {
        if (budget == 0) return 0;
        const unsigned taken = base::rand_impl(2, type);
        if (taken == 1) spend(budget);
        return taken;
    }

    search_plan left_;
};

}  // namespace bulwark::model
