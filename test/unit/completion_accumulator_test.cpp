#include "core/completion_accumulator.hpp"

#include <regolo/json.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>

namespace regolo::test {
namespace {

namespace json = boost::json;

completion_response sum_of(std::initializer_list<std::string_view> chunks)
{
    core::completion_accumulator sum;
    for (const auto chunk : chunks)
        sum.add(from_json<completion_chunk>(json::parse(chunk)).value());
    return sum.take();
}

TEST(CompletionAccumulator, GivesTheAnswerOfACallWithoutStreaming)
{
    const auto answer = sum_of({
        R"({"id":"c","object":"text_completion","created":5,"model":"m","system_fingerprint":"f",
            "choices":[{"index":0,"text":"a","logprobs":{"tokens":["a"],"token_logprobs":[-1.0],
            "text_offset":[0]}}]})",
        R"({"id":"d","created":6,"model":"n","choices":[{"index":0,"text":"b","finish_reason":null,
            "logprobs":{"tokens":["b"],"token_logprobs":[-2.0],"text_offset":[1]},"x":[1]}]})",
        R"({"choices":[{"index":0,"text":"","finish_reason":"stop","stop_reason":"END","x":[2]}]})",
        R"({"choices":[],"usage":{"total_tokens":3}})",
    });
    const auto whole = json::parse(
        R"({"id":"c","object":"text_completion","created":5,"model":"m","system_fingerprint":"f",
            "choices":[{"index":0,"text":"ab","finish_reason":"stop","stop_reason":"END","x":[1,2],
            "logprobs":{"tokens":["a","b"],"token_logprobs":[-1.0,-2.0],"text_offset":[0,1]}}],
            "usage":{"total_tokens":3}})");
    EXPECT_EQ(to_json(answer), whole);
}

TEST(CompletionAccumulator, KeepsChoicesApartAndInTheirOrder)
{
    core::completion_accumulator sum;
    const auto add = [&](std::string_view chunk) {
        sum.add(from_json<completion_chunk>(json::parse(chunk)).value());
    };
    add(R"({"choices":[{"index":2,"text":"x"}]})");
    EXPECT_EQ(sum.text(), "");
    add(R"({"choices":[{"index":0,"text":"y"},{"index":2,"text":"z"}]})");
    add(R"({"choices":[{"index":1,"text":"w"}]})");
    EXPECT_EQ(sum.text(), "y");
    const auto answer = sum.take();
    ASSERT_EQ(answer.choices.size(), 3U);
    EXPECT_EQ(answer.choices[0].text, "y");
    EXPECT_EQ(answer.choices[1].text, "w");
    EXPECT_EQ(answer.choices[2].text, "xz");
    EXPECT_TRUE(sum.response().choices.empty());
    EXPECT_EQ(sum.text(), "");
}

}  // namespace
}  // namespace regolo::test
