#include "core/codec.hpp"
#include "support/golden.hpp"
#include "wire_file.hpp"

#include <regolo/embedding.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace regolo::test {
namespace {

namespace json = boost::json;
using core::decode;

embedding_response answer_of(std::string_view body)
{
    return decode<embedding_response>(body, {}).value();
}

/// An answer with one vector, whose JSON that is.
std::string with_vector(std::string_view vector)
{
    return R"({"data":[{"index":0,"embedding":)" + std::string(vector) + "}]}";
}

std::string problem_of(std::string_view body)
{
    const auto answer = decode<embedding_response>(body, {});
    EXPECT_FALSE(answer) << body;
    EXPECT_TRUE(answer || answer.error().code == errc::bad_response);
    return answer ? std::string() : answer.error().message;
}

json::value body_of(const embedding_request& request)
{
    return json::parse(core::encode(request, "default").value());
}

TEST(Embeddings, ReadsAWholeAnswer)
{
    const auto answer = answer_of(golden("embedding_response"));
    EXPECT_EQ(answer.object, "list");
    EXPECT_EQ(answer.model, "Qwen3-Embedding-8B");
    ASSERT_EQ(answer.data.size(), 2U);
    EXPECT_EQ(answer.values(), (std::vector<float>{0.5F, -0.25F, 1.0F, 0.1F}));
    EXPECT_EQ(answer.values(1), (std::vector<float>{-1.5e-3F, 0.0F, 2.0F, 7e-20F}));
    EXPECT_TRUE(answer.values(2).empty());
    EXPECT_EQ(answer.data[1].extra.at("note"), "kept");
    EXPECT_EQ(answer.extra.at("id"), "embd-1");
    EXPECT_EQ(answer.usage.value().total_tokens, 3);
}

TEST(Embeddings, Base64GivesTheSameNumbersToTheLastBit)
{
    EXPECT_EQ(answer_of(golden("embedding_response_base64")).values(),
              answer_of(golden("embedding_response")).values());
    // the largest, the smallest normal, the smallest of all, minus zero
    const auto edges = answer_of(with_vector("\"//9/fwAAgAABAAAAAAAAgA==\"")).values();
    EXPECT_EQ(edges, (std::vector<float>{std::numeric_limits<float>::max(),
                                         std::numeric_limits<float>::min(),
                                         std::numeric_limits<float>::denorm_min(), -0.0F}));
    EXPECT_TRUE(std::signbit(edges.at(3)));
    EXPECT_TRUE(answer_of(with_vector("\"\"")).values().empty());
    EXPECT_TRUE(answer_of(with_vector("[]")).values().empty());
}

TEST(Embeddings, KeepsTheOrderOfTheAnswerAndFindsByIndex)
{
    const auto answer = answer_of(R"({"data":[{"index":1,"embedding":[1]},{"index":0,
        "embedding":[0]},{"embedding":[2]},{"index":1000,"embedding":[3]}]})");
    EXPECT_EQ(answer.data[0].index, 1);
    EXPECT_EQ(answer.values(0).at(0), 0.0F);
    EXPECT_EQ(answer.values(2).at(0), 2.0F);     // sent without an index
    EXPECT_EQ(answer.values(1000).at(0), 3.0F);  // many inputs in one request
}

TEST(Embeddings, ReadsTheLargestFloatsAsTheyAreWritten)
{
    const auto answer = from_json<embedding_response>(json::parse(
        R"({"data":[{"embedding":[3.4028235e38,-3.4028235e+38,1e-45,-0.0,16777216]}]})"));
    const auto largest = std::numeric_limits<float>::max();
    EXPECT_EQ(answer->values(), (std::vector<float>{largest, -largest, 1e-45F, 0, 16777216}));
    EXPECT_FALSE(
        from_json<embedding_response>(json::parse(R"({"data":[{"embedding":[3.4028236e38]}]})")));
}

