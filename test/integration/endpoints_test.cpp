// Every endpoint without a stream gives the right answer.

#include "integration/endpoints.hpp"

#include <regolo/fan_out.hpp>

#include <boost/json/object.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace regolo::test {

namespace {

// ---- right answers

TEST_F(Endpoints, EmbedsTheSameInEitherEncoding)
{
    const auto ask = [&](const std::string& encoding) {
        return try_once<embedding_response>([&](const client& one) {
                   embedding_request request("sim-embedding",
                                             std::vector<std::string>{"Rome", "Venice", "Rome"});
                   request.encoding_format = encoding;
                   request.dimensions = 33;
                   return one.embed(std::move(request));
               })
            .value();
    };
    const auto floats = ask("float");
    const auto base64 = ask("base64");
    EXPECT_TRUE(contains(server.requests().at(1).body, R"("encoding_format":"base64")"));
    EXPECT_EQ(floats.model, "sim-embedding");
    EXPECT_EQ(floats.usage.value().total_tokens, 3);
    EXPECT_EQ(floats.metadata.status, 200);
    EXPECT_TRUE(floats.metadata.cost);
    ASSERT_EQ(floats.data.size(), 3U);
    for (std::size_t i = 0; i != 3; ++i)
    {
        EXPECT_EQ(floats.values(i).size(), 33U);
        EXPECT_EQ(floats.values(i), base64.values(i));
    }
    EXPECT_EQ(floats.values(0), floats.values(2));
    EXPECT_NE(floats.values(0), floats.values(1));
    EXPECT_EQ(ask("").values(1), floats.values(1));
}

TEST_F(Endpoints, EmbedsManyInputsAndTokens)
{
    const auto many = try_once<embedding_response>([](const client& one) {
                          return one.embed({"sim-embedding", std::vector<std::string>(300, "a")});
                      }).value();
    EXPECT_EQ(many.data.size(), 300U);
    EXPECT_EQ(many.values(299), many.values(0));
    const auto tokens = try_once<embedding_response>([](const client& one) {
                            embedding_request request("sim-embedding", "");
                            request.input = std::vector<std::vector<std::int64_t>>{{1, 2}, {3}};
                            return one.embed(std::move(request));
                        }).value();
    EXPECT_EQ(tokens.data.size(), 2U);
}

TEST_F(Endpoints, MakesPictures)
{
    const auto ask = [&](const json::object& extra) {
        return try_once<image_response>([&](const client& one) {
                   image_request request("sim-image", "A street in Rome");
                   request.size = "1024x1024";
                   request.n = 2;
                   request.extra = extra;
                   return one.generate_images(std::move(request));
               })
            .value();
    };
    const auto jpeg = ask({});
    EXPECT_EQ(jpeg.data.size(), 2U);
    EXPECT_EQ(jpeg.data.at(1).media_type(), "image/jpeg");
    EXPECT_EQ(jpeg.bytes().size(), 159U);
    EXPECT_EQ(jpeg.created, 1777282023);
    EXPECT_EQ(ask({{"output_format", "png"}}).data.at(0).media_type(), "image/png");
    const auto url = ask({{"response_format", "url"}});
    EXPECT_EQ(url.bytes(), "");
    EXPECT_TRUE(url.data.at(0).url.starts_with("https://images.example/"));
    EXPECT_NE(url.data.at(0).url, url.data.at(1).url);
}

TEST_F(Endpoints, RanksDocuments)
{
    const auto ask = [&](const std::string& model, bool returns) {
        return try_once<rerank_response>([&](const client& one) {
                   rerank_request request(model, "capital of Italy",
                                          {"Paris", "the capital of Italy is Rome"});
                   request.documents.emplace_back(json::object{{"text", "Italy"}, {"id", 7}});
                   request.return_documents = returns;
                   return one.rerank(std::move(request));
               })
            .value();
    };
    const auto answer = ask("sim-rerank", true);
    ASSERT_EQ(answer.results.size(), 3U);
    EXPECT_EQ(answer.results[0].index, 1);
    EXPECT_EQ(answer.results[0].score, 1.0);
    EXPECT_EQ(answer.results[0].text(), "the capital of Italy is Rome");
    EXPECT_EQ(answer.results[1].index, 2);
    EXPECT_EQ(answer.results[1].document.at("id"), 7);
    EXPECT_EQ(answer.results[1].text(), "Italy");
    EXPECT_EQ(answer.results[2].score, 0.0);
    EXPECT_TRUE(answer.id.starts_with("rerank-"));
    EXPECT_EQ(answer.meta.at("billed_units").at("search_units"), 1);
    EXPECT_TRUE(ask("sim-rerank", false).results.at(0).document.is_null());
    const auto old = ask("sim-rerank-old", true);
    ASSERT_EQ(old.results.size(), 3U);
    EXPECT_FALSE(old.results[0].index);
    EXPECT_EQ(old.results[0].score, 1.0);
    EXPECT_EQ(old.results[0].text(), "the capital of Italy is Rome");
}

TEST_F(Endpoints, TellAboutModels)
{
    call_options wildcards;
    wildcards.query = {{"return_wildcard_routes", "true"}};
    const auto models =
        try_once<model_list>([&](const client& one) { return one.models(wildcards); }).value();
    EXPECT_TRUE(models.contains("sim-embedding"));
    EXPECT_TRUE(models.contains("openai/*"));
    const auto info =
        try_once<model_info_list>([](const client& one) { return one.model_info(); }).value();
    EXPECT_EQ(info.find("sim-rerank")->info.value().mode, "rerank");
    EXPECT_EQ(info.find("sim-image")->info.value().mode, "image_generation");
    EXPECT_EQ(info.find("sim-chat")->info.value().max_input_tokens, 96000);
    EXPECT_EQ(info.find("sim-chat")->params.value().at("model"), "hosted_vllm/sim-chat");
    const auto groups =
        try_once<model_group_list>([](const client& one) { return one.model_groups(); }).value();
    EXPECT_EQ(groups.find("sim-reasoning")->supports_reasoning, true);
    EXPECT_EQ(groups.find("sim-chat")->max_output_tokens, 96000);
    call_options by_id;
    by_id.query = {{"regolo_model_id", info.find("sim-image")->info->id}};
    const auto image =
        try_once<model_info_list>([&](const client& one) { return one.model_info(by_id); }).value();
    ASSERT_EQ(image.data.size(), 1U);
    EXPECT_EQ(image.data[0].model_name, "sim-image");
    const auto names = try_once<supported_parameters>([](const client& one) {
                           return one.supported_parameters("sim-reasoning");
                       }).value();
    EXPECT_TRUE(names.contains("tools"));
    EXPECT_TRUE(names.contains("reasoning_effort"));
}

TEST_F(Endpoints, CountTokens)
{
    const auto text = try_once<token_count>([](const client& one) {
                          return one.count_tokens({"sim-chat", "Tell me about Rome"});
                      }).value();
    EXPECT_EQ(text.total_tokens, 4);
    EXPECT_EQ(text.request_model, "sim-chat");
    EXPECT_EQ(text.model_used, "hosted_vllm/sim-chat");
    const auto chat = try_once<token_count>([](const client& one) {
                          std::vector<chat_message> messages{chat_message("system", "Be brief"),
                                                             chat_message("user", "Hello there")};
                          return one.count_tokens({"sim-chat", std::move(messages)});
                      }).value();
    EXPECT_EQ(chat.total_tokens, 4);
}

TEST_F(Endpoints, TellAboutTheAccount)
{
    const auto key = try_once<key_info>([](const client& one) { return one.key_info(); }).value();
    EXPECT_EQ(key.info.spend, 2.5);
    EXPECT_EQ(key.info.max_budget, 10.0);
    const auto user =
        try_once<user_info>([](const client& one) { return one.user_info(); }).value();
    EXPECT_EQ(user.user_id, "sim-user");
    EXPECT_EQ(user.keys.at(0).key_alias, "simulation");
    const auto days =
        try_once<activity>([](const client& one) { return one.activity(september); }).value();
    EXPECT_EQ(days.sum_api_requests, 14);
    EXPECT_EQ(days.daily_data.at(1).date, "2026-09-30");
    call_options second;
    second.query = {{"page", "2"}, {"page_size", "2"}};
    const auto logs = try_once<spend_logs>([&](const client& one) {
                          return one.spend_logs(september, second);
                      }).value();
    ASSERT_EQ(logs.data.size(), 1U);
    EXPECT_EQ(logs.data[0].total_tokens, 42);
    EXPECT_EQ(logs.extra.at("total"), 3);
    EXPECT_EQ(server.requests().at(3).target,
              "/spend/logs/v2?page=2&page_size=2&start_date=2026-09-01&end_date=2026-09-30");
}

// ---- the configuration

TEST_F(Endpoints, HaveDefaultModelsAndPathsOfTheirOwn)
{
    config.model = "sim-chat";
    config.models.embedding = "sim-embedding";
    config.models.image = "sim-image";
    config.models.rerank = "sim-rerank";
    config.paths.embeddings = "/embeddings";
    config.paths.images = "/images/generations";
    config.paths.rerank = "/rerank";
    for (const auto& each : all_endpoints())
        EXPECT_TRUE(outcome(each, "")) << each.name;
    const auto sent = server.requests();
    EXPECT_EQ(sent.at(0).target, "/embeddings");
    EXPECT_TRUE(contains(sent.at(0).body, R"("model":"sim-embedding")"));
    EXPECT_EQ(sent.at(1).target, "/images/generations");
    EXPECT_TRUE(contains(sent.at(1).body, R"("model":"sim-image")"));
    EXPECT_EQ(sent.at(2).target, "/rerank");
    EXPECT_TRUE(contains(sent.at(2).body, R"("model":"sim-rerank")"));
    EXPECT_TRUE(contains(sent.at(3).body, R"("model":"sim-chat")"));
    EXPECT_EQ(sent.at(4).target, "/utils/supported_openai_params?model=sim-chat");
}

TEST_F(Endpoints, RefuseToAskWithoutAModel)
{
    for (const auto& each : all_endpoints())
    {
        if (!each.model.empty())
        {
            EXPECT_EQ(failure(each, "").code, errc::invalid_request) << each.name;
        }
    }
    EXPECT_EQ(server.counts().requests, 0U);
}

TEST_F(Endpoints, WorkForCustomModels)
{
    config.base_url = server.url() + "/custom-model/v1/";
    for (const auto& each : all_endpoints())
    {
        if (each.name == "embed" || each.name == "rerank" || each.name == "generate_images")
        {
            EXPECT_TRUE(outcome(each, each.model)) << each.name;
        }
    }
    EXPECT_EQ(server.requests().at(0).target, "/custom-model/v1/embeddings");
}

// ---- many at once

TEST_F(Endpoints, FanOutEmbeddingsAndRerankingsAndPictures)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        std::vector<embedding_request> texts;
        for (int i = 0; i != 20; ++i)
            texts.emplace_back("sim-embedding", "text " + std::to_string(i));
        auto vectors = one.fan_out(texts, {.max_in_flight = 4, .order = fan_out_order::input});
        std::size_t count = 0;
        while (auto done = co_await vectors.next())
        {
            EXPECT_EQ(done->index, count++);
            const auto again = co_await one.embed(texts.at(done->index));
            EXPECT_EQ(done->result.value().values(), again.values());
        }
        EXPECT_EQ(count, 20U);
        EXPECT_EQ(vectors.progress().prompt_tokens, 40);
        auto ranks = one.fan_out(
            std::vector<rerank_request>(9, rerank_request("sim-rerank", "b", {"a", "b"})));
        while (auto done = co_await ranks.next())
            EXPECT_EQ(done->result.value().results.at(0).index, 1);
        EXPECT_EQ(ranks.progress().done, 9U);
        auto pictures = one.fan_out(std::vector<image_request>(3, {"sim-image", "Rome"}));
        while (auto done = co_await pictures.next())
            EXPECT_FALSE(done->result.value().bytes().empty());
        EXPECT_EQ(pictures.progress().failed, 0U);
    };
    run(body());
}

}  // namespace

}  // namespace regolo::test
