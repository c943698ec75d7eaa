#include "integration/client_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Servers that mean no good. Each limit holds at its value and fails one past it, with its name; whatever else they send,
// the result is an answer or an error of a documented code. That their memory stays bounded is tested in test/memory.

namespace regolo::test {

namespace {

std::string padded(std::string_view before, std::size_t size, std::string_view after)
{
    std::string text(before);
    text.append(size - before.size() - after.size(), 'x');
    return text.append(after);
}

const std::string answer_begin =
    R"({"object":"chat.completion","choices":[{"index":0,"message":{"content":")";
const std::string answer_end = R"("},"finish_reason":"stop"}]})";
const std::string chunk_begin = R"({"choices":[{"index":0,"delta":{"content":")";
const std::string chunk_end = R"("},"finish_reason":"stop"}]})";

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

script chunked_json(std::string_view body)
{
    return script().send(http_head(200,
                                   "content-type: application/json\r\n"
                                   "transfer-encoding: chunked\r\n") +
                         http_chunk(body) + std::string(last_http_chunk()));
}

script json(std::string_view body) { return script().respond(200, "application/json", body); }

script stream_of(std::string_view data)
{
    return script().start_stream().event(data).event("[DONE]").end_stream();
}

/// A limit of which an answer uses that much.
struct sized
{
    const char* name;
    std::size_t limit;
    std::function<void(limits&, std::size_t)> set;
    std::function<script(std::size_t)> answer;
    bool stream;
    const char* told = nullptr;  // null: its name
    errc code = errc::too_large;
};

std::vector<sized> sizes()
{
    const auto set_head = [](limits& all, std::size_t to) { all.head = to; };
    const auto set_body = [](limits& all, std::size_t to) { all.body = to; };
    const auto set_event = [](limits& all, std::size_t to) { all.event = to; };
    const auto set_depth = [](limits& all, std::size_t to) { all.json_depth = to; };
    const auto set_index = [](limits& all, std::size_t to) { all.index = to; };
    const auto head = [](std::size_t size) {
        const auto body = answer_json("yes");
        const auto begin = http_head(200, "content-type: application/json\r\ncontent-length: " +
                                              std::to_string(body.size()) + "\r\nx: ");
        const auto before = begin.substr(0, begin.rfind("x: ") + 3);
        // each field counts 32 bytes more; there are as many as line ends before the last
        size -= 32 * static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
        return script().send(padded(before, size, "\r\n\r\n") + body);
    };
    const auto whole = [](std::size_t size) { return padded(answer_begin, size, answer_end); };
    const auto event = [](std::size_t size) { return padded(chunk_begin, size, chunk_end); };
    const auto deep = [](std::size_t depth) {
        // "choices" is in one more
        return R"({"x":)" + nested(depth - 1) + R"(,"choices":[]})";
    };
    const auto choice = [](std::size_t index) {
        return R"({"choices":[{"index":)" + std::to_string(index - 1) +
               R"(,"delta":{"content":"x"},"message":{"content":"x"},"finish_reason":"stop"}]})";
    };
    const auto tool = [](std::size_t index) {
        return R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":)" +
               std::to_string(index - 1) +
               R"(,"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})";
    };
    return {
        {"Head", 3000, set_head, head, false, "limits::head"},
        {"Body", 3000, set_body, [=](std::size_t n) { return json(whole(n)); }, false},
        {"BodyInChunks", 3000, set_body, [=](std::size_t n) { return chunked_json(whole(n)); },
         false},
        {"BodyInsteadOfAStream", 3000, set_body, [=](std::size_t n) { return json(whole(n)); },
         true},
        {"Event", 3000, set_event, [=](std::size_t n) { return stream_of(event(n)); }, true},
        {"DepthOfABody", 20, set_depth, [=](std::size_t n) { return json(deep(n)); }, false},
        {"DepthOfAnEvent", 20, set_depth, [=](std::size_t n) { return stream_of(deep(n)); }, true},
        {"Choice", 3, set_index, [=](std::size_t n) { return json(choice(n)); }, false, nullptr,
         errc::bad_response},
        {"ChoiceOfAStream", 3, set_index, [=](std::size_t n) { return stream_of(choice(n)); }, true,
         nullptr, errc::bad_response},
        {"ToolCall", 3, set_index, [=](std::size_t n) { return stream_of(tool(n)); }, true, nullptr,
         errc::bad_response},
    };
}

class Hostile : public ::testing::Test
{
protected:
    Hostile() { config.retry.max_retries = 0; }

