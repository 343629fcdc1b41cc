// Names as label values: Prometheus refuses a whole scrape for one byte that is no UTF-8.
#pragma once

#include <bulwark/version.hpp>

#include <string>
#include <string_view>

namespace bulwark::inline BULWARK_ABI::detail {

/// The text, with each byte that belongs to no character of UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

}  // namespace bulwark::inline BULWARK_ABI::detail
