#include "integration/client_fixture.hpp"
#include "support/test_proxy.hpp"

#include <boost/asio/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <stop_token>
#include <string>
#include <vector>

// Calls that go through an HTTP proxy.

namespace regolo::test {
namespace {

class Proxy : public ::testing::Test
{
protected:
    static client_config through(const std::string& url, client_config config)
    {
        config.proxy = proxy_options(url);
        return config;
    }

    static result<chat_response> ask(const client_config& config, call_options options = {})
    {
        const auto body = [&]() -> asio::awaitable<result<chat_response>> {
            const client one(co_await asio::this_coro::executor, config);
            auto answer = co_await try_await(one.chat(question(), options));
            const auto left = one.stats();
            EXPECT_EQ(left.in_use + left.connecting + left.waiting + left.calls, 0U);
            co_return answer;
        };
        return run(body());
    }

    /// What a call fails with at a proxy that does that.
    error_info failure_at(const test_proxy::behaviour& how)
    {
        const test_proxy proxy(how);
        const auto answer = ask(through(proxy.url(), config_for(tls)));
        EXPECT_FALSE(answer) << how.answer;
        return answer ? error_info() : answer.error();
    }

    test_server tls{server_options::https()};
    test_server plain{server_options::plain()};
};

TEST_F(Proxy, IsTunnelledThroughToATlsServer)
{
    const test_proxy proxy;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor,
                         through(proxy.url(), config_for(tls, "localhost")));
        EXPECT_FALSE((co_await one.chat(question())).text().empty());
        auto stream = co_await one.stream_chat(question());
        EXPECT_FALSE((co_await stream.finish(5s)).text().empty());
        EXPECT_EQ(one.stats().connections_opened, 1U);
    };
    run(body());
    const auto heads = proxy.heads();
    ASSERT_EQ(heads.size(), 1U);
    const auto there = "localhost:" + std::to_string(tls.port());
    EXPECT_EQ(heads[0], "CONNECT " + there + " HTTP/1.1\r\nHost: " + there + "\r\n\r\n");
}

TEST_F(Proxy, PassesPlainRequestsOn)
{
    const test_proxy proxy;
    auto config = through(proxy.url(), config_for(plain));
    config.base_url = "http://known-to-the-proxy.internal:" + std::to_string(plain.port());
    const auto answer = ask(config);
    ASSERT_TRUE(answer) << describe(answer.error());
    EXPECT_EQ(plain.requests().back().header("authorization"), "Bearer test-key");
    EXPECT_EQ(plain.requests().back().header("host"),
              "known-to-the-proxy.internal:" + std::to_string(plain.port()));
    EXPECT_TRUE(proxy.heads().at(0).starts_with("POST " + config.base_url +
                                                "/v1/chat/completions HTTP/1.1\r\n"));
}

TEST_F(Proxy, GetsItsUserNameAndPassword)
{
    test_proxy::behaviour how;
    how.authorization = "Basic bWU6cEBzczp3b3Jk";  // me:p@ss:word
    const test_proxy proxy(how);
    for (auto* const server : {&tls, &plain})
    {
        const auto config = config_for(*server);
        EXPECT_TRUE(ask(through(proxy.url("me:p%40ss:word"), config)));
        EXPECT_TRUE(server->requests().back().header("proxy-authorization").empty() ||
                    server == &plain);
        for (const auto* wrong : {"", "me:nope", "me"})
        {
            const auto refused = ask(through(proxy.url(wrong), config));
            ASSERT_FALSE(refused) << wrong;
            EXPECT_EQ(refused.error().code, errc::proxy_refused);
            EXPECT_EQ(refused.error().attempts, 1);
            EXPECT_TRUE(contains(describe(refused.error()), "user name and password") ||
                        contains(describe(refused.error()), "a user name and a password"));
            EXPECT_FALSE(contains(describe(refused.error()), "nope"));
        }
    }
}

