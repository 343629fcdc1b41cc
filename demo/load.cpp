// Implements load.hpp.
#include "load.hpp"

#include <algorithm>
#include <cstdint>

namespace demo {
namespace {

verdict judge(const reply& answer, duration latency, duration patience) {
    if (!answer) {
        switch (answer.error()) {
            case bulwark::errc::bulkhead_full:
            case bulwark::errc::timed_out: return verdict::refused_by_bulkhead;
            case bulwark::errc::deadline_exceeded: return verdict::late;
            default: return verdict::refused_by_breaker;
        }
    }
    if (*answer == no_answer || *answer >= 400) return verdict::error;
    return latency <= patience ? verdict::useful : verdict::late;
}

}  // namespace

std::size_t load_plan::calls() const {
    return static_cast<std::size_t>(length / 1ms) * per_second / 1000;
}

load::load(const target& where, const load_plan& plan, guard& protection, time_point start)
    : where_(where), plan_(plan), guard_(protection), start_(start), running_(plan.threads) {
    for (std::uint32_t i = 0; i < plan.threads; ++i) {
        clients_.emplace_back([this](const std::stop_token& stop) { run_client(stop); });
    }
}

load::~load() {
    // All of them before the first is waited for.
    for (std::jthread& client : clients_) client.request_stop();
}

std::optional<time_point> load::next_due() {
    const std::lock_guard lock(mutex_);
    // A hopeless backlog is dropped, or the end would never come.
    const bool hopeless = clock::now() > start_ + plan_.length + plan_.patience;
    if (taken_ == plan_.calls() || hopeless) return std::nullopt;
    const auto nth = static_cast<std::int64_t>(taken_++);
    return start_ + nth * duration(1s) / plan_.per_second;
}

int load::send(http_client& client) {
    {
        const std::lock_guard lock(mutex_);
        ++sent_;
        ++in_flight_;
    }
    const int status = client.get();
    const std::lock_guard lock(mutex_);
    --in_flight_;
    return status;
}

void load::run_client(const std::stop_token& stop) {
    http_client client(where_, plan_.attempt.value_or(plan_.patience));
    const http_call call = [&] { return send(client); };
    while (const std::optional<time_point> due = next_due()) {
        std::this_thread::sleep_until(*due);
        if (stop.stop_requested()) break;
        if (plan_.gives_up && clock::now() - *due > *plan_.gives_up) {
            const std::lock_guard lock(mutex_);
            records_.push_back({*due, clock::now(), verdict::never_made});
            continue;
        }
        const reply answer = guard_.call(call);
        const time_point ended = clock::now();
        const std::lock_guard lock(mutex_);
        records_.push_back({*due, ended, judge(answer, ended - *due, plan_.patience)});
    }
    const std::lock_guard lock(mutex_);
    --running_;
}

load_view load::view() {
    const std::lock_guard lock(mutex_);
    const auto first = records_.begin() + static_cast<std::ptrdiff_t>(viewed_);
    viewed_ = records_.size();
    const std::int64_t due = std::max(duration(0), clock::now() - start_) * plan_.per_second / duration(1s);
    const std::size_t all_due = std::min(static_cast<std::size_t>(due), plan_.calls());
    return {.ended = {first, records_.end()},
            .in_flight = in_flight_,
            .waiting = all_due > taken_ ? all_due - taken_ : 0,
            .over = running_ == 0};
}

std::size_t load::sent() const {
    const std::lock_guard lock(mutex_);
    return sent_;
}

std::vector<call_record> load::records() const {
    const std::lock_guard lock(mutex_);
    return records_;
}

}  // namespace demo
