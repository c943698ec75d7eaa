#include "core/stream_decoder.hpp"

#include "case_file.hpp"
#include "core/api_error.hpp"
#include "wire_file.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regolo::test {
namespace {

using core::response_head;
using core::stream_decoder;
using core::stream_step;

constexpr std::string_view first_chunk =
    R"({"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]})";
constexpr std::string_view last_chunk =
    R"({"id":"a","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":3}})";

std::string data(std::string_view payload)
{
    std::string event = "data: ";
    return event.append(payload).append("\n\n");
}

response_head head_of(std::string_view content_type)
{
    response_head head;
    head.status = 200;
    head.headers.emplace_back("Content-Type", content_type);
    return head;
}

template <class Chunk>
struct outcome
{
    std::vector<Chunk> chunks;
    stream_end end = stream_end::open;
    error_info failure;
    bool seen_event = false;
    std::string finish_reason;
    std::string model;
    std::optional<usage> last_usage;
};

constexpr std::size_t a_line = 0;  // with the empty ones behind it

/// Feeds pieces of `size` bytes that are gone once they were pulled, to a decoder that may have read others before.
/// @param size  or `a_line`
template <class Chunk>
outcome<Chunk> decode(stream_decoder<Chunk>& decoder, std::string_view body,
                      const response_head& head, std::size_t size)
{
    decoder.start(head);
    outcome<Chunk> out;
    Chunk chunk;
    const auto drain = [&] {
        stream_step step = decoder.pull(chunk);
        for (; step == stream_step::chunk; step = decoder.pull(chunk))
        {
            out.chunks.push_back(chunk);
        }
        return step == stream_step::need_more;
    };
    while (!body.empty())
    {
        const std::size_t next =
            body.find_first_not_of("\r\n", std::min(body.find('\n'), body.size()));
        const std::size_t most = std::min(size == a_line ? next : size, body.size());
        const std::vector<char> piece(body.begin(),
                                      body.begin() + static_cast<std::ptrdiff_t>(most));
        body.remove_prefix(piece.size());
        decoder.push({piece.data(), piece.size()});
        if (!drain())
        {
            break;
        }
    }
    decoder.end_of_body();
    EXPECT_FALSE(drain());
    EXPECT_FALSE(drain()) << "the outcome must stay";
    out.end = decoder.ended_as();
    out.failure = decoder.failure();
    out.seen_event = decoder.seen_event();
    out.finish_reason = decoder.finish_reason();
    out.model = decoder.model();
    if (const auto* used = decoder.last_usage())
        out.last_usage = *used;
    return out;
}

template <class Chunk>
outcome<Chunk> decode(std::string_view body, const response_head& head, std::size_t size,
                      const limits& bounds = {})
{
    stream_decoder<Chunk> decoder(bounds);
    return decode(decoder, body, head, size);
}

/// Whole and cut in many ways; all must agree.
template <class Chunk = chat_chunk>
outcome<Chunk> decode_all_ways(std::string_view body,
                               std::string_view content_type = "text/event-stream",
                               const limits& bounds = {})
{
    const response_head head = head_of(content_type);
    auto whole = decode<Chunk>(body, head, std::max<std::size_t>(body.size(), 1), bounds);
    for (const std::size_t size :
         {a_line, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{16}})
    {
        const auto cut = decode<Chunk>(body, head, size, bounds);
        EXPECT_EQ(cut.end, whole.end) << size << ' ' << body;
        EXPECT_EQ(cut.chunks.size(), whole.chunks.size()) << size << ' ' << body;
        EXPECT_EQ(describe(cut.failure), describe(whole.failure)) << size << ' ' << body;
        EXPECT_EQ(cut.seen_event, whole.seen_event);
    }
    return whole;
}

void expect_error(const boost::json::object& expected, const error_info& failure,
                  const boost::json::value& name)
{
    for (const auto& [member, value] : expected)
    {
        const std::string text =
            value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
        if (member == "message" || member == "raw")
        {
            EXPECT_EQ(failure.server_message, text) << name;
        }
        else if (member == "code")
        {
            EXPECT_EQ(failure.server_code, text) << name;
        }
        else if (member == "type")
        {
            EXPECT_EQ(failure.server_type, text) << name;
        }
        else if (member == "param")
        {
            EXPECT_EQ(failure.server_param, text) << name;
        }
        else
        {
            ASSERT_EQ(member, "message_must_not_contain");
            for (const auto& word : value.as_array())
            {
                EXPECT_EQ(describe(failure).find(word.as_string().c_str()), std::string::npos);
            }
        }
    }
}

