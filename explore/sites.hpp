// The atomic operations of the code under test, by source line: which orders they name, and how a run alters them.
#pragma once

#include <boost/memory_order.hpp>

#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace explore {

struct site {
    std::string where;  ///< file:line
    std::string what;   ///< "load", "compare_exchange_weak", ...
    boost::memory_order written = boost::memory_order_relaxed;
    std::optional<boost::memory_order> weakened = std::nullopt;  ///< what a run uses instead
    bool split = false;                                          ///< the read and the write of one operation come apart
    bool writes = false;
    bool reads = false;
    std::string_view path;  ///< of the file, as the compiler knows it
    std::uint32_t line = 0;

    bool is_read_modify_write() const { return reads && writes; }
};

std::string_view to_string(boost::memory_order order);

/// The orders that are weaker than the one written, and that the operation may name.
std::vector<boost::memory_order> weaker_orders(const site& s);

/// The source line, without the spaces around it; empty where the sources are gone.
std::string text_of(const site& s);

/// The sites met so far. An operation is entered when it is first executed.
std::vector<site>& sites();

/// The index of a site.
std::uint16_t site_at(const std::source_location& at, const char* what, boost::memory_order order);

/// Alterations by name; false where no site has that name, or the order is not one of the weaker ones.
bool weaken(std::string_view where, std::string_view order);
bool split(std::string_view where);
void mend_all();

}  // namespace explore
