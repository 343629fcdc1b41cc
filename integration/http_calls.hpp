// Calls of nginx, plain and through the library: what the callers of nginx_main.cpp and the front service of
// wrk_main.cpp have in common.
#pragma once

#include "journal.hpp"
#include "timeline.hpp"

#include <bulwark/bulwark.hpp>
#include <bulwark/compartments.hpp>
#include <loadgen/http_client.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace integration {

using namespace std::chrono_literals;

inline bulwark::outcome judge(const loadgen::http_answer& answer) {
    return answer.status == 0 || answer.status >= 500 ? bulwark::outcome::failure : bulwark::outcome::success;
}

/// A compartment for nginx, in a pipeline with retries and a limit on the whole call. Its Retry-After is heard twice:
/// the breaker, once open, stays open for so long; and a retry that would have to wait past the end of the call is not
/// made.
class guarded_http {
public:
    explicit guarded_http(std::chrono::nanoseconds patience)
        : services_({.defaults = {.breaker = {.timeout = 500ms,
                                              .probe_timeout = 2s,
                                              .ready_to_trip = bulwark::consecutive_failures(5),
                                              .max_hint = 5s},
                                  .bulkhead = {.max_concurrent = 10}},
                     .on_state_change =
                         [this](std::string_view name, const bulwark::transition& made) {
                             told_.add(made, services_.find(name)->breaker().retry_after());
                         }}),
          whole_(patience),
          again_({.max_attempts = 2, .backoff = {.initial = 5ms}, .budget = &budget_}, {}, hint{}) {}

    bulwark::result<loadgen::http_answer> get(loadgen::http_client& client, const std::string& path) {
        return call_.execute(
            [&](const bulwark::call_context& c) {
                ++sent_;
                loadgen::http_answer answer = client.get(path, c.deadline().remaining());
                if (answer.retry_after) nginx_.breaker().hold_off(*answer.retry_after);
                return answer;
            },
            judge);
    }

    const bulwark::compartment& service() const { return nginx_; }
    const journal& told() const { return told_; }
    bulwark::retry_snapshot retries() const { return again_.snapshot(); }
    /// Requests that went out to nginx.
    std::uint64_t sent() const { return sent_; }

private:
    struct hint {
        std::optional<std::chrono::seconds> operator()(const loadgen::http_answer& answer) const {
            return answer.retry_after;
        }
    };

    journal told_;
    std::atomic<std::uint64_t> sent_ = 0;
    bulwark::compartments services_;
    bulwark::compartment& nginx_ = services_["nginx"];
    bulwark::timeout whole_;
    bulwark::retry_budget budget_{{.percent = 10, .initial = 0}};
    bulwark::basic_retry<bulwark::retry_failures, hint> again_;
    bulwark::pipeline<bulwark::timeout&, bulwark::basic_retry<bulwark::retry_failures, hint>&, bulwark::compartment&>
        call_{whole_, again_, nginx_};
};

}  // namespace integration
