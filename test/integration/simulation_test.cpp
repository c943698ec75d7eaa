#include <regolo/testing/script.hpp>
#include <regolo/testing/simulation.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace json = boost::json;

namespace regolo::test {

using namespace regolo::testing;

namespace {

/// What a script without pauses sends, and how it ends the connection.
struct sent
{
    std::string bytes;
    bool has_fin = false;
    bool has_rst = false;
    bool has_stall = false;

    [[nodiscard]] std::string head() const { return bytes.substr(0, bytes.find("\r\n\r\n") + 2); }
    [[nodiscard]] std::string body() const { return bytes.substr(bytes.find("\r\n\r\n") + 4); }
    [[nodiscard]] json::object object() const { return json::parse(body()).as_object(); }
    [[nodiscard]] int status() const { return std::stoi(bytes.substr(9, 3)); }
    [[nodiscard]] bool is_whole() const { return bytes.ends_with("\r\n0\r\n\r\n"); }

    /// The data of each event.
    [[nodiscard]] std::vector<std::string> events() const
    {
        std::vector<std::string> all;
        for (auto at = bytes.find("data: "); at != std::string::npos; at = bytes.find("data: ", at))
        {
            const auto end = bytes.find("\n\n", at);
            all.push_back(bytes.substr(at + 6, end - at - 6));
            at = end;
        }
        return all;
    }
};

sent play(const script& answer, std::size_t most_pieces = 100'000)
{
    sent result;
    for (const auto& each : answer.steps())
    {
        if (const auto* send = std::get_if<step::send>(&each))
            result.bytes += send->bytes;
        result.has_fin |= std::holds_alternative<step::fin>(each);
        result.has_rst |= std::holds_alternative<step::rst>(each);
        result.has_stall |= std::holds_alternative<step::stall>(each);
        if (const auto* stream = std::get_if<step::stream>(&each))
        {
            std::string piece;
            for (std::size_t n = 0; n != most_pieces && stream->next(piece); ++n)
                result.bytes += piece;
        }
    }
    return result;
}

received_request post(const json::object& body, std::string target = "/v1/chat/completions")
{
    received_request request;
    request.method = "POST";
    request.target = std::move(target);
    request.version = "HTTP/1.1";
    request.headers = {{"Authorization", "Bearer test-key"}, {"x-litellm-call-id", "call-7"}};
    request.body = json::serialize(body);
    return request;
}

json::object chat(std::string_view text, std::string_view model = "sim-chat")
{
    return {{"model", model}, {"messages", json::array{{{"role", "user"}, {"content", text}}}}};
}

json::object streamed(json::object request)
{
    request["stream"] = true;
    return request;
}

sent ask(const json::object& request) { return play(simulation().answer(post(request))); }

/// The text of each choice of a stream, with the finish reason in brackets.
std::map<std::int64_t, std::string> texts(const sent& answer, std::string_view key = "content")
{
    std::map<std::int64_t, std::string> all;
    for (const auto& event : answer.events())
    {
        if (event == "[DONE]")
            continue;
        const auto chunk = json::parse(event);
        for (const auto& choice : chunk.at("choices").as_array())
        {
            auto& text = all[choice.at("index").as_int64()];
            if (const auto* part = choice.at("delta").as_object().if_contains(key))
                text += part->as_string();
            if (const auto* reason = choice.as_object().if_contains("finish_reason"))
                text.append("[").append(reason->as_string()).append("]");
        }
    }
    return all;
}

TEST(Simulation, AnswersFromTheRequestAlone)
{
    const auto answer = ask(chat("Tell me something about Rome."));
    EXPECT_EQ(answer.status(), 200);
    const auto body = answer.object();
    EXPECT_EQ(body.at("object"), "chat.completion");
    EXPECT_EQ(body.at("model"), "sim-chat");
    const auto& choice = body.at("choices").at(0);
    EXPECT_EQ(
        choice.at("message").at("content"),
        "You said: \"Tell me something about Rome.\" I am sim-chat, a simulation, and counted "
        "5 words in 1 messages.");
    EXPECT_EQ(choice.at("finish_reason"), "stop");
    EXPECT_EQ(body.at("usage").at("prompt_tokens"), 5);
    EXPECT_EQ(body.at("usage").at("completion_tokens"), 19);
    EXPECT_EQ(body.at("usage").at("total_tokens"), 24);
    EXPECT_EQ(ask(chat("Tell me something about Rome.")).bytes, answer.bytes);
}

TEST(Simulation, EchoesTheCallIdAndSendsGatewayHeaders)
{
    const auto head = ask(chat("Hi")).head();
    EXPECT_NE(head.find("\r\nx-litellm-call-id: call-7\r\n"), std::string::npos);
    EXPECT_NE(head.find("\r\nx-request-id: "), std::string::npos);
    EXPECT_NE(head.find("\r\nx-litellm-response-cost: "), std::string::npos);
    EXPECT_NE(head.find("\r\nx-ratelimit-remaining-requests: "), std::string::npos);
    const auto streamed_head = ask(streamed(chat("Hi"))).head();
    EXPECT_NE(streamed_head.find("\r\nx-litellm-call-id: call-7\r\n"), std::string::npos);
    EXPECT_EQ(streamed_head.find("x-ratelimit"), std::string::npos);
}

TEST(Simulation, StreamsTheSameText)
{
    const auto answer = ask(streamed(chat("Hi \xC3\xA9 there")));
    EXPECT_TRUE(answer.is_whole());
    EXPECT_EQ(answer.events().back(), "[DONE]");
    EXPECT_EQ(answer.bytes.find("\"usage\""), std::string::npos);
    EXPECT_EQ(texts(answer).at(0),
              "You said: \"Hi \xC3\xA9 there\" I am sim-chat, a simulation, "
              "and counted 3 words in 1 messages.[stop]");
    const auto first = json::parse(answer.events().front());
    EXPECT_EQ(first.at("object"), "chat.completion.chunk");
    EXPECT_EQ(first.at("choices").at(0).at("delta").at("role"), "assistant");
    EXPECT_EQ(first.at("choices").at(0).at("delta").at("content"), "You");
}

TEST(Simulation, SendsUsageWhenAsked)
{
    auto request = streamed(chat("Hi"));
    request["stream_options"] = {{"include_usage", true}};
    const auto events = ask(request).events();
    const auto usage = json::parse(events.at(events.size() - 2));
    EXPECT_TRUE(usage.at("choices").as_array().empty());
    EXPECT_EQ(usage.at("usage").at("completion_tokens"), 15);
}

TEST(Simulation, InterleavesChoices)
{
    auto request = chat("Hi");
    request["n"] = 2;
    EXPECT_EQ(ask(request).object().at("choices").as_array().size(), 2U);
    const auto answer = ask(streamed(request));
    EXPECT_EQ(json::parse(answer.events().at(1)).at("choices").at(0).at("index"), 1);
    const auto all = texts(answer);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all.at(1), "(1) " + all.at(0));
}

TEST(Simulation, ObeysLimitsAndStops)
{
    auto request = chat("Please count to 100");
    request["max_tokens"] = 3;
    EXPECT_EQ(texts(ask(streamed(request))).at(0), "1 2 3[length]");
    EXPECT_EQ(ask(request).object().at("choices").at(0).at("finish_reason"), "length");
    request["max_tokens"] = 50;
    request["stop"] = json::array{"no", " 6"};
    EXPECT_EQ(texts(ask(streamed(request))).at(0), "1 2 3 4 5[stop]");
    EXPECT_EQ(
        ask(request).object().at("choices").at(0).at("provider_specific_fields").at("stop_reason"),
        " 6");
}

TEST(Simulation, CountsForEver)
{
    const auto answer = simulation().answer(post(streamed(chat("go", "sim-endless"))));
    const auto sent = play(answer, 5);
    EXPECT_EQ(texts(sent).at(0), "1 2 3 4 5");
}

TEST(Simulation, ReasonsFirst)
{
    const auto answer = ask(streamed(chat("Hi", "sim-reasoning")));
    EXPECT_EQ(texts(answer, "reasoning_content").at(0),
              "The user sent 1 words. I shall repeat the last ones.[stop]");
    EXPECT_LT(answer.bytes.rfind("reasoning_content"), answer.bytes.find("\"content\""));
    auto request = chat("Hi", "sim-reasoning");
    request["max_tokens"] = 2;
    const auto cut = ask(request).object();
    EXPECT_TRUE(cut.at("choices").at(0).at("message").at("content").is_null());
    request["chat_template_kwargs"] = {{"enable_thinking", false}};
    EXPECT_EQ(ask(request).bytes.find("reasoning"), ask(request).bytes.find("reasoning\""));
}

json::object with_tool(json::object request)
{
    const auto schema = json::parse(
        R"({"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},
            "unit":{"enum":["C","F"]},"tags":{"type":"array","items":{"type":"boolean"}}}})");
    request["tools"] =
        json::array{{{"type", "function"},
                     {"function", json::object{{"name", "get_weather"}, {"parameters", schema}}}}};
    return request;
}

