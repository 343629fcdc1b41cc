// bulwark-counted: what an operation does to memory, counted on the shipped headers: they run over atomics that count.
// One line an operation, tab-separated: the mean of 10,000. From it follows the cost on more cores than one has: what
// others write is a cache miss to read, and a locked instruction on it waits for everybody else's.
//
// A thread's own line is that of its cell; all other lines are shared. What only the owner of a cell reads (the memo,
// see detail/cells.hpp) is not atomic and not counted.
//
// Fails where an operation does what the headers promise that it does not.
#include "../checks/clock.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/detail/traits.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace bulwark::bench {
namespace {

/// What the one thread that counts has done.
struct counts {
    double clock = 0;
    double own_loads = 0;
    double own_stores = 0;
    double shared_loads = 0;
    double shared_stores = 0;
    double rmw = 0;         // locked, on shared lines
    double lines_read = 0;  // distinct shared lines read and not written
    double lines_written = 0;
};

using line = std::uintptr_t;

struct counter {
    line own = 0;  // written by a plain store last, while nothing was counted
    bool counting = false;
    counts all;
    std::vector<line> read;
    std::vector<line> written;
};

thread_local counter here;

void touch(std::vector<line>& lines, line at) {
    if (std::ranges::find(lines, at) == lines.end()) lines.push_back(at);
}

template <class T>
class counting_atomic {
public:
    counting_atomic() noexcept = default;
    explicit counting_atomic(T initial) noexcept : word_(initial) {}

    T load(boost::memory_order order) const noexcept {
        if (here.counting) {
            if (at() == here.own) {
                ++here.all.own_loads;
            } else {
                ++here.all.shared_loads;
                touch(here.read, at());
            }
        }
        return word_.load(order);
    }
    void store(T value, boost::memory_order order) noexcept {
        if (!here.counting) {
            here.own = at();
        } else if (at() == here.own) {
            ++here.all.own_stores;
        } else {
            ++here.all.shared_stores;
            touch(here.written, at());
        }
        word_.store(value, order);
    }
    T fetch_add(T addend, boost::memory_order order) noexcept {
        count_rmw();
        return word_.fetch_add(addend, order);
    }
    bool compare_exchange_weak(T& expected, T desired, boost::memory_order success) noexcept {
        count_rmw();
        return word_.compare_exchange_weak(expected, desired, success);
    }
    bool compare_exchange_strong(T& expected, T desired, boost::memory_order success) noexcept {
        count_rmw();
        return word_.compare_exchange_strong(expected, desired, success);
    }

private:
    line at() const noexcept { return reinterpret_cast<line>(this) / 64; }
    void count_rmw() const noexcept {
        if (!here.counting) return;
        ++here.all.rmw;
        touch(here.written, at());
    }

    detail::atomic<T> word_;
};

struct counting_traits : detail::default_traits {
    template <class T>
    using atomic = counting_atomic<T>;
};

/// Time stands still, but its readings are counted.
struct counting_clock : checks::nanosecond_clock<counting_clock> {
    static time_point now() noexcept {
        if (here.counting) ++here.all.clock;
        return time_point(duration(0));
    }
};

using breaker = basic_circuit_breaker<counting_clock, counting_traits>;
using permits = detail::permit_counter<counting_traits>;

template <class Operation>
counts mean_of(Operation operation) {
    constexpr int times = 10'000;
    operation();  // finds the thread's own line, and leaves the start behind
    here.all = {};
    for (int i = 0; i != times; ++i) {
        here.counting = true;
        operation();
        here.counting = false;
        for (const line at : here.read) {
            if (std::ranges::find(here.written, at) == here.written.end()) ++here.all.lines_read;
        }
        here.all.lines_written += static_cast<double>(here.written.size());
        here.read.clear();
        here.written.clear();
    }
    counts mean = here.all;
    for (double* each : {&mean.clock, &mean.own_loads, &mean.own_stores, &mean.shared_loads, &mean.shared_stores,
                         &mean.rmw, &mean.lines_read, &mean.lines_written}) {
        *each /= times;
    }
    return mean;
}

bool all_kept = true;

void print(const std::string& operation, const std::string& form, std::uint32_t threads, const counts& c,
           bool kept = true) {
    std::printf("%s\t%s\t%u\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\n", operation.c_str(), form.c_str(),
                threads, c.clock, c.own_loads, c.own_stores, c.shared_loads, c.lines_read, c.shared_stores, c.rmw,
                c.lines_written);
    if (kept) return;
    std::fflush(stdout);
    std::fprintf(stderr, "bulwark-counted: %s, %s: more than promised\n", operation.c_str(), form.c_str());
    all_kept = false;
}

/// Threads that succeed once each and then stay, so that each keeps its slot and its cell.
class company {
public:
    company(breaker& b, std::uint32_t size) {
        for (std::uint32_t i = 0; i != size; ++i) threads_.emplace_back([this, &b] { succeed_and_stay(b); });
        for (std::uint32_t seen = arrived_; seen != size; seen = arrived_) arrived_.wait(seen);
    }
    ~company() {
        over_ = true;
        over_.notify_all();
    }
    company(const company&) = delete;
    company& operator=(const company&) = delete;

private:
    void succeed_and_stay(breaker& b) {
        b.try_acquire()->success();
        ++arrived_;
        arrived_.notify_one();
        over_.wait(false);
    }

