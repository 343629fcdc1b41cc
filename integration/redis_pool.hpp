// A client of Redis over hiredis: connections that are kept and shared by the callers, each call with one limit on its
// time, the connecting included.
//
// A connection on which anything went wrong is closed, never given to another call: the answer to a request that timed
// out may still come, and would be taken for the answer to the next one.
//
// Thread safety: every member may be called from any thread.
#pragma once

#include <hiredis/hiredis.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace integration {

/// No answer in time, no connection, or an error that Redis answered with.
struct redis_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class redis_pool {
public:
    explicit redis_pool(std::uint16_t port) : port_(port) {}

    /// The value of the key; throws redis_error where there is none.
    std::string get(std::string_view key, std::chrono::nanoseconds limit);
    void set(std::string_view key, std::string_view value, std::chrono::nanoseconds limit);
    void ping(std::chrono::nanoseconds limit);

    /// Connections with a call under way.
    std::size_t in_use() const { return in_use_; }
    /// Connections closed because a call on them went wrong.
    std::uint64_t dropped() const { return dropped_; }

private:
    struct closes {
        void operator()(redisContext* connection) const { redisFree(connection); }
    };
    struct frees {
        void operator()(redisReply* reply) const { freeReplyObject(reply); }
    };
    using connection = std::unique_ptr<redisContext, closes>;
    using reply = std::unique_ptr<redisReply, frees>;
    class lease;

    reply command(std::initializer_list<std::string_view> words, std::chrono::nanoseconds limit);
    connection idle();
    connection connect(std::chrono::nanoseconds limit) const;

    const std::uint16_t port_;
    std::atomic<std::size_t> in_use_ = 0;
    std::atomic<std::uint64_t> dropped_ = 0;
    std::mutex mutex_;
    std::vector<connection> idle_;
};

}  // namespace integration
