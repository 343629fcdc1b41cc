// Implements page_server.hpp with cpp-httplib.
#include "page_server.hpp"

#include <bulwark_demo_page.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace demo {
namespace {

using nlohmann::json;

constexpr std::size_t connections = 32;
constexpr int most_readers = 16;  // the other connections are for what is short
constexpr std::size_t longest_body = 1024;
constexpr const char* json_type = "application/json";

void refuse(httplib::Response& response, int status, const std::string& why) {
    response.status = status;
    response.set_content(json{{"error", why}}.dump(), json_type);
}

/// 127.0.0.1 or localhost, with any port: a tunnel has one of its own.
bool is_loopback(std::string_view host) {
    const std::string_view name = host.substr(0, host.find(':'));
    return name == "127.0.0.1" || name == "localhost";
}

std::uint64_t number_in(std::string_view text) {
    std::uint64_t number = 0;
    const char* const begin = text.data();  // NOLINT(bugprone-suspicious-stringview-data-usage): its end is used too
    std::from_chars(begin, begin + text.size(), number);
    return number;
}

/// In every answer: nothing is loaded from elsewhere, kept, or shown inside another page.
const httplib::Headers headers{
    {"Content-Security-Policy",
     "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Cache-Control", "no-store"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
};

}  // namespace

page_server::page_server(experiment& shown, const channel& samples, int port)
    : samples_(samples), server_(connections) {
    httplib::Server& http = server_.http();
    // A browser holds connections open for what it may want next; each would keep a thread, also at the end.
    http.set_keep_alive_max_count(1);
    http.set_keep_alive_timeout(1);
    http.set_read_timeout(2s);
    http.set_write_timeout(2s);  // a reader who reads no more is left
    http.set_payload_max_length(longest_body);
    http.set_default_headers(headers);
    http.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
        if (is_welcome(request)) return httplib::Server::HandlerResponse::Unhandled;
        refuse(response, 403, "only for pages of this server, under a name of this machine");
        return httplib::Server::HandlerResponse::Handled;
    });
    http.set_error_handler([](const httplib::Request&, httplib::Response& response) {
        if (response.body.empty()) refuse(response, response.status, "HTTP status " + std::to_string(response.status));
    });
    http.Get("/", [](const httplib::Request&, httplib::Response& response) {
        response.set_content(page.data(), page.size(), "text/html; charset=utf-8");
    });
    http.Get("/stream",
             [this](const httplib::Request& request, httplib::Response& response) { stream(request, response); });
    post("/settings", [&shown](const json& wanted) { return shown.change(wanted); });
    post("/command", [&shown](const json& wanted) { return shown.command(wanted); });
    server_.start(port);
}

bool page_server::is_welcome(const httplib::Request& request) {
    const std::string host = request.get_header_value("Host");
    if (!is_loopback(host)) return false;
    return !request.has_header("Origin") || request.get_header_value("Origin") == "http://" + host;
}

void page_server::post(const std::string& path, const handler& change) {
    server_.http().Post(path, [change](const httplib::Request& request, httplib::Response& response) {
        // A form of another page cannot say that without asking first.
        if (!request.get_header_value("Content-Type").starts_with(json_type)) {
            refuse(response, 415, std::string("expected ") + json_type);
            return;
        }
        const json wanted = json::parse(request.body, nullptr, false);
        if (wanted.is_discarded()) {
            refuse(response, 400, "the body is no JSON");
            return;
        }
        try {
            response.set_content(change(wanted).dump(), json_type);
        } catch (const std::invalid_argument& e) {
            refuse(response, 400, e.what());
        } catch (const std::runtime_error& e) {
            refuse(response, 503, e.what());
        }
    });
}

void page_server::stream(const httplib::Request& request, httplib::Response& response) {
    // relaxed: a count, and nothing is reached through it.
    const std::shared_ptr<void> reader(
        this, [](page_server* self) { self->readers_.fetch_sub(1, std::memory_order_relaxed); });
    if (readers_.fetch_add(1, std::memory_order_relaxed) >= most_readers) {
        refuse(response, 503, "as many pages watch as may");
        return;
    }
    std::uint64_t last = number_in(request.get_header_value("Last-Event-ID"));
    if (last > samples_.number()) last = 0;  // of a program that ran before
    response.set_chunked_content_provider(
        "text/event-stream", [this, reader, last](std::size_t, httplib::DataSink& sink) mutable {
            const std::optional<channel::message> news = samples_.next(last);
            if (!news) {
                sink.done();
                return true;
            }
            last = news->number;
            const std::string event = "id: " + std::to_string(last) + "\ndata: " + news->text + "\n\n";
            return sink.write(event.data(), event.size());
        });
}

}  // namespace demo
