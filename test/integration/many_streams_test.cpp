// Two thousand streams at once in one thread. What they cost is measured by scripts/bench.sh.

#include "integration/exchanges.hpp"
#include "support/file_limit.hpp"

#include <regolo/testing/run.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t stream_count = 300;  // at their speed
#else
constexpr std::size_t stream_count = 2000;
#endif

struct crowd
{
    std::size_t open = 0;
    std::size_t ended = 0;
    std::size_t right = 0;
    std::size_t most = 0;
};

asio::awaitable<void> read_one(const client& from, const chat_request& request, crowd& all)
{
    auto stream = co_await from.stream_chat(request);
    auto first = co_await stream.next();
    std::string text(first ? first->text() : "");
    all.most = std::max(all.most, ++all.open);
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
    wide.time.connect = 0s;  // so many handshakes take as long as they take
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

}  // namespace

}  // namespace regolo::test
