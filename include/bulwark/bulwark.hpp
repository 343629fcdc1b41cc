// The whole library in one include, but for the mutex reference (bulwark/reference/*.hpp).
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/bulkhead.hpp>
#include <bulwark/bulkhead_config.hpp>
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/memory_resource.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/trip_policy.hpp>
#include <bulwark/version.hpp>
