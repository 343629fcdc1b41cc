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
#pragma once

#include <bulwark/memory_bulkhead.hpp>
#include <bulwark/version.hpp>

#include <cstddef>
#include <memory_resource>

namespace bulwark::inline BULWARK_ABI {

class bulkhead_memory_resource final : public std::pmr::memory_resource {
public:
    explicit bulkhead_memory_resource(memory_bulkhead& budget,
                                      std::pmr::memory_resource* upstream = std::pmr::get_default_resource()) noexcept
        : budget_(&budget), upstream_(upstream) {}

    memory_bulkhead& budget() const noexcept { return *budget_; }
    std::pmr::memory_resource* upstream() const noexcept { return upstream_; }

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override;
    /// Equal where both charge the same bulkhead, and their upstreams are equal.
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

    memory_bulkhead* budget_;
    std::pmr::memory_resource* upstream_;
};

}  // namespace bulwark::inline BULWARK_ABI
