// Two thousand streams at once in one thread. To measure what a stream costs, run this test alone with REGOLO_TEST_SERVER set to
// the URL of a regolo-server in a process of its own, slow enough (--pace 2): it prints the resident memory per open stream.

#include "integration/exchanges.hpp"
#include "support/run.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sys/resource.h>
#include <unistd.h>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t stream_count = 300;  // at their speed
#else
constexpr std::size_t stream_count = 2000;
#endif

/// Raises the limit on open files as far as it is allowed. Returns what it is then.
rlim_t raise_file_limit()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

std::size_t resident_bytes()
{
    std::size_t total = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct crowd
{
    std::size_t open = 0;
    std::size_t ended = 0;
    std::size_t right = 0;
    std::size_t most = 0;
    std::size_t resident_at_most = 0;
};

asio::awaitable<void> read_one(const client& from, const chat_request& request, crowd& all)
{
    auto stream = co_await from.stream_chat(request);
    auto first = co_await stream.next();
    std::string text(first ? first->text() : "");
    if (++all.open > all.most)
    {
        all.most = all.open;
        if (all.most == stream_count)
            all.resident_at_most = resident_bytes();
    }
    while (auto chunk = co_await stream.next())
        text += chunk->text();
    --all.open;
    all.right += text.ends_with(" 30") && stream.ended_as() == stream_end::done;
}

void read_all_at_once(const client_config& config, crowd& all)
{
    asio::io_context io{1};
    auto wide = config;
    wide.pool.max_connections = stream_count;
    const client from(io, wide);
    const chat_request request("sim-chat", "count to 30");
    for (std::size_t i = 0; i != stream_count; ++i)
    {
        asio::co_spawn(io, read_one(from, request, all), [&](std::exception_ptr failure) {
            EXPECT_FALSE(failure);
            if (++all.ended == stream_count)
                from.close();
        });
    }
    EXPECT_TRUE(run_until(
        io, [&] { return all.ended == stream_count; }, 100s));
    EXPECT_EQ(from.stats().calls, 0U);
    EXPECT_EQ(from.stats().in_use, 0U);
}

class ManyStreams : public ::testing::TestWithParam<bool>
{};

TEST_P(ManyStreams, AllComplete)
{
    if (raise_file_limit() < 2 * stream_count + 100)
        GTEST_SKIP() << "the limit on open files is too low here";
    auto options = options_for(GetParam());
    options.simulation.pace = 20;  // so that all are open at some time
    test_server server(options);
    crowd all;
    read_all_at_once(config_for(server), all);
    EXPECT_EQ(all.right, stream_count);
    EXPECT_GT(all.most, stream_count / 4);
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Transports, ManyStreams, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

TEST(ManyStreamsElsewhere, MemoryPerStream)
{
    const char* url = std::getenv("REGOLO_TEST_SERVER");
    if (url == nullptr)
        GTEST_SKIP() << "REGOLO_TEST_SERVER names no server in a process of its own";
    ASSERT_GE(raise_file_limit(), stream_count + 100);
    client_config config(credential("test-key"));
    config.base_url = url;
    config.tls.dangerously_skip_verification = true;
    {
        // What the first call costs once is not a stream's.
        asio::io_context io{1};
        const client warm(io, config);
        static_cast<void>(run_on(io, exchange_of(kind::stream_chat, warm)));
    }
    crowd all;
    const auto before = resident_bytes();
    read_all_at_once(config, all);
    EXPECT_EQ(all.right, stream_count);
    ASSERT_EQ(all.most, stream_count) << "were open at once; slow the server down (--pace)";
    const auto each = (all.resident_at_most - before) / stream_count;
    std::cout << "resident memory per open stream: " << each << " bytes (" << stream_count
              << " streams)\n";
}

}  // namespace

}  // namespace regolo::test