TEST(StreamDecoder, PassesCases)
{
    const auto rows = load_cases("openai_stream_cases.jsonl");
    ASSERT_GT(rows.size(), 25U);
    for (const auto& row : rows)
    {
        const auto& name = row.at("name");
        const std::string type =
            row.contains("content_type") ? text_of(row, "content_type") : "text/event-stream";
        const auto out = decode_all_ways(text_of(row, "input"), type);
        const std::string end = text_of(row, "end");
        if (type == "application/json")
        {
            // the case allows a chunk that has the whole answer
            ASSERT_EQ(out.chunks.size(), 1U);
            EXPECT_EQ(out.chunks[0].text(), "hi");
            EXPECT_EQ(out.end, stream_end::finished);
            continue;
        }
        EXPECT_EQ(out.chunks.size(), row.at("items").as_array().size()) << name;
        for (std::size_t i = 0; i < out.chunks.size(); ++i)
        {
            const auto expected = from_json<chat_chunk>(row.at("items").at(i));
            ASSERT_TRUE(expected.has_value());
            EXPECT_EQ(to_json(out.chunks[i]), to_json(expected.value())) << name;
        }
        EXPECT_EQ(out.end, end == "done" ? stream_end::done : stream_end::failed) << name;
        if (end == "api_error")
        {
            EXPECT_NE(out.failure.code, errc::bad_response) << name;
            EXPECT_NE(out.failure.code, errc::truncated) << name;
        }
        else if (end != "done")
        {
            EXPECT_EQ(out.failure.code, end == "truncated" ? errc::truncated : errc::bad_response)
                << name;
        }
        if (const auto* error = row.if_contains("error"))
        {
            expect_error(error->as_object(), out.failure, name);
        }
    }
}

struct row
{
    std::string_view name;
    std::string body;
    std::string_view content_type;
    std::size_t chunks;
    stream_end end;
    errc code = errc::api_error;
    std::string_view text = "";  // in the failure's description
};

void check(const std::vector<row>& rows)
{
    for (const row& each : rows)
    {
        const auto out = decode_all_ways(each.body, each.content_type);
        EXPECT_EQ(out.chunks.size(), each.chunks) << each.name;
        EXPECT_EQ(out.end, each.end) << each.name << ": " << describe(out.failure);
        if (each.end != stream_end::failed)
        {
            continue;
        }
        EXPECT_EQ(out.failure.code, each.code) << each.name << ": " << describe(out.failure);
        EXPECT_NE(describe(out.failure).find(each.text), std::string::npos)
            << each.name << ": " << describe(out.failure);
        EXPECT_EQ(out.failure.where, phase::body);
        EXPECT_TRUE(out.failure.sent);
    }
}

constexpr std::string_view sse = "text/event-stream";
constexpr std::string_view any_json = "application/json; charset=utf-8";

TEST(StreamDecoder, KnowsHowAStreamEnded)
{
    const std::string one = data(first_chunk);
    const std::string both = one + data(last_chunk);
    check({
        {"done", both + data("[DONE]"), sse, 2, stream_end::done},
        {"done without a finish reason", one + data("[DONE]"), sse, 1, stream_end::done},
        {"done with spaces", one + data("[DONE] \t"), sse, 1, stream_end::done},
        {"done as a bare line", one + "[DONE]\n", sse, 1, stream_end::done},
        {"finished", both, sse, 2, stream_end::finished},
        {"finished as plain text", both, "text/plain", 2, stream_end::finished},
        {"finished without a type", both, "", 2, stream_end::finished},
        {"finished, last blank line missing", both.substr(0, both.size() - 1), sse, 2,
         stream_end::finished},
        {"finished, last line end missing", both.substr(0, both.size() - 2), sse, 2,
         stream_end::finished},
        {"finished, then a cut event", both + "data: {\"id\"", sse, 2, stream_end::finished},
        {"truncated", one, sse, 1, stream_end::failed, errc::truncated, "after 1 event without"},
        {"truncated in an event", one + "data: {\"id\"", sse, 1, stream_end::failed,
         errc::truncated, "after 1 event without"},
        {"truncated in a field name", one + "dat", sse, 1, stream_end::failed, errc::truncated},
        {"empty", "", sse, 0, stream_end::failed, errc::truncated, "an empty body"},
        {"blank lines", "\n\n\r\n", sse, 0, stream_end::failed, errc::truncated, "after 0 events"},
        {"comments", ": ping\n\n: ping\n\n", sse, 0, stream_end::failed, errc::truncated,
         "after 0 events and 2 comments"},
    });
}

