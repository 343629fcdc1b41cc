// The time of the demo.
#pragma once

#include <loadgen/time.hpp>

#include <chrono>

namespace demo {

using loadgen::clock;
using loadgen::duration;
using loadgen::time_point;
using namespace std::chrono_literals;

constexpr duration slice_length = 250ms;  // of a line on the screen, and of the search for the recovery

}  // namespace demo
