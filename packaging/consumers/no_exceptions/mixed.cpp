// The part of the program without exceptions: linked first, so that whatever has one name in both parts is taken from
// here.
#include <bulwark/bulwark.hpp>

#include <cstdio>

bool listener_may_throw();
bool exceptions_are_failures();

namespace {

bool breaker_trips() {
    int told = 0;
    bulwark::circuit_breaker breaker{{.ready_to_trip = bulwark::consecutive_failures(1),
                                      .on_state_change = [&](const bulwark::transition&) { ++told; }}};
    static_cast<void>(breaker.execute([] { return 1; }, [](int) { return bulwark::outcome::failure; }));
    return told == 1 && !breaker.try_acquire();
}

bool memory_is_charged() {
    bulwark::memory_bulkhead budget{{.max_bytes = 100}};
    bulwark::bulkhead_memory_resource memory(budget);
    const bulwark::bulkhead_memory_resource same(budget);
    void* const p = memory.allocate(60, 8);
    const bool charged = budget.in_use() == 60;
    memory.deallocate(p, 60, 8);
    return charged && budget.in_use() == 0 && memory == same && !(memory == *std::pmr::new_delete_resource());
}

}  // namespace

int main() {
    const bool sound = breaker_trips() && memory_is_charged() && listener_may_throw() && exceptions_are_failures();
    std::printf("bulwark %d.%d.%d\n", BULWARK_VERSION_MAJOR, BULWARK_VERSION_MINOR, BULWARK_VERSION_PATCH);
    return sound ? 0 : 1;
}
