// Whole answers of a real server.

#include "real/server.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <string>

namespace regolo::test {

namespace {

namespace json = boost::json;

asio::awaitable<chat_response> ask(chat_request request)
{
    const auto api = co_await make_client();
    co_return co_await api.chat(std::move(request));
}

asio::awaitable<completion_response> complete(completion_request request)
{
    const auto api = co_await make_client();
    co_return co_await api.complete(std::move(request));
}

/// A question with a tool, and for the tiny model a bias: without it, it would hardly ever write what opens a call (its
/// token 259), nor end (its token 2).
chat_request tool_question()
{
    auto request = short_question();
    request.max_tokens = 400;
    request.logit_bias = {{"259", 50}, {"2", 100}};
    const json::object parameters{
        {"type", "object"},
        {"properties", {{"city", {{"type", "string"}, {"enum", {"Rome", "Milan"}}}}}},
        {"required", {"city"}}};
    request.tools.emplace_back("weather", "The weather of a city", parameters);
    return request;
}

void expect_call(const chat_response& answer)
{
    ASSERT_FALSE(answer.tool_calls().empty()) << answer.text();
    const auto& call = answer.tool_calls().front();
    EXPECT_EQ(call.name, "weather");
    EXPECT_FALSE(call.id.empty());
    EXPECT_TRUE(json::parse(call.arguments).as_object().contains("city")) << call.arguments;
    EXPECT_EQ(answer.finish_reason(), "tool_calls");
}

TEST(RealAnswer, HasTextAndMetadata)
{
    REGOLO_NEEDS("chat");
    const auto answer = run(ask(short_question()));
    EXPECT_FALSE(answer.text().empty());
    EXPECT_FALSE(answer.finish_reason().empty());
    EXPECT_EQ(answer.choices.size(), 1U);
    EXPECT_EQ(answer.metadata.status, 200);
    EXPECT_EQ(answer.metadata.attempts, 1);
    EXPECT_TRUE(answer.metadata.timings.tls);
}

TEST(RealAnswer, IsTheSameAgain)
{
    REGOLO_NEEDS("repeatable");
    EXPECT_EQ(run(ask(short_question())).text(), run(ask(short_question())).text());
}

TEST(RealAnswer, CountsTokens)
{
    REGOLO_NEEDS("usage");
    const auto used = run(ask(short_question())).usage;
    ASSERT_TRUE(used);
    EXPECT_GT(used->prompt_tokens.value_or(0), 0);
    EXPECT_GT(used->completion_tokens.value_or(0), 0);
    EXPECT_EQ(used->total_tokens.value_or(0), *used->prompt_tokens + *used->completion_tokens);
}

TEST(RealAnswer, EndsAtMaxTokens)
{
    REGOLO_NEEDS("max_tokens");
    auto request = short_question();
    request.max_tokens = 5;
    request.extra["ignore_eos"] = true;
    const auto answer = run(ask(request));
    EXPECT_EQ(answer.finish_reason(), "length");
    EXPECT_EQ(answer.usage.value().completion_tokens, 5);
}

TEST(RealAnswer, EndsBeforeAStopSequence)
{
    REGOLO_NEEDS("stop");
    auto request = short_question();
    request.temperature = 1;  // the seed repeats it
    request.extra["ignore_eos"] = true;
    const auto whole = run(ask(request)).text();
    // What the server put in the place of broken characters is not what it looks for.
    const auto stop =
        std::find_if(whole.begin(), whole.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    ASSERT_NE(stop, whole.end()) << whole;
    request.stop = {std::string(1, *stop), "another that does not come"};
    const auto answer = run(ask(request));
    EXPECT_EQ(answer.finish_reason(), "stop");
    EXPECT_EQ(answer.text(), whole.substr(0, whole.find(*stop)));
}

TEST(RealAnswer, HasSeveralChoices)
{
    REGOLO_NEEDS("n");
    auto request = short_question();
    request.n = 2;
    request.temperature = 1;
    const auto answer = run(ask(request));
    ASSERT_EQ(answer.choices.size(), 2U);
    EXPECT_EQ(answer.choices[0].index + answer.choices[1].index, 1);
    EXPECT_FALSE(answer.choices[0].finish_reason.empty());
    EXPECT_FALSE(answer.choices[1].finish_reason.empty());
}

TEST(RealAnswer, MayBeGivenATool)
{
    REGOLO_NEEDS("chat");
    auto request = tool_question();
    request.tool_choice = tool_choice::automatic();
    EXPECT_FALSE(run(ask(request)).finish_reason().empty());
}

TEST(RealAnswer, CallsARequiredTool)
{
    REGOLO_NEEDS("tool_required");
    auto request = tool_question();
    request.tool_choice = tool_choice::required();
    expect_call(run(ask(request)));
}

TEST(RealAnswer, CallsANamedTool)
{
    REGOLO_NEEDS("tool_named");
    auto request = tool_question();
    request.tool_choice = tool_choice::function("weather");
    expect_call(run(ask(request)));
}

TEST(RealAnswer, FollowsTheResultOfATool)
{
    REGOLO_NEEDS("tool_required");
    auto request = tool_question();
    request.tool_choice = tool_choice::required();
    const auto called = run(ask(request));
    ASSERT_FALSE(called.tool_calls().empty());
    request.add(called.message());
    for (const auto& call : called.tool_calls())
        request.tool_result(call.id, "sunny");
    request.tool_choice = tool_choice::none();
    request.logit_bias.clear();
    const auto answer = run(ask(request));
    EXPECT_TRUE(answer.tool_calls().empty());
    EXPECT_FALSE(answer.text().empty());
}

TEST(RealAnswer, KeepsToASchema)
{
    REGOLO_NEEDS("json_schema");
    auto request = short_question();
    request.max_tokens = 400;
    request.response_format = response_format::schema(
        "weather", {{"type", "object"},
                    {"properties",
                     {{"city", {{"type", "string"}, {"enum", {"Rome", "Milan"}}}},
                      {"sunny", {{"type", "boolean"}}}}},
                    {"required", {"city", "sunny"}},
                    {"additionalProperties", false}});
    const auto answer = run(ask(request));
    const auto object = json::parse(answer.text()).as_object();
    EXPECT_TRUE(object.at("city").is_string());
    EXPECT_TRUE(object.at("sunny").is_bool());
}

TEST(RealAnswer, HasLogProbabilities)
{
    REGOLO_NEEDS("logprobs");
    auto request = short_question();
    request.logprobs = true;
    request.top_logprobs = 2;
    const auto answer = run(ask(request));
    const auto& probabilities = answer.choices.at(0).logprobs;
    ASSERT_TRUE(probabilities);
    ASSERT_FALSE(probabilities->content.empty());
    EXPECT_LE(probabilities->content[0].logprob, 0);
    EXPECT_EQ(probabilities->content[0].top_logprobs.size(), 2U);
}

TEST(RealAnswer, CompletesAText)
{
    REGOLO_NEEDS("completions");
    completion_request request;
    request.prompt = "Once upon a time";
    request.max_tokens = 16;
    const auto answer = run(complete(request));
    EXPECT_FALSE(answer.text().empty());
    EXPECT_FALSE(answer.finish_reason().empty());
}

TEST(RealAnswer, ListsTheModels)
{
    const auto list = []() -> asio::awaitable<model_list> {
        const auto api = co_await make_client();
        co_return co_await api.models();
    };
    const auto models = run(list());
    ASSERT_FALSE(models.data.empty());
    EXPECT_TRUE(models.contains(client_config::from_environment().model));
}

}  // namespace

}  // namespace regolo::test
