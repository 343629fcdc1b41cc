// Limits of time, three ways: a function that looks at its deadline, one that blocks and is left behind, and one that
// is slow now and then and is asked twice.
#include <bulwark/fallback.hpp>
#include <bulwark/hedge.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/pool_timeout.hpp>
#include <bulwark/timeout.hpp>

#include <chrono>
#include <future>
#include <iostream>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

/// A service that would take a minute, but looks at what it is given.
std::string read_pages(const bulwark::call_context& call) {
    int pages = 0;
    for (const auto end = std::chrono::steady_clock::now() + 1min; std::chrono::steady_clock::now() < end; ++pages) {
        if (call.over()) break;  // nobody wants the rest
        std::this_thread::sleep_for(1ms);
    }
    return std::to_string(pages) + " pages";
}

}  // namespace

int main() {
    bool as_expected = true;
    const auto show = [&](const char* what, const bulwark::result<std::string>& reply, bool expected) {
        std::cout << what << ": " << (reply ? *reply : make_error_code(reply.error()).message()) << '\n';
        as_expected = as_expected && expected;
    };

    // Cooperative. What the function had by then came too late for whoever set the limit.
    bulwark::timeout limit{20ms};
    const auto late = limit.execute(read_pages);
    show("a limit of 20 ms", late, late.has_error() && late.error() == bulwark::errc::deadline_exceeded);

    // The same, with an answer of ours instead.
    bulwark::pipeline cached{bulwark::fallback{[](bulwark::errc) { return std::string("the page of yesterday"); }},
                             limit};
    const auto yesterdays = cached.execute(read_pages);
    show("and a fallback", yesterdays, yesterdays.has_value());

    // Not cooperative: a thread of the pool waits for the service, and its caller does not. What the function refers to
    // must live until it ends, so it owns it.
    std::promise<std::string> service;
    const std::shared_future<std::string> answer = service.get_future().share();
    bulwark::thread_pool_bulkhead pool{{.threads = 2}};
    bulwark::pool_timeout on_pool{20ms, pool};
    const auto left = on_pool.execute([answer] { return answer.get(); });
    show("a call left behind after 20 ms", left, left.has_error());
    std::cout << "  " << on_pool.under_way() << " call goes on in the background\n";
    service.set_value("an answer that nobody waits for");

    // Asked twice: the first attempt takes its time until it is told to stop, the second does not.
    bulwark::thread_pool_bulkhead replicas{{.threads = 2}};
    bulwark::retry_budget budget{{.percent = 5, .initial = 10}};
    bulwark::hedge twice{{.delay = 5ms, .budget = &budget}, replicas};
    const auto first = twice.execute([](const bulwark::call_context& call) {
        return call.attempt() == 1 ? read_pages(call) : std::string("the second answer");
    });
    show("asked twice", first, first.has_value() && *first == "the second answer");

    return as_expected ? 0 : 1;
}
