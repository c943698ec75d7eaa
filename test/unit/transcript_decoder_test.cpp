#include "core/transcript_decoder.hpp"

#include "core/api_error.hpp"

#include <regolo/json.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {
namespace {

using core::stream_step;

struct outcome
{
    std::vector<std::string> deltas;
    transcript answer;
    stream_end end = stream_end::open;
    error_info failure;
};

outcome decode(std::string_view body, std::string_view type = "text/event-stream",
               std::size_t size = std::string_view::npos)
{
    core::stream_decoder<transcript_chunk> decoder((limits()));
    core::response_head head;
    head.status = 200;
    head.headers.emplace_back("Content-Type", type);
    decoder.start(head);
    core::transcript_accumulator sum;
    outcome out;
    transcript_chunk chunk;
    for (;;)
    {
        switch (decoder.pull(chunk))
        {
            case stream_step::need_more:
                if (body.empty())
                    decoder.end_of_body();
                else
                    decoder.push(body.substr(0, size));
                body.remove_prefix(std::min(size, body.size()));
                break;
            case stream_step::chunk:
                out.deltas.emplace_back(chunk.text());
                sum.add(chunk);
                break;
            case stream_step::ended:
            case stream_step::failed:
                out.end = decoder.ended_as();
                out.failure = decoder.failure();
                out.answer = sum.take();
                return out;
        }
    }
}

using deltas = std::vector<std::string>;

// In the form that OpenAI's API reference shows.
constexpr std::string_view typed =
    "data: "
    "{\"type\":\"transcript.text.delta\",\"delta\":\"Ciao\",\"logprobs\":[{\"token\":\"Ciao\"}]}"
    "\n\n"
    "data: {\"type\":\"transcript.text.delta\",\"delta\":\" Roma\"}\n\n"
    "data: {\"type\":\"transcript.text.done\",\"text\":\"Ciao "
    "Roma.\",\"usage\":{\"type\":\"tokens\","
    "\"total_tokens\":9}}\n\n";

TEST(TranscriptDecoder, RefusesNumbersBeyondTheRangeOfADouble)
{
    const auto event = [](const std::string& number) {
        return R"(data: {"type":"transcript.text.delta","delta":"Ciao","x":[)" + number + "]}\n\n";
    };
    EXPECT_EQ(decode(event("1e308")).deltas, deltas{"Ciao"});
    const auto got = decode(event("1e309"));
    EXPECT_EQ(got.deltas, deltas());
    EXPECT_EQ(got.failure.code, errc::bad_response);
    EXPECT_EQ(got.failure.message, "the response's \"x[0]\" is beyond the range of a double");
}

TEST(TranscriptDecoder, DoesNotGoOnAfterItHasFailed)
{
    core::stream_decoder<transcript_chunk> decoder((limits()));
    core::response_head head;
    head.status = 200;
    head.headers.emplace_back("Content-Type", "text/event-stream");
    decoder.start(head);
    decoder.push("data: {]\n\ndata: {\"text\":\"Ciao\"}\n\n");
    transcript_chunk chunk;
    ASSERT_EQ(decoder.pull(chunk), stream_step::failed);
    EXPECT_EQ(decoder.pull(chunk), stream_step::failed);
    EXPECT_EQ(decoder.failure().code, errc::bad_response);
}

TEST(TranscriptDecoder, ReadsEventsThatEndWithTheWholeTranscript)
{
    for (std::size_t size = 1; size < typed.size(); ++size)
    {
        const auto out = decode(typed, "text/event-stream", size);
        EXPECT_EQ(out.deltas, (deltas{"Ciao", " Roma", ""}));
        EXPECT_EQ(out.end, stream_end::finished);
        EXPECT_EQ(out.answer.text, "Ciao Roma.");
        EXPECT_EQ(out.answer.usage->total_tokens, 9);
        EXPECT_EQ(out.answer.logprobs.size(), 1U);
        EXPECT_TRUE(out.answer.extra.empty());
    }
}

TEST(TranscriptDecoder, ReadsTheChunksOfAChat)
{
    const auto out = decode(
        "data: "
        "{\"id\":\"t\",\"object\":\"transcription.chunk\",\"model\":\"w\",\"choices\":[{\"delta\":"
        "{\"content\":\"Ciao\"}}]}\n\n"
        "data: {\"choices\":[{\"delta\":{\"content\":\" Roma\"},\"finish_reason\":\"stop\"}]}\n\n"
        "data: {\"choices\":[],\"usage\":{\"total_tokens\":4}}\n\ndata: [DONE]\n\n");
    EXPECT_EQ(out.deltas, (deltas{"Ciao", " Roma", ""}));
    EXPECT_EQ(out.end, stream_end::done);
    EXPECT_EQ(out.answer.text, "Ciao Roma");
    EXPECT_EQ(out.answer.usage->total_tokens, 4);
}

TEST(TranscriptDecoder, ReadsPiecesOfText)
{
    const auto out = decode(
        "data: "
        "{\"text\":\"Ciao\",\"segments\":[{\"id\":0,\"text\":\"Ciao\",\"start\":0,\"end\":1}]}\n\n"
        "data: {\"text\":\" Roma\",\"language\":\"it\",\"segments\":[{\"id\":1,\"text\":\" "
        "Roma\"}]}\n\n");
    EXPECT_EQ(out.deltas, (deltas{"Ciao", " Roma"}));
    EXPECT_EQ(out.end, stream_end::finished);
    EXPECT_EQ(out.answer.text, "Ciao Roma");
    EXPECT_EQ(out.answer.language, "it");
    ASSERT_EQ(out.answer.segments.size(), 2U);
    EXPECT_EQ(out.answer.segments[1].text, " Roma");
}

TEST(TranscriptDecoder, ReadsSegmentsBesideTheText)
{
    const auto out = decode(
        "data: "
        "{\"type\":\"transcript.text.segment\",\"id\":\"s\",\"text\":\"Ciao\",\"start\":0.5,"
        "\"end\":1,"
        "\"speaker\":\"A\"}\n\n"
        "data: {\"type\":\"transcript.text.done\",\"text\":\"Ciao\"}\n\n");
    EXPECT_EQ(out.deltas, (deltas{"", "Ciao"}));
    EXPECT_EQ(out.answer.text, "Ciao");
    ASSERT_EQ(out.answer.segments.size(), 1U);
    EXPECT_EQ(out.answer.segments[0].start, 0.5);
    EXPECT_EQ(out.answer.segments[0].extra.at("speaker"), "A");
}

TEST(TranscriptDecoder, TakesTheWholeTranscriptForOneChunk)
{
    const auto out = decode(
        R"({"text":"Ciao Roma","duration":2.5,"words":[{"word":"Ciao"}],"usage":null,"task":"transcribe"})",
        "application/json");
    EXPECT_EQ(out.deltas, (deltas{"Ciao Roma"}));
    EXPECT_EQ(out.end, stream_end::finished);
    EXPECT_EQ(out.answer.text, "Ciao Roma");
    EXPECT_EQ(out.answer.duration, 2.5);
    EXPECT_EQ(out.answer.words.size(), 1U);
    EXPECT_FALSE(out.answer.usage);
    EXPECT_EQ(out.answer.extra.at("task"), "transcribe");
}

TEST(TranscriptDecoder, TakesATranscriptThatIsNoJsonAsWell)
{
    struct whole
    {
        std::string_view body;
        std::string_view type;
        std::string_view text;
    };
    const std::vector<whole> all = {
        {"Ciao Roma\n", "text/plain; charset=utf-8", "Ciao Roma\n"},
        {"1\n00:00 --> 00:01\nCiao\n", "application/x-subrip", "1\n00:00 --> 00:01\nCiao\n"},
        {"WEBVTT\n\n<v Anna>ciao", "text/vtt", "WEBVTT\n\n<v Anna>ciao"},
        {"<|it|> ciao", "text/plain", "<|it|> ciao"},
        {"", "text/plain", ""},
        {"[music] ciao", "text/plain", "[music] ciao"},
        {"{sic} ciao", "text/plain", "{sic} ciao"},
        {"id: il documento\ndata: la data di oggi", "text/plain",
         "id: il documento\ndata: la data di oggi"},
        {"data: oggi", "text/plain", "data: oggi"},
        {": due punti", "text/plain", ": due punti"},
        {"error: non trovato", "text/plain", "error: non trovato"},
        {"{\"text\":\"Ciao\"}", "text/plain", "Ciao"},
        {"\"Ciao\"", "application/json", "Ciao"},
        {"data: {\"text\":\"Ciao\"}\n\n", "text/plain", "Ciao"},
        {"event: x\nid: 1\ndata: {\"text\":\"Ciao\"}\n\n", "text/plain", "Ciao"},
        {": hello\n\ndata: {\"text\":\"Ciao\"}\n\n", "", "Ciao"},
    };
    for (const auto& each : all)
    {
        for (const std::size_t size : {std::size_t{1}, std::size_t{100}})
        {
            const auto out = decode(each.body, each.type, size);
            EXPECT_EQ(out.deltas, deltas{std::string(each.text)}) << each.body;
            EXPECT_EQ(out.answer.text, each.text);
            EXPECT_EQ(out.end, stream_end::finished);
        }
    }
}

TEST(TranscriptDecoder, ANewResponseBeginsAnew)
{
    core::stream_decoder<transcript_chunk> decoder((limits()));
    core::response_head head;
    head.status = 200;
    head.headers.emplace_back("Content-Type", "text/event-stream");
    transcript_chunk chunk;
    for (int i = 0; i < 2; ++i)
    {
        decoder.start(head);
        decoder.push("data: {\"type\":\"transcript.text.done\",\"text\":\"Ciao\"}\n\n");
        ASSERT_EQ(decoder.pull(chunk), stream_step::chunk);
        EXPECT_EQ(chunk.delta, "Ciao");
        EXPECT_TRUE(decoder.seen_event());
    }
}

TEST(TranscriptDecoder, RefusesWhatIsNoWholeTranscript)
{
    struct refused
    {
        std::string_view body;
        std::string_view type;
        errc code;
        std::string_view text;
    };
    const std::vector<refused> all = {
        {typed.substr(0, 140), "text/event-stream", errc::truncated, "after 2 events"},
        {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", "text/event-stream",
         errc::truncated, "incomplete"},
        {"data: {\"text\":\"a\"}\n\ndata: {\"error\":{\"message\":\"no GPU\",\"code\":503}}\n\n",
         "text/event-stream", errc::unavailable, "no GPU"},
        {"event: error\ndata: {\"message\":\"no GPU\"}\n\n", "text/event-stream", errc::api_error,
         "no GPU"},
        {"data: {\"text\":\n\n", "text/event-stream", errc::bad_response, "event 1"},
        {"data: [1]\n\n", "text/event-stream", errc::bad_response, "not an object"},
        {"{\"txt\":\"a\"}", "application/json", errc::bad_response, "no \"text\""},
        {"", "text/event-stream", errc::bad_response, "no transcript"},
        {"<html><title>Login</title>", "text/html", errc::bad_response, "HTML"},
        {"{\"error\":{\"message\":\"no GPU\",\"code\":503}}", "text/plain", errc::unavailable,
         "no GPU"},
    };
    for (const auto& each : all)
    {
        const auto out = decode(each.body, each.type);
        EXPECT_EQ(out.end, stream_end::failed) << each.body;
        EXPECT_EQ(out.failure.http_status, 200);
        const auto told = out.failure.message + out.failure.server_message;
        EXPECT_NE(told.find(each.text), std::string::npos) << each.body << told;
        EXPECT_EQ(out.failure.code, each.code) << each.body << out.failure.code.message();
    }
}

}  // namespace
}  // namespace regolo::test
