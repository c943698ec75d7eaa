// Two thousand streams at once in one thread. What they cost is measured by scripts/bench.sh.

#include "integration/exchanges.hpp"
#include "support/file_limit.hpp"

#include <regolo/testing/run.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

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
    explicit crowd(asio::io_context& io) : all_open(io, asio::steady_timer::time_point::max()) {}

    std::size_t open = 0;
    std::size_t ended = 0;
    std::size_t right = 0;
    asio::steady_timer all_open;  // never expires: whoever waits is woken when all are
};

asio::awaitable<void> read_one(const client& from, const chat_request& request, crowd& all)
{
    auto stream = co_await from.stream_chat(request);
    auto first = co_await stream.next();
    std::string text(first ? first->text() : "");
    if (++all.open == stream_count)
        all.all_open.cancel();
    boost::system::error_code woken;
    if (all.open != stream_count)
        co_await all.all_open.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    while (auto chunk = co_await stream.next())
        text += chunk->text();
    all.right += text.ends_with(" 30") && stream.ended_as() == stream_end::done;
}

/// Returns how many were right.
std::size_t read_all_at_once(const client_config& config)
{
    asio::io_context io{1};
    crowd all(io);
    auto wide = config;
    wide.pool.max_connections = stream_count;
    wide.time.connect = 0s;  // so many handshakes take as long as they take
    const client from(io, wide);
    const chat_request request("sim-chat", "count to 30");
    for (std::size_t i = 0; i != stream_count; ++i)
    {
        asio::co_spawn(io, read_one(from, request, all), [&](std::exception_ptr failure) {
            EXPECT_FALSE(failure);
            if (failure)
                all.all_open.cancel();  // it never will be
            if (++all.ended == stream_count)
                from.close();
        });
    }
    EXPECT_TRUE(run_until(
        io, [&] { return all.ended == stream_count; }, 100s));
    EXPECT_EQ(from.stats().calls, 0U);
    EXPECT_EQ(from.stats().in_use, 0U);
    EXPECT_EQ(all.open, stream_count);
    return all.right;
}

class ManyStreams : public ::testing::TestWithParam<bool>
{};

TEST_P(ManyStreams, AllComplete)
{
    if (raise_file_limit() < 2 * stream_count + 100)
        GTEST_SKIP() << "the limit on open files is too low here";
    auto options = options_for(GetParam());
    test_server server(options);
    EXPECT_EQ(read_all_at_once(config_for(server)), stream_count);
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Transports, ManyStreams, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

}  // namespace

}  // namespace regolo::test
