// The lifetime of an HTTP server of the demo: on 127.0.0.1 and nowhere else, from start() to the end of the object.
#pragma once

#include <httplib.h>

#include <cstddef>
#include <string>
#include <thread>

namespace demo {

class loopback_server {
public:
    /// `connections`: how many are served at once, each by a thread; the next ones wait.
    explicit loopback_server(std::size_t connections);
    loopback_server(const loopback_server&) = delete;
    loopback_server& operator=(const loopback_server&) = delete;
    /// As stop(), and waits until the handlers under way have returned and the connections are closed.
    ~loopback_server();

    /// For handlers and options, before start().
    httplib::Server& http() { return server_; }
    /// On that port, or on one of the system's choice where it is 0. Throws std::runtime_error where it cannot.
    void start(int port = 0);
    /// From here on connections are refused. May be called more than once.
    void stop() { server_.stop(); }

    int port() const { return port_; }
    std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }

private:
    httplib::Server server_;
    int port_ = 0;
    std::jthread listener_;
};

}  // namespace demo
