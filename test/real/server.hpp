#pragma once

#include "integration/client_fixture.hpp"

#include <regolo.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace regolo::test {

/// What the tests ask of a server; all of these ask for "chat" as well.
inline constexpr std::string_view chat_capabilities[] = {
    "chat",
    "usage",          // counts tokens
    "stream_usage",   // counts them in a stream too, when asked to
    "max_tokens",     // ends an answer there
    "repeatable",     // gives the same answer to the same question at temperature 0
    "stream_text",    // and in a stream too
    "stop",           // ends at a stop sequence
    "n",              // gives several choices
    "tool_required",  // can be made to call a tool
    "tool_named",     // can be made to call that tool
    "json_schema",    // keeps to a schema
    "logprobs",
    "completions",
    "model_check",    // refuses a model that it has not
    "bad_request",    // refuses a request without messages
    "broken_json",    // refuses a body that is no JSON
    "context_limit",  // refuses a prompt that is too long
    "endless",        // can talk for seconds
    "endless_call",   // and without a stream answers no sooner
    "slots",          // tells at /slots what it is doing
    "scripted",       // fails as the last message orders it to
    "responses",      // has /v1/responses
};

inline constexpr std::string_view other_capabilities[] = {
    "keys",          // checks the key
    "unknown_path",  // has none of its own for an unknown path
    "tokenize",      // has /tokenize
    "own_members",   // has members of its own in requests and answers
    "embeddings",   "rerank",
    "media",  // takes and gives files, and tells what arrived; media_server.py alone
};

/// Why the server cannot do that; empty if it can. Throws for what stands in neither list.
std::string why_not(std::string_view capability);

/// Ends the test where the server cannot do that.
#define REGOLO_NEEDS(capability)                                                  \
    if (const auto reason = ::regolo::test::why_not(capability); !reason.empty()) \
    GTEST_SKIP() << reason

/// A question with a short answer.
inline chat_request short_question()
{
    chat_request request;  // the model is that of the environment
    request.user(
        "Tell me about Rome, its seven hills, its forum and the river Tiber, in a few words.");
    request.max_tokens = 48;
    request.temperature = 0;
    request.seed = 1;
    return request;
}

/// A question whose answer takes seconds: without an end where the server lets it.
inline chat_request endless_question()
{
    chat_request request;
    std::string text = "Count, without end.";
    while (text.size() < 2000)
        text += " And one more.";
    request.user(text);
    request.max_tokens = 1'000'000;
    request.extra["ignore_eos"] = true;
    return request;
}

/// A client of the server, with the settings of the environment.
inline asio::awaitable<client> make_client()
{
    co_return client(co_await asio::this_coro::executor);
}

/// A client of another path of the gateway before it.
inline asio::awaitable<client> make_client_at(std::string path)
{
    auto config = client_config::from_environment();
    config.base_url += path;
    co_return client(co_await asio::this_coro::executor, std::move(config));
}

inline asio::awaitable<void> pause(std::chrono::milliseconds duration)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace regolo::test
