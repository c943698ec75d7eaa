#include "core/concurrency_limit.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>

namespace regolo::test {
namespace {

using core::concurrency_limit;

/// A server that takes `places` at once and refuses the rest; each round, all of them are answered.
struct rounds
{
    std::size_t answered = 0;
    std::size_t refused = 0;
};

rounds play(concurrency_limit& limit, std::size_t places, std::size_t count)
{
    rounds all;
    for (std::size_t i = 0; i < count; ++i)
    {
        std::deque<concurrency_limit::burst> running;
        while (limit.has_room())
            running.push_back(limit.begin());
        for (std::size_t n = running.size(); n > 0; --n)
        {
            const bool refused = n > places;
            limit.end(running.front(), refused);
            running.pop_front();
            ++(refused ? all.refused : all.answered);
        }
    }
    return all;
}

TEST(ConcurrencyLimit, StartsAtItsMaximum)
{
    concurrency_limit limit(3);
    EXPECT_EQ(limit.allowed(), 3U);
    for (int i = 0; i < 3; ++i)
        limit.begin();
    EXPECT_FALSE(limit.has_room());
    limit.end(0, false);
    EXPECT_TRUE(limit.has_room());
    EXPECT_EQ(limit.allowed(), 3U);
}

TEST(ConcurrencyLimit, FallsToWhatTheServerTakes)
{
    concurrency_limit limit(64);
    play(limit, 50, 1);
    EXPECT_EQ(limit.allowed(), 50U);
    EXPECT_EQ(limit.active(), 0U);
}

TEST(ConcurrencyLimit, FallsByHalfAtMostInOneBurst)
{
    concurrency_limit limit(64);
    play(limit, 0, 1);
    EXPECT_EQ(limit.allowed(), 32U);
    play(limit, 0, 10);
    EXPECT_EQ(limit.allowed(), 1U);
}

TEST(ConcurrencyLimit, RisesAgainWhenNobodyRefuses)
{
    concurrency_limit limit(64);
    play(limit, 10, 10);
    EXPECT_LE(limit.allowed(), 11U);
    play(limit, 64, 500);
    EXPECT_EQ(limit.allowed(), 64U);
}

TEST(ConcurrencyLimit, ProbesALimitMoreAndMoreRarely)
{
    concurrency_limit limit(64);
    const auto first = play(limit, 50, 100);
    const auto later = play(limit, 50, 2000);
    EXPECT_LT(first.refused, first.answered / 20);
    EXPECT_LT(later.refused, later.answered / 2000);
    EXPECT_GT(later.answered, 2000U * 49);
}

}  // namespace
}  // namespace regolo::test
