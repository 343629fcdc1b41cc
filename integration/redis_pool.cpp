// Implements redis_pool.hpp.
#include "redis_pool.hpp"

#include <bulwark/deadline.hpp>

#include <sys/time.h>

#include <algorithm>
#include <utility>

namespace integration {
namespace {

using namespace std::chrono_literals;

/// At least a little: to a socket, 0 means for ever.
timeval socket_time(std::chrono::nanoseconds span) {
    const auto us =
        std::chrono::duration_cast<std::chrono::microseconds>(std::max<std::chrono::nanoseconds>(span, 1ms));
    return {.tv_sec = us / 1s, .tv_usec = (us % 1s).count()};
}

}  // namespace

/// A connection for one call: closed by the destructor, unless the call went well.
class redis_pool::lease {
public:
    lease(redis_pool& pool, std::chrono::nanoseconds limit) : pool_(pool) {
        ++pool_.in_use_;
        try {
            connection_ = pool_.idle();
            if (!connection_) connection_ = pool_.connect(limit);
        } catch (...) {
            --pool_.in_use_;
            throw;
        }
    }
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;

    ~lease() {
        --pool_.in_use_;
        if (!connection_) return;
        ++pool_.dropped_;
        // The server has closed it: those that lie idle since then are as dead, and would fail one call each.
        if (connection_->err != REDIS_ERR_EOF) return;
        const std::lock_guard lock(pool_.mutex_);
        pool_.idle_.clear();
    }

    redisContext* get() const { return connection_.get(); }

    void went_well() {
        const std::lock_guard lock(pool_.mutex_);
        pool_.idle_.push_back(std::move(connection_));
    }

private:
    redis_pool& pool_;
    connection connection_;
};

redis_pool::connection redis_pool::idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    connection last = std::move(idle_.back());
    idle_.pop_back();
    return last;
}

redis_pool::connection redis_pool::connect(std::chrono::nanoseconds limit) const {
    connection made(redisConnectWithTimeout("127.0.0.1", port_, socket_time(limit)));
    if (!made) throw redis_error("out of memory");
    if (made->err != 0) throw redis_error(made->errstr);
    return made;
}

redis_pool::reply redis_pool::command(std::initializer_list<std::string_view> words, std::chrono::nanoseconds limit) {
    const auto end = bulwark::deadline::in(limit);
    lease used(*this, limit);
    if (redisSetTimeout(used.get(), socket_time(end.remaining())) != REDIS_OK) throw redis_error(used.get()->errstr);
    std::vector<const char*> texts;
    std::vector<std::size_t> lengths;
    for (const std::string_view word : words) {
        texts.push_back(word.data());
        lengths.push_back(word.size());
    }
    reply got(static_cast<redisReply*>(
        redisCommandArgv(used.get(), static_cast<int>(texts.size()), texts.data(), lengths.data())));
    if (!got) throw redis_error(used.get()->errstr);
    // "LOADING", say: the answer is complete, and the connection as good as before.
    used.went_well();
    if (got->type == REDIS_REPLY_ERROR) throw redis_error(std::string(got->str, got->len));
    return got;
}

std::string redis_pool::get(std::string_view key, std::chrono::nanoseconds limit) {
    const reply got = command({"GET", key}, limit);
    if (got->type != REDIS_REPLY_STRING) throw redis_error("no value for " + std::string(key));
    return {got->str, got->len};
}

void redis_pool::set(std::string_view key, std::string_view value, std::chrono::nanoseconds limit) {
    command({"SET", key, value}, limit);
}

void redis_pool::ping(std::chrono::nanoseconds limit) {
    command({"PING"}, limit);
}

}  // namespace integration
