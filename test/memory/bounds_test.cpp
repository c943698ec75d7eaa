#include "core/fast_paths.hpp"
#include "core/json_tape.hpp"
#include "integration/client_fixture.hpp"
#include "memory/heap.hpp"
#include "support/test_proxy.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

// Servers that never stop. The memory that an answer takes stays below a small multiple of its limit, however much is sent;
// what has no limit, since nothing of it is kept, takes none.

namespace regolo::test {

namespace {

constexpr std::size_t KiB = 1024;

/// The same piece again and again, up to so many bytes: far more than may be kept.
script repeat(std::string piece, std::size_t bytes = 64 * 1024 * KiB)
{
    auto times = std::make_shared<std::size_t>(bytes / piece.size());
    std::string block;
    while (block.size() < 16 * KiB)
        block += piece;
    *times = bytes / block.size();
    return script().stream([block, times](std::string& out) {
        out = block;
        return (*times)-- > 0;
    });
}

/// The same, each piece as a chunk of a body.
script repeat_chunk(std::string piece, std::size_t bytes = 64 * 1024 * KiB)
{
    std::string block;
    while (block.size() < 8 * KiB)
        block += piece;
    return repeat(http_chunk(block), bytes);
}

script events(std::string_view begin, const script& endless)
{
    auto answer = script().start_stream();
    if (!begin.empty())  // an empty chunk would end the body
        answer.send(http_chunk(begin));
    return answer.then(endless);
}

script chunked(int status, std::string_view begin, const script& endless)
{
    return script()
        .send(
            http_head(status, "content-type: application/json\r\ntransfer-encoding: chunked\r\n") +
            (begin.empty() ? "" : http_chunk(begin)))
        .then(endless);
}

struct endless
{
    const char* name;
    script answer;
    std::size_t limit;  // the one that ends it
    bool stream = true;
    errc code = errc::too_large;
};

/// That much of the limit at most.
constexpr std::size_t times = 4;

constexpr std::size_t head_limit = 32 * KiB;
constexpr std::size_t body_limit = 512 * KiB;
constexpr std::size_t event_limit = 128 * KiB;
constexpr std::size_t error_limit = 32 * KiB;

std::vector<endless> answers()
{
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const auto xs = repeat_chunk("xxxxxxxx");
    return {
        {"StatusLine", script().send("HTTP/1.1 200 ").then(repeat("x")), head_limit},
        {"HeaderLine", script().send(ok + "x: ").then(repeat("x")), head_limit},
        {"HeaderName", script().send(ok).then(repeat("x")), head_limit},
        {"HeaderLines", script().send(ok).then(repeat("a: b\r\n")), head_limit},
        {"EmptyHeaderLines", script().send(ok).then(repeat("a:\r\n")), head_limit},
        {"HeaderLinesOfTwoAllocations",
         script().send(ok).then(repeat("abcdefghijklmnop: abcdefghijklmnop\r\n")), head_limit},
        {"InterimAnswers", repeat("HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n"), head_limit},
        {"ChunkExtension", script().start_stream().send("1;").then(repeat("x")), head_limit},
        {"ChunkSize", script().start_stream().then(repeat("0")), head_limit},
        {"Trailers", chunked(200, "{}", script().send("0\r\n").then(repeat("a: b\r\n"))),
         head_limit, false},
        {"WholeAnswer", chunked(200, R"({"a":")", xs), body_limit, false},
        {"WholeAnswerOfNothing", chunked(200, "", repeat_chunk("        ")), body_limit, false},
        {"WholeAnswerOfBrackets", chunked(200, "[", repeat_chunk("[[[[")), body_limit, false},
        {"WordsOfAnError", chunked(400, R"({"error":{"message":")", xs), error_limit, false,
         errc::bad_request},
        {"JsonInsteadOfAStream", chunked(200, R"({"a":")", xs), body_limit},
        {"Event", events("data: ", xs), event_limit},
        {"DataLines", events("", repeat_chunk("data: x\n")), event_limit},
        {"EmptyDataLines", events("", repeat_chunk("data\n")), event_limit},
        {"EventName", events("event: ", xs), event_limit},
        {"EventId", events("id: ", xs), event_limit},
        {"RetryTime", events("retry: ", repeat_chunk("1")), event_limit},
        {"UnknownLine", events("", xs), event_limit},
        {"ErrorField", events("error: ", xs), event_limit},
        {"JsonBetweenEvents", events("data: {}\n\n{", repeat_chunk("\"a\":{\n")), event_limit},
        {"SmallEvents", events("", repeat_chunk("data: " + chunk_json("Hello") + "\n\n")),
         body_limit},
        {"EventsWithoutText",
         events("", repeat_chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"x\":[1]}}]}\n\n")),
         body_limit},
        {"ToolCalls",
         events("", repeat_chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{"
                                 "\"index\":0,\"function\":{\"arguments\":\"x\"}}]}}]}\n\n")),
         body_limit},
    };
}

class Memory : public ::testing::Test
{
protected:
    Memory()
    {
        config.limits.head = head_limit;
        config.limits.body = body_limit;
        config.limits.event = event_limit;
        config.limits.error_body = error_limit;
        config.retry.max_retries = 0;
        config.fail_on.empty = true;  // holds chunks back
    }

    struct result
    {
        std::optional<error_info> failure;
        std::size_t peak = 0;
    };

    result ask(bool stream)
    {
        const heap::meter memory;
        result got;
        if (stream)
        {
            got.failure = run(stream_once(config, question()), 60s).failure;
        }
        else
        {
            const auto answer = run(chat_once(config, question()), 60s);
            if (!answer)
                got.failure = answer.error();
        }
        got.peak = memory.peak();
        return got;
    }

    test_server server{server_options::plain()};
    client_config config = config_for(server);
};

/// The most that JSON takes of memory, by the byte of its text.
constexpr std::size_t structure_times = 48;

// What a call costs anyway: a read's buffer and the list of the pieces in it (of one byte each, they take 16), a client,
// coroutines.
constexpr std::size_t base = 320 * KiB;

TEST_F(Memory, OfAnAnswerThatNeverEndsIsBoundedByItsLimit)
{
    for (const auto& one : answers())
    {
        SCOPED_TRACE(one.name);
        server.on_request([&](const received_request&) { return one.answer; });
        const auto got = ask(one.stream);
        ASSERT_TRUE(got.failure);
        EXPECT_EQ(got.failure->code, one.code) << describe(*got.failure);
        std::cout << one.name << ": " << got.peak / KiB << " KiB at most, the limit is "
                  << one.limit / KiB << " KiB\n";
        // A buffer that doubles has its old half beside it for a moment, and a parsed value is larger than its text.
        EXPECT_LE(got.peak, base + times * one.limit);
        EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
    }
}

TEST_F(Memory, OfAnAnswerThatIsAllStructureIsBoundedAsWell)
{
    // JSON as values is larger than as text: 16 bytes for the two of "0,", and more for a member. It is there twice at most.
    std::string members;
    for (int i = 0; members.size() < body_limit - 100; ++i)
        members += '"' + std::to_string(i) + "\":0,";
    const auto list = [](std::string_view item) {
        std::string text = "[";
        while (text.size() < body_limit - 100)
            text += item;
        return text + "0]";
    };
    const struct
    {
        const char* name;
        std::string value;
    } bodies[] = {
        {"Numbers", list("0,")},
        {"Arrays", list("[],")},
        {"Objects", list("{},")},
        {"NestedArrays", list("[[[0]]],")},
        {"ObjectsWithAMember", list("{\"\":0},")},
        {"Members", '{' + members + R"("x":0})"},
    };
    for (const auto& [name, value] : bodies)
    {
        SCOPED_TRACE(name);
        const auto answer = script().respond(200, "application/json",
                                             R"({"choices":[{"message":{"x":)" + value + "}}]}");
        server.on_request([&](const received_request&) { return answer; });
        config.fail_on.empty = false;
        const auto got = ask(false);
        EXPECT_FALSE(got.failure) << describe(*got.failure);
        std::cout << name << ": " << got.peak / KiB << " KiB at most, the limit is "
                  << body_limit / KiB << " KiB\n";
        EXPECT_LE(got.peak, base + structure_times * body_limit);
    }
}

TEST_F(Memory, OfAProxysAnswerIsBoundedAsWell)
{
    const std::string much(4 * 1024 * KiB, 'x');
    std::string fields;  // few enough for one read, and more than may be
    for (int i = 0; i < 1000; ++i)
        fields += "a:\r\n";
    const struct
    {
        std::string answer;
        errc code;
    } answers[] = {
        {"HTTP/1.1 200 OK\r\nx: " + much + "\r\n\r\n", errc::bad_response},
        {"HTTP/1.1 200 OK\r\n" + fields + "\r\n", errc::bad_response},
        {"HTTP/1.1 403 " + much + "\r\n\r\n", errc::bad_response},
        {"HTTP/1.1 403 No\r\n\r\n" + much, errc::proxy_refused},
    };
    config.base_url = "https://127.0.0.1:1";
    ASSERT_TRUE(ask(false).failure);  // OpenSSL has things of its own to load
    for (const auto& [answer, code] : answers)
    {
        test_proxy::behaviour how;
        how.answer = answer;
        const test_proxy proxy(how);
        config.proxy = proxy_options(proxy.url());
        const auto got = ask(false);
        ASSERT_TRUE(got.failure);
        EXPECT_EQ(got.failure->code, code) << describe(*got.failure);
        EXPECT_LE(got.failure->message.size(), 500U);
        std::cout << answer.substr(0, 12) << ": " << got.peak / KiB << " KiB at most\n";
        EXPECT_LE(got.peak, base + times * head_limit);
    }
}

// There may be many streams, and prompts are large.
TEST_F(Memory, OfARequestIsGivenBackWithTheFirstChunk)
{
    constexpr std::size_t size = 4 * 1024 * KiB;
    config.limits.body = size;
    config.fail_on.empty = false;
    server.on_request([](const received_request&) { return good_stream(); });
    const heap::meter memory;
    const auto read = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        std::optional<chat_request> prompt(chat_request("sim-chat", std::string(size, 'x')));
        auto stream = co_await one.stream_chat(*std::move(prompt));
        prompt.reset();
        EXPECT_GT(memory.now(), size);
        chat_chunk chunk;
        EXPECT_TRUE(co_await stream.next(chunk));
        EXPECT_LT(memory.now(), base);
        EXPECT_TRUE(co_await stream.next(chunk));
        EXPECT_FALSE(co_await stream.next(chunk));
    };
    run(read(), 60s);
}

TEST_F(Memory, OfALongAnswerIsTakenOnce)
{
    constexpr std::size_t size = 8 * 1024 * KiB;
    config.limits.body = 4 * size;
    config.fail_on.empty = false;
    const auto body =
        R"({"choices":[{"message":{"content":")" + std::string(size, 'x') + R"("}}]})";
    const auto answer = script().respond(200, "application/json", body);
    server.on_request([&](const received_request&) { return answer; });
    const auto got = ask(false);
    EXPECT_FALSE(got.failure) << describe(*got.failure);
    std::cout << got.peak / KiB << " KiB at most, the answer is " << size / KiB << " KiB\n";
    // As it came, as the message that it is, and without the tape as a tree.
    EXPECT_LE(got.peak, base + (core::fast_paths ? 2 : 3) * size);
}

TEST_F(Memory, OfATapeIsTakenOnce)
{
    std::string numbers = "[";
    while (numbers.size() < 1024 * KiB)
        numbers += "-0.52708894,";
    numbers += "0]";
    const heap::meter memory;
    core::json_tape tape;
    ASSERT_TRUE(tape.read(numbers, 1));
    std::cout << memory.peak() / KiB << " KiB at most, the text is " << numbers.size() / KiB
              << " KiB\n";
    // Sixteen bytes for each eight of the text. Doubled, it would be three times the text for a moment.
    EXPECT_LE(memory.peak(), 2 * numbers.size() + 16 * KiB);
}

TEST_F(Memory, OfAnAnswerThatIsOnlyAnnouncedIsBounded)
{
    config.limits.body = std::size_t{1024} * 1024 * KiB;
    server.on_request([](const received_request&) {
        const std::string head = "content-type: application/json\r\ncontent-length: 1000000000\r\n";
        return script().send(http_head(200, head) + "{}").fin();
    });
    const auto got = ask(false);
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::connection_lost) << describe(*got.failure);
    EXPECT_LE(got.peak, base + 16 * 1024 * KiB);
}

TEST_F(Memory, OfWhatIsPassedOverIsNone)
{
    const std::size_t much = 4 * 1024 * KiB;
    const struct
    {
        const char* name;
        script filler;
    } fillers[] = {
        {"MillionEmptyComments", repeat_chunk(":\n\n", 3'000'000)},
        {"CommentThatGoesOn", script().send(http_chunk(":")).then(repeat_chunk("x", much))},
        {"BlankLines", repeat_chunk("\n", much)},
        {"EmptyEvents", repeat_chunk("data:\n\n", much)},
        {"NamesAndNothingElse", repeat_chunk("event: ping\nid: 1\nretry: 5\n\n", much)},
        {"ChunkExtensions", repeat("1;a=b;c=\"d\"\r\n\n\r\n", much)},
    };
    config.limits.body = 64 * 1024 * KiB;
    for (const auto& [name, filler] : fillers)
    {
        SCOPED_TRACE(name);
        const auto answer = script()
                                .start_stream()
                                .then(filler)
                                .send(http_chunk("\n\n"))
                                .event(chunk_json("Rome", "stop"))
                                .event("[DONE]")
                                .end_stream();
        server.on_request([&](const received_request&) { return answer; });
        const auto got = ask(true);
        EXPECT_FALSE(got.failure) << describe(*got.failure);
        std::cout << name << ": " << got.peak / KiB << " KiB at most\n";
        EXPECT_LE(got.peak, base);
    }
}

}  // namespace

}  // namespace regolo::test
