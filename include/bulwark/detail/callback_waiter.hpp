// A waiter in the line of a bulkhead for whom no thread sleeps: it is told its outcome by a call. And what those have
// in hand who may end its wait before: a timer, a cancellation, each on whatever thread.
//
// Each wait is ended by exactly one: by the teller, who calls the function that the waiter was made with, or by the one
// whose leave() is answered with the waiter. Who ends it completes it, alone: it may end the waiter's life, once it has
// seen to it by let_go() that nobody else comes to it.
//
// Invariants
//  - The lock of a departure is held while its waiter joins, so that nobody asks the waiter to leave before it is
//  there,
//    and nobody is told of it, by let_go(), before the one who put it there has let it alone.
//  - The lock of a line may be taken with that of a departure held, never the other way round: nobody is told with one
//    of either held.
//
// Progress: blocking for a few steps. Synchronizing edges: those of the two locks; the outcome comes to the function in
// the teller's thread.
#pragma once

#include <bulwark/detail/traits.hpp>
#include <bulwark/detail/waiting_line.hpp>
#include <bulwark/version.hpp>

#include <cstdint>
#include <mutex>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

template <class Traits, class Word>
class departure;

template <class Traits, class Word>
class callback_waiter : public waiter<Traits> {
public:
    using line_type = waiting_line<Traits, Word>;
    /// In the teller's thread, with nothing held; the waiter is off the line and nobody's but this one's.
    using callback = void (*)(callback_waiter&) noexcept;

    callback_waiter(line_type& line, std::uint64_t n, callback done) noexcept
        : waiter<Traits>(n, &hear), line_(&line), done_(done) {}

    /// After take() said full. Where it says `waits`, the waiter may have been told when this returns, or be gone.
    turn join() {
        outcome_ = turn::waits;
        const turn got = line_->join(*this);
        if (got != turn::waits) outcome_ = got;
        return got;
    }

    /// For the one who ended the wait.
    turn outcome() const noexcept { return outcome_; }
    void set_outcome(turn got) noexcept { outcome_ = got; }

    /// Where nobody else may end the wait but the teller: true, and it is ended; or the teller is on its way.
    bool leave(turn why) {
        if (!line_->leave(*this)) return false;
        outcome_ = why;
        return true;
    }

private:
    friend departure<Traits, Word>;

    static void hear(waiter<Traits>& w) noexcept {
        auto& self = static_cast<callback_waiter&>(w);
        self.outcome_ = self.last == word_to_waiter::admitted ? turn::admitted : turn::over_capacity;
        self.done_(self);
    }

    line_type* const line_;
    const callback done_;
    turn outcome_ = turn::waits;
};

/// Shared by all who may ask one waiter to leave; may outlive it, and the line.
template <class Traits, class Word>
class departure {
public:
    using waiter = callback_waiter<Traits, Word>;

    explicit departure(waiter& w) noexcept : waiter_(&w) {}

    /// `start` is called with the lock held, and joins.
    template <class Start>
    auto begin(Start start) {
        const std::lock_guard lock(mutex_);
        return start();
    }

    /// The waiter, where the caller has ended its wait and is to complete it; null where another has, or will.
    waiter* leave(turn why) {
        detail::waiter<Traits>* others = nullptr;
        waiter* self = nullptr;
        {
            const std::lock_guard lock(mutex_);
            if (waiter_ == nullptr || !waiter_->line_->step_out(*waiter_, others)) return nullptr;
            self = std::exchange(waiter_, nullptr);
        }
        self->outcome_ = why;
        waiter::line_type::tell(others);
        return self;
    }

    /// When this returns nobody comes to the waiter through here any more.
    void let_go() {
        const std::lock_guard lock(mutex_);
        waiter_ = nullptr;
    }

private:
    typename Traits::mutex mutex_;
    waiter* waiter_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
