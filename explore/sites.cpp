#include <explore/sites.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <string>

namespace explore {

namespace {

using boost::memory_order_acq_rel;
using boost::memory_order_acquire;
using boost::memory_order_relaxed;
using boost::memory_order_release;
using boost::memory_order_seq_cst;

site* find(std::string_view where) {
    const auto at = std::find_if(sites().begin(), sites().end(), [&](const site& s) { return s.where == where; });
    return at == sites().end() ? nullptr : &*at;
}

std::string name_of(const std::source_location& at) {
    const std::string_view path = at.file_name();
    return std::string(path.substr(path.rfind('/') + 1)) + ':' + std::to_string(at.line());
}

}  // namespace

std::string_view to_string(boost::memory_order order) {
    switch (order) {
        case memory_order_seq_cst: return "seq_cst";
        case memory_order_acq_rel: return "acq_rel";
        case memory_order_acquire: return "acquire";
        case memory_order_release: return "release";
        default: return "relaxed";
    }
}

std::string text_of(const site& s) {
    std::ifstream file{std::string(s.path)};
    std::string line;
    for (std::uint32_t i = 0; i != s.line; ++i) std::getline(file, line);
    const std::size_t first = line.find_first_not_of(' ');
    return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \r") + 1 - first);
}

std::vector<boost::memory_order> weaker_orders(const site& s) {
    std::vector<boost::memory_order> all;
    const bool strongest = s.written == memory_order_seq_cst;
    if (strongest && s.is_read_modify_write()) all.push_back(memory_order_acq_rel);
    const bool both = strongest || s.written == memory_order_acq_rel;
    if (both && s.reads) all.push_back(memory_order_acquire);
    if (both && s.writes) all.push_back(memory_order_release);
    if (s.written != memory_order_relaxed) all.push_back(memory_order_relaxed);
    return all;
}

std::vector<site>& sites() {
    static std::vector<site> all;
    return all;
}

std::uint16_t site_at(const std::source_location& at, const char* what, boost::memory_order order) {
    // Millions of look-ups a second: the pointer to the file's name is the key, its text only that of a new entry.
    struct key {
        const char* file = nullptr;
        std::uint32_t line = 0;
        std::uint16_t index = 0;
    };
    static std::array<key, 1024> table;
    std::size_t slot = (at.line() * 31 + reinterpret_cast<std::uintptr_t>(at.file_name()) / 8) % table.size();
    for (; table[slot].file != nullptr; slot = (slot + 1) % table.size()) {
        if (table[slot].file == at.file_name() && table[slot].line == at.line()) return table[slot].index;
    }
    const std::string name = name_of(at);
    const std::string_view verb = what;
    std::size_t index = 0;
    while (index != sites().size() && sites()[index].where != name) ++index;
    if (index == sites().size()) {
        sites().push_back({.where = name,
                           .what = what,
                           .written = order,
                           .writes = verb != "load",
                           .reads = verb != "store",
                           .path = at.file_name(),
                           .line = at.line()});
    }
    table[slot] = {at.file_name(), at.line(), static_cast<std::uint16_t>(index)};
    return table[slot].index;
}

bool weaken(std::string_view where, std::string_view order) {
    site* const s = find(where);
    if (s == nullptr) return false;
    for (const boost::memory_order weaker : weaker_orders(*s)) {
        if (to_string(weaker) != order) continue;
        s->weakened = weaker;
        return true;
    }
    return false;
}

bool split(std::string_view where) {
    site* const s = find(where);
    if (s == nullptr || !s->is_read_modify_write()) return false;
    s->split = true;
    return true;
}

void mend_all() {
    for (site& s : sites()) {
        s.weakened.reset();
        s.split = false;
    }
}

}  // namespace explore
