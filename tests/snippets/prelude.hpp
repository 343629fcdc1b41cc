// What the snippets of the documentation take for granted: a client of some service, its answers, and one of each layer
// under the name that the pages give it. Everything is inline, for most of it is never called: the snippets that are
// run bring their own.
#pragma once

#include <bulwark/bulwark.hpp>
#include <bulwark/compartments.hpp>
#include <bulwark/hedge.hpp>
#include <bulwark/pool_timeout.hpp>
#include <bulwark/stopping_timeout.hpp>
#include <bulwark/thread_pool_bulkhead.hpp>
#include <bulwark/timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <iostream>
#include <memory>
#include <memory_resource>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace snippet {

using namespace std::chrono_literals;

/// The snippets that are run, and what they do where they fail; main.cpp.
std::vector<std::function<void()>>& tests();
void failed(const char* page, int line, const char* condition);

struct response {
    int status = 200;
    std::chrono::nanoseconds retry_after{0};
};
struct request {};
struct order {};
using rows = std::vector<order>;

struct http_client {
    template <class... Limits>
    response get(std::string_view, Limits...) const {
        return {};
    }
    response send(const request&) const { return {}; }
};

struct text {
    std::size_t length = 100;
    std::size_t size() const { return length; }
};

struct logger {
    template <class... What>
    void operator()(const What&...) const {}
};

inline text message;
inline logger log;
inline logger export_metrics;
inline logger show;
inline std::stop_token stop_token;
inline std::uint64_t random_bits = 0;
inline int socket = 0;

inline response cached_orders() {
    return {};
}
inline response call() {
    return {};
}
inline response fetch() {
    return {};
}
template <class... Keys>
rows query(Keys...) {
    return {};
}
inline void work(const std::stop_token&) {}
inline rows old_driver_query(int) {
    return {};
}
inline response get_orders(const std::stop_token&) {
    return {};
}
inline response wait_for_news(const std::stop_token&) {
    return {};
}
inline void read_some(int, std::chrono::nanoseconds) {}
inline void send() {}
inline void reply_busy(std::chrono::nanoseconds) {}

// One of each layer.
inline bulwark::retry_budget budget;
inline bulwark::retry_config config;
inline bulwark::retry retry;
inline bulwark::circuit_breaker breaker;
inline bulwark::bulkhead bulkhead{{.max_concurrent = 50}};
inline bulwark::bulkhead pool{{.max_concurrent = 50}};
inline bulwark::rate_limiter limiter{{.permits = 1000}};
inline bulwark::adaptive_limit limit;
inline bulwark::timeout timeout{200ms};
inline bulwark::timeout total{2s};
inline bulwark::timeout per_attempt{500ms};
inline auto fallback = bulwark::fallback{[](auto&&...) { return cached_orders(); }};

}  // namespace snippet
