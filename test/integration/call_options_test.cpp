#include "client_state.hpp"
#include "integration/client_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

// What a call does differently from its client, as the server sees it; and keys that change.

namespace regolo::test {

namespace {

class CallOptions : public ::testing::Test
{
protected:
    /// The request that a chat with these options sends.
    received_request sent(const call_options& options)
    {
        const auto got = run(chat_once(config, question(), options));
        EXPECT_TRUE(got.has_value()) << describe(got.error());
        return server.requests().empty() ? received_request() : server.requests().back();
    }

    test_server server{server_options::plain()};
    client_config config = config_for(server);
};

// Head and body go out one by one where they are large, and there may be no body.
TEST_F(CallOptions, HeadersMayBeLargerThanARecord)
{
    call_options options;
    options.headers.emplace_back("x-large", std::string(std::size_t{48} * 1024, 'x'));
    EXPECT_EQ(sent(options).header("x-large").size(), std::size_t{48} * 1024);
    const auto list = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        const auto models = co_await one.models(options);
        EXPECT_FALSE(models.data.empty());
    };
    run(list());
    EXPECT_EQ(server.requests().back().header("x-large").size(), std::size_t{48} * 1024);
}

TEST_F(CallOptions, HeadersOfClientAndCall)
{
    config.headers.emplace_back("X-Team", "blue");
    config.headers.emplace_back("X-Both", "client");
    config.user_agent = "my-program/1";
    call_options options;
    options.headers.emplace_back("x-both", "call");
    options.headers.emplace_back("X-Call", "one");
    options.call_id = "call-of-mine";
    const auto request = sent(options);
    EXPECT_EQ(request.header("x-team"), "blue");
    EXPECT_EQ(request.header("x-both"), "call");
    EXPECT_EQ(request.header("x-call"), "one");
    EXPECT_EQ(request.header("user-agent"), "my-program/1");
    EXPECT_EQ(request.header("x-litellm-call-id"), "call-of-mine");
    EXPECT_EQ(request.header("x-client-request-id"), "call-of-mine");
    EXPECT_EQ(request.header("authorization"), "Bearer test-key");
    EXPECT_EQ(request.header("content-type"), "application/json");
    const auto named = std::count_if(
        request.headers.begin(), request.headers.end(),
        [](const auto& field) { return field.first == "x-both" || field.first == "X-Both"; });
    EXPECT_EQ(named, 1);
}

TEST_F(CallOptions, HeadersTakenAway)
{
    call_options options;
    options.remove_headers = {"x-litellm-call-id", "USER-AGENT", "Host", "Content-Length"};
    const auto request = sent(options);
    EXPECT_FALSE(request.has_header("x-litellm-call-id"));
    EXPECT_FALSE(request.has_header("user-agent"));
    EXPECT_TRUE(request.has_header("x-client-request-id"));
    EXPECT_TRUE(request.has_header("host"));
    EXPECT_TRUE(request.has_header("content-length"));
}

TEST_F(CallOptions, NoCallIdByOption)
{
    config.send_call_id = false;
    const auto request = sent({});
    EXPECT_FALSE(request.has_header("x-litellm-call-id"));
    EXPECT_FALSE(request.has_header("x-client-request-id"));
}

TEST_F(CallOptions, ABlankKeyIsRefusedAndTheClientsNotUsed)
{
    for (const char* const blank : {"", " \n"})
    {
        call_options options;
        options.key = blank;
        EXPECT_TRUE(options.key.empty());
        const auto got = run(chat_once(config, question(), options));
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, errc::no_key);
        EXPECT_TRUE(contains(got.error().message, "call_options::key is blank"));
        EXPECT_EQ(got.error().attempts, 0);
    }
    EXPECT_EQ(server.counts().requests, 0U);
    call_options options;
    options.key = credential(static_cast<const char*>(nullptr));
    EXPECT_EQ(sent(options).header("authorization"), "Bearer test-key");
}

TEST_F(CallOptions, ABlankKeyIsNoneOfTheClientAndWhereNoneIsAskedFor)
{
    call_options options;
    options.key = " ";
    options.remove_headers = {"Authorization"};
    for (const auto& each : {options, call_options()})
    {
        const auto got = run(chat_once(config, question(), each));
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, errc::unauthorized);
        EXPECT_FALSE(server.requests().back().has_header("authorization"));
        config.key = " ";
    }
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_F(CallOptions, AKeyThatIsNoneIsRefusedBeforeAnythingIsTried)
{
    call_options options;
    options.key = "https://user:magic@example.com";
    const auto got = run(chat_once(config, question(), options));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::bad_config);
    EXPECT_EQ(got.error().attempts, 0);
    EXPECT_FALSE(contains(describe(got.error()), "magic"));
}

