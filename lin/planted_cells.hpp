// Circuit breakers with defects in how threads count beside the head, each of which breaks a rule of detail/cells.hpp
// or of breaker_core.hpp, and a bulkhead with one in how it looks at its stripes. As in planted.hpp, they show in
// races; the unchecked ticket would as well show to one thread that lets a window end during its call.
#pragma once

#include "dawdling.hpp"

#include <bulwark/breaker_types.hpp>
#include <bulwark/bulkhead_config.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/detail/breaker_core.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace bulwark::lin::planted {

/// Two threads at one slot: they write the same cell with plain stores, and undo what the other did.
struct shared_cell_traits : bulwark::detail::default_traits {
    static std::uint32_t thread_slot() noexcept { return 0; }
    static std::uint32_t known_thread_slot() noexcept { return thread_slot(); }
};

template <class Clock>
using shared_cell = basic_circuit_breaker<Clock, shared_cell_traits>;

/// A cell names the new window before its counts are set to zero: a reader in between finds those of the old window.
template <class T>
class late_zero_atomic : public dawdling_atomic<T> {
    using sound = dawdling_atomic<T>;

public:
    using sound::sound;

    void store(T value, boost::memory_order order) noexcept {
        if (value == 0 && order == bulwark::detail::memory_order_release) {
            postponed[postponed_count++ % postponed.size()] = this;
            return;
        }
        sound::store(value, order);
        for (; postponed_count != 0; --postponed_count) postponed[postponed_count - 1]->sound::store(0, order);
    }

private:
    static inline thread_local std::array<late_zero_atomic*, 4> postponed{};
    static inline thread_local std::size_t postponed_count = 0;
};

struct late_reset_traits : dawdling_traits {
    template <class T>
    using atomic = late_zero_atomic<T>;
};

template <class Clock>
using late_reset = basic_circuit_breaker<Clock, late_reset_traits>;

/// Reads the requests before the outcomes: it can see an outcome without its request.
template <class Clock>
class requests_first : public basic_circuit_breaker<Clock> {
    using sound = basic_circuit_breaker<Clock>;

public:
    using sound::sound;

    breaker_snapshot snapshot() const {
        const breaker_snapshot first = sound::snapshot();
        breaker_snapshot second = sound::snapshot();
        // Only what cells count has changed: the head did not tell.
        breaker_snapshot expected = second;
        expected.counts.requests = first.counts.requests;
        expected.counts.total_successes = first.counts.total_successes;
        expected.counts.consecutive_successes = first.counts.consecutive_successes;
        if (expected == first) second.counts.requests = first.counts.requests;
        return second;
    }
};

/// A failure that lost its swap keeps the sum of the cells, although other failures were counted meanwhile.
template <class Clock>
class old_sum {
    using sound = basic_circuit_breaker<Clock, dawdling_traits>;

public:
    class permit {
    public:
        explicit permit(typename sound::permit&& inner) : inner_(std::move(inner)) {}

        bool success() { return inner_.success(); }
        bool ignore() { return inner_.ignore(); }
        bool failure() {
            weighed.reset();
            return inner_.failure();
        }

    private:
        typename sound::permit inner_;
    };

    explicit old_sum(circuit_breaker_config config) : breaker_(forgetful(std::move(config))) {}

    result<permit> try_acquire() {
        auto admitted = breaker_.try_acquire();
        if (!admitted) return admitted.error();
        return permit(std::move(*admitted));
    }

    breaker_snapshot snapshot() const { return breaker_.snapshot(); }

private:
    /// What the failure that this thread reports has weighed first.
    static inline thread_local std::optional<breaker_counts> weighed;

    static circuit_breaker_config forgetful(circuit_breaker_config config) {
        config.ready_to_trip = [sound_policy = std::move(config.ready_to_trip)](breaker_counts c) {
            if (!weighed) weighed = c;
            // What the head counts is new at each look; what happened in between to a new window is not the point.
            if (weighed->total_failures < c.total_failures) c.total_successes = weighed->total_successes;
            return sound_policy(c);
        };
        return config;
    }

