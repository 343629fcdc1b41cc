// The web server of the page: the page itself, the stream of samples, and what the user switches. For the machine that
// it runs on only: besides listening on loopback it answers nobody who was led here under another name (DNS
// rebinding), and takes nothing from a page of another origin.
//
//     GET  /          the page
//     GET  /stream    server-sent events, each with a sample; goes on after Last-Event-ID where that is given
//     POST /settings  {"hang": true, "error_percent": 30}; answers with all settings, and the time, as in samples
//     POST /command   {"command": "trip"}; answers with whether it changed anything, and the time
//
// A refusal is {"error": "..."} with status 400 (what was said), 403 (who said it), 413, 415, or 503.
#pragma once

#include "../loopback_server.hpp"
#include "channel.hpp"
#include "experiment.hpp"

#include <nlohmann/json_fwd.hpp>

#include <atomic>
#include <functional>
#include <string>

namespace demo {

class page_server {
public:
    /// Both must outlive it. The channel is to be closed before this is destroyed, or readers would keep it waiting.
    /// Port 0: one of the system's choice. Throws std::runtime_error where it cannot listen.
    page_server(experiment& shown, const channel& samples, int port);

    std::string url() const { return server_.origin() + "/"; }

private:
    using handler = std::function<nlohmann::json(const nlohmann::json&)>;

    void post(const std::string& path, const handler& change);
    void stream(const httplib::Request& request, httplib::Response& response);
    static bool is_welcome(const httplib::Request& request);

    const channel& samples_;
    std::atomic<int> readers_ = 0;
    loopback_server server_;
};

}  // namespace demo
