// How the library's values read: operator<<, names, and lines for loggers.
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/log_line.hpp>
#include <bulwark/outcome.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <sstream>
#include <string>

namespace {

using namespace bulwark;
using namespace std::chrono_literals;

template <class T>
std::string text(const T& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

TEST(Format, EveryErrorHasANameOfItsOwn) {
    std::set<std::string> names;
    for (int code = 1; code <= static_cast<int>(errc::circuit_ramping); ++code) {
        const auto name = text(static_cast<errc>(code));
        EXPECT_NE(name, "unknown") << code;
        EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_EQ(text(errc::circuit_open), "circuit_open");
    EXPECT_EQ(text(static_cast<errc>(static_cast<int>(errc::circuit_ramping) + 1)), "unknown");
}

TEST(Format, Values) {
    EXPECT_EQ(text(outcome::success), "success");
    EXPECT_EQ(text(outcome::failure), "failure");
    EXPECT_EQ(text(outcome::ignored), "ignored");
    EXPECT_EQ(text(bulkhead_event{bulkhead_event_kind::refused, errc::queue_full, 3}),
              "refused reason=queue_full weight=3");
    const bulkhead_snapshot seen{.capacity = 5,
                                 .in_use = 2,
                                 .waiting = 1,
                                 .admitted = 10,
                                 .refused = 4,
                                 .timed_out = 3,
                                 .stopped = 6,
                                 .longest_wait = 1500ms};
    EXPECT_EQ(text(seen), "in_use=2/5 waiting=1 admitted=10 refused=4 timed_out=3 stopped=6 longest_wait=1.5s");
    EXPECT_EQ(to_string(seen), text(seen));
}

TEST(LogLine, SaysWhatHappened) {
    EXPECT_EQ(log_line("orders", transition{breaker_state::open, breaker_state::half_open, 3}),
              "event=circuit_breaker name=orders from=open to=half-open generation=3");
    EXPECT_EQ(log_line("orders", bulkhead_event{bulkhead_event_kind::saturated, errc::bulkhead_full, 1}),
              "event=bulkhead name=orders kind=saturated reason=bulkhead_full weight=1");
}

TEST(LogLine, StaysOneLineWhateverTheName) {
    const transition change{breaker_state::closed, breaker_state::open, 2};
    const auto named = [&](std::string_view name) {
        const std::string line = log_line(name, change);
        const std::string begin = "event=circuit_breaker name=";
        return line.substr(begin.size(), line.find(" from=") - begin.size());
    };
    EXPECT_EQ(named("Bestellungen-\xc3\xbc"), "Bestellungen-\xc3\xbc");
    EXPECT_EQ(named(""), R"("")");
    EXPECT_EQ(named("a b"), R"("a b")");
    EXPECT_EQ(named("a=\"b\"\\"), R"("a=\"b\"\\")");
    EXPECT_EQ(named(std::string_view("a\nb\0c\x7f", 6)), R"("a\x0ab\x00c\x7f")");
}

}  // namespace
