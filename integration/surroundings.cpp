// Implements surroundings.hpp.
#include "surroundings.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace integration {
namespace {

using namespace std::chrono_literals;

volatile std::sig_atomic_t signalled = 0;

int stream_socket() {
    const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0) throw std::system_error(errno, std::generic_category(), "socket");
    return made;
}

bool bound(int socket, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// The first port of those that the system gives to outgoing connections.
unsigned first_outgoing_port() {
    std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
    unsigned first = 0;
    return range >> first ? first : 32768;
}

}  // namespace

temporary_folder::temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "bulwark-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), "mkdtemp");
    path_ = name;
}

temporary_folder::~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::uint16_t free_port() {
    constexpr unsigned first = 10000;
    const unsigned end = std::clamp(first_outgoing_port(), first + 1000, 65536U);
    std::mt19937 random{std::random_device{}()};
    std::uniform_int_distribution<unsigned> any(first, end - 1);
    for (int tries = 0; tries != 1000; ++tries) {
        const auto port = static_cast<std::uint16_t>(any(random));
        const int probe = stream_socket();
        const bool is_free = bound(probe, port);
        ::close(probe);
        if (is_free) return port;
    }
    throw std::runtime_error("no free port on 127.0.0.1");
}

silent_listener::silent_listener() : socket_(stream_socket()), port_(free_port()) {
    constexpr int backlog = 4096;  // connections whose client has given up stay in it
    if (!bound(socket_, port_) || ::listen(socket_, backlog) != 0) {
        const int error = errno;
        ::close(socket_);
        throw std::system_error(error, std::generic_category(), "cannot listen on 127.0.0.1");
    }
}

silent_listener::~silent_listener() {
    ::close(socket_);
}

void unwind_on_signals() {
    struct sigaction action{};
    action.sa_handler = [](int number) { signalled = number; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    // A server that goes away must not end the program either.
    action.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &action, nullptr);
}

void sleep_until(std::chrono::steady_clock::time_point when) {
    while (std::chrono::steady_clock::now() < when) {
        if (signalled != 0) throw interrupted{};
        std::this_thread::sleep_until(std::min(when, std::chrono::steady_clock::now() + 50ms));
    }
}

void wait_until(const std::string& what, const std::function<bool()>& asks) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!asks()) {
        if (std::chrono::steady_clock::now() > end) throw std::runtime_error(what + ": not within half a minute");
        sleep_until(std::chrono::steady_clock::now() + 5ms);
    }
}

}  // namespace integration
