// The bulkhead: so many calls at once and no more, so that one slow service cannot take every thread.
//
//     bulwark::bulkhead pool{{.max_concurrent = 50, .max_waiting = 100}};
//     auto rows = pool.execute([&] { return query(); });   // or errc::bulkhead_full, at once
//     if (auto slot = pool.try_acquire_for(20ms)) ...      // waits for a permit, or errc::timed_out, errc::queue_full
//     pool.resize(80);                                     // while it is in use
//
// A call may ask for several permits at once. One that asks for none is admitted at once.
//
// Order: strictly first come, first served. While anybody waits nobody else is admitted, however little it asks for:
// try_acquire is refused, acquire stands in line behind. So a caller who waits for much is not starved by many who want
// little; the price is that permits too few for the first in line stay unused until there are enough. A permit that
// comes back while somebody waits belongs to the first in line at once.
//
// Who is not admitted at once: first a request for more than the capacity is errc::over_capacity; then a stop that was
// requested is errc::stopped; then a time that has passed is errc::timed_out; then a full queue is errc::queue_full;
// then the caller waits. A free permit is granted even to who was stopped or is late. A waiter who is granted his
// permits before he could leave gets them: no permit is ever lost on who gave up.
//
// Thread safety: every member may be called from any thread at any time; construction and destruction excepted. The
// bulkhead must outlive its slots. Who has got the whole capacity may destroy it as soon as he has given it back.
// Progress: try_acquire and execute are lock-free and giving a slot back is wait-free while nobody waits and no shrink
// is outstanding; else, and for a request for more than the capacity or, striped, for several permits that no stripe
// has alone, they take a lock for a few steps (blocking), but for a refusal, which stays lock-free. Who waits sleeps
// and costs no CPU. Cost: a compare-and-swap to take a permit, an addition to give it back, one load to be refused
// (striped: two loads a stripe), and a store of the thread's own to count the call. No allocation once the bulkhead is
// built, also for who waits.
//
// Coroutines wait in the same line, without blocking their threads: bulwark/asio.hpp.
//
// The algorithm is in detail/permit_counter.hpp and detail/waiting_line.hpp; this file gives it lifetimes, clocks,
// events and figures.
#pragma once

#include <bulwark/bulkhead_config.hpp>
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/detail/call_tally.hpp>
#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/time_limit.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/waiting_line.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

class BULWARK_BY_EXCEPTIONS bulkhead_memory_resource;

namespace detail {
template <class Pool>
class threadless_acquire;
}  // namespace detail

/// `Kind` says what the permits are: calls (detail::calls) or bytes (detail::bytes, memory_bulkhead.hpp). Use
/// bulwark::bulkhead and bulwark::memory_bulkhead.
template <class Kind, class Traits = detail::default_traits>
class basic_bulkhead {
public:
    using config = typename Kind::config;
    using weight_type = typename Kind::weight;
    class slot;

    /// Throws std::invalid_argument that names the field of a configuration that makes no sense.
    explicit basic_bulkhead(const config& c)
        : line_((validate(c), Kind::capacity(c)), Kind::stripes(c), c.max_waiting),
          tally_(c.cells, c.wait_histogram),
          on_event_(c.on_event) {}

    basic_bulkhead(const basic_bulkhead&) = delete;
    basic_bulkhead& operator=(const basic_bulkhead&) = delete;

    /// Never waits. n permits, or errc::bulkhead_full: then too few were free at some instant of this call, or others
    /// were waiting; or errc::over_capacity.
    [[nodiscard, gnu::always_inline]] result<slot> try_acquire(weight_type n = 1) noexcept {
        const detail::turn got = take(n);
        if (got == detail::turn::admitted) [[likely]]
            return admitted_at_once(n);
        if (got != detail::turn::full || on_event_) [[unlikely]]
            return {boost::system::in_place_error, refuse(got, n)};
        tally_.count(detail::tally_of::refused);
        return {boost::system::in_place_error, errc::bulkhead_full};
    }

