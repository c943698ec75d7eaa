/* What the core does when memory runs out: the operation throws std::bad_alloc and has changed nothing, so that the same one
   made again gives what it would have given, and nothing leaks. */

#include "core/byte_decoder.hpp"
#include "core/codec.hpp"
#include "core/completion_accumulator.hpp"
#include "core/piece_cutter.hpp"
#include "core/transcript_decoder.hpp"
#include "faults/attempts.hpp"

#include <regolo/chat_accumulator.hpp>
#include <regolo/sse_parser.hpp>
#include <regolo/testing/make_stream.hpp>
#include <regolo/testing/run.hpp>

#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {

namespace {

namespace json = boost::json;

std::string long_text() { return std::string(40, 'x'); }  // more than a string holds in itself

std::vector<std::string_view> pieces_of(std::string_view bytes, std::size_t size)
{
    std::vector<std::string_view> pieces;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size())))
        pieces.push_back(bytes.substr(0, size));
    return pieces;
}

/// An event that lacks its blank line.
std::string last_event()
{
    return "event: \xFF" + long_text() + "\nid: \xFF" + long_text() + "\ndata: last\ndata: \xFF" +
           long_text();
}

/// An event stream with everything in it that a parser keeps.
std::string events()
{
    std::string all = "\xEF\xBB\xBF: comment\nid: first \xFF" + long_text() + "\n\n";
    for (int i = 0; i != 3; ++i)
    {
        all += "id: \xFE" + long_text() + std::to_string(i) + "\nevent: \xFF" + long_text() +
               "\ndata: " + long_text() + "\nretry: 1" + std::to_string(i) + "\ndata: \xFF" +
               long_text() + "\r\n: comment\r\n\r\nevent: nothing\rid: none " + long_text() +
               "\r\runknown \xFF line " + long_text() + "\ndata\n\n";
    }
    return all + last_event();
}

std::string shown(const sse_event& event)
{
    return std::string(event.event) + "|" + std::string(event.data) + "|" + std::string(event.id) +
           "|" + std::string(event.unknown_line) + "\n";
}

std::string look_at(const sse_parser& parser)
{
    const auto time = parser.reconnection_time();
    return std::string(parser.last_event_id()) + "|" + std::to_string(parser.comments()) + "|" +
           std::to_string(time ? time->count() : -1) + (parser.failed() ? "|failed\n" : "\n");
}

/// What the pieces of an event stream give.
void parse(attempts& tries, std::string& all, sse_parser& parser,
           const std::vector<std::string_view>& pieces)
{
    const auto look = [&] { return look_at(parser); };
    for (const auto piece : pieces)
    {
        parser.push(piece);
        while (const auto event = tries.make([&] { return parser.pull(); }, look))
            all += shown(*event) + look();
    }
    while (const auto event = tries.make([&] { return parser.finish(); }, look))
        all += shown(*event) + look();
    all += look();
}

class PiecesOf : public ::testing::TestWithParam<std::size_t>
{};

TEST_P(PiecesOf, EventStream)
{
    for (const auto& bytes : {events(), last_event()})
    {
        const auto pieces = pieces_of(bytes, GetParam());
        for (const bool reports : {false, true})
        {
            expect_the_same([&](attempts& tries, std::string& all) {
                sse_parser parser;
                parser.report_unknown_lines(reports);
                parse(tries, all, parser, pieces);
                parser.reset();
                parse(tries, all, parser, pieces);
            });
        }
    }
}

TEST_P(PiecesOf, EventThatIsTooLarge)
{
    const auto bytes = events() + std::string(200, 'x') + "\n\n" + events();
    expect_the_same([&](attempts& tries, std::string& all) {
        sse_parser parser(200);
        parse(tries, all, parser, pieces_of(bytes, GetParam()));
        EXPECT_TRUE(parser.failed());
    });
}

std::string shown(const server_event& event)
{
    return event.event + '|' + event.data + '|' + event.id;
}
std::string shown(const transcript_chunk& chunk)
{
    return chunk.type + '|' + chunk.delta + '|' + json::serialize(chunk.json);
}
std::string shown(const std::string& bytes) { return bytes; }
template <class Chunk>
std::string shown(const Chunk& chunk)
{
    return json::serialize(to_json(chunk));
}

