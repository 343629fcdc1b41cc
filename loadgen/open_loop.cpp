// Implements open_loop.hpp.
#include "open_loop.hpp"

#include <algorithm>
#include <utility>

namespace loadgen {

using namespace std::chrono_literals;

std::size_t schedule::calls() const {
    return static_cast<std::size_t>(length / 1ms) * per_second / 1000;
}

time_point schedule::due(std::size_t nth) const {
    return start + static_cast<std::int64_t>(nth) * duration(1s) / per_second;
}

open_loop::open_loop(const schedule& plan, std::uint32_t threads, std::function<call()> make_call)
    : plan_(plan), make_call_(std::move(make_call)), running_(threads) {
    for (std::uint32_t i = 0; i != threads; ++i) {
        threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
    }
}

open_loop::~open_loop() {
    // All of them before the first is waited for.
    for (std::jthread& thread : threads_) thread.request_stop();
}

std::optional<std::size_t> open_loop::next() {
    const std::lock_guard lock(mutex_);
    // A hopeless backlog is dropped, or the end would never come.
    const bool hopeless = clock::now() > plan_.start + plan_.length + plan_.patience;
    if (taken_ == plan_.calls() || hopeless) return std::nullopt;
    return taken_++;
}

void open_loop::run(const std::stop_token& stop) {
    {
        const call make = make_call_();
        while (const std::optional<std::size_t> nth = next()) {
            std::this_thread::sleep_until(plan_.due(*nth));
            if (stop.stop_requested()) break;
            make(*nth, plan_.due(*nth));
        }
    }
    const std::lock_guard lock(mutex_);
    --running_;
}

std::size_t open_loop::waiting() const {
    const std::lock_guard lock(mutex_);
    const std::int64_t due = std::max(duration(0), clock::now() - plan_.start) * plan_.per_second / duration(1s);
    const std::size_t all_due = std::min(static_cast<std::size_t>(due), plan_.calls());
    return all_due > taken_ ? all_due - taken_ : 0;
}

bool open_loop::over() const {
    const std::lock_guard lock(mutex_);
    return running_ == 0;
}

}  // namespace loadgen
