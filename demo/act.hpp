// One act of the demo: the load runs once, through one guard, and is shown as it runs.
#pragma once

#include "guard.hpp"
#include "load.hpp"
#include "report.hpp"
#include "screen.hpp"
#include "upstream.hpp"

#include <string_view>

namespace demo {

/// Against a server of our own, which lives as long as the act.
report run_scripted_act(std::string_view title, const fault_script& script, const load_plan& plan, guard& protection,
                        const screen& out);

/// Against the user's server.
report run_act(std::string_view title, const target& where, const load_plan& plan, guard& protection,
               const screen& out);

}  // namespace demo
