// The client's side of HTTP: what a URL means, and one GET with a limit on its time.
#pragma once

#include "clock.hpp"

#include <loadgen/http_client.hpp>

#include <string>

namespace demo {

struct target {
    std::string origin;  ///< http://host:port
    std::string path;    ///< begins with a slash

    std::string url() const { return origin + path; }
};

/// Throws std::invalid_argument with a line for the user.
target parse_url(const std::string& url);

/// One kept-alive connection. For one thread.
class http_client {
public:
    http_client(const target& where, duration patience);

    /// The status, or no_answer.
    int get();
    /// Throws std::runtime_error with a line for the user where no answer comes.
    void probe();

private:
    target where_;
    loadgen::http_client client_;
};

}  // namespace demo
