// The part of the program with exceptions. It relies on the library's handlers, which the other part does not have.
#include <bulwark/bulwark.hpp>

#include <stdexcept>

bool listener_may_throw();
bool exceptions_are_failures();

bool listener_may_throw() {
    bulwark::circuit_breaker breaker{
        {.ready_to_trip = bulwark::consecutive_failures(1),
         .on_state_change = [](const bulwark::transition&) { throw std::runtime_error("a listener's"); }}};
    static_cast<void>(breaker.execute([] { return 1; }, [](int) { return bulwark::outcome::failure; }));
    return breaker.state() == bulwark::breaker_state::open;
}

bool exceptions_are_failures() {
    bulwark::circuit_breaker breaker;
    bulwark::bulkhead pool{{.max_concurrent = 1}};
    bulwark::retry again{{.max_attempts = 2, .backoff = {.initial = std::chrono::nanoseconds(1)}}};
    auto guarded = bulwark::pipeline{again, breaker, pool};
    int calls = 0;
    try {
        static_cast<void>(guarded.execute([&]() -> int {
            ++calls;
            throw std::runtime_error("a service's");
        }));
    } catch (const std::runtime_error&) {
        return calls == 2 && breaker.counts().total_failures == 2 && pool.in_use() == 0;
    }
    return false;
}
