// Implements http.hpp.
#include "http.hpp"

#include "guard.hpp"

#include <httplib.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace demo {
namespace {

std::string reason(httplib::Error error) {
    switch (error) {
        case httplib::Error::Connection: return "no connection";
        case httplib::Error::ConnectionTimeout: return "no connection in time";
        case httplib::Error::Read: return "no HTTP answer in time";
        case httplib::Error::Canceled: return "the answer did not end in time";
        default: return "no answer (" + httplib::to_string(error) + ")";
    }
}

std::invalid_argument not_a_url() {
    return std::invalid_argument("--url: not a URL of the form http://host:port/path");
}

int parse_port(std::string_view text) {
    int port = 0;
    const char* const begin = text.data();  // NOLINT(bugprone-suspicious-stringview-data-usage): its end is used too
    const char* const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, port);
    if (error != std::errc() || stop != end || port < 1 || port > 65535) {
        throw std::invalid_argument("--url: the port must be 1 to 65535");
    }
    return port;
}

}  // namespace

target parse_url(const std::string& url) {
    constexpr std::string_view scheme = "http://";
    const std::string_view text = url;
    const auto is_printable = [](char c) { return c > ' ' && c <= '~'; };
    if (!std::all_of(text.begin(), text.end(), is_printable)) throw not_a_url();
    if (text.starts_with("https://")) throw std::invalid_argument("--url: https is not supported, only http:// is");
    if (!text.starts_with(scheme)) throw not_a_url();

    const std::string_view rest = text.substr(scheme.size());
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view authority = rest.substr(0, slash);
    const std::string_view path = rest.substr(slash);

    const bool is_ipv6 = authority.starts_with('[');
    const std::size_t host_end = is_ipv6 ? authority.find(']') + 1 : std::min(authority.find(':'), authority.size());
    const std::string_view host = authority.substr(0, host_end);
    const std::string_view after_host = authority.substr(host_end);
    const std::string_view allowed =
        is_ipv6 ? "[]:.0123456789abcdefABCDEF" : "-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const bool has_port = after_host.starts_with(':');
    if (host.empty() || host.find_first_not_of(allowed) != host.npos || has_port != !after_host.empty()) {
        throw not_a_url();
    }
    return {url.substr(0, scheme.size()) + std::string(host) + ":" +
                std::to_string(has_port ? parse_port(after_host.substr(1)) : 80),
            path.empty() ? "/" : std::string(path)};
}

http_client::http_client(const target& where, duration patience) : where_(where), client_(where.origin, patience) {}

int http_client::get() {
    static_assert(no_answer == 0);
    return client_.get(where_.path).status;
}

void http_client::probe() {
    const loadgen::http_answer answer = client_.get(where_.path);
    if (answer.status == 0) throw std::runtime_error("cannot reach " + where_.url() + ": " + reason(answer.error));
}

}  // namespace demo
