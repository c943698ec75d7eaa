#include "core/pool_policy.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace regolo::test {
namespace {

using namespace std::chrono_literals;

const core::steady_time start{};

TEST(PoolPolicy, KeepsAnIdleConnectionUntilItsLimit)
{
    const auto never = core::steady_time::max();
    EXPECT_FALSE(core::idle_verdict(start + 3999ms, start, 4s, never));
    EXPECT_EQ(core::idle_verdict(start + 4s, start, 4s, never), close_reason::idle);
}

TEST(PoolPolicy, AgeCountsBeforeIdleTime)
{
    EXPECT_FALSE(core::idle_verdict(start + 999ms, start, 4s, start + 1s));
    EXPECT_EQ(core::idle_verdict(start + 1s, start, 4s, start + 1s), close_reason::aged);
}

TEST(PoolPolicy, AgeLimitIsShortenedByUpToATenth)
{
    EXPECT_EQ(core::age_limit(start, 600s, 0.0), start + 600s);
    EXPECT_EQ(core::age_limit(start, 600s, 0.5), start + 570s);
    EXPECT_GT(core::age_limit(start, 600s, 0.999), start + 540s);
    EXPECT_EQ(core::age_limit(start, 0s, 0.5), core::steady_time::max());
}

TEST(PoolPolicy, LearnsFromTheServersHint)
{
    const pool_options options;
    EXPECT_EQ(core::learn_from_hint(5s, options, 4s), 4s);
    EXPECT_EQ(core::learn_from_hint(30s, options, 4s), 29s);
    EXPECT_EQ(core::learn_from_hint(61s, options, 4s), 60s);
    EXPECT_EQ(core::learn_from_hint(3600s, options, 4s), 60s);
    EXPECT_EQ(core::learn_from_hint(1s, options, 4s), 500ms);
    EXPECT_EQ(core::learn_from_hint(0s, options, 4s), 0s);
}

TEST(PoolPolicy, ALearntLimitOfZeroIgnoresHints)
{
    pool_options options;
    options.learnt_idle_limit = 0s;
    EXPECT_EQ(core::learn_from_hint(30s, options, 4s), 4s);
    EXPECT_EQ(core::learn_from_hint(1s, options, 4s), 4s);
}

TEST(PoolPolicy, LearnsFromAClose)
{
    EXPECT_EQ(core::learn_from_close(5s, 60s), 4s);
    EXPECT_EQ(core::learn_from_close(5s, 2s), 2s);
}

core::stale_view reused_and_closed()
{
    core::stale_view view;
    view.reused = true;
    view.closed = true;
    return view;
}

TEST(PoolPolicy, AReusedConnectionThatFailsAtOnceIsStale)
{
    auto view = reused_and_closed();
    view.since_sent = 1s;
    EXPECT_TRUE(core::is_stale(view));
    view.since_sent = 1s + 1ns;
    EXPECT_FALSE(core::is_stale(view));
    view.send_failed = true;
    EXPECT_TRUE(core::is_stale(view));
}

TEST(PoolPolicy, AFreshConnectionIsNeverStale)
{
    auto view = reused_and_closed();
    view.reused = false;
    EXPECT_FALSE(core::is_stale(view));
    view.send_failed = true;
    EXPECT_FALSE(core::is_stale(view));
}

TEST(PoolPolicy, AnAnswerThatBeganIsNotStale)
{
    auto view = reused_and_closed();
    view.answer_bytes = 1;
    EXPECT_FALSE(core::is_stale(view));
}

}  // namespace
}  // namespace regolo::test
