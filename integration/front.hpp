// A small HTTP service in front of nginx, for wrk to load: it passes each request on, plainly or through the library,
// and has as many threads as connections, so that what waits for nginx waits here.
#pragma once

#include "http_calls.hpp"

#include <httplib.h>
#include <loadgen/http_client.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace integration {

/// Serves from construction to destruction, on a port of the system's choice.
class front {
public:
    /// `guarded` null: plainly. Throws std::runtime_error where it cannot listen.
    front(std::string behind, std::chrono::nanoseconds patience, std::size_t connections, guarded_http* guarded);
    front(const front&) = delete;
    front& operator=(const front&) = delete;
    ~front();

    std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }

private:
    using client = std::unique_ptr<loadgen::http_client>;

    void serve(const httplib::Request& request, httplib::Response& response);
    client take();

    const std::string behind_;
    const std::chrono::nanoseconds patience_;
    guarded_http* const guarded_;
    std::mutex mutex_;
    std::vector<client> idle_;
    httplib::Server server_;
    int port_ = 0;
    std::jthread listener_;
};

}  // namespace integration
