#include "core/codec.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace regolo::test {
namespace {

namespace json = boost::json;
using core::encode;

json::value body_of(const chat_request& request, bool stream = false)
{
    return json::parse(encode(request, stream, "").value());
}

json::value body_of(const completion_request& request, bool stream = false)
{
    return json::parse(encode(request, stream, "").value());
}

/// The message of an answer, read from JSON.
chat_message message_of(std::string_view text)
{
    return from_json<chat_message>(json::parse(text)).value();
}

/// How that message goes out in a request.
json::value sent(const chat_message& message, echo_options echo = {})
{
    chat_request request("m");
    request.add(message);
    request.echo = echo;
    return body_of(request).at("messages").at(0);
}

/// The text of the refusal; empty when the request is fine.
template <class Request>
std::string refusal(const Request& request)
{
    const auto body = encode(request, false, "");
    if (body)
    {
        return {};
    }
    EXPECT_EQ(body.error().code, errc::invalid_request);
    EXPECT_EQ(body.error().where, phase::prepare);
    return body.error().message;
}

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

const std::string not_utf8 = "secret\xFF";

TEST(EncodeChat, SendsOnlyWhatIsSet)
{
    EXPECT_EQ(encode(chat_request("m", "hi"), false, "").value(),
              R"({"model":"m","messages":[{"role":"user","content":"hi"}]})");
}

TEST(EncodeChat, SendsEveryMemberUnderItsName)
{
    chat_request request("m", "hi");
    request.temperature = 0.7;
    request.top_p = 1;
    request.top_k = 40;
    request.min_p = 0.05;
    request.frequency_penalty = -0.5;
    request.presence_penalty = 0.5;
    request.repetition_penalty = 1.1;
    request.logit_bias = {{"5", -100}};
    request.max_tokens = 10;
    request.max_completion_tokens = 11;
    request.n = 2;
    request.seed = 7;
    request.stop = {"a", "b"};
    request.stop_token_ids = {1, 2};
    request.logprobs = true;
    request.top_logprobs = 3;
    request.tools.emplace_back("f", "does f", json::object{{"type", "object"}});
    request.tools.back().strict = true;
    request.tools.back().function_extra["x"] = 1;
    request.tools.back().extra["y"] = nullptr;
    request.tool_choice = tool_choice::function("f");
    request.parallel_tool_calls = false;
    request.response_format = response_format::schema("s", {{"type", "object"}});
    request.thinking = true;
    request.reasoning_effort = "low";
    request.chat_template_kwargs = {{"enable_thinking", false}};
    request.skip_special_tokens = false;
    request.disable_fallbacks = true;
    request.end_user = "u";
    request.metadata = {{"k", "v"}};
    request.service_tier = "flex";
    request.extra = {{"keepalive_seconds", 5}, {"nothing", nullptr}, {"empty", json::object()}};
    const auto expected = json::parse(R"({
        "model":"m","messages":[{"role":"user","content":"hi"}],
        "temperature":0.7,"top_p":1.0,"top_k":40,"min_p":0.05,"frequency_penalty":-0.5,
        "presence_penalty":0.5,"repetition_penalty":1.1,"logit_bias":{"5":-100},"max_tokens":10,
        "max_completion_tokens":11,"n":2,"seed":7,"stop":["a","b"],"stop_token_ids":[1,2],
        "logprobs":true,"top_logprobs":3,
        "tools":[{"type":"function","function":{"name":"f","description":"does f",
                  "parameters":{"type":"object"},"strict":true,"x":1},"y":null}],
        "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,
        "response_format":{"type":"json_schema",
            "json_schema":{"name":"s","schema":{"type":"object"},"strict":true}},
        "thinking":true,"reasoning_effort":"low","chat_template_kwargs":{"enable_thinking":false},
        "skip_special_tokens":false,"disable_fallbacks":true,"user":"u","metadata":{"k":"v"},
        "service_tier":"flex","keepalive_seconds":5,"nothing":null,"empty":{}})");
    EXPECT_EQ(body_of(request), expected);

    const auto again = from_json<chat_request>(expected).value();
    EXPECT_EQ(to_json(again), expected);
    EXPECT_EQ(again.tools.at(0).name, "f");
    EXPECT_EQ(again.extra.size(), 3U);
}

