// The seam's atomics, explored: explore::atomic<T> takes the place of bulwark::detail::atomic<T>, and every call in the
// code under test is a site (sites.hpp), known by its source line without a change to that code.
//
// The operations are not inlined, and wipe what they leave on the stack: what is dead there would otherwise come up
// again in the gaps of later frames, and make states differ that are equal.
//
// The failure order of a compare-and-swap is relaxed, as in the seam.
#pragma once

#include <explore/machine.hpp>
#include <explore/sites.hpp>

#include <boost/memory_order.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <source_location>
#include <type_traits>

namespace explore {

/// Clears the stack below the caller.
[[gnu::noinline]] inline void wipe_stack() noexcept {
    std::array<std::byte, 1024> gone;
    std::memset(gone.data(), 0, gone.size());
    __asm__ volatile("" : : "r"(gone.data()) : "memory");
}

/// Clears what is about to leave the stack.
template <class Dead>
void wipe(Dead& dead) noexcept {
    dead = {};
    __asm__ volatile("" : : "r"(&dead) : "memory");
}

template <class T>
class atomic {
    static_assert(std::is_integral_v<T>);
    using where = std::source_location;

public:
    atomic() noexcept : atomic(T()) {}
    explicit atomic(T initial) noexcept : location_(machine::here().locations().add_location(word(initial))) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    [[gnu::noinline]] T load(boost::memory_order order, where at = where::current()) const noexcept {
        request r = wish(action::load, at, "load", order);
        const T found = done(r);
        wipe(r);
        return found;
    }

    [[gnu::noinline]] void store(T value, boost::memory_order order, where at = where::current()) noexcept {
        request r = wish(action::store, at, "store", order);
        r.operand = word(value);
        done(r);
        wipe(r);
    }

    [[gnu::noinline]] T fetch_add(T addend, boost::memory_order order, where at = where::current()) noexcept {
        request r = wish(action::add, at, "fetch_add", order);
        r.operand = word(addend);
        const bool apart = sites()[r.site].split;
        const T found = apart ? read_apart(r) : done(r);
        if (apart) {
            r.operand += word(found);
            write_apart(r);
        }
        wipe(r);
        return found;
    }

    [[gnu::noinline]] bool compare_exchange_weak(T& expected, T desired, boost::memory_order order,
                                                 where at = where::current()) noexcept {
        request r = wish(action::compare, at, "compare_exchange_weak", order);
        r.weak = true;
        return swap(r, expected, desired);
    }
    [[gnu::noinline]] bool compare_exchange_strong(T& expected, T desired, boost::memory_order order,
                                                   where at = where::current()) noexcept {
        request r = wish(action::compare, at, "compare_exchange_strong", order);
        return swap(r, expected, desired);
    }

    /// Sleeps until unpark_all(), where the newest value is the expected one: what a futex does. Orders nothing.
    [[gnu::noinline]] void park(T expected, where at = where::current()) const noexcept {
        request r = wish(action::park, at, "park", boost::memory_order_relaxed);
        r.expected = word(expected);
        done(r);
        if (r.found != r.expected) return;
        r.what = action::wake;
        done(r);
    }
    [[gnu::noinline]] void unpark_all(where at = where::current()) const noexcept {
        request r = wish(action::unpark, at, "unpark", boost::memory_order_relaxed);
        done(r);
    }

private:
    static constexpr std::uint64_t word(T value) noexcept {
        return static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<T>>(value));
    }

    request wish(action what, const where& at, const char* verb, boost::memory_order written) const noexcept {
        request r;
        r.what = what;
        r.location = location_;
        r.site = site_at(at, verb, written);
        r.mask = std::numeric_limits<std::uint64_t>::max() >> (64 - 8 * sizeof(T));
        const boost::memory_order order = sites()[r.site].weakened.value_or(written);
        r.total = order == boost::memory_order_seq_cst;
        r.acquire = r.total || order == boost::memory_order_acquire || order == boost::memory_order_acq_rel;
        r.release = r.total || order == boost::memory_order_release || order == boost::memory_order_acq_rel;
        return r;
    }

    static T done(request& r) noexcept {
        machine::here().perform(r);
        wipe_stack();
        return static_cast<T>(r.found);
    }

    static bool swap(request& r, T& expected, T desired) noexcept {
        r.expected = word(expected);
        r.operand = word(desired);
        const bool apart = sites()[r.site].split;
        const T found = apart ? read_apart(r) : done(r);
        const bool swapped = apart ? found == expected : r.succeeded;
        if (apart && swapped) write_apart(r);
        if (!swapped) expected = found;
        wipe(r);
        return swapped;
    }

    static T read_apart(request& r) noexcept {
        r.what = action::load;
        return done(r);
    }
    static void write_apart(request& r) noexcept {
        r.what = action::store;
        done(r);
    }

    const std::uint8_t location_;
};

}  // namespace explore
