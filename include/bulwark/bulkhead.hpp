// The bulkhead: so many calls at once and no more, so that one slow service cannot take every thread.
//
//     bulwark::bulkhead pool{{.max_concurrent = 50}};
//     auto rows = pool.execute([&] { return query(); });   // or errc::bulkhead_full, at once
//
// Thread safety: every member may be called from any thread at any time; construction and destruction excepted. The
// bulkhead must outlive its slots.
// Progress: try_acquire and execute are lock-free, giving a slot back and the observers are wait-free.
// Cost: a compare-and-swap to take a permit, an addition to give it back, one load to be refused (striped: two loads a
// stripe). No allocation once the bulkhead is built.
//
// The algorithm is in detail/permit_counter.hpp; this file gives it lifetimes.
#pragma once

#include <bulwark/bulkhead_config.hpp>
#include <bulwark/detail/permit_counter.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

namespace bulwark {

class bulkhead {
public:
    class slot;

    /// Throws std::invalid_argument that names the field of a configuration that makes no sense.
    explicit bulkhead(const bulkhead_config& config)
        : capacity_((validate(config), config.max_concurrent)), permits_(capacity_, stripes_of(config)) {}

    bulkhead(const bulkhead&) = delete;
    bulkhead& operator=(const bulkhead&) = delete;

    /// A slot, or errc::bulkhead_full: then every permit was in use at some instant of this call.
    [[nodiscard]] inline result<slot> try_acquire() noexcept;

    /// Calls fn, unless the bulkhead is full. The permit comes back when fn returns or throws; what it throws goes on
    /// to the caller. The result says nothing of success: any value that fn returned is a value here.
    template <class F>
        requires std::invocable<F>
    execute_result<F> execute(F&& fn);

    std::uint32_t capacity() const noexcept { return capacity_; }
    /// Permits in use, and free ones: exact while nobody takes or gives, otherwise figures for people.
    std::uint32_t in_use() const noexcept { return capacity_ - available(); }
    std::uint32_t available() const noexcept { return std::min(permits_.available(), capacity_); }

private:
    const std::uint32_t capacity_;
    detail::permit_counter<detail::default_traits> permits_;
};

/// A permit of a bulkhead; gives it back when destroyed, on whatever thread. Move-only, for one thread at a time.
class bulkhead::slot {
public:
    slot(slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    slot& operator=(slot&& other) noexcept {
        slot taken(std::move(other));
        std::swap(owner_, taken.owner_);
        return *this;
    }
    ~slot() {
        if (owner_ != nullptr) owner_->permits_.give_back();
    }

private:
    friend bulkhead;
    explicit slot(bulkhead& owner) noexcept : owner_(&owner) {}

    bulkhead* owner_;
};

using slot = bulkhead::slot;

inline result<slot> bulkhead::try_acquire() noexcept {
    if (!permits_.try_take()) return {boost::system::in_place_error, errc::bulkhead_full};
    return {boost::system::in_place_value, slot(*this)};
}

template <class F>
    requires std::invocable<F>
execute_result<F> bulkhead::execute(F&& fn) {
    const result<slot> held = try_acquire();
    if (!held) return {boost::system::in_place_error, held.error()};
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
        std::invoke(std::forward<F>(fn));
        return {boost::system::in_place_value};
    } else {
        return {boost::system::in_place_value, std::invoke(std::forward<F>(fn))};
    }
}

}  // namespace bulwark
