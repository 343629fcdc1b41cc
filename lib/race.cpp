// The steps of a race. Who is told something is woken when the mutex is free again: he needs it first of all.
#include <bulwark/detail/exceptions.hpp>

#if BULWARK_HAS_EXCEPTIONS  // they carry what is thrown; see thread_pool_bulkhead.hpp

#include <bulwark/detail/race.hpp>

#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

void race::enter() noexcept {
    const std::lock_guard lock(mutex_);
    ++under_way_;
    ++queued_;
}

bool race::begin() noexcept {
    bool tells = false;
    {
        const std::lock_guard lock(mutex_);
        if (over_) return false;
        begun_ = true;
        tells = --queued_ == 0 && wants_beginning_;
    }
    if (tells) changed_.notify_one();
    return true;
}

void race::drop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        --under_way_;
        --queued_;
    }
    changed_.notify_one();
}

bool race::end(std::unique_ptr<attempt_answer>& came, std::uint32_t attempt, bool late) noexcept {
    bool losers = false;
    {
        const std::lock_guard lock(mutex_);
        --under_way_;
        if (over_) return false;
        if (late) {
            late_ = true;
        } else if (any_ || !(came->failed() || came->refused())) {
            over_ = won_ = true;
            winner_ = attempt;
            losers = under_way_ != 0;
        } else if (came->refused()) {
            refused_ = true;
        } else {
            ++setbacks_;
        }
        // The last failure says most; a refusal says less, for the service was not asked.
        if (!late && (won_ || came->failed() || !answer_)) answer_.swap(came);
    }
    changed_.notify_one();
    if (losers) stop_.request_stop();
    return !late;
}

void race::note_stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_one();
}

std::optional<race_news> race::news(std::uint32_t heard) const noexcept {
    if (won_) return race_news::won;
    if (stopped_) return race_news::stopped;
    if (late_) return race_news::time_over;
    if (under_way_ == 0) return race_news::out;
    if (setbacks_ > heard) return race_news::setback;
    if (wants_beginning_ && queued_ == 0) return race_news::begun;
    return std::nullopt;
}

bool race::refused() const noexcept {
    const std::lock_guard lock(mutex_);
    return refused_;
}

bool race::queued() const noexcept {
    const std::lock_guard lock(mutex_);
    return queued_ != 0;
}

race::ending race::leave() noexcept {
    std::unique_lock lock(mutex_);
    const bool asks = !std::exchange(over_, true) && under_way_ != 0;
    ending end{.last = std::move(answer_), .won = won_, .begun = begun_, .winner = winner_};
    lock.unlock();
    if (asks) stop_.request_stop();
    return end;
}

race_attempt::race_attempt(std::shared_ptr<background> calls, std::shared_ptr<race> race, std::uint32_t number)
    : stay_(std::move(calls)), race_(std::move(race)), number_(number) {
    race_->enter();
}

race_attempt::~race_attempt() {
    if (!begun_) race_->drop();
}

void race_attempt::run() noexcept {
    if (!race_->begin()) {
        (*stay_).add_skipped();
        return;
    }
    begun_ = true;
    std::exception_ptr thrown;
    bool late = false;
    try {
        call(!race_->any());
        late = is_late();
    } catch (...) {
        thrown = std::current_exception();
    }
    // Not in the handler: when the caller has the exception nobody else refers to it.
    std::unique_ptr<attempt_answer> answer = take_answer();
    if (thrown) {
        answer->judged = outcome::failure;
        answer->thrown = std::move(thrown);
    }
    if (!race_->end(answer, number_, late)) (*stay_).add_late();
}

race_caller::race_caller(race_ends ends, const std::stop_token& outer)
    : race_(std::make_shared<race>(ends)), wake_(outer, note{race_.get()}) {}

// Here, so that the pool's task is compiled once for all calls.
result<std::future<void>> race_caller::submit(thread_pool_bulkhead& pool, std::unique_ptr<race_attempt> attempt) {
    return pool.submit([attempt = std::move(attempt)] { attempt->run(); });
}

}  // namespace bulwark::inline BULWARK_ABI::detail

#endif