/// What there is to be seen of a decoder.
template <class Decoder>
std::string look_at(const Decoder& decoder)
{
    const auto& failure = decoder.failure();
    return std::to_string(static_cast<int>(decoder.ended_as())) + '|' + failure.message + '|' +
           failure.server_message + '|' + (decoder.seen_event() ? "seen|" : "|") +
           std::string(decoder.finish_reason()) + '|' + std::string(decoder.model()) + '|' +
           (decoder.last_usage() ? json::serialize(to_json(*decoder.last_usage())) : "") + '\n';
}

/// The chunks of a body and how it ends, twice by the same decoder.
template <class Chunk>
void decode(attempts& tries, std::string& all, const core::response_head& head,
            std::string_view body, std::size_t size, const limits& bounds)
{
    core::stream_decoder<Chunk> decoder(bounds);
    const auto look = [&] { return look_at(decoder); };
    const auto make = [&](auto operation) {
        const auto whole = [&] {
            operation();
            return true;
        };
        tries.make(whole, look);
    };
    Chunk chunk;
    for (int i = 0; i != 2; ++i)
    {
        make([&] { decoder.start(head); });
        auto step = core::stream_step::need_more;
        const auto pull = [&] {
            while ((step = tries.make([&] { return decoder.pull(chunk); }, look)) ==
                   core::stream_step::chunk)
                all += shown(chunk) + look();
        };
        for (const auto piece : pieces_of(body, size))
        {
            make([&] { decoder.push(piece); });
            pull();
            if (step != core::stream_step::need_more)
                break;
        }
        if (step == core::stream_step::need_more)
        {
            decoder.end_of_body();
            pull();
        }
        ASSERT_NE(step, core::stream_step::need_more);
        all += look();
    }
}

template <class Chunk>
void expect_chunks(const std::string& type, const std::string& body, std::size_t size,
                   const limits& bounds = {})
{
    core::response_head head;
    head.status = 200;
    head.headers.emplace_back("content-type", type);
    expect_the_same([&](attempts& tries, std::string& all) {
        decode<Chunk>(tries, all, head, body, size, bounds);
    });
}

constexpr const char* event_stream = "text/event-stream; charset=utf-8";

std::string event_of(const std::string& data) { return "data: " + data + "\n\n"; }

std::string chunk_of(const std::string& delta, const std::string& more = {})
{
    return event_of(R"({"id":")" + long_text() + R"(","choices":[{"index":0,"delta":{)" + delta +
                    "}" + more + "}]}");
}

std::string chunks()
{
    std::string all = chunk_of(R"("role":"assistant","content":"first )" + long_text() + R"(")");
    all += chunk_of(R"("content":"second )" + long_text() + R"(","reasoning_content":")" +
                    long_text() + R"(")");
    all += chunk_of(R"("tool_calls":[{"index":0,"id":"call_)" + long_text() +
                    R"(","type":"function","function":{"name":")" + long_text() +
                    R"(","arguments":"{\"a\":"}}])");
    return all + chunk_of(R"("unknown":{"nested":[")" + long_text() + R"("]})");
}

std::string last_chunk()
{
    return event_of(R"({"model":")" + long_text() +
                    R"(","choices":[{"index":3,"delta":{},"finish_reason":"stop"},)"
                    R"({"index":0,"delta":{},"finish_reason":")" +
                    long_text() + R"("}],"usage":{"total_tokens":3,"more":[")" + long_text() +
                    R"("]}})");
}

/// Halves of characters, which wait for the other one: some in vain.
std::string halves()
{
    return chunk_of(R"("content":"\ud83d","reasoning_content":"x\ud83d")") +
           chunk_of(R"("content":"\ude00\ud83d","x":"\ud83d)" + long_text() + R"(")") +
           chunk_of(R"("content":"\ude00","tool_calls":[{"index":0,"function":)"
                    R"({"arguments":"a\ud83d"}}])") +
           chunk_of(R"("content":"y\ud83d")");
}

std::string page()
{
    return "a gateway's page " + long_text() + "\n" + long_text() + "\nerror: null\n\n";
}

TEST_P(PiecesOf, WholeStream)
{
    expect_chunks<chat_chunk>(event_stream, chunks() + last_chunk() + "data: [DONE]\n\n",
                              GetParam());
}

TEST_P(PiecesOf, StreamThatIsCut)
{
    const auto body = chunks() + page() + event_of("{\"choices\":[").substr(0, 15);
    expect_chunks<chat_chunk>(event_stream, body, GetParam());
}

