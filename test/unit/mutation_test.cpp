// Whatever a server changes in an answer: there is a value that can be used, or a typed error.

#include "core/codec.hpp"
#include "core/completion_accumulator.hpp"
#include "core/stream_decoder.hpp"
#include "core/transcript_decoder.hpp"
#include "support/golden.hpp"
#include "wire_file.hpp"

#include <regolo/account.hpp>
#include <regolo/chat.hpp>
#include <regolo/chat_accumulator.hpp>
#include <regolo/completion.hpp>
#include <regolo/embedding.hpp>
#include <regolo/image.hpp>
#include <regolo/model.hpp>
#include <regolo/model_info.hpp>
#include <regolo/rerank.hpp>
#include <regolo/token_count.hpp>
#include <regolo/transcript.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace regolo::test {
namespace {

namespace json = boost::json;

/// What stands in the place of a value: each type of JSON, and some that look like what is expected.
const std::vector<json::value>& replacements()
{
    static const std::vector<json::value> all{
        json::value(),
        json::value(""),
        json::value("text"),
        json::value("12"),
        json::value("data:image/png;base64,iVBORw0KGgo="),
        json::value("data:image/png;base64,*"),
        json::value(7),
        json::value(-7),
        json::value(-0.5),
        json::value(1e300),
        json::value(18446744073709551615U),
        json::value(true),
        json::value(json::array_kind),
        json::value(json::object_kind),
        json::parse(R"([[{}],null,"x"])"),
        json::parse(R"([0.5,"0.5"])"),
        json::parse(R"({"index":1e300,"type":"thinking","text":{}})"),
        json::parse(R"({"text":"t","id":3,"url":4,"spend":"x","function":[]})")};
    return all;
}

/// Replaces and removes every value inside `json` in turn, one at a time, and calls `check` each time.
void for_each_change(json::value& json, const std::function<void()>& check)
{
    const json::value kept = json;
    for (const auto& other : replacements())
    {
        json = other;
        check();
    }
    json = kept;
    if (json.is_object())
    {
        auto& object = json.get_object();
        // Erasing moves the last member, so the order is that of the copy.
        for (const auto& [key, value] : kept.get_object())
        {
            for_each_change(object.at(key), check);
            object.erase(key);
            check();
            object.emplace(key, value);
        }
    }
    else if (json.is_array())
    {
        auto& array = json.get_array();
        // The numbers of a vector are all alike.
        const auto most = array.size() > 8 && array[0].is_number() ? 3 : array.size();
        for (std::size_t i = 0; i < most; ++i)
        {
            for_each_change(array[i], check);
            const json::value value = array[i];
            array.erase(array.begin() + static_cast<std::ptrdiff_t>(i));
            check();
            array.insert(array.begin() + static_cast<std::ptrdiff_t>(i), value);
        }
    }
}

/// Calls what a value offers, with indices that there are and that there are not.
template <class T>
void use(const T& value)
{
    for (const std::size_t index : {std::size_t{0}, std::size_t{1}, ~std::size_t{0}})
    {
        if constexpr (requires { value.text(index); })
            static_cast<void>(value.text(index));
        if constexpr (requires { value.values(index); })
            static_cast<void>(value.values(index));
        if constexpr (requires { value.bytes(index); })
            static_cast<void>(value.bytes(index));
    }
    if constexpr (requires { value.text(); })
        static_cast<void>(value.text());
    if constexpr (requires { value.reasoning(); })
        static_cast<void>(value.reasoning());
    if constexpr (requires { value.message(); })
        static_cast<void>(value.message());
    if constexpr (requires { value.tool_calls(); })
        static_cast<void>(value.tool_calls());
    if constexpr (requires { value.finish_reason(); })
        static_cast<void>(value.finish_reason());
    if constexpr (requires { value.contains("x"); })
        static_cast<void>(value.contains("x"));
    if constexpr (requires { value.find("x"); })
        static_cast<void>(value.find("x"));
    if constexpr (requires { value.data.front().media_type(); })
        for (const auto& each : value.data)
            static_cast<void>(each.media_type());
    if constexpr (requires { value.results.front().text(); })
        for (const auto& each : value.results)
            static_cast<void>(each.text());
}

/// What a call returns, but for chunks.
template <class T>
constexpr bool is_answer = [] {
    if constexpr (requires(T value) { value.metadata.status; })
        return true;
    return false;
}();

/// Changes each value of a body: the outcome can be used and writes itself, or is `bad_response`.
template <class T>
void change_each(const std::string& name, std::string_view body, std::size_t least)
{
    SCOPED_TRACE(name);
    std::size_t outcomes = 0;
    std::size_t values = 0;
    auto root = json::parse(body);
    for_each_change(root, [&] {
        ++outcomes;
        if constexpr (is_answer<T>)
        {
            const auto decoded = core::decode<T>(json::serialize(root), limits());
            ASSERT_TRUE(decoded || decoded.error().code.category() == error_category())
                << json::serialize(root);
        }
        const auto answer = from_json<T>(root);
        if (!answer)
        {
            ASSERT_EQ(answer.error().code, errc::bad_response) << json::serialize(root);
            ASSERT_TRUE(has_part(answer.error().message, "the response")) << answer.error().message;
            return;
        }
        ++values;
        use(*answer);
        const auto written = to_json(*answer);
        const auto again = from_json<T>(written);
        ASSERT_TRUE(again) << json::serialize(root) << again.error().message;
        ASSERT_EQ(to_json(*again), written) << json::serialize(root);
    });
    EXPECT_GE(outcomes, least);
    EXPECT_GT(values, 0U);
}

template <class T>
void change_golden(const std::string& name, std::size_t least)
{
    change_each<T>(name, golden(name), least);
}

/// The members of a value and their types; elements of one array that are alike count once.
std::string shape_of(const json::value& json)
{
    std::set<std::string> parts;
    if (const auto* object = json.if_object())
    {
        for (const auto& [key, value] : *object)
            parts.insert(std::string(key) + ':' + shape_of(value));
    }
    else if (const auto* array = json.if_array())
    {
        for (const auto& each : *array)
            parts.insert(shape_of(each));
    }
    std::string shape = to_string(json.kind());
    for (const auto& part : parts)
        shape += '(' + part + ')';
    return shape;
}

/// Changes each recorded answer or event of that kind whose shape was not there before.
template <class T>
std::size_t change_every_shape(std::string_view sign)
{
    std::set<std::string> shapes;
    const auto change = [&](const std::string& name, std::string_view body) {
        if (body.starts_with('{') && has_part(body, sign) &&
            shapes.insert(shape_of(parse_body(body))).second)
            change_each<T>(name, json::serialize(parse_body(body)), 10);
    };
    for (const auto& answer : all_recordings())
    {
        if (answer.head.status != 200)
            continue;
        change(answer.name, answer.body);
        for (std::size_t at = 0; (at = answer.body.find("data: {", at)) != std::string::npos;)
        {
            at += 6;
            const auto end = answer.body.find_first_of("\r\n", at);
            change(answer.name, std::string_view(answer.body).substr(at, end - at));
        }
    }
    return shapes.size();
}

TEST(ChangedAnswers, OfEveryRecordedShape)
{
    EXPECT_GE(change_every_shape<chat_response>(R"("chat.completion")"), 7U);
    EXPECT_GE(change_every_shape<chat_chunk>(R"("chat.completion.chunk")"), 20U);
    EXPECT_GE(change_every_shape<completion_response>(R"("text_completion")"), 3U);
    EXPECT_GE(change_every_shape<completion_chunk>(R"("text_completion")"), 3U);
    EXPECT_GE(change_every_shape<model_list>(R"("data":[{"id")"), 3U);
    EXPECT_GE(change_every_shape<embedding_response>(R"("embedding":)"), 3U);
    EXPECT_GE(change_every_shape<image_response>(R"("b64_json":)"), 1U);
    EXPECT_GE(change_every_shape<rerank_response>(R"("results":)"), 2U);
}

/// What comes of a stream of these events, whose answer is put together on the way.
template <class Chunk, class Sum>
error_info outcome_of_stream(const std::vector<json::value>& events, Sum& sum)
{
    std::string body;
    for (const auto& event : events)
        body += "data: " + json::serialize(event) + "\n\n";
    core::stream_decoder<Chunk> decoder((limits()));
    core::response_head head;
    head.status = 200;
    head.headers.emplace_back("content-type", "text/event-stream");
    decoder.start(head);
    decoder.push(body);
    Chunk chunk;
    core::stream_step step{};
    while ((step = decoder.pull(chunk)) == core::stream_step::chunk ||
           step == core::stream_step::need_more)
    {
        if (step == core::stream_step::need_more)
            decoder.end_of_body();
        else
            static_cast<void>(sum.add(chunk));
    }
    return step == core::stream_step::failed ? decoder.failure() : error_info();
}

/// Changes each value of each event in turn: the stream is an answer that can be used, or a typed error.
template <class Chunk, class Sum>
void change_stream(const std::vector<std::string_view>& texts, std::size_t least)
{
    std::vector<json::value> events;
    for (const auto text : texts)
        events.push_back(json::parse(text));
    std::size_t outcomes = 0;
    std::size_t values = 0;
    for (auto& event : events)
    {
        for_each_change(event, [&] {
            ++outcomes;
            Sum sum;
            const auto failure = outcome_of_stream<Chunk>(events, sum);
            use(sum.response());
            static_cast<void>(to_json(sum.response()));
            ASSERT_TRUE(!failure.code || failure.code.category() == error_category())
                << json::serialize(event);
            values += failure.code ? 0 : 1;
        });
    }
    EXPECT_GE(outcomes, least);
    EXPECT_GT(values, outcomes / 4);
}

TEST(ChangedStreams, OfChats)
{
    change_stream<chat_chunk, chat_accumulator>(
        {R"({"id":"c","created":1777282023,"model":"m","object":"chat.completion.chunk","choices":[{"index":0,
             "delta":{"role":"assistant","reasoning_content":"hm"}},{"index":1,"delta":{"refusal":"no"}}]})",
         R"({"id":"c","choices":[{"index":0,"delta":{"content":"Ciao","tool_calls":[{"id":"t","function":
             {"arguments":"","name":"get_weather"},"type":"function","index":0}]},"logprobs":{"content":[
             {"token":"C","logprob":-0.5,"bytes":[67],"top_logprobs":[]}]}}]})",
         R"({"choices":[{"index":0,"delta":{"content":[{"type":"text","text":" Roma"}],"tool_calls":[
             {"function":{"arguments":"{\"city\": 1}"},"index":0}],"function_call":{"name":"f"}}}]})",
         R"({"choices":[{"stop_reason":128008,"index":0,"delta":{},"finish_reason":"tool_calls"},
             {"index":1,"delta":{},"finish_reason":"stop"}]})",
         R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,
             "prompt_tokens_details":{"cached_tokens":0}}})"},
        1300);
}

