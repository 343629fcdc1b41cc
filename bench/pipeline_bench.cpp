// bulwark-pipeline: what putting layers together costs, over what they cost alone.
//
//     bulwark-pipeline [ROUNDS]    one line a case, tab-separated, times in ns of CPU a call
//
// A layer's cost is the time of layer.execute(service) less that of service() by itself; there is a service that
// returns a number, and one that returns a text. Of a pipeline, *parts* is the sum of the costs of its layers, each
// alone around the same service, and *over* what the pipeline costs beyond it. Beside each stand the same layers nested
// by hand, execute() in execute(), and the mutex references nested likewise.
//
// All cases run in every round, so that a busy minute falls on all of them, and `over` is the median of the differences
// within a round, not the difference of medians.
#include "service.hpp"
#include "this_thread.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/fallback.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>
#include <bulwark/reference/retry_budget.hpp>
#include <bulwark/retry.hpp>
#include <bulwark/retry_budget.hpp>
#include <bulwark/timeout.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bulwark::bench {
namespace {

constexpr int calls_a_round = 10'000;

/// ns a call, of one round.
template <class Call>
[[gnu::noinline]] double time_of(Call& call) {
    const auto began = cpu_time_of(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i != calls_a_round; ++i) need(call());
    const std::chrono::duration<double, std::nano> took = cpu_time_of(CLOCK_THREAD_CPUTIME_ID) - began;
    return took.count() / calls_a_round;
}

struct bench_case {
    std::string name;
    std::size_t service;             ///< index of the service by itself
    std::vector<std::size_t> parts;  ///< indices of the layers alone; empty where it is no pipeline
    std::function<double()> round;
    std::vector<double> ns;
};

class cases {
public:
    /// What the cases that follow have at their end.
    template <class Call>
    void add_service(std::string name, Call call) {
        service_ = all_.size();
        add(std::move(name), std::move(call));
    }

    template <class Call>
    std::size_t add(std::string name, Call call, std::vector<std::size_t> parts = {}) {
        all_.push_back({std::move(name), service_, std::move(parts), [call]() mutable { return time_of(call); }, {}});
        return all_.size() - 1;
    }

    void run(int rounds) {
        for (bench_case& c : all_) (void)c.round();
        for (int round = 0; round != rounds; ++round) {
            for (bench_case& c : all_) c.ns.push_back(c.round());
        }
    }

    void print() const {
        std::printf("case\tns\tcost\tparts\tover\n");
        for (const bench_case& c : all_) {
            std::printf("%s\t%.2f\t%.2f", c.name.c_str(), median(c.ns), median(cost(c)));
            if (c.parts.empty()) {
                std::printf("\t-\t-\n");
                continue;
            }
            const std::vector<double> whole = cost(c);
            std::vector<double> parts(whole.size());
            std::vector<double> over(whole.size());
            for (const std::size_t part : c.parts) {
                const std::vector<double> one = cost(all_[part]);
                for (std::size_t i = 0; i != one.size(); ++i) parts[i] += one[i];
            }
            for (std::size_t i = 0; i != whole.size(); ++i) over[i] = whole[i] - parts[i];
            std::printf("\t%.2f\t%.2f\n", median(parts), median(over));
        }
    }

private:
    static double median(std::vector<double> values) {
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        return *middle;
    }

    std::vector<double> cost(const bench_case& c) const {
        std::vector<double> less(c.ns.size());
        for (std::size_t i = 0; i != less.size(); ++i) less[i] = c.ns[i] - all_[c.service].ns[i];
        return less;
    }

    std::vector<bench_case> all_;
    std::size_t service_ = 0;
};

struct mutex_layers {
    reference::circuit_breaker breaker;
    reference::bulkhead pool{{.max_concurrent = 50}};
    reference::retry_budget budget{{.percent = 20, .initial = 50}};

    static outcome judge(const result<int>& r) { return r ? outcome::success : outcome_of_error(r.error()); }

    result<int> breaker_and_bulkhead() {
        const auto r = breaker.execute([&] { return pool.execute([] { return service(); }); }, judge);
        return r ? *r : r.error();
    }

