#include "core/codec.hpp"
#include "core/json_text.hpp"
#include "core/json_writer.hpp"
#include "support/golden.hpp"
#include "wire_file.hpp"

#include <regolo/api_request.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace regolo::test {
namespace {

namespace json = boost::json;
using core::decode;
using namespace std::string_literals;

chat_response answer_of(std::string_view body) { return decode<chat_response>(body, {}).value(); }

/// An answer whose only choice has that message.
chat_response message_of(std::string_view message)
{
    return answer_of(R"({"choices":[{"message":)" + std::string(message) + "}]}");
}

error_info failure_of(std::string_view body, const limits& bounds = {})
{
    const auto answer = decode<chat_response>(body, bounds);
    EXPECT_FALSE(answer) << body;
    return answer ? error_info() : answer.error();
}

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

TEST(DecodeChat, ReadsAWholeAnswer)
{
    const auto answer = answer_of(R"({"id":"c","object":"chat.completion","created":1777282023.75,
        "model":"served","service_tier":"default","system_fingerprint":"fp","x":1,"choices":[{"index":0,
        "finish_reason":"tool_calls","stop_reason":128008,"y":2,"message":{"role":"assistant",
        "content":"hi","reasoning_content":"hm","refusal":null,"annotations":[],"tool_calls":[{"id":"t",
        "type":"function","function":{"name":"f","arguments":"{\"a\":1}","q":3}}],"z":{}},
        "logprobs":{"content":[{"token":"h","logprob":-0.5,"bytes":[104],"top_logprobs":[
        {"token":"i","logprob":-1,"bytes":null}],"id":4}]}}],
        "usage":{"prompt_tokens":12.0,"completion_tokens":30,"total_tokens":"42",
        "prompt_tokens_details":{"cached_tokens":0,"n":5},"completion_tokens_details":null,"k":null}})");
    EXPECT_EQ(answer.created, 1777282023);
    EXPECT_EQ(answer.model, "served");
    EXPECT_EQ(answer.service_tier, "default");
    EXPECT_EQ(answer.system_fingerprint, "fp");
    EXPECT_EQ(answer.extra, json::parse(R"({"x":1})").as_object());
    EXPECT_EQ(answer.text(), "hi");
    EXPECT_EQ(answer.reasoning(), "hm");
    EXPECT_EQ(answer.finish_reason(), "tool_calls");
    const auto& choice = answer.choices.at(0);
    EXPECT_EQ(choice.stop_reason, 128008);
    EXPECT_EQ(choice.extra.at("y"), 2);
    EXPECT_FALSE(choice.message.refusal);
    EXPECT_EQ(choice.message.extra, json::parse(R"({"z":{}})").as_object());
    ASSERT_EQ(answer.tool_calls().size(), 1U);
    EXPECT_EQ(answer.tool_calls()[0].arguments, "{\"a\":1}");
    EXPECT_EQ(answer.tool_calls()[0].function_extra.at("q"), 3);
    const auto& token = choice.logprobs.value().content.at(0);
    EXPECT_EQ(token.logprob, -0.5);
    EXPECT_EQ(token.bytes.value().at(0), 104);
    EXPECT_EQ(token.top_logprobs.at(0).logprob, -1);
    EXPECT_FALSE(token.top_logprobs.at(0).bytes);
    EXPECT_EQ(answer.usage.value().prompt_tokens, 12);
    EXPECT_EQ(answer.usage->total_tokens, 42);
    EXPECT_EQ(answer.usage->prompt_tokens_details.value().cached_tokens, 0);
    EXPECT_FALSE(answer.usage->prompt_tokens_details->audio_tokens);
    EXPECT_FALSE(answer.usage->completion_tokens_details);
}

TEST(DecodeChat, WantsChoicesIfWithNothingInThem)
{
    for (const auto* body : {"{}", R"({"choices":null})", R"({"status":"queued"})"})
    {
        const auto failure = failure_of(body);
        EXPECT_EQ(failure.code, errc::bad_response);
        EXPECT_TRUE(contains(failure.message, "no \"choices\""));
    }
    const auto answer = answer_of(R"({"choices":[]})");
    EXPECT_EQ(answer.text(), "");
    EXPECT_EQ(answer.reasoning(), "");
    EXPECT_EQ(answer.finish_reason(), "");
    EXPECT_TRUE(answer.tool_calls().empty());
    EXPECT_EQ(answer.message().role, "");
    EXPECT_EQ(answer_of(R"({"choices":[{}]})").text(), "");
    EXPECT_EQ(answer_of(R"({"choices":[{"message":null}]})").message().role, "assistant");
}

