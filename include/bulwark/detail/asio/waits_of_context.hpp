// The waits whose handlers belong to an execution context: where the context ends, they leave their lines, and give
// back what they were granted meanwhile. A service of the context, made at its first wait.
//
// A permit may come to a waiter at any time, in the thread of whoever gives it back, which knows nothing of contexts.
// So a granted wait is posted to its context through here: either the context has not begun to end, then it does not
// get further before the posting is done; or it has, then nothing is posted, and the context's end finishes the wait.
//
// Invariants, whenever the lock is free
//  - In the list stand those waits that nobody has ended, and those whose ending is on its way. Who ends one takes it
//  out
//    first, by come_out(), and nobody else does; but the end of the context takes all.
//  - `posting_` is the number of those that are out and not yet posted; the context does not end before it is 0.
//
// Progress: blocking for a few steps. The end of a context waits for tellers that are on their way.
#pragma once

#include <bulwark/version.hpp>

#include <boost/asio/execution_context.hpp>

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace bulwark::inline BULWARK_ABI::detail {

class waits_of_context : public boost::asio::execution_context::service {
public:
    using key_type = waits_of_context;
    static inline boost::asio::execution_context::id id;

    /// A base of each wait.
    class wait {
    public:
        wait(const wait&) = delete;
        wait& operator=(const wait&) = delete;

    protected:
        wait() = default;
        ~wait() = default;

    private:
        friend waits_of_context;

        /// Out of the line, unless somebody else ends the wait and is on the way to come_out().
        virtual bool give_up() noexcept = 0;
        /// The end of the wait and of what it holds; its handler is not called.
        virtual void drop() noexcept = 0;

        wait* next_ = nullptr;
        wait* previous_ = nullptr;
        bool ended_ = false;
    };

    explicit waits_of_context(boost::asio::execution_context& owner) : service(owner) {}

    /// False: the context is about to end.
    bool put_in(wait& w) {
        const std::lock_guard lock(mutex_);
        if (ending_) return false;
        w.next_ = first_;
        if (first_ != nullptr) first_->previous_ = &w;
        first_ = &w;
        return true;
    }

    /// For who has ended the wait: true, and posted() is to follow; or the context is about to end, and the wait is not
    /// the caller's any more.
    bool come_out(wait& w) {
        const std::lock_guard lock(mutex_);
        if (ending_) {
            w.ended_ = true;
            changed_.notify_all();
            return false;
        }
        unlink(w);
        ++posting_;
        return true;
    }
    void posted() {
        const std::lock_guard lock(mutex_);
        --posting_;
        // With the lock held: the context may go as soon as it is free.
        if (ending_) changed_.notify_all();
    }

private:
    void unlink(wait& w) noexcept {
        (w.previous_ == nullptr ? first_ : w.previous_->next_) = w.next_;
        if (w.next_ != nullptr) w.next_->previous_ = w.previous_;
    }

    void shutdown() override {
        std::unique_lock lock(mutex_);
        ending_ = true;
        while (first_ != nullptr) {
            wait& w = *first_;
            unlink(w);
            lock.unlock();
            const bool left = w.give_up();
            lock.lock();
            if (!left) changed_.wait(lock, [&] { return w.ended_; });
            lock.unlock();
            w.drop();
            lock.lock();
        }
        changed_.wait(lock, [&] { return posting_ == 0; });
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    wait* first_ = nullptr;
    std::uint32_t posting_ = 0;
    bool ending_ = false;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
