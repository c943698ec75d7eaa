#pragma once

#include <cstddef>

/** @file
    The memory of a whole program: what `operator new` and OpenSSL are asked for. Link it once.

    Not in it is what Asio takes for frames of coroutines and for its operations (std::aligned_alloc, from a cache that is mostly
    full): where that fails inside a strand of Boost 1.81, Asio itself calls std::terminate. */

namespace regolo::test {

/// Blocks that are in use.
std::size_t live_blocks() noexcept;

/// The memory that is asked for within its block: one request fails.
class failing_allocations
{
public:
    /// The request number `nth` from now on fails, counted from 1 over all the blocks of such an object that are entered.
    static void fail_at(std::size_t nth) noexcept;
    static void never() noexcept { fail_at(0); }
    /// There was a request of that number.
    [[nodiscard]] static bool was_reached() noexcept;

    failing_allocations() noexcept;
    ~failing_allocations();
    failing_allocations(const failing_allocations&) = delete;
    failing_allocations& operator=(const failing_allocations&) = delete;
};

/// The memory that is asked for within its block is granted, also within a block of the other.
class granted_allocations
{
public:
    granted_allocations() noexcept;
    ~granted_allocations();
    granted_allocations(const granted_allocations&) = delete;
    granted_allocations& operator=(const granted_allocations&) = delete;

private:
    const bool was_inside_;
};

}  // namespace regolo::test