constexpr auto expected_arguments = R"({"city":"Paris","days":1,"unit":"C","tags":[true]})";

TEST(Simulation, CallsToolsWhenAskedTo)
{
    const auto request = with_tool(chat("Use get_weather for Paris!"));
    const auto choice = ask(request).object().at("choices").at(0);
    EXPECT_EQ(choice.at("finish_reason"), "tool_calls");
    const auto& call = choice.at("message").at("tool_calls").at(0);
    EXPECT_EQ(call.at("function").at("name"), "get_weather");
    EXPECT_EQ(call.at("function").at("arguments"), expected_arguments);
    std::string arguments;
    const auto answer = ask(streamed(request));
    for (const auto& event : answer.events())
    {
        if (event.find("tool_calls\":[") != std::string::npos)
            arguments += json::parse(event)
                             .at("choices")
                             .at(0)
                             .at("delta")
                             .at("tool_calls")
                             .at(0)
                             .at("function")
                             .at("arguments")
                             .as_string();
    }
    EXPECT_EQ(arguments, expected_arguments);
    EXPECT_EQ(texts(answer).at(0), "[tool_calls]");
}

TEST(Simulation, ObeysToolChoice)
{
    auto request = with_tool(chat("Paris?"));
    EXPECT_EQ(ask(request).bytes.find("tool_calls"), std::string::npos);
    request["tool_choice"] = "required";
    EXPECT_NE(ask(request).bytes.find("get_weather"), std::string::npos);
    request["tool_choice"] = {{"type", "function"}, {"function", {{"name", "get_weather"}}}};
    EXPECT_NE(ask(request).bytes.find("get_weather"), std::string::npos);
    request["tool_choice"] = "none";
    EXPECT_EQ(ask(request).bytes.find("tool_calls"), std::string::npos);
}

