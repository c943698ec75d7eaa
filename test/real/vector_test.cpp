// Embeddings and ranks of a real server.

#include "real/server.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace regolo::test {

namespace {

namespace json = boost::json;

asio::awaitable<embedding_response> embed(embedding_request request)
{
    const auto api = co_await make_client();
    if (request.model.empty())
        request.model = client_config::from_environment().model;
    co_return co_await api.embed(std::move(request));
}

bool are_the_same_bits(const std::vector<float>& a, const std::vector<float>& b)
{
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(RealEmbedding, IsTheSameInBothForms)
{
    REGOLO_NEEDS("embeddings");
    embedding_request request({}, {"Tell me something about Rome.", "Citt\u00e0 eterna", "a"});
    request.encoding_format = "float";
    const auto numbers = run(embed(request));
    request.encoding_format = "base64";
    const auto encoded = run(embed(request));
    ASSERT_EQ(numbers.data.size(), 3U);
    ASSERT_EQ(encoded.data.size(), 3U);
    for (std::size_t i = 0; i != 3; ++i)
    {
        EXPECT_GT(numbers.values(i).size(), 32U);
        EXPECT_TRUE(are_the_same_bits(numbers.values(i), encoded.values(i)));
    }
    EXPECT_FALSE(are_the_same_bits(numbers.values(0), numbers.values(1)));
    EXPECT_TRUE(encoded.usage.value().prompt_tokens.has_value());
}

double length_of(const std::vector<float>& vector)
{
    return std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
}

TEST(RealEmbedding, HasMembersOfItsOwn)
{
    REGOLO_NEEDS("embeddings");
    REGOLO_NEEDS("own_members");
    embedding_request request({}, "Tell me something about Rome.");
    EXPECT_NEAR(length_of(run(embed(request)).values()), 1, 1e-5);
    request.extra["embd_normalize"] = -1;
    EXPECT_GT(length_of(run(embed(request)).values()), 1.1);
    request.encoding_format = "base64";
    const auto encoded = run(embed(request));
    EXPECT_GT(length_of(encoded.values()), 1.1);
    // This server says it beside each vector.
    EXPECT_EQ(encoded.data.at(0).extra.at("encoding_format").as_string(), "base64");
}

asio::awaitable<std::vector<std::int64_t>> tokens_of(const client& api, std::string text)
{
    const json::value body = {{"content", text}, {"add_special", true}};
    const auto told = (co_await api.request({"POST", "/tokenize", body})).json();
    co_return json::value_to<std::vector<std::int64_t>>(told.at("tokens"));
}

TEST(RealEmbedding, OfTokensIsThatOfTheirText)
{
    REGOLO_NEEDS("embeddings");
    REGOLO_NEEDS("tokenize");
    const auto tokenize = [](std::string text) -> asio::awaitable<std::vector<std::int64_t>> {
        const auto api = co_await make_client();
        co_return co_await tokens_of(api, std::move(text));
    };
    const std::vector<std::string> texts{"Rome", "Citt\u00e0 eterna"};
    const std::vector<std::vector<std::int64_t>> tokens{run(tokenize(texts[0])),
                                                        run(tokenize(texts[1]))};
    EXPECT_EQ(tokens[0].size(), 5U);  // one begins the text
    embedding_request request({}, texts);
    const auto of_texts = run(embed(request));
    request.input = tokens;
    const auto of_lists = run(embed(request));
    request.input = tokens[0];
    const auto of_list = run(embed(request));
    ASSERT_EQ(of_lists.data.size(), 2U);
    EXPECT_TRUE(are_the_same_bits(of_lists.values(0), of_texts.values(0)));
    EXPECT_TRUE(are_the_same_bits(of_lists.values(1), of_texts.values(1)));
    ASSERT_EQ(of_list.data.size(), 1U);
    EXPECT_EQ(of_list.values().size(), of_lists.values().size());
}

TEST(RealEmbedding, OfNothingIsRefused)
{
    REGOLO_NEEDS("embeddings");
    REGOLO_NEEDS("own_members");
    const auto ask = []() -> asio::awaitable<error_info> {
        const auto api = co_await make_client();
        const json::value body = {{"model", "tiny"}, {"input", json::array()}};
        co_return co_await failure_of(api.request({"POST", "/v1/embeddings", body}));
    };
    const auto failure = run(ask());
    EXPECT_EQ(failure.code, errc::bad_request);
    EXPECT_TRUE(contains(failure.server_message, "empty"));
}

// ---- ranks

asio::awaitable<rerank_response> rank(rerank_request request)
{
    const auto api = co_await make_client();
    request.model = client_config::from_environment().model;
    co_return co_await api.rerank(std::move(request));
}

rerank_request question_and_documents()
{
    return {"", "capital of Italy", {"Paris", "Rome", "a river in Egypt", "Citt\u00e0 eterna"}};
}

TEST(RealRerank, IsInTheOrderOfItsScores)
{
    REGOLO_NEEDS("rerank");
    const auto answer = run(rank(question_and_documents()));
    ASSERT_EQ(answer.results.size(), 4U);
    std::vector<std::int64_t> indices;
    for (const auto& each : answer.results)
        indices.push_back(each.index.value());
    EXPECT_TRUE(std::is_permutation(indices.begin(), indices.end(), std::begin({0, 1, 2, 3})));
    const auto by_score = [](const auto& a, const auto& b) { return a.score > b.score; };
    EXPECT_TRUE(std::is_sorted(answer.results.begin(), answer.results.end(), by_score));
    EXPECT_GT(answer.results.front().score, answer.results.back().score);
    EXPECT_GT(answer.usage.value().prompt_tokens.value_or(0), 0);
    EXPECT_EQ(answer.model, "tiny");
}

TEST(RealRerank, EndsAtTopN)
{
    REGOLO_NEEDS("rerank");
    auto request = question_and_documents();
    const auto all = run(rank(request));
    request.top_n = 2;
    const auto best = run(rank(request));
    ASSERT_EQ(best.results.size(), 2U);
    EXPECT_EQ(best.results[0].index, all.results.at(0).index);
    EXPECT_EQ(best.results[1].index, all.results.at(1).index);
}

TEST(RealRerank, RefusesDocumentsThatAreObjects)
{
    REGOLO_NEEDS("rerank");
    const auto ask = []() -> asio::awaitable<error_info> {
        const auto api = co_await make_client();
        auto request = question_and_documents();
        request.model = "tiny";
        request.documents = {json::object{{"text", "Rome"}}};
        co_return co_await failure_of(api.rerank(request));
    };
    const auto failure = run(ask());
    EXPECT_EQ(failure.code, errc::bad_request);
    EXPECT_TRUE(contains(failure.server_message, "string array"));
}

TEST(RealRerank, IsNotForEachServer)
{
    REGOLO_NEEDS("own_members");
    if (why_not("rerank").empty())
        GTEST_SKIP() << "this one ranks";
    const auto ask = []() -> asio::awaitable<error_info> {
        const auto api = co_await make_client();
        auto request = question_and_documents();
        request.model = "tiny";
        call_options options;
        options.max_retries = 0;
        co_return co_await failure_of(api.rerank(request, options));
    };
    const auto failure = run(ask());
    EXPECT_EQ(failure.code, errc::server_error) << describe(failure);
    EXPECT_EQ(failure.http_status, 501);
    EXPECT_TRUE(contains(failure.server_message, "does not support reranking"));
}

}  // namespace

}  // namespace regolo::test