TEST(StreamDecoder, WaitsForEveryChoice)
{
    const std::string two = data(
        R"({"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]})");
    const std::string end0 = data(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
    const std::string end1 =
        data(R"({"choices":[{"index":1,"delta":{},"finish_reason":"length"}]})");
    check({
        {"both", two + end1 + end0, sse, 3, stream_end::finished},
        {"one", two + end0, sse, 2, stream_end::failed, errc::truncated},
        {"the later one alone", end1, sse, 1, stream_end::finished},
        {"usage after the end", end0 + data(R"({"choices":[],"usage":{}})"), sse, 2,
         stream_end::finished},
    });
    EXPECT_EQ(decode_all_ways(two + end1 + end0).finish_reason, "stop");
}

TEST(StreamDecoder, PassesKeepAlivesOver)
{
    check({
        {"spaces", data(first_chunk) + " \n\t\n" + data(last_chunk), sse, 2, stream_end::finished},
        {"spaces in front", " \n \n\t" + data(last_chunk), sse, 0, stream_end::failed,
         errc::bad_response},
        {"empty data", "data:\n\n" + data(last_chunk), sse, 1, stream_end::finished},
        {"ping", "event: ping\ndata: {\"type\":\"ping\"}\n\n" + data(last_chunk), sse, 1,
         stream_end::finished},
        {"keepalive", "event: keepalive\ndata: x\n\n" + data(last_chunk), sse, 1,
         stream_end::finished},
    });
    const auto out = decode<chat_chunk>(": c\n\nevent: ping\ndata: 1\n\n", head_of(sse), 100);
    EXPECT_EQ(out.failure.code, errc::truncated);
    stream_decoder<chat_chunk> decoder((limits()));
    decoder.start(head_of(sse));
    decoder.push(": c\n\nevent: ping\ndata: 1\n\n");
    chat_chunk chunk;
    EXPECT_EQ(decoder.pull(chunk), stream_step::need_more);
    EXPECT_FALSE(decoder.seen_event());
}

TEST(StreamDecoder, FindsEveryErrorFrame)
{
    const std::string one = data(first_chunk);
    check({
        {"frame", one + data(R"({"error":{"message":"boom","code":"500"}})"), sse, 1,
         stream_end::failed, errc::server_error, "boom"},
        {"frame without its blank line", one + R"(data: {"error":{"message":"boom"}})", sse, 1,
         stream_end::failed, errc::api_error, "boom"},
        {"frame, then done", data(R"({"error":"guardrail"})") + data("[DONE]"), sse, 0,
         stream_end::failed, errc::api_error, "guardrail"},
        {"named event", one + "event: error\ndata: {\"code\":429,\"message\":\"slow\"}\n\n", sse, 1,
         stream_end::failed, errc::rate_limited, "slow"},
        {"named event without words", one + "event: error\ndata:\n\n", sse, 1, stream_end::failed,
         errc::api_error, "the stream brought an error"},
        {"field with JSON", one + "error: {\"code\":503,\"message\":\"busy\"}\n\n", sse, 1,
         stream_end::failed, errc::unavailable, "busy"},
        {"field with text", one + "error:it broke\n\n", sse, 1, stream_end::failed, errc::api_error,
         "it broke"},
        {"field that says none", one + "error: null\n\n" + data("[DONE]"), sse, 1,
         stream_end::done},
        {"bare JSON after events", one + R"({"error":{"message":"boom"}})", sse, 1,
         stream_end::failed, errc::api_error, "boom"},
        {"bare JSON alone", R"({"error":{"message":"boom","code":500}})", "text/plain", 0,
         stream_end::failed, errc::server_error, "boom"},
        {"bare JSON over lines", "{\n \"error\": {\n \"message\": \"boom\"}\n}\n", sse, 0,
         stream_end::failed, errc::api_error, "boom"},
        {"detail", data(R"({"detail":"Not authenticated"})"), sse, 0, stream_end::failed,
         errc::api_error, "Not authenticated"},
        {"text", one + data("internal failure"), sse, 1, stream_end::failed, errc::bad_response,
         "event 2 of the stream"},
    });
}

