// The service of the page: a real HTTP server on loopback whose faults are switched while it runs.
#pragma once

#include "../clock.hpp"
#include "../loopback_server.hpp"
#include "../worker_line.hpp"
#include "settings.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>

namespace demo {

struct service_plan {
    std::size_t workers;  ///< requests served at once; the others wait in line
    duration latency;     ///< of a healthy answer
    duration longest_wait;
    /// A request that hangs is let go after that, when its client has long given up, so that those who were left
    /// behind do not pile up for as long as the fault lasts.
    duration longest_hang;
    std::size_t connections;
};

/// Every member may be called from any thread.
class faulty_upstream {
public:
    explicit faulty_upstream(const service_plan& plan);
    faulty_upstream(const faulty_upstream&) = delete;
    faulty_upstream& operator=(const faulty_upstream&) = delete;
    ~faulty_upstream();

    std::string origin() const { return origin_; }
    /// Throws std::runtime_error where it ought to listen again and cannot: then it goes on refusing.
    void set(const faults& wanted);
    /// Lets go of every request that hangs or waits, and refuses everything from here on.
    void close();

    std::uint64_t arrived() const;
    /// Requests that are under way here, those included whose client has given up.
    std::size_t in_service() const;

private:
    using stay = std::shared_ptr<void>;

    void listen(int port);
    stay arrive();
    void serve(httplib::Response& response);
    bool hang(std::unique_lock<std::mutex>& lock);
    bool work(std::unique_lock<std::mutex>& lock);
    void trickle(httplib::Response& response, stay here);
    bool send_a_byte(httplib::DataSink& sink, time_point give_up);

    const service_plan plan_;
    std::string origin_;
    int port_ = 0;
    std::mutex switching_;  // of the server; taken before mutex_
    bool listens_ = false;

    mutable std::mutex mutex_;
    std::condition_variable turned_;  // faults_ or closed_
    faults faults_;
    bool closed_ = false;
    worker_line line_;
    std::mt19937 dice_{std::random_device{}()};
    std::uint64_t arrived_ = 0;
    std::size_t in_service_ = 0;

    std::optional<loopback_server> server_;
};

}  // namespace demo