    std::atomic<std::uint32_t> arrived_{0};
    std::atomic<bool> over_{false};
    std::vector<std::jthread> threads_;
};

void succeed(breaker& b) {
    b.try_acquire()->success();
}
void fail(breaker& b) {
    b.try_acquire()->failure();
}

circuit_breaker_config never_trips(std::uint32_t cells) {
    return {.ready_to_trip = failure_ratio(1.0, std::numeric_limits<std::uint32_t>::max()), .cells = cells};
}

bool nothing_shared(const counts& c) {
    return c.rmw == 0 && c.shared_stores == 0 && c.lines_written == 0;
}

/// The operations of a breaker on which so many threads have counted; called in one of them.
void count_breaker(const std::string& form, std::uint32_t threads, breaker& closed) {
    const bool has_cell = form == "default";
    const counts success = mean_of([&] { succeed(closed); });
    // The head is one line; that it is not written is what makes the success scale.
    print("success", form, threads, success, !has_cell || (nothing_shared(success) && success.lines_read <= 1));
    const counts failure = mean_of([&] { fail(closed); });
    print("failure, not tripping", form, threads, failure);
    print("success, failure in turn", form, threads, mean_of([&, fails = false]() mutable {
              fails = !fails;
              fails ? fail(closed) : succeed(closed);
          }));
    const counts look = mean_of([&] { closed.snapshot(); });
    print("snapshot", form, threads, look, nothing_shared(look));
}

void count_refusal(const std::string& form, std::uint32_t cells) {
    breaker open({.timeout = std::chrono::hours(1), .ready_to_trip = consecutive_failures(1), .cells = cells});
    succeed(open);
    here.own = 0;
    fail(open);
    const auto refused = [&] { (void)open.try_acquire(); };
    const counts c = mean_of(refused);
    print("refusal, open", form, 1, c, nothing_shared(c) && c.clock <= 1);
}

void count_endless(bool counts_successes) {
    breaker closed({.interval = std::chrono::seconds(0),
                    .ready_to_trip = consecutive_failures(5),
                    .count_successes = counts_successes});
    const counts c = mean_of([&] { succeed(closed); });
    print("success, endless window", counts_successes ? "default" : "not counting successes", 1, c,
          nothing_shared(c) && c.clock == 0 && (counts_successes || c.own_stores == 0));
}

void count_permits(const std::string& form, std::uint32_t stripes) {
    here.own = 0;
    permits with_room(4096, stripes);
    here.own = 0;
    const auto pair = [&] {
        (void)with_room.try_take();
        with_room.give_back();
    };
    const counts both = mean_of(pair);
    print("permit, taken and given back", form, 1, both, both.rmw == 2 && both.lines_written == 1);

    permits full(0, stripes);
    here.own = 0;
    const counts refused = mean_of([&] { (void)full.try_take(); });
    print("permit, refused", form, 1, refused, nothing_shared(refused));
}

void count_all() {
    for (const std::uint32_t threads : {1U, 8U, 64U}) {
        breaker closed(never_trips(std::max(threads, 32U)));
        const company others(closed, threads - 1);
        count_breaker("default", threads, closed);
    }
    breaker compact(never_trips(0));
    here.own = 0;
    count_breaker("compact", 1, compact);

    // The main thread has the only cell.
    breaker crowded(never_trips(1));
    succeed(crowded);
    std::jthread([&] { count_breaker("beyond the cells", 2, crowded); }).join();

    count_endless(true);
    count_endless(false);
    count_refusal("default", 32);
    count_refusal("compact", 0);
    count_permits("one word", 1);
    count_permits("8 stripes", 8);
}

}  // namespace
}  // namespace bulwark::bench

int main() {
    std::puts(
        "operation\tform\tthreads\tclock reads\town loads\town stores\tshared loads\tshared lines read\tshared stores\t"
        "locked\tshared lines written");
    bulwark::bench::count_all();
    return bulwark::bench::all_kept ? 0 : 1;
}
