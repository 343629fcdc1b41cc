// One call that is made on a pool, in one attempt or several, while its caller waits: for an answer, for the time to be
// over, or to be asked to stop. Whatever comes first; the rest is told to stop, and what it still brings is dropped.
//
// Owned by the caller and by every attempt together (std::shared_ptr): none of them needs any other to live.
//
// Who wins is said under one mutex, so that there is nothing to race for: an attempt that ends finds the call over, or
// puts down its answer; a caller who leaves finds an answer, or makes the call over. An attempt that has not begun when
// the call is over never begins.
//
// Progress: blocking, for a few steps. Nothing of the user's runs with the mutex held, and nothing that may throw: the
// answers lie in memory of their own, and pointers change hands.
//
// What need not be a template is none, and in lib/race.cpp: these calls are dear anyway, and quickly compiled so.
#pragma once

#include <bulwark/deadline.hpp>
#include <bulwark/detail/background.hpp>
#include <bulwark/detail/timed_wait.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/thread_pool_bulkhead.hpp>
#include <bulwark/version.hpp>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

/// What an attempt came to: a reply, or what was thrown.
class attempt_answer {
public:
    attempt_answer() = default;
    attempt_answer(const attempt_answer&) = delete;
    attempt_answer& operator=(const attempt_answer&) = delete;
    virtual ~attempt_answer() = default;

    bool failed() const noexcept { return judged == outcome::failure; }
    /// By a layer inside: an error that says nothing of the service.
    bool refused() const noexcept { return is_error && !failed(); }

    std::exception_ptr thrown;
    outcome judged = outcome::failure;  ///< as it is where something was thrown
    bool is_error = false;
};

template <class Reply>
class answer_of final : public attempt_answer {
public:
    static Reply take(std::unique_ptr<attempt_answer> answer) {
        if (answer->thrown) std::rethrow_exception(std::exchange(answer->thrown, nullptr));
        return *std::move(static_cast<answer_of&>(*answer).reply);
    }

    std::optional<Reply> reply;
};

/// What the caller finds when it wakes.
enum class race_news : std::uint8_t {
    won,        ///< an attempt has the answer
    out,        ///< no attempt is under way any more, and none has won
    setback,    ///< an attempt has failed that the caller had not heard of; others are under way
    begun,      ///< none is in the queue any more
    stopped,    ///< the caller was asked to stop
    time_over,  ///< the time that it wanted to wait
};

enum class race_ends : std::uint8_t {
    with_any_answer,
    with_no_failure,  ///< the first answer that is neither a failure nor a refusal wins
};

class race {
public:
    explicit race(race_ends ends) : any_(ends == race_ends::with_any_answer) {}

    std::stop_token stop_token() const noexcept { return stop_.get_token(); }
    bool any() const noexcept { return any_; }

    // For the attempts.

    void enter() noexcept;
    /// False: it is not to be made any more.
    bool begin() noexcept;
    /// Did not begin.
    void drop() noexcept;
    /// False: nobody wants the answer any more, or it came after the deadline. Otherwise it may be exchanged for one
    /// that nobody wants any more.
    bool end(std::unique_ptr<attempt_answer>& came, std::uint32_t attempt, bool late) noexcept;

    // For the caller.

    /// He was asked to stop.
    void note_stop() noexcept;

    /// `heard`: of how many setbacks the caller knows. `for_beginning`: it waits for the queue.
    template <class Clock>
    race_news wait(basic_deadline<Clock> until, std::uint32_t heard, bool for_beginning = false) {
        std::unique_lock lock(mutex_);
        wants_beginning_ = for_beginning;
        for (;;) {
            if (const std::optional<race_news> there = news(heard)) return *there;
            if (until.expired()) return race_news::time_over;
            sleep_until(changed_, lock, until);
        }
    }

    /// A layer inside has refused an attempt: there is no use in another.
    bool refused() const noexcept;
    /// An attempt has not begun yet.
    bool queued() const noexcept;

