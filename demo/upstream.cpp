// Implements upstream.hpp with cpp-httplib.
#include "upstream.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace demo {

upstream::upstream(const fault_script& script, time_point start)
    : script_(script), start_(start), worker_free_at_(script.workers, start) {
    // A thread of the server is not a worker of the script: it belongs to a connection, and a client that gave up
    // leaves its old one behind until the line has come to it.
    server_.new_task_queue = [this] { return new httplib::ThreadPool(script_.connections); };
    server_.set_keep_alive_max_count(std::numeric_limits<std::size_t>::max());
    server_.set_tcp_nodelay(true);
    server_.Get("/", [this](const httplib::Request&, httplib::Response& response) { serve(response); });

    port_ = server_.bind_to_any_port("127.0.0.1");
    if (port_ <= 0) throw std::runtime_error("cannot listen on 127.0.0.1");
    listener_ = std::jthread([this] { server_.listen_after_bind(); });
    // Before that, stop() would do nothing and the destructor would wait for ever.
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);
}

upstream::~upstream() {
    server_.stop();
}

std::uint64_t upstream::arrived() const {
    const std::lock_guard lock(mutex_);
    return arrived_;
}

void upstream::serve(httplib::Response& response) {
    // First come, first served by the worker that is free first. Whether the client still waits, nobody asks: work for
    // those who have given up is a part of what makes an overload last.
    bool fails = false;
    time_point done;
    {
        const std::lock_guard lock(mutex_);
        ++arrived_;
        time_point& worker = *std::min_element(worker_free_at_.begin(), worker_free_at_.end());
        const time_point now = clock::now();
        if (worker - now > script_.longest_wait) {
            fails = true;
            done = now;
        } else {
            worker = std::max(worker, now);
            fails = script_.fails_at(worker - start_);
            worker += fails ? script_.faulty_latency : script_.healthy_latency;
            done = worker;
        }
    }
    std::this_thread::sleep_until(done);
    response.status = fails ? 503 : 200;
    response.set_content(fails ? "out of order\n" : "hello\n", "text/plain");
}

}  // namespace demo
