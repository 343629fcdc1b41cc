// Lines of key=value pairs.
#include <bulwark/log_line.hpp>

#include <algorithm>

namespace bulwark::inline BULWARK_ABI {
namespace {

bool is_control(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

void append_control(std::string& to, char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(c);
    to += "\\x";
    to += digits[code >> 4U];
    to += digits[code & 0xfU];
}

void append_quoted(std::string& to, std::string_view text) {
    to += '"';
    for (const char c : text) {
        if (is_control(c)) {
            append_control(to, c);
            continue;
        }
        if (c == '"' || c == '\\') to += '\\';
        to += c;
    }
    to += '"';
}

void append_value(std::string& to, std::string_view text) {
    const auto needs_quotes = [](char c) { return is_control(c) || c == ' ' || c == '"' || c == '=' || c == '\\'; };
    if (text.empty() || std::ranges::any_of(text, needs_quotes)) {
        append_quoted(to, text);
    } else {
        to += text;
    }
}

std::string begin(std::string_view event, std::string_view name) {
    std::string line = "event=";
    line += event;
    line += " name=";
    append_value(line, name);
    return line;
}

}  // namespace

std::string log_line(std::string_view name, const transition& change) {
    std::string line = begin("circuit_breaker", name);
    line += " from=";
    line += to_string(change.from);
    line += " to=";
    line += to_string(change.to);
    line += " generation=" + std::to_string(change.generation);
    return line;
}

std::string log_line(std::string_view name, const bulkhead_event& event) {
    std::string line = begin("bulkhead", name);
    line += " kind=";
    line += to_string(event.kind);
    line += " reason=";
    line += to_string(event.reason);
    line += " weight=" + std::to_string(event.weight);
    return line;
}

}  // namespace bulwark::inline BULWARK_ABI
