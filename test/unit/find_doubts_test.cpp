#include "core/find_doubts.hpp"

#include "core/plan_attempt.hpp"

#include <regolo/chat_accumulator.hpp>
#include <regolo/json.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace regolo::test {
namespace {

namespace json = boost::json;

/// The doubts about an answer with these choices.
answer_doubts of_choices(const std::string& choices, std::string_view asked = {})
{
    const auto body = R"({"id":"c","model":"m","choices":[)" + choices + "]}";
    return core::find_doubts(from_json<chat_response>(json::parse(body)).value(), asked);
}

answer_doubts of_message(const std::string& message, const std::string& finish_reason)
{
    return of_choices(R"({"index":0,"message":)" + message + R"(,"finish_reason":)" +
                      finish_reason + "}");
}

constexpr answer_doubts no_doubt{};
constexpr answer_doubts is_empty{.empty = true};
constexpr answer_doubts no_tokens{.out_of_tokens = true};

TEST(FindDoubts, SeesAnAnswerThatSaysNothing)
{
    for (const auto* message :
         {R"({"role":"assistant"})", R"({"content":null})", R"({"content":"","tool_calls":[]})",
          R"({"content":"","reasoning_content":"","refusal":null})",
          R"({"content":null,"provider_specific_fields":{"refusal":null},"audio":null})"})
    {
        SCOPED_TRACE(message);
        EXPECT_EQ(of_message(message, R"("stop")"), is_empty);
        EXPECT_EQ(of_message(message, R"("tool_calls")"), is_empty);
        EXPECT_EQ(of_message(message, "null"), is_empty);
        EXPECT_EQ(of_message(message, R"("content_filter")"), no_doubt) << "its reason says why";
        EXPECT_EQ(of_message(message, R"("length")"), no_tokens);
    }
    EXPECT_EQ(of_choices(""), is_empty);
    EXPECT_EQ(of_choices(R"({"index":0,"message":{"content":"a"},"finish_reason":"stop"},
                            {"index":1,"message":{"content":""},"finish_reason":"stop"})"),
              is_empty)
        << "each choice counts";
}

TEST(FindDoubts, LeavesAnswersAloneThatSaySomething)
{
    for (const auto* message :
         {R"({"content":"a"})", R"({"content":"","refusal":"no"})",
          R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":""}}]})",
          R"({"function_call":{"name":"f","arguments":""}})",
          R"({"content":null,"audio":{"id":"a","data":"..."}})",
          R"({"content":[{"type":"image_url","image_url":{"url":"https://h/i.png"}}]})"})
    {
        SCOPED_TRACE(message);
        EXPECT_EQ(of_message(message, R"("stop")"), no_doubt);
    }
    EXPECT_EQ(of_message(R"({"reasoning":"hm","content":null})", R"("stop")"), no_doubt);
    EXPECT_EQ(of_message(R"({"reasoning":"hm","content":null})", R"("length")"), no_tokens);
    EXPECT_EQ(of_message(R"({"reasoning":"hm","content":"a"})", R"("length")"), no_doubt);
}

TEST(FindDoubts, ComparesModels)
{
    const std::string good = R"({"index":0,"message":{"content":"a"},"finish_reason":"stop"})";
    EXPECT_EQ(of_choices(good, "m"), no_doubt);
    EXPECT_EQ(of_choices(good, ""), no_doubt) << "not known";
    EXPECT_EQ(of_choices(good, "other"), answer_doubts{.other_model = true});
    struct names
    {
        const char* asked;
        const char* served;
        bool same;
    };
    for (const auto& [asked, served, same] : {
             names{"gpt-4o", "gpt-4o-2024-08-06", true},
             names{"gpt-4", "gpt-4-0613", true},
             names{"claude", "claude@20240620", true},
             names{"gpt-4o", "openai/GPT-4o", true},
             names{"openai/gpt-4o", "gpt-4o", true},
             names{"Llama-3.3-70B-Instruct", "hosted_vllm/llama-3.3-70b-instruct", true},
             names{"gpt-4", "gpt-4o", false},
             names{"gpt-4", "gpt-4-32", false},
             names{"gpt-4-0613", "gpt-4", false},
             names{"gpt-4", "gpt-4-mini-2024-08-06", false},
             names{"Llama-3.3-70B-Instruct", "Llama-3.1-8B-Instruct", false},
             names{"a/b", "", false},
         })
    {
        SCOPED_TRACE(std::string(asked) + " | " + served);
        EXPECT_EQ(core::is_same_model(asked, served), same);
    }
}

TEST(FindDoubts, OfCompletions)
{
    const auto doubts_of = [](std::string_view choices) {
        const auto body = R"({"model":"m","choices":[)" + std::string(choices) + "]}";
        return core::find_doubts(from_json<completion_response>(json::parse(body)).value(), "m");
    };
    EXPECT_EQ(doubts_of(R"({"index":0,"text":"","finish_reason":"stop"})"), is_empty);
    EXPECT_EQ(doubts_of(R"({"index":0,"text":"","finish_reason":"length"})"), no_doubt);
    EXPECT_EQ(doubts_of(R"({"index":0,"text":"a","finish_reason":"stop"})"), no_doubt);
    EXPECT_EQ(doubts_of(""), is_empty);
}

TEST(FindDoubts, OfAnAnswerKnowTheModelAskedFor)
{
    chat_response answer;
    answer.model = "b";
    answer.choices.emplace_back().message.content = "text";
    EXPECT_FALSE(answer.doubts());
    answer.metadata.model_asked = "a";
    EXPECT_TRUE(answer.doubts().other_model);
    chat_accumulator sum;
    EXPECT_EQ(sum.doubts("a"), is_empty);
}

TEST(FindDoubts, RefusesOnlyWhatWasChosen)
{
    const answer_doubts all{.empty = true, .out_of_tokens = true, .other_model = true};
    EXPECT_FALSE(core::refuse_doubts(all, no_doubt, "a", "b"));
    EXPECT_FALSE(core::refuse_doubts(is_empty, no_tokens, "a", "b"));
    const auto empty = core::refuse_doubts(all, all, "a", "b");
    EXPECT_EQ(empty->code, errc::empty_answer);
    EXPECT_EQ(empty->where, phase::body);
    EXPECT_TRUE(empty->sent);
    const auto tokens = core::refuse_doubts(all, no_tokens, "a", "b");
    EXPECT_EQ(tokens->code, errc::out_of_tokens);
    EXPECT_NE(tokens->message.find("max_tokens"), std::string::npos);
    const auto other = core::refuse_doubts(all, {.other_model = true}, "a", "b");
    EXPECT_EQ(other->code, errc::other_model);
    EXPECT_NE(other->message.find("\"a\", answered by \"b\""), std::string::npos);
}

TEST(FindDoubts, OnlyAnEmptyAnswerIsAskedForAgain)
{
    const retry_policy policy;
    for (const auto& [doubt, is_repeated] : {std::pair(is_empty, true), std::pair(no_tokens, false),
                                             std::pair(answer_doubts{.other_model = true}, false)})
    {
        const auto info = core::refuse_doubts(doubt, doubt, "a", "b");
        EXPECT_EQ(is_retryable(*info), is_repeated);
        core::call_view call{policy};
        const auto plan = core::plan_attempt(call, 1, &*info);
        EXPECT_EQ(std::holds_alternative<core::wait>(plan), is_repeated);
        call.delivered = true;
        EXPECT_TRUE(std::holds_alternative<core::give_up>(core::plan_attempt(call, 1, &*info)));
    }
    const auto info = core::refuse_doubts(is_empty, is_empty, "a", "b");
    EXPECT_TRUE(std::holds_alternative<core::give_up>(
        core::plan_attempt(core::call_view{policy}, 3, &*info)));
}

}  // namespace
}  // namespace regolo::test
