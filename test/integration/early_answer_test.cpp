#include "integration/client_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

// A server need not read a large request to its end before it answers.

namespace regolo::test {

namespace {

class EarlyAnswer : public ::testing::TestWithParam<bool>
{
protected:
    static server_options small_buffers()
    {
        auto how = GetParam() ? server_options::https() : server_options::plain();
        how.receive_buffer = 16384;
        return how;
    }

    EarlyAnswer() : config(config_for(server)) { config.retry.max_retries = 0; }

    /// Too large for the buffers of both sides (Linux: 4 MiB at most), so that it cannot be sent unless the server reads.
    static chat_request large()
    {
        return chat_request("sim-chat").user(std::string(std::size_t{8} * 1024 * 1024, 'x'));
    }

    static script refusal(int status, std::string_view text, std::string_view more_headers = {})
    {
        const std::string body = R"({"error":{"message":")" + std::string(text) + "\"}}";
        return script().stop_reading().respond(status, "application/json", body, more_headers);
    }

    test_server server{small_buffers()};
    client_config config;
};

TEST_P(EarlyAnswer, ARefusalEndsTheSending)
{
    server.enqueue(refusal(413, "too much at once").stall());
    const auto got = run(chat_once(config, large()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::payload_too_large) << describe(got.error());
    EXPECT_EQ(got.error().http_status, 413);
    EXPECT_EQ(got.error().server_message, "too much at once");
    EXPECT_TRUE(got.error().sent);
    EXPECT_EQ(got.error().attempts, 1);
}

TEST_P(EarlyAnswer, ARefusalCountsAlsoWhereTheServerCloses)
{
    server.enqueue(refusal(401, "who are you").fin());
    const auto got = run(chat_once(config, large()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::unauthorized) << describe(got.error());
    EXPECT_EQ(got.error().server_message, "who are you");
}

TEST_P(EarlyAnswer, TheConnectionIsNotUsedAgain)
{
    server.enqueue(refusal(400, "no").stall());
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        const auto refused = co_await failure_of(one.chat(large()));
        EXPECT_EQ(refused.code, errc::bad_request);
        EXPECT_EQ(one.stats().connections, 0u);
        const auto answer = co_await one.chat(question());
        EXPECT_FALSE(answer.text().empty());
        EXPECT_FALSE(answer.metadata.reused_connection);
    };
    run(body());
}

TEST_P(EarlyAnswer, ARefusalThatMayPassIsTriedAgain)
{
    config.retry.max_retries = 1;
    server.enqueue(refusal(503, "later").stall());
    server.enqueue(
        script().expect_request().respond(200, "application/json", answer_json("at last")));
    const auto got = run(chat_once(config, large()));
    ASSERT_TRUE(got.has_value()) << describe(got.error());
    EXPECT_EQ(got->metadata.attempts, 2);
    EXPECT_EQ(got->text(), "at last");
}

TEST_P(EarlyAnswer, ASuccessLetsTheRestGo)
{
    gate answered;
    server.enqueue(script()
                       .respond(200, "application/json", answer_json("already known"))
                       .open(answered)
                       .expect_request());
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        const auto answer = co_await one.chat(large());
        EXPECT_EQ(answer.text(), "already known");
        EXPECT_TRUE(server.wait_until([&] { return server.counts().requests == 1; }));
    };
    run(body());
}

TEST_P(EarlyAnswer, TheEndOfTheConnectionIsNoticedAtOnce)
{
    server.enqueue(script().stop_reading().fin());
    const auto got = run(chat_once(config, large()));
    ASSERT_TRUE(got.has_error());
    EXPECT_EQ(got.error().code, errc::connection_lost) << describe(got.error());
    EXPECT_EQ(got.error().where, phase::send);
    EXPECT_TRUE(contains(describe(got.error()), "while the request was being sent"));
}

TEST_P(EarlyAnswer, CancellingWorksWhileBothSidesWait)
{
    server.enqueue(script().stop_reading().stall());
    std::stop_source button;
    call_options options;
    options.stop = button.get_token();
    std::exception_ptr failure;
    asio::io_context io;
    const client one(io, config);
    bool is_done = false;
    asio::co_spawn(io, one.chat(large(), options), [&](std::exception_ptr e, chat_response) {
        failure = e;
        is_done = true;
    });
    // The sending stands still once the buffers are full; nothing tells when, and it does not matter.
    while (server.counts().accepted == 0)
        io.run_one();
    button.request_stop();
    while (!is_done && io.run_one() != 0)
    {}
    ASSERT_TRUE(failure);
    EXPECT_EQ(regolo::detail::to_error_info(failure).code, asio::error::operation_aborted);
    EXPECT_EQ(one.stats().connections, 0u);
}

INSTANTIATE_TEST_SUITE_P(Transports, EarlyAnswer, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Tls" : "Plain"; });

}  // namespace

}  // namespace regolo::test
