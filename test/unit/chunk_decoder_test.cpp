#include "core/chunk_decoder.hpp"

#include "wire_file.hpp"

#include <regolo/chat_accumulator.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace regolo::test {
namespace {

namespace json = boost::json;
using chat_decoder = core::chunk_decoder<chat_chunk>;

const std::string lost = "\xEF\xBF\xBD";
const std::string smile = "\xF0\x9F\x98\x80";  // \ud83d\ude00

/// An event whose only choice has that delta.
std::string event_of(std::string_view delta, std::string_view more = "")
{
    return R"({"choices":[{"index":0,"delta":)" + std::string(delta) + std::string(more) + "}]}";
}

/// What the deltas add up to, decoded one after another into one chunk.
chat_response answer_of(const std::vector<std::string>& events)
{
    chat_decoder decoder{limits()};
    chat_accumulator sum;
    chat_chunk chunk;
    for (const auto& event : events)
    {
        const auto decoded = decoder.decode(event, chunk);
        EXPECT_TRUE(decoded) << event << ": " << decoded.error().message;
        decoder.commit();
        EXPECT_TRUE(sum.add(chunk));
    }
    return sum.take();
}

error_info failure_of(std::string_view event, const limits& bounds = {})
{
    chat_decoder decoder(bounds);
    chat_chunk chunk;
    const auto decoded = decoder.decode(event, chunk);
    EXPECT_FALSE(decoded) << event;
    return decoded ? error_info() : decoded.error();
}

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

TEST(ChunkDecoder, KeepsHalvesOfWhatWasCommittedAlone)
{
    chat_decoder decoder{limits()};
    chat_chunk chunk;
    ASSERT_TRUE(decoder.decode(event_of(R"({"content":"a\ud83d"})"), chunk));
    ASSERT_TRUE(decoder.decode(event_of(R"({"content":"b"})"), chunk));
    decoder.commit();
    EXPECT_FALSE(decoder.release(chunk));
    ASSERT_TRUE(decoder.decode(event_of(R"({"content":"a\ud83d"})"), chunk));
    decoder.commit();
    EXPECT_TRUE(decoder.release(chunk));
    EXPECT_FALSE(decoder.release(chunk));
}

/// An event with that text; where more than the text differs from the one before it, it is read anew.
std::string event_of_chunk(std::string_view id, std::string_view text, bool differs_in_text_alone)
{
    const std::string more =
        differs_in_text_alone ? "" : R"(,"finish_reason":")" + std::string(text) + '"';
    return R"({"id":")" + std::string(id) + R"(","object":"chat.completion.chunk","created":1,)" +
           R"("model":"a model with a long name","system_fingerprint":"fp","service_tier":"t",)" +
           R"("choices":[{"index":0,"delta":{"content":")" + std::string(text) + "\"}" + more +
           "}]}";
}

// Whether they are read the plain way or as what they have in common with those before them.
TEST(ChunkDecoder, NewChunksShareTheTextsThatAreSaidAgain)
{
    for (const bool differs_in_text_alone : {true, false})
    {
        chat_decoder decoder{limits()};
        std::vector<chat_chunk> chunks(8);
        for (std::size_t i = 0; i != chunks.size(); ++i)
            ASSERT_TRUE(decoder.decode(
                event_of_chunk("the id", std::to_string(i), differs_in_text_alone), chunks[i]));
        for (const auto& chunk : chunks)
        {
            EXPECT_EQ(chunk.id, "the id");
            EXPECT_EQ(chunk.model, "a model with a long name");
            EXPECT_EQ(chunk.id.str().data(), chunks[0].id.str().data());
            EXPECT_EQ(chunk.object.str().data(), chunks[0].object.str().data());
            EXPECT_EQ(chunk.model.str().data(), chunks[0].model.str().data());
            EXPECT_EQ(chunk.service_tier.str().data(), chunks[0].service_tier.str().data());
            EXPECT_EQ(chunk.system_fingerprint.str().data(),
                      chunks[0].system_fingerprint.str().data());
        }
        EXPECT_EQ(chunks[5].text(), "5");
    }
}