TEST(StreamDecoder, JudgesAnErrorFrameByItsCode)
{
    const auto out = decode_all_ways(data(R"({"error":{"message":"m","code":503}})"));
    EXPECT_EQ(core::effective_status(out.failure), 503);
    EXPECT_EQ(out.failure.http_status, 200);
    EXPECT_TRUE(is_retryable(out.failure));
    EXPECT_TRUE(out.seen_event);
}

TEST(StreamDecoder, NeverShowsAPayloadItDoesNotUnderstand)
{
    for (const std::string_view payload :
         {"[DONE]secret-123", "{\"a\":secret-123}", "[secret-123", "[DONE]\ndata: secret-123"})
    {
        const auto out = decode_all_ways(data(payload));
        EXPECT_EQ(out.failure.code, errc::bad_response);
        EXPECT_EQ(describe(out.failure).find("secret"), std::string::npos);
        EXPECT_EQ(boost::json::serialize(to_json(out.failure)).find("secret"), std::string::npos);
    }
}

TEST(StreamDecoder, TakesJsonForWhatItIs)
{
    const std::string answer =
        R"({"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a } \" {"},"finish_reason":"stop"}]})";
    const std::string lines = std::string(first_chunk) + "\n" + std::string(last_chunk) + "\n";
    check({
        {"whole answer", "\n " + answer + "\n", any_json, 1, stream_end::finished},
        {"whole answer without a finish reason", R"({"choices":[{"message":{"content":"a"}}]})",
         any_json, 1, stream_end::finished},
        {"whole answer as text", answer, "text/plain", 1, stream_end::finished},
        {"whole answer, cut", answer.substr(0, 40), any_json, 0, stream_end::failed,
         errc::truncated, "breaks off after 40 bytes"},
        {"error", R"({"error":{"message":"boom","code":"429"}})", any_json, 0, stream_end::failed,
         errc::rate_limited, "boom"},
        {"lines", lines, "application/x-ndjson", 2, stream_end::finished},
        {"lines under a JSON type", lines, any_json, 2, stream_end::finished},
        {"lines, then done", std::string(first_chunk) + "\n[DONE]\n", "text/plain", 1,
         stream_end::done},
        {"lines, then events", std::string(first_chunk) + "\n" + data(last_chunk), sse, 2,
         stream_end::finished},
        {"events, then lines", data(first_chunk) + std::string(last_chunk) + "\n", sse, 2,
         stream_end::finished},
        {"lines, truncated", std::string(first_chunk) + "\n", "text/plain", 1, stream_end::failed,
         errc::truncated, "after 1 event"},
        {"byte order mark", "\xEF\xBB\xBF" + answer, any_json, 1, stream_end::finished},
    });
    EXPECT_EQ(decode_all_ways(answer, any_json).chunks.at(0).text(), "a } \" {");
}

TEST(StreamDecoder, RefusesWhatIsNoStream)
{
    check({
        {"page", "\r\n<!DOCTYPE html><html></html>", "text/html", 0, stream_end::failed,
         errc::bad_response, "HTML (content type \"text/html\")"},
        {"page under a wrong type", "<html>", sse, 0, stream_end::failed, errc::bad_response,
         "check base_url"},
        {"text", "It works!", "text/plain", 0, stream_end::failed, errc::bad_response,
         "no event stream (content type \"text/plain\")"},
        {"text lines", "hello\nworld\n", "text/plain", 0, stream_end::failed, errc::bad_response},
    });
}

