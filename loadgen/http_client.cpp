// Implements http_client.hpp with cpp-httplib.
#include "http_client.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace loadgen {
namespace {

using namespace std::chrono_literals;

/// The other form of the header, a date, is for people: where the clocks of two machines differ it is worth little.
std::optional<std::chrono::seconds> seconds_in(const std::string& header) {
    std::uint32_t seconds = 0;
    const char* const end = header.data() + header.size();
    const auto [stop, error] = std::from_chars(header.data(), end, seconds);
    if (error != std::errc() || stop != end) return std::nullopt;
    return std::chrono::seconds(seconds);
}

}  // namespace

http_client::http_client(const std::string& origin, duration longest) : longest_(longest), client_(origin) {
    client_.set_keep_alive(true);
    client_.set_tcp_nodelay(true);
}

http_answer http_client::get(const std::string& path, duration limit) {
    const time_point give_up = clock::now() + limit;
    // 0 would mean something else to a socket.
    const duration each = std::max<duration>(std::min(limit, longest_), 1ms);
    client_.set_connection_timeout(each);
    client_.set_read_timeout(each);
    client_.set_write_timeout(each);
    http_answer answer;
    // These time-outs are for one read each; a body that trickles, or never ends, needs one for the whole.
    const httplib::Result got = client_.Get(path, [&](const char* data, std::size_t size) {
        answer.body.append(data, size);
        return clock::now() < give_up;
    });
    if (!got) return {.status = 0, .body = {}, .retry_after = std::nullopt, .error = got.error()};
    answer.status = got->status;
    if (got->has_header("Retry-After")) answer.retry_after = seconds_in(got->get_header_value("Retry-After"));
    return answer;
}

}  // namespace loadgen
