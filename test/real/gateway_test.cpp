// nginx, which stands before each of the servers: TLS, connections that it ends, and errors of its own.

#include "real/server.hpp"

#include <string>
#include <utility>

namespace regolo::test {

namespace {

asio::awaitable<error_info> failure_at(std::string path, chat_request request)
{
    const auto api = co_await make_client_at(std::move(path));
    call_options options;
    options.max_retries = 0;
    co_return co_await failure_of(api.chat(std::move(request), options));
}

asio::awaitable<void> ask_often(int count)
{
    const auto api = co_await make_client();
    for (int i = 0; i != count; ++i)
        EXPECT_FALSE((co_await api.models()).data.empty());
    const auto stats = api.stats();
    // nginx ends a connection after 20 requests, and gives tickets.
    EXPECT_EQ(stats.connections_opened, static_cast<std::uint64_t>(count / 20));
    EXPECT_EQ(stats.tls_resumed, stats.connections_opened - 1);
    EXPECT_EQ(stats.retries, 0U);
}

TEST(RealGateway, EndsConnectionsAfterSomeRequests) { run(ask_often(100), 30s); }

TEST(RealGateway, IsNotTrustedUnderAnotherName)
{
    const auto ask = []() -> asio::awaitable<error_info> {
        auto config = client_config::from_environment();
        const auto at = config.base_url.find("127.0.0.1");
        config.base_url.replace(at, std::string("127.0.0.1").size(), "localhost");
        const client api(co_await asio::this_coro::executor, config);
        co_return co_await failure_of(api.models());
    };
    const auto failure = run(ask());
    EXPECT_EQ(failure.code, errc::certificate_refused);
    EXPECT_EQ(failure.attempts, 1);
    EXPECT_FALSE(failure.sent);
}

TEST(RealGateway, PassesAStreamThatItBuffered)
{
    REGOLO_NEEDS("chat");
    const auto read = []() -> asio::awaitable<stream_outcome> {
        const auto api = co_await make_client_at("/buffered");
        co_return co_await stream_all(api, short_question());
    };
    const auto outcome = run(read());
    EXPECT_EQ(outcome.ended_as, stream_end::done);
    EXPECT_FALSE(outcome.text.empty());
}

TEST(RealGateway, WithoutAServerBehindIt)
{
    const auto failure = run(failure_at("/dead", short_question()));
    EXPECT_EQ(failure.code, errc::unavailable);
    EXPECT_EQ(failure.http_status, 502);
}

TEST(RealGateway, GivesUpOnAServer)
{
    REGOLO_NEEDS("endless_call");
    const auto failure = run(failure_at("/impatient", endless_question()));
    EXPECT_EQ(failure.code, errc::unavailable);
    EXPECT_EQ(failure.http_status, 504);
}

TEST(RealGateway, RefusesALargeRequest)
{
    // The answer comes while the request is still being sent, and the connection ends with it.
    const auto failure =
        run(failure_at("", chat_request().user(std::string(std::size_t{8} << 20, 'a'))));
    EXPECT_EQ(failure.code, errc::payload_too_large);
    EXPECT_EQ(failure.http_status, 413);
}

TEST(RealGateway, RedirectIsNotFollowed)
{
    const auto failure = run(failure_at("/moved", short_question()));
    EXPECT_EQ(failure.code, errc::redirected);
    EXPECT_EQ(failure.http_status, 301);
}

}  // namespace

}  // namespace regolo::test