TEST(ChunkDecoder, ANewChunkHasNoTextOfAnotherOne)
{
    chat_decoder decoder{limits()};
    chat_chunk first;
    chat_chunk second;
    chat_chunk third;
    ASSERT_TRUE(decoder.decode(event_of_chunk("one", "a", false), first));
    ASSERT_TRUE(decoder.decode(event_of_chunk("two", "b", false), second));
    ASSERT_TRUE(decoder.decode(event_of(R"({"content":"c"})"), third));
    EXPECT_EQ(first.id, "one");
    EXPECT_EQ(second.id, "two");
    EXPECT_EQ(third.id, "");
    EXPECT_EQ(third.model, "");
    EXPECT_EQ(third.system_fingerprint, "");
}

TEST(ChunkDecoder, ReadsAChunk)
{
    chat_decoder decoder{limits()};
    chat_chunk chunk;
    decoder
        .decode(R"({"id":"c","created":1777282023,"model":"m","object":"chat.completion.chunk",
        "system_fingerprint":"fp","service_tier":"t","x":1,"choices":[{"stop_reason":128008,"index":1,
        "delta":{}},{"index":0,"finish_reason":"tool_calls","delta":{"role":"assistant","content":"a",
        "reasoning":"b","tool_calls":[{"index":0,"id":"i","type":"function","q":3,
        "function":{"arguments":"{","name":"f","r":4}}],"z":2}}],"usage":{"total_tokens":3}})",
                chunk)
        .value();
    EXPECT_EQ(chunk.text(), "a");
    EXPECT_EQ(chunk.reasoning(), "b");
    EXPECT_EQ(chunk.finish_reason(), "tool_calls");
    EXPECT_EQ(chunk.choices.at(0).stop_reason, 128008);
    EXPECT_EQ(chunk.extra.at("x"), 1);
    const auto& delta = chunk.choices.at(1).delta;
    EXPECT_EQ(delta.extra.at("z"), 2);
    EXPECT_EQ(delta.tool_calls.at(0).index, 0);
    EXPECT_EQ(delta.tool_calls[0].extra.at("q"), 3);
    EXPECT_EQ(delta.tool_calls[0].function_extra.at("r"), 4);
    EXPECT_EQ(chunk.usage.value().total_tokens, 3);
}

TEST(ChunkDecoder, LeavesNothingOfTheChunkBefore)
{
    chat_decoder decoder{limits()};
    chat_chunk chunk;
    decoder
        .decode(R"({"id":"c","created":1,"model":"m","object":"o","system_fingerprint":"fp",
        "service_tier":"t","x":1,"usage":{"total_tokens":1},"choices":[{"index":0,"finish_reason":"stop",
        "stop_reason":1,"y":1,"logprobs":{"content":[]},"delta":{"role":"r","content":"a","reasoning":"b",
        "refusal":"c","annotations":[1],"function_call":{"name":"f"},"z":1,
        "tool_calls":[{"index":1,"id":"i","type":"t","q":1,"function":{"name":"f","arguments":"g","r":1}}]}}]})",
                chunk)
        .value();
    decoder.decode(R"({"choices":[{"delta":{"tool_calls":[{}]}}]})", chunk).value();
    EXPECT_EQ(to_json(chunk),
              json::parse(R"({"choices":[{"index":0,"delta":{"tool_calls":[{}]}}]})"));
    decoder.decode(R"({"choices":[{"delta":null}]})", chunk).value();
    EXPECT_EQ(to_json(chunk), json::parse(R"({"choices":[{"index":0,"delta":{}}]})"));
    decoder.decode(R"({"choices":null})", chunk).value();
    EXPECT_EQ(to_json(chunk), json::parse(R"({"choices":[]})"));
}

TEST(ChunkDecoder, ReadsContentInParts)
{
    const auto answer = answer_of({
        event_of(R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"}]}]})"),
        event_of(R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})"),
        event_of(R"({"content":"c"})"),
    });
    EXPECT_EQ(answer.text(), "abc");
    EXPECT_EQ(answer.reasoning(), "h");
    EXPECT_TRUE(answer.message().extra.empty());
}

TEST(ChunkDecoder, KeepsPartsThatAreNoText)
{
    chat_decoder decoder{limits()};
    chat_chunk chunk;
    const auto event =
        event_of(R"({"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}}]})");
    decoder.decode(event, chunk).value();
    EXPECT_EQ(chunk.text(), "a");
    EXPECT_EQ(to_json(chunk), json::parse(event));
}

