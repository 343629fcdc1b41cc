// An asynchronous wait for permits: a waiter in the line of a bulkhead, the handler that is to be called, and whatever
// may end the wait early. One allocation, through the handler's allocator; and one of Asio's recycled blocks where
// there is a deadline or a cancellation slot, for what these have in hand (a departure), which may outlive the
// operation.
//
// The wait is ended by one: the teller, the timer, a cancellation, or the end of the context. Who ends it completes it:
// it posts the operation to the handler's executor, where it makes its answer, frees itself, and calls the handler. An
// operation that is dropped unposted, or in the executor's queue, gives its permits back.
#pragma once

#include <bulwark/deadline.hpp>
#include <bulwark/detail/asio/waits_of_context.hpp>
#include <bulwark/detail/threadless_acquire.hpp>
#include <bulwark/detail/waiting_line.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/version.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/system_executor.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

/// Executors that name their context, be it as a property or as the Networking TS has it. One that does not
/// (any_completion_executor) is trusted to outlive its waits, and the system's timers serve it.
template <class Executor>
concept has_context_property = requires(const Executor& ex) {
    { boost::asio::query(ex, boost::asio::execution::context) } -> std::convertible_to<boost::asio::execution_context&>;
};
template <class Executor>
concept has_context_member = requires(const Executor& ex) {
    { ex.context() } -> std::convertible_to<boost::asio::execution_context&>;
};
template <class Executor>
concept names_context = has_context_property<Executor> || has_context_member<Executor>;

template <class Executor>
waits_of_context* waits_of(const Executor& ex) {
    using boost::asio::use_service;
    if constexpr (has_context_property<Executor>) {
        return &use_service<waits_of_context>(boost::asio::query(ex, boost::asio::execution::context));
    } else if constexpr (has_context_member<Executor>) {
        return &use_service<waits_of_context>(ex.context());
    } else {
        return nullptr;
    }
}

/// Outstanding work of an executor, from here on to the end. (An executor_work_guard takes a strand of an
/// any_io_executor for one of the Networking TS.)
template <class Executor>
auto work_of(const Executor& executor) {
    namespace execution = boost::asio::execution;
    if constexpr (execution::is_executor<Executor>::value) {
        return boost::asio::prefer(executor, execution::outstanding_work.tracked);
    } else {
        return boost::asio::make_work_guard(executor);
    }
}

/// An executor that only dispatches, as any_completion_executor does, is reached by way of the system's.
template <class Executor, class Function>
void post_to(const Executor& executor, Function&& function) {
    namespace execution = boost::asio::execution;
    if constexpr (!execution::is_executor<Executor>::value ||
                  boost::asio::can_require<Executor, execution::blocking_t::never_t>::value) {
        boost::asio::post(executor, std::forward<Function>(function));
    } else {
        boost::asio::post(boost::asio::system_executor(),
                          [executor, function = std::forward<Function>(function)]() mutable {
                              boost::asio::dispatch(executor, std::move(function));
                          });
    }
}

/// What is posted: calls or drops what it holds. It names no executor, so that it is posted to the one given, and as
/// allocator that of the handler.
template <class Operation>
class posted_operation {
public:
    using allocator_type = typename Operation::allocator_type;

    explicit posted_operation(Operation& held) noexcept : held_(&held), allocator_(held.get_allocator()) {}
    posted_operation(posted_operation&& other) noexcept
        : held_(std::exchange(other.held_, nullptr)), allocator_(other.allocator_) {}
    ~posted_operation() {
        if (held_ != nullptr) held_->drop();
    }

    allocator_type get_allocator() const noexcept { return allocator_; }

    void operator()() { std::exchange(held_, nullptr)->call(); }

private:
    Operation* held_;
    allocator_type allocator_;
};

template <class Pool, class Handler>
class wait_operation final : private threadless_acquire<Pool>::waiter, private waits_of_context::wait {
    using acquire = threadless_acquire<Pool>;
    using waiter = typename acquire::waiter;
    using departure = typename acquire::departure;
    using weight_type = typename acquire::weight_type;
    using executor_type = boost::asio::associated_executor_t<Handler>;
    using work = decltype(work_of(std::declval<const executor_type&>()));
    using timer_executor =
        std::conditional_t<names_context<executor_type>, executor_type, boost::asio::system_executor>;
    using timer =
        boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                          boost::asio::wait_traits<std::chrono::steady_clock>, timer_executor>;

public:
    using allocator_type = boost::asio::associated_allocator_t<Handler>;

    /// Too few permits were free. Throws what allocating throws, and then nothing has begun.
    static void start(Pool& from, weight_type n, deadline until, Handler&& handler) {
        acquire::tell_of_too_few(from, n);
        wait_operation& self = make(from, n, handler);
        turn got = turn::timed_out;
        if (!until.expired()) {
            try {
                got = self.begin(until);
            } catch (...) {
                self.free();
                throw;
            }
            if (got == turn::waits) return;  // and may be gone already
            self.began_.reset();
        }
        self.set_outcome(got);
        self.complete();
    }

