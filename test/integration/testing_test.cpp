#include "integration/client_fixture.hpp"

#include <regolo/testing/make_stream.hpp>
#include <regolo/testing/manual_clock.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

// What regolo::testing has beside its server.

namespace regolo::test {

namespace {

asio::awaitable<std::string> read(chat_stream stream, stream_end ended_as)
{
    std::string text;
    while (auto chunk = co_await stream.next())
        text += chunk->text();
    EXPECT_EQ(stream.ended_as(), ended_as);
    EXPECT_EQ(stream.partial().text(), text);
    EXPECT_EQ(stream.metadata().status, 200);
    co_return text;
}

TEST(MakeStream, GivesItsChunksAndItsEnd)
{
    const std::vector<chat_chunk> chunks{make_chunk("Hello "), make_chunk("Rome", "stop")};
    EXPECT_EQ(run(read(make_stream(chunks), stream_end::done)), "Hello Rome");
    EXPECT_EQ(run(read(make_stream(chunks, stream_end::finished), stream_end::finished)),
              "Hello Rome");
}

TEST(MakeStream, EndsWithTheErrorOfAnEndThatIsNone)
{
    const auto body = []() -> asio::awaitable<void> {
        auto stream = make_stream({make_chunk("Hello")}, stream_end::finished);
        EXPECT_TRUE(co_await stream.next());
        EXPECT_EQ((co_await failure_of(stream.next())).code, errc::truncated);
        EXPECT_EQ(stream.partial().text(), "Hello");
    };
    run(body());
}

TEST(MakeStream, EndsWithTheErrorGiven)
{
    const auto body = []() -> asio::awaitable<void> {
        error_info failure;
        failure.code = errc::unavailable;
        failure.message = "overloaded";
        auto stream = make_stream({make_chunk("Hello")}, failure);
        EXPECT_TRUE(co_await stream.next());
        const auto got = co_await failure_of(stream.next());
        EXPECT_EQ(got.code, errc::unavailable);
        EXPECT_EQ(got.message, "overloaded");
        EXPECT_EQ(stream.ended_as(), stream_end::failed);
    };
    run(body());
}

TEST(MakeStream, IsClosedAsAnyOther)
{
    const auto body = []() -> asio::awaitable<void> {
        auto stream = make_stream({make_chunk("Hello"), make_chunk("Rome")});
        EXPECT_TRUE(co_await stream.next());
        chat_chunk chunk;
        EXPECT_TRUE(stream.try_next(chunk));
        stream.close();
        EXPECT_EQ((co_await failure_of(stream.next())).code, asio::error::operation_aborted);
        auto timed = make_stream({make_chunk("Hello")});
        EXPECT_TRUE(co_await timed.next_for(1ms));
        EXPECT_FALSE(co_await timed.next_for(1ms));
    };
    run(body());
}

TEST(MakeStream, MakesCompletionsAsWell)
{
    completion_chunk chunk;
    chunk.choices.emplace_back().text = "once";
    const auto body = [&]() -> asio::awaitable<void> {
        auto stream = make_stream({chunk});
        const auto got = co_await stream.next();
        EXPECT_EQ(got->text(), "once");
        EXPECT_FALSE(co_await stream.next());
    };
    run(body());
}

// A minute that takes no time.
TEST(ManualClock, MovesTheTimeOfAClient)
{
    test_server server(server_options::plain());
    server.enqueue("/v1/chat/completions",
                   script().respond(503, "text/plain", "later", "retry-after: 60\r\n"));
    const manual_clock clock;
    asio::io_context io;
    const auto one = make_client(io.get_executor(), config_for(server), clock);
    auto answer = asio::co_spawn(io, one.chat(question()), asio::use_future);
    while (server.counts().answered == 0 || one.stats().retries == 0)
        io.run_one_for(10ms);
    EXPECT_EQ(answer.wait_for(0ms), std::future_status::timeout);
    const auto before = clock.now();
    while (answer.wait_for(0ms) != std::future_status::ready)
    {
        io.poll();
        if (const auto next = clock.next(); next && clock.now() - before < 70s)
            clock.advance(std::min<std::chrono::nanoseconds>(*next, 1s));
        io.run_one_for(1ms);
    }
    EXPECT_EQ(answer.get().metadata.attempts, 2);
    EXPECT_GE(clock.now() - before, 60s);
    one.close();
    io.run();
}

TEST(ManualClock, FiresTimeLimits)
{
    test_server server(server_options::plain());
    server.enqueue(script().expect_request().stall());
    const manual_clock clock;
    asio::io_context io;
    auto config = config_for(server);
    config.time.head = 600s;
    const auto one = make_client(io.get_executor(), config, clock);
    auto answer = asio::co_spawn(io, failure_of(one.chat(question())), asio::use_future);
    while (server.counts().requests == 0)
        io.run_one_for(10ms);
    io.poll();
    clock.advance(600s);
    io.run_for(10s);
    EXPECT_EQ(answer.get().code, errc::head_timeout);
}

TEST(TestServerRoutes, AnswerInTheirOwnOrder)
{
    test_server server(server_options::plain());
    server.enqueue("/v1/models", script().respond(429, "text/plain", "slow down"));
    server.enqueue("/v1/models", script().respond(503, "text/plain", "not now"));
    auto config = config_for(server);
    config.retry.max_retries = 0;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        EXPECT_TRUE(co_await try_await(one.chat(question())));
        EXPECT_EQ((co_await failure_of(one.models())).code, errc::rate_limited);
        EXPECT_EQ((co_await failure_of(one.models())).code, errc::unavailable);
        EXPECT_TRUE(co_await try_await(one.models()));
    };
    run(body());
}

}  // namespace

}  // namespace regolo::test
