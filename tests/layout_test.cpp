// The packed words: fields that do not touch, tags that wrap, and the widths that the documentation names.
#include "narrow.hpp"

#include <bulwark/detail/layout.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace {

using bulwark::detail::basic_layout;
using bulwark::detail::lane;
using bulwark::detail::layout;

TEST(Layout, FieldsCoverTheHeadWithoutTouching) {
    const std::uint64_t masks[] = {
        layout::requests::mask, layout::successes::mask,  layout::failures::mask,        layout::ignored::mask,
        layout::run::mask,      layout::run_joined::mask, layout::run_of_failures::mask, layout::state::mask,
        layout::move::mask,     layout::epoch::mask};
    std::uint64_t covered = 0;
    for (const std::uint64_t mask : masks) {
        EXPECT_EQ(covered & mask, 0U);
        covered |= mask;
    }
    EXPECT_EQ(covered, ~std::uint64_t{0});
}

TEST(Layout, PutChangesItsOwnFieldOnly) {
    for (const std::uint64_t word : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0x0123456789abcdef}}) {
        const std::uint64_t put = layout::run::put(word, 5);
        EXPECT_EQ(layout::run::get(put), 5U);
        EXPECT_EQ(put & ~layout::run::mask, word & ~layout::run::mask);
    }
}

TEST(Layout, FullIsTheLastValueBeforeACarryIntoTheNeighbour) {
    EXPECT_FALSE(layout::ignored::full(layout::ignored::unit * 2));
    EXPECT_TRUE(layout::ignored::full(layout::ignored::unit * 3));
    EXPECT_EQ(layout::ignored::unit * 4, layout::run::unit);
}

TEST(Layout, EpochsWrap) {
    EXPECT_EQ(layout::epoch_after(0xffffffffU), 0U);
    EXPECT_EQ(layout::epoch_before(0U), 0xffffffffU);
    using thin = basic_layout<bulwark::test::thin>;
    EXPECT_EQ(thin::epoch_after(3), 0U);
    EXPECT_EQ(thin::epoch_before(0), 3U);
}

TEST(Layout, ALaneKeepsItsTagAndItsPayloadApart) {
    const std::uint64_t word = lane::pack(0xdeadbeef, 0x01020304);
    EXPECT_EQ(lane::tag(word), 0xdeadbeefU);
    EXPECT_EQ(lane::payload(word), 0x01020304U);
}

}  // namespace