TEST(Simulation, UsesTheToolsResult)
{
    auto request = with_tool(chat("Use get_weather for Paris!"));
    request["messages"].as_array().push_back(
        {{"role", "tool"}, {"tool_call_id", "x"}, {"content", "21 degrees"}});
    EXPECT_EQ(texts(ask(streamed(request))).at(0), "The tool said: 21 degrees[stop]");
}

TEST(Simulation, AnswersWithJson)
{
    auto request = chat("Rome");
    request["response_format"] = {{"type", "json_object"}};
    EXPECT_EQ(ask(request).object().at("choices").at(0).at("message").at("content"),
              R"({"you_said":"Rome","words":1})");
}

TEST(Simulation, CompletesPrompts)
{
    const json::object request{{"model", "sim-chat"}, {"prompt", "count to 3"}};
    const auto answer = play(simulation().answer(post(request, "/v1/completions"))).object();
    EXPECT_EQ(answer.at("object"), "text_completion");
    EXPECT_EQ(answer.at("choices").at(0).at("text"), "1 2 3");
    const auto stream = play(simulation().answer(post(streamed(request), "/completions")));
    ASSERT_EQ(stream.events().size(), 5U);
    EXPECT_EQ(json::parse(stream.events().at(1)).at("choices").at(0).at("text"), " 2");
    EXPECT_EQ(json::parse(stream.events().at(3)).at("choices").at(0).at("finish_reason"), "stop");
}

TEST(Simulation, ListsModelsWithoutKey)
{
    for (const auto* target : {"/v1/models", "/models?x=1", "/custom-model/v1/models/"})
    {
        received_request request;
        request.method = "GET";
        request.target = target;
        request.version = "HTTP/1.1";
        const auto answer = play(simulation().answer(request));
        EXPECT_EQ(answer.object().at("data").at(0).at("id"), "Llama-3.3-70B-Instruct") << target;
    }
}