TEST(DecodeChat, TheFirstChoiceIsTheOneOfIndex0)
{
    const auto answer = from_json<chat_response>(json::parse(
        R"({"choices":[{"index":1,"message":{"content":"b"},"finish_reason":"length"},
                       {"index":0,"message":{"content":"a"},"finish_reason":"stop"}]})"));
    EXPECT_EQ(answer->text(), "a");
    EXPECT_EQ(answer->finish_reason(), "stop");
    const auto text = from_json<completion_response>(
        json::parse(R"({"choices":[{"index":1,"text":"b"},{"index":0,"text":"a"}]})"));
    EXPECT_EQ(text->text(), "a");
    const auto odd =
        from_json<completion_response>(json::parse(R"({"choices":[{"index":3,"text":"d"}]})"));
    EXPECT_EQ(odd->text(), "d");
}

TEST(DecodeChat, ReadsBothNamesOfReasoning)
{
    EXPECT_EQ(message_of(R"({"reasoning":"r"})").reasoning(), "r");
    EXPECT_EQ(message_of(R"({"reasoning_content":"r","reasoning":null})").reasoning(), "r");
    EXPECT_EQ(message_of(R"({"reasoning_content":"","reasoning":"r"})").reasoning(), "r");
    const auto both = message_of(R"({"reasoning_content":"r","reasoning":"r"})");
    EXPECT_EQ(both.reasoning(), "r");
    EXPECT_TRUE(both.message().extra.empty());
}

TEST(DecodeChat, ReadsContentInParts)
{
    const auto answer = message_of(R"({"content":[
        {"type":"thinking","thinking":[{"type":"text","text":"h"},{"type":"text","text":"m"}]},
        {"type":"text","text":"a"},"b",{"type":"image_url","image_url":{"url":"u"}},
        {"type":"reasoning","reasoning":"!"},{"type":"output_text","text":"c"}]})");
    EXPECT_EQ(answer.text(), "abc");
    EXPECT_EQ(answer.reasoning(), "hm!");
    ASSERT_EQ(answer.message().parts.size(), 6U);
    EXPECT_EQ(answer.message().parts[3].url, "u");
    EXPECT_FALSE(message_of(R"({"content":[]})").message().content);
}

TEST(DecodeChat, TakesArgumentsAsAnObject)
{
    const auto answer =
        message_of(R"({"tool_calls":[{"function":{"name":"f","arguments":{"a":[1,0.5]}}},
        {"function":{"name":"g","arguments":null}},{"function":{"name":"h"}}]})");
    EXPECT_EQ(answer.tool_calls().at(0).arguments, R"({"a":[1,0.5]})");
    EXPECT_EQ(answer.tool_calls().at(1).arguments, "");
    EXPECT_EQ(answer.tool_calls().at(2).type, "function");
}

TEST(DecodeChat, KeepsMembersOfUnexpectedTypes)
{
    const auto answer =
        answer_of(R"({"id":7,"created":"soon","usage":"none","choices":[{"finish_reason":1,
        "logprobs":[],"message":{"content":"a","refusal":{},"annotations":"x"}}]})");
    EXPECT_EQ(answer.text(), "a");
    EXPECT_EQ(answer.id, "");
    EXPECT_FALSE(answer.usage);
    EXPECT_EQ(answer.extra, json::parse(R"({"id":7,"created":"soon","usage":"none"})").as_object());
    EXPECT_EQ(answer.choices[0].extra,
              json::parse(R"({"finish_reason":1,"logprobs":[]})").as_object());
    EXPECT_EQ(answer.message().extra,
              json::parse(R"({"refusal":{},"annotations":"x"})").as_object());
}

TEST(DecodeChat, NamesTheMemberThatCannotBeRead)
{
    const std::pair<const char*, const char*> cases[] = {
        {R"("text")", "the response is not an object"},
        {R"({"choices":"secret"})", "\"choices\" is not an array"},
        {R"({"choices":[{},5]})", "\"choices[1]\" is not an object"},
        {R"({"choices":[{"index":"x"}]})", "\"choices[0].index\" is not an integer"},
        {R"({"choices":[{"index":0.5}]})", "\"choices[0].index\" is not an integer"},
        {R"({"choices":[{"message":"secret"}]})", "\"choices[0].message\" is not an object"},
        {R"({"choices":[{"message":{"content":5}}]})", "\"choices[0].message.content\" is neither"},
        {R"({"choices":[{"message":{"content":["a",5]}}]})", "\"choices[0].message.content[1]\""},
        {R"({"choices":[{"message":{"tool_calls":{}}}]})", "message.tool_calls\" is not an array"},
        {R"({"choices":[{"message":{"tool_calls":[{"function":"secret"}]}}]})",
         "\"choices[0].message.tool_calls[0].function\" is not an object"},
    };
    for (const auto& [body, problem] : cases)
    {
        const auto failure = failure_of(body);
        EXPECT_EQ(failure.code, errc::bad_response);
        EXPECT_EQ(failure.where, phase::body);
        EXPECT_TRUE(contains(failure.message, problem)) << failure.message;
        EXPECT_FALSE(contains(failure.message, "secret")) << failure.message;
    }
}

