// What the shipped headers are built over here: Relacy's atomics, under the interface of detail/atomics.hpp.
#pragma once

#include "../checks/clock.hpp"
#include "relacy.hpp"
#include "sabotage.hpp"
#include "schedulers.hpp"

#include <boost/memory_order.hpp>
#include <bulwark/detail/layout.hpp>
#include <bulwark/detail/thread_slot.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <source_location>
#include <utility>

namespace bulwark::model {

template <class T>
class atomic;

/// The words of a kind, in the order of their construction since `size` was set to 0: how a model watches the members
/// of an object without asking the object.
template <class T>
struct census {
    static constexpr std::size_t unlisted = ~std::size_t{0};

    static inline std::array<const atomic<T>*, 64> words{};
    static inline std::size_t size = 0;
    /// Told of every load: which word, and what the thread saw.
    static inline void (*on_load)(std::size_t place, T seen) = nullptr;

    static std::size_t add(const atomic<T>* word) {
        if (size == words.size()) return unlisted;
        words[size] = word;
        return size++;
    }
};

template <class T>
class atomic {
    using site = std::source_location;

public:
    atomic() : atomic(T()) {}
    explicit atomic(T initial) : word_(initial), place_(census<T>::add(this)) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load(boost::memory_order order, site from = site::current()) const {
        const uninterrupted pause(order == boost::memory_order_relaxed && current_plan.random_executions == 0);
        const T seen = word_.load(weakened(order, from), RL_INFO);
        if (census<T>::on_load != nullptr) census<T>::on_load(place_, seen);
        return seen;
    }
    void store(T value, boost::memory_order order, site from = site::current()) {
        word_.store(value, weakened(order, from), RL_INFO);
    }
    T fetch_add(T addend, boost::memory_order order, site from = site::current()) {
        if (tampered(from)) {
            const T before = word_.load(rl::mo_acquire, RL_INFO);
            word_.store(before + addend, rl::mo_release, RL_INFO);
            return before;
        }
        return word_.fetch_add(addend, weakened(order, from), RL_INFO);
    }
    bool compare_exchange_weak(T& expected, T desired, boost::memory_order order, site from = site::current()) {
        if (tampered(from)) return tampered_exchange(expected, desired);
        return word_.compare_exchange_weak(expected, desired, weakened(order, from), RL_INFO, rl::mo_relaxed, RL_INFO);
    }
    bool compare_exchange_strong(T& expected, T desired, boost::memory_order order, site from = site::current()) {
        if (tampered(from)) return tampered_exchange(expected, desired);
        const rl::memory_order weak = weakened(order, from);
        if (current_sabotage.strikes(fault::blind_failure, from, place_) && word_.debug_value() != expected)
            return false;
        return word_.compare_exchange_strong(expected, desired, weak, RL_INFO, rl::mo_relaxed, RL_INFO);
    }

    /// The newest value, for invariants: no step of any thread.
    T newest() const { return word_.debug_value(); }

private:
    /// No other thread runs before the operation that follows. Nothing is lost where that is a relaxed load and loads
    /// may lag: seeing an old value late is the same as seeing it in time.
    class uninterrupted {
    public:
        explicit uninterrupted(bool wanted) : wanted_(wanted) {
            if (wanted_) rl::ctx().disable_preemption();
        }
        uninterrupted(const uninterrupted&) = delete;
        uninterrupted& operator=(const uninterrupted&) = delete;
        ~uninterrupted() {
            if (wanted_) rl::ctx().enable_preemption();
        }

    private:
        bool wanted_;
    };

    rl::memory_order weakened(boost::memory_order order, const site& from) const {
        const auto struck = [&](fault f) { return current_sabotage.strikes(f, from, place_); };
        const bool acquires = order == boost::memory_order_acquire || order == boost::memory_order_acq_rel;
        const bool releases = order == boost::memory_order_release || order == boost::memory_order_acq_rel;
        if (struck(fault::relaxed)) return rl::mo_relaxed;
        if (acquires && struck(fault::no_acquire)) return releases ? rl::mo_release : rl::mo_relaxed;
        if (releases && struck(fault::no_release)) return acquires ? rl::mo_acquire : rl::mo_relaxed;
        switch (order) {
            case boost::memory_order_relaxed: return rl::mo_relaxed;
            case boost::memory_order_acquire: return rl::mo_acquire;
            case boost::memory_order_release: return rl::mo_release;
            case boost::memory_order_acq_rel: return rl::mo_acq_rel;
            default: return rl::mo_seq_cst;
        }
    }

    bool tampered(const site& from) const { return current_sabotage.strikes(fault::torn, from, place_); }

    bool tampered_exchange(T& expected, T desired) {
        const T found = word_.load(rl::mo_acquire, RL_INFO);
        if (found != expected) {
            expected = found;
            return false;
        }
        word_.store(desired, rl::mo_release, RL_INFO);
        return true;
    }

    rl::atomic<T> word_;
    const std::size_t place_;
};

template <bulwark::detail::layout_widths Widths = bulwark::detail::layout_widths{}>
struct traits {
    using layout = bulwark::detail::basic_layout<Widths>;
    template <class T>
    using atomic = bulwark::model::atomic<T>;
    static void pause() noexcept {}
    static std::uint32_t thread_slot() noexcept { return bulwark::detail::no_thread_slot; }
    static std::uint32_t known_thread_slot() noexcept { return thread_slot(); }
};

/// The threads have slots, which the model gives them: a thread of the model may even be several, one after the other.
template <bulwark::detail::layout_widths Widths = bulwark::detail::layout_widths{}>
struct slotted_traits : traits<Widths> {
    static inline std::array<std::uint32_t, 3> slots{};  // by thread
    static std::uint32_t thread_slot() noexcept { return slots[rl::thread_index()]; }
    static std::uint32_t known_thread_slot() noexcept { return thread_slot(); }
};

/// A place for what one execution works on. An execution that is given up leaves its object behind, and Relacy forgets
/// its atomics; so the object is not destroyed then, only written over.
template <class T>
class stage {
public:
    template <class... Args>
    T& raise(Args&&... args) {
        return *::new (static_cast<void*>(bytes_)) T(std::forward<Args>(args)...);
    }
    T& operator*() { return *std::launder(reinterpret_cast<T*>(bytes_)); }
    T* operator->() { return &**this; }
    void strike() { (**this).~T(); }

private:
    alignas(T) unsigned char bytes_[sizeof(T)];
};

/// Time for models, in the manner of bulwark::manual_clock: seen through a load that may lag.
class model_clock : public checks::nanosecond_clock<model_clock> {
public:
    static time_point now() noexcept { return time_point(duration(ticks_->load(boost::memory_order_acquire))); }
    static void advance(duration by) noexcept { ticks_->fetch_add(by.count(), boost::memory_order_release); }

    static void begin(duration at) { ticks_.raise(at.count()); }
    static void end() { ticks_.strike(); }

private:
    static inline stage<atomic<rep>> ticks_;
};

}  // namespace bulwark::model