    allocator_type get_allocator() const noexcept { return boost::asio::get_associated_allocator(handler_); }

    /// On the handler's executor.
    void call() {
        auto answer = settle();
        own_allocator allocator(get_allocator());
        [[maybe_unused]] const work until_called(std::move(work_));
        Handler handler(std::move(handler_));
        free(allocator);
        std::move(handler)(std::move(answer));
    }

    void drop() noexcept override {
        const auto dropped = settle();
        free();
    }

private:
    using own_allocator = typename std::allocator_traits<allocator_type>::template rebind_alloc<wait_operation>;
    using own_traits = std::allocator_traits<own_allocator>;

    /// Who may ask it to leave, and one of them.
    class canceller {
    public:
        explicit canceller(std::shared_ptr<departure> from) noexcept : from_(std::move(from)) {}
        void operator()(boost::asio::cancellation_type_t type) const {
            using boost::asio::cancellation_type;
            // Nothing has happened yet, so that each kind can be kept to.
            constexpr auto any = cancellation_type::terminal | cancellation_type::partial | cancellation_type::total;
            if ((type & any) != cancellation_type::none) end(*from_, turn::stopped);
        }

    private:
        std::shared_ptr<departure> from_;
    };

    wait_operation(Pool& from, weight_type n, Handler& handler)
        : waiter(acquire::line_of(from), n, &told),
          pool_(from),
          weight_(n),
          executor_(boost::asio::get_associated_executor(handler)),
          work_(work_of(executor_)),
          handler_(std::move(handler)) {}

    static wait_operation& make(Pool& from, weight_type n, Handler& handler) {
        own_allocator allocator(boost::asio::get_associated_allocator(handler));
        wait_operation* const place = own_traits::allocate(allocator, 1);
        try {
            return *::new (static_cast<void*>(place)) wait_operation(from, n, handler);
        } catch (...) {
            own_traits::deallocate(allocator, place, 1);
            throw;
        }
    }

    void free() noexcept {
        own_allocator allocator(get_allocator());
        free(allocator);
    }
    void free(own_allocator& allocator) noexcept {
        this->~wait_operation();
        own_traits::deallocate(allocator, this, 1);
    }

    /// Where it says `waits` the operation is not the caller's any more. What may throw comes before the joining.
    turn begin(deadline until) {
        auto slot = boost::asio::get_associated_cancellation_slot(handler_);
        if (!until.is_never() || slot.is_connected()) {
            departure_ = std::allocate_shared<departure>(boost::asio::recycling_allocator<departure>(),
                                                         static_cast<waiter&>(*this));
        }
        if (slot.is_connected()) slot.template emplace<canceller>(departure_);
        waits_ = waits_of(executor_);
        began_ = std::chrono::steady_clock::now();
        // Not from the member: the operation may be gone before the lock is free.
        const std::shared_ptr<departure> held = departure_;
        if (held == nullptr) return enter();
        return held->begin([&] {
            if (!until.is_never()) start_timer(until);
            return enter();
        });
    }

    turn enter() {
        if (waits_ == nullptr || waits_->put_in(*this)) return this->join();
        waits_ = nullptr;
        return turn::stopped;
    }

    void start_timer(deadline until) {
        if constexpr (names_context<executor_type>) {
            timer_.emplace(executor_, until.when());
        } else {
            timer_.emplace(timer_executor(), until.when());
        }
        timer_->async_wait([from = departure_](const boost::system::error_code& error) {
            if (!error) end(*from, turn::timed_out);
        });
    }

    /// Unless it has ended.
    static void end(departure& from, turn why) {
        if (waiter* const ended = from.leave(why)) static_cast<wait_operation*>(ended)->complete();
    }

    /// Nobody is there to whom it could be said that posting has failed: that is the end of the program.
    static void told(waiter& by) noexcept { static_cast<wait_operation&>(by).complete(); }

    void complete() {
        waits_of_context* const waits = waits_;
        if (waits == nullptr) return post();
        if (!waits->come_out(*this)) return;
        const posting under_way{*waits};
        post();
    }

    struct posting {
        waits_of_context& of;
        ~posting() { of.posted(); }
    };

    void post() {
        const executor_type executor = executor_;  // the operation may be gone before this returns
        post_to(executor, posted_operation<wait_operation>(*this));
    }

    bool give_up() noexcept override {
        if (departure_ != nullptr) return departure_->leave(turn::stopped) != nullptr;
        return this->leave(turn::stopped);
    }

    auto settle() noexcept {
        if (departure_ != nullptr) departure_->let_go();
        return began_ ? acquire::answer_after(pool_, weight_, this->outcome(), *began_)
                      : acquire::answer(pool_, weight_, this->outcome());
    }

    Pool& pool_;
    const weight_type weight_;
    const executor_type executor_;
    work work_;
    Handler handler_;
    waits_of_context* waits_ = nullptr;
    std::shared_ptr<departure> departure_;
    std::optional<timer> timer_;
    std::optional<std::chrono::steady_clock::time_point> began_;  ///< to stand in line
};

}  // namespace bulwark::inline BULWARK_ABI::detail