TEST(DecodeChat, NeverRepeatsWhatItCouldNotParse)
{
    for (const auto* body : {"secret", R"({"secret":)", R"({"a":1} secret)", "[1,2"})
    {
        const auto failure = failure_of(body);
        EXPECT_EQ(failure.code, errc::bad_response);
        EXPECT_TRUE(contains(failure.message, "not valid JSON")) << failure.message;
        EXPECT_FALSE(contains(failure.message, "secret")) << failure.message;
    }
}

/// JSON around a number, and the path to it.
struct number_place
{
    std::string before;
    std::string after;
    std::string path;
};

TEST(DecodeChat, RefusesNumbersBeyondTheRangeOfADouble)
{
    const number_place places[] = {
        {R"({"choices":[],"x":)", "}", "x"},
        {R"({"choices":[{"message":{"content":"a","x":{"y":[0,)", "]}}}]}",
         "choices[0].message.x.y[1]"},
        {R"({"choices":[{"message":{"annotations":[{"a":)", "}]}}]}",
         "choices[0].message.annotations[0].a"},
        {R"({"choices":[{"logprobs":{"content":[{"token":"a","logprob":)", "}]}}]}", "logprob"},
    };
    for (const auto& [before, after, path] : places)
    {
        for (const auto& number : {"1e309"s, "-1.5E+400"s, std::string(400, '9')})
        {
            const auto failure = failure_of(before + number + after);
            EXPECT_EQ(failure.code, errc::bad_response) << number;
            EXPECT_TRUE(contains(failure.message, path + "\" is beyond the range of a double"))
                << failure.message;
        }
        EXPECT_EQ(failure_of(before + "1e99999999999" + after).code, errc::bad_response);
        for (const auto* number : {"1e308", "-1.7976931348623157e308", "1e-400"})
            EXPECT_TRUE(decode<chat_response>(before + number + after, {})) << number;
    }
    // What was read can be sent again.
    const auto extra = answer_of(R"({"choices":[],"a":1e308,"b":1e-400})").extra;
    EXPECT_EQ(core::serialize_request(extra).value(), R"({"a":1e+308,"b":0.0})");
}

TEST(DecodeChat, RefusesThemInEveryFormOfAnswer)
{
    const std::string body = R"({"a":[{"b":1e309}],"choices":[]})";
    const auto expect_refused = [](const error_info& failure) {
        EXPECT_EQ(failure.code, errc::bad_response);
        EXPECT_TRUE(contains(failure.message, "\"a[0].b\" is beyond the range of a double"));
    };
    expect_refused(from_json<chat_chunk>(json::parse(body)).error());
    expect_refused(from_json<tool_choice>(json::parse(body)).error());
    api_response raw;
    raw.body = body;
    try
    {
        static_cast<void>(raw.json());
        ADD_FAILURE() << "it was read";
    }
    catch (const error& refused)
    {
        expect_refused(refused.info());
    }
}

TEST(DecodeChat, NamesABodyThatIsEmptyOrAPage)
{
    for (const auto* body : {"", " \r\n"})
        EXPECT_TRUE(contains(failure_of(body).message, "empty body"));
    EXPECT_TRUE(contains(failure_of("\n<!doctype html><html>").message, "HTML page"));
}

TEST(DecodeChat, BoundsTheChoiceIndex)
{
    const auto body = [](std::string_view index) {
        return R"({"choices":[{"index":)" + std::string(index) + "}]}";
    };
    EXPECT_EQ(answer_of(body("127")).choices.at(0).index, 127);
    EXPECT_EQ(answer_of(body("1.0")).choices.at(0).index, 1);
    for (const auto* index : {"128", "4294967295", "18446744073709551615", "-1", "1e30"})
    {
        EXPECT_EQ(failure_of(body(index)).code, errc::bad_response) << index;
    }
    limits bounds;
    bounds.index = 2;
    EXPECT_TRUE(decode<chat_response>(body("1"), bounds));
    EXPECT_TRUE(contains(failure_of(body("2"), bounds).message, "limits::index (2)"));
}

