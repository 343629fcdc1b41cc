// Two-step permits: for calls that do not fit into one function, such as a request whose answer another thread gets.
// The permit travels with the request; whoever learns how it ended says so.
#include <bulwark/bulwark.hpp>

#include <iostream>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// A request under way. If it is forgotten, its permit goes back by itself and the call counts as ignored.
struct request {
    bulwark::permit permit;
    int number;
};

/// Stands for the thread on which answers arrive; every third request fails, and one is cancelled.
void on_answer(request done) {
    if (done.number == 5) {
        done.permit.ignore();  // cancelled by its caller: says nothing of the service
    } else if (done.number % 3 == 0) {
        done.permit.failure();
    } else {
        done.permit.success();
    }
}

}  // namespace

int main() {
    bulwark::circuit_breaker breaker;
    std::vector<std::jthread> answers;
    for (int number = 1; number <= 9; ++number) {
        auto permit = breaker.try_acquire();
        if (!permit) {
            std::cout << "request " << number << " refused: " << permit.error() << '\n';
            continue;
        }
        answers.emplace_back(on_answer, request{std::move(*permit), number});
    }
    answers.clear();  // joins
    std::cout << to_string(breaker) << '\n';
    const bulwark::breaker_counts counts = breaker.counts();
    return counts.requests == counts.total_successes + counts.total_failures + counts.total_ignored ? 0 : 1;
}
