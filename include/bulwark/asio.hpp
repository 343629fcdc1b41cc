// bulwark for Boost.Asio: permits that are waited for without a thread, and calls through breaker, bulkhead, deadline
// and the other layers that are coroutines or asynchronous operations.
//
//     asio::awaitable<void> session(tcp::socket socket) {
//         auto call = bulwark::pipeline{breaker, bulwark::waiting(pool), bulwark::timeout{200ms}};
//         auto reply = co_await bulwark::guarded(call, [&] { return ask(socket, "/orders"); });
//         if (!reply) co_return co_await refuse(socket, reply.error());
//         ...
//     }
//
// Not in bulwark.hpp. Needs Boost.Asio (headers, of Boost 1.81 or later) and coroutines. CMake: link bulwark::asio.
#pragma once

#include <bulwark/asio/acquire.hpp>
#include <bulwark/asio/execute.hpp>
