// Implements front.hpp.
#include "front.hpp"

#include <sys/socket.h>

#include <limits>
#include <stdexcept>
#include <utility>

namespace integration {

front::front(std::string behind, std::chrono::nanoseconds patience, std::size_t connections, guarded_http* guarded)
    : behind_(std::move(behind)), patience_(patience), guarded_(guarded) {
    server_.new_task_queue = [connections] { return new httplib::ThreadPool(connections); };
    server_.set_keep_alive_max_count(std::numeric_limits<std::size_t>::max());
    server_.set_tcp_nodelay(true);
    server_.Get(".*", [this](const httplib::Request& in, httplib::Response& out) { serve(in, out); });
    int listening = -1;
    server_.set_socket_options([&](socket_t made) { listening = made; });
    port_ = server_.bind_to_any_port("127.0.0.1");
    // cpp-httplib has room for five connections that nobody has accepted yet; wrk makes all of its own at once, and
    // those that found no room would be a second late.
    if (port_ <= 0 || ::listen(listening, static_cast<int>(connections)) != 0) {
        throw std::runtime_error("cannot listen on 127.0.0.1");
    }
    listener_ = std::jthread([this] { server_.listen_after_bind(); });
    // Before that, stop() would do nothing and the destructor would wait for ever.
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);
}

front::~front() {
    server_.stop();
}

front::client front::take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<loadgen::http_client>(behind_, patience_);
    client last = std::move(idle_.back());
    idle_.pop_back();
    return last;
}

void front::serve(const httplib::Request& request, httplib::Response& response) {
    client with = take();
    loadgen::http_answer answer;
    if (guarded_ == nullptr) {
        answer = with->get(request.path);
    } else if (auto reply = guarded_->get(*with, request.path)) {
        answer = *std::move(reply);
    } else {
        answer.status = 503;  // refused here: nginx was not asked
    }
    response.status = answer.status == 0 ? 504 : answer.status;
    response.set_content(answer.body, "text/plain");
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(with));
}

}  // namespace integration
