#include "integration/client_fixture.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Answers that are bytes: speech, and any other download.

namespace regolo::test {

namespace {

class Bytes : public ::testing::TestWithParam<bool>
{
protected:
    Bytes() : config(config_for(server)) { config.retry.max_retries = 0; }

    static speech_request sentence() { return {"tts", "Tell me something about Rome.", "alloy"}; }

    /// A body of that many kilobytes, sent while the client takes it.
    static script sound(std::size_t kilobytes)
    {
        auto left = std::make_shared<std::size_t>(kilobytes);
        return script()
            .expect_request()
            .send(http_head(200, "content-type: audio/mpeg\r\ncontent-length: " +
                                     std::to_string(kilobytes * 1024) + "\r\n"))
            .stream([left](std::string& piece) {
                if (*left == 0)
                    return false;
                --*left;
                piece.assign(1024, static_cast<char>('a' + *left % 26));
                return true;
            });
    }

    test_server server{GetParam() ? server_options::https() : server_options::plain()};
    client_config config;
};

TEST_P(Bytes, SpeechComesAsAWhole)
{
    server.enqueue(sound(100));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto request = sentence();
        request.response_format = "mp3";
        request.speed = 1.5;
        request.extra["stream_format"] = "audio";
        const auto spoken = co_await one.speak(request);
        EXPECT_EQ(spoken.audio.size(), 100u * 1024);
        EXPECT_EQ(spoken.media_type(), "audio/mpeg");
        EXPECT_EQ(spoken.metadata.status, 200);
    };
    run(body());
    const auto sent = server.requests().at(0);
    EXPECT_EQ(sent.path(), "/v1/audio/speech");
    EXPECT_EQ(sent.body,
              R"({"model":"tts","input":"Tell me something about Rome.","voice":"alloy",)"
              R"("response_format":"mp3","speed":1.5,"stream_format":"audio"})");
}

TEST_P(Bytes, NoSoundAtAllIsNoSpeech)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        server.enqueue(script().expect_request().respond(200, "audio/mpeg", ""));
        EXPECT_EQ((co_await try_await(one.speak(sentence()))).error().code, errc::bad_response);
        server.enqueue(script().expect_request().respond(200, "audio/mpeg", ""));
        auto stream = co_await one.stream_speech(sentence());
        EXPECT_EQ((co_await try_await(stream.next())).error().code, errc::bad_response);
        EXPECT_EQ(stream.ended_as(), stream_end::failed);
    };
    run(body());
}

TEST_P(Bytes, SpeechComesPieceByPiece)
{
    server.enqueue(sound(300));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto stream = co_await one.stream_speech(sentence());
        EXPECT_EQ(stream.metadata().find("content-type"), "audio/mpeg");
        std::size_t size = 0;
        std::string piece;
        while (co_await stream.next(piece))
        {
            EXPECT_LE(piece.size(), 64u * 1024);
            size += piece.size();
        }
        EXPECT_EQ(size, 300u * 1024);
        EXPECT_EQ(stream.ended_as(), stream_end::finished);
        EXPECT_EQ(one.stats().idle, 1u);
    };
    run(body());
}

TEST_P(Bytes, GoToASinkAsFastAsItTakesThem)
{
    server.enqueue(sound(300));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto stream = co_await one.stream_speech(sentence());
        std::string all;
        const auto sink = [&](std::string_view piece) -> asio::awaitable<void> {
            all += piece;
            co_return;
        };
        const auto bytes = co_await stream.write_to(sink);
        EXPECT_EQ(bytes, 300u * 1024);
        EXPECT_EQ(all.size(), bytes);
    };
    run(body());
}

