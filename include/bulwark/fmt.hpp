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

namespace fmt {

template <>
struct formatter<bulwark::breaker_state> : ostream_formatter {};
template <>
struct formatter<bulwark::breaker_counts> : ostream_formatter {};
template <>
struct formatter<bulwark::breaker_snapshot> : ostream_formatter {};
template <>
struct formatter<bulwark::transition> : ostream_formatter {};
template <>
struct formatter<bulwark::bulkhead_event> : ostream_formatter {};
template <>
struct formatter<bulwark::bulkhead_snapshot> : ostream_formatter {};
template <>
struct formatter<bulwark::errc> : ostream_formatter {};
template <>
struct formatter<bulwark::outcome> : ostream_formatter {};

}  // namespace fmt
