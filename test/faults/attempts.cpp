#include "faults/attempts.hpp"

#include <algorithm>
#include <iostream>
#include <utility>

namespace regolo::test {

namespace {

/// More than any work asks for.
constexpr std::size_t too_many = 20000;

}  // namespace

void expect_the_same(const std::function<void(attempts& tries, std::string& result)>& work)
{
    const auto run = [&](bool each) {
        std::string result;
        attempts tries(each);
        work(tries, result);
        return std::pair(std::move(result), tries.failures());
    };
    failing_allocations::never();
    const auto right = run(false).first;
    ASSERT_FALSE(right.empty());

    std::size_t blocks = 0;
    std::size_t nth = 0;  // the first one twice, since the first exception leaves things behind
    for (bool was_reached = true; was_reached; ++nth)
    {
        if (nth == 1)
            blocks = live_blocks();
        ASSERT_LT(nth, too_many);
        SCOPED_TRACE("request for memory " + std::to_string(nth));
        failing_allocations::fail_at(std::max<std::size_t>(nth, 1));
        const auto [result, failures] = run(false);
        was_reached = failing_allocations::was_reached();
        ASSERT_EQ(failures, was_reached ? 1U : 0U);
        ASSERT_EQ(result, right);
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
    std::size_t failures_in_one = 0;
    {
        const auto [result, failures] = run(true);
        failing_allocations::never();
        ASSERT_EQ(result, right);
        failures_in_one = failures;
    }
    EXPECT_EQ(live_blocks(), blocks) << "leaks";
    EXPECT_GT(nth, 2U);
    EXPECT_GT(failures_in_one, 0U);
    std::cout << "core: requests for memory that failed: " << nth - 2 + failures_in_one << "\n";
}

}  // namespace regolo::test