    std::optional<error_info> ask(const script& answer, bool stream)
    {
        server.on_request([answer](const received_request&) { return answer; });
        if (stream)
            return run(stream_once(config, question())).failure;
        const auto got = run(chat_once(config, question()));
        return got ? std::nullopt : std::optional(got.error());
    }

    test_server server{server_options::plain()};
    client_config config = config_for(server);
};

TEST_F(Hostile, EachLimitHoldsAtItsValueAndNotOnePastIt)
{
    for (const auto& one : sizes())
    {
        SCOPED_TRACE(one.name);
        config.limits = {};
        one.set(config.limits, one.limit);
        const auto at = ask(one.answer(one.limit), one.stream);
        EXPECT_FALSE(at) << describe(*at);
        const auto past = ask(one.answer(one.limit + 1), one.stream);
        ASSERT_TRUE(past);
        EXPECT_EQ(past->code, one.code) << describe(*past);
        EXPECT_TRUE(contains(describe(*past), one.told ? one.told : "limits::"));
        EXPECT_TRUE(contains(describe(*past), std::to_string(one.limit)));
        EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
    }
}

TEST_F(Hostile, TheDefaultDepthAndIndexAreThoseOfTheTable)
{
    const auto deep = [](std::size_t depth) {
        return json(R"({"x":)" + nested(depth - 1) + R"(,"choices":[]})");
    };
    EXPECT_FALSE(ask(deep(128), false));
    EXPECT_TRUE(ask(deep(129), false));
    const auto index = [](int number) {
        return stream_of(R"({"choices":[{"index":)" + std::to_string(number) +
                         R"(,"delta":{},"finish_reason":"stop"}]})");
    };
    EXPECT_FALSE(ask(index(127), true));
    EXPECT_TRUE(ask(index(128), true));
    EXPECT_TRUE(ask(index(-1), true));
}