TEST(Embeddings, NamesWhatCannotBeRead)
{
    EXPECT_TRUE(has_part(problem_of("{}"), "no \"data\""));
    EXPECT_TRUE(has_part(problem_of(R"({"data":{}})"), "\"data\" is not an array"));
    EXPECT_TRUE(has_part(problem_of(R"({"data":[{}]})"), "\"data[0].embedding\" is missing"));
    EXPECT_TRUE(has_part(problem_of(with_vector("null")), "\"data[0].embedding\" is missing"));
    for (const auto* vector : {"7", "{}", "true"})
        EXPECT_TRUE(has_part(problem_of(with_vector(vector)), "neither a list of numbers"));
    for (const auto* vector : {R"([0,"1"])", "[0,null]", "[0,[1]]", "[0,1e39]", "[0,-1e300]"})
        EXPECT_TRUE(has_part(problem_of(with_vector(vector)), "embedding[1]\" is not a 32-bit"));
    for (const auto* vector : {"\"AAA\"", "\"AAAA\"", "\"AAAAPw\"x", "\"AAAA*w==\""})
        EXPECT_NE(problem_of(with_vector(vector)), "") << vector;
    EXPECT_TRUE(has_part(problem_of(with_vector("\"AADAfw==\"")), "[0]\" is not finite"));
    EXPECT_TRUE(has_part(problem_of(R"({"data":[{"index":-1,"embedding":[]}]})"), "negative"));
    EXPECT_TRUE(has_part(problem_of(R"({"data":[{"index":"a","embedding":[]}]})"), "integer"));
}

TEST(Embeddings, SendsEveryShapeOfInput)
{
    embedding_request request("m", "one");
    EXPECT_EQ(body_of(request), json::parse(R"({"model":"m","input":"one"})"));
    request = embedding_request("m", std::vector<std::string>{"one", "two"});
    EXPECT_EQ(body_of(request).at("input"), json::parse(R"(["one","two"])"));
    request.input = std::vector<std::int64_t>{1, 2};
    EXPECT_EQ(body_of(request).at("input"), json::parse("[1,2]"));
    request.input = std::vector<std::vector<std::int64_t>>{{1}, {2, 3}};
    EXPECT_EQ(body_of(request).at("input"), json::parse("[[1],[2,3]]"));
    for (const auto* input : {R"("one")", R"(["one","two"])", "[1,2]", "[[1],[2,3]]"})
    {
        const auto read = from_json<embedding_request>(json::object{{"input", json::parse(input)}});
        EXPECT_EQ(to_json(read.value()).at("input"), json::parse(input));
    }
}

TEST(Embeddings, SendsTheOptions)
{
    embedding_request request("", "one");
    request.encoding_format = "base64";
    request.dimensions = 256;
    request.end_user = "u";
    request.extra = {{"truncate_prompt_tokens", 512}, {"dimensions", 128}};
    EXPECT_EQ(body_of(request), json::parse(R"({"model":"default","input":"one","encoding_format":
        "base64","dimensions":128,"user":"u","truncate_prompt_tokens":512})"));
    EXPECT_EQ(core::encode(request, "").error().code, errc::invalid_request);
}

TEST(Embeddings, SurviveDecodeEncodeDecode)
{
    expect_nothing_lost<embedding_request>(golden("embedding_request"), "request");
    expect_round_trip<embedding_response>(parse_body(golden("embedding_response")), "floats");
    expect_round_trip<embedding_response>(parse_body(golden("embedding_response_base64")),
                                          "base64");
    EXPECT_EQ(to_json(answer_of(golden("embedding_response_base64"))).at("data").at(0),
              json::parse(R"({"object":"embedding","index":0,
                  "embedding":[0.5,-0.25,1.0,0.10000000149011612]})"));
}

TEST(Embeddings, OfARealServerAreTheSameInBothForms)
{
    const auto floats = answer_of(one_recording("real/embeddings_floats.txt").body);
    const auto base64 = answer_of(one_recording("real/embeddings_base64.txt").body);
    ASSERT_EQ(floats.data.size(), 2U);
    EXPECT_EQ(floats.values().size(), 64U);
    EXPECT_EQ(floats.values(0), base64.values(0));
    EXPECT_EQ(floats.values(1), base64.values(1));
    // llama.cpp tells the form beside each vector.
    EXPECT_EQ(base64.data.at(1).extra.at("encoding_format"), "base64");
}

}  // namespace
}  // namespace regolo::test
