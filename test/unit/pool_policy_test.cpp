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

core::stale_view reused_and_ended()
{
    core::stale_view view;
    view.reused = true;
    view.closed = true;
    view.ended = true;
    view.arrived = false;
    view.since_sent = 2s;
    return view;
}

bool is_proven(const core::stale_view& view)
{
    EXPECT_TRUE(!core::is_stale(view, true) || core::is_stale(view, false));
    return core::is_stale(view, true);
}

TEST(PoolPolicy, AReusedConnectionThatEndedBeforeTheRequestArrivedIsStale)
{
    auto view = reused_and_ended();
    EXPECT_TRUE(is_proven(view));
    view.arrived = true;
    EXPECT_FALSE(is_proven(view));
    view.incomplete = true;
    EXPECT_TRUE(is_proven(view)) << "what is not whole cannot be worked on";
}

TEST(PoolPolicy, AResetProvesNothing)
{
    auto view = reused_and_ended();
    view.ended = false;
    EXPECT_FALSE(is_proven(view));
}

TEST(PoolPolicy, WithoutEvidenceARequestMayHaveArrived)
{
    core::stale_view view;
    view.reused = true;
    view.closed = true;
    view.ended = true;
    EXPECT_FALSE(is_proven(view));
}

TEST(PoolPolicy, AReusedConnectionThatFailsAtOnceIsLikelyStale)
{
    auto view = reused_and_ended();
    view.arrived = true;
    view.since_sent = 1s;
    EXPECT_TRUE(core::is_stale(view, false));
    EXPECT_FALSE(is_proven(view));
    view.ended = false;
    EXPECT_TRUE(core::is_stale(view, false));
    view.since_sent = 1s + 1ns;
    EXPECT_FALSE(core::is_stale(view, false));
    view.since_sent = 1s;
    view.closed = false;
    EXPECT_FALSE(core::is_stale(view, false));
}

TEST(PoolPolicy, AFreshConnectionIsNeverStale)
{
    auto view = reused_and_ended();
    view.reused = false;
    view.since_sent = 0s;
    EXPECT_FALSE(core::is_stale(view, false));
    view.incomplete = true;
    EXPECT_FALSE(core::is_stale(view, false));
}

TEST(PoolPolicy, AnAnswerThatBeganIsNotStale)
{
    auto view = reused_and_ended();
    view.since_sent = 0s;
    view.answer_bytes = 1;
    EXPECT_FALSE(core::is_stale(view, false));
    view.incomplete = true;
    EXPECT_FALSE(core::is_stale(view, false));
}

}  // namespace
}  // namespace regolo::test
