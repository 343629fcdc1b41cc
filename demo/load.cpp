// Implements load.hpp.
#include "load.hpp"

#include <cstddef>
#include <memory>

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
    return schedule(time_point()).calls();
}

loadgen::schedule load_plan::schedule(time_point start) const {
    return {.start = start, .per_second = per_second, .length = length, .patience = patience};
}

load::load(const target& where, const load_plan& plan, guard& protection, time_point start)
    : where_(where),
      plan_(plan),
      guard_(protection),
      clients_(plan.schedule(start), plan.threads, [this] { return new_client(); }) {}

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

loadgen::open_loop::call load::new_client() {
    const auto client = std::make_shared<http_client>(where_, plan_.attempt.value_or(plan_.patience));
    return [this, client](std::size_t, time_point due) {
        if (plan_.gives_up && clock::now() - due > *plan_.gives_up) {
            const std::lock_guard lock(mutex_);
            records_.push_back({due, clock::now(), verdict::never_made});
            return;
        }
        const reply answer = guard_.call([&] { return send(*client); });
        const time_point ended = clock::now();
        const std::lock_guard lock(mutex_);
        records_.push_back({due, ended, judge(answer, ended - due, plan_.patience)});
    };
}

load_view load::view() {
    const bool over = clients_.over();  // before the last of its records are looked at
    const std::lock_guard lock(mutex_);
    const auto first = records_.begin() + static_cast<std::ptrdiff_t>(viewed_);
    viewed_ = records_.size();
    return {.ended = {first, records_.end()}, .in_flight = in_flight_, .waiting = clients_.waiting(), .over = over};
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
