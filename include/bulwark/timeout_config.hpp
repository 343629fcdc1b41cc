// How long a call may take, and what becomes of an answer that comes too late.
#pragma once

#include <bulwark/version.hpp>

#include <chrono>

namespace bulwark::inline BULWARK_ABI {

struct timeout_config {
    /// From the beginning of the call in this layer; more than 0. There is no default.
    std::chrono::nanoseconds limit{0};
    /// A late answer is passed on, and only counted. Otherwise it is dropped: errc::deadline_exceeded.
    bool keep_late_answer = false;
};

/// Throws std::invalid_argument that names the field that makes no sense; otherwise does nothing.
void validate(const timeout_config& config);

}  // namespace bulwark::inline BULWARK_ABI
