// A thread pool for one slow service: its calls run on threads of their own, callers hold futures, and what is too much
// is turned away at the door.
#include <bulwark/thread_pool_bulkhead.hpp>

#include <chrono>
#include <cstddef>
#include <future>
#include <iostream>
#include <latch>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

std::string report(int number) {
    if (number == 3) throw std::runtime_error("report 3 has no data");
    return "report " + std::to_string(number);
}

}  // namespace

int main() {
    bulwark::thread_pool_bulkhead reports{{.threads = 2, .max_queued = 3}};

    // Ten at once: two run, three wait, five are refused. The first two stay until all ten have been asked for.
    std::latch all_asked(1);
    std::vector<std::future<std::string>> accepted;
    int refused = 0;
    for (int i = 0; i != 10; ++i) {
        auto r = reports.submit([i, &all_asked] {
            all_asked.wait();
            return report(i);
        });
        if (r) {
            accepted.push_back(std::move(*r));
        } else {
            refused += r.error() == bulwark::errc::queue_full ? 1 : 0;
        }
    }
    all_asked.count_down();

    int failed = 0;
    for (auto& r : accepted) {
        try {
            std::cout << r.get() << '\n';
        } catch (const std::runtime_error& e) {
            std::cout << "failed: " << e.what() << '\n';
            ++failed;
        }
    }

    // What has not begun when the pool is told to stop has an error in its future, and nobody waits for ever.
    std::latch stopped(1);
    std::vector<std::future<void>> late;
    for (int i = 0; i != 5; ++i) late.push_back(reports.submit([&] { stopped.wait(); }).value());
    reports.stop(bulwark::stop_mode::cancel);
    stopped.count_down();
    reports.join();
    std::size_t cancelled = 0;
    for (auto& l : late) {
        try {
            l.get();
        } catch (const std::system_error& e) {
            cancelled += e.code() == bulwark::errc::stopped ? 1U : 0U;
        }
    }

    const auto s = reports.snapshot();
    std::cout << s.submitted << " accepted: " << s.completed << " completed, " << s.failed << " failed, " << s.cancelled
              << " cancelled; " << s.refused << " refused; the longest in the queue "
              << std::chrono::duration<double, std::milli>(s.longest_queued).count() << " ms\n";
    return refused == 5 && failed == 1 && cancelled == s.cancelled && cancelled >= 3 ? 0 : 1;
}
