// What a person sees: the lines of an act as it runs, the charts, and the table at the end. Lines only ever scroll, at
// most 100 columns wide, so that a log reads as well as a terminal.
#pragma once

#include "clock.hpp"
#include "load.hpp"
#include "report.hpp"

#include <bulwark/breaker_types.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

/// A slice of the chart.
struct moment {
    std::optional<bool> upstream_fails;           ///< nothing where there is no script
    std::optional<bulwark::breaker_state> state;  ///< nothing where there is no breaker
};

struct column {
    std::string title;
    report figures;
};

/// Each member throws std::runtime_error where standard output is gone.
class screen {
public:
    explicit screen(bool colour) : colour_(colour) {}

    void say(std::string_view text) const;
    void legend() const;
    void begin_act(std::string_view title) const;
    void slice(duration since_start, const load_view& view, const std::vector<moment>& so_far) const;
    void charts(const std::vector<moment>& act) const;
    void table(const std::vector<column>& columns, duration patience, bool with_script) const;

private:
    std::string painted(const std::string& text, bulwark::breaker_state state) const;
    std::string strip(const std::vector<moment>& act, std::size_t last) const;

    const bool colour_;
};

}  // namespace demo
