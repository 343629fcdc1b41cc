// The permits of a bulkhead and the line of those who wait for them: strictly first come, first served, whatever each
// asks for.
//
// While nobody waits, the permits lie open in the stripes (permit_counter.hpp) and this file is not needed. A caller
// who must wait *closes* the stripes, takes the lock and stands in line, in a node on its own stack. From then on the
// line is *in charge*: what is free lies in its *pot*, newcomers are refused or join behind, and who gives a permit
// back is told by the stripe that it is closed, takes the lock and *hands over*: it collects what came back, and as
// long as the first in line fits, it takes the first's permits out of the pot and lets it go. When nobody is left the
// pot goes back into the stripes and they are open again. A shrink of the capacity below what is in use leaves a pot
// below zero, a debt: then the line is in charge too until the debt is paid.
//
// No wake-up is lost: a permit that comes back is added either before the stripe is closed, then the closing finds it,
// or after, then its giver sees the flag and comes to hand it over.
//
// Invariants, whenever the lock is free
//  - In charge if and only if somebody waits or the pot is below zero; the stripes are closed if and only if in charge.
//  - Not in charge: the pot is 0. In charge: the first in line asks for more than the pot has.
//  - pot + permits held by slots == capacity, in charge, where a permit counts as held until it is collected.
//  - Nobody in line asks for more than the capacity.
//  - A waiter is taken off the line once: by the one who tells it the outcome, or by itself. The teller does not touch
//    it after the telling, and the waiter does not go before it, so a waiter's frame is never used after its end.
//  - A waiter is told by its parker or, where nobody sleeps for it, by its hook: in the teller's thread, without the
//    lock, and after the waiter that follows in the teller's list was read. So a hook may end the waiter, use the line,
//    and take its time; it keeps those behind it in that list waiting for their word, and nobody else.
//  - `visits_due_` is the weight of those who gave back to a closed stripe and have not been here since. Permits are
//    handed over without waiting for them, but the line does not go before they came.
//
// Linearization: joining at the closing, or under the lock where the line was in charge; being granted, leaving, giving
// back and resizing under the lock, or, where that opens the stripes, at the opening. Refusal by a closed stripe is
// thus refusal by a line in charge.
//
// Progress: take is lock-free and give_back wait-free while the stripes are open; a request for more than the capacity,
// and one of several permits that no stripe has alone, take the lock. Otherwise everything takes the lock for a few
// steps (blocking); nobody sleeps with it.
//
// Synchronizing edges, by number: (3) and (7) of permit_counter.hpp, (9) of parker.hpp, the lock, and
//   (10) waiting_ stored released -> waiting() acquires: who sees that somebody waits finds the stripes closed, and who
//        sees that nobody does finds them open, but for a debt.
//   (11) set_capacity() releases -> capacity() acquires: who sees a greater capacity finds its permits.
#pragma once

#include <bulwark/detail/exceptions.hpp>
#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

/// What a call finds out about its permits.
enum class turn : std::uint8_t {
    admitted,
    full,           ///< too few were free, or others were waiting
    waits,          ///< stands in line
    queue_full,     ///< as many stand in line as may
    over_capacity,  ///< asks for more than there is
    timed_out,
    stopped,
};

/// The words that a waiter sleeps on.
enum class word_to_waiter : std::uint32_t {
    wait = 0,  ///< nothing yet
    leave,     ///< its owner has been asked to stop
    admitted,
    over_capacity,
};

template <class Traits>
struct waiter {
    /// Called instead of waking a sleeper; `last` is what it is told.
    using hook = void (*)(waiter&) noexcept;

    explicit waiter(std::uint64_t n, hook how = nullptr) noexcept : weight(n), call(how) {}

    /// From any thread, as long as the waiter is there: asks it to leave the line.
    void ask_to_leave() {
        parker.change(static_cast<std::uint32_t>(word_to_waiter::wait),
                      static_cast<std::uint32_t>(word_to_waiter::leave));
    }

    const std::uint64_t weight;
    const hook call;
    // The rest but the parker is for who holds the lock, or has taken the waiter off the line.
    waiter* next = nullptr;
    waiter* previous = nullptr;
    bool in_line = false;
    word_to_waiter last = word_to_waiter::wait;  ///< what it is to be told
    typename Traits::parker parker;
};

