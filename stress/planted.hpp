// Implementations that lose something, which only a race brings out. A run that does not find it has raced nothing, and
// fails.
#pragma once

#include <bulwark/bulkhead_config.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/errc.hpp>

#include <cstdint>
#include <utility>

namespace bulwark::stress::planted {

/// The return of a probe's place that loses its swap to another thread is not tried again.
template <class T>
class forgetful_atomic : public detail::atomic<T> {
public:
    using detail::atomic<T>::atomic;

    bool compare_exchange_weak(T& expected, T desired, boost::memory_order success) noexcept {
        const bool gives_back = desired - expected == detail::default_traits::layout::ignored::unit;
        return detail::atomic<T>::compare_exchange_weak(expected, desired, success) || gives_back;
    }
};

struct forgetful_traits : detail::default_traits {
    template <class T>
    using atomic = forgetful_atomic<T>;
};

struct probe_leak {
    static constexpr const char* name = "planted";
    template <class Clock>
    using breaker = basic_circuit_breaker<Clock, forgetful_traits>;
};

/// The addition that gives a permit back, torn into a load and a store: what another thread did in between is undone.
template <class T>
class torn_atomic : public detail::atomic<T> {
public:
    using detail::atomic<T>::atomic;

    T fetch_add(T addend, boost::memory_order) noexcept {
        // relaxed: a defect, of no order with anything
        const T before = this->load(detail::memory_order_relaxed);
        // release, of no edge: the other half of the addition that it replaces
        this->store(before + addend, detail::memory_order_release);
        return before;
    }
};

struct torn_traits : detail::default_traits {
    template <class T>
    using atomic = torn_atomic<T>;
};

class leaking_bulkhead {
public:
    class slot {
    public:
        explicit slot(leaking_bulkhead& owner) : owner_(&owner) {}
        slot(slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
        slot& operator=(slot&&) = delete;
        ~slot() {
            if (owner_ != nullptr) owner_->permits_.give_back();
        }

    private:
        leaking_bulkhead* owner_;
    };

    explicit leaking_bulkhead(const bulkhead_config& config)
        : capacity_(config.max_concurrent), permits_(config.max_concurrent) {}

    result<slot> try_acquire() {
        if (!permits_.try_take()) return errc::bulkhead_full;
        return slot(*this);
    }

    std::uint32_t in_use() const { return capacity_ - available(); }
    std::uint32_t available() const { return static_cast<std::uint32_t>(permits_.available()); }

private:
    const std::uint32_t capacity_;
    detail::permit_counter<torn_traits> permits_;
};

/// All threads are given the same slot, so that they count in one cell, with plain stores.
struct one_slot_traits : detail::default_traits {
    static std::uint32_t thread_slot() noexcept { return 0; }
    static std::uint32_t known_thread_slot() noexcept { return thread_slot(); }
};

struct shared_slot {
    static constexpr const char* name = "planted";
    static constexpr bool has_cells = true;
    template <class Clock>
    using breaker = basic_circuit_breaker<Clock, one_slot_traits>;
};

struct permit_leak {
    static constexpr const char* name = "planted";
    using bulkhead = leaking_bulkhead;
};

}  // namespace bulwark::stress::planted
