// What the user of the page can switch: the faults of the service, and what the callers have against them. They come
// and go as JSON, and are believed nothing that they do not say well.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace demo {

struct faults {
    int error_percent = 0;     ///< of the requests are answered with status 503
    int added_latency_ms = 0;  ///< to the work for each request, which keeps a worker busy
    bool hang = false;         ///< requests are taken and never answered
    bool trickle = false;      ///< answers come, byte by byte, and never end
    bool refuse = false;       ///< nobody listens

    friend bool operator==(const faults&, const faults&) = default;
};

struct protection {
    bool breaker = true;
    bool bulkhead = true;
    bool retry = false;
    bool budget = true;  ///< for the retries of all callers together

    friend bool operator==(const protection&, const protection&) = default;
};

struct settings : faults, protection {
    friend bool operator==(const settings&, const settings&) = default;
};

nlohmann::json to_json(const settings& all);

/// `now` with what the object `wanted` names. Throws std::invalid_argument with a line for the user where a name or a
/// value is not one of the above.
settings changed(const settings& now, const nlohmann::json& wanted);

/// What differs, for people: "hang on".
std::vector<std::string> differences(const settings& before, const settings& after);

}  // namespace demo