template <class Traits, class Word = striped_word>
class waiting_line {
public:
    using waiter = detail::waiter<Traits>;

    waiting_line(std::uint64_t capacity, std::uint32_t stripes, std::uint32_t max_waiting)
        : permits_(capacity, stripes), max_waiting_(max_waiting), capacity_(capacity) {}

    waiting_line(const waiting_line&) = delete;
    waiting_line& operator=(const waiting_line&) = delete;

    /// Waits for those who have given their permits back and have not been told yet that this is all.
    ~waiting_line() {
        waiter self(0);
        {
            const std::lock_guard lock(mutex_);
            if (in_charge()) collect();
            if (visits_due_ == 0) return;
            leaver_ = &self;
        }
        self.parker.wait(static_cast<std::uint32_t>(word_to_waiter::wait));
    }

    /// Never waits: admitted, full or over_capacity.
    turn take(std::uint64_t n) noexcept {
        const taking got = permits_.take(n);
        if (got == taking::taken) return turn::admitted;
        // One permit is never more than the capacity.
        if (got == taking::full && n == 1) return turn::full;
        return take_from_few(n);
    }

    void give_back(std::uint64_t n) noexcept {
        if (permits_.give_back(n)) hand_over_after(n);
    }

    /// After take() said full: admitted, waits, queue_full or over_capacity.
    [[gnu::noinline]] turn join(waiter& w) {
        if (max_waiting_ == 0) return turn::queue_full;
        const std::lock_guard lock(mutex_);
        if (w.weight > capacity_now()) return turn::over_capacity;
        if (!in_charge()) {
            if (!close_without(w.weight)) return turn::admitted;
            charge(1);
        }
        if (in_line_ == max_waiting_) return turn::queue_full;
        push(w);
        set_waiting(in_line_);
        return turn::waits;
    }

    /// For who has joined: sleeps until told the outcome. `sleep(parker)` waits until the word of the parker is no
    /// longer `wait` and returns it, or returns `wait` when the time is up; what it throws goes on. Admitted,
    /// over_capacity, timed_out or stopped; nobody knows of the waiter afterwards.
    template <class Sleep>
    turn await(waiter& w, Sleep sleep) {
        std::uint32_t seen = 0;
        BULWARK_TRY {
            seen = sleep(w.parker);
        }
        BULWARK_CATCH_ALL {
            if (!leave(w) && last_word(w, seen) == turn::admitted) give_back(w.weight);
            BULWARK_RETHROW;
        }
        const auto word = static_cast<word_to_waiter>(seen);
        if (word == word_to_waiter::wait || word == word_to_waiter::leave) {
            if (leave(w)) return word == word_to_waiter::wait ? turn::timed_out : turn::stopped;
        }
        return last_word(w, seen);
    }

    /// For who has joined: out of the line, unless somebody else took it off before; then its last word is on its way.
    [[gnu::noinline]] bool leave(waiter& w) {
        waiter* told = nullptr;
        if (!step_out(w, told)) return false;
        tell(told);
        return true;
    }

    /// The same, for a caller with a lock of its own: tells nobody yet. Those in `told` are off the line and wait for
    /// tell().
    bool step_out(waiter& w, waiter*& told) {
        const std::lock_guard lock(mutex_);
        if (!w.in_line) return false;
        unlink(w);
        told = hand_over();
        return true;
    }

    /// The waiters are off the line. Each may be gone as soon as it is told.
    static void tell(waiter* told) noexcept {
        while (told != nullptr) {
            waiter& w = *told;
            told = w.next;
            if (w.call != nullptr) {
                w.call(w);
            } else {
                w.parker.finish(static_cast<std::uint32_t>(w.last));
            }
        }
    }

    /// Waits for the last word, which is on its way. `seen` is what the parker said before.
    turn last_word(waiter& w, std::uint32_t seen) {
        while (seen < static_cast<std::uint32_t>(word_to_waiter::admitted)) seen = w.parker.wait(seen);
        return static_cast<word_to_waiter>(seen) == word_to_waiter::admitted ? turn::admitted : turn::over_capacity;
    }

