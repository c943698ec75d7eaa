#include "core/check_options.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace regolo::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds year = 24h * 365;

template <class Options>
void expect_refused(const Options& options, std::string_view member)
{
    const auto checked = core::check(options);
    ASSERT_FALSE(checked) << member;
    EXPECT_EQ(checked.error().code, errc::bad_config);
    EXPECT_NE(checked.error().message.find(member), std::string::npos) << checked.error().message;
    EXPECT_NE(checked.error().message.find(" must be "), std::string::npos);
}

TEST(CheckOptions, AcceptsTheDefaults)
{
    EXPECT_TRUE(core::check(time_limits{}));
    EXPECT_TRUE(core::check(retry_policy{}));
    EXPECT_TRUE(core::check(pool_options{}));
    EXPECT_TRUE(core::check(limits{}));
}

TEST(CheckOptions, BoundsTimeLimits)
{
    using member = std::optional<milliseconds> time_limits::*;
    const std::vector<std::pair<member, std::string>> members{
        {&time_limits::queue, "time_limits::queue"},
        {&time_limits::connect, "time_limits::connect"},
        {&time_limits::send, "time_limits::send"},
        {&time_limits::head, "time_limits::head"},
        {&time_limits::first_event, "time_limits::first_event"},
        {&time_limits::idle, "time_limits::idle"},
        {&time_limits::total, "time_limits::total"}};
    for (const auto& [pointer, name] : members)
    {
        time_limits time;
        for (const milliseconds good : {milliseconds(0), year})
        {
            time.*pointer = good;
            EXPECT_TRUE(core::check(time)) << name;
        }
        for (const milliseconds bad :
             {milliseconds(-1), year + 1ms, milliseconds::min(), milliseconds::max()})
        {
            time.*pointer = bad;
            expect_refused(time, name);
        }
    }
}

TEST(CheckOptions, BoundsRetries)
{
    retry_policy retry;
    retry.max_retries = 0;
    retry.jitter = 0;
    EXPECT_TRUE(core::check(retry));
    retry.max_retries = std::numeric_limits<int>::max();
    retry.jitter = 1;
    EXPECT_TRUE(core::check(retry));
    for (const double jitter : {-0.01, 1.01, std::numeric_limits<double>::quiet_NaN(),
                                std::numeric_limits<double>::infinity()})
    {
        retry.jitter = jitter;
        expect_refused(retry, "retry_policy::jitter must be 0 to 1");
    }
    retry.jitter = 0;
    retry.max_retries = -1;
    expect_refused(retry, "retry_policy::max_retries must be 0 or more, but is -1");

    using member = milliseconds retry_policy::*;
    const std::vector<std::pair<member, std::string>> members{
        {&retry_policy::initial_delay, "retry_policy::initial_delay"},
        {&retry_policy::max_delay, "retry_policy::max_delay"},
        {&retry_policy::retry_after_cap, "retry_policy::retry_after_cap"},
        {&retry_policy::late_timeout, "retry_policy::late_timeout"}};
    for (const auto& [pointer, name] : members)
    {
        retry_policy one;
        one.*pointer = year;
        EXPECT_TRUE(core::check(one)) << name;
        one.*pointer = year + 1ms;
        expect_refused(one, name);
        one.*pointer = -1ms;
        expect_refused(one, name);
    }
}

TEST(CheckOptions, BoundsThePool)
{
    pool_options pool;
    pool.max_connections = 1;
    pool.max_idle = 0;
    EXPECT_TRUE(core::check(pool));
    pool.max_connections = 1'000'000;
    EXPECT_TRUE(core::check(pool));
    pool.max_connections = 1'000'001;
    expect_refused(pool, "pool_options::max_connections");
    pool.max_connections = 0;
    expect_refused(pool, "pool_options::max_connections must be 1 to 1000000, but is 0");

    using member = milliseconds pool_options::*;
    const std::vector<std::pair<member, std::string>> members{
        {&pool_options::idle_limit, "pool_options::idle_limit"},
        {&pool_options::learnt_idle_limit, "pool_options::learnt_idle_limit"},
        {&pool_options::max_age, "pool_options::max_age"},
        {&pool_options::dns_cache, "pool_options::dns_cache"},
        {&pool_options::connection_attempt_delay, "pool_options::connection_attempt_delay"}};
    for (const auto& [pointer, name] : members)
    {
        pool_options one;
        one.*pointer = 0ms;
        EXPECT_TRUE(core::check(one)) << name;
        one.*pointer = -1ms;
        expect_refused(one, name);
        one.*pointer = year + 1ms;
        expect_refused(one, name);
    }
}

TEST(CheckOptions, BoundsLimits)
{
    struct bound
    {
        std::size_t limits::*pointer;
        std::string name;
        std::size_t most;
    };
    const std::size_t terabyte = std::size_t{1} << 40;
    for (const bound& one : {bound{&limits::head, "limits::head", terabyte},
                             bound{&limits::error_body, "limits::error_body", terabyte},
                             bound{&limits::body, "limits::body", terabyte},
                             bound{&limits::event, "limits::event", terabyte},
                             bound{&limits::json_depth, "limits::json_depth", 4096},
                             bound{&limits::index, "limits::index", 65536}})
    {
        limits bounds;
        for (const std::size_t good : {std::size_t{1}, one.most})
        {
            bounds.*one.pointer = good;
            EXPECT_TRUE(core::check(bounds)) << one.name;
        }
        for (const std::size_t bad : {std::size_t{0}, one.most + 1})
        {
            bounds.*one.pointer = bad;
            expect_refused(bounds, one.name);
        }
    }
}

TEST(ResolveLimits, PrefersTheCallThenTheClientThenTheDefault)
{
    const core::resolved_limits defaults = core::resolve({}, {});
    EXPECT_EQ(defaults.queue, 600s);
    EXPECT_EQ(defaults.connect, 10s);
    EXPECT_EQ(defaults.send, 60s);
    EXPECT_EQ(defaults.head, 600s);
    EXPECT_EQ(defaults.first_event, 600s);
    EXPECT_EQ(defaults.idle, 120s);
    EXPECT_EQ(defaults.total, std::nullopt);

    time_limits call;
    time_limits client;
    client.queue = 1s;
    client.connect = 2s;
    client.idle = 0s;
    client.total = 3s;
    call.connect = 4s;
    call.idle = 5s;
    call.total = 0s;
    call.head = 0s;
    const core::resolved_limits merged = core::resolve(call, client);
    EXPECT_EQ(merged.queue, 1s);
    EXPECT_EQ(merged.connect, 4s);
    EXPECT_EQ(merged.idle, 5s);
    EXPECT_EQ(merged.total, std::nullopt);
    EXPECT_EQ(merged.head, std::nullopt);
    EXPECT_EQ(merged.send, 60s);
}

}  // namespace
}  // namespace regolo::test