TEST(Simulation, TakesModelsFromThePath)
{
    auto request = chat("count to 2");
    request.erase("model");
    for (const auto* target :
         {"/engines/sim-chat/chat/completions", "/openai/deployments/sim-chat/chat/completions"})
        EXPECT_EQ(play(simulation().answer(post(request, target))).object().at("model"),
                  "sim-chat");
}

std::string message_of(const sent& answer)
{
    return json::serialize(answer.object().at("error").at("message"));
}

TEST(Simulation, ChecksKeys)
{
    auto request = post(chat("Hi"));
    request.headers.clear();
    const auto none = play(simulation().answer(request));
    EXPECT_EQ(none.status(), 401);
    EXPECT_EQ(none.object().at("error").at("code"), "401");
    EXPECT_EQ(none.object().at("error").at("type"), "auth_error");
    request.headers = {{"authorization", "Bearer wrong-1234"}};
    const auto wrong = play(simulation().answer(request));
    EXPECT_EQ(wrong.status(), 401);
    EXPECT_NE(message_of(wrong).find("sk-...1234"), std::string::npos);
    simulation_options any;
    any.key.clear();
    EXPECT_EQ(play(simulation(any).answer(request)).status(), 200);
}

TEST(Simulation, RefusesBadRequests)
{
    const auto unknown = ask(chat("Hi", "nobody"));
    EXPECT_EQ(unknown.status(), 400);
    EXPECT_NE(message_of(unknown).find(
                  R"({"error":"/chat/completions: Invalid model name passed in model=nobody)"),
              std::string::npos);
    auto request = post(chat("Hi"));
    request.body = "{\"model\":";
    EXPECT_EQ(play(simulation().answer(request)).status(), 400);
    EXPECT_EQ(ask({{"model", "sim-chat"}}).status(), 400);
    EXPECT_EQ(ask({{"model", "sim-chat"}, {"messages", json::array{1}}}).status(), 400);
    EXPECT_EQ(play(simulation().answer(post(chat("Hi"), "/v1/completions"))).status(), 400);
    const auto nothing = play(simulation().answer(post(chat("Hi"), "/v1/nope")));
    EXPECT_EQ(nothing.status(), 404);
    EXPECT_EQ(nothing.body(), R"({"detail":"Not Found"})");
    request.method = "GET";
    const auto method = play(simulation().answer(request));
    EXPECT_EQ(method.status(), 405);
    EXPECT_NE(method.head().find("\r\nallow: POST\r\n"), std::string::npos);
}

TEST(Simulation, FailsOnDemand)
{
    for (const int status : {400, 401, 403, 404, 408, 422, 429, 500, 502, 503, 504})
    {
        const auto answer = ask(chat("Hi", "error-" + std::to_string(status)));
        EXPECT_EQ(answer.status(), status);
        EXPECT_EQ(answer.object().at("error").at("code").as_string(), std::to_string(status));
    }
    const auto wait = ask(chat("Hi", "error-429-retry-after-1"));
    EXPECT_NE(wait.head().find("\r\nretry-after: 1\r\n"), std::string::npos);
    EXPECT_EQ(ask(chat("Hi", "budget-exceeded")).object().at("error").at("type"),
              "budget_exceeded");
    const auto page = ask(chat("Hi", "html-502"));
    EXPECT_EQ(page.status(), 502);
    EXPECT_NE(page.body().find("<h1>502 Bad Gateway</h1>"), std::string::npos);
    for (const auto* no_order : {"error-", "error-200", "error-9999", "error-503x", "html-"})
        EXPECT_EQ(ask(chat("Hi", no_order)).status(), 400) << no_order;
}

TEST(Simulation, FailsOnceAndTakesOrdersFromAHeader)
{
    simulation api;
    auto request = post(chat("Hi"));
    request.headers.emplace_back("X-Simulate", "error-503-retry-after-0.5-once");
    EXPECT_EQ(play(api.answer(request)).status(), 503);
    EXPECT_EQ(play(api.answer(request)).status(), 200);
    request.headers[1].second = "call-8";
    EXPECT_EQ(play(api.answer(request)).status(), 503);
}

