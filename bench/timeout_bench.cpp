// bulwark-timeouts: what a limit of time costs a call that keeps to it, beside what one would write without the
// library.
//
//     bulwark-timeouts [ROUNDS]    one line a case, tab-separated, times in ns a call: wall, and CPU of all threads
//
// All cases run in every round, so that a busy minute falls on all of them; a figure is the median of its rounds.
#include "service.hpp"

#include <bulwark/clock.hpp>
#include <bulwark/fallback.hpp>
#include <bulwark/hedge.hpp>
#include <bulwark/pool_timeout.hpp>
#include <bulwark/stopping_timeout.hpp>
#include <bulwark/timeout.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bulwark::bench {
namespace {

using namespace std::chrono_literals;

/// The straightforward pool: std::packaged_task in a queue behind a mutex.
class plain_pool {
public:
    explicit plain_pool(int threads) {
        for (int i = 0; i != threads; ++i) threads_.emplace_back([this](const std::stop_token& end) { work(end); });
    }

    template <class F>
    auto submit(F fn) {
        auto task = std::make_shared<std::packaged_task<std::invoke_result_t<F>()>>(std::move(fn));
        auto future = task->get_future();
        {
            const std::lock_guard lock(mutex_);
            queue_.emplace_back([task] { (*task)(); });
        }
        queued_.notify_one();
        return future;
    }

private:
    void work(const std::stop_token& end) {
        std::unique_lock lock(mutex_);
        while (queued_.wait(lock, end, [&] { return !queue_.empty(); })) {
            auto task = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            task();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable_any queued_;
    std::deque<std::function<void()>> queue_;
    std::vector<std::jthread> threads_;
};

/// The straightforward timer: a map behind a mutex, and its thread woken for whatever comes first.
class plain_timer {
    using clock = std::chrono::steady_clock;

public:
    using entry = std::multimap<clock::time_point, std::stop_source>::iterator;

    entry add(clock::time_point when, std::stop_source source) {
        const std::lock_guard lock(mutex_);
        const entry e = waiting_.emplace(when, std::move(source));
        if (e == waiting_.begin()) changed_.notify_one();
        return e;
    }
    void remove(entry e) {
        const std::lock_guard lock(mutex_);
        waiting_.erase(e);
    }

private:
    /// Nothing ever goes off in this program.
    void run(const std::stop_token& end) {
        std::unique_lock lock(mutex_);
        while (!end.stop_requested()) {
            const auto until = waiting_.empty() ? clock::now() + 1h : waiting_.begin()->first;
            changed_.wait_until(lock, end, until, [] { return false; });
        }
    }

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::multimap<clock::time_point, std::stop_source> waiting_;
    std::jthread thread_{[this](const std::stop_token& end) { run(end); }};
};

struct one_case {
    std::string name;
    int calls;  ///< a round
    std::function<void()> call;
    std::vector<double> wall;
    std::vector<double> cpu;
};

double cpu_now() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

void play(one_case& c) {
    const auto began = std::chrono::steady_clock::now();
    const double cpu = cpu_now();
    for (int i = 0; i != c.calls; ++i) c.call();
    c.cpu.push_back((cpu_now() - cpu) / c.calls);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
    c.wall.push_back(took.count() / c.calls);
}

double median(std::vector<double> of) {
    const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
    std::nth_element(of.begin(), middle, of.end());
    return *middle;
}

int run(int rounds) {
    timeout limit{1h};
    basic_timeout<coarse_clock> coarse{1h};
    fallback otherwise{[](auto&&...) { return -1; }};
    timer alarms;
    stopping_timeout stopping{1h, alarms};
    plain_timer plain_alarms;
    thread_pool_bulkhead pool{{.threads = 2, .max_queued = 2}};
    pool_timeout on_pool{1h, pool};
    hedge hedged{{.delay = 1h}, pool};
    plain_pool plain(2);
    const auto works = [] { return service(); };

    constexpr int many = 20'000;
    constexpr int few = 2'000;
    std::vector<one_case> all;
    const auto add = [&](const char* name, int calls, std::function<void()> call) {
        all.push_back({name, calls, std::move(call), {}, {}});
    };
    add("the service alone", many, [] { need(service()); });
    add("fallback", many, [&] { need(*otherwise.execute(works)); });
    add("timeout", many, [&] { need(*limit.execute(works)); });
    add("timeout, coarse clock", many, [&] { need(*coarse.execute(works)); });
    add("by hand: the clock before and after", many, [] {
        const auto end = std::chrono::steady_clock::now() + 1h;
        const int reply = service();
        need(std::chrono::steady_clock::now() < end ? reply : -1);
    });
    add("stopping_timeout", many, [&] { need(*stopping.execute(works)); });
    add("by hand: std::multimap, mutex, thread", many, [&] {
        std::stop_source source;
        const auto entry = plain_alarms.add(std::chrono::steady_clock::now() + 1h, source);
        need(service());
        plain_alarms.remove(entry);
    });
    add("pool_timeout", few, [&] { need(*on_pool.execute(works)); });
    add("hedge, one attempt", few, [&] { need(*hedged.execute(works)); });
    add("thread_pool_bulkhead, wait_for", few, [&] {
        auto reply = pool.submit(works);
        need(reply->wait_for(1h) == std::future_status::ready ? reply->get() : -1);
    });
    add("by hand: std::packaged_task, queue, wait_for", few, [&] {
        auto reply = plain.submit(works);
        need(reply.wait_for(1h) == std::future_status::ready ? reply.get() : -1);
    });
    add("by hand: std::async, wait_for", few, [&] {
        auto reply = std::async(std::launch::async, works);
        need(reply.wait_for(1h) == std::future_status::ready ? reply.get() : -1);
    });

    for (int i = 0; i != rounds; ++i) {
        for (one_case& c : all) play(c);
    }
    std::printf("case\twall ns\tCPU ns\n");
    for (const one_case& c : all) std::printf("%s\t%.1f\t%.1f\n", c.name.c_str(), median(c.wall), median(c.cpu));
    return 0;
}

}  // namespace
}  // namespace bulwark::bench

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
    if (argc > 2 || rounds < 1) {
        std::fprintf(stderr, "usage: bulwark-timeouts [ROUNDS]\n");
        return 2;
    }
    return bulwark::bench::run(rounds);
}