TEST(DecodeChat, CountsChoicesWithoutIndex)
{
    const auto answer = answer_of(R"({"choices":[{},{"index":null}]})");
    EXPECT_EQ(answer.choices.at(1).index, 1);
}

TEST(DecodeChat, BoundsTheDepth)
{
    const auto nested = [](std::size_t depth) {
        return R"({"choices":[],"x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') +
               "}";
    };
    EXPECT_TRUE(decode<chat_response>(nested(128), {}));
    auto failure = failure_of(nested(129));
    EXPECT_EQ(failure.code, errc::too_large);
    EXPECT_TRUE(contains(failure.message, "limits::json_depth (128)")) << failure.message;
    limits bounds;
    bounds.json_depth = 3;
    EXPECT_TRUE(decode<chat_response>(nested(3), bounds));
    EXPECT_EQ(failure_of(nested(4), bounds).code, errc::too_large);
    EXPECT_EQ(failure_of(std::string(1000000, '[')).code, errc::too_large);
}

TEST(DecodeChat, TellsAnEventStreamAndAByteOrderMarkApart)
{
    const auto stream = failure_of("data: {\"id\":\"a\"}\n\ndata: [DONE]\n\n");
    EXPECT_EQ(stream.code, errc::bad_response);
    EXPECT_TRUE(contains(stream.message, "event stream"));
    EXPECT_EQ(failure_of("data: {\"error\":{\"message\":\"m\",\"code\":429}}\n\n").code,
              errc::rate_limited);
    EXPECT_EQ(answer_of("\xEF\xBB\xBF{\"choices\":[],\"id\":\"a\"}").id, "a");
}

TEST(DecodeChat, TakesAnErrorInASuccessForAnError)
{
    const auto failure =
        failure_of(R"({"error":{"message":"overloaded","code":503},"choices":[]})");
    EXPECT_EQ(failure.server_message, "overloaded");
    EXPECT_EQ(answer_of(R"({"error":null,"choices":[]})").choices.size(), 0U);
}

TEST(DecodeChat, ReplacesLoneSurrogatesAndBytesThatAreNotUtf8)
{
    EXPECT_EQ(message_of(R"({"content":"a\ud83d"})").text(), "a\xEF\xBF\xBD");
    EXPECT_EQ(message_of(R"({"content":"\ude00a"})").text(),
              "\xEF\xBF\xBD"
              "a");
    EXPECT_EQ(message_of(R"({"content":"\uD83Dx\ud83d\ude00\\ud83d"})").text(),
              "\xEF\xBF\xBDx\xF0\x9F\x98\x80\\ud83d");
    EXPECT_EQ(message_of(R"({"content":"\ud83d\ud83d\ude00"})").text(),
              "\xEF\xBF\xBD\xF0\x9F\x98\x80");
    EXPECT_EQ(message_of("{\"content\":\"a\xFF\xE4\xB8z\"}").text(), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(DecodeCompletion, ReadsAnswersOfBothLogprobShapes)
{
    const auto answer = decode<completion_response>(
                            R"({"id":"c","choices":[{"text":"t","index":0,"finish_reason":"length",
        "stop_reason":"x","logprobs":{"tokens":["t"]},"more":1}],"usage":{"total_tokens":3},"up":2})",
                            {})
                            .value();
    EXPECT_EQ(answer.text(), "t");
    EXPECT_EQ(answer.finish_reason(), "length");
    EXPECT_EQ(answer.choices[0].logprobs, json::parse(R"({"tokens":["t"]})"));
    EXPECT_EQ(answer.choices[0].stop_reason, "x");
    EXPECT_EQ(answer.usage.value().total_tokens, 3);
    EXPECT_EQ(answer.extra.at("up"), 2);
    EXPECT_EQ(decode<completion_response>(R"({"choices":[]})", {}).value().text(), "");
    EXPECT_EQ(decode<completion_response>("{}", {}).error().code, errc::bad_response);
    EXPECT_TRUE(
        contains(decode<completion_response>(R"({"choices":[{"text":1}]})", {}).error().message,
                 "\"choices[0].text\""));
}