TEST(StreamDecoder, ReadsWhatStandsBetweenTheEvents)
{
    const std::string begun = data(first_chunk);
    const std::string ended = data(last_chunk);
    const std::string error = "{\n  \"error\": {\n    \"code\": 429\n  }\n}\n";
    const std::string page = "<html>\n<title>504 Gateway Time-out</title>\n{\n</html>\n";
    check({
        {"error in lines", begun + error, sse, 1, stream_end::failed, errc::rate_limited},
        {"error in lines, cut", begun + error.substr(0, error.size() - 3), sse, 1,
         stream_end::failed, errc::truncated, "other text among the events"},
        {"chunk in lines", begun + "{\"choices\":\n[{\"finish_reason\":\"stop\"}]}\n", sse, 2,
         stream_end::finished},
        {"page", begun + page, sse, 1, stream_end::failed, errc::truncated,
         "the server says \"504 Gateway Time-out\""},
        {"page, finished", begun + ended + page, sse, 2, stream_end::finished},
        {"page, done", begun + ended + page + data("[DONE]"), sse, 2, stream_end::done},
        {"broken JSON", begun + "{\"choices\":[\n" + ended, sse, 1, stream_end::failed,
         errc::bad_response, "breaks off where an event begins"},
        {"two in a line", begun + "{} {}\n" + ended, sse, 1, stream_end::failed,
         errc::bad_response},
        {"field cut", begun + "dat", sse, 1, stream_end::failed, errc::truncated,
         "the answer is incomplete"},
    });
}

// What has neither choices nor words of an error is no answer; a piece of one is no whole one.
TEST(StreamDecoder, TakesNoHalfAnswerForAWholeOne)
{
    const std::string piece =
        R"({"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hal"},"finish_reason":null}]})";
    std::vector<row> rows{
        {"a piece alone", piece + "\n", any_json, 1, stream_end::failed, errc::truncated},
        {"no choices", "{}", any_json, 0, stream_end::failed, errc::bad_response, "no \"choices\""},
        {"queued", R"({"status":"queued"})", any_json, 0, stream_end::failed, errc::bad_response},
        {"named error", data(first_chunk) + "event: error\ndata: [DONE]\n\n", sse, 1,
         stream_end::failed, errc::api_error},
        {"page before the end", data(first_chunk) + "<html>\n<title>502</title>\n" + data("[DONE]"),
         sse, 1, stream_end::failed, errc::truncated, "502"},
        {"a list", data(first_chunk) + data(R"([{"error":{"message":"m","code":503}}])"), sse, 1,
         stream_end::failed, errc::unavailable},
        {"text", data(first_chunk) + data("Internal Server Error"), sse, 1, stream_end::failed,
         errc::bad_response, "the server says \"Internal Server Error\""},
        {"Python", data(first_chunk) + data("{'error': {'message': 'boom', 'code': 500}}"), sse, 1,
         stream_end::failed, errc::bad_response, "boom"},
        {"code alone", data(first_chunk) + "error: 503\n\n", sse, 1, stream_end::failed,
         errc::unavailable},
    };
    const std::pair<const char*, errc> bare[] = {
        {R"({"code":401,"msg":"m","data":null})", errc::unauthorized},
        {R"({"success":false,"message":"m"})", errc::api_error},
        {R"({"message":"m"})", errc::api_error},
        {R"({"object":"error","message":"m"})", errc::api_error},
        {R"({"type":"about:blank","title":"m","status":503})", errc::unavailable},
        {R"({"fault":{"faultstring":"m"}})", errc::api_error},
        {R"({"id":"x","code":"500","message":"m","type":"e"})", errc::server_error},
    };
    for (const auto& [json, code] : bare)
    {
        rows.push_back({json, data(first_chunk) + data(json) + data("[DONE]"), sse, 1,
                        stream_end::failed, code, "\"m\""});
    }
    check(rows);
}

TEST(StreamDecoder, EndsAtTheMarkHoweverOftenItComes)
{
    check({
        {"twice", data(last_chunk) + "data: [DONE]\ndata: [DONE]\n\n", sse, 1, stream_end::done},
    });
}

