// The calls that a layer has put on a pool, seen from the layer: it waits for the last of them before it goes, because
// they call what stands inside it. And how those ended whose callers had left.
//
// Progress: blocking, for a few steps; a mutex.
#pragma once

#include <bulwark/version.hpp>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

class background {
public:
    /// One call's part in it.
    class stay {
    public:
        explicit stay(std::shared_ptr<background> where) : where_(std::move(where)) { where_->come(); }
        stay(const stay&) = delete;
        stay& operator=(const stay&) = delete;
        ~stay() { where_->go(); }

        background& operator*() const noexcept { return *where_; }

    private:
        const std::shared_ptr<background> where_;
    };

    struct figures {
        std::uint64_t under_way = 0;  ///< queued or running
        std::uint64_t late = 0;
        std::uint64_t skipped = 0;
    };

    void add_late() noexcept {
        const std::lock_guard lock(mutex_);
        ++seen_.late;
    }
    void add_skipped() noexcept {
        const std::lock_guard lock(mutex_);
        ++seen_.skipped;
    }

    figures seen() const noexcept {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

    /// Until none is under way.
    void wait() noexcept {
        std::unique_lock lock(mutex_);
        empty_.wait(lock, [&] { return seen_.under_way == 0; });
    }

private:
    void come() noexcept {
        const std::lock_guard lock(mutex_);
        ++seen_.under_way;
    }
    void go() noexcept {
        {
            const std::lock_guard lock(mutex_);
            if (--seen_.under_way != 0) return;
        }
        empty_.notify_all();  // this is the call's too, and lives until it has gone
    }

    mutable std::mutex mutex_;
    std::condition_variable empty_;
    figures seen_;
};

/// The layer's end of it.
class background_owner {
public:
    background_owner() : calls_(std::make_shared<background>()) {}
    background_owner(background_owner&&) noexcept = default;
    background_owner& operator=(background_owner&&) = delete;
    ~background_owner() {
        if (calls_) calls_->wait();
    }

    const std::shared_ptr<background>& all() const noexcept { return calls_; }

private:
    std::shared_ptr<background> calls_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
