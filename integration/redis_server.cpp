// Implements redis_server.hpp.
#include "redis_server.hpp"

#include "redis_pool.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

namespace integration {

using namespace std::chrono_literals;

redis_server::redis_server() : program_(need_program("redis-server", "redis-server")), port_(free_port()) {
    start();
}

void redis_server::start() {
    process_.emplace(
        std::vector<std::string>{program_.string(), "--bind", "127.0.0.1", "--port", std::to_string(port_), "--dir",
                                 folder_.path().string(), "--save", "", "--appendonly", "yes", "--daemonize", "no"},
        folder_.path() / "log");
    redis_pool client(port_);
    wait_until("redis-server has not answered", [&] {
        if (!process_->running()) throw std::runtime_error("redis-server has ended");
        try {
            client.ping(100ms);
            return true;
        } catch (const redis_error&) {
            return false;
        }
    });
}

}  // namespace integration