TEST(ChunkDecoder, ReadsAWholeAnswerAsAChunk)
{
    const auto answer = answer_of({R"({"object":"chat.completion","choices":[{"index":0,
        "message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]})"});
    EXPECT_EQ(answer.text(), "hi");
    EXPECT_EQ(answer.finish_reason(), "stop");
    EXPECT_EQ(answer.object, "chat.completion");
    EXPECT_TRUE(answer.choices[0].extra.empty());
}

TEST(ChunkDecoder, TakesAnErrorFrameForAnError)
{
    const auto failure = failure_of(R"({"error":{"message":"boom \ud83d","code":503}})");
    EXPECT_EQ(failure.server_message, "boom " + lost);
    EXPECT_EQ(failure.server_code, "503");
    EXPECT_EQ(failure_of(R"({"detail":"Not authenticated"})").server_message, "Not authenticated");
    EXPECT_EQ(answer_of({R"({"error":null,"choices":[]})"}).choices.size(), 0U);
}

TEST(ChunkDecoder, NeverRepeatsWhatItCouldNotRead)
{
    for (const auto* event :
         {"[DONE]secret-123", "secret", R"({"secret":)", "42", R"("secret")", "[]",
          R"({"choices":"secret"})", R"({"choices":[{"delta":"secret"}]})"})
    {
        const auto failure = failure_of(event);
        EXPECT_EQ(failure.code, errc::bad_response) << event;
        EXPECT_FALSE(failure.message.empty());
        EXPECT_FALSE(contains(describe(failure), "secret")) << describe(failure);
    }
}

TEST(ChunkDecoder, GoesOnAfterAnEventItCouldNotRead)
{
    chat_decoder decoder{limits()};
    chat_chunk chunk;
    EXPECT_FALSE(decoder.decode(R"({"choices":[{"delta":{"content":)", chunk));
    EXPECT_TRUE(decoder.decode(event_of(R"({"content":"a"})"), chunk));
    EXPECT_EQ(chunk.text(), "a");
}

TEST(ChunkDecoder, BoundsIndicesAndDepth)
{
    limits bounds;
    bounds.index = 4;
    bounds.json_depth = 8;
    chat_decoder decoder(bounds);
    chat_chunk chunk;
    EXPECT_TRUE(
        decoder.decode(R"({"choices":[{"index":3,"delta":{"tool_calls":[{"index":3}]}}]})", chunk));
    EXPECT_TRUE(decoder.decode(R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":-1}]}}]})",
                               chunk));
    EXPECT_EQ(chunk.choices[0].delta.tool_calls[0].index, 0);
    auto failure = failure_of(R"({"choices":[{"index":4}]})", bounds);
    EXPECT_EQ(failure.code, errc::bad_response);
    EXPECT_TRUE(contains(failure.message, "\"choices[0].index\" is 4")) << failure.message;
    EXPECT_TRUE(contains(failure.message, "limits::index (4)")) << failure.message;
    failure = failure_of(event_of(R"({"tool_calls":[{},{"index":4}]})"), bounds);
    EXPECT_TRUE(contains(failure.message, "delta.tool_calls[1].index")) << failure.message;
    EXPECT_EQ(failure_of(R"({"a":[[[[[[[[]]]]]]]]})", bounds).code, errc::too_large);
}

TEST(ChunkDecoder, JoinsACharacterCutOverTwoDeltas)
{
    const auto answer = answer_of({
        event_of(R"({"content":"a\ud83d","reasoning":"r\uD83D"})"),
        event_of(R"({"content":""})"),
        event_of(R"({"role":"assistant"})"),
        event_of(R"({"content":"\ude00b","reasoning_content":"\uDE00"})"),
        event_of("{}", R"(,"finish_reason":"stop")"),
    });
    EXPECT_EQ(answer.text(), "a" + smile + "b");
    EXPECT_EQ(answer.reasoning(), "r" + smile);
}

