// execute(): what each kind of return value and exception counts as, and what does not compile.
#include "narrow.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

namespace {

using bulwark::breaker_counts;
using bulwark::errc;
using bulwark::manual_clock;
using bulwark::outcome;
using namespace std::chrono_literals;

template <class Breaker>
class Execute : public ::testing::Test {
protected:
    Breaker breaker{{.ready_to_trip = [](const breaker_counts&) { return false; }}};

    void expect(std::uint32_t successes, std::uint32_t failures, std::uint32_t ignored) {
        const breaker_counts c = breaker.counts();
        EXPECT_EQ(c.total_successes, successes);
        EXPECT_EQ(c.total_failures, failures);
        EXPECT_EQ(c.total_ignored, ignored);
        EXPECT_EQ(c.requests, successes + failures + ignored);
    }
};

using Implementations = ::testing::Types<bulwark::basic_circuit_breaker<manual_clock>,
                                         bulwark::reference::basic_circuit_breaker<manual_clock>>;
TYPED_TEST_SUITE(Execute, Implementations);

TYPED_TEST(Execute, ReturnsWhatTheFunctionReturned) {
    auto& b = this->breaker;
    EXPECT_EQ(b.execute([] { return 42; }).value(), 42);
    EXPECT_EQ(b.execute([] { return std::string("text"); }).value(), "text");
    EXPECT_EQ(*b.execute([] { return std::make_unique<int>(3); }).value(), 3);
    static_assert(std::is_same_v<decltype(b.execute([] {})), bulwark::result<void>>);
    static_assert(
        std::is_same_v<decltype(b.execute([]() -> const std::string { return ""; })), bulwark::result<std::string>>);
    EXPECT_TRUE(b.execute([] {}).has_value());
    int referred = 1;
    b.execute([&]() -> int& { return referred; }).value().get() = 2;
    EXPECT_EQ(referred, 2);
    this->expect(5, 0, 0);
}

TYPED_TEST(Execute, TakesAnyCallable) {
    struct counter {
        int calls = 0;
        int next() { return ++calls; }
    } c;
    auto& b = this->breaker;
    auto stateful = [n = 0]() mutable { return ++n; };
    EXPECT_EQ(b.execute(stateful).value(), 1);
    EXPECT_EQ(b.execute(stateful).value(), 2) << "called in place, not copied";
    auto owner = [p = std::make_unique<int>(9)] { return *p; };
    EXPECT_EQ(b.execute(std::move(owner)).value(), 9);
    EXPECT_EQ(b.execute([&] { return c.next(); }).value(), 1);
    EXPECT_EQ(b.execute(+[] { return 5; }).value(), 5);
}

TYPED_TEST(Execute, ErrorCodesClassifyThemselves) {
    auto& b = this->breaker;
    (void)b.execute([] { return std::error_code(); });
    this->expect(1, 0, 0);
    const auto reply = b.execute([] { return std::make_error_code(std::errc::timed_out); });
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(*reply, std::errc::timed_out);
    this->expect(1, 1, 0);
    (void)b.execute([] { return boost::system::error_code(); });
    this->expect(2, 1, 0);
    (void)b.execute([] { return boost::system::errc::make_error_code(boost::system::errc::timed_out); });
    this->expect(2, 2, 0);
}

TYPED_TEST(Execute, AnythingWithHasValueClassifiesItself) {
    auto& b = this->breaker;
    (void)b.execute([] { return std::optional(1); });
    (void)b.execute([] { return std::optional<int>(); });
    this->expect(1, 1, 0);
    using result = boost::system::result<int>;
    (void)b.execute([] { return result(1); });
    (void)b.execute([] { return result(boost::system::errc::make_error_code(boost::system::errc::timed_out)); });
    this->expect(2, 2, 0);
    using void_result = boost::system::result<void, std::error_code>;
    (void)b.execute([] { return void_result(); });
    (void)b.execute([] { return void_result(std::make_error_code(std::errc::timed_out)); });
    this->expect(3, 3, 0);
    const auto nested = b.execute([] { return std::optional(7); });
    EXPECT_EQ(nested.value().value(), 7);
}

TYPED_TEST(Execute, OurOwnRefusalsSayNothingOfTheService) {
    auto& b = this->breaker;
    bulwark::bulkhead pool({.max_concurrent = 1});
    const auto taken = pool.try_acquire();
    const auto reply = b.execute([&] { return pool.execute([] { return 1; }); });
    EXPECT_EQ(reply.value().error(), errc::bulkhead_full);
    (void)b.execute([] { return make_error_code(errc::circuit_open); });
    this->expect(0, 0, 2);
}

TYPED_TEST(Execute, AClassifierDecides) {
    auto& b = this->breaker;
    const auto by_status = [](int status) {
        return status >= 500 ? outcome::failure : status == 404 ? outcome::ignored : outcome::success;
    };
    for (const int status : {200, 503, 404}) EXPECT_EQ(b.execute([&] { return status; }, by_status).value(), status);
    this->expect(1, 1, 1);
    (void)b.execute([] { return false; }, [](bool ok) { return ok ? outcome::success : outcome::failure; });
    this->expect(1, 2, 1);
    (void)b.execute([] { return std::optional<int>(); }, [](const auto&) { return outcome::success; });
    this->expect(2, 2, 1);
}

TYPED_TEST(Execute, AnExceptionIsAFailureAndGoesOn) {
    auto& b = this->breaker;
    EXPECT_THROW(b.execute([]() -> int { throw std::runtime_error("service"); }), std::runtime_error);
    EXPECT_THROW(b.execute([] { throw 5; }), int);
    EXPECT_THROW(b.execute([] { return 1; }, [](int) -> outcome { throw std::logic_error("classifier"); }),
                 std::logic_error);
    this->expect(0, 3, 0);
}

TYPED_TEST(Execute, ARefusalThatIsThrownSaysNothingOfTheServiceEither) {
    auto& b = this->breaker;
    bulwark::bulkhead pool({.max_concurrent = 1});
    const auto taken = pool.try_acquire();
    EXPECT_THROW(b.execute([&] { return pool.execute([] { return 1; }).value(); }), std::system_error);
    EXPECT_THROW(b.execute([&] { static_cast<void>(pool.execute([] {}).value()); }), std::system_error);
    this->expect(0, 0, 2);
    EXPECT_THROW(b.execute([] { throw std::system_error(make_error_code(errc::deadline_exceeded)); }),
                 std::system_error);
    EXPECT_THROW(b.execute([] { throw std::system_error(1, std::generic_category()); }), std::system_error);
    this->expect(0, 2, 2);
}

TYPED_TEST(Execute, ARefusalIsAValueAndTheFunctionIsNotCalled) {
    manual_clock::reset();
    TypeParam b{{.ready_to_trip = bulwark::consecutive_failures(1)}};
    EXPECT_THROW(b.execute([] { throw 1; }), int);
    bool called = false;
    const auto refused = b.execute([&] { called = true; });
    EXPECT_EQ(refused.error(), errc::circuit_open);
    EXPECT_FALSE(called);
    try {
        (void)b.execute([] { return 1; }).value();
        FAIL() << "value() of a refusal must throw";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), errc::circuit_open);
        EXPECT_STREQ(e.code().message().c_str(), "the circuit breaker is open");
    }
    // A result of an error code: the refusal and the value are not confused.
    const auto code = b.execute([] { return std::error_code(); });
    EXPECT_TRUE(code.has_error());
}

