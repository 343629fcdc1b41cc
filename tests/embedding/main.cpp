// The smallest program that links the library.
#include <bulwark/bulwark.hpp>

int main() {
    bulwark::circuit_breaker breaker;
    return breaker.execute([] { return 0; }).value();
}
