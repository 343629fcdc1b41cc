// The words with which a configuration is refused.
#include <bulwark/detail/config_check.hpp>

#include "raise.hpp"

#include <stdexcept>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {
namespace {

/// Of which this thread checks a part.
constinit thread_local const std::string* config_in_hand = nullptr;

}  // namespace

void refuse_config(const std::string& what) {
    raise(std::invalid_argument("bulwark: " + (config_in_hand == nullptr ? "" : *config_in_hand + ": ") + what));
}

void config_check::refuse(const char* field, const char* rule) const {
    refuse_config(std::string(config_) + ": " + field + ' ' + rule);
}

part_of_config::part_of_config(std::string whose)
    : whose_(std::move(whose)), before_(std::exchange(config_in_hand, &whose_)) {}

part_of_config::~part_of_config() {
    config_in_hand = before_;
}

}  // namespace bulwark::inline BULWARK_ABI::detail
