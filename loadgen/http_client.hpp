// A client of an HTTP service: one GET at a time, with one limit on all of its time.
#pragma once

#include "time.hpp"

#include <httplib.h>

#include <chrono>
#include <optional>
#include <string>

namespace loadgen {

struct http_answer {
    int status = 0;  ///< 0 where no answer came in time
    std::string body;
    std::optional<std::chrono::seconds> retry_after;  ///< the header, where it gives seconds
    httplib::Error error = httplib::Error::Success;   ///< why there is no answer
};

/// One kept-alive connection. For one thread.
class http_client {
public:
    /// origin: http://host:port. `longest` is enough for any request: a single read or write takes no longer.
    http_client(const std::string& origin, duration longest);

    /// Within `limit`, but for a read or write under way, which ends after `longest`, or after the limit where that is
    /// less. Reads no more of the body than comes in time.
    http_answer get(const std::string& path, duration limit);
    http_answer get(const std::string& path) { return get(path, longest_); }

private:
    const duration longest_;
    httplib::Client client_;
};

}  // namespace loadgen
