#include "core/codec.hpp"
#include "support/golden.hpp"

#include <regolo/model_info.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace regolo::test {
namespace {

namespace json = boost::json;
using core::decode;

/// Model information with one deployment, whose members those are.
model_deployment deployment_of(std::string_view members)
{
    const auto body = R"({"data":[{)" + std::string(members) + "}]}";
    return decode<model_info_list>(body, {}).value().data.at(0);
}

TEST(ModelInfo, ReadsTheDeployments)
{
    const auto list = decode<model_info_list>(golden("model_info"), {}).value();
    ASSERT_EQ(list.data.size(), 3U);
    EXPECT_EQ(list.extra.at("object"), "list");
    const auto* llama = list.find("Llama-3.3-70B-Instruct");
    ASSERT_NE(llama, nullptr);
    EXPECT_EQ(llama->params.value().at("model"), "hosted_vllm/llama-3.3-70b");
    const auto& info = llama->info.value();
    EXPECT_EQ(info.id, "a1b2");
    EXPECT_EQ(info.mode, "chat");
    EXPECT_EQ(info.input_cost_per_token, 6e-07);
    EXPECT_EQ(info.output_cost_per_token, 2.7e-06);
    EXPECT_FALSE(info.max_tokens);
    EXPECT_EQ(info.max_input_tokens, 131072);
    EXPECT_EQ(info.max_output_tokens, 8192);
    EXPECT_EQ(info.supports_vision, false);
    EXPECT_FALSE(info.supports_reasoning);
    EXPECT_EQ(info.extra.at("db_model"), false);
    EXPECT_EQ(info.extra.at("supported_openai_params").at(1), "tools");
    EXPECT_EQ(list.data[1].info.value().mode, "");
    EXPECT_FALSE(list.data[2].info);
    EXPECT_EQ(list.data[2].extra.at("team"), "t");
    EXPECT_EQ(list.find("llama-3.3-70b-instruct"), nullptr);
}

TEST(ModelInfo, TakesEitherNameOfTheParameters)
{
    for (const std::string members :
         {R"("litellm_params":{"model":"m"})", R"("regolo_params":{"model":"m"})",
          R"("litellm_params":null,"regolo_params":{"model":"m"})"})
    {
        const auto one = deployment_of(members);
        EXPECT_EQ(one.params.value().at("model"), "m") << members;
        EXPECT_TRUE(one.extra.empty());
        EXPECT_EQ(to_json(one), json::parse(R"({"litellm_params":{"model":"m"}})"));
    }
    const auto both = deployment_of(R"("regolo_params":{"a":1},"litellm_params":{})");
    EXPECT_TRUE(both.params.value().empty());
    EXPECT_EQ(both.extra.at("regolo_params").at("a"), 1);
    EXPECT_FALSE(deployment_of("").params);
    EXPECT_EQ(deployment_of(R"("litellm_params":7)").extra.at("litellm_params"), 7);
}

TEST(ModelGroups, ReadsTokenCountsThatAreFloats)
{
    const auto list = decode<model_group_list>(golden("model_groups"), {}).value();
    const auto* group = list.find("glm5.2");
    ASSERT_NE(group, nullptr);
    EXPECT_EQ(group->max_input_tokens, 96000);
    EXPECT_EQ(group->max_output_tokens, 96000);
    EXPECT_FALSE(group->max_tokens);
    EXPECT_EQ(group->input_cost_per_token, 2e-06);
    EXPECT_EQ(group->output_cost_per_token, 5.2e-06);
    EXPECT_EQ(group->supports_reasoning, true);
    EXPECT_EQ(group->supports_vision, false);
    EXPECT_EQ(group->extra.at("rpm"), 100);
    EXPECT_EQ(list.find("Qwen-Image")->mode, "image_generation");
    EXPECT_EQ(list.find(""), nullptr);
    EXPECT_EQ(to_json(list).at("data").at(0).at("max_input_tokens"), 96000);
}

TEST(ModelGroups, KeepWhatIsOfAnotherType)
{
    const auto list =
        decode<model_group_list>(R"({"data":[{"model_group":"g","mode":3,"max_tokens":0.5,
        "supports_vision":"yes","input_cost_per_token":"2e-6"}]})",
                                 {})
            .value();
    EXPECT_EQ(list.data.at(0).extra, json::parse(R"({"mode":3,"max_tokens":0.5,
        "supports_vision":"yes","input_cost_per_token":"2e-6"})")
                                         .as_object());
}

TEST(SupportedParameters, ListsThem)
{
    const auto answer = decode<supported_parameters>(golden("supported_parameters"), {}).value();
    EXPECT_EQ(answer.names.size(), 4U);
    EXPECT_TRUE(answer.contains("tools"));
    EXPECT_FALSE(answer.contains("Tools"));
    EXPECT_EQ(answer.extra.at("model"), "Llama-3.3-70B-Instruct");
    EXPECT_FALSE(decode<supported_parameters>(R"({"supported_openai_params":[7]})", {}));
}

TEST(ModelInfo, AnswersWithoutTheirListAreNone)
{
    for (const auto* body : {"{}", R"({"data":null,"supported_openai_params":null})"})
    {
        EXPECT_EQ(decode<model_info_list>(body, {}).error().code, errc::bad_response);
        EXPECT_EQ(decode<model_group_list>(body, {}).error().code, errc::bad_response);
        EXPECT_TRUE(has_part(decode<supported_parameters>(body, {}).error().message,
                             "no \"supported_openai_params\""));
    }
    EXPECT_TRUE(has_part(decode<model_info_list>(R"({"data":[3]})", {}).error().message,
                         "\"data[0]\" is not an object"));
}

TEST(ModelInfo, SurvivesDecodeEncodeDecode)
{
    expect_round_trip<model_info_list>(parse_body(golden("model_info")), "model_info");
    expect_nothing_lost<model_group_list>(golden("model_groups"), "model_groups");
    expect_nothing_lost<supported_parameters>(golden("supported_parameters"), "parameters");
}

}  // namespace
}  // namespace regolo::test
