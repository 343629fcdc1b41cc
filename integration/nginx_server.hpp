// An nginx of our own, whose configuration decides how it answers: in a folder of its own, on a free port, gone when
// this object is.
#pragma once

#include "child.hpp"
#include "surroundings.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace integration {

enum class nginx_mode : std::uint8_t {
    well,         ///< 200 at once; the body is the path that was asked for
    hangs,        ///< waits for a service behind it that never answers
    trickles,     ///< 200 at once, but the body comes at 1 kB a second
    unavailable,  ///< 503 at once, with Retry-After
};

/// For one thread.
class nginx_server {
public:
    static constexpr int retry_after_seconds = 2;

    /// Returns when it answers. Throws skipped where nginx is not installed.
    nginx_server();

    std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }

    /// Rewrites the configuration and has it loaded (SIGHUP); returns when new connections meet it.
    void become(nginx_mode mode);

private:
    void configure(nginx_mode mode);
    void wait_until_configured();

    const std::filesystem::path program_;
    const temporary_folder folder_;
    const silent_listener behind_;
    const std::uint16_t port_;
    int configured_ = 0;
    std::optional<child> process_;
};

}  // namespace integration