TYPED_TEST(Execute, TheServicesExceptionWinsOverThePolicys) {
    TypeParam b{{.ready_to_trip = [](const breaker_counts&) -> bool { throw std::logic_error("policy"); }}};
    EXPECT_THROW(b.execute([] { throw std::runtime_error("service"); }), std::runtime_error);
    EXPECT_THROW(b.execute([] { return std::optional<int>(); }), std::logic_error);
    EXPECT_EQ(b.counts(), (breaker_counts{2, 0, 2, 0, 0, 2}));
}

TYPED_TEST(Execute, MayBeNested) {
    auto& b = this->breaker;
    EXPECT_EQ(b.execute([&] { return b.execute([] { return 1; }).value() + 1; }).value(), 2);
    this->expect(2, 0, 0);
}

template <class B>
concept takes_bool_without_classifier = requires(B b, bool (*fn)()) { b.execute(fn); };
template <class B>
concept takes_bool_with_classifier =
    requires(B b, bool (*fn)(), outcome (*classify)(bool)) { b.execute(fn, classify); };
template <class B>
concept takes_classifier_of_something_else =
    requires(B b, int (*fn)(), outcome (*classify)(std::string)) { b.execute(fn, classify); };

TYPED_TEST(Execute, AFunctionThatReturnsBoolNeedsAClassifier) {
    static_assert(!takes_bool_without_classifier<TypeParam>);
    static_assert(takes_bool_with_classifier<TypeParam>);
    static_assert(!takes_classifier_of_something_else<TypeParam>);
}

template <class Bulkhead>
void execute_gives_the_permit_back() {
    Bulkhead pool({.max_concurrent = 1});
    EXPECT_EQ(pool.execute([&] { return pool.in_use(); }).value(), 1U);
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_TRUE(pool.execute([] {}).has_value());
    EXPECT_TRUE(pool.execute([] { return true; }).value()) << "a bulkhead judges nothing, bool is welcome";
    EXPECT_THROW(pool.execute([]() -> int { throw std::runtime_error("service"); }), std::runtime_error);
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(pool.execute([&] { return pool.execute([] {}).error(); }).value(), errc::bulkhead_full);
    int referred = 1;
    pool.execute([&]() -> int& { return referred; }).value().get() = 2;
    EXPECT_EQ(referred, 2);
    EXPECT_EQ(pool.available(), 1U);
}

TEST(BulkheadExecute, GivesThePermitBack) {
    execute_gives_the_permit_back<bulwark::bulkhead>();
    execute_gives_the_permit_back<bulwark::reference::bulkhead>();
}

}  // namespace
