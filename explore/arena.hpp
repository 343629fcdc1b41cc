// Where the code under test gets over-aligned memory: from the world of the program, because a search puts back the
// world and nothing else. The cells of a breaker hold plain data beside their atomics, and are such memory.
#pragma once

#include <cstddef>
#include <span>

namespace explore {

/// While one of these lives, operator new[] for over-aligned types serves itself from `room`, which gives nothing back.
class arena {
public:
    explicit arena(std::span<std::byte> room) noexcept;
    arena(const arena&) = delete;
    arena& operator=(const arena&) = delete;
    ~arena();
};

}  // namespace explore
