// Implements nginx_server.hpp.
#include "nginx_server.hpp"

#include <loadgen/http_client.hpp>

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace integration {
namespace {

using namespace std::chrono_literals;

/// {folder}, {port}, {user}, {number}, {answer} are filled in. Everything it writes lies in the folder.
constexpr std::string_view configuration = R"(# Written by bulwark's integration tests.
{user}
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {
    worker_connections 2048;
}
http {
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {
        listen 127.0.0.1:{port} backlog=4096;
        root {folder};
        location = /configured {
            return 200 "{number}";
        }
        location / {
{answer}
        }
    }
}
)";

void replace_all(std::string& text, std::string_view name, std::string_view value) {
    for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size())) {
        text.replace(at, name.size(), value);
    }
}

std::string answer_of(nginx_mode mode, std::uint16_t behind) {
    switch (mode) {
        case nginx_mode::well: return "return 200 $request_uri;";
        case nginx_mode::hangs: return "proxy_pass http://127.0.0.1:" + std::to_string(behind) + ";";
        case nginx_mode::trickles: return "limit_rate 1k; try_files /slow =500;";
        case nginx_mode::unavailable:
            return "add_header Retry-After " + std::to_string(nginx_server::retry_after_seconds) +
                   " always; return 503 \"out of order\";";
    }
    throw std::invalid_argument("nginx_mode");
}

}  // namespace

nginx_server::nginx_server() : program_(need_program("nginx", "nginx")), port_(free_port()) {
    std::ofstream(folder_.path() / "slow") << std::string(16 * 1024, '.');
    configure(nginx_mode::well);
    // A master that dies of SIGKILL leaves its workers behind; SIGTERM takes them along.
    process_.emplace(
        std::vector<std::string>{program_.string(), "-p", folder_.path().string(), "-c",
                                 (folder_.path() / "conf").string(), "-e", (folder_.path() / "error.log").string()},
        folder_.path() / "log", SIGTERM);
    wait_until_configured();
}

void nginx_server::configure(nginx_mode mode) {
    std::string text(configuration);
    replace_all(text, "{folder}", folder_.path().string());
    replace_all(text, "{port}", std::to_string(port_));
    replace_all(text, "{number}", std::to_string(++configured_));
    // As root it would become a user who may not enter the folder.
    replace_all(text, "{user}", ::geteuid() == 0 ? "user root root;" : "");
    replace_all(text, "{answer}", answer_of(mode, behind_.port()));
    const std::filesystem::path fresh = folder_.path() / "conf.new";
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, folder_.path() / "conf");
}

void nginx_server::become(nginx_mode mode) {
    configure(mode);
    process_->signal(SIGHUP);
    wait_until_configured();
}

/// The old workers and the new ones share the socket for a moment, so that one answer proves nothing.
void nginx_server::wait_until_configured() {
    constexpr int in_a_row = 20;
    int met = 0;
    wait_until("nginx has not answered with its new configuration", [&] {
        if (!process_->running()) throw std::runtime_error("nginx has ended");
        const loadgen::http_answer answer = loadgen::http_client(origin(), 1s).get("/configured");
        met = answer.status == 200 && answer.body == std::to_string(configured_) ? met + 1 : 0;
        return met == in_a_row;
    });
}

}  // namespace integration