    /// Waits for n permits as long as it takes. errc::queue_full, errc::over_capacity (also where the capacity shrinks
    /// below n meanwhile), errc::stopped. Throws nothing of its own; nothing is lost where the clock throws, below.
    [[nodiscard]] result<slot> acquire(weight_type n = 1) { return acquire_by(n, nullptr, nullptr); }
    [[nodiscard]] result<slot> acquire(const std::stop_token& stop, weight_type n = 1) {
        return acquire_by(n, &stop, nullptr);
    }

    /// Likewise, and errc::timed_out. Times saturate: past the range of the clock means never.
    template <class Rep, class Period>
    [[nodiscard]] result<slot> try_acquire_for(std::chrono::duration<Rep, Period> time, weight_type n = 1) {
        return acquire_within(n, nullptr, time);
    }
    template <class Rep, class Period>
    [[nodiscard]] result<slot> try_acquire_for(std::chrono::duration<Rep, Period> time, const std::stop_token& stop,
                                               weight_type n = 1) {
        return acquire_within(n, &stop, time);
    }

    /// Any clock with a static now(). A sleeper looks at it when the time that it showed before should have passed.
    template <class Clock, class Duration>
    [[nodiscard]] result<slot> try_acquire_until(std::chrono::time_point<Clock, Duration> end, weight_type n = 1) {
        return acquire_until(n, nullptr, end);
    }
    template <class Clock, class Duration>
    [[nodiscard]] result<slot> try_acquire_until(std::chrono::time_point<Clock, Duration> end,
                                                 const std::stop_token& stop, weight_type n = 1) {
        return acquire_until(n, &stop, end);
    }

    /// Calls fn, unless the bulkhead is full; never waits. The permit comes back when fn returns or throws; what it
    /// throws goes on to the caller. The result says nothing of success: any value that fn returned is a value here.
    template <class F>
        requires std::invocable<F>
    execute_result<F> execute(F&& fn);

    /// Growing admits those who wait and fit now, in order. Shrinking never blocks and revokes nothing: nobody is
    /// admitted until enough came back, in_use() may pass capacity() until then; who waits for more than there is now
    /// gets errc::over_capacity. Throws std::invalid_argument, as the constructor does. The stripes stay as many.
    void resize(weight_type capacity) {
        Kind::validate_capacity(capacity);
        line_.resize(capacity);
    }

    weight_type capacity() const noexcept { return static_cast<weight_type>(line_.capacity()); }
    /// Permits in use, and free ones: exact while nobody takes, gives or resizes, otherwise figures for people.
    /// Wait-free while nobody waits and no shrink is outstanding; then they take the lock.
    weight_type in_use() const { return static_cast<weight_type>(line_.in_use()); }
    weight_type available() const {
        const weight_type all = capacity();
        return static_cast<weight_type>(all - std::min(in_use(), all));
    }
    /// Callers who stand in line. Wait-free.
    std::uint32_t waiting() const noexcept { return line_.waiting(); }

    /// Takes the lock, and reads a line of memory for each cell.
    bulkhead_snapshot snapshot() const {
        const auto seen = line_.look();
        bulkhead_snapshot all;
        all.capacity = seen.capacity;
        all.in_use = seen.in_use;
        all.waiting = seen.waiting;
        tally_.sum(all);
        return all;
    }

private:
    friend bulkhead_memory_resource;
    friend detail::threadless_acquire<basic_bulkhead>;
    using waiter = detail::waiter<Traits>;

    detail::turn take(weight_type n) noexcept { return n == 0 ? detail::turn::admitted : line_.take(n); }

    result<slot> admitted_at_once(weight_type n) noexcept {
        // relaxed: (the store too) nothing is reached through it.
        if (saturated_.load(detail::memory_order_relaxed) != 0) saturated_.store(0, detail::memory_order_relaxed);
        tally_.count(detail::tally_of::admitted);
        return {boost::system::in_place_value, slot(*this, n)};
    }

    result<slot> acquire_by(weight_type n, const std::stop_token* stop, const detail::time_limit* end) {
        const detail::turn got = take(n);
        if (got == detail::turn::admitted) return admitted_at_once(n);
        if (got == detail::turn::over_capacity) return {boost::system::in_place_error, refuse(got, n)};
        return wait(n, stop, end);
    }

