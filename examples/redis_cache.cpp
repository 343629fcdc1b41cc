// A cache in Redis that may hang or be gone: read through it where it answers, around it where it does not. The cache
// makes requests faster; without it they are slower, and never worse than that.
//
//     example_redis_cache [host [port]]       127.0.0.1 6379 where none is given; it sets keys "bulwark:example:*"
//
// Where no Redis is at that address it says so and shows the same calls without a cache: they are all answered.
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/compartments.hpp>
#include <bulwark/fallback.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/timeout.hpp>

#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

/// hiredis with a time limit on each call. For one thread: a real service has one of these for each of its threads, or
/// a pool of connections. No more are ever in use than the bulkhead admits.
class redis_client {
public:
    redis_client(std::string host, int port) : host_(std::move(host)), port_(port) {}

    /// Nothing where the cache does not have the key; that is a good answer. Throws where it gives none.
    std::optional<std::string> get(const std::string& key, std::chrono::nanoseconds limit) {
        const reply got = command(limit, "GET %b", key.data(), key.size());
        if (got->type == REDIS_REPLY_NIL) return std::nullopt;
        return std::string(got->str, got->len);
    }

    void set(const std::string& key, const std::string& value, std::chrono::nanoseconds limit) {
        command(limit, "SET %b %b EX 60", key.data(), key.size(), value.data(), value.size());
    }

private:
    struct closes {
        void operator()(redisContext* connection) const { redisFree(connection); }
    };
    struct frees {
        void operator()(redisReply* answer) const { freeReplyObject(answer); }
    };
    using reply = std::unique_ptr<redisReply, frees>;

    static timeval socket_time(std::chrono::nanoseconds limit) {
        // To a socket 0 means for ever.
        const auto us = std::max(std::chrono::duration_cast<std::chrono::microseconds>(limit), 1000us);
        return {.tv_sec = us / 1s, .tv_usec = (us % 1s).count()};
    }

    template <class... Words>
    reply command(std::chrono::nanoseconds limit, const char* format, const Words&... words) {
        if (!connection_) {
            connection_.reset(redisConnectWithTimeout(host_.c_str(), port_, socket_time(limit)));
            if (!connection_) throw std::bad_alloc();
        }
        if (connection_->err == 0) redisSetTimeout(connection_.get(), socket_time(limit));
        reply got;
        if (connection_->err == 0) {
            got.reset(static_cast<redisReply*>(redisCommand(connection_.get(), format, words...)));
        }
        if (!got) {
            const std::string why = connection_->errstr;
            // Never used again: the answer to this call may still come, and would be taken for that to the next.
            connection_.reset();
            throw std::runtime_error("redis: " + why);
        }
        if (got->type == REDIS_REPLY_ERROR) throw std::runtime_error("redis: " + std::string(got->str, got->len));
        return got;
    }

    const std::string host_;
    const int port_;
    std::unique_ptr<redisContext, closes> connection_;
};

/// Where the truth is: a database, say, that is slower than the cache.
std::string look_up_price(int article) {
    return std::to_string(article * 10) + " euro";
}

}  // namespace

int main(int argc, char** argv) {
    redis_client redis(argc > 1 ? argv[1] : "127.0.0.1", argc > 2 ? std::atoi(argv[2]) : 6379);

    // One compartment for the cache: five failures in a row and it is left alone for a second; at most eight calls at
    // once, so that a cache that hangs holds eight threads, each for 50 ms, and not all of them.
    bulwark::compartments services{
        {.defaults = {.breaker = {.timeout = 1s, .ready_to_trip = bulwark::consecutive_failures(5)},
                      .bulkhead = {.max_concurrent = 8}}}};
    bulwark::compartment& cache = services["price cache"];
    bulwark::timeout limit{50ms};

    // Whatever goes wrong with the cache, a refusal or an exception: it is as if it did not have the key.
    bulwark::fallback as_if_empty{[](auto&&...) { return std::optional<std::string>(); }};
    bulwark::fallback as_if_stored{[](auto&&...) {}};
    bulwark::pipeline reading{as_if_empty, cache, limit};
    bulwark::pipeline writing{as_if_stored, cache, limit};

    // A key that is not there is no failure of the cache. (An empty optional would be one by default.)
    const auto any_answer = [](const std::optional<std::string>&) { return bulwark::outcome::success; };

    int hits = 0;
    int looked_up = 0;
    const auto price_of = [&](int article) {
        const std::string key = "bulwark:example:" + std::to_string(article);
        const auto kept = reading.execute(
            [&](const bulwark::call_context& call) { return redis.get(key, call.deadline().remaining()); }, any_answer);
        if (kept->has_value()) {
            ++hits;
            return **kept;
        }
        ++looked_up;
        std::string price = look_up_price(article);
        (void)writing.execute(
            [&](const bulwark::call_context& call) { redis.set(key, price, call.deadline().remaining()); });
        return price;
    };

    constexpr int calls = 100;
    int right = 0;
    for (int i = 0; i != calls; ++i) {
        const int article = i % 10;
        right += price_of(article) == look_up_price(article) ? 1 : 0;
    }
    const auto failed = as_if_empty.asked() + as_if_stored.asked();
    std::cout << calls << " prices asked, " << right << " right: " << hits << " from the cache, " << looked_up
              << " looked up; " << failed << " times the cache failed or was not asked\n"
              << cache.name() << ": " << to_string(cache.breaker()) << '\n';
    if (hits == 0) std::cout << "no Redis answers there; start one, or say where: example_redis_cache HOST PORT\n";
    return right == calls && hits + looked_up == calls && cache.bulkhead().in_use() == 0 ? 0 : 1;
}
