// The values of bulwark for {fmt}, as operator<< writes them: fmt::print("{}", breaker.snapshot()). Widths and the like
// are those of text: "{:>10}".
//
// Not in bulwark.hpp; needs {fmt} 9 or later (Debian: libfmt-dev). Thread safety: as fmt's.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>

#include <fmt/format.h>
#include <fmt/ostream.h>

template <>
struct fmt::formatter<bulwark::breaker_state> : fmt::ostream_formatter {};
template <>
struct fmt::formatter<bulwark::breaker_counts> : fmt::ostream_formatter {};
template <>
struct fmt::formatter<bulwark::breaker_snapshot> : fmt::ostream_formatter {};
template <>
struct fmt::formatter<bulwark::transition> : fmt::ostream_formatter {};
template <>
struct fmt::formatter<bulwark::bulkhead_event> : fmt::ostream_formatter {};
template <>
struct fmt::formatter<bulwark::bulkhead_snapshot> : fmt::ostream_formatter {};
template <>
struct fmt::formatter<bulwark::errc> : fmt::ostream_formatter {};
template <>
struct fmt::formatter<bulwark::outcome> : fmt::ostream_formatter {};
