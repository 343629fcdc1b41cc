// What an allocation is charged, and when that comes back.
#include <bulwark/memory_resource.hpp>

#include <new>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

void* bulkhead_memory_resource::do_allocate(std::size_t bytes, std::size_t alignment) {
    auto charged = budget_->try_acquire(bytes);
    if (!charged) throw std::bad_alloc();
    void* const p = upstream_->allocate(bytes, alignment);
    charged->keep();
    return p;
}

void bulkhead_memory_resource::do_deallocate(void* p, std::size_t bytes, std::size_t alignment) {
    upstream_->deallocate(p, bytes, alignment);
    if (bytes != 0) budget_->line_.give_back(bytes);
}

bool bulkhead_memory_resource::do_is_equal(const std::pmr::memory_resource& other) const noexcept {
    if (this == &other) return true;
    const auto* const same = dynamic_cast<const bulkhead_memory_resource*>(&other);
    return same != nullptr && same->budget_ == budget_ && *same->upstream_ == *upstream_;
}

}  // namespace bulwark::inline BULWARK_ABI
