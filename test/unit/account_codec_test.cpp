#include "core/codec.hpp"
#include "support/golden.hpp"

#include <regolo/account.hpp>
#include <regolo/token_count.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace regolo::test {
namespace {

namespace json = boost::json;
using core::decode;

TEST(TokenCount, ReadsTheAnswer)
{
    const auto answer = decode<token_count>(golden("token_count"), {}).value();
    EXPECT_EQ(answer.total_tokens, 12);
    EXPECT_EQ(answer.request_model, "Llama-3.3-70B-Instruct");
    EXPECT_EQ(answer.model_used, "llama-3.3-70b");
    EXPECT_EQ(answer.tokenizer_type, "huggingface_tokenizer");
    EXPECT_EQ(answer.extra, json::parse(R"({"original_response":null,"error":false})").as_object());
    for (const auto* body : {"{}", R"({"total_tokens":null})", R"({"total_tokens":"many"})"})
        EXPECT_EQ(decode<token_count>(body, {}).error().code, errc::bad_response) << body;
}

TEST(TokenCount, SendsAPromptOrMessages)
{
    const token_count_request text("m", "Hi");
    EXPECT_EQ(json::parse(core::encode(text, "").value()),
              json::parse(R"({"model":"m","prompt":"Hi"})"));
    const token_count_request chat("", std::vector<chat_message>{chat_message("user", "Hi")});
    EXPECT_EQ(json::parse(core::encode(chat, "m").value()),
              json::parse(R"({"model":"m","messages":[{"role":"user","content":"Hi"}]})"));
    EXPECT_EQ(core::encode(chat, "").error().code, errc::invalid_request);
}

TEST(KeyInfo, ReadsTheBudget)
{
    const auto answer = decode<key_info>(golden("key_info"), {}).value();
    EXPECT_EQ(answer.key, "5699abcd");
    EXPECT_EQ(answer.info.key_alias, "laptop");
    EXPECT_EQ(answer.info.spend, 2.5);
    EXPECT_EQ(answer.info.max_budget, 10.0);
    EXPECT_EQ(answer.info.budget_reset_at, "2026-09-01T00:00:00Z");
    EXPECT_EQ(answer.info.extra.at("key_name"), "sk-...8aSP");
    EXPECT_EQ(answer.extra.at("cached"), true);
    const auto unbounded =
        decode<key_info>(R"({"info":{"spend":0,"max_budget":null,"budget_reset_at":null}})", {})
            .value();
    EXPECT_EQ(unbounded.info.spend, 0.0);
    EXPECT_FALSE(unbounded.info.max_budget);
    EXPECT_EQ(unbounded.info.budget_reset_at, "");
    EXPECT_TRUE(has_part(decode<key_info>("{}", {}).error().message, "no \"info\""));
    EXPECT_TRUE(has_part(decode<key_info>(R"({"info":[]})", {}).error().message,
                         "\"info\" is not an object"));
}

TEST(UserInfo, ReadsTheKeys)
{
    const auto answer = decode<user_info>(golden("user_info"), {}).value();
    EXPECT_EQ(answer.user_id, "u-1");
    EXPECT_EQ(answer.info.value().user_email, "a@example.org");
    EXPECT_EQ(answer.info->spend, 3.25);
    EXPECT_FALSE(answer.info->max_budget);
    ASSERT_EQ(answer.keys.size(), 2U);
    EXPECT_EQ(answer.keys[0].key_alias, "laptop");
    EXPECT_EQ(answer.keys[1].spend, 0.75);
    EXPECT_EQ(answer.extra.at("teams").at(0).at("team_id"), "t");
    EXPECT_FALSE(decode<user_info>(R"({"user_info":null,"keys":null})", {}).value().info);
    EXPECT_EQ(decode<user_info>(R"({"keys":["a"]})", {}).value().extra.at("keys").at(0), "a");
}

TEST(Activity, MayBeAnEmptyList)
{
    const auto answer = decode<activity>("[]", {});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_FALSE(answer->sum_api_requests);
    EXPECT_FALSE(decode<activity>("[1]", {}));
}

TEST(Activity, ReadsSumsWithDaysOrWithout)
{
    const auto answer = decode<activity>(golden("activity"), {}).value();
    EXPECT_EQ(answer.sum_api_requests, 14);
    EXPECT_EQ(answer.sum_total_tokens, 29027);
    ASSERT_EQ(answer.daily_data.size(), 2U);
    EXPECT_EQ(answer.daily_data[0].date, "Sep 01");
    EXPECT_EQ(answer.daily_data[1].api_requests, 4);
    EXPECT_EQ(answer.daily_data[1].total_tokens, 9027);
    EXPECT_EQ(answer.daily_data[1].extra.at("x"), 1);
    const auto sums =
        decode<activity>(R"({"sum_api_requests":14,"sum_total_tokens":null})", {}).value();
    EXPECT_TRUE(sums.daily_data.empty());
    EXPECT_FALSE(sums.sum_total_tokens);
}

TEST(SpendLogs, ReadsAPage)
{
    const auto answer = decode<spend_logs>(golden("spend_logs"), {}).value();
    ASSERT_EQ(answer.data.size(), 2U);
    const auto& first = answer.data[0];
    EXPECT_EQ(first.model_group, "glm5.2");
    EXPECT_EQ(first.prompt_tokens, 12);
    EXPECT_EQ(first.completion_tokens, 30);
    EXPECT_EQ(first.total_tokens, 42);
    EXPECT_EQ(first.spend, 0.000126);
    EXPECT_EQ(first.start_time, "2026-09-01T10:00:00Z");
    EXPECT_EQ(first.api_requests, 1);
    EXPECT_EQ(first.extra.at("metadata").at("status"), "success");
    EXPECT_EQ(answer.data[1].model_group, "");
    EXPECT_FALSE(answer.data[1].total_tokens);
    EXPECT_EQ(answer.extra.at("page_size"), 50);
    EXPECT_EQ(decode<spend_logs>("{}", {}).error().code, errc::bad_response);
}

TEST(AccountAnswers, SurviveDecodeEncodeDecode)
{
    expect_nothing_lost<token_count_request>(golden("token_count_request"), "count request");
    expect_nothing_lost<token_count>(golden("token_count"), "count");
    expect_nothing_lost<key_info>(golden("key_info"), "key");
    expect_nothing_lost<user_info>(golden("user_info"), "user");
    expect_nothing_lost<activity>(golden("activity"), "activity");
    expect_nothing_lost<spend_logs>(golden("spend_logs"), "logs");
}

}  // namespace
}  // namespace regolo::test