    [[gnu::noinline]] void resize(std::uint64_t capacity) {
        waiter* told = nullptr;
        {
            const std::lock_guard lock(mutex_);
            const std::uint64_t before = capacity_now();
            // A capacity is seen only while it holds: a smaller one before the permits go, a greater one after they
            // came. Who is refused looks at it afterwards.
            if (capacity < before) set_capacity(capacity);
            told = capacity < before ? shrink(before - capacity) : grow(capacity - before);
            if (capacity > before) set_capacity(capacity);
        }
        tell(told);
    }

    std::uint64_t capacity() const noexcept {
        // (11) acquire: synchronizes with the release (11) in set_capacity().
        return capacity_.load(memory_order_acquire);
    }
    std::uint32_t waiting() const noexcept {
        // (10) acquire: synchronizes with the release (10) in set_waiting().
        return waiting_.load(memory_order_acquire);
    }

    struct figures {
        std::uint64_t capacity;
        std::uint64_t in_use;
        std::uint64_t waiting;
    };
    /// With one stripe of one instant.
    figures look() const {
        const std::lock_guard lock(mutex_);
        return {capacity_now(), in_charge() ? capacity_now() - static_cast<std::uint64_t>(pot_) : in_use_of_open(),
                in_line_};
    }
    /// Exact with one stripe while nobody resizes, or nobody is at work; takes the lock only while the line is in
    /// charge.
    std::uint64_t in_use() const {
        const stripes_read seen = permits_.look();
        return seen.closed != 0 ? look().in_use : capacity() - std::min(seen.free, capacity());
    }

private:
    using count_word = typename Traits::template atomic<std::uint32_t>;

    // Only who has the lock writes the four below, so that it reads what was written last.

    bool in_charge() const noexcept {
        // relaxed: see above; in take_from_few(), who sees a stripe closed by edge (7) sees what was said before that.
        return in_charge_.load(memory_order_relaxed) != 0;
    }
    void charge(std::uint32_t whether) noexcept {
        // relaxed: see in_charge().
        in_charge_.store(whether, memory_order_relaxed);
    }
    std::uint64_t capacity_now() const noexcept {
        // relaxed: under the lock.
        return capacity_.load(memory_order_relaxed);
    }
    void set_capacity(std::uint64_t capacity) noexcept {
        // (11) release: synchronizes with the acquire (11) in capacity(): who sees a greater capacity finds its
        // permits.
        capacity_.store(capacity, memory_order_release);
    }
    std::uint32_t waiting_now() const noexcept {
        // relaxed: under the lock.
        return waiting_.load(memory_order_relaxed);
    }
    void set_waiting(std::uint32_t count) noexcept {
        // (10) release: synchronizes with the acquire (10) in waiting().
        waiting_.store(count, memory_order_release);
    }

    /// Not taken at once: is that for good, and why?
    [[gnu::noinline]] turn take_from_few(std::uint64_t n) noexcept {
        for (;;) {
            if (n > capacity()) {
                const std::lock_guard lock(mutex_);
                if (n > capacity_now()) return turn::over_capacity;
            }
            const taking got = permits_.take(n);
            if (got == taking::taken) return turn::admitted;
            // The capacity before and after: so it was no less when too few were free.
            if (n > capacity()) continue;
            return got == taking::full || in_charge() ? turn::full : gather(n);
        }
    }

    /// All stripes together.
    turn gather(std::uint64_t n) noexcept {
        const std::lock_guard lock(mutex_);
        if (n > capacity_now()) return turn::over_capacity;
        if (in_charge()) return turn::full;
        if (!close_without(n)) return turn::admitted;
        open();
        return turn::full;
    }

    /// False: n permits were taken and the stripes are open. True: they are closed, and the pot has less than n.
    bool close_without(std::uint64_t n) noexcept {
        std::uint64_t found = 0;
        if (permits_.take_or_close(n, found)) return false;
        pot_ = static_cast<std::int64_t>(found);
        if (found < n) return true;
        pot_ -= static_cast<std::int64_t>(n);
        open();
        return false;
    }

    void open() noexcept {
        charge(0);
        visits_due_ += permits_.open(static_cast<std::uint64_t>(std::exchange(pot_, 0)));
    }