TEST(StreamDecoder, GivesWhatStillWaitsForItsOtherHalf)
{
    constexpr std::string_view half = R"({"choices":[{"index":0,"delta":{"content":"x\ud83d"}}]})";
    const auto out = decode_all_ways(data(half) + data("[DONE]"));
    EXPECT_EQ(out.end, stream_end::done);
    ASSERT_EQ(out.chunks.size(), 2U);
    EXPECT_EQ(out.chunks[0].text(), "x");
    EXPECT_EQ(out.chunks[1].text(), "\xEF\xBF\xBD");
}

TEST(StreamDecoder, PassesOverEventsThatSayNothing)
{
    check({
        {"null", data("null") + data(first_chunk) + data("[]") + data(" ") + data(" [DONE] "), sse,
         1, stream_end::done},
    });
}

TEST(StreamDecoder, KeepsItsLimits)
{
    limits bounds;
    bounds.event = 10;
    bounds.body = 20;
    const auto code = [&](std::string_view body, std::string_view type) {
        const auto out = decode_all_ways<server_event>(body, type, bounds);
        return out.end == stream_end::failed ? out.failure.code : boost::system::error_code();
    };
    EXPECT_FALSE(code("data: 1234567890\n\n", sse));
    EXPECT_EQ(code("data: 12345678901\n\n", sse), errc::too_large);
    EXPECT_FALSE(code("{\"1\":2345}", sse));
    EXPECT_EQ(code("{\"1\":23456}", sse), errc::too_large);
    EXPECT_FALSE(code("{\"1\":23456789012345}", any_json));
    EXPECT_EQ(code("{\"1\":234567890123456}", any_json), errc::too_large);
    const auto out = decode_all_ways<server_event>("data: 12345678901\n\n", sse, bounds);
    EXPECT_NE(out.failure.message.find("raise limits::event"), std::string::npos);
}

TEST(StreamDecoder, TakesEachOfTheEventsThatRepeatInOnePiece)
{
    const auto event = [](std::string_view text) {
        return R"(data: {"choices":[{"index":0,"delta":{"content":")" + std::string(text) +
               "\"}}]}\n\n";
    };
    stream_decoder<chat_chunk> decoder((limits()));
    decoder.start(head_of(sse));
    const std::string pieces[] = {
        event("a") + event("b") + event("c"),
        event("d") + event("e") + event("f") + data(R"({"choices":[],"usage":{}})") + event("g") +
            event("h").substr(0, 20),
        event("h").substr(20) + event("i"),
        event("j") + data("[DONE]"),
    };
    std::string text;
    chat_chunk chunk;
    auto step = stream_step::need_more;
    for (const auto& piece : pieces)
    {
        ASSERT_EQ(step, stream_step::need_more);
        decoder.push(piece);
        while ((step = decoder.pull(chunk)) == stream_step::chunk)
            text += chunk.choices.empty() ? "-" : *chunk.choices[0].delta.content;
    }
    EXPECT_EQ(step, stream_step::ended);
    EXPECT_EQ(text, "abcdef-ghij");
}

TEST(StreamDecoder, KnowsWhatIsOpenAlsoWhereEventsRepeat)
{
    const auto event = [](std::string_view text) {
        return R"(data: {"choices":[{"index":0,"delta":{"content":")" + std::string(text) +
               "\"}}]}\n\n";
    };
    const auto begun = event("a") + event("b") + event("c");
    const auto broken = decode_all_ways(begun + "{\n" + event("d") + data("[DONE]"), sse);
    EXPECT_EQ(broken.failure.code, errc::bad_response);
    EXPECT_EQ(broken.chunks.size(), 3U);
    const auto error = decode_all_ways(
        begun + "{\n" + R"("error":{"message":"m","code":503}})" + "\n" + event("d"), sse);
    EXPECT_EQ(error.failure.server_message, "m");
    EXPECT_EQ(error.chunks.size(), 3U);
    const auto commented = decode_all_ways(
        begun + ": rest\n" + event("d") + "\r\n" + event("e") + data("[DONE]"), sse);
    EXPECT_EQ(commented.end, stream_end::done);
    EXPECT_EQ(commented.chunks.size(), 5U);
}

