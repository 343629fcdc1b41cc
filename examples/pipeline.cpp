// A pipeline: fallback, retry, breaker, bulkhead and timeout around one call, and what each of them does when the
// service is in trouble.
#include <bulwark/bulkhead.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/fallback.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/retry.hpp>
#include <bulwark/retry_budget.hpp>
#include <bulwark/timeout.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

/// Stands for a client of a remote service: well for three requests, down for seven, then well again.
class order_service {
public:
    std::string get(const bulwark::call_context& call) {
        ++asked_;
        // A real client gives what is left of the time to its sockets.
        if (call.deadline().remaining() <= 0ms) throw std::runtime_error("too late");
        if (asked_ > 3 && asked_ <= 10) throw std::runtime_error("connection refused");
        return fresh;
    }
    int asked() const { return asked_; }

    inline static const std::string fresh = "3 orders";

private:
    int asked_ = 0;
};

/// A layer of one's own: counts what comes through, by outcome.
struct tally {
    int good = 0;
    int bad = 0;

    template <class Context, class Next>
    typename Next::reply wrap(const Context& context, Next& next) {
        auto reply = next(context);
        (next.outcome_of(reply) == bulwark::outcome::success ? good : bad) += 1;
        return reply;
    }
};

}  // namespace

int main() {
    bulwark::retry_budget budget{{.percent = 20, .max_saved = 10, .initial = 2}};
    bulwark::retry again{{.max_attempts = 3, .backoff = {.initial = 1ms}, .budget = &budget}};
    bulwark::circuit_breaker breaker{{.timeout = 50ms, .ready_to_trip = bulwark::consecutive_failures(5)}};
    bulwark::bulkhead pool{{.max_concurrent = 10}};
    bulwark::timeout limit{1s};
    bulwark::fallback cached{[](auto&&...) { return std::string("orders of yesterday"); }};
    tally seen_by_callers;

    auto call = bulwark::pipeline{seen_by_callers, cached, again, breaker, pool, limit};

    order_service service;
    const auto get = [&](const bulwark::call_context& context) { return service.get(context); };
    int calls = 0;
    bool recovered = false;
    while (!recovered && calls < 1000) {
        const auto orders = call.execute(get);
        ++calls;
        std::cout << "call " << calls << ": " << *orders << " (the service was asked " << service.asked()
                  << " times, the breaker is " << to_string(breaker.state()) << ")\n";
        recovered = *orders == order_service::fresh && calls > 3;
        std::this_thread::sleep_for(20ms);
    }
    std::cout << calls << " callers, all with an answer, " << cached.asked() << " of them with an old one; "
              << again.snapshot().retries << " retries\n";
    return recovered && seen_by_callers.good == calls && seen_by_callers.bad == 0 && service.asked() < calls ? 0 : 1;
}
