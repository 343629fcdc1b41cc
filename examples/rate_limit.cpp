// A rate limit that a partner asks for: 50 calls a second, up to 5 at once. Who cannot wait is told when to come again;
// who can, waits for its turn, unless that would be too late.
#include <bulwark/call_context.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/rate_limiter.hpp>
#include <bulwark/waiting.hpp>

#include <chrono>
#include <iostream>

int main() {
    using namespace std::chrono_literals;
    using std::chrono::steady_clock;
    bulwark::rate_limiter limiter{{.permits = 50, .burst = 5}};
    const auto lookup = [] { return 42; };

    // At once or not at all.
    int answered = 0;
    int refused = 0;
    const auto began = steady_clock::now();
    while (refused == 0) (limiter.execute(lookup) ? answered : refused) += 1;
    const auto earned = (steady_clock::now() - began) / 20ms + 1;
    std::cout << answered << " answered at once, the next refused\n";
    const auto retry_after = limiter.retry_after();
    std::cout << "come again in " << std::chrono::ceil<std::chrono::milliseconds>(retry_after).count() << " ms\n";

    // In turn: a layer that waits until the deadline of the call, and no longer than makes sense.
    bulwark::pipeline patient{bulwark::waiting(limiter)};
    const bulwark::call_context soon(bulwark::deadline::in(10s));
    int in_turn = 0;
    for (int i = 0; i != 10; ++i) in_turn += patient.execute(soon, lookup) ? 1 : 0;
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began);
    std::cout << in_turn << " more, in turn, " << took.count() << " ms after the first\n";

    // A call that counts for several takes as many permits; more than a burst it can never have.
    const auto heavy = limiter.try_acquire(6);
    std::cout << "six at once: " << make_error_code(heavy.error()).message() << '\n';
    const auto late = limiter.try_acquire_for(1ns, 5);
    std::cout << "five within a nanosecond: " << (late ? "granted" : "refused, and nobody has slept for it") << '\n';

    const bool bounded = answered >= 5 && answered <= 5 + earned && retry_after <= 20ms;
    // 15 calls, of which 5 were saved up: the others were 20 ms apart.
    const bool paced = in_turn == 10 && took >= 180ms;
    return bounded && paced && heavy.error() == bulwark::errc::over_capacity ? 0 : 1;
}