TEST(StreamDecoder, KeepsTheLimitOfAnEventAlsoWhereEventsRepeat)
{
    const std::string before = R"({"id":"1","choices":[{"index":0,"delta":{"content":")";
    const std::string after = R"("}}]})";
    const auto event = [&](std::string_view text) {
        return "data: " + before + std::string(text) + after + "\n\n";
    };
    limits bounds;
    bounds.event = before.size() + 8 + after.size();
    const auto begun = event("a") + event("b") + event("c");
    const auto at = decode_all_ways(begun + event("12345678") + data("[DONE]"), sse, bounds);
    EXPECT_EQ(at.end, stream_end::done);
    EXPECT_EQ(at.chunks.size(), 4U);
    const auto past = decode_all_ways(begun + event("123456789") + data("[DONE]"), sse, bounds);
    EXPECT_EQ(past.failure.code, errc::too_large);
    EXPECT_EQ(past.chunks.size(), 3U);
}

TEST(StreamDecoder, StartsAnew)
{
    stream_decoder<chat_chunk> decoder((limits()));
    chat_chunk chunk;
    decoder.start(head_of(sse));
    const std::string first = data(first_chunk) + data("nonsense");
    decoder.push(first);
    EXPECT_EQ(decoder.pull(chunk), stream_step::chunk);
    EXPECT_EQ(decoder.pull(chunk), stream_step::failed);
    EXPECT_EQ(decoder.ended_as(), stream_end::failed);
    decoder.start(head_of(any_json));
    EXPECT_EQ(decoder.ended_as(), stream_end::open);
    EXPECT_FALSE(decoder.seen_event());
    EXPECT_EQ(decoder.model(), "");
    decoder.push(last_chunk);
    EXPECT_EQ(decoder.pull(chunk), stream_step::chunk);
    decoder.end_of_body();
    EXPECT_EQ(decoder.pull(chunk), stream_step::ended);
    EXPECT_EQ(decoder.finish_reason(), "stop");
    ASSERT_TRUE(decoder.last_usage());
    EXPECT_EQ(decoder.last_usage()->total_tokens, 3);
}

// Whatever the attempt before has left behind, at whichever byte it broke off.
TEST(StreamDecoder, StartsAnewFromEveryPlace)
{
    const std::string mark = "\xEF\xBB\xBF";
    constexpr std::string_view half = R"({"choices":[{"index":0,"delta":{"content":"x\ud83d"}}]})";
    const std::string page = "<html>\n<title>t</title>\n";
    const std::string lines = "{\"choices\":\n[{\"finish_reason\":\"stop\"}]}\n";
    const std::pair<std::string, std::string_view> before[] = {
        {mark + ": c\n" + data(first_chunk) + data(half) + page, sse},
        {data(last_chunk) + lines + data("[DONE]"), sse},
        {mark + std::string(last_chunk), any_json}};
    const std::pair<std::string, std::string_view> after[] = {
        {data(first_chunk), sse},
        {data(first_chunk) + lines, sse},
        {data("nonsense"), sse},
        {"", sse},
        {mark + std::string(last_chunk), any_json},
        {mark + std::string(first_chunk.substr(0, 9)), any_json}};
    for (const auto& [body, type] : after)
    {
        const auto expected = decode<chat_chunk>(body, head_of(type), 64);
        for (const auto& [whole, first_type] : before)
        {
            for (std::size_t size = 0; size <= whole.size(); ++size)
            {
                stream_decoder<chat_chunk> decoder((limits()));
                chat_chunk chunk;
                decoder.start(head_of(first_type));
                decoder.push(std::string_view(whole).substr(0, size));
                while (decoder.pull(chunk) == stream_step::chunk)
                {}
                const auto out = decode(decoder, body, head_of(type), 64);
                ASSERT_EQ(out.end, expected.end) << size << " of " << whole << " then " << body;
                ASSERT_EQ(out.chunks.size(), expected.chunks.size());
                ASSERT_EQ(describe(out.failure), describe(expected.failure));
                ASSERT_EQ(out.seen_event, expected.seen_event);
                ASSERT_EQ(out.finish_reason, expected.finish_reason);
                ASSERT_EQ(out.model, expected.model);
                ASSERT_EQ(out.last_usage.has_value(), expected.last_usage.has_value());
            }
        }
    }
}