TEST(Simulation, FailsWithinStreams)
{
    const auto first = ask(streamed(chat("Hi", "error-first-event-503")));
    EXPECT_EQ(first.status(), 200);
    ASSERT_EQ(first.events().size(), 1U);
    EXPECT_EQ(json::parse(first.events()[0]).at("error").at("code"), "503");
    EXPECT_EQ(ask(chat("Hi", "error-first-event-503")).status(), 503);

    const auto error = ask(streamed(chat("Hi", "error-mid-stream")));
    ASSERT_EQ(error.events().size(), 4U);
    EXPECT_NE(error.events()[3].find("\"error\""), std::string::npos);
    EXPECT_TRUE(error.is_whole());

    const auto cut = ask(streamed(chat("Hi", "cut-mid-stream")));
    EXPECT_EQ(cut.events().size(), 3U);
    EXPECT_FALSE(cut.is_whole());
    EXPECT_TRUE(cut.has_fin);
    EXPECT_TRUE(ask(streamed(chat("Hi", "reset-mid-stream"))).has_rst);
    EXPECT_TRUE(ask(streamed(chat("Hi", "stall-mid-stream"))).has_stall);

    const auto no_done = ask(streamed(chat("Hi", "no-done")));
    EXPECT_TRUE(no_done.is_whole());
    EXPECT_TRUE(texts(no_done).at(0).ends_with("[stop]"));
    EXPECT_NE(no_done.events().back(), "[DONE]");
    const auto no_finish = ask(streamed(chat("Hi", "no-finish")));
    EXPECT_TRUE(no_finish.is_whole());
    EXPECT_TRUE(texts(no_finish).at(0).ends_with("messages."));
}

TEST(Simulation, CutsWholeAnswersToo)
{
    const auto cut = ask(chat("Hi", "cut-mid-stream"));
    EXPECT_TRUE(cut.has_fin);
    EXPECT_NE(cut.head().find("content-length: "), std::string::npos);
    EXPECT_EQ(cut.body().front(), '{');
    EXPECT_NE(cut.body().back(), '}');
}

TEST(Simulation, ClosesWhenTheClientWantsIt)
{
    auto request = post(streamed(chat("Hi")));
    request.version = "HTTP/1.0";
    const auto old = play(simulation().answer(request));
    EXPECT_EQ(old.head().find("chunked"), std::string::npos);
    EXPECT_TRUE(old.bytes.ends_with("data: [DONE]\n\n"));
    EXPECT_TRUE(old.has_fin);
    request.version = "HTTP/1.1";
    request.headers.emplace_back("Connection", "close");
    EXPECT_TRUE(play(simulation().answer(request)).has_fin);
    const auto closing = ask(chat("Hi", "close-after"));
    EXPECT_TRUE(closing.has_fin);
    EXPECT_EQ(closing.head().find("connection: close"), std::string::npos);
}

TEST(Simulation, JoinsTokensInOneWrite)
{
    simulation_options batching;
    batching.tokens_per_write = 4;
    batching.pace = 100;
    const auto answer = simulation(batching).answer(post(streamed(chat("count to 5"))));
    const auto& stream = std::get<step::stream>(answer.steps().at(1));
    EXPECT_EQ(stream.interval, std::chrono::milliseconds(40));
    EXPECT_EQ(texts(play(answer, 1)).at(0), "1 2 3 4");
    EXPECT_EQ(texts(ask(streamed(chat("count to 5")))).at(0), "1 2 3 4 5[stop]");
}

TEST(Simulation, KeepsAPace)
{
    simulation_options slow;
    slow.pace = 50;
    const auto answer = simulation(slow).answer(post(streamed(chat("count to 3"))));
    const auto& stream = std::get<step::stream>(answer.steps().at(1));
    EXPECT_EQ(stream.interval, std::chrono::milliseconds(20));
    const auto whole = simulation(slow).answer(post(chat("count to 3")));
    EXPECT_EQ(std::get<step::pause>(whole.steps().at(0)).length, std::chrono::milliseconds(60));
}

}  // namespace

}  // namespace regolo::test
