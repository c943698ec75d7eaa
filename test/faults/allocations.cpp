#include "faults/allocations.hpp"

#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

namespace regolo::test {

namespace {

std::atomic<std::size_t> live{0};
std::size_t countdown = 0;  // to the request that fails; 0: none does
bool reached = false;
thread_local bool is_inside = false;

bool fails_now() noexcept
{
    if (!is_inside || countdown == 0 || --countdown != 0)
        return false;
    reached = true;
    return true;
}

// NOLINTBEGIN: this is operator new and what lies below it

void* counted(void* block) noexcept
{
    if (block != nullptr)
        ++live;
    return block;
}

void* granted(std::size_t size) noexcept { return counted(std::malloc(size == 0 ? 1 : size)); }

void* allocate(std::size_t size) noexcept { return fails_now() ? nullptr : granted(size); }

void* allocate(std::size_t alignment, std::size_t size) noexcept
{
    void* block = nullptr;
    if (fails_now() || ::posix_memalign(&block, alignment, size) != 0)
        return nullptr;
    return counted(block);
}

void release(void* block) noexcept
{
    if (block == nullptr)
        return;
    --live;
    std::free(block);
}

void* or_throw(void* block)
{
    if (block == nullptr)
        throw std::bad_alloc();
    return block;
}

void* openssl_allocate(std::size_t size, const char*, int)
{
    return fails_now() ? nullptr : std::malloc(size);
}

void* openssl_reallocate(void* block, std::size_t size, const char*, int)
{
    return fails_now() ? nullptr : std::realloc(block, size);
}

void openssl_release(void* block, const char*, int) { std::free(block); }

// Before OpenSSL has asked for anything.
[[maybe_unused]] const bool openssl_is_ours =
    CRYPTO_set_mem_functions(&openssl_allocate, &openssl_reallocate, &openssl_release) == 1;

}  // namespace

std::size_t live_blocks() noexcept { return live; }

void failing_allocations::fail_at(std::size_t nth) noexcept
{
    countdown = nth;
    reached = false;
}

bool failing_allocations::was_reached() noexcept { return reached; }

failing_allocations::failing_allocations() noexcept { is_inside = true; }
failing_allocations::~failing_allocations() { is_inside = false; }

granted_allocations::granted_allocations() noexcept : was_inside_(std::exchange(is_inside, false))
{}
granted_allocations::~granted_allocations() { is_inside = was_inside_; }

}  // namespace regolo::test

using regolo::test::allocate;
using regolo::test::granted;
using regolo::test::or_throw;
using regolo::test::release;

void* operator new(std::size_t size) { return or_throw(allocate(size)); }
void* operator new[](std::size_t size) { return or_throw(allocate(size)); }
// Asio's type-erased executors of Boost 1.81 ask this way, and use what they get without looking: it is always granted.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return granted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return granted(size); }
void* operator new(std::size_t size, std::align_val_t alignment)
{
    return or_throw(allocate(static_cast<std::size_t>(alignment), size));
}
void operator delete(void* block) noexcept { release(block); }
void operator delete[](void* block) noexcept { release(block); }
void operator delete(void* block, std::size_t) noexcept { release(block); }
void operator delete[](void* block, std::size_t) noexcept { release(block); }
void operator delete(void* block, std::align_val_t) noexcept { release(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { release(block); }
// NOLINTEND
