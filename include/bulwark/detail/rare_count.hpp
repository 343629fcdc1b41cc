// How often something happened that happens rarely: a figure for people. Moves with the layer that it belongs to, which
// is done before anybody uses the layer.
//
// Progress: wait-free.
#pragma once

#include <bulwark/detail/atomics.hpp>
#include <bulwark/version.hpp>

#include <cstdint>

namespace bulwark::inline BULWARK_ABI::detail {

class rare_count {
public:
    rare_count() = default;
    rare_count(rare_count&& other) noexcept : n_(other.get()) {}
    rare_count& operator=(rare_count&&) = delete;
    ~rare_count() = default;

    void add_one() noexcept {
        // relaxed: a count, no data is reached through it.
        n_.fetch_add(1, memory_order_relaxed);
    }
    std::uint64_t get() const noexcept {
        // relaxed: as above.
        return n_.load(memory_order_relaxed);
    }

private:
    atomic<std::uint64_t> n_{0};
};

}  // namespace bulwark::inline BULWARK_ABI::detail