TEST_F(Hostile, TheWordsOfAnErrorAreReadUpToTheirLimit)
{
    config.limits.error_body = 2000;
    const std::string begin = R"({"error":{"code":"its_code","message":")";
    for (const std::size_t size : {2000, 2001, 100'000})
    {
        const auto failed =
            ask(script().respond(400, "application/json", padded(begin, size, R"("}})")), false);
        ASSERT_TRUE(failed);
        EXPECT_EQ(failed->code, errc::bad_request) << describe(*failed);
        EXPECT_EQ(failed->server_code, size == 2000 ? "its_code" : "");
        EXPECT_LE(failed->server_message.size(), 2000U);
        EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
    }
}

TEST_F(Hostile, AStreamOfEventsIsBoundedAsAWhole)
{
    // What a stream has given is kept for `partial()`: a server that never stops must not fill the memory.
    const auto event = http_chunk("data: " + chunk_json("Hello") + "\n\n");
    const auto bytes = event.size() - 6;  // without the chunk's frame
    const auto all = 100 * bytes + 14;    // with that of [DONE]
    auto answer = script().start_stream();
    for (int i = 0; i < 100; ++i)
        answer.send(event);
    answer.event("[DONE]").end_stream();
    config.limits.body = all;
    server.enqueue(script().expect_request().then(answer));
    const auto at = run(stream_once(config, question()));
    EXPECT_FALSE(at.failure) << describe(*at.failure);
    EXPECT_EQ(at.chunks, 100);
    config.limits.body = all - 1;
    server.enqueue(script().expect_request().then(answer));
    const auto past = run(stream_once(config, question()));
    ASSERT_TRUE(past.failure);
    EXPECT_EQ(past.failure->code, errc::too_large) << describe(*past.failure);
    EXPECT_TRUE(contains(describe(*past.failure), "limits::body"));
    EXPECT_EQ(past.chunks, 100);
}

TEST_F(Hostile, RawEventsAreNotSinceNothingOfThemIsKept)
{
    config.limits.body = 100;
    const auto body = [&]() -> asio::awaitable<int> {
        const client one(co_await asio::this_coro::executor, config);
        auto stream = co_await one.stream_request({"GET", "/events"});
        int events = 0;
        while (co_await stream.next())
            ++events;
        co_return events;
    };
    auto answer = script().start_stream();
    for (int i = 0; i < 100; ++i)
        answer.event("0123456789");
    server.enqueue(script().expect_request().then(answer.end_stream()));
    EXPECT_EQ(run(body()), 100);
}

TEST_F(Hostile, JsonOfAnyDepthIsAnErrorAndNoCrash)
{
    const auto deep = nested(10'000);
    const std::string objects = [] {
        std::string text;
        for (int i = 0; i < 10'000; ++i)
            text += R"({"a":)";
        return text + "1" + std::string(10'000, '}');
    }();
    for (const auto& body : {deep, objects, std::string(10'000, '['), R"({"error":)" + deep + "}",
                             R"({"choices":)" + deep + "}", R"({"detail":)" + objects + "}"})
    {
        for (const auto& answer :
             {json(body), stream_of(body), script().respond(400, "application/json", body),
              script().start_stream().send(http_chunk("error: " + body + "\n\n")).end_stream()})
        {
            EXPECT_TRUE(ask(answer, false));
            EXPECT_TRUE(ask(answer, true));
        }
    }
}

TEST_F(Hostile, NumbersBeyondTheirRangeAreAnErrorOrLeftOut)
{
    for (const auto* number :
         {"1e999", "-1e999", "9223372036854775808", "-9223372036854775809", "18446744073709551616",
          "1e308", "-1", "4294967296", "0.5", "1e-999", "123456789012345678901234567890"})
    {
        const std::string n = number;
        const std::string bodies[] = {
            R"({"created":)" + n + R"(,"choices":[]})",
            R"({"choices":[{"index":)" + n + R"(,"delta":{"content":"x"},"message":{}}]})",
            R"({"choices":[],"usage":{"prompt_tokens":)" + n + R"(,"total_tokens":)" + n + "}}",
            R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":)" + n + R"(}]}}]})",
            R"({"error":{"code":)" + n + R"(,"message":"m"}})",
            R"({"error":)" + n + "}",
        };
        for (const auto& body : bodies)
        {
            for (const bool stream : {false, true})
            {
                const auto got = ask(stream ? stream_of(body) : json(body), stream);
                EXPECT_TRUE(!got || got->code.category() == error_category()) << describe(*got);
            }
        }
        const auto head =
            "retry-after: " + n + "\r\nretry-after-ms: " + n + "\r\nx-litellm-response-cost: " + n +
            "\r\nx-ratelimit-limit-requests: " + n + "\r\nkeep-alive: timeout=" + n + "\r\n";
        const auto got = ask(script().respond(429, "application/json", "{}", head), false);
        ASSERT_TRUE(got);
        EXPECT_EQ(got->code, errc::rate_limited);
        EXPECT_GT(got->retry_after.value_or(1us).count(), 0);
    }
}

TEST_F(Hostile, TextThatIsNoneIsReplaced)
{
    const auto text_of = [&](const std::string& content) {
        server.on_request([=](const received_request&) {
            return stream_of(R"({"choices":[{"index":0,"delta":{"content":")" + content +
                             R"("},"finish_reason":"stop"}]})");
        });
        return run(stream_once(config, question()));
    };
    const std::string replaced = "\xEF\xBF\xBD";
    EXPECT_EQ(text_of("a\xff"
                      "b")
                  .text,
              "a" + replaced + "b");
    EXPECT_EQ(text_of("a\xc3").text, "a" + replaced);
    EXPECT_EQ(text_of("\xed\xa0\x80").text, replaced + replaced + replaced);
    EXPECT_EQ(text_of(R"(a\ud83d)").text, "a" + replaced);
    EXPECT_EQ(text_of(R"(\ude00b)").text, replaced + "b");
    EXPECT_EQ(text_of(R"(a\u0000b)").text, std::string("a\0b", 3));
    const auto raw_zero = text_of(std::string("a\0b", 3));
    ASSERT_TRUE(raw_zero.failure);
    EXPECT_EQ(raw_zero.failure->code, errc::bad_response);
}

TEST_F(Hostile, ACodingThatNobodyAskedForIsNotDecoded)
{
    for (const auto* coding : {"gzip", "br", "deflate", "zstd", "x", "identity, gzip"})
    {
        for (const auto* field : {"content-encoding", "transfer-encoding"})
        {
            const auto got = ask(
                script()
                    .send(http_head(200, std::string(field) + ": " + coding + "\r\n") + "\x1f\x8b")
                    .fin(),
                false);
            ASSERT_TRUE(got);
            EXPECT_EQ(got->code, errc::unsupported_encoding) << describe(*got);
            EXPECT_TRUE(contains(describe(*got), coding));
        }
    }
    // The words of an error are not worth one of their own.
    const auto got = ask(
        script().respond(503, "text/plain", "\x1f\x8b\x08\x01\xff", "content-encoding: gzip\r\n"),
        false);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->code, errc::unavailable);
    EXPECT_EQ(got->server_message, "");
    server.on_request([](const received_request& asked) {
        EXPECT_FALSE(asked.has_header("accept-encoding"));
        return json(answer_json("yes"));
    });
    EXPECT_TRUE(run(chat_once(config, question())));
}

