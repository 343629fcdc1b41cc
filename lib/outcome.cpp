// The names of outcomes.
#include <bulwark/outcome.hpp>

#include <ostream>

namespace bulwark::inline BULWARK_ABI {

std::string_view to_string(outcome what) noexcept {
    switch (what) {
        case outcome::success: return "success";
        case outcome::failure: return "failure";
        case outcome::ignored: return "ignored";
    }
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, outcome what) {
    return out << to_string(what);
}

}  // namespace bulwark::inline BULWARK_ABI