    struct ending {
        std::unique_ptr<attempt_answer> last;  ///< nothing: no attempt has come to an end
        bool won;
        bool begun;
        std::uint32_t winner;
    };

    /// The caller has what it wants, or wants no more. What is under way is asked to stop.
    ending leave() noexcept;

private:
    std::optional<race_news> news(std::uint32_t heard) const noexcept;

    const bool any_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;  ///< for the caller
    std::stop_source stop_;
    std::unique_ptr<attempt_answer> answer_;
    std::uint32_t under_way_ = 0;
    std::uint32_t queued_ = 0;  ///< of those
    std::uint32_t setbacks_ = 0;
    std::uint32_t winner_ = 0;
    bool wants_beginning_ = false;
    bool begun_ = false;
    bool refused_ = false;
    bool late_ = false;  ///< the deadline has passed, as an attempt saw when it ended
    bool stopped_ = false;
    bool won_ = false;
    bool over_ = false;
};

/// An attempt, as it lies in the queue of a pool. Owns all that it needs but the layers inside, which its stay in the
/// background keeps.
class race_attempt {
public:
    race_attempt(std::shared_ptr<background> calls, std::shared_ptr<race> race, std::uint32_t number);
    race_attempt(const race_attempt&) = delete;
    race_attempt& operator=(const race_attempt&) = delete;
    virtual ~race_attempt();

    void run() noexcept;

private:
    virtual void call(bool judge) = 0;
    virtual bool is_late() const = 0;
    virtual std::unique_ptr<attempt_answer> take_answer() noexcept = 0;

    const background::stay stay_;  // first, so that it ends last
    const std::shared_ptr<race> race_;
    const std::uint32_t number_;
    bool begun_ = false;
};

template <class Reply, class Chain, class Context>
class attempt_of final : public race_attempt {
public:
    attempt_of(std::shared_ptr<background> calls, std::shared_ptr<race> of, std::uint32_t number, Chain chain,
               const Context& context)
        : race_attempt(std::move(calls), std::move(of), number),
          chain_(std::move(chain)),
          context_(context),
          answer_(std::make_unique<answer_of<Reply>>()) {}

private:
    void call(bool judge) override {
        answer_->reply.emplace(chain_(context_));
        answer_->is_error = !answer_->reply->has_value();
        if (judge) answer_->judged = chain_.outcome_of(*answer_->reply);
    }
    bool is_late() const override { return context_.deadline().expired(); }
    std::unique_ptr<attempt_answer> take_answer() noexcept override { return std::move(answer_); }

    Chain chain_;
    const Context context_;
    std::unique_ptr<answer_of<Reply>> answer_;
};

/// The caller's end of a race, in the frame of its call.
class race_caller {
public:
    race_caller(race_ends ends, const std::stop_token& outer);
    race_caller(const race_caller&) = delete;
    race_caller& operator=(const race_caller&) = delete;
    ~race_caller() { race_->leave(); }

    race* operator->() const noexcept { return race_.get(); }

    /// Puts an attempt on the pool. Throws what the copying of the function does, and std::bad_alloc; then, and where
    /// it is refused, no attempt is under way.
    template <class Context, class Next>
    result<std::future<void>> attempt(thread_pool_bulkhead& pool, const std::shared_ptr<background>& calls,
                                      const Next& next, const Context& context, std::uint32_t number) {
        using of_call = attempt_of<typename Next::reply, decltype(next.detach()), Context>;
        return submit(pool, std::make_unique<of_call>(calls, race_, number, next.detach(),
                                                      context.stopped_by(race_->stop_token())));
    }

private:
    struct note {
        race* told;
        void operator()() const noexcept { told->note_stop(); }
    };

    static result<std::future<void>> submit(thread_pool_bulkhead& pool, std::unique_ptr<race_attempt> attempt);

    const std::shared_ptr<race> race_;
    const std::stop_callback<note> wake_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