    /// Fallback, retry, breaker, bulkhead, timeout, as one would write them down for one place in a program.
    result<int> all_five(std::chrono::nanoseconds limit) {
        budget.deposit();
        result<int> reply = 0;
        for (int attempt = 1;; ++attempt) {
            const auto end = std::chrono::steady_clock::now() + limit;
            reply = breaker_and_bulkhead();
            if (reply && std::chrono::steady_clock::now() >= end) reply = errc::deadline_exceeded;
            if (judge(reply) != outcome::failure || attempt == 3 || !budget.try_withdraw()) break;
        }
        return reply ? reply : result<int>(-1);
    }
};

void run(int rounds) {
    using namespace std::chrono_literals;
    circuit_breaker breaker;
    bulkhead pool{{.max_concurrent = 50}};
    retry_budget budget{{.percent = 20, .max_saved = 50, .initial = 50}};
    retry again{{.budget = &budget}};
    timeout limit{1s};
    basic_timeout<coarse_clock> coarse_limit{1s};
    fallback otherwise{[](errc) { return -1; }};
    mutex_layers plain;

    const auto send = [] { return service(); };
    const auto judge = mutex_layers::judge;

    cases all;
    all.add_service("a number", send);
    const auto alone = [&](std::string name, auto& layer) {
        return all.add(std::move(name), [&] { return layer.execute(send).has_value(); });
    };
    const std::size_t a_fallback = alone("fallback", otherwise);
    const std::size_t a_retry = alone("retry, with a budget", again);
    const std::size_t a_breaker = alone("breaker", breaker);
    const std::size_t a_bulkhead = alone("bulkhead", pool);
    const std::size_t a_timeout = alone("timeout", limit);
    const std::size_t a_coarse_timeout = alone("timeout, coarse clock", coarse_limit);

    all.add("pipeline: breaker", [&] { return pipeline{breaker}.execute(send).has_value(); }, {a_breaker});
    const std::vector<std::size_t> two = {a_breaker, a_bulkhead};
    all.add("pipeline: breaker, bulkhead", [&] { return pipeline{breaker, pool}.execute(send).has_value(); }, two);
    all.add(
        "by hand: breaker, bulkhead",
        [&] { return breaker.execute([&] { return pool.execute(send); }, judge).has_value(); }, two);
    all.add("mutex: breaker, bulkhead", [&] { return plain.breaker_and_bulkhead().has_value(); });

    const std::vector<std::size_t> five = {a_fallback, a_retry, a_breaker, a_bulkhead, a_timeout};
    all.add(
        "pipeline: fallback, retry, breaker, bulkhead, timeout",
        [&] { return pipeline{otherwise, again, breaker, pool, limit}.execute(send).has_value(); }, five);
    all.add(
        "pipeline: the same in two pipelines",
        [&] { return pipeline{pipeline{otherwise, again}, pipeline{breaker, pool, limit}}.execute(send).has_value(); },
        five);
    all.add(
        "by hand: fallback, retry, breaker, bulkhead, timeout",
        [&] {
            const auto guarded = [&]() -> result<int> {
                const auto r = breaker.execute(
                    [&]() -> result<int> {
                        const auto place = pool.try_acquire();
                        if (!place) return place.error();
                        return limit.execute(send);
                    },
                    judge);
                return r ? *r : r.error();
            };
            return otherwise.execute([&] { return again.execute(guarded); }).has_value();
        },
        five);
    all.add("mutex: fallback, retry, breaker, bulkhead, timeout", [&] { return plain.all_five(1s).has_value(); });
    all.add("pipeline: the five, coarse clock",
            [&] { return pipeline{otherwise, again, breaker, pool, coarse_limit}.execute(send).has_value(); },
            {a_fallback, a_retry, a_breaker, a_bulkhead, a_coarse_timeout});

    const auto letter = [] { return std::string(static_cast<std::size_t>(service() + 3), 'x'); };
    const auto is_whole = [](const result<std::string>& r) { return r->size() == 3; };
    const auto judge_letter = [](const result<std::string>& r) {
        return r ? outcome::success : outcome_of_error(r.error());
    };
    all.add_service("a text", [&] { return letter().size() == 3; });
    const std::size_t text_breaker = all.add("breaker, text", [&] { return is_whole(breaker.execute(letter)); });
    const std::size_t text_bulkhead = all.add("bulkhead, text", [&] { return is_whole(pool.execute(letter)); });
    const std::vector<std::size_t> two_of_text = {text_breaker, text_bulkhead};
    all.add(
        "pipeline, text: breaker, bulkhead", [&] { return is_whole(pipeline{breaker, pool}.execute(letter)); },
        two_of_text);
    all.add(
        "by hand, text: breaker, bulkhead",
        [&] {
            const auto r = breaker.execute([&] { return pool.execute(letter); }, judge_letter);
            return r && is_whole(*r);
        },
        two_of_text);
    all.run(rounds);
    all.print();
}

}  // namespace
}  // namespace bulwark::bench

int main(int argc, char** argv) {
    // See main.cpp: no user of a breaker has a process without threads.
    std::thread([] {}).join();
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 301;
    bulwark::bench::run(std::max(rounds, 1));
}
