#include "core/codec.hpp"
#include "support/golden.hpp"
#include "wire_file.hpp"

#include <regolo/rerank.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <string>

namespace regolo::test {
namespace {

namespace json = boost::json;
using core::decode;

rerank_response answer_of(std::string_view body)
{
    return decode<rerank_response>(body, {}).value();
}

/// An answer with one result, whose members those are.
std::string with_result(std::string_view members)
{
    return R"({"results":[{)" + std::string(members) + "}]}";
}

std::string problem_of(std::string_view body)
{
    const auto answer = decode<rerank_response>(body, {});
    EXPECT_FALSE(answer) << body;
    EXPECT_TRUE(answer || answer.error().code == errc::bad_response);
    return answer ? std::string() : answer.error().message;
}

TEST(Rerank, ReadsTheShapeOfToday)
{
    const auto answer = answer_of(golden("rerank_response"));
    EXPECT_EQ(answer.id, "rerank-8b37");
    EXPECT_EQ(answer.model, "Qwen3-Reranker-4B");
    ASSERT_EQ(answer.results.size(), 2U);
    EXPECT_EQ(answer.results[0].index, 1);
    EXPECT_EQ(answer.results[0].score, 0.88);
    EXPECT_EQ(answer.results[0].text(), "Rome is in Italy.");
    EXPECT_EQ(answer.results[0].document.at("title"), "Rome");
    EXPECT_EQ(answer.results[1].index, 0);
    EXPECT_TRUE(answer.results[1].document.is_null());
    EXPECT_EQ(answer.results[1].text(), "");
    EXPECT_EQ(answer.results[1].extra.at("chunk"), 3);
    EXPECT_EQ(answer.meta.at("billed_units").at("search_units"), 1);
    EXPECT_EQ(answer.usage.value().total_tokens, 23);
    EXPECT_EQ(answer.extra.at("took"), 0.25);
}

TEST(Rerank, ReadsTheOldShapeAsTheSame)
{
    const auto answer = answer_of(golden("rerank_response_old"));
    ASSERT_EQ(answer.results.size(), 2U);
    EXPECT_FALSE(answer.results[0].index);
    EXPECT_EQ(answer.results[0].score, 0.98);
    EXPECT_EQ(answer.results[1].score, 2.0);
    EXPECT_EQ(answer.results[0].text(), "Rome is in Italy.");
    EXPECT_EQ(answer.extra.at("query"), "capital of Italy");
    EXPECT_EQ(to_json(answer).at("results").at(0),
              json::parse(R"({"relevance_score":0.98,"document":"Rome is in Italy."})"));
}

TEST(Rerank, TakesNullForAbsent)
{
    const auto answer = answer_of(
        R"({"id":null,"results":[{"index":null,"relevance_score":null,"score":0.5,"document":null}],
        "meta":null,"usage":null})");
    EXPECT_EQ(answer.results.at(0).score, 0.5);
    EXPECT_FALSE(answer.results[0].index);
    EXPECT_TRUE(answer.results[0].extra.empty());
    EXPECT_TRUE(answer.extra.empty());
    EXPECT_TRUE(answer_of(R"({"results":[]})").results.empty());
    const auto both = answer_of(with_result(R"("relevance_score":0.5,"score":0.25)"));
    EXPECT_EQ(both.results[0].score, 0.5);
    EXPECT_EQ(both.results[0].extra.at("score"), 0.25);
}

TEST(Rerank, NamesWhatCannotBeRead)
{
    EXPECT_TRUE(has_part(problem_of("{}"), "no \"results\""));
    EXPECT_TRUE(has_part(problem_of(R"({"results":{}})"), "\"results\" is not an array"));
    EXPECT_TRUE(has_part(problem_of(R"({"results":["a"]})"), "\"results[0]\" is not an object"));
    EXPECT_TRUE(has_part(problem_of(with_result(R"("index":0)")),
                         "\"results[0].relevance_score\" is missing"));
    EXPECT_TRUE(has_part(problem_of(with_result(R"("relevance_score":"high")")),
                         "\"results[0].relevance_score\" is not a number"));
    EXPECT_TRUE(
        has_part(problem_of(with_result(R"("score":[])")), "\"results[0].score\" is not a number"));
    EXPECT_TRUE(has_part(problem_of(with_result(R"("score":1,"index":-1)")), "is negative"));
    EXPECT_TRUE(has_part(problem_of(with_result(R"("score":1,"index":"a")")), "not an integer"));
}

TEST(Rerank, HasTheTextOfWhateverStandsForTheDocument)
{
    for (const auto* document : {R"({"text":7})", R"({"title":"a"})", "[1]", "true", "{}"})
    {
        const auto answer =
            answer_of(with_result(R"("score":1,"document":)" + std::string(document)));
        EXPECT_EQ(answer.results[0].text(), "");
        EXPECT_EQ(answer.results[0].document, json::parse(document));
    }
}

TEST(Rerank, SendsTextsAndObjects)
{
    rerank_request request("", "q", {"a", "b"});
    EXPECT_EQ(json::parse(core::encode(request, "m").value()),
              json::parse(R"({"model":"m","query":"q","documents":["a","b"]})"));
    request.documents.emplace_back(json::object{{"text", "c"}});
    request.return_documents = false;
    EXPECT_EQ(json::parse(core::encode(request, "m").value()).at("documents"),
              json::parse(R"(["a","b",{"text":"c"}])"));
    EXPECT_EQ(core::encode(request, "").error().code, errc::invalid_request);
    const auto all = from_json<rerank_request>(json::parse(golden("rerank_request"))).value();
    EXPECT_EQ(all.rank_fields, (std::vector<std::string>{"title", "text"}));
    EXPECT_EQ(all.max_chunks_per_doc, 10);
    EXPECT_EQ(json::parse(core::encode(all, "").value()), json::parse(golden("rerank_request")));
}

TEST(Rerank, SurvivesDecodeEncodeDecode)
{
    expect_nothing_lost<rerank_request>(golden("rerank_request"), "request");
    expect_nothing_lost<rerank_response>(golden("rerank_response"), "answer");
    expect_round_trip<rerank_response>(parse_body(golden("rerank_response_old")), "old");
}

TEST(Rerank, ReadsARealServer)
{
    // No id, no meta, and scores that are no probabilities.
    const auto answer = answer_of(one_recording("real/rerank.txt").body);
    ASSERT_EQ(answer.results.size(), 3U);
    EXPECT_EQ(answer.results[0].index, 2);
    EXPECT_EQ(answer.results[2].score, -0.07346975058317184);
    EXPECT_EQ(answer.usage.value().prompt_tokens, 94);
    EXPECT_EQ(answer.extra.at("object"), "list");
    EXPECT_TRUE(answer.id.empty());
}

}  // namespace
}  // namespace regolo::test