    template <class Rep, class Period>
    result<slot> acquire_within(weight_type n, const std::stop_token* stop, std::chrono::duration<Rep, Period> time) {
        const detail::turn got = take(n);
        if (got == detail::turn::admitted) return admitted_at_once(n);
        if (got == detail::turn::over_capacity) return {boost::system::in_place_error, refuse(got, n)};
        const detail::time_limit_by end(detail::steady_after(detail::saturated(time)));
        return wait(n, stop, &end);
    }

    template <class Clock, class Duration>
    result<slot> acquire_until(weight_type n, const std::stop_token* stop,
                               std::chrono::time_point<Clock, Duration> time) {
        const detail::time_limit_by end(time);
        return acquire_by(n, stop, &end);
    }

    result<slot> wait(weight_type n, const std::stop_token* stop, const detail::time_limit* end);
    detail::turn stand_in_line(waiter& self, const std::stop_token* stop, const detail::time_limit* end);
    static std::uint32_t sleep(typename Traits::parker& parker, const detail::time_limit* end);

    errc refuse(detail::turn why, weight_type n) noexcept;
    bool found_too_few() noexcept;
    void tell(bulkhead_event_kind kind, errc reason, weight_type n) const noexcept;

    detail::waiting_line<Traits, typename Kind::word> line_;
    detail::call_tally<Traits> tally_;
    const std::function<void(const bulkhead_event&)> on_event_;
    /// Not 0: too few permits were found, and that told, since a call was last admitted at once. Stays 0 where there is
    /// nobody to tell.
    typename Traits::template atomic<std::uint32_t> saturated_;
};

/// Permits of a bulkhead; gives all of them back when destroyed, on whatever thread. Move-only, for one thread at a
/// time.
template <class Kind, class Traits>
class basic_bulkhead<Kind, Traits>::slot {
public:
    slot(slot&& other) noexcept : owner_(other.owner_), weight_(std::exchange(other.weight_, weight_type{0})) {}
    slot& operator=(slot&& other) noexcept {
        slot taken(std::move(other));
        std::swap(owner_, taken.owner_);
        std::swap(weight_, taken.weight_);
        return *this;
    }
    ~slot() {
        if (weight_ != 0) owner_->line_.give_back(weight_);
    }

    /// How many permits it holds; none once it was moved from.
    weight_type weight() const noexcept { return weight_; }

private:
    friend basic_bulkhead;
    friend bulkhead_memory_resource;
    friend detail::threadless_acquire<basic_bulkhead>;
    slot(basic_bulkhead& owner, weight_type n) noexcept : owner_(&owner), weight_(n) {}

    /// The permits stay taken; somebody else will give them back.
    void keep() noexcept { weight_ = 0; }

    basic_bulkhead* owner_;
    weight_type weight_;
};

namespace detail {

/// Permits that are calls.
struct calls {
    using config = bulkhead_config;
    using weight = std::uint32_t;
    using word = striped_word;
    static std::uint64_t capacity(const config& c) noexcept { return c.max_concurrent; }
    static std::uint32_t stripes(const config& c) noexcept { return stripes_of(c); }
    static void validate_capacity(weight capacity) { validate(config{.max_concurrent = capacity}); }
};

}  // namespace detail

using bulkhead = basic_bulkhead<detail::calls>;
using slot = bulkhead::slot;

template <class Kind, class Traits>
template <class F>
    requires std::invocable<F>
execute_result<F> basic_bulkhead<Kind, Traits>::execute(F&& fn) {
    const result<slot> held = try_acquire();
    if (!held) return {boost::system::in_place_error, held.error()};
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
        std::invoke(std::forward<F>(fn));
        return {boost::system::in_place_value};
    } else {
        return {boost::system::in_place_value, std::invoke(std::forward<F>(fn))};
    }
}

