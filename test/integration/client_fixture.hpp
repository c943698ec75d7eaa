#pragma once

#include <regolo/client.hpp>
#include <regolo/testing/run.hpp>
#include <regolo/testing/test_server.hpp>
#include <regolo/try_await.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace regolo::test {

using namespace regolo::testing;

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// A configuration for that server: its address, its key, its authority; retries at once.
inline client_config config_for(const test_server& server, const std::string& host = "127.0.0.1")
{
    client_config config;
    config.base_url = server.url(host);
    config.key = "test-key";
    config.tls.ca_pem = server.ca_pem();
    config.retry.initial_delay = 1ms;
    return config;
}

inline chat_request question(std::string_view model = "sim-chat")
{
    return chat_request(model).user("Tell me something about Rome.");
}

/// One event of a chat stream, as JSON.
inline std::string chunk_json(std::string_view text, std::string_view finish_reason = {})
{
    std::string json = R"({"id":"c1","object":"chat.completion.chunk","created":1,"model":"m",)"
                       R"("choices":[{"index":0,"delta":{"content":")";
    json.append(text).append(R"("},"finish_reason":)");
    if (finish_reason.empty())
        json += "null";
    else
        json.append("\"").append(finish_reason).append("\"");
    return json + "}]}";
}

/// A whole chat answer, as JSON.
inline std::string answer_json(std::string_view text)
{
    std::string json = R"({"id":"c1","object":"chat.completion","created":1,"model":"m",)"
                       R"("choices":[{"index":0,"message":{"role":"assistant","content":")";
    return json.append(text).append(R"("},"finish_reason":"stop"}]})");
}

/// The answer to one request, a stream whose text is "Hello Rome" and which ends as it should.
inline script good_stream()
{
    return script()
        .start_stream()
        .event(chunk_json("Hello "))
        .event(chunk_json("Rome", "stop"))
        .event("[DONE]")
        .end_stream();
}

/// What a stream gave and how it ended.
struct stream_outcome
{
    stream_outcome() = default;

    std::string text;
    int chunks = 0;
    stream_end ended_as = stream_end::open;
    std::optional<error_info> failure;
    int attempts = 0;
    bool reused_connection = false;
};

/// Takes the chunks in both ways in turn.
template <class Stream>
asio::awaitable<stream_outcome> read_stream(Stream stream)
{
    using optional_chunk = typename decltype(stream.next())::value_type;
    stream_outcome outcome;
    optional_chunk chunk(std::in_place);
    while (chunk && !outcome.failure)
    {
        if (outcome.chunks % 2 == 0)
        {
            const auto more = co_await try_await(stream.next(*chunk));
            if (!more)
                outcome.failure = more.error();
            else if (!*more)
                chunk.reset();
        }
        else
        {
            auto next = co_await try_await(stream.next());
            if (!next)
                outcome.failure = next.error();
            else
                chunk = std::move(*next);
        }
        if (chunk && !outcome.failure)
        {
            outcome.text += chunk->text();
            ++outcome.chunks;
        }
    }
    outcome.ended_as = stream.ended_as();
    outcome.attempts = stream.metadata().attempts;
    outcome.reused_connection = stream.metadata().reused_connection;
    co_return outcome;
}

/// Streams an answer to its end; a failure before the first chunk is told in the same way.
inline asio::awaitable<stream_outcome> stream_all(const client& from, chat_request request,
                                                  call_options options = {})
{
    auto stream = co_await try_await(from.stream_chat(std::move(request), std::move(options)));
    if (stream)
        co_return co_await read_stream(std::move(*stream));
    stream_outcome outcome;
    outcome.failure = stream.error();
    outcome.ended_as = stream_end::failed;
    outcome.attempts = stream.error().attempts;
    co_return outcome;
}

/// The error an operation must end with; an empty one, and a failed test, if it succeeds.
template <class T>
asio::awaitable<error_info> failure_of(asio::awaitable<T> operation)
{
    const auto result = co_await try_await(std::move(operation));
    EXPECT_TRUE(result.has_error()) << "the operation succeeded";
    co_return result.has_error() ? result.error() : error_info();
}

/// Makes a client on the context of the calling coroutine, asks once, and returns the stream's outcome.
inline asio::awaitable<stream_outcome> stream_once(client_config config, chat_request request,
                                                   call_options options = {})
{
    const client one(co_await asio::this_coro::executor, std::move(config));
    co_return co_await stream_all(one, std::move(request), std::move(options));
}

inline asio::awaitable<result<chat_response>> chat_once(client_config config, chat_request request,
                                                        call_options options = {})
{
    const client one(co_await asio::this_coro::executor, std::move(config));
    co_return co_await try_await(one.chat(std::move(request), std::move(options)));
}

inline ::testing::AssertionResult contains(std::string_view text, std::string_view part)
{
    if (text.find(part) != std::string_view::npos)
        return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "\"" << part << "\" is not in: " << text;
}

}  // namespace regolo::test
