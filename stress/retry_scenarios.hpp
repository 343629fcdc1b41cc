// What must hold of retries and their budget whatever the interleaving.
#pragma once

#include "run.hpp"

#include <bulwark/call_context.hpp>
#include <bulwark/retry.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <stop_token>

namespace bulwark::stress {

/// Never one retry more than was paid in, and in the end the balance is what the books say.
template <class Budget>
class budget_is_kept {
public:
    explicit budget_is_kept(run& r)
        : run_(r), config_(some_config(r.random())), budget_(std::make_unique<Budget>(config_)) {}

    void act(unsigned, random_source& random) {
        constexpr int steps = 300;
        int paid = 0;
        for (int i = 0; i != steps; ++i) {
            const std::uint64_t what = random() % 8;
            if (what < 4) {
                // Counted before, as a withdrawal is counted after: at no instant do the books show less than there is.
                deposits_.fetch_add(1, std::memory_order_relaxed);
                budget_->deposit();
            } else if (what < 7) {
                if (!budget_->try_withdraw()) continue;
                ++paid;
                withdrawn_.fetch_add(1, std::memory_order_relaxed);
            } else if (paid != 0) {
                --paid;
                refunds_.fetch_add(1, std::memory_order_relaxed);
                budget_->refund();
            }
            run_.check(budget_->balance() <= config_.max_saved, "more saved than may be:", budget_->balance());
        }
        run_.add_operations(steps);
    }

    void finish() {
        const double paid_in =
            config_.initial + static_cast<double>(deposits_) * config_.percent / 100 + static_cast<double>(refunds_);
        const auto taken_out = static_cast<double>(withdrawn_);
        const double left = paid_in - taken_out;
        const double balance = budget_->balance();
        run_.check(taken_out <= paid_in + 1e-6, "more retries than were paid for:", taken_out, "of", paid_in);
        run_.check(balance <= left + 1e-6, "a balance out of nowhere:", balance, "for", left);
        if (config_.max_saved == plenty) {
            run_.check(std::abs(balance - left) < 1e-6, "a deposit was lost:", balance, "for", left);
        }
    }

private:
    static constexpr std::uint32_t plenty = 1'000'000;

    static retry_budget_config some_config(random_source& random) {
        retry_budget_config c;
        c.percent = static_cast<double>(1 + random() % 1500) / 10;
        c.max_saved = random() % 2 == 0 ? plenty : static_cast<std::uint32_t>(1 + random() % 4);
        c.initial = static_cast<std::uint32_t>(random() % 2);
        return c;
    }

    run& run_;
    const retry_budget_config config_;
    const std::unique_ptr<Budget> budget_;
    std::atomic<std::uint64_t> deposits_{0};
    std::atomic<std::uint64_t> withdrawn_{0};
    std::atomic<std::uint64_t> refunds_{0};
};

/// Attempts, counts and budget agree, also where calls throw and are stopped in between.
class retries_add_up {
public:
    explicit retries_add_up(run& r) : run_(r) {}

    void act(unsigned, random_source& random) {
        constexpr std::uint64_t calls = 100;
        std::uint64_t attempts = 0;
        for (std::uint64_t i = 0; i != calls; ++i) {
            std::stop_source source;
            const std::uint64_t fate = random();
            const auto service = [&] {
                ++attempts;
                const std::uint64_t now = fate >> (attempts % 32);
                if (now % 16 == 1) source.request_stop();
                if (now % 4 == 2) throw failed{attempts};
                return now % 4 == 3;
            };
            try {
                (void)retry_.execute(call_context({}, source.get_token()), service,
                                     [](bool good) { return good ? outcome::success : outcome::failure; });
            } catch (const failed& last) {
                run_.check(last.attempt == attempts, "not the last exception:", last.attempt, "of", attempts);
            }
        }
        calls_.fetch_add(calls, std::memory_order_relaxed);
        attempts_.fetch_add(attempts, std::memory_order_relaxed);
        run_.add_operations(attempts);
    }

    void finish() {
        const retry_snapshot seen = retry_.snapshot();
        run_.check(attempts_ == calls_ + seen.retries, "attempts:", attempts_.load(), "calls:", calls_.load(),
                   "retries:", seen.retries);
        const double left = static_cast<double>(calls_) * 0.2 - static_cast<double>(seen.retries);
        run_.check(std::abs(budget_.balance() - left) < 1e-6, "the budget is at", budget_.balance(), "and not", left);
    }

private:
    struct failed {
        std::uint64_t attempt;
    };

    retry_budget budget_{{.percent = 20, .max_saved = std::numeric_limits<std::uint32_t>::max()}};
    retry retry_{{.max_attempts = 4,
                  .backoff = {.initial = std::chrono::nanoseconds(0), .ceiling = std::chrono::nanoseconds(0)},
                  .budget = &budget_}};
    run& run_;
    std::atomic<std::uint64_t> calls_{0};
    std::atomic<std::uint64_t> attempts_{0};
};

}  // namespace bulwark::stress
