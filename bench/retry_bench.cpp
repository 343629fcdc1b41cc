// Retry and its budget, beside the same behind a mutex: a call that succeeds at once, without and with a budget, and
// one that fails first; and what the budget alone costs while all goes well (its bucket is full) and while nothing
// does.
#include "service.hpp"
#include "suite.hpp"

#include <bulwark/detail/random_sequence.hpp>
#include <bulwark/reference/retry_budget.hpp>
#include <bulwark/retry.hpp>

#include <cstdint>
#include <mutex>
#include <thread>

namespace bulwark::bench {
namespace {

/// The straightforward version: what calls share lies behind mutexes, one of the budget and one of the rest.
class plain_retry {
public:
    struct config {
        std::uint32_t max_attempts = 3;
        backoff_config backoff = {};
        reference::retry_budget* budget = nullptr;
    };

    explicit plain_retry(const config& c) : config_(c) {}

    template <class F, class Classifier>
    result<int> execute(F fn, Classifier classify) {
        if (config_.budget != nullptr) config_.budget->deposit();
        for (std::uint32_t made = 1;; ++made) {
            const int reply = fn();
            if (classify(reply) != outcome::failure || made == config_.max_attempts) return reply;
            if (config_.budget != nullptr && !config_.budget->try_withdraw()) return reply;
            const auto delay = backoff_delay(config_.backoff, made, draw());
            if (delay.count() > 0) std::this_thread::sleep_for(delay);
        }
    }

private:
    std::uint64_t draw() {
        const std::lock_guard lock(mutex_);
        ++retries_;
        return detail::mixed(++state_);
    }

    const config config_;
    std::mutex mutex_;
    std::uint64_t state_ = 0;
    std::uint64_t retries_ = 0;
};

struct lock_free_side {
    using budget = retry_budget;
    using retry = bulwark::retry;
    using config = retry_config;
};
struct mutex_side {
    using budget = reference::retry_budget;
    using retry = plain_retry;
    using config = plain_retry::config;
};

constexpr backoff_config no_delay{.initial = {}, .ceiling = {}};
constexpr auto succeeds = [](int) { return outcome::success; };

/// No budget.
template <class Side>
struct success {
    explicit success(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) need(*again.execute([] { return service(); }, succeeds));
    }
    typename Side::retry again{typename Side::config{.backoff = no_delay}};
};

/// The bucket is full, as it is while all goes well.
template <class Side>
struct success_with_budget {
    explicit success_with_budget(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) need(*again.execute([] { return service(); }, succeeds));
    }
    typename Side::budget budget{{.percent = 20, .max_saved = 10, .initial = 10}};
    typename Side::retry again{typename Side::config{.backoff = no_delay, .budget = &budget}};
};

/// Fails, is paid for, and succeeds.
template <class Side>
struct one_retry {
    explicit one_retry(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            int made = 0;
            need(*again.execute([&] { return service(), ++made; },
                                [](int n) { return n == 1 ? outcome::failure : outcome::success; }));
        }
    }
    typename Side::budget budget{{.percent = 100, .max_saved = 1000, .initial = 500}};
    typename Side::retry again{typename Side::config{.backoff = no_delay, .budget = &budget}};
};

template <class Budget>
struct full_deposit {
    explicit full_deposit(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            need(service());
            budget.deposit();
        }
    }
    Budget budget{{.percent = 20, .max_saved = 10, .initial = 10}};
};

template <class Budget>
struct deposit_and_withdraw {
    explicit deposit_and_withdraw(int) {}
    void operator()(benchmark::State& state) {
        for (auto _ : state) {
            budget.deposit();
            need(service());
            need(budget.try_withdraw());
        }
    }
    Budget budget{{.percent = 100, .max_saved = 1000, .initial = 500}};
};

}  // namespace

void add_retry_cases(suite& all) {
    using budget = retry_budget;
    using mutex_budget = reference::retry_budget;
    all.of<full_deposit>("budget_deposit_full", "shared_load")
        .side<budget>("lock_free")
        .side<mutex_budget>(reference_side);
    all.of<deposit_and_withdraw>("budget_pair", "two_locked_rmw")
        .side<budget>("lock_free")
        .side<mutex_budget>(reference_side);
    all.of<success>("retry_success", "empty_call").side<lock_free_side>("lock_free").side<mutex_side>(reference_side);
    all.of<success_with_budget>("retry_success_budget", "empty_call")
        .side<lock_free_side>("lock_free")
        .side<mutex_side>(reference_side);
    all.of<one_retry>("retry_once", "two_locked_rmw")
        .side<lock_free_side>("lock_free")
        .side<mutex_side>(reference_side);
}

}  // namespace bulwark::bench
