// A program of somebody who uses the library: two guarded calls and what becomes of them. Prints the version that it
// was compiled against, and fails where an answer is not the one that the contract promises.
#include <bulwark/bulwark.hpp>

#include <chrono>
#include <cstdio>
#include <string>

namespace {

using namespace std::chrono_literals;

struct response {
    int status;
};

bool guards_by_hand() {
    int opened = 0;
    bulwark::circuit_breaker breaker{{.timeout = 60s,
                                      .ready_to_trip = bulwark::consecutive_failures(3),
                                      .on_state_change = [&](const bulwark::transition&) { ++opened; }}};
    bulwark::bulkhead pool{{.max_concurrent = 2}};
    const auto call = [&](int status) {
        return breaker.execute([&] { return pool.execute([&] { return response{status}; }); },
                               [](const auto& got) {
                                   return !got                 ? bulwark::outcome::ignored
                                          : got->status >= 500 ? bulwark::outcome::failure
                                                               : bulwark::outcome::success;
                               });
    };
    if (const auto good = call(200); !good || !*good || (*good)->status != 200) return false;
    for (int i = 0; i != 3; ++i) static_cast<void>(call(503));
    const auto refused = call(200);
    return !refused && refused.error() == bulwark::errc::circuit_open && opened == 1 && pool.in_use() == 0 &&
           breaker.state() == bulwark::breaker_state::open;
}

bool guards_by_a_pipeline() {
    bulwark::circuit_breaker breaker;
    bulwark::bulkhead pool{{.max_concurrent = 2}};
    bulwark::rate_limiter rate{{.permits = 1000, .period = 1s, .burst = 10}};
    bulwark::retry_budget budget{{.percent = 20, .initial = 10}};
    bulwark::retry again{{.max_attempts = 3, .backoff = {.initial = 1us}, .budget = &budget}};
    bulwark::fallback cached{[](bulwark::errc) { return response{203}; }};
    auto guarded = bulwark::pipeline{cached, rate, again, breaker, pool, bulwark::timeout{10s}};

    int calls = 0;
    const auto judge = [](const response& r) {
        return r.status >= 500 ? bulwark::outcome::failure : bulwark::outcome::success;
    };
    const auto flaky = guarded.execute([&] { return response{++calls < 3 ? 503 : 200}; }, judge);
    if (!flaky || flaky->status != 200 || calls != 3) return false;
    breaker.force_open();
    const auto stale = guarded.execute([&] { return response{200}; }, judge);
    return stale && stale->status == 203;
}

}  // namespace

int main() {
    if (!guards_by_hand() || !guards_by_a_pipeline()) {
        std::fprintf(stderr, "orders: the library did not keep its contract\n");
        return 1;
    }
    std::printf("bulwark %d.%d.%d\n", BULWARK_VERSION_MAJOR, BULWARK_VERSION_MINOR, BULWARK_VERSION_PATCH);
    return 0;
}
