// A client of a service on the loopback interface, all in coroutines of Boost.Asio: each call goes through a breaker,
// waits for a permit without blocking the one thread, and has a deadline. The service hangs after a while; the breaker
// opens.
#include <bulwark/asio.hpp>
#include <bulwark/bulwark.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

namespace asio = boost::asio;
using asio::use_awaitable;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

/// Answers four bytes with the same four, so many times; then it says nothing any more.
struct service {
    int answers_left = 20;

    asio::awaitable<void> serve(tcp::socket socket) {
        std::string line(4, ' ');
        co_await asio::async_read(socket, asio::buffer(line), use_awaitable);
        if (answers_left > 0) {
            --answers_left;
            co_await asio::async_write(socket, asio::buffer(line), use_awaitable);
        }
        co_await asio::async_read(socket, asio::buffer(line), use_awaitable);  // until the client hangs up
    }

    asio::awaitable<void> listen(tcp::acceptor& at) {
        for (;;) {
            tcp::socket socket = co_await at.async_accept(use_awaitable);
            asio::co_spawn(at.get_executor(), serve(std::move(socket)), asio::detached);
        }
    }
};

asio::awaitable<std::string> ask(tcp::endpoint where, std::string line) {
    tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(where, use_awaitable);
    co_await asio::async_write(socket, asio::buffer(line), use_awaitable);
    co_await asio::async_read(socket, asio::buffer(line), use_awaitable);
    co_return line;
}

}  // namespace

int main() {
    asio::io_context context{1};
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    service orders;
    asio::co_spawn(context, orders.listen(acceptor), asio::detached);

    bulwark::circuit_breaker breaker{{.timeout = 1min, .ready_to_trip = bulwark::consecutive_failures(3)}};
    bulwark::bulkhead pool{{.max_concurrent = 2, .max_waiting = 100}};
    bulwark::pipeline call{breaker, bulwark::waiting(pool), bulwark::timeout{200ms}};

    int answered = 0;
    int late = 0;
    int refused = 0;
    int busy = 0;
    constexpr int clients = 30;
    const auto client = [&]() -> asio::awaitable<void> {
        const auto reply = co_await bulwark::guarded(call, [&] { return ask(acceptor.local_endpoint(), "ping"); });
        if (reply) {
            ++answered;
        } else {
            ++(reply.error() == bulwark::errc::deadline_exceeded ? late : refused);
        }
    };
    const auto ended = [&](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
        if (--busy == 0) context.stop();
    };
    try {
        for (int i = 0; i != clients; ++i) {
            ++busy;
            asio::co_spawn(context, client, ended);
        }
        context.run();
        // Those at the breaker were let through before it opened; whoever comes now is refused.
        context.restart();
        ++busy;
        asio::co_spawn(context, client, ended);
        context.run();
    } catch (const std::exception& e) {
        std::printf("failed: %s\n", e.what());
        return 1;
    }
    std::printf("%d answered, %d had no answer in time, %d refused; %s\n", answered, late, refused,
                to_string(breaker).c_str());
    return answered == 20 && refused > 0 && pool.in_use() == 0 ? 0 : 1;
}
