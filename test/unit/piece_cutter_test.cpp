#include "core/piece_cutter.hpp"

#include <regolo/json.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace regolo::test {
namespace {

std::string told(const stream_piece& piece)
{
    const auto choice = std::to_string(piece.choice) + ' ';
    switch (piece.kind)
    {
        case piece_kind::content:
            return choice + "content " + piece.text;
        case piece_kind::reasoning:
            return choice + "reasoning " + piece.text;
        case piece_kind::refusal:
            return choice + "refusal " + piece.text;
        case piece_kind::tool_call:
            return choice + "tool_call " + std::to_string(piece.tool_call.index.value_or(-1)) +
                   ' ' + piece.tool_call.name + ' ' + piece.tool_call.arguments;
        case piece_kind::finish:
            return choice + "finish " + piece.text;
        case piece_kind::usage:
            return choice + "usage " + std::to_string(piece.usage.completion_tokens.value_or(-1));
    }
    return "?";
}

std::vector<std::string> pieces_of(core::piece_cutter& cutter, std::string_view json)
{
    cutter.refill() = from_json<chat_chunk>(boost::json::parse(json)).value();
    cutter.start();
    const bool expected = core::has_pieces(from_json<chat_chunk>(boost::json::parse(json)).value());
    std::vector<std::string> all;
    stream_piece piece;
    while (cutter.pull(piece))
        all.push_back(told(piece));
    EXPECT_EQ(!all.empty(), expected);
    return all;
}

using list = std::vector<std::string>;

TEST(PieceCutter, KeepsToItsOrder)
{
    core::piece_cutter cutter;
    EXPECT_EQ(pieces_of(cutter, R"({"usage":{"completion_tokens":7},"choices":[
        {"index":1,"finish_reason":"tool_calls","delta":{"content":"b"}},
        {"index":0,"finish_reason":"stop","delta":{"refusal":"no","content":"c","reasoning":"r",
         "tool_calls":[{"index":1,"function":{"name":"g","arguments":"{"}},
                       {"function":{"arguments":"}"}}],
         "function_call":{"name":"old","arguments":"[]"
}
}
}]
})"),
              (list{"1 content b", "1 finish tool_calls", "0 reasoning r", "0 content c",
                    "0 refusal no", "0 tool_call 1 g {", "0 tool_call -1  }",
                    "0 tool_call -1 old []", "0 finish stop", "0 usage 7"}));
    // Nothing of it is left for the next one.
    EXPECT_EQ(pieces_of(cutter, R"({"choices":[{"index":0,"delta":{"content":"d"}}]})"),
              list{"0 content d"});
}

TEST(PieceCutter, HasNothingOfWhatIsEmpty)
{
    core::piece_cutter cutter;
    stream_piece piece;
    EXPECT_FALSE(cutter.pull(piece));
    EXPECT_EQ(pieces_of(cutter, R"({"choices":[]})"), list{});
    EXPECT_EQ(
        pieces_of(cutter, R"({"choices":[{"index":0,"finish_reason":"","delta":{"role":"assistant",
            "content":"","reasoning_content":"","refusal":null,"tool_calls":[]}},{"index":1}]})"),
        list{});
}

TEST(PieceCutter, HasEachPieceAlone)
{
    core::piece_cutter cutter;
    const auto alone = [&](const std::string& choice) {
        const auto pieces = pieces_of(cutter, R"({"choices":[{"index":3,)" + choice + "}]}");
        return pieces.size() == 1 ? pieces[0] : "not one piece";
    };
    EXPECT_EQ(alone(R"("delta":{"reasoning":"a"})"), "3 reasoning a");
    EXPECT_EQ(alone(R"("delta":{"content":"a"})"), "3 content a");
    EXPECT_EQ(alone(R"("delta":{"refusal":"a"})"), "3 refusal a");
    EXPECT_EQ(alone(R"("delta":{"tool_calls":[{"index":0}]})"), "3 tool_call 0  ");
    EXPECT_EQ(alone(R"("delta":{"function_call":{"name":"f"}})"), "3 tool_call -1 f ");
    EXPECT_EQ(alone(R"("delta":{},"finish_reason":"stop")"), "3 finish stop");
    EXPECT_EQ(pieces_of(cutter, R"({"choices":[],"usage":{"completion_tokens":1}})"),
              list{"0 usage 1"});
}

TEST(PieceCutter, DoesNotLookAtAChunkThatWasNotWritten)
{
    core::piece_cutter cutter;
    EXPECT_EQ(pieces_of(cutter, R"({"choices":[{"index":0,"delta":{"content":"a"}}]})").size(), 1U);
    cutter.refill().choices.emplace_back().delta.content = "half";
    stream_piece piece;
    EXPECT_FALSE(cutter.pull(piece));
}

}  // namespace
}  // namespace regolo::test
