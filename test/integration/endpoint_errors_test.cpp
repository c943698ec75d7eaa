// Every endpoint without a stream tells what went wrong, and keeps what it does not know.

#include "integration/endpoints.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace regolo::test {

namespace {

TEST_F(Endpoints, NeedTheKeyUnlessTheyArePublic)
{
    for (const std::string key : {"wrong", ""})
    {
        config.key = key;
        for (const auto& each : all_endpoints())
        {
            const auto got = outcome(each, each.model);
            EXPECT_EQ(got.has_value(), each.is_public) << each.name;
            EXPECT_TRUE(got || got.error().code == errc::unauthorized) << each.name;
        }
    }
}

TEST_F(Endpoints, PublicOnesNeedNoKeyForTheDefaultUrl)
{
    // The deadline is over before any of them could connect.
    config = client_config();
    call_options options;
    options.deadline = std::chrono::steady_clock::now();
    for (const auto& each : all_endpoints())
    {
        const auto wanted = each.is_public ? errc::deadline_exceeded : errc::no_key;
        EXPECT_EQ(failure(each, each.model, options).code, wanted) << each.name;
    }
}

TEST_F(Endpoints, TellOfUnknownModels)
{
    for (const auto& each : all_endpoints())
    {
        if (each.model.empty())
            continue;
        const auto got = failure(each, "nobody");
        EXPECT_EQ(got.http_status, 400) << each.name;
        EXPECT_TRUE(contains(got.server_message, "nobody")) << each.name;
        if (each.name != "supported_parameters")
        {
            EXPECT_EQ(got.code, errc::not_found) << each.name;
        }
    }
}

TEST_F(Endpoints, TellOfMissingMembers)
{
    EXPECT_EQ(status<embedding_response>([](const client& one) {
                  embedding_request request("sim-embedding", "");
                  request.extra["input"].emplace_array();
                  return one.embed(request);
              }),
              400);
    EXPECT_EQ(status<image_response>([](const client& one) {
                  return one.generate_images({"sim-image", ""});
              }),
              400);
    EXPECT_EQ(status<rerank_response>([](const client& one) {
                  return one.rerank({"sim-rerank", "", {"a"}});
              }),
              422);
    EXPECT_EQ(status<rerank_response>([](const client& one) {
                  rerank_request request("sim-rerank", "q");
                  request.extra["documents"] = nullptr;
                  return one.rerank(request);
              }),
              422);
    EXPECT_EQ(status<token_count>([](const client& one) {
                  return one.count_tokens({"sim-chat", ""});
              }),
              400);
    EXPECT_EQ(status<activity>([](const client& one) { return one.activity({}); }), 400);
    EXPECT_EQ(status<spend_logs>([](const client& one) {
                  return one.spend_logs({"2026-09-01", ""});
              }),
              400);
}

TEST_F(Endpoints, RetryAndTellOfErrors)
{
    call_options once;
    once.headers = {{"x-simulate", "error-503-once"}};
    call_options always;
    always.headers = {{"x-simulate", "error-429-retry-after-0.001"}};
    always.max_retries = 0;
    for (const auto& each : all_endpoints())
    {
        EXPECT_TRUE(outcome(each, each.model, once)) << each.name;
        EXPECT_EQ(failure(each, each.model, always).code, errc::rate_limited) << each.name;
    }
    EXPECT_EQ(server.counts().requests, 3 * all_endpoints().size());
}

TEST_F(Endpoints, TakeNothingElseForAnAnswer)
{
    const std::pair<const char*, errc> bodies[] = {
        {R"({"error":{"message":"no","type":"x","code":"429"}})", errc::rate_limited},
        {"<html>hello</html>", errc::bad_response},
        {"", errc::bad_response},
        {"[1]", errc::bad_response},
        {"{", errc::bad_response},
        {"data: {}\n\n", errc::bad_response},
    };
    call_options once;
    once.max_retries = 0;
    for (const auto& [body, code] : bodies)
    {
        server.on_request([text = body](const received_request&) {
            return script().respond(200, "application/json", text);
        });
        for (const auto& each : all_endpoints())
            EXPECT_EQ(failure(each, each.model, once).code, code) << each.name << ": " << body;
    }
}

TEST_F(Endpoints, KeepEveryMemberThatTheyDoNotKnow)
{
    for (const auto& each : all_endpoints())
    {
        auto body = json::parse(golden(each.body));
        body.as_object()["new_member"] = {{"a", json::array{1, nullptr, "x"}}};
        server.on_request([&](const received_request&) {
            return script().respond(200, "application/json", json::serialize(body));
        });
        const auto got = outcome(each, each.model);
        ASSERT_TRUE(got) << each.name << ": " << got.error().message;
        EXPECT_EQ(got->at("new_member"), body.at("new_member"));
        if (each.body != "embedding_response" && each.body != "model_info")
            expect_contained(body, *got, each.name);
    }
}

// ---- what the simulation itself says

TEST_F(Endpoints, AreWhereTheGatewayHasThem)
{
    const std::pair<api_request, int> requests[] = {
        {{"GET", "/v1/model/info"}, 200},
        {{"GET", "/model/info"}, 200},
        {{"GET", "/key/info"}, 200},
        {{"GET", "/v1/key/info"}, 404},
        {{"GET", "/v1/model_group/info"}, 404},
        {{"POST", "/v1/utils/token_counter", "{}"}, 404},
        {{"POST", "/key/info", "{}"}, 405},
        {{"GET", "/v1/embeddings"}, 405},
        {{"POST", "/v1/embeddings", "{"}, 400},
        {{"POST", "/v1/embeddings", R"({"model":"sim-embedding","input":"a","dimensions":0})"},
         400},
        {{"POST", "/v1/embeddings", R"({"model":"sim-embedding","input":[{}]})"}, 400},
        {{"POST", "/engines/sim-embedding/embeddings", R"({"input":"a"})"}, 200},
        {{"POST", "/v1/images/generations", R"({"model":"sim-image","prompt":"a","size":"1x1"})"},
         400},
        {{"POST", "/v1/images/generations", R"({"model":"sim-image","prompt":"a","n":99})"}, 400},
        {{"GET", "/utils/supported_openai_params"}, 422},
        {{"GET", "/v1/model/info?litellm_model_id=none"}, 400},
    };
    for (const auto& [request, wanted] : requests)
    {
        const auto got = try_once<api_response>(
            [&, asked = request](const client& one) { return one.request(asked); });
        EXPECT_EQ(got ? got->metadata.status : got.error().http_status, wanted)
            << request.method << ' ' << request.path << ' ' << request.body;
    }
}

TEST_F(Endpoints, MissASchemaMemberAsTheGatewayDoes)
{
    server.on_request({});
    const auto got = try_once<rerank_response>([](const client& one) {
        rerank_request request("sim-rerank", "q");
        request.extra["documents"] = nullptr;
        return one.rerank(request);
    });
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::bad_request);
    EXPECT_TRUE(contains(got.error().server_message, "Field required"));
}

}  // namespace

}  // namespace regolo::test