/// Too few permits were free.
template <class Kind, class Traits>
[[gnu::noinline]] auto basic_bulkhead<Kind, Traits>::wait(weight_type n, const std::stop_token* stop,
                                                          const detail::time_limit* end) -> result<slot> {
    using detail::turn;
    // Told before standing in line: whoever is told may wait for a permit himself.
    if (found_too_few()) tell(bulkhead_event_kind::saturated, errc::bulkhead_full, n);
    turn got = turn::waits;
    if (stop != nullptr && stop->stop_requested()) {
        got = turn::stopped;
    } else if (end != nullptr && end->left() <= std::chrono::nanoseconds::zero()) {
        got = turn::timed_out;
    } else {
        waiter self(n);
        got = line_.join(self);
        if (got == turn::admitted) return admitted_at_once(n);
        if (got == turn::waits) got = stand_in_line(self, stop, end);
        if (got == turn::admitted) {
            tally_.count(detail::tally_of::admitted);
            return {boost::system::in_place_value, slot(*this, n)};
        }
    }
    return {boost::system::in_place_error, refuse(got, n)};
}

template <class Kind, class Traits>
detail::turn basic_bulkhead<Kind, Traits>::stand_in_line(waiter& self, const std::stop_token* stop,
                                                         const detail::time_limit* end) {
    const auto began = std::chrono::steady_clock::now();
    const auto asleep = [end](typename Traits::parker& parker) { return sleep(parker, end); };
    detail::turn got = detail::turn::waits;
    if (stop == nullptr) {
        got = line_.await(self, asleep);
    } else {
        const std::stop_callback asked(*stop, [&self] { self.ask_to_leave(); });
        got = line_.await(self, asleep);
    }
    tally_.count_wait(std::chrono::steady_clock::now() - began);
    return got;
}

/// See waiting_line::await().
template <class Kind, class Traits>
std::uint32_t basic_bulkhead<Kind, Traits>::sleep(typename Traits::parker& parker, const detail::time_limit* end) {
    constexpr auto wait = static_cast<std::uint32_t>(detail::word_to_waiter::wait);
    if (end == nullptr) return parker.wait(wait);
    if (end->steady_end()) return parker.wait_until(wait, *end->steady_end());
    for (;;) {
        const std::chrono::nanoseconds left = end->left();
        if (left <= std::chrono::nanoseconds::zero()) return wait;
        const std::uint32_t seen = parker.wait_until(wait, detail::steady_after(left));
        if (seen != wait) return seen;
    }
}

/// Counts the refusal and tells of it.
template <class Kind, class Traits>
[[gnu::noinline]] errc basic_bulkhead<Kind, Traits>::refuse(detail::turn why, weight_type n) noexcept {
    using detail::turn;
    errc reason = errc::bulkhead_full;
    auto as = detail::tally_of::refused;
    switch (why) {
        case turn::queue_full: reason = errc::queue_full; break;
        case turn::over_capacity: reason = errc::over_capacity; break;
        case turn::timed_out:
            reason = errc::timed_out;
            as = detail::tally_of::timed_out;
            break;
        case turn::stopped:
            reason = errc::stopped;
            as = detail::tally_of::stopped;
            break;
        default: break;
    }
    tally_.count(as);
    if (why == turn::full && found_too_few()) tell(bulkhead_event_kind::saturated, reason, n);
    tell(bulkhead_event_kind::refused, reason, n);
    return reason;
}

/// Whether this is the first since a call was last admitted at once, and somebody is to be told.
template <class Kind, class Traits>
bool basic_bulkhead<Kind, Traits>::found_too_few() noexcept {
    if (!on_event_) return false;
    std::uint32_t seen = 0;
    // relaxed: nothing is reached through it; of several callers one makes the change.
    return saturated_.compare_exchange_strong(seen, 1, detail::memory_order_relaxed);
}

template <class Kind, class Traits>
[[gnu::noinline]] void basic_bulkhead<Kind, Traits>::tell(bulkhead_event_kind kind, errc reason,
                                                          weight_type n) const noexcept {
    detail::tell(on_event_, {.kind = kind, .reason = reason, .weight = n});
}

}  // namespace bulwark::inline BULWARK_ABI
