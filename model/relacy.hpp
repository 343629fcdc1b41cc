// Relacy as the distribution ships it, made fit for C++20 code: a longer memory, and no macros left behind.
//
// Relacy remembers the last three values of a word, so a thread can lag behind by two. The defects of this algorithm
// need more: a helper that slept through two transitions is eight swaps of the head behind. The size is a constant of
// Relacy that every later header of its own uses by name; between the two includes that name is given another value.
#pragma once

#include <relacy/base.hpp>

// What uses POSIX threads, which Relacy takes the place of, by macros of the same names, and errno.
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace rl {
inline constexpr std::size_t longer_history_size = 12;
}
#define atomic_history_size longer_history_size
#include <relacy/relacy.hpp>
#undef atomic_history_size

// Relacy names C++ words after its own; the standard library, Boost and bulwark want theirs back.
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
