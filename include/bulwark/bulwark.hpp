// The whole library in one include, but for what needs threads of its own or few programs want (thread_pool_bulkhead,
// pool_timeout, stopping_timeout, hedge, compartments), what needs Boost.Asio (asio.hpp), and the mutex reference
// (bulwark/reference/*.hpp).
#pragma once

#include <bulwark/adaptive_limit.hpp>
#include <bulwark/adaptive_limit_config.hpp>
#include <bulwark/backoff.hpp>
#include <bulwark/breaker_types.hpp>
#include <bulwark/bulkhead.hpp>
#include <bulwark/bulkhead_config.hpp>
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/call_context.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/deadline.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/fallback.hpp>
#include <bulwark/limit_algorithms.hpp>
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/memory_resource.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/pipeline.hpp>
#include <bulwark/rate_limiter.hpp>
#include <bulwark/rate_limiter_config.hpp>
#include <bulwark/retry.hpp>
#include <bulwark/retry_budget.hpp>
#include <bulwark/retry_budget_config.hpp>
#include <bulwark/retry_config.hpp>
#include <bulwark/sliding_window.hpp>
#include <bulwark/timeout.hpp>
#include <bulwark/trip_policy.hpp>
#include <bulwark/version.hpp>
#include <bulwark/waiting.hpp>