TEST_F(Proxy, TellsWhyItRefuses)
{
    test_proxy::behaviour how;
    how.answer =
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 49\r\n\r\n"
        "<html><title>Blocked by policy 7</title></html>\r\n";
    const auto blocked = failure_at(how);
    EXPECT_EQ(blocked.code, errc::proxy_refused);
    EXPECT_EQ(blocked.where, phase::proxy);
    EXPECT_EQ(blocked.attempts, 1);
    EXPECT_FALSE(blocked.sent);
    EXPECT_TRUE(contains(describe(blocked), "403 Forbidden")) << describe(blocked);
    EXPECT_TRUE(contains(describe(blocked), "Blocked by policy 7")) << describe(blocked);

    // What a proxy says of itself is neither long nor raw.
    how.answer = "HTTP/1.1 403 " + std::string(200, 'r') + "\xff\r\nContent-Length: 0\r\n\r\n";
    const auto long_winded = failure_at(how).message;
    EXPECT_TRUE(contains(long_winded, "rrr..."));
    EXPECT_LT(long_winded.size(), 300U);

    how.answer = "HTTP/1.1 300 Many\r\nContent-Length: 0\r\n\r\n";
    EXPECT_EQ(failure_at(how).code, errc::proxy_refused);
    how.answer = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n";
    EXPECT_EQ(failure_at(how).code, errc::proxy_refused);

    how.answer = "HTTP/1.1 504 Gateway Timeout\r\n\r\nno answer";
    const auto unreachable = failure_at(how);
    EXPECT_EQ(unreachable.code, asio::error::host_unreachable);
    EXPECT_EQ(unreachable.attempts, 3);
    EXPECT_TRUE(contains(describe(unreachable), "504 Gateway Timeout")) << describe(unreachable);
}

TEST_F(Proxy, IsRecognizedWhereItIsNone)
{
    test_proxy::behaviour how;
    how.answer = "SSH-2.0-OpenSSH_9.2p1\r\n";
    EXPECT_EQ(failure_at(how).code, errc::bad_response);
    how.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    EXPECT_EQ(failure_at(how).code, errc::bad_response);

    test_proxy::behaviour closing;
    closing.closes = true;
    const auto lost = failure_at(closing);
    EXPECT_EQ(lost.where, phase::proxy);
    EXPECT_EQ(lost.attempts, 3);
    EXPECT_TRUE(contains(describe(lost), "proxy http://127.0.0.1:")) << describe(lost);
}

TEST_F(Proxy, MayAnswerInPieces)
{
    test_proxy::behaviour how;
    how.piece = 1;
    const test_proxy proxy(how);
    EXPECT_TRUE(ask(through(proxy.url(), config_for(tls))));
}

TEST_F(Proxy, IsNotWaitedForLongerThanForAnyConnection)
{
    test_proxy::behaviour how;
    how.is_silent = true;
    const test_proxy proxy(how);
    auto config = through(proxy.url(), config_for(tls));
    config.time.connect = 50ms;
    config.retry.max_retries = 0;
    const auto late = ask(config);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::connect_timeout);
    EXPECT_EQ(late.error().where, phase::proxy);

    std::stop_source button;
    call_options options;
    options.stop = button.get_token();
    config.time.connect = 60s;
    const std::jthread presser([&] {
        while (proxy.heads().size() < 2)
            std::this_thread::yield();
        button.request_stop();
    });
    const auto stopped = ask(config, options);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, asio::error::operation_aborted);
}

TEST_F(Proxy, ThatIsNotThereIsNamed)
{
    auto config = config_for(tls);
    config.proxy = proxy_options("127.0.0.1:1");
    const auto refused = ask(config);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, asio::error::connection_refused);
    EXPECT_TRUE(contains(describe(refused.error()), "the proxy http://127.0.0.1:1"));

    config.proxy = proxy_options("no-such-proxy.invalid:3128");
    const auto unknown = ask(config);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, errc::host_not_found);
    EXPECT_TRUE(contains(describe(unknown.error()), "proxy's URL"));
}

TEST_F(Proxy, IsLeftOutForTheHostsThatAreNamed)
{
    const test_proxy proxy;
    auto config = through(proxy.url(), config_for(tls));
    config.proxy.bypass = "example.com, 127.0.0.0/8";
    EXPECT_TRUE(ask(config));
    EXPECT_TRUE(proxy.heads().empty());
}

TEST_F(Proxy, DoesNotWeakenTls)
{
    auto how = server_options::https();
    how.certificate = leaf::wrong_host;
    test_server other(how);
    const test_proxy proxy;
    const auto refused = ask(through(proxy.url(), config_for(other)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::certificate_refused);
    EXPECT_EQ(refused.error().attempts, 1);
}

TEST_F(Proxy, IsCheckedWhenTheClientIsMade)
{
    for (const auto* url :
         {"https://p:1", "socks5://p:1", "http://", "http://p:0", "http://p:99999", "http://p/path",
          "http://a b", "http://u:se%0Acret@p"})
    {
        client_config config("test-key");
        config.proxy = proxy_options(url);
        asio::io_context io;
        try
        {
            const client one(io, config);
            ADD_FAILURE() << url;
        }
        catch (const error& refused)
        {
            EXPECT_EQ(refused.code(), errc::bad_config) << url;
            EXPECT_FALSE(contains(refused.what(), "se%0A"));
            EXPECT_TRUE(contains(refused.what(), "http://host:port"));
        }
    }
}

}  // namespace
}  // namespace regolo::test
