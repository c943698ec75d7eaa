#include "core/concurrency_limit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <utility>

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

TEST(ConcurrencyLimit, FallsToOneWhereNothingIsTakenAndComesBackFast)
{
    concurrency_limit limit(64);
    play(limit, 0, 1);
    EXPECT_EQ(limit.allowed(), 1U);
    play(limit, 64, 6);
    EXPECT_GE(limit.allowed(), 32U);
}

TEST(ConcurrencyLimit, AServerThatCountsRequestsPerTimeRefusesFewOfThem)
{
    // Some requests are allowed between two pauses, however few run at once; who was refused goes first.
    for (const std::size_t allowed : {1U, 2U, 10U, 120U})
    {
        concurrency_limit limit(64);
        std::deque<int> waiting(2000, 0);  // attempts of each request
        std::size_t refused = 0;
        int most = 0;
        while (!waiting.empty())
        {
            std::size_t left = allowed;
            for (bool paused = false; !paused && !waiting.empty();)
            {
                std::deque<std::pair<int, concurrency_limit::burst>> running;
                for (; limit.has_room() && !waiting.empty(); waiting.pop_front())
                    running.emplace_back(waiting.front() + 1, limit.begin());
                for (const auto& [attempts, burst] : running)
                {
                    limit.end(burst, left == 0);
                    most = std::max(most, attempts);
                    if (left != 0)
                    {
                        --left;
                        continue;
                    }
                    paused = true;
                    ++refused;
                    waiting.push_front(attempts);
                }
            }
        }
        EXPECT_LE(most, 5) << allowed << " between pauses";
        EXPECT_LE(refused, 2 * 2000 / allowed + 100) << allowed << " between pauses";
    }
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
