// The service that the demo calls where the user names none: a real HTTP server on loopback, with a script for its
// faults.
#pragma once

#include "clock.hpp"
#include "loopback_server.hpp"
#include "worker_line.hpp"

#include <httplib.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

namespace demo {

/// Healthy, then failing and slow, then healthy.
struct fault_script {
    duration fault_begins;
    duration fault_ends;
    duration ends;
    duration healthy_latency;
    duration faulty_latency;
    std::size_t workers;  ///< requests served at once; the others wait in line
    /// Who would wait longer is sent away at once, with status 503.
    duration longest_wait = 24h;
    /// Connections at once, those included whose client has given up and whose request is still in line.
    std::size_t connections = 96;

    bool fails_at(duration since_start) const { return since_start >= fault_begins && since_start < fault_ends; }
};

/// Serves from construction to destruction, on a port of the system's choice.
class upstream {
public:
    upstream(const fault_script& script, time_point start);

    std::string origin() const { return server_.origin(); }
    /// Requests that have arrived so far.
    std::uint64_t arrived() const;

private:
    void serve(httplib::Response& response);

    const fault_script script_;
    const time_point start_;
    mutable std::mutex mutex_;
    worker_line line_;
    std::uint64_t arrived_ = 0;
    loopback_server server_;
};

}  // namespace demo
