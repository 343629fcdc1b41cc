// Runs the snippets of the documentation that assert something.
#include "prelude.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace snippet {

std::vector<std::function<void()>>& tests() {
    static std::vector<std::function<void()>> all;
    return all;
}

void failed(const char* page, int line, const char* condition) {
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", page, line, condition);
    std::exit(1);
}

}  // namespace snippet

int main() {
    for (const auto& run : snippet::tests()) run();
    std::printf("%zu snippets run, all that they assert holds\n", snippet::tests().size());
    return snippet::tests().empty() ? 1 : 0;
}
