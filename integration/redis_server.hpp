// A Redis server of our own: in a folder of its own, on a free port, gone when this object is.
#pragma once

#include "child.hpp"
#include "surroundings.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace integration {

/// For one thread. It keeps what it was told (an append-only file), also when it is killed and started again.
class redis_server {
public:
    /// Returns when it answers. Throws skipped where Redis is not installed.
    redis_server();

    std::uint16_t port() const { return port_; }

    void pause() { process_->pause(); }
    void resume() { process_->resume(); }
    void kill() { process_.reset(); }
    /// After kill(), on the same port; returns when it answers.
    void start();

private:
    const std::filesystem::path program_;
    const temporary_folder folder_;
    std::uint16_t port_ = 0;
    std::optional<child> process_;
};

}  // namespace integration