TEST_F(CallOptions, HeadersThatWouldBreakTheRequestAreRefused)
{
    call_options options;
    options.headers.emplace_back("x-note", "a\r\nx-evil: 1");
    const auto got = run(chat_once(config, question(), options));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::invalid_request);
    EXPECT_EQ(server.counts().accepted, 0U);
}

TEST_F(CallOptions, Query)
{
    call_options options;
    options.query = {{"api-version", "2024-10-21"}, {"who", "a b&c"}};
    const auto request = sent(options);
    EXPECT_EQ(request.target, "/v1/chat/completions?api-version=2024-10-21&who=a%20b%26c");
}

TEST_F(CallOptions, AnotherServerIsNotGivenTheClientsKey)
{
    test_server other(server_options::plain());
    call_options options;
    options.base_url = other.url();
    const auto got = run(chat_once(config, question(), options));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::unauthorized);
    ASSERT_EQ(other.counts().requests, 1U);
    EXPECT_FALSE(other.requests().at(0).has_header("authorization"));
    EXPECT_EQ(server.counts().accepted, 0U);
    options.key = "test-key";
    EXPECT_TRUE(run(chat_once(config, question(), options)).has_value());
    EXPECT_EQ(other.requests().at(1).header("authorization"), "Bearer test-key");
}

TEST_F(CallOptions, AnotherServerIsNotGivenKeysInHeaders)
{
    test_server other(server_options::plain());
    config.headers = {{"x-api-key", "k"}, {"Cookie", "c"}, {"api-key", "k"}, {"x-team", "search"}};
    call_options options;
    options.base_url = other.url();
    options.key = "test-key";
    ASSERT_TRUE(run(chat_once(config, question(), options)).has_value());
    const auto got = other.requests().at(0);
    for (const auto* name : {"x-api-key", "cookie", "api-key"})
        EXPECT_FALSE(got.has_header(name)) << name;
    EXPECT_EQ(got.header("x-team"), "search");
    EXPECT_EQ(sent({}).header("x-api-key"), "k");
}

TEST_F(CallOptions, KeysInHeadersDoNotGoUnencrypted)
{
    for (const auto* name : {"Authorization", "x-api-key", "Cookie"})
    {
        client_config open;
        open.base_url = "http://api.example.com";
        open.headers.emplace_back(name, "k");
        const auto got = run(chat_once(open, question(), {}));
        ASSERT_TRUE(got.has_error());
        EXPECT_EQ(got.error().code, errc::plaintext_refused) << name;
    }
}

TEST_F(CallOptions, APrefixOnTheSameServerKeepsTheKey)
{
    server.on_request([&](const received_request&) {
        return script().respond(200, "application/json", answer_json("yes"));
    });
    call_options options;
    options.base_url = server.url() + "/custom-model/v1/";
    const auto request = sent(options);
    EXPECT_EQ(request.target, "/custom-model/v1/chat/completions");
    EXPECT_EQ(request.header("authorization"), "Bearer test-key");
}

TEST_F(CallOptions, AKeyOfItsOwnOrNone)
{
    call_options options;
    options.key = "another-key";
    auto got = run(chat_once(config, question(), options));
    EXPECT_TRUE(got.has_error() && got.error().code == errc::unauthorized);
    EXPECT_EQ(server.requests().back().header("authorization"), "Bearer another-key");
    options.remove_headers = {"authorization"};
    got = run(chat_once(config, question(), options));
    EXPECT_TRUE(got.has_error());
    EXPECT_FALSE(server.requests().back().has_header("authorization"));
}

// ---- keys from a function

TEST_F(CallOptions, AProviderIsAskedBeforeEachAttempt)
{
    int asked = 0;
    const auto provide = [&]() -> asio::awaitable<std::string> {
        ++asked;
        co_return "test-key";
    };
    config.key = credential(provide);
    const auto got = run(chat_once(config, question("error-503-once")));
    EXPECT_TRUE(got.has_value()) << describe(got.error());
    EXPECT_EQ(asked, 2);
}