TEST_P(PiecesOf, StreamThatEndsInAnError)
{
    const auto error = R"({"error":{"message":")" + long_text() + R"(","code":500}})";
    expect_chunks<chat_chunk>(event_stream, chunks() + event_of(error), GetParam());
    expect_chunks<chat_chunk>(event_stream, "error: " + error + "\n\n", GetParam());
    expect_chunks<chat_chunk>(event_stream, "event: error\n" + event_of(error), GetParam());
    expect_chunks<chat_chunk>(event_stream, chunks() + event_of(long_text()), GetParam());
}

TEST_P(PiecesOf, StreamWithHalvesOfCharacters)
{
    const auto finish = chunk_of("", R"(,"finish_reason":"stop")");
    expect_chunks<chat_chunk>(event_stream, halves() + finish, GetParam());
    expect_chunks<chat_chunk>(event_stream, halves() + "data: [DONE]\n\n", GetParam());
}

TEST_P(PiecesOf, StreamOfJsonBetweenEvents)
{
    const auto body = std::string(40, ' ') + "\n" + chunks() + "{\"choices\":[{\"index\":0,\n" +
                      R"("delta":{"content":")" + long_text() + "\"}}\n]}\n" + R"({"error":)" +
                      "\n" + R"({"message":")" + long_text() + "\"\n";
    expect_chunks<chat_chunk>(event_stream, body, GetParam());
    expect_chunks<chat_chunk>(event_stream, "{\"choices\":[\n" + chunks(), GetParam());
}

TEST_P(PiecesOf, WholeAnswerInPlaceOfAStream)
{
    const auto answer = R"({"choices":[{"index":0,"message":{"content":")" + long_text() +
                        R"("},"finish_reason":"stop"}],"usage":{"total_tokens":3}})";
    const std::string type = "application/json";
    expect_chunks<chat_chunk>(type, "\xEF\xBB\xBF " + answer, GetParam());
    expect_chunks<chat_chunk>(type, answer.substr(0, answer.size() - 5), GetParam());
    expect_chunks<chat_chunk>(type, R"({"detail":")" + long_text() + R"("})", GetParam());
    expect_chunks<chat_chunk>(type, answer + "\n" + chunks() + last_chunk(), GetParam());
}

TEST_P(PiecesOf, BodyThatIsNoAnswer)
{
    const std::string type = "text/html; charset=" + long_text();
    expect_chunks<chat_chunk>(type, "\xEF\xBB\xBF  <html>" + long_text(), GetParam());
    expect_chunks<chat_chunk>(type, long_text() + "\n" + long_text(), GetParam());
    expect_chunks<chat_chunk>(type, std::string(40, ' '), GetParam());
    limits small;
    small.event = small.body = 100;
    expect_chunks<chat_chunk>(event_stream, chunks(), GetParam(), small);
    expect_chunks<chat_chunk>("application/json", R"({"x":")" + std::string(100, 'x'), GetParam(),
                              small);
}

TEST_P(PiecesOf, StreamOfACompletion)
{
    const auto text = [](const std::string& more) {
        return event_of(R"({"id":")" + long_text() + R"(","choices":[{"index":0,"text":)" + more +
                        "}]}");
    };
    const auto body = text(R"("x\ud83d","logprobs":{"tokens":[")" + long_text() + R"("]})") +
                      text(R"("\ude00")") + text(R"(")" + long_text() + R"(\ud83d")") +
                      "data: [DONE]\n\n";
    expect_chunks<completion_chunk>(event_stream, body, GetParam());
}

TEST_P(PiecesOf, StreamOfATranscription)
{
    const auto delta = R"("delta":")" + long_text() + R"(","model":")" + long_text() + R"(")";
    const auto typed =
        event_of(R"({"type":"transcript.text.delta",)" + delta + "}") +
        event_of(R"({"type":"transcript.text.done","text":")" + long_text() + R"(","model":"b)" +
                 long_text() + R"(","usage":{"x":")" + long_text() + R"("}})");
    expect_chunks<transcript_chunk>(event_stream, typed, GetParam());
    // the text comes with the end alone
    expect_chunks<transcript_chunk>("text/plain", typed.substr(typed.find("\n\n") + 2), GetParam());
    expect_chunks<transcript_chunk>(
        event_stream, event_of(R"({"type":"transcript.text.delta",)" + delta + "}"), GetParam());
    expect_chunks<transcript_chunk>(event_stream, event_of("{]" + long_text()), GetParam());
    expect_chunks<transcript_chunk>("text/plain", long_text(), GetParam());
    expect_chunks<transcript_chunk>("application/json", R"({"text":")" + long_text() + R"("})",
                                    GetParam());
}