TEST_F(Hostile, NoRedirectIsFollowed)
{
    test_server elsewhere(server_options::plain());
    for (const int status : {300, 301, 302, 303, 305, 307, 308})
    {
        for (const auto& target :
             {elsewhere.url() + "/v1/chat/completions", "//" + elsewhere.url().substr(7) + "/v1",
              server.url() + "/v1/other", std::string("/v1/other"),
              "http://user:pass-word-1@" + elsewhere.url().substr(7) + "/v1/test-key?key=test-key"})
        {
            const auto before = server.counts().requests;
            const auto got = ask(
                script().respond(status, "text/html", "", "location: " + target + "\r\n"), false);
            ASSERT_TRUE(got);
            EXPECT_EQ(got->code, errc::redirected) << describe(*got);
            EXPECT_EQ(got->http_status, status);
            EXPECT_TRUE(contains(describe(*got), "base_url"));
            EXPECT_FALSE(contains(describe(*got), "test-key"));
            EXPECT_FALSE(contains(describe(*got), "pass-word-1"));
            EXPECT_EQ(server.counts().requests, before + 1);
        }
    }
    EXPECT_EQ(elsewhere.counts().accepted, 0U);
    const auto told =
        ask(script().respond(307, "", "", "location: " + elsewhere.url() + "/v1/models\r\n"), true);
    ASSERT_TRUE(told);
    EXPECT_TRUE(contains(describe(*told), "set base_url to " + elsewhere.url()));
}

TEST_F(Hostile, AnAnswerThatWasSplitIsNotTheNextCalls)
{
    const auto evil = http_head(200, "content-type: application/json\r\ncontent-length: " +
                                         std::to_string(answer_json("evil").size()) + "\r\n") +
                      answer_json("evil");
    const auto good = http_head(200, "content-type: application/json\r\ncontent-length: " +
                                         std::to_string(answer_json("first").size()) + "\r\n") +
                      answer_json("first");
    const auto empty = std::string("HTTP/1.1 204 No Content\r\n\r\n");
    for (const auto& bytes : {good + evil, empty + evil, empty + "2\r\nhi\r\n0\r\n\r\n",
                              "HTTP/1.1 304 Not Modified\r\n\r\n" + evil})
    {
        server.enqueue(script().expect_request().send(bytes));
        server.enqueue(script().expect_request().then(json(answer_json("second"))));
        const auto body = [&]() -> asio::awaitable<void> {
            const client one(co_await asio::this_coro::executor, config);
            co_await try_await(one.request({"POST", "/v1/x", "{}"}));
            const auto second = co_await try_await(one.chat(question()));
            EXPECT_TRUE(second) << describe(second.error());
            if (second)
            {
                EXPECT_EQ(second->text(), "second");
                EXPECT_FALSE(second->metadata.reused_connection);
            }
        };
        run(body());
    }
}

TEST_F(Hostile, WhatCanBeReadInTwoWaysEndsTheConnection)
{
    for (const auto* fields :
         {"content-length: 3\r\ntransfer-encoding: chunked\r\n",
          "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
          "content-length: 3\r\ncontent-length: 4\r\n", "content-length: -1\r\n"})
    {
        const auto got = ask(script().send(http_head(200, fields) + "0\r\n\r\n"), false);
        ASSERT_TRUE(got) << fields;
        EXPECT_EQ(got->code, errc::bad_response) << describe(*got);
        EXPECT_TRUE(contains(describe(*got), "breaks HTTP"));
        EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
    }
}

TEST_F(Hostile, TheSizeThatWasAnnouncedIsNotBelieved)
{
    // Neither is memory taken for it before the bytes come, nor is a body cut short a whole one.
    const auto answer = answer_json("yes");
    for (const std::string& size : {std::to_string(answer.size() + 1), std::string("250000000"),
                                    std::string("18446744073709551615")})
    {
        const auto got = ask(script()
                                 .send(http_head(200,
                                                 "content-type: application/json\r\n"
                                                 "content-length: " +
                                                     size + "\r\n") +
                                       answer)
                                 .fin(),
                             false);
        ASSERT_TRUE(got);
        EXPECT_EQ(got->code, errc::connection_lost) << describe(*got);
    }
    const auto short_one =
        ask(script()
                .send(http_head(200, "content-type: application/json\r\ncontent-length: 5\r\n") +
                      answer)
                .fin(),
            false);
    ASSERT_TRUE(short_one);
    EXPECT_EQ(short_one->code, errc::bad_response) << describe(*short_one);
}

}  // namespace

}  // namespace regolo::test