TEST_F(CallOptions, ARefusedKeyIsRenewedOnce)
{
    int asked = 0;
    const auto provide = [&]() -> asio::awaitable<std::string> {
        co_return ++asked == 1 ? "old-key" : "test-key";
    };
    config.key = credential(provide);
    config.retry.max_retries = 0;
    const auto got = run(chat_once(config, question()));
    EXPECT_TRUE(got.has_value()) << describe(got.error());
    EXPECT_EQ(asked, 2);
    ASSERT_EQ(server.counts().requests, 2U);
    EXPECT_EQ(server.requests()[0].header("authorization"), "Bearer old-key");
    EXPECT_EQ(server.requests()[1].header("authorization"), "Bearer test-key");
}

TEST_F(CallOptions, AKeyRefusedTwiceIsAnError)
{
    int asked = 0;
    const auto provide = [&]() -> asio::awaitable<std::string> {
        ++asked;
        co_return "old-key";
    };
    config.key = credential(provide);
    const auto got = run(chat_once(config, question()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::unauthorized);
    EXPECT_EQ(got.error().attempts, 2);
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_F(CallOptions, ConcurrentCallsShareOneRequestForAKey)
{
    int asked = 0;
    bool go_on = false;
    const auto provide = [&]() -> asio::awaitable<std::string> {
        ++asked;
        const auto executor = co_await asio::this_coro::executor;
        while (!go_on)
            co_await asio::post(executor, asio::use_awaitable);
        co_return "test-key";
    };
    config.key = credential(provide);
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        int done = 0;
        for (int i = 0; i < 3; ++i)
        {
            asio::co_spawn(executor, one.chat(question()),
                           [&](std::exception_ptr failure, const chat_response&) {
                               EXPECT_FALSE(failure);
                               ++done;
                           });
        }
        while (one.stats().attempts != 3)
            co_await asio::post(executor, asio::use_awaitable);
        go_on = true;
        while (done != 3)
            co_await asio::post(executor, asio::use_awaitable);
    };
    run(body());
    EXPECT_EQ(asked, 1);
}

TEST_F(CallOptions, WhatAProviderThrowsIsTheErrorOfTheCall)
{
    const auto fail = []() -> asio::awaitable<std::string> {
        error_info info;
        info.code = errc::permission_denied;
        info.message = "the vault is locked";
        throw error(info);
        co_return "";
    };
    config.key = credential(fail);
    const auto got = run(chat_once(config, question()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::permission_denied);
    EXPECT_TRUE(contains(describe(got.error()), "the vault is locked"));
    EXPECT_EQ(server.counts().accepted, 0U);
}

TEST_F(CallOptions, AnErrorCodeOfAProviderIsTheErrorOfTheCall)
{
    const auto fail = []() -> asio::awaitable<std::string> {
        throw boost::system::system_error(
            make_error_code(boost::system::errc::no_such_file_or_directory));
        co_return "";
    };
    config.key = credential(fail);
    const auto got = run(chat_once(config, question()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, boost::system::errc::no_such_file_or_directory);
    EXPECT_FALSE(contains(describe(got.error()), "HTTP"));
    EXPECT_TRUE(contains(describe(got.error()), "key"));
}

TEST_F(CallOptions, AnyExceptionOfAProviderReachesTheCaller)
{
    const auto fail = []() -> asio::awaitable<std::string> {
        throw std::runtime_error("no vault");
        co_return "";
    };
    config.key = credential(fail);
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        co_await one.chat(question());
    };
    EXPECT_THROW(run(body()), std::runtime_error);
}

// ---- TLS sessions

TEST(TlsSessions, AreResumedAndCounted)
{
    for (const auto versions : {tls_versions::both, tls_versions::only_1_2})
    {
        server_options how;
        how.versions = versions;
        test_server server(how);
        auto config = config_for(server);
        config.pool.max_idle = 0;
        const auto body = [&]() -> asio::awaitable<void> {
            const client one(co_await asio::this_coro::executor, config);
            for (int i = 0; i < 3; ++i)
                co_await one.chat(question());
            EXPECT_EQ(one.stats().connections_opened, 3U);
            EXPECT_EQ(one.stats().tls_resumed, 2U);
        };
        run(body());
        EXPECT_EQ(server.counts().handshakes_full, 1U);
        EXPECT_EQ(server.counts().handshakes_resumed, 2U);
    }
}

TEST(Contexts, ACallToAClientWhoseContextHasStoppedFails)
{
    test_server server(server_options::plain());
    asio::io_context stopped{1};
    const client one(stopped, config_for(server));
    stopped.stop();
    const auto got = run(failure_of(one.chat(question())));
    EXPECT_EQ(got.code, errc::context_stopped);
    EXPECT_TRUE(contains(describe(got), "io_context"));
}

}  // namespace

}  // namespace regolo::test