TEST_P(Bytes, ASinkThatThrowsEndsTheStream)
{
    server.enqueue(sound(100'000));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto stream = co_await one.stream_speech(sentence());
        const auto sink = [](std::string_view) -> asio::awaitable<void> {
            throw std::runtime_error("the disk is full");
            co_return;
        };
        bool thrown = false;
        try
        {
            co_await stream.write_to(sink);
        }
        catch (const std::runtime_error& failure)
        {
            thrown = std::string_view(failure.what()) == "the disk is full";
        }
        EXPECT_TRUE(thrown);
        EXPECT_EQ(stream.ended_as(), stream_end::closed);
        EXPECT_EQ(one.stats().in_use, 0u);
    };
    run(body());
}

TEST_P(Bytes, DroppedHalfWayTheConnectionCloses)
{
    server.enqueue(sound(100'000));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        {
            auto stream = co_await one.stream_speech(sentence());
            static_cast<void>(co_await stream.next());
        }
        EXPECT_EQ(one.stats().connections, 0u);
    };
    run(body());
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
}

TEST_P(Bytes, ACutIsNoEnd)
{
    const std::string head =
        http_head(200, "content-type: audio/mpeg\r\ncontent-length: 100\r\n") + "only this";
    server.enqueue(script().expect_request().send(head).fin());
    server.enqueue(script().expect_request().send(head).fin());
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        EXPECT_EQ((co_await failure_of(one.speak(sentence()))).code, errc::connection_lost);
        auto stream = co_await one.stream_speech(sentence());
        std::string piece;
        EXPECT_TRUE(co_await stream.next(piece));
        EXPECT_EQ((co_await failure_of(stream.next(piece))).code, errc::connection_lost);
        EXPECT_EQ(stream.ended_as(), stream_end::failed);
    };
    run(body());
}

TEST_P(Bytes, TextIsNoSpeech)
{
    struct answer
    {
        std::string_view type;
        std::string_view body;
        errc code;
        std::string_view words;
    };
    const std::vector<answer> answers = {
        {"application/json", R"({"error":{"message":"no voice","code":"503"}})", errc::unavailable,
         "no voice"},
        {"application/json", R"({"audio":"none"})", errc::bad_response, "instead of the bytes"},
        {"text/html", "<title>Login</title>", errc::bad_response, "Login"},
    };
    for (const auto& each : answers)
    {
        for (const bool streamed : {false, true})
        {
            server.enqueue(script().expect_request().respond(200, each.type, each.body));
            const auto body = [&]() -> asio::awaitable<error_info> {
                const client one(co_await asio::this_coro::executor, config);
                if (streamed)
                    co_return co_await failure_of(one.stream_speech(sentence()));
                co_return co_await failure_of(one.speak(sentence()));
            };
            const auto failure = run(body());
            EXPECT_EQ(failure.code, each.code) << describe(failure);
            EXPECT_TRUE(contains(describe(failure), each.words));
            EXPECT_EQ(failure.attempts, 1);
            EXPECT_FALSE(failure.call_id.empty());
        }
    }
    server.enqueue(script().expect_request().respond(200, "audio/mpeg", ""));
    const auto empty = [&]() -> asio::awaitable<error_info> {
        const client one(co_await asio::this_coro::executor, config);
        co_return co_await failure_of(one.speak(sentence()));
    };
    EXPECT_TRUE(contains(describe(run(empty())), "empty body"));
}

TEST_P(Bytes, AnyPathCanBeDownloaded)
{
    server.enqueue(script().expect_request().respond(200, "application/json", R"({"a":1})"));
    server.enqueue(script().expect_request().respond(404, "application/json",
                                                     R"({"error":{"message":"no such file"}})"));
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto stream = co_await one.download({"GET", "/v1/files/f1/content"});
        EXPECT_EQ(co_await stream.next(), R"({"a":1})");
        EXPECT_EQ(co_await stream.next(), std::nullopt);
        const auto failure = co_await failure_of(one.download({"GET", "/v1/files/f2/content"}));
        EXPECT_EQ(failure.code, errc::not_found);
        EXPECT_EQ(failure.server_message, "no such file");
    };
    run(body());
    EXPECT_EQ(server.requests().at(0).header("accept"), "*/*");
}

INSTANTIATE_TEST_SUITE_P(Transports, Bytes, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Tls" : "Plain"; });

}  // namespace

}  // namespace regolo::test
