// Retry with a budget: transient failures are got over, and an outage is not made worse.
#include <bulwark/pipeline.hpp>
#include <bulwark/retry.hpp>

#include <chrono>
#include <iostream>
#include <optional>

namespace {

using namespace std::chrono_literals;

struct response {
    int status = 200;
    std::optional<std::chrono::seconds> retry_after{};  // NOLINT(readability-redundant-member-init)
};

/// A service of which every eighth call fails, or all of them.
struct service {
    response get() {
        ++asked;
        if (down) return {.status = 500};
        return {.status = asked % 8 == 0 ? 503 : 200};
    }
    bool down = false;
    int asked = 0;
};

bulwark::outcome by_status(const response& r) {
    return r.status >= 500 ? bulwark::outcome::failure : bulwark::outcome::success;
}

constexpr int calls = 1000;

/// How many of the calls were answered.
template <class Layer>
int call_all(Layer& layer, service& upstream) {
    int answered = 0;
    for (int i = 0; i != calls; ++i) {
        answered += layer.execute([&] { return upstream.get(); }, by_status)->status == 200 ? 1 : 0;
    }
    return answered;
}

}  // namespace

int main() {
    // Real services want longer delays: the default begins with up to 100 ms.
    const bulwark::backoff_config short_delays{.initial = 10us, .ceiling = 100us};

    // One budget for all callers of the service, whatever retry they go through.
    bulwark::retry_budget budget{{.percent = 20, .max_saved = 10}};
    // The server may ask for more time, in its reply.
    bulwark::basic_retry again(bulwark::retry_config{.max_attempts = 4, .backoff = short_delays, .budget = &budget},
                               bulwark::retry_failures{}, [](const response& r) { return r.retry_after; });
    bulwark::retry unbounded{{.max_attempts = 4, .backoff = short_delays}};

    service flaky;
    const int answered = call_all(again, flaky);
    std::cout << "every eighth attempt fails: " << answered << " of " << calls << " calls answered, " << flaky.asked
              << " attempts\n";

    service without;
    without.down = true;
    call_all(unbounded, without);
    service with;
    with.down = true;
    call_all(again, with);
    std::cout << "all fail, no budget: " << without.asked << " attempts\n"
              << "all fail, 20 per cent: " << with.asked << " attempts\n";

    const auto seen = again.snapshot();
    std::cout << seen.retries << " retries in all, " << seen.refused_by_budget << " calls ended for want of one\n";
    // While all went well up to 10 retries were saved; after that it is a fifth of the calls.
    const bool bounded = with.asked >= calls + 200 && with.asked <= calls + 200 + 10;
    return answered > 990 && without.asked == 4 * calls && bounded ? 0 : 1;
}
