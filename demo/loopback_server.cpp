// Implements loopback_server.hpp with cpp-httplib.
#include "loopback_server.hpp"

#include "clock.hpp"

#include <sys/socket.h>

#include <limits>
#include <stdexcept>

namespace demo {
namespace {

constexpr const char* address = "127.0.0.1";

}  // namespace

loopback_server::loopback_server(std::size_t connections) {
    server_.new_task_queue = [connections] { return new httplib::ThreadPool(connections); };
    server_.set_keep_alive_max_count(std::numeric_limits<std::size_t>::max());
    server_.set_tcp_nodelay(true);
    // Not the library's own choice, SO_REUSEPORT: with that a port that another one listens on would seem to be free.
    server_.set_socket_options([](socket_t socket) {
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
}

void loopback_server::start(int port) {
    port_ = port == 0 ? server_.bind_to_any_port(address) : port;
    if (port_ <= 0) throw std::runtime_error(std::string("cannot listen on ") + address);
    if (port != 0 && !server_.bind_to_port(address, port)) {
        throw std::runtime_error("cannot listen on " + std::string(address) + ':' + std::to_string(port) +
                                 ": the port is in use, or not ours to use");
    }
    listener_ = std::jthread([this] { server_.listen_after_bind(); });
    // Before that, stop() would do nothing and the destructor would wait for ever.
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);
}

loopback_server::~loopback_server() {
    server_.stop();
}

}  // namespace demo
