#pragma once

#include "faults/allocations.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <new>
#include <string>

namespace regolo::test {

/// Operations that are made again where they ran out of memory.
class attempts
{
public:
    /// @param each  of each operation the first request for memory fails, then the second and so on until it succeeds;
    ///              otherwise as `failing_allocations::fail_at` says
    explicit attempts(bool each) noexcept : each_(each) {}

    /** Makes the operation until it succeeds, and returns what it returns.
        @param look  gives all that can be seen of the object, which a failure must not change */
    template <class Operation, class Look>
    auto make(Operation operation, Look look)
    {
        const bool may_fail = each_ || !failing_allocations::was_reached();
        const std::string before = may_fail ? look() : std::string();
        for (std::size_t nth = 1;; ++nth)
        {
            if (each_)
                failing_allocations::fail_at(nth);
            try
            {
                const failing_allocations inside;
                return operation();
            }
            catch (const std::bad_alloc&)
            {
                ++failures_;
            }
            EXPECT_EQ(look(), before) << "changed by a call that threw";
        }
    }

    [[nodiscard]] std::size_t failures() const noexcept { return failures_; }

private:
    bool each_;
    std::size_t failures_ = 0;
};

/** Does the work with each of its requests for memory failing in a run of its own, and then with all of them failing in
    one run. What it writes must always be the same. */
void expect_the_same(const std::function<void(attempts& tries, std::string& result)>& work);

}  // namespace regolo::test