TEST(EncodeChat, WritesNumbersAsPeopleDo)
{
    chat_request request("m", "hi");
    request.temperature = 0.7;
    request.top_p = 1;
    request.max_tokens = 4096;
    request.extra["tiny"] = 1e-7;
    const auto body = encode(request, false, "").value();
    EXPECT_TRUE(contains(body, R"("temperature":0.7,"top_p":1.0,"max_tokens":4096,"tiny":1e-07)"))
        << body;
}

TEST(EncodeChat, SendsOneStopSequenceAsText)
{
    chat_request request("m", "hi");
    request.stop = {"a"};
    EXPECT_EQ(body_of(request).at("stop"), "a");
    EXPECT_EQ(from_json<chat_request>(body_of(request)).value().stop, request.stop);
}

TEST(EncodeChat, AsksForUsageOfAStreamUnlessToldOtherwise)
{
    chat_request request("m", "hi");
    EXPECT_EQ(body_of(request, true).at("stream"), true);
    EXPECT_EQ(body_of(request, true).at("stream_options"),
              json::parse(R"({"include_usage":true})"));
    EXPECT_FALSE(body_of(request).as_object().contains("stream"));
    EXPECT_FALSE(body_of(request).as_object().contains("stream_options"));

    request.include_usage = true;
    EXPECT_FALSE(body_of(request).as_object().contains("stream_options"));
    EXPECT_TRUE(body_of(request, true).as_object().contains("stream_options"));

    request.include_usage = false;
    EXPECT_EQ(body_of(request, true).at("stream"), true);
    EXPECT_FALSE(body_of(request, true).as_object().contains("stream_options"));

    request.extra["stream_options"] = nullptr;
    EXPECT_TRUE(body_of(request, true).at("stream_options").is_null());
    EXPECT_TRUE(body_of(request).at("stream_options").is_null());
}

TEST(EncodeChat, LetsTheCallDecideWhetherItStreams)
{
    chat_request request("m", "hi");
    request.extra["stream"] = true;
    EXPECT_FALSE(body_of(request).as_object().contains("stream"));
    request.extra["stream"] = false;
    EXPECT_EQ(body_of(request, true).at("stream"), true);
}

TEST(EncodeChat, LetsExtraWinOverTypedMembers)
{
    chat_request request("m", "hi");
    request.temperature = 0.5;
    request.extra = {{"temperature", nullptr}, {"model", "other"}};
    request.messages[0].extra["content"] = 1;
    const auto body = body_of(request);
    EXPECT_TRUE(body.at("temperature").is_null());
    EXPECT_EQ(body.at("model"), "other");
    EXPECT_EQ(body.at("messages").at(0).at("content"), 1);
}

TEST(EncodeChat, UsesTheDefaultModelWhereNoneIsNamed)
{
    const auto body = json::parse(encode(chat_request("", "hi"), false, "fallback").value());
    EXPECT_EQ(body.at("model"), "fallback");
    EXPECT_EQ(json::parse(encode(chat_request("m", "hi"), false, "fallback").value()).at("model"),
              "m");
    const auto problem = refusal(chat_request("", "hi"));
    EXPECT_TRUE(contains(problem, "client_config")) << problem;
    EXPECT_TRUE(contains(problem, "REGOLO_MODEL")) << problem;
}

TEST(EncodeChat, RefusesARequestWithoutMessages)
{
    EXPECT_TRUE(contains(refusal(chat_request("m")), "no messages"));
    chat_request request("m");
    request.extra["messages"] = json::array();
    EXPECT_EQ(refusal(request), "");
}

TEST(Encode, RefusesARequestWithoutItsInput)
{
    rerank_request ranking("m", "query");
    EXPECT_TRUE(contains(core::encode(ranking, "").error().message, "no documents"));
    ranking.extra["documents"] = json::array();
    EXPECT_TRUE(core::encode(ranking, ""));

    embedding_request texts("m", std::vector<std::string>{});
    EXPECT_TRUE(contains(core::encode(texts, "").error().message, "no input"));
    EXPECT_TRUE(contains(core::encode(embedding_request("m", ""), "").error().message, "no input"));
    EXPECT_TRUE(core::encode(embedding_request("m", {"a", "b"}), ""));
    texts.extra["input"] = "a";
    EXPECT_TRUE(core::encode(texts, ""));
}

