// Breakers and a bulkhead with defects that only a race brings out, each of a kind seen in the field; those that cells
// make possible are in planted_cells.hpp. Sequential tests pass on all of them; a run of the recorder that does not
// find every one is worth nothing, and fails.
#pragma once

#include <bulwark/bulkhead_config.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/errc.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace bulwark::lin::planted {

/// A count that loses its race says that it was made, instead of trying again: two calls share one place of half-open,
/// outcomes vanish.
template <class T, class Sound = bulwark::detail::atomic<T>>
class hasty_atomic : public Sound {
public:
    using Sound::Sound;

    bool compare_exchange_weak(T& expected, T desired, boost::memory_order success) noexcept {
        // Of the weak swaps that release, those of a mere count: a move must not be lied about, or the breaker hangs.
        using head = bulwark::detail::layout;
        const bool counts = success == bulwark::detail::memory_order_release && head::move::get(desired) == 0;
        return Sound::compare_exchange_weak(expected, desired, success) || counts;
    }
};

struct hasty_traits : bulwark::detail::default_traits {
    template <class T>
    using atomic = hasty_atomic<T>;
};

template <class Clock>
using lost_update = basic_circuit_breaker<Clock, hasty_traits>;

/// A probe that is ignored while another thread is in the breaker never gives its place back.
template <class Clock>
class probe_leak {
    using sound = basic_circuit_breaker<Clock>;

    class visit {
    public:
        explicit visit(probe_leak& to) : to_(to) { to_.inside_.fetch_add(1, std::memory_order_relaxed); }
        visit(const visit&) = delete;
        visit& operator=(const visit&) = delete;
        ~visit() { to_.inside_.fetch_sub(1, std::memory_order_relaxed); }
        bool alone() const { return to_.inside_.load(std::memory_order_relaxed) == 1; }

    private:
        probe_leak& to_;
    };

public:
    class permit {
    public:
        permit(probe_leak& owner, typename sound::permit&& inner) : owner_(&owner), inner_(std::move(inner)) {}

        bool success() {
            const visit v(*owner_);
            return inner_.success();
        }
        bool failure() {
            const visit v(*owner_);
            return inner_.failure();
        }
        bool ignore() {
            const visit v(*owner_);
            if (v.alone() || owner_->breaker_.state() != breaker_state::half_open) return inner_.ignore();
            owner_->forget(std::move(inner_));
            return true;
        }

    private:
        probe_leak* owner_;
        typename sound::permit inner_;
    };

    explicit probe_leak(circuit_breaker_config config) : breaker_(std::move(config)) {}

    result<permit> try_acquire() {
        const visit v(*this);
        auto admitted = breaker_.try_acquire();
        if (!admitted) return admitted.error();
        return permit(*this, std::move(*admitted));
    }

    breaker_snapshot snapshot() {
        const visit v(*this);
        return breaker_.snapshot();
    }

private:
    void forget(typename sound::permit&& probe) {
        const std::lock_guard lock(mutex_);
        forgotten_.push_back(std::move(probe));
    }

    sound breaker_;
    std::atomic<int> inside_{0};
    std::mutex mutex_;
    std::vector<typename sound::permit> forgotten_;
};

/// Reads its state and its counts one after the other: together they may be of no instant.
template <class Clock, class Traits = bulwark::detail::default_traits>
class torn_snapshot : public basic_circuit_breaker<Clock, Traits> {
    using sound = basic_circuit_breaker<Clock, Traits>;

public:
    using sound::sound;

    breaker_snapshot snapshot() const {
        breaker_snapshot seen = sound::snapshot();
        seen.counts = sound::counts();
        return seen;
    }
};

/// The defect without cells beside it.
template <class Planted>
class compact : public Planted {
public:
    explicit compact(circuit_breaker_config config) : Planted(without_cells(std::move(config))) {}

private:
    static circuit_breaker_config without_cells(circuit_breaker_config config) {
        config.cells = 0;
        return config;
    }
};

/// Looks whether there is room, then goes in.
class over_admitting_bulkhead {
public:
    class slot {
    public:
        explicit slot(over_admitting_bulkhead& owner) : owner_(&owner) {}
        slot(slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
        slot& operator=(slot&&) = delete;
        ~slot() {
            if (owner_ != nullptr) owner_->in_use_.fetch_sub(1);
        }

    private:
        over_admitting_bulkhead* owner_;
    };

    explicit over_admitting_bulkhead(const bulkhead_config& config) : capacity_(config.max_concurrent) {}

    result<slot> try_acquire() {
        if (in_use_.load() >= capacity_) return errc::bulkhead_full;
        in_use_.fetch_add(1);
        return slot(*this);
    }

    std::uint32_t in_use() const { return in_use_.load(); }
    std::uint32_t available() const { return capacity_ - in_use(); }

private:
    const std::uint32_t capacity_;
    std::atomic<std::uint32_t> in_use_{0};
};

}  // namespace bulwark::lin::planted
