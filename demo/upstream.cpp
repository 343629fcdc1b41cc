// Implements upstream.hpp with cpp-httplib.
#include "upstream.hpp"

#include <optional>
#include <thread>

namespace demo {

// A thread of the server is not a worker of the script: it belongs to a connection, and a client that gave up leaves
// its old one behind until the line has come to it.
upstream::upstream(const fault_script& script, time_point start)
    : script_(script), start_(start), line_(script.workers, script.longest_wait, start), server_(script.connections) {
    server_.http().Get("/", [this](const httplib::Request&, httplib::Response& response) { serve(response); });
    server_.start();
}

std::uint64_t upstream::arrived() const {
    const std::lock_guard lock(mutex_);
    return arrived_;
}

void upstream::serve(httplib::Response& response) {
    bool fails = true;
    time_point done = clock::now();
    {
        const std::lock_guard lock(mutex_);
        ++arrived_;
        if (const std::optional<time_point> begin = line_.beginning(clock::now())) {
            fails = script_.fails_at(*begin - start_);
            done = *begin + (fails ? script_.faulty_latency : script_.healthy_latency);
            line_.occupy(done);
        }
    }
    std::this_thread::sleep_until(done);
    response.status = fails ? 503 : 200;
    response.set_content(fails ? "out of order\n" : "hello\n", "text/plain");
}

}  // namespace demo
