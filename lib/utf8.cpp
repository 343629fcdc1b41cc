// By table 3-7 of the Unicode standard: neither overlong forms nor surrogates nor what is past U+10FFFF is a character.
#include "utf8.hpp"

#include <cstddef>

namespace bulwark::inline BULWARK_ABI::detail {
namespace {

/// How many bytes the character at the start of the text has; 0 where there is none.
std::size_t character(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto within = [](unsigned char byte, unsigned low, unsigned high) { return byte >= low && byte <= high; };
    const unsigned char first = at(0);
    if (first < 0x80) return 1;
    const std::size_t size = within(first, 0xC2, 0xDF)   ? 2
                             : within(first, 0xE0, 0xEF) ? 3
                             : within(first, 0xF0, 0xF4) ? 4
                                                         : 0;
    if (size == 0 || text.size() < size) return 0;
    const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (!within(at(1), low, high)) return 0;
    for (std::size_t i = 2; i != size; ++i) {
        if (!within(at(i), 0x80, 0xBF)) return 0;
    }
    return size;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = character(text);
        out += size == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, size);
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return out;
}

}  // namespace bulwark::inline BULWARK_ABI::detail
