// What a server that a test starts needs around it: a folder of its own, a free port; and a stop that unwinds, so that
// nothing stays behind when a person presses Ctrl-C.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace integration {

/// Made with a name of its own, and removed with all that is in it.
class temporary_folder {
public:
    temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder();

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A port of 127.0.0.1 on which nobody listens, and which the system gives to no outgoing connection: on one of those
/// a client that calls a dead server may, one time in thousands, be connected to itself.
std::uint16_t free_port();

/// Listens on 127.0.0.1 and never answers: the system accepts connections, and nobody reads them.
class silent_listener {
public:
    silent_listener();
    silent_listener(const silent_listener&) = delete;
    silent_listener& operator=(const silent_listener&) = delete;
    ~silent_listener();

    std::uint16_t port() const { return port_; }

private:
    int socket_;
    std::uint16_t port_;
};

/// SIGINT and SIGTERM make the functions below throw `interrupted` instead of ending the program.
struct interrupted {};
void unwind_on_signals();

void sleep_until(std::chrono::steady_clock::time_point when);
/// Asks again and again, until it says true; throws std::runtime_error, with `what`, where that takes half a minute.
void wait_until(const std::string& what, const std::function<bool()>& asks);

}  // namespace integration