TEST(StreamDecoder, ReadsTextCompletions)
{
    const auto out = decode_all_ways<completion_chunk>(
        data(R"({"model":"m","choices":[{"index":0,"text":"a","finish_reason":null}]})") +
        data(R"({"model":"m","choices":[{"index":0,"text":"b","finish_reason":"stop"}]})"));
    ASSERT_EQ(out.chunks.size(), 2U);
    EXPECT_EQ(out.chunks[1].text(), "b");
    EXPECT_EQ(out.end, stream_end::finished);
    EXPECT_EQ(out.model, "m");
}

TEST(StreamDecoder, GivesRawEventsAsTheyAre)
{
    const auto out = decode_all_ways<server_event>(
        "id: 7\nevent: ping\ndata:\n\nevent: error\ndata: x\n\ndata: not json\n\n");
    ASSERT_EQ(out.chunks.size(), 3U);
    EXPECT_EQ(out.chunks[0].event, "ping");
    EXPECT_EQ(out.chunks[1].id, "7");
    EXPECT_EQ(out.chunks[2].data, "not json");
    EXPECT_EQ(out.end, stream_end::finished);
    EXPECT_EQ(decode_all_ways<server_event>("").end, stream_end::finished);
    EXPECT_EQ(decode_all_ways<server_event>("data: [DONE]\n\n").end, stream_end::done);
    EXPECT_EQ(decode_all_ways<server_event>("data: {\"a\":1}").chunks.size(), 1U);
    EXPECT_EQ(decode_all_ways<server_event>("data: {\"a\"").failure.code, errc::truncated);
    EXPECT_EQ(decode_all_ways<server_event>("<html>", "text/html").failure.code,
              errc::bad_response);
    const auto whole = decode_all_ways<server_event>("[{\"a\": 1}]\n", any_json);
    ASSERT_EQ(whole.chunks.size(), 1U);
    EXPECT_EQ(whole.chunks[0].data, "[{\"a\": 1}]");
}

TEST(StreamDecoder, GivesNamedEventsThatComeAgain)
{
    // The server begins the response anew with each piece of text.
    const auto out =
        decode_all_ways<server_event>(one_recording("real/responses_stream_begun_again.txt").body);
    EXPECT_EQ(out.end, stream_end::finished) << describe(out.failure);
    ASSERT_EQ(out.chunks.size(), 18U);
    std::string text;
    std::string whole;
    std::size_t begun = 0;
    for (const auto& each : out.chunks)
    {
        const auto event = boost::json::parse(each.data);
        EXPECT_EQ(each.event, event.at("type").as_string());
        begun += each.event == "response.created";
        if (each.event == "response.output_text.delta")
            text += event.at("delta").as_string();
        if (each.event == "response.output_text.done")
            whole = event.at("text").as_string();
    }
    EXPECT_EQ(begun, 4U);
    EXPECT_EQ(text, whole);
    EXPECT_EQ(out.chunks.back().event, "response.completed");
}

TEST(StreamDecoder, ReadsEveryRecordedStream)
{
    std::size_t streams = 0;
    for (const recording& each : all_recordings())
    {
        const auto type = find_header(each.head.headers, "content-type");
        if (each.head.status != 200 || !type || !type->starts_with("text/event-stream") ||
            each.name.find("completions") != std::string::npos ||
            each.name.find("responses") != std::string::npos)
        {
            continue;
        }
        ++streams;
        const auto whole = decode<chat_chunk>(each.body, each.head, each.body.size() + 1);
        const auto cut = decode<chat_chunk>(each.body, each.head, 3);
        EXPECT_EQ(whole.chunks.size(), cut.chunks.size()) << each.name;
        EXPECT_EQ(whole.end, cut.end) << each.name;
        EXPECT_EQ(describe(whole.failure), describe(cut.failure)) << each.name;
        const bool broken = each.name.find("hangup") != std::string::npos ||
                            each.name.find("truncate") != std::string::npos;
        const bool error = each.name.find("error") != std::string::npos;
        EXPECT_EQ(whole.end, broken || error ? stream_end::failed : stream_end::done)
            << each.name << ": " << describe(whole.failure);
        if (broken)
        {
            EXPECT_EQ(whole.failure.code, errc::truncated) << each.name;
        }
    }
    EXPECT_GT(streams, 20U);
}

}  // namespace
}  // namespace regolo::test