TEST(DecodeModels, ReadsTheList)
{
    const auto list = decode<model_list>(R"({"object":"list","data":[{"id":"A","object":"model",
        "created":1677610602,"owned_by":"openai","meta":{}},{"id":"b"}]})",
                                         {})
                          .value();
    EXPECT_TRUE(list.contains("A"));
    EXPECT_FALSE(list.contains("a"));
    EXPECT_EQ(list.data[0].owned_by, "openai");
    EXPECT_EQ(list.data[0].created, 1677610602);
    EXPECT_EQ(list.extra.at("object"), "list");
    EXPECT_TRUE(decode<model_list>(R"({"data":[]})", {}).value().data.empty());
    EXPECT_TRUE(contains(decode<model_list>("{}", {}).error().message, "has no \"data\""));
    EXPECT_TRUE(contains(decode<model_list>(R"({"data":{}})", {}).error().message, "\"data\""));
}

TEST(ApiResponse, GivesItsBodyAsJson)
{
    api_response answer;
    answer.body = R"({"a":"\ud83d"})";
    EXPECT_EQ(answer.json().at("a"), "\xEF\xBF\xBD");
    answer.body = "secret";
    answer.metadata.status = 200;
    try
    {
        static_cast<void>(answer.json());
        FAIL();
    }
    catch (const error& problem)
    {
        EXPECT_EQ(problem.code(), errc::bad_response);
        EXPECT_EQ(problem.info().http_status, 200);
        EXPECT_FALSE(contains(problem.what(), "secret"));
    }
}

TEST(ApiRequest, HoldsJsonOrNothing)
{
    EXPECT_EQ(api_request("GET", "/v1/models").body, "");
    EXPECT_EQ(api_request("POST", "/x", json::object{{"a", 0.5}}).body, R"({"a":0.5})");
    EXPECT_THROW(api_request("POST", "/x", json::value(std::nan(""))), error);
}

/// The data of the JSON events of a recorded stream.
std::vector<std::string> events_of(std::string_view body)
{
    std::vector<std::string> events;
    for (std::size_t at = 0; (at = body.find("data: {", at)) != std::string_view::npos;)
    {
        at += 6;
        events.emplace_back(body.substr(at, body.find_first_of("\r\n", at) - at));
    }
    return events;
}

bool is_answer_of(std::string_view body, std::string_view object)
{
    return body.starts_with('{') && body.find(object) != std::string_view::npos;
}

TEST(RecordedAnswers, SurviveDecodeEncodeDecode)
{
    std::size_t chats = 0;
    std::size_t completions = 0;
    std::size_t models = 0;
    std::size_t chunks = 0;
    for (const auto& answer : all_recordings())
    {
        if (answer.head.status != 200)
        {
            continue;
        }
        if (is_answer_of(answer.body, R"("chat.completion")"))
        {
            ++chats;
            expect_nothing_lost<chat_response>(answer.body, answer.name);
        }
        else if (is_answer_of(answer.body, R"("text_completion")"))
        {
            ++completions;
            expect_nothing_lost<completion_response>(answer.body, answer.name);
        }
        else if (is_answer_of(answer.body, R"("data":[{"id")"))
        {
            ++models;
            expect_nothing_lost<model_list>(answer.body, answer.name);
        }
        const bool chat_stream = answer.body.find("chat.completion.chunk") != std::string::npos;
        for (const auto& event : events_of(answer.body))
        {
            ++chunks;
            if (chat_stream)
            {
                expect_nothing_lost<chat_chunk>(event, answer.name);
            }
            else
            {
                expect_nothing_lost<completion_chunk>(event, answer.name);
            }
        }
    }
    EXPECT_GT(chats, 20U);
    EXPECT_GT(completions, 2U);
    EXPECT_GT(models, 2U);
    EXPECT_GT(chunks, 200U);
}

/// Reads every recorded success whose name begins like that.
template <class T>
void expect_recorded(std::string_view beginning, std::size_t least)
{
    std::size_t found = 0;
    for (const auto& answer : all_recordings())
    {
        const auto name = std::string_view(answer.name).substr(answer.name.find('/') + 1);
        if (answer.head.status != 200 || !name.starts_with(beginning))
            continue;
        ++found;
        EXPECT_TRUE(decode<T>(answer.body, {})) << answer.name;
        expect_round_trip<T>(parse_body(answer.body), answer.name);
    }
    EXPECT_GE(found, least);
}

TEST(RecordedAnswers, OfEndpointsWithoutAStreamAreRead)
{
    expect_recorded<embedding_response>("embeddings", 8);
    expect_recorded<image_response>("images", 2);
    expect_recorded<rerank_response>("x_rerank", 1);
}

}  // namespace
}  // namespace regolo::test
