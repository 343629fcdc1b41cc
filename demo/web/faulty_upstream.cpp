// Implements faulty_upstream.hpp with cpp-httplib.
#include "faulty_upstream.hpp"

#include <utility>

namespace demo {
namespace {

/// The client finds its connection closed in the middle of an answer.
void hang_up(httplib::Response& response) {
    response.set_content_provider(1, "text/plain",
                                  [](std::size_t, std::size_t, const httplib::DataSink&) { return false; });
}

}  // namespace

faulty_upstream::faulty_upstream(const service_plan& plan)
    : plan_(plan), line_(plan.workers, plan.longest_wait, clock::now()) {
    listen(0);
    port_ = server_->port();
    origin_ = server_->origin();
}

faulty_upstream::~faulty_upstream() {
    close();
}

void faulty_upstream::listen(int port) {
    loopback_server& server = server_.emplace(plan_.connections);
    // A server that is to refuse connections is gone only when the idle ones have ended.
    server.http().set_keep_alive_timeout(1);
    server.http().Get("/", [this](const httplib::Request&, httplib::Response& response) { serve(response); });
    server.start(port);
    listens_ = true;
}

void faulty_upstream::set(const faults& wanted) {
    const std::lock_guard one_at_a_time(switching_);
    {
        const std::lock_guard lock(mutex_);
        faults_ = wanted;
        closed_ = wanted.refuse;
    }
    turned_.notify_all();
    if (wanted.refuse) {
        server_->stop();
        listens_ = false;
    } else if (!listens_) {
        server_.reset();
        listen(port_);
    }
}

void faulty_upstream::close() {
    faults refusing;
    refusing.refuse = true;
    set(refusing);
}

std::uint64_t faulty_upstream::arrived() const {
    const std::lock_guard lock(mutex_);
    return arrived_;
}

std::size_t faulty_upstream::in_service() const {
    const std::lock_guard lock(mutex_);
    return in_service_;
}

/// What is given ends when the last copy does.
faulty_upstream::stay faulty_upstream::arrive() {
    const std::lock_guard lock(mutex_);
    ++arrived_;
    ++in_service_;
    return {this, [](faulty_upstream* self) {
                const std::lock_guard leaving(self->mutex_);
                --self->in_service_;
            }};
}

void faulty_upstream::serve(httplib::Response& response) {
    stay here = arrive();
    std::unique_lock lock(mutex_);
    const bool answers = hang(lock) && work(lock);
    const bool fails = std::uniform_int_distribution(0, 99)(dice_) < faults_.error_percent;
    const bool trickles = faults_.trickle;
    const bool closed = closed_;
    lock.unlock();  // before `here` may end
    if (closed) {
        hang_up(response);
    } else if (!answers || fails) {
        response.status = 503;
        response.set_content("out of order\n", "text/plain");
    } else if (trickles) {
        trickle(response, std::move(here));
    } else {
        response.set_content("hello\n", "text/plain");
    }
}

/// False where it was too long.
bool faulty_upstream::hang(std::unique_lock<std::mutex>& lock) {
    return turned_.wait_for(lock, plan_.longest_hang, [this] { return !faults_.hang || closed_; });
}

/// False where there was no worker for it.
bool faulty_upstream::work(std::unique_lock<std::mutex>& lock) {
    const std::optional<time_point> begin = line_.beginning(clock::now());
    if (!begin) return false;
    const time_point done = *begin + plan_.latency + std::chrono::milliseconds(faults_.added_latency_ms);
    line_.occupy(done);
    turned_.wait_until(lock, done, [this] { return closed_; });
    return true;
}

void faulty_upstream::trickle(httplib::Response& response, stay here) {
    response.set_chunked_content_provider(
        "text/plain", [this, here = std::move(here), give_up = clock::now() + plan_.longest_hang](
                          std::size_t, httplib::DataSink& sink) { return send_a_byte(sink, give_up); });
}

/// Whether another one is to follow, or this was the last.
bool faulty_upstream::send_a_byte(httplib::DataSink& sink, time_point give_up) {
    constexpr duration between_bytes = 50ms;
    std::unique_lock lock(mutex_);
    const bool over = turned_.wait_for(lock, between_bytes, [this] { return !faults_.trickle || closed_; });
    const bool closed = closed_;
    lock.unlock();
    if (closed || clock::now() > give_up) return false;
    if (!sink.write(".", 1)) return false;
    if (over) sink.done();
    return true;
}

}  // namespace demo
