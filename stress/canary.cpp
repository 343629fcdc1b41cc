// A program that races on purpose. ThreadSanitizer must report `plain` and `relaxed`, or the clean runs of the stress
// programs mean nothing; and it must not report `paired`, or its reports mean nothing. It goes through the library's
// own atomics, so it also proves that ThreadSanitizer sees them. `rounds` must be reported too: how the threads of a
// round meet, and how their overlaps are counted, hides no race of theirs. And so must `slots`: a breaker that is told
// the same slot by all threads, so that they write one cell.
#include "count_scenarios.hpp"
#include "planted.hpp"
#include "rounds.hpp"

#include <bulwark/detail/atomics.hpp>

#include <cstdio>
#include <cstring>
#include <thread>

namespace {

using bulwark::detail::atomic;

int data = 0;

void plain_race() {
    std::jthread other([] { ++data; });
    ++data;
}

void publish(boost::memory_order store, boost::memory_order load) {
    atomic<unsigned> ready{0};
    std::jthread reader([&] {
        while (ready.load(load) == 0) std::this_thread::yield();
        std::printf("read %d\n", data);
    });
    data = 1;
    ready.store(1, store);
}

struct unguarded {
    explicit unguarded(bulwark::stress::run&) {}
    void choose(unsigned, bulwark::stress::random_source&) {}
    void act(unsigned) { ++data; }
    void check() {}
};

void race_in_rounds() {
    bulwark::stress::run r({.threads = 2, .rounds = 1000});
    bulwark::stress::play_rounds<unguarded>(r);
}

void share_a_slot() {
    using namespace bulwark::stress;
    run r({.threads = 2, .rounds = 1000});
    repeat<thread_churn<planted::shared_slot>>(r);
}

}  // namespace

int main(int argc, char** argv) {
    const char* const mode = argc == 2 ? argv[1] : "";
    if (std::strcmp(mode, "plain") == 0) {
        plain_race();
    } else if (std::strcmp(mode, "relaxed") == 0) {
        publish(bulwark::detail::memory_order_relaxed, bulwark::detail::memory_order_relaxed);
    } else if (std::strcmp(mode, "rounds") == 0) {
        race_in_rounds();
    } else if (std::strcmp(mode, "slots") == 0) {
        share_a_slot();
    } else if (std::strcmp(mode, "paired") == 0) {
        publish(bulwark::detail::memory_order_release, bulwark::detail::memory_order_acquire);
    } else {
        std::fprintf(stderr, "usage: bulwark-canary plain|relaxed|rounds|slots|paired\n");
        return 2;
    }
    return 0;
}
