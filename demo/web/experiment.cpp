// Implements experiment.hpp.
#include "experiment.hpp"

#include "../report.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

namespace demo {
namespace {

using nlohmann::json;

// Healthy, 200 calls a second take 4 of 16 workers and as many permits. With a hang each attempt takes its whole time
// of 400 ms, and the 48 callers are worth 120 calls a second: without protection all of them are stuck.
constexpr std::uint32_t callers = 48;
constexpr std::uint32_t calls_per_second = 200;
constexpr duration patience = 1s;
constexpr duration attempt = 400ms;

service_plan service() {
    return {.workers = 16,
            .latency = 20ms,
            .longest_wait = 1s,
            .longest_hang = 2 * attempt,
            // Each caller has one request under way, and has left behind those that it gave up.
            .connections = std::size_t{callers} * 6};
}

load_plan load_for(duration length) {
    return {.threads = callers,
            .per_second = calls_per_second,
            .length = length,
            .patience = patience,
            .attempt = attempt,
            .gives_up = patience};
}

guard_plan guard_that_tells(event_log& log) {
    guard_plan plan{.limit = patience, .retry = {}, .budget = {}, .breaker = {}, .bulkhead = {}, .wait = 50ms};
    plan.retry.max_attempts = 3;
    plan.retry.backoff = {.initial = 20ms, .ceiling = 200ms};
    plan.budget = {.percent = 10, .max_saved = 20, .initial = 0};
    plan.breaker = {.max_requests = 5,
                    .interval = 2s,
                    .timeout = 2s,
                    .probe_timeout = 5s,
                    .ready_to_trip = bulwark::failure_ratio(0.5, 20),
                    .on_state_change = [&log](const bulwark::transition& made) { log.transition(made); }};
    plan.bulkhead.max_concurrent = 16;
    return plan;
}

struct operator_command {
    const char* name;
    bool (bulwark::circuit_breaker::*run)() noexcept;
};
constexpr std::array commands{
    operator_command{"trip", &bulwark::circuit_breaker::trip},
    operator_command{"force_open", &bulwark::circuit_breaker::force_open},
    operator_command{"disable", &bulwark::circuit_breaker::disable},
    operator_command{"reset", &bulwark::circuit_breaker::reset},
};

double ms(duration span) {
    return std::chrono::duration<double, std::milli>(span).count();
}

json ms(const std::optional<duration>& span) {
    return span ? json(ms(*span)) : json();
}

}  // namespace

experiment::experiment(duration length) : service_(service()), guard_(guard_that_tells(log_)), last_(clock::now()) {
    guard_.set(settings_);
    callers_.emplace(target{service_.origin(), "/"}, load_for(length), guard_, last_);
}

experiment::~experiment() {
    finish();
}

json experiment::change(const json& wanted) {
    const std::lock_guard one_at_a_time(changing_);
    const settings before = settings_;
    const settings after = changed(before, wanted);
    if (static_cast<const faults&>(after) != before) service_.set(after);
    guard_.set(after);
    for (const std::string& difference : differences(before, after)) log_.user(difference);
    json made = to_json(after);
    made["t"] = log_.now();
    const std::lock_guard lock(mutex_);
    settings_ = after;
    return made;
}

json experiment::command(const json& wanted) {
    const bool is_named = wanted.is_object() && wanted.size() == 1 && wanted.contains("command");
    for (const operator_command& command : commands) {
        if (!is_named || wanted["command"] != command.name) continue;
        log_.user(command.name);
        const bool changed = (guard_.breaker().*command.run)();
        return {{"command", command.name}, {"changed", changed}, {"t", log_.now()}};
    }
    throw std::invalid_argument("command must be trip, force_open, disable or reset");
}

json experiment::sample() {
    const load_view view = callers_->view();
    const time_point now = clock::now();
    const std::uint64_t arrived = service_.arrived();
    const std::uint64_t retries = guard_.retries();
    json made{{"t", log_.now()},
              {"seconds", std::chrono::duration<double>(now - std::exchange(last_, now)).count()},
              {"breaker", breaker_figures()},
              {"calls", calls(view)},
              {"latency", latencies(view)},
              {"bulkhead", bulkhead_figures()},
              {"callers", {{"all", callers}, {"in_flight", view.in_flight}, {"due", view.waiting}}},
              {"service",
               {{"arrived", arrived - std::exchange(arrived_before_, arrived)}, {"in_service", service_.in_service()}}},
              {"retries", retries - std::exchange(retries_before_, retries)},
              {"events", log_.take()}};
    const std::lock_guard lock(mutex_);
    made["settings"] = to_json(settings_);
    return made;
}

json experiment::calls(const load_view& view) {
    return {{"useful", count(view.ended, verdict::useful)},
            {"late", count(view.ended, verdict::late)},
            {"errors", count(view.ended, verdict::error)},
            {"refused_by_breaker", count(view.ended, verdict::refused_by_breaker)},
            {"refused_by_bulkhead", count(view.ended, verdict::refused_by_bulkhead)},
            {"never_made", count(view.ended, verdict::never_made)}};
}

/// Of the last second, or p99 would be one call's.
json experiment::latencies(const load_view& view) {
    recent_.insert(recent_.end(), view.ended.begin(), view.ended.end());
    while (!recent_.empty() && recent_.front().ended < last_ - 1s) recent_.pop_front();
    const std::vector<call_record> all(recent_.begin(), recent_.end());
    return {{"p50", ms(quantile(all, 0.5))}, {"p99", ms(quantile(all, 0.99))}, {"patience", ms(patience)}};
}

json experiment::breaker_figures() {
    const bulwark::breaker_snapshot seen = guard_.breaker().snapshot();
    const bool forever = seen.retry_after == std::chrono::nanoseconds::max();
    return {{"state", bulwark::to_string(seen.state)},
            {"generation", seen.generation},
            {"manual", seen.manual},
            {"retry_after", forever ? json() : json(ms(seen.retry_after))},
            {"requests", seen.counts.requests},
            {"successes", seen.counts.total_successes},
            {"failures", seen.counts.total_failures},
            {"ignored", seen.counts.total_ignored}};
}

json experiment::bulkhead_figures() const {
    const bulwark::bulkhead_snapshot seen = guard_.permits().snapshot();
    return {{"in_use", seen.in_use}, {"capacity", seen.capacity}, {"waiting", seen.waiting}};
}

std::string experiment::finish() {
    if (!callers_) return {};
    service_.close();  // who hangs there comes back at once
    callers_.reset();
    return guard_.complaint();
}

}  // namespace demo