    void collect() noexcept {
        const std::uint64_t found = permits_.collect();
        pot_ += static_cast<std::int64_t>(found);
        visits_due_ += found;
    }

    /// In charge: lets the first go as long as they fit, and opens where nobody is left. Returns whom to tell.
    waiter* hand_over(waiter* told = nullptr) noexcept {
        collect();
        waiter** end = &told;
        while (*end != nullptr) end = &(*end)->next;
        while (first_ != nullptr && pot_ >= static_cast<std::int64_t>(first_->weight)) {
            waiter& w = *first_;
            pot_ -= static_cast<std::int64_t>(w.weight);
            unlink(w);
            w.last = word_to_waiter::admitted;
            *end = &w;
            end = &w.next;
        }
        if (first_ == nullptr && pot_ >= 0) open();
        // After the opening: who sees that nobody waits finds the stripes open.
        if (in_line_ != waiting_now()) set_waiting(in_line_);
        return told;
    }

    /// Who gave n permits back to a closed stripe.
    [[gnu::noinline]] void hand_over_after(std::uint64_t n) noexcept {
        waiter* told = nullptr;
        waiter* leaver = nullptr;
        {
            const std::lock_guard lock(mutex_);
            visits_due_ -= n;
            // Not in charge: the stripes were opened with these permits in them.
            if (in_charge()) told = hand_over();
            if (visits_due_ == 0) leaver = leaver_;
        }
        // The line may be gone from here on: whoever was told may end it.
        tell(told);
        if (leaver != nullptr) leaver->parker.finish(static_cast<std::uint32_t>(word_to_waiter::leave));
    }

    waiter* grow(std::uint64_t by) noexcept {
        if (in_charge()) {
            pot_ += static_cast<std::int64_t>(by);
            return hand_over();
        }
        if (!permits_.striped()) {
            permits_.grow(by);
        } else {
            std::uint64_t found = 0;
            permits_.take_or_close(by, found);
            pot_ = static_cast<std::int64_t>(found + by);
            open();
        }
        return nullptr;
    }

    /// The capacity has been set.
    waiter* shrink(std::uint64_t by) noexcept {
        if (in_charge()) {
            pot_ -= static_cast<std::int64_t>(by);
            return hand_over(turn_away());
        }
        if (close_without(by)) {
            pot_ -= static_cast<std::int64_t>(by);
            charge(1);
        }
        return nullptr;
    }

    /// Those who ask for more than there is now.
    waiter* turn_away() noexcept {
        waiter* told = nullptr;
        for (waiter* at = first_; at != nullptr;) {
            waiter& w = *std::exchange(at, at->next);
            if (w.weight <= capacity_now()) continue;
            unlink(w);
            w.last = word_to_waiter::over_capacity;
            w.next = std::exchange(told, &w);
        }
        return told;
    }

    void push(waiter& w) noexcept {
        w.in_line = true;
        w.previous = last_;
        (last_ == nullptr ? first_ : last_->next) = &w;
        last_ = &w;
        ++in_line_;
    }

    void unlink(waiter& w) noexcept {
        (w.previous == nullptr ? first_ : w.previous->next) = w.next;
        (w.next == nullptr ? last_ : w.next->previous) = w.previous;
        w.next = w.previous = nullptr;
        w.in_line = false;
        --in_line_;
    }

    std::uint64_t in_use_of_open() const noexcept {
        const std::uint64_t capacity = capacity_now();
        return capacity - std::min(permits_.look().free, capacity);
    }

    permit_counter<Traits, Word> permits_;

    alignas(64) mutable typename Traits::mutex mutex_;
    const std::uint32_t max_waiting_;
    // Under the lock; the atomic ones are read without it too.
    waiter* first_ = nullptr;
    waiter* last_ = nullptr;
    std::uint32_t in_line_ = 0;
    std::int64_t pot_ = 0;
    std::uint64_t visits_due_ = 0;  ///< modulo 2^64: a visit may come before its permits are collected
    waiter* leaver_ = nullptr;      ///< the destructor, which waits for the last visit
    alignas(64) typename Traits::template atomic<std::uint64_t> capacity_;
    count_word waiting_;
    count_word in_charge_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