TEST(ChangedStreams, OfCompletions)
{
    change_stream<completion_chunk, core::completion_accumulator>(
        {R"({"id":"c","model":"m","choices":[{"index":0,"text":"a","logprobs":{"tokens":["a"],
             "token_logprobs":[-1.0],"top_logprobs":[{"a":-1.0}],"text_offset":[0]}}]})",
         R"({"choices":[{"index":0,"text":"b","finish_reason":"stop"}],"usage":{"total_tokens":3}})"},
        450);
}

TEST(ChangedStreams, OfTranscripts)
{
    change_stream<transcript_chunk, core::transcript_accumulator>(
        {R"({"type":"transcript.text.delta","delta":"a","logprobs":[{"token":"a"}]})",
         R"({"type":"transcript.text.segment","id":"s","start":0,"end":1.5,"text":"a","speaker":"A"})",
         R"({"type":"transcript.text.done","text":"a","usage":{"type":"tokens","total_tokens":3}})"},
        300);
    change_stream<transcript_chunk, core::transcript_accumulator>(
        {R"({"object":"transcription.chunk","choices":[{"delta":{"content":"a"},"finish_reason":null}]})",
         R"({"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}],"usage":null})"},
        200);
    change_stream<transcript_chunk, core::transcript_accumulator>(
        {R"({"text":"a","language":"it","duration":2.5,"segments":[{"id":0,"start":0,"end":1,"text":"a",
             "tokens":[1,2]}],"words":[{"word":"a","start":0,"end":1}],"usage":null})"},
        300);
}

