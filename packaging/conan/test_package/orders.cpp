// Conan copies this folder alone, so the program is a small one of its own.
#include <bulwark/bulwark.hpp>

#include <cstdio>

int main() {
    bulwark::circuit_breaker breaker;
    bulwark::bulkhead pool{{.max_concurrent = 1}};
    const auto reply = breaker.execute([&] { return pool.execute([] { return 42; }); });
    if (!reply || !*reply || **reply != 42) return 1;
    std::printf("bulwark %d.%d.%d\n", BULWARK_VERSION_MAJOR, BULWARK_VERSION_MINOR, BULWARK_VERSION_PATCH);
    return 0;
}
