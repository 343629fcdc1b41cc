// Events as one line of key=value pairs (logfmt), for whatever logger a program has.
//
//     bulwark::circuit_breaker_config config;
//     config.on_state_change = [](const auto& change) { std::clog << bulwark::log_line("orders", change) << '\n'; };
//
// A bulkhead's on_event likewise; the callbacks of compartments_config say the name. The lines are
//
//   event=circuit_breaker name=orders from=closed to=open generation=2
//   event=bulkhead name=orders kind=refused reason=queue_full weight=1
//
// Callbacks run with nothing held, so a logger may take its time; what it throws is dropped there. A name with spaces,
// quotes, = or control characters is quoted and escaped, so that a line stays a line.
//
// Thread safety: functions of their arguments. Each allocates its line; throws std::bad_alloc.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/version.hpp>

#include <string>
#include <string_view>

namespace bulwark::inline BULWARK_ABI {

std::string log_line(std::string_view name, const transition& change);
std::string log_line(std::string_view name, const bulkhead_event& event);

}  // namespace bulwark::inline BULWARK_ABI