TEST(EncodeChat, RefusesTextThatIsNotUtf8AndNamesItsMember)
{
    chat_request request("m", "hi");
    request.user({content_part::text_part("fine"), content_part::text_part(not_utf8)});
    auto problem = refusal(request);
    EXPECT_TRUE(contains(problem, "\"messages[1].content[1].text\"")) << problem;
    EXPECT_FALSE(contains(problem, "secret")) << problem;

    request = chat_request("m", "hi");
    request.extra["a"] = {{"b", {1, not_utf8}}};
    EXPECT_TRUE(contains(refusal(request), "\"a.b[1]\""));

    request = chat_request("m", "hi");
    request.extra["a"] = {{not_utf8, 1}};
    problem = refusal(request);
    EXPECT_TRUE(contains(problem, "\"a\" has a member whose name")) << problem;
    EXPECT_FALSE(contains(problem, "secret")) << problem;

    request = chat_request(not_utf8, "hi");
    EXPECT_TRUE(contains(refusal(request), "\"model\""));

    request = chat_request("m", "hi");
    request.messages[0].tool_calls.emplace_back("id", "f", not_utf8);
    EXPECT_TRUE(contains(refusal(request), "\"messages[0].tool_calls[0].function.arguments\""));
}

TEST(EncodeChat, RefusesNumbersThatAreNotFinite)
{
    using limit = std::numeric_limits<double>;
    chat_request request("m", "hi");
    request.temperature = limit::quiet_NaN();
    EXPECT_TRUE(contains(refusal(request), "\"temperature\" is not a finite number"));
    request.temperature = 1;
    request.extra["a"].emplace_array().emplace_back(limit::infinity());
    EXPECT_TRUE(contains(refusal(request), "\"a[0]\""));
}

TEST(EncodeChat, EscapesWhatJsonCannotHold)
{
    const std::string odd("\0\x1f\"\\/\n\r\t\b\f\x7f \xF0\x9F\x98\x80", 17);
    const auto body = encode(chat_request("m", odd), false, "").value();
    EXPECT_EQ(json::parse(body).at("messages").at(0).at("content"), json::value(odd));
    EXPECT_TRUE(contains(body, "\xF0\x9F\x98\x80"));
}

TEST(EncodeChat, SendsTheMessagesInTheirOrder)
{
    const auto request = chat_request("m")
                             .system("s")
                             .developer("d")
                             .user("u")
                             .user({content_part::text_part("p")})
                             .assistant("a")
                             .tool_result("id", "t")
                             .add(chat_message("other", "o"));
    std::string roles;
    const auto body = body_of(request);
    for (const auto& message : body.at("messages").as_array())
    {
        roles += std::string(message.at("role").as_string()) + ' ';
    }
    EXPECT_EQ(roles, "system developer user user assistant tool other ");
}

TEST(EncodeMessage, SendsPartsInPlaceOfContent)
{
    auto image = content_part::image_url("https://x/y.png");
    image.payload_extra["format"] = "image/png";
    image.extra["z"] = 1;
    const auto message = chat_message::user(
        {content_part::text_part("what?"), image, content_part::video_url("data:,")});
    const auto expected = json::parse(R"({"role":"user","content":[{"type":"text","text":"what?"},
        {"type":"image_url","image_url":{"url":"https://x/y.png","format":"image/png"},"z":1},
        {"type":"video_url","video_url":{"url":"data:,"}}]})");
    EXPECT_EQ(sent(message), expected);
    EXPECT_EQ(to_json(from_json<chat_message>(expected).value()), expected);
    EXPECT_EQ(message.text(), "what?");
}

TEST(EncodeMessage, SendsNullContentWithToolCalls)
{
    chat_message message;
    message.role = "assistant";
    message.tool_calls.emplace_back("id", "f", "{}");
    EXPECT_EQ(sent(message), json::parse(R"({"role":"assistant","content":null,"tool_calls":[
        {"id":"id","type":"function","function":{"name":"f","arguments":"{}"}}]})"));
}

TEST(EncodeMessage, SendsToolResults)
{
    chat_request request("m");
    request.tool_result("call_1", "sunny");
    EXPECT_EQ(body_of(request).at("messages").at(0),
              json::parse(R"({"role":"tool","content":"sunny","tool_call_id":"call_1"})"));
}

TEST(EncodeMessage, SendsAnAnswersMessageAsItCame)
{
    const std::string_view text = R"({"role":"assistant","content":null,"tool_calls":[
        {"id":"c1","type":"function","index":3,"x":{"deep":[1,2.5,null]},
         "function":{"name":"f","arguments":"{\"a\": 1 ","strict":null,"y":"z"}},
        {"id":"c2","type":"custom","custom":{"name":"g","input":"i"}}],
        "provider_specific_fields":{"k":null}})";
    EXPECT_EQ(sent(message_of(text)), json::parse(text));
}

