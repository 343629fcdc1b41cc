// A configuration that makes no sense, in a program without exceptions: it ends here, and says why on stderr.
#include <bulwark/bulwark.hpp>

#include <cstdio>

int main() {
    const bulwark::bulkhead pool{{.max_concurrent = 0}};
    std::printf("a bulkhead of no permits was made: %u\n", pool.capacity());
    return 0;
}