TEST_P(PiecesOf, StreamOfEventsAsTheyAre)
{
    expect_chunks<server_event>(event_stream, events() + "\n\n" + page(), GetParam());
    expect_chunks<server_event>(event_stream, chunks() + "data: {\"a\":", GetParam());
}

INSTANTIATE_TEST_SUITE_P(Core, PiecesOf, ::testing::Values(1, 7, 100, 100000),
                         [](const auto& chosen) { return "Of" + std::to_string(chosen.param); });

TEST(AllocationFailure, OfAStreamOfBytes)
{
    for (const std::size_t size : {100U, 100000U})
        expect_chunks<std::string>("audio/mpeg", chunks(), size);
}

/// To cut a chunk into pieces takes no memory.
TEST(AllocationFailure, OfPieces)
{
    chat_chunk chunk;
    for (const auto* text : {"content", "reasoning_content", "refusal"})
    {
        const auto delta = "{\"" + std::string(text) + "\":\"" + long_text() + "\"}";
        const auto event = "{\"choices\":[{\"index\":0,\"delta\":" + delta + "}]}";
        const auto read = from_json<chat_chunk>(json::parse(event)).value();
        chunk.choices.insert(chunk.choices.end(), read.choices.begin(), read.choices.end());
    }
    auto& delta = chunk.choices.at(0).delta;
    delta.tool_calls.emplace_back().extra["x"] = long_text();
    delta.function_call.emplace().arguments = long_text();
    chunk.choices.at(0).finish_reason = long_text();
    chunk.usage.emplace().extra["x"] = long_text();
    core::piece_cutter cutter;
    cutter.refill() = chunk;
    cutter.start();
    stream_piece piece;
    std::size_t count = 0;
    failing_allocations::fail_at(1);
    const auto pull = [&] {
        const failing_allocations inside;
        return cutter.pull(piece);
    };
    while (pull())
        ++count;
    EXPECT_FALSE(failing_allocations::was_reached());
    failing_allocations::never();
    EXPECT_EQ(count, 7U);
}

/// The answer stays in its stream until it is handed out.
TEST(AllocationFailure, OfTheAnswerOfAStream)
{
    expect_the_same([](attempts& tries, std::string& all) {
        auto stream = testing::make_stream({testing::make_chunk(long_text(), "stop")});
        boost::asio::io_context io(1);
        static_cast<void>(testing::run_on(io, stream.finish(std::chrono::seconds(1))));
        const auto taken = tries.make([&] { return std::move(stream).final(); },
                                      [&] { return std::string(stream.text()); });
        all += shown(taken) + std::to_string(taken.metadata.status) + std::string(stream.text());
    });
}

// Of what follows nothing is changed but the result.

std::string nothing() { return {}; }

TEST(AllocationFailure, OfAnEncoding)
{
    chat_request request("model " + long_text(), long_text());
    request.stop.push_back(long_text());
    request.tools.emplace_back(long_text()).parameters["type"] = "object";
    request.extra["more"] = {{"nested", {long_text()}}};
    request.add(chat_message::tool_result(long_text(), long_text()));
    auto nameless = request;
    nameless.model.clear();
    expect_the_same([&](attempts& tries, std::string& all) {
        all += tries.make([&] { return core::encode(request, true, {}).value(); }, nothing);
        const auto again = [&] {
            return from_json<chat_request>(to_json(request)).value().messages.at(0).text();
        };
        all += tries.make(again, nothing);
        const auto refused = [&] { return core::encode(nameless, true, {}).error().message; };
        all += tries.make(refused, nothing);
    });
}

TEST(AllocationFailure, OfADecoding)
{
    const auto answer = R"({"id":")" + long_text() + R"(","choices":[{"message":{"content":")" +
                        long_text() + R"("}}],"more":[")" + long_text() + R"(\ud83d"]})";
    for (const auto& body : {answer, R"({"error":{"message":")" + long_text() + R"("}})",
                             "<html>" + long_text(), event_of(answer), answer.substr(0, 100)})
    {
        expect_the_same([&](attempts& tries, std::string& all) {
            const auto decode = [&] { return core::decode<chat_response>(body, limits()); };
            const auto read = tries.make(decode, nothing);
            all += read ? shown(*read) : describe(read.error());
        });
    }
}

}  // namespace

}  // namespace regolo::test
