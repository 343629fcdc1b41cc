// What happened, in the order in which it did, until the next sample takes it: the transitions of the breaker and what
// the user did.
#pragma once

#include "../clock.hpp"

#include <bulwark/breaker_types.hpp>

#include <nlohmann/json.hpp>

#include <mutex>
#include <string>
#include <utility>

namespace demo {

/// Every member may be called from any thread.
class event_log {
public:
    /// Seconds since the beginning.
    double now() const { return std::chrono::duration<double>(clock::now() - start_).count(); }

    void transition(const bulwark::transition& made) {
        add({{"kind", "transition"},
             {"from", bulwark::to_string(made.from)},
             {"to", bulwark::to_string(made.to)},
             {"generation", made.generation}});
    }
    void user(const std::string& what) { add({{"kind", "user"}, {"text", what}}); }

    nlohmann::json take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(events_, nlohmann::json::array());
    }

private:
    void add(nlohmann::json event) {
        const std::lock_guard lock(mutex_);
        event["t"] = now();
        events_.push_back(std::move(event));
    }

    const time_point start_ = clock::now();
    std::mutex mutex_;
    nlohmann::json events_ = nlohmann::json::array();
};

}  // namespace demo
