// What gdb looks at: breakers and bulkheads in many states. At each stop it has written down what the printers must
// say, by its own observers; and which bits are whose, by layout.hpp.
#include <bulwark/bulwark.hpp>
#include <bulwark/detail/layout.hpp>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bulwark::breaker_snapshot;
using clock_type = bulwark::manual_clock;
using breaker_type = bulwark::basic_circuit_breaker<clock_type>;

/// What `print breaker` must show: the snapshot, without the time left, which is not in the words.
template <class Breaker>
std::string expected(const Breaker& breaker) {
    std::string line = to_string(breaker);
    return line.substr(0, line.find(" retry_after"));
}

template <class Pool>
std::string expected(const Pool& pool, bool closed) {
    std::ostringstream out;
    const auto s = pool.snapshot();
    out << "capacity=" << s.capacity << " in_use=" << s.in_use << " waiting=" << s.waiting
        << " closed=" << (closed ? "true" : "false");
    return out.str();
}

}  // namespace

// Where gdb stops: `expression` is to be printed in the caller's frame, and to read `text`.
extern "C" [[gnu::noinline]] void bulwark_gdb_stop(const char* expression, const char* text) {
    asm volatile("" : : "r"(expression), "r"(text) : "memory");
}

namespace {

template <class Breaker>
[[gnu::noinline]] void stop(const Breaker& shown, const std::string& text) {
    const Breaker* const subject = &shown;
    bulwark_gdb_stop("*subject", text.c_str());
    asm volatile("" : : "r"(subject) : "memory");
}

/// A head built from distinct values, so that a field that has moved is noticed; and the same as text.
void layout_of_head() {
    using L = bulwark::detail::layout;
    std::uint64_t head = 0;
    head = L::requests::put(head, 41);
    head = L::successes::put(head, 22);
    head = L::failures::put(head, 13);
    head = L::ignored::put(head, 2);
    head = L::run::put(head, 5);
    head = L::run_joined::put(head, 1);
    head = L::run_of_failures::put(head, 1);
    head = L::state::put(head, 2);
    head = L::move::put(head, 4);
    head = L::epoch::put(head, 0x89ABCDEF);
    const std::string call = "$bulwark_head(" + std::to_string(head) + ")";
    bulwark_gdb_stop(call.c_str(),
                     "\"state=half-open move=probe epoch=2309737967 requests=41 successes=22 failures=13 ignored=2 "
                     "run=5 of failures joined\"");
    head = L::state::put(L::move::put(0, 7), 3);
    const std::string other = "$bulwark_head(" + std::to_string(head) + ")";
    bulwark_gdb_stop(other.c_str(),
                     "\"state=closed(disabled) move=disable epoch=0 requests=0 successes=0 failures=0 ignored=0 "
                     "run=0 of successes\"");
}

void breaker_states(bulwark::circuit_breaker_config config) {
    clock_type::reset();
    config.max_requests = 5;
    config.max_hint = 1h;
    config.ready_to_trip = bulwark::consecutive_failures(40);
    breaker_type breaker(config);
    stop(breaker, expected(breaker));
    // Past every tally, so that records carry them; by threads with a cell, and by one in a shared cell.
    const auto calls = [&breaker](int successes, int failures) {
        for (int i = 0; i != successes; ++i) breaker.try_acquire()->success();
        for (int i = 0; i != failures; ++i) breaker.try_acquire()->failure();
    };
    calls(150, 35);
    breaker.try_acquire()->ignore();
    stop(breaker, expected(breaker));
    calls(7, 0);
    const auto under_way = breaker.try_acquire();
    std::thread(calls, 1000, 3).join();
    std::vector<std::jthread> alive;
    for (int i = 0; i != 3; ++i) {
        alive.emplace_back([&] {
            calls(20, 0);
            std::this_thread::sleep_for(1ms);
        });
    }
    alive.clear();
    stop(breaker, expected(breaker));
    clock_type::advance(config.interval);
    calls(3, 0);
    stop(breaker, expected(breaker));
    calls(0, 40);
    stop(breaker, expected(breaker));
    breaker.hold_off(30min);
    stop(breaker, expected(breaker));
    clock_type::advance(1h);
    const auto probe = breaker.try_acquire();
    breaker.try_acquire()->success();
    breaker.try_acquire()->ignore();
    stop(breaker, expected(breaker));
    breaker.force_open();
    stop(breaker, expected(breaker));
    breaker.disable();
    stop(breaker, expected(breaker));
    breaker.reset();
    stop(breaker, expected(breaker));
}

template <class Pool>
void bulkhead_states(Pool& pool, std::uint32_t n) {
    const auto capacity = pool.capacity();
    stop(pool, expected(pool, false));
    auto one = pool.try_acquire(n);
    auto two = pool.try_acquire(1);
    stop(pool, expected(pool, false));
    {
        std::jthread waiter([&](const std::stop_token& asked) { (void)pool.acquire(asked, pool.capacity()); });
        while (pool.waiting() == 0) std::this_thread::yield();
        stop(pool, expected(pool, true));
    }
    pool.resize(1);
    stop(pool, expected(pool, true));
    pool.resize(capacity + 1000);
    stop(pool, expected(pool, false));
}

}  // namespace

int main() {
    layout_of_head();
    breaker_states({});
    breaker_states({.cells = 0});
    breaker_states({.cells = 1});
    bulwark::bulkhead pool{{.max_concurrent = 8}};
    bulkhead_states(pool, 3);
    bulwark::bulkhead striped{{.max_concurrent = 2000, .stripes = 4}};
    bulkhead_states(striped, 300);
    bulwark::memory_bulkhead memory{{.max_bytes = std::uint64_t{1} << 50}};
    bulkhead_states(memory, 1'000'000'000);
    bulwark::circuit_breaker watched{{.window = bulwark::last_calls(10)}};
    stop(watched, "closed generation=1 (counted in its window)");
}