    sound breaker_;
};

/// A success of a call from an earlier window is counted in the cell of this one, and its request is not.
template <class Clock>
class unchecked_ticket {
    using core = bulwark::detail::breaker_core<Clock, bulwark::detail::default_traits>;

public:
    class permit {
    public:
        permit(unchecked_ticket& owner, bulwark::detail::ticket admitted) : owner_(&owner), admitted_(admitted) {}
        permit(permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), admitted_(other.admitted_) {}
        permit& operator=(permit&&) = delete;
        ~permit() {
            if (owner_ != nullptr) ignore();
        }

        bool success() {
            const bulwark::detail::ticket next{admitted_.generation, admitted_.window + 1};
            if (owner_->core_.succeed_plainly(admitted_) || owner_->core_.succeed_plainly(next)) {
                owner_ = nullptr;
                return true;
            }
            return end(outcome::success);
        }
        bool failure() { return end(outcome::failure); }
        bool ignore() { return end(outcome::ignored); }

    private:
        bool end(outcome o) {
            unchecked_ticket& owner = *std::exchange(owner_, nullptr);
            return owner.tell(owner.core_.report(admitted_, o, owner.config_.ready_to_trip));
        }

        unchecked_ticket* owner_;
        bulwark::detail::ticket admitted_;
    };

    explicit unchecked_ticket(circuit_breaker_config config)
        : config_(std::move(config)),
          core_({.max_requests = config_.max_requests,
                 .interval = static_cast<std::uint64_t>(config_.interval.count()),
                 .timeout = static_cast<std::uint64_t>(config_.timeout.count()),
                 .probe_timeout = static_cast<std::uint64_t>(config_.probe_timeout.count())},
                config_.cells) {}

    result<permit> try_acquire() {
        bulwark::detail::ticket admitted;
        errc refusal{};
        if (!core_.admit_plainly(admitted, refusal)) {
            const bulwark::detail::admission answer = core_.admit();
            if (answer.made) config_.on_state_change(*answer.made);
            admitted = answer.admitted;
            refusal = answer.refusal;
        }
        if (refusal != errc{}) return refusal;
        return permit(*this, admitted);
    }

    breaker_snapshot snapshot() const { return core_.observe(); }

private:
    bool tell(const bulwark::detail::report_result& done) {
        if (done.made) config_.on_state_change(*done.made);
        return done.counted;
    }

    const circuit_breaker_config config_;
    core core_;
};

/// A bulkhead with two words of permits, begun with in turn, that refuses after one look at each: where a permit comes
/// back to the first word after the look there, and then one is taken from the second, none was missing, and none
/// found.
class hasty_refusal {
public:
    class slot {
    public:
        slot(hasty_refusal& owner, std::uint32_t from) : owner_(&owner), from_(from) {}
        slot(slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), from_(other.from_) {}
        slot& operator=(slot&&) = delete;
        ~slot() {
            // Not where it was taken from, as a thread gives back to the stripe that is its own.
            if (owner_ != nullptr) owner_->free_[1 - from_].fetch_add(1);
        }

    private:
        hasty_refusal* owner_;
        std::uint32_t from_;
    };

    explicit hasty_refusal(const bulkhead_config& config) { free_[0] = config.max_concurrent; }

    result<slot> try_acquire() {
        static thread_local std::uint32_t turn = 0;
        ++turn;
        for (const std::uint32_t i : {turn % 2, 1 - turn % 2}) {
            dawdle(4);
            for (std::uint32_t seen = free_[i].load(); seen != 0;) {
                if (free_[i].compare_exchange_weak(seen, seen - 1)) return slot(*this, i);
            }
        }
        return errc::bulkhead_full;
    }

    /// Never asked for.
    std::uint32_t in_use() const { return 0; }
    std::uint32_t available() const { return 0; }

private:
    std::atomic<std::uint32_t> free_[2]{};
};

}  // namespace bulwark::lin::planted
