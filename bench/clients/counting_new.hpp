#pragma once

#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <new>

/** @file
    Replaces operator new and aligned_alloc by ones that count. Included by one source of a program, which has one thread. */

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
// Asio gets its handlers and frames of coroutines from it.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size)
{
    return regolo::bench::counted(::memalign(alignment, size));
}
void* operator new(std::size_t size, std::align_val_t alignment)
{
    return regolo::bench::counted(::memalign(static_cast<std::size_t>(alignment), size));
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete[](void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
void operator delete[](void* place, std::size_t) noexcept { std::free(place); }
void operator delete(void* place, std::align_val_t) noexcept { std::free(place); }
void operator delete(void* place, std::size_t, std::align_val_t) noexcept { std::free(place); }
// NOLINTEND
