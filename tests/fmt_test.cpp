// {fmt} writes what operator<< writes.
#include <bulwark/fmt.hpp>

#include <gtest/gtest.h>

#include <sstream>

namespace {

using namespace bulwark;

template <class T>
void expect_alike(const T& value) {
    std::ostringstream out;
    out << value;
    EXPECT_EQ(fmt::format("{}", value), out.str());
    EXPECT_EQ(fmt::format("{:>300}", value).size(), 300U);
}

TEST(Fmt, WritesWhatStreamsWrite) {
    expect_alike(breaker_state::half_open);
    expect_alike(breaker_counts{.requests = 3, .total_failures = 2});
    expect_alike(breaker_snapshot{.state = breaker_state::open, .generation = 4});
    expect_alike(transition{breaker_state::closed, breaker_state::open, 2});
    expect_alike(bulkhead_event{});
    expect_alike(bulkhead_snapshot{.capacity = 5, .in_use = 2});
    expect_alike(errc::circuit_open);
    expect_alike(outcome::ignored);
}

}  // namespace