TEST(ChangedAnswers, OfTranscripts)
{
    change_each<transcript>("verbose_json",
                            R"({"task":"transcribe","language":"it","duration":2.5,"text":"a",
        "segments":[{"id":0,"seek":0,"start":0.0,"end":2.5,"text":"a","tokens":[1,2],"temperature":0,
        "avg_logprob":-0.3,"compression_ratio":1,"no_speech_prob":0.1}],"words":[{"word":"a","start":0,"end":1}],
        "usage":{"type":"duration","seconds":3},"logprobs":[{"token":"a"}]})",
                            400);
}

TEST(ChangedAnswers, OfEmbeddings)
{
    change_golden<embedding_response>("embedding_response", 300);
    change_golden<embedding_response>("embedding_response_base64", 150);
}

TEST(ChangedAnswers, OfImages)
{
    change_golden<image_response>("image_response", 300);
    change_golden<image_response>("image_response_data_uri", 50);
}

TEST(ChangedAnswers, OfRerankings)
{
    change_golden<rerank_response>("rerank_response", 300);
    change_golden<rerank_response>("rerank_response_old", 150);
}

TEST(ChangedAnswers, OfModelInfo)
{
    change_golden<model_info_list>("model_info", 500);
    change_golden<model_group_list>("model_groups", 300);
    change_golden<supported_parameters>("supported_parameters", 100);
}

TEST(ChangedAnswers, OfAccounts)
{
    change_golden<token_count>("token_count", 100);
    change_golden<key_info>("key_info", 200);
    change_golden<user_info>("user_info", 300);
    change_golden<activity>("activity", 200);
    change_golden<spend_logs>("spend_logs", 300);
}

TEST(ChangedRequests, AreRequestsOrTypedErrors)
{
    change_each<chat_request>("chat", R"({"model":"m","messages":[{"role":"user","content":[
        {"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u","format":"f"}}]},
        {"role":"assistant","content":null,"reasoning":"r","tool_calls":[{"id":"i","type":"function",
        "function":{"name":"f","arguments":"{}"}}]}],"temperature":0.5,"stop":"x","tools":[{"type":
        "function","function":{"name":"f","parameters":{"type":"object"}}}],"tool_choice":"auto",
        "stream_options":{"include_usage":true},"logit_bias":{"1":2}})",
                              400);
    change_golden<embedding_request>("embedding_request", 100);
    change_golden<image_request>("image_request", 100);
    change_golden<rerank_request>("rerank_request", 200);
    change_golden<token_count_request>("token_count_request", 150);
}

}  // namespace
}  // namespace regolo::test
