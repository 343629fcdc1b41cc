#include <explore/arena.hpp>

#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

std::span<std::byte> left;

/// The next piece of the arena, or nothing.
void* carve(std::size_t size, std::size_t alignment) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(left.data());
    const std::size_t gap = (alignment - at % alignment) % alignment;
    if (left.empty() || gap + size > left.size()) return nullptr;
    std::byte* const piece = left.data() + gap;
    left = left.subspan(gap + size);
    return piece;
}

}  // namespace

namespace explore {

arena::arena(std::span<std::byte> room) noexcept {
    left = room;
}
arena::~arena() {
    left = {};
}

}  // namespace explore

// The world is never destroyed, so that what was carved from it is never deleted.
void* operator new[](std::size_t size, std::align_val_t alignment) {
    const auto to = static_cast<std::size_t>(alignment);
    if (void* const piece = carve(size, to)) return piece;
    void* const memory = std::aligned_alloc(to, (size + to - 1) / to * to);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}