TEST(ChunkDecoder, JoinsWithinEachPlaceOnly)
{
    const auto answer = answer_of({
        R"({"choices":[{"index":0,"delta":{"content":"\ud83d","refusal":"\ud83d"}},
                       {"index":1,"delta":{"content":"\ud83e"}}]})",
        R"({"choices":[{"index":1,"delta":{"content":"\udd23"}}]})",
        R"({"choices":[{"index":0,"delta":{"content":"\ude00","refusal":"x"}}]})",
    });
    EXPECT_EQ(answer.text(), smile);
    EXPECT_EQ(answer.message().refusal, lost + "x");
    EXPECT_EQ(answer.choices.at(1).message.content, "\xF0\x9F\xA4\xA3");
}

TEST(ChunkDecoder, JoinsArgumentsOfEachToolCall)
{
    const auto answer = answer_of({
        event_of(
            R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"\ud83d"}},
                                   {"index":1,"id":"b","function":{"name":"g","arguments":"\ud83d"}}],
                     "function_call":{"name":"h","arguments":"\ud83d"}})"),
        event_of(R"({"tool_calls":[{"index":1,"function":{"arguments":"\ude00"}}],
                     "function_call":{"arguments":"\ude00"}})"),
        event_of(R"({"tool_calls":[{"index":0,"function":{"arguments":"\ude00"}}]})"),
    });
    ASSERT_EQ(answer.tool_calls().size(), 2U);
    EXPECT_EQ(answer.tool_calls()[0].arguments, smile);
    EXPECT_EQ(answer.tool_calls()[1].arguments, smile);
    EXPECT_EQ(answer.message().function_call.value().arguments, smile);
}

TEST(ChunkDecoder, ReplacesAHalfThatStaysAlone)
{
    EXPECT_EQ(
        answer_of({event_of(R"({"content":"\ud83d"})"), event_of(R"({"content":"x"})")}).text(),
        lost + "x");
    EXPECT_EQ(answer_of({event_of(R"({"content":"\ud83d"})"), event_of(R"({"content":"\ud83d"})"),
                         event_of(R"({"content":"\ude00"})")})
                  .text(),
              lost + smile);
    EXPECT_EQ(answer_of({event_of(R"({"content":"\ude00\ud83dx"})")}).text(), lost + lost + "x");
    EXPECT_EQ(
        answer_of({event_of(R"({"content":"x"})"), event_of(R"({"content":"\ude00"})")}).text(),
        "x" + lost);
}

TEST(ChunkDecoder, GivesUpWaitingAtTheFinishReason)
{
    const auto answer = answer_of({
        event_of(R"({"content":"a\ud83d","reasoning":"\ud83d","refusal":"\ud83d",
            "function_call":{"arguments":"\ud83d"},
            "tool_calls":[{"index":2,"function":{"arguments":"\ud83d"}}]})"),
        event_of("null", R"(,"finish_reason":"stop")"),
    });
    EXPECT_EQ(answer.text(), "a" + lost);
    EXPECT_EQ(answer.reasoning(), lost);
    EXPECT_EQ(answer.message().refusal, lost);
    EXPECT_EQ(answer.message().function_call.value().arguments, lost);
    EXPECT_EQ(answer.tool_calls().at(0).arguments, lost);

    EXPECT_EQ(
        answer_of({event_of(R"({"content":"a\ud83d"})", R"(,"finish_reason":"length")")}).text(),
        "a" + lost);
}

TEST(ChunkDecoder, ForgetsHalvesWhenAStreamBegins)
{
    chat_decoder decoder{limits()};
    chat_chunk chunk;
    decoder.decode(event_of(R"({"content":"\ud83d"})"), chunk).value();
    decoder.commit();
    decoder.reset();
    decoder.decode(event_of(R"({"content":"x"})"), chunk).value();
    EXPECT_EQ(chunk.text(), "x");
}

TEST(ChunkDecoder, ReadsAnEventOnceMoreUntilItIsCommitted)
{
    chat_decoder decoder{limits()};
    chat_chunk chunk;
    decoder.decode(event_of(R"({"content":"\ud83d"})"), chunk).value();
    decoder.commit();
    const auto second = event_of(R"({"content":"\ude00\ud83d"})");
    for (int i = 0; i != 2; ++i)
    {
        decoder.decode(second, chunk).value();
        EXPECT_EQ(chunk.text(), smile);
    }
    decoder.commit();
    decoder.decode(second, chunk).value();
    EXPECT_EQ(chunk.text(), smile);
}

