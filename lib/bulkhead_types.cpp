// The names of a bulkhead's events.
#include <bulwark/bulkhead_types.hpp>

namespace bulwark::inline BULWARK_ABI {

std::string_view to_string(bulkhead_event_kind kind) noexcept {
    switch (kind) {
        case bulkhead_event_kind::refused: return "refused";
        case bulkhead_event_kind::saturated: return "saturated";
    }
    return "unknown";
}

}  // namespace bulwark::inline BULWARK_ABI
