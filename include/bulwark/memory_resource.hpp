// A std::pmr::memory_resource that charges every allocation against a memory_bulkhead.
//
//     bulwark::memory_bulkhead budget{{.max_bytes = 64 << 20}};
//     bulwark::bulkhead_memory_resource memory(budget);
//     std::pmr::vector<order> orders(&memory);   // std::bad_alloc beyond 64 MiB
//
// It charges the bytes that are asked for, not what the upstream makes of them. An allocation never waits: where the
// bytes are not free, or somebody waits for some, it is std::bad_alloc at once. Several resources may share one
// bulkhead.
//
// Thread safety: as of the upstream, which must be safe to call from several threads where this one is. The bulkhead
// and the upstream must outlive the resource. Cost: a try_acquire() and the upstream's allocation.
//
// In a header although no template, because the bulkhead is one thing in code with exceptions and another in code
// without (detail/exceptions.hpp).
#pragma once

#include <bulwark/detail/exceptions.hpp>
#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/version.hpp>

#include <cstddef>
#include <memory_resource>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

namespace detail {
/// Throws std::bad_alloc. Where the library is compiled without exceptions, it says that on stderr and terminates.
[[noreturn]] void refuse_memory();
}  // namespace detail

class bulkhead_memory_resource final : public std::pmr::memory_resource {
public:
    explicit bulkhead_memory_resource(memory_bulkhead& budget,
                                      std::pmr::memory_resource* upstream = std::pmr::get_default_resource()) noexcept
        : budget_(&budget), upstream_(upstream) {}

    memory_bulkhead& budget() const noexcept { return *budget_; }
    std::pmr::memory_resource* upstream() const noexcept { return upstream_; }

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        auto charged = budget_->try_acquire(bytes);
        if (!charged) detail::refuse_memory();
        void* const p = upstream_->allocate(bytes, alignment);
        charged->keep();
        return p;
    }

    void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
        upstream_->deallocate(p, bytes, alignment);
        if (bytes != 0) budget_->line_.give_back(bytes);
    }

    /// Equal where both charge the same bulkhead, and their upstreams are equal.
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        if (this == &other) return true;
        if (asked_ != nullptr) {
            if (asked_->whom == this) asked_->met = this;
            return false;
        }
        // Is it one of these? There may be no run-time types to ask; so it is asked itself, and one of these is met
        // just above.
        question mine{.whom = &other};
        asked_ = &mine;
        static_cast<void>(other.is_equal(*this));
        asked_ = nullptr;
        return mine.met != nullptr && mine.met->budget_ == budget_ && *mine.met->upstream_ == *upstream_;
    }

    struct question {
        const std::pmr::memory_resource* whom;
        const bulkhead_memory_resource* met = nullptr;
    };
    /// What this thread is asking.
    static inline constinit thread_local question* asked_ = nullptr;

    memory_bulkhead* budget_;
    std::pmr::memory_resource* upstream_;
};

}  // namespace bulwark::inline BULWARK_ABI