TEST(ChunkDecoder, ReplacesHalvesThatHaveNoPlaceToGoOn)
{
    chat_decoder decoder{limits()};
    chat_chunk chunk;
    decoder
        .decode(
            R"({"id":"\ud83d","x":{"y":["\ude00"]},"choices":[{"delta":{"content":"\ud83d","role":"\ud83d",
        "z":"a\ud83d"},"logprobs":{"content":[{"token":"\ud83d","logprob":-1}]}}]})",
            chunk)
        .value();
    EXPECT_EQ(chunk.id, lost);
    EXPECT_EQ(chunk.text(), "");
    EXPECT_EQ(chunk.extra.at("x"), json::value({{"y", {lost}}}));
    EXPECT_EQ(chunk.choices[0].delta.role, lost);
    EXPECT_EQ(chunk.choices[0].delta.extra.at("z"), json::value("a" + lost));
    EXPECT_EQ(chunk.choices[0].logprobs.value().content.at(0).token, lost);
    decoder.commit();
    decoder.decode(event_of(R"({"content":"\ude00"})"), chunk).value();
    EXPECT_EQ(chunk.text(), smile);
}

TEST(ChunkDecoder, LeavesPrivateCharactersAlone)
{
    // what a lone surrogate travels as in between
    const std::string character = "\xF4\x8F\xA0\xBD";  // \udbfe\udc3d
    EXPECT_EQ(answer_of({event_of("{\"content\":\"" + character + "\"}")}).text(), character);
    EXPECT_EQ(answer_of({event_of("{\"content\":\"" + character + "\\ud83d\"}")}).text(),
              character + lost);
    EXPECT_EQ(answer_of({event_of(R"({"content":"\udbfe\udc3d\ud83d"})")}).text(),
              character + lost);
    EXPECT_EQ(answer_of({event_of(R"({"content":"\ud83d"})"),
                         event_of("{\"content\":\"" + character + "\"}")})
                  .text(),
              lost + character);
}

TEST(ChunkDecoder, ReplacesBytesThatAreNotUtf8)
{
    EXPECT_EQ(answer_of({event_of("{\"content\":\"a\xF0\x9F\"}"),
                         event_of("{\"content\":\"\x98\x80z\"}")})
                  .text(),
              "a" + lost + lost + lost + "z");
}

TEST(ChunkDecoder, JoinsTheTextOfCompletions)
{
    core::chunk_decoder<completion_chunk> decoder{limits()};
    completion_chunk chunk;
    const auto decode = [&](std::string_view event) {
        decoder.decode(event, chunk).value();
        decoder.commit();
    };
    decode(R"({"choices":[{"index":0,"text":"a\ud83d"}]})");
    EXPECT_EQ(chunk.text(), "a");
    decode(R"({"choices":[{"index":0,"text":"\ude00"}]})");
    EXPECT_EQ(chunk.text(), smile);
    decode(R"({"choices":[{"index":0,"text":"\ud83d"}]})");
    decode(R"({"choices":[{"index":0,"text":"","finish_reason":"stop"}]})");
    EXPECT_EQ(chunk.text(), lost);
    EXPECT_EQ(chunk.finish_reason(), "stop");
    decode(R"({"choices":[]})");
    EXPECT_EQ(chunk.text(), "");
    EXPECT_FALSE(decoder.decode(R"({"choices":[{"text":[]}]})", chunk));
}

TEST(ChunkDecoder, JoinsTheRecordedStreamWithCutCharacters)
{
    for (const auto* name : {"aimock/x_stream_unicode.txt", "portkey/x_stream_unicode.txt"})
    {
        const auto body = one_recording(name).body;
        std::vector<std::string> events;
        for (std::size_t at = 0; (at = body.find("data: {", at)) != std::string::npos;)
        {
            at += 6;
            events.push_back(body.substr(at, body.find('\n', at) - at));
        }
        ASSERT_GT(events.size(), 5U);
        const auto answer = answer_of(events);
        EXPECT_FALSE(contains(answer.text(), lost)) << answer.text();
        EXPECT_TRUE(contains(answer.text(), "\xE4\xBD\xA0\xE5\xA5\xBD")) << answer.text();
        EXPECT_TRUE(contains(answer.text(), "\xF0\x9F")) << answer.text();
        EXPECT_EQ(answer.finish_reason(), "stop");
    }
}

}  // namespace
}  // namespace regolo::test
