// The client's side of HTTP: what a URL means, and one GET with a limit on its time.
#pragma once

#include "clock.hpp"

#include <httplib.h>

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

    /// The status, or no_answer. Reads no more of the body than comes in time.
    int get();
    /// Throws std::runtime_error with a line for the user where no answer comes.
    void probe();

private:
    httplib::Result request();

    target where_;
    duration patience_;
    httplib::Client client_;
};

}  // namespace demo
