// The error category: one plain message for each errc.
#include <bulwark/errc.hpp>

#include "raise.hpp"

#include <ostream>
#include <string>

namespace bulwark::inline BULWARK_ABI {
namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "bulwark"; }

    std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::circuit_open: return "the circuit breaker is open";
            case errc::too_many_probes: return "the circuit breaker is half-open and its probes are under way";
            case errc::bulkhead_full: return "the bulkhead is full";
            case errc::queue_full: return "the queue is full";
            case errc::timed_out: return "timed out while waiting for a place";
            case errc::stopped: return "stopped on request";
            case errc::over_capacity: return "asked for more than the capacity";
            case errc::deadline_exceeded: return "the call had no answer in time";
            case errc::rate_limited: return "the rate limit is reached";
            case errc::concurrency_limited: return "the adaptive limit of calls at once is reached";
            case errc::circuit_ramping:
                return "the circuit breaker has just closed and lets a part of the calls through";
        }
        return "unknown bulwark error " + std::to_string(code);
    }
};

}  // namespace

std::string_view to_string(errc code) noexcept {
    switch (code) {
        case errc::circuit_open: return "circuit_open";
        case errc::too_many_probes: return "too_many_probes";
        case errc::bulkhead_full: return "bulkhead_full";
        case errc::queue_full: return "queue_full";
        case errc::timed_out: return "timed_out";
        case errc::stopped: return "stopped";
        case errc::over_capacity: return "over_capacity";
        case errc::deadline_exceeded: return "deadline_exceeded";
        case errc::rate_limited: return "rate_limited";
        case errc::concurrency_limited: return "concurrency_limited";
        case errc::circuit_ramping: return "circuit_ramping";
    }
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, errc code) {
    return out << to_string(code);
}

const std::error_category& error_category() noexcept {
    static const category instance;
    return instance;
}

void throw_exception_from_error(errc code, const boost::source_location&) {
    detail::raise(std::system_error(make_error_code(code)));
}

}  // namespace bulwark::inline BULWARK_ABI
