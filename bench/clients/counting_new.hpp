#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

/** @file
    Replaces operator new by one that counts. Included by one source of a program, which has one thread. */

namespace regolo::bench {

inline std::uint64_t news = 0;

inline void* counted(void* place)
{
    ++news;
    if (place == nullptr)
        throw std::bad_alloc();
    return place;
}

}  // namespace regolo::bench

// NOLINTBEGIN
void* operator new(std::size_t size)
{
    return regolo::bench::counted(std::malloc(size == 0 ? 1 : size));
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, std::align_val_t alignment)
{
    const auto step = static_cast<std::size_t>(alignment);
    return regolo::bench::counted(std::aligned_alloc(step, (size + step - 1) / step * step));
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete[](void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
void operator delete[](void* place, std::size_t) noexcept { std::free(place); }
void operator delete(void* place, std::align_val_t) noexcept { std::free(place); }
void operator delete(void* place, std::size_t, std::align_val_t) noexcept { std::free(place); }
// NOLINTEND
