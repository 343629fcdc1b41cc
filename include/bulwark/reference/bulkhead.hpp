// The bulkhead behind one std::mutex: the specification of bulwark::bulkhead, and a drop-in to compare it with.
//
// Thread safety: as bulwark::bulkhead. Progress: every member is blocking.
#pragma once

#include <bulwark/bulkhead_config.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>

#include <cstdint>
#include <functional>
#include <mutex>
#include <type_traits>
#include <utility>

namespace bulwark::reference {

class bulkhead {
public:
    class slot {
    public:
        slot(slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
        slot& operator=(slot&& other) noexcept {
            slot taken(std::move(other));
            std::swap(owner_, taken.owner_);
            return *this;
        }
        ~slot() {
            if (owner_ != nullptr) owner_->give_back();
        }

    private:
        friend bulkhead;
        explicit slot(bulkhead& owner) : owner_(&owner) {}

        bulkhead* owner_;
    };

    explicit bulkhead(const bulkhead_config& config) : capacity_((validate(config), config.max_concurrent)) {}

    bulkhead(const bulkhead&) = delete;
    bulkhead& operator=(const bulkhead&) = delete;

    [[nodiscard]] result<slot> try_acquire() {
        const std::lock_guard lock(mutex_);
        if (in_use_ == capacity_) return errc::bulkhead_full;
        ++in_use_;
        return slot(*this);
    }

    template <class F>
        requires std::invocable<F>
    execute_result<F> execute(F&& fn) {
        const result<slot> held = try_acquire();
        if (!held) return {boost::system::in_place_error, held.error()};
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            std::invoke(std::forward<F>(fn));
            return {boost::system::in_place_value};
        } else {
            return {boost::system::in_place_value, std::invoke(std::forward<F>(fn))};
        }
    }

    std::uint32_t capacity() const { return capacity_; }
    std::uint32_t in_use() const {
        const std::lock_guard lock(mutex_);
        return in_use_;
    }
    std::uint32_t available() const { return capacity_ - in_use(); }

private:
    void give_back() {
        const std::lock_guard lock(mutex_);
        --in_use_;
    }

    const std::uint32_t capacity_;
    mutable std::mutex mutex_;
    std::uint32_t in_use_ = 0;
};

using slot = bulkhead::slot;

}  // namespace bulwark::reference
