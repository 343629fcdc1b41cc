// How a bulkhead's values read in a log.
#include <bulwark/bulkhead_types.hpp>

#include <chrono>
#include <ostream>
#include <sstream>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

std::string_view to_string(bulkhead_event_kind kind) noexcept {
    switch (kind) {
        case bulkhead_event_kind::refused: return "refused";
        case bulkhead_event_kind::saturated: return "saturated";
    }
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, bulkhead_event_kind kind) {
    return out << to_string(kind);
}

std::ostream& operator<<(std::ostream& out, const bulkhead_event& event) {
    return out << event.kind << " reason=" << event.reason << " weight=" << event.weight;
}

std::ostream& operator<<(std::ostream& out, const bulkhead_snapshot& snapshot) {
    return out << "in_use=" << snapshot.in_use << '/' << snapshot.capacity << " waiting=" << snapshot.waiting
               << " admitted=" << snapshot.admitted << " refused=" << snapshot.refused
               << " timed_out=" << snapshot.timed_out << " stopped=" << snapshot.stopped
               << " longest_wait=" << std::chrono::duration<double>(snapshot.longest_wait).count() << 's';
}

std::string to_string(const bulkhead_snapshot& snapshot) {
    std::ostringstream line;
    line << snapshot;
    return std::move(line).str();
}

}  // namespace bulwark::inline BULWARK_ABI