TEST(EncodeMessage, HoldsBackWhatEchoDoesNotLetOut)
{
    const auto message =
        message_of(R"({"role":"assistant","content":"a","reasoning":"r","refusal":"no",
        "annotations":[1]})");
    EXPECT_EQ(sent(message), json::parse(R"({"role":"assistant","content":"a"})"));
    EXPECT_EQ(sent(message, {true, false, false}),
              json::parse(R"({"role":"assistant","content":"a","reasoning_content":"r"})"));
    EXPECT_EQ(
        sent(message, {false, true, true}),
        json::parse(R"({"role":"assistant","content":"a","refusal":"no","annotations":[1]})"));
}

TEST(EncodeMessage, HoldsBackReasoningThatCameInParts)
{
    const std::string_view text = R"({"role":"assistant","content":[
        {"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]})";
    const auto message = message_of(text);
    EXPECT_EQ(sent(message),
              json::parse(R"({"role":"assistant","content":[{"type":"text","text":"a"}]})"));
    EXPECT_EQ(sent(message, {true, false, false}), json::parse(text));
}

TEST(EncodeTool, MakesEveryKindOfChoice)
{
    EXPECT_EQ(to_json(tool_choice::automatic()), "auto");
    EXPECT_EQ(to_json(tool_choice::required()), "required");
    EXPECT_EQ(to_json(tool_choice::none()), "none");
    EXPECT_EQ(to_json(tool_choice::allowed("auto", {"f", "g"})),
              json::parse(R"({"type":"allowed_tools","mode":"auto",
                  "tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}]})"));
    EXPECT_EQ(from_json<tool_choice>("auto").value().mode, "auto");
    const auto empty = from_json<tool_choice>(to_json(tool_choice()));
    ASSERT_TRUE(empty);
    EXPECT_EQ(to_json(*empty), to_json(tool_choice()));
    EXPECT_EQ(from_json<tool_choice>(1).error().code, errc::bad_response);
    EXPECT_EQ(to_json(response_format::json_object()), json::parse(R"({"type":"json_object"})"));
    EXPECT_EQ(to_json(response_format::text()), json::parse(R"({"type":"text"})"));
    const auto custom = json::parse(R"({"type":"custom","custom":{"name":"x"}})");
    EXPECT_EQ(to_json(from_json<tool>(custom).value()), custom);
}

TEST(EncodeCompletion, SendsEveryShapeOfPrompt)
{
    completion_request request("m", "once");
    EXPECT_EQ(encode(request, false, "").value(), R"({"model":"m","prompt":"once"})");
    for (const auto* prompt : {R"("a")", R"(["a","b"])", "[1,2]", "[[1,2],[3]]"})
    {
        json::object body{{"model", "m"}, {"prompt", json::parse(prompt)}};
        const auto again = from_json<completion_request>(body).value();
        EXPECT_TRUE(again.extra.empty()) << prompt;
        EXPECT_EQ(body_of(again), json::value(body));
    }
    request.prompt = std::vector<std::string>{"ok", not_utf8};
    EXPECT_TRUE(contains(refusal(request), "\"prompt[1]\""));
    EXPECT_TRUE(contains(refusal(completion_request("", "x")), "REGOLO_MODEL"));
}

TEST(EncodeCompletion, SendsEveryMemberUnderItsName)
{
    const auto expected = json::parse(R"({"model":"m","prompt":"p","suffix":"s","max_tokens":1,
        "temperature":0.5,"top_p":0.5,"top_k":2,"min_p":0.5,"frequency_penalty":0.5,
        "presence_penalty":0.5,"repetition_penalty":1.5,"logit_bias":{"1":2},"n":1,"best_of":2,"seed":3,
        "logprobs":4,"echo":false,"stop":["x","y"],"stop_token_ids":[5],"skip_special_tokens":true,
        "disable_fallbacks":false,"user":"u","stream_options":{"include_usage":false},"more":null})");
    const auto request = from_json<completion_request>(expected).value();
    EXPECT_EQ(request.extra.size(), 1U);
    EXPECT_EQ(request.include_usage, false);
    EXPECT_EQ(to_json(request), expected);
    EXPECT_FALSE(body_of(request, true).as_object().contains("stream_options"));
    EXPECT_EQ(body_of(completion_request("m", "p"), true),
              json::parse(R"({"model":"m","prompt":"p","stream":true,
                              "stream_options":{"include_usage":true}})"));
}

}  // namespace
}  // namespace regolo::test
