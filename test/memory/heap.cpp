#include "memory/heap.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <execinfo.h>
#include <malloc.h>
#include <new>
#include <unistd.h>

// The linker gives the calls of malloc() and the like to the functions __wrap_..., see CMakeLists.txt: Asio takes the frames of
// coroutines from there and not from operator new.

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void __real_free(void* place);
}

namespace regolo::test::heap {

namespace {

constexpr std::size_t telling = 8;

thread_local bool is_searching = false;
thread_local bool is_counting = false;
thread_local std::ptrdiff_t live = 0;
thread_local std::ptrdiff_t most = 0;

/// Nothing here may allocate.
std::array<std::array<char, telling>, 64> parts;
std::size_t part_count = 0;
std::size_t hits = 0;

struct trace
{
    std::array<void*, 24> frames;
    int depth = 0;
    std::size_t size = 0;
};
std::array<trace, 8> traces;

bool holds_secret(const void* place, std::size_t size) noexcept
{
    return std::any_of(parts.begin(), parts.begin() + part_count, [&](const auto& part) {
        return memmem(place, size, part.data(), part.size()) != nullptr;
    });
}

void note_hit(std::size_t size) noexcept
{
    if (hits < traces.size())
    {
        auto& here = traces[hits];
        here.depth = backtrace(here.frames.data(), static_cast<int>(here.frames.size()));
        here.size = size;
    }
    ++hits;
}

/// Blocks begin empty, so that what is found in them was written by their owner.
void* begin(void* place) noexcept
{
    if (place == nullptr)
        return nullptr;
    const auto size = malloc_usable_size(place);
    std::memset(place, 0, size);
    if (is_counting)
        most = std::max(most, live += static_cast<std::ptrdiff_t>(size));
    return place;
}

void end(void* place) noexcept
{
    if (place == nullptr)
        return;
    const auto size = malloc_usable_size(place);
    if (is_counting)
        live -= static_cast<std::ptrdiff_t>(size);
    if (is_searching && holds_secret(place, size))
        note_hit(size);
    __real_free(place);
}

void* allocate(std::size_t size) noexcept { return begin(__real_malloc(size == 0 ? 1 : size)); }

void* allocate_aligned(std::size_t alignment, std::size_t size) noexcept
{
    return begin(__real_aligned_alloc(alignment, size));
}

void* allocate_or_throw(std::size_t size)
{
    if (void* place = allocate(size))
        return place;
    throw std::bad_alloc();
}

void* openssl_malloc(std::size_t size, const char*, int) { return allocate(size); }
void openssl_free(void* place, const char*, int) { end(place); }
void* openssl_realloc(void* place, std::size_t size, const char*, int)
{
    void* more = allocate(size);
    if (more != nullptr && place != nullptr)
    {
        std::memcpy(more, place, std::min(size, malloc_usable_size(place)));
        end(place);
    }
    return more;
}

}  // namespace

search::search(std::string_view secret)
{
    part_count = hits = 0;
    for (std::size_t at = 0; at + telling <= secret.size() && part_count < parts.size(); ++at)
        std::copy_n(secret.data() + at, telling, parts[part_count++].begin());
    std::array<void*, 1> first{};
    backtrace(first.data(), 1);  // allocates when it is called for the first time
    is_searching = true;
}

search::~search() { is_searching = false; }

std::size_t search::found() { return hits; }

void search::print()
{
    for (std::size_t i = 0; i < std::min(hits, traces.size()); ++i)
    {
        dprintf(2, "--- a block of %zu bytes\n", traces[i].size);
        backtrace_symbols_fd(traces[i].frames.data(), traces[i].depth, 2);
    }
}

meter::meter()
{
    live = most = 0;
    is_counting = true;
}

meter::~meter() { is_counting = false; }

std::size_t meter::peak() { return static_cast<std::size_t>(most); }
std::size_t meter::now() { return static_cast<std::size_t>(live); }

void include_openssl()
{
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        std::abort();  // too late
}

}  // namespace regolo::test::heap

// NOLINTBEGIN
extern "C" {
void* __wrap_malloc(std::size_t size) { return regolo::test::heap::allocate(size); }
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size)
{
    return regolo::test::heap::allocate_aligned(alignment, size);
}
void __wrap_free(void* place) { regolo::test::heap::end(place); }
}

void* operator new(std::size_t size) { return regolo::test::heap::allocate_or_throw(size); }
void* operator new[](std::size_t size) { return regolo::test::heap::allocate_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    return regolo::test::heap::allocate(size);
}
void operator delete(void* place) noexcept { regolo::test::heap::end(place); }
void operator delete[](void* place) noexcept { regolo::test::heap::end(place); }
void operator delete(void* place, std::size_t) noexcept { regolo::test::heap::end(place); }
void operator delete[](void* place, std::size_t) noexcept { regolo::test::heap::end(place); }
// NOLINTEND
