// How the breaker's values read in a log.
#include <bulwark/breaker_types.hpp>

#include <ostream>
#include <sstream>

namespace bulwark::inline BULWARK_ABI {

std::string_view to_string(breaker_state state) noexcept {
    switch (state) {
        case breaker_state::closed: return "closed";
        case breaker_state::open: return "open";
        case breaker_state::half_open: return "half-open";
    }
    return "invalid";
}

std::ostream& operator<<(std::ostream& out, breaker_state state) {
    return out << to_string(state);
}

std::ostream& operator<<(std::ostream& out, const breaker_counts& counts) {
    return out << "requests=" << counts.requests << " successes=" << counts.total_successes
               << " failures=" << counts.total_failures << " ignored=" << counts.total_ignored
               << " consecutive_successes=" << counts.consecutive_successes
               << " consecutive_failures=" << counts.consecutive_failures;
}

std::ostream& operator<<(std::ostream& out, const transition& change) {
    return out << change.from << " -> " << change.to << " generation=" << change.generation;
}

std::ostream& operator<<(std::ostream& out, const breaker_snapshot& snapshot) {
    out << snapshot.state;
    if (snapshot.manual) out << (snapshot.state == breaker_state::open ? " (forced)" : " (disabled)");
    out << " generation=" << snapshot.generation << ' ' << snapshot.counts;
    if (snapshot.state != breaker_state::open) return out;
    if (snapshot.retry_after == std::chrono::nanoseconds::max()) return out << " retry_after=never";
    return out << " retry_after=" << std::chrono::duration<double>(snapshot.retry_after).count() << 's';
}

std::string to_string(const breaker_snapshot& snapshot) {
    std::ostringstream line;
    line << snapshot;
    return std::move(line).str();
}

}  // namespace bulwark::inline BULWARK_ABI
