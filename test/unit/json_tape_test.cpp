#include "core/json_tape.hpp"

#include "core/fast_paths.hpp"
#include "core/json_text.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace regolo::test {
namespace {

namespace json = boost::json;

constexpr std::size_t depth = 32;

/// Tells apart all that can differ: order, kinds, the bits of numbers.
std::string text_of(const json::value& tree) { return json::serialize(tree); }

std::optional<std::string> parsed(std::string_view text)
{
    json::parse_options options;
    options.max_depth = depth;
    json::error_code failure;
    const auto tree = json::parse(text, failure, {}, options);
    return failure ? std::nullopt : std::optional(text_of(tree));
}

std::optional<std::string> read(std::string_view text, std::size_t max_depth = depth)
{
    core::json_tape tape;
    return tape.read(text, max_depth) ? std::optional(text_of(tape.root().to_value()))
                                      : std::nullopt;
}

std::string object_of(std::size_t members)
{
    std::string text = "{";
    for (std::size_t i = 0; i != members; ++i)
        text += (i == 0 ? "\"n" : ",\"n") + std::to_string(i) + "\":" + std::to_string(i);
    return text + '}';
}

std::string nested(std::size_t arrays)
{
    return std::string(arrays, '[') + std::string(arrays, ']');
}

constexpr std::string_view samples[] = {
    R"({"id":"c","created":1795360304,"model":"m","choices":[{"index":0,"delta":{"content":" è\n"},)"
    R"("logprobs":{"content":[{"token":"a","logprob":-0.1234,"bytes":null,"top_logprobs":[]}]}}]})",
    R"( { "a" : [ 1 , 2.50 , -3 , true , false , null , "x" ] , "b" : { } , "c" : [ ] } )",
    R"(["\"\\\/\b\f\n\r\t", "\u0000\u00e8\u20AC\ud83d\ude00", "𝄞", "", {"":0,"\u0061":1}])",
    "[0,-0,0.0,-0.0,1e5,1E+2,1.5e-3,12.0625,0.1,100]",
    "[0.0008453690679743886,-9.313225746154785e-10,0.12345678901234567890,1e309,-1e309,5e-324]",
    "[9007199254740992.0,9007199254740993.0,900719925474099.25,90071992547409.930,1e22,1e23]",
    "[9223372036854775807,9223372036854775808,-9223372036854775808,-9223372036854775809,"
    "18446744073709551615,18446744073709551616,123456789012345678,1234567890123456789]",
    "\t\r\n\"x\" \t\r\n",
    "0",
    "-0.5",
    "1234567890.12345",
    "0.00000000000000000000001",
    "null",
};

TEST(JsonTape, HasWhatAParserReads)
{
    for (const auto sample : samples)
    {
        EXPECT_EQ(read(sample), parsed(sample)) << sample;
        EXPECT_TRUE(read(sample)) << sample;
    }
}

TEST(JsonTape, AgreesWithAParserOnEveryPrefix)
{
    for (const auto sample : samples)
    {
        for (std::size_t size = 0; size != sample.size(); ++size)
        {
            const auto prefix = sample.substr(0, size);
            EXPECT_EQ(read(prefix), parsed(prefix)) << prefix;
        }
    }
}

TEST(JsonTape, ReadsNothingThatAParserRefusesOrReadsOtherwise)
{
    constexpr std::string_view characters = "\"\\{}[]:,.0e-+u \x01\x80\xC3n";
    std::size_t taken = 0;
    for (const auto sample : samples)
    {
        for (std::size_t at = 0; at != sample.size(); ++at)
        {
            for (const char c : characters)
            {
                std::string changed(sample);
                changed[at] = c;
                const auto got = read(changed);
                taken += got ? 1 : 0;
                if (got)
                {
                    EXPECT_EQ(got, parsed(changed)) << changed;
                }
            }
        }
    }
    EXPECT_GT(taken, 1000U);  // not by reading nothing
}

TEST(JsonTape, LeavesWhatIsOutOfTheWay)
{
    for (const std::string_view text : {R"({"a":1,"b":2,"a":3})",
                                        R"({"a":{"x":1,"x":2}})",
                                        R"({"a":1,"\u0061":2})",
                                        R"(["\ud83d"])",
                                        R"(["\ude00\ud83d"])",
                                        R"(["\ud83dx"])",
                                        R"(["\ud83d\u0041"])",
                                        "[\"\xFF\"]",
                                        "[\"\xC3\"]",
                                        "[\"\xED\xA0\xBD\"]",
                                        "[\"\n\"]",
                                        R"(["\x"])",
                                        R"(["\u12"])",
                                        "",
                                        " ",
                                        "[1] 2",
                                        "[1,]",
                                        "[,1]",
                                        R"({"a"})",
                                        R"({"a":1,})",
                                        R"({a:1})",
                                        "nul",
                                        "tru",
                                        "falsey",
                                        "01",
                                        "-",
                                        "1.",
                                        ".5",
                                        "+1",
                                        "- 1",
                                        "1 .5",
                                        "1. 5",
                                        "1e",
                                        "NaN",
                                        "[1 2]",
                                        "/**/1",
                                        "\xEF\xBB\xBF[]",
                                        "1e99999999999"})
    {
        EXPECT_FALSE(read(text)) << text;
    }
}

TEST(JsonTape, NestsAsDeepAsItMay)
{
    EXPECT_TRUE(read(nested(5), 5));
    EXPECT_FALSE(read(nested(6), 5));
    EXPECT_TRUE(read("[[],{},[{}]]", 3));
    EXPECT_FALSE(read("[[],{},[{}]]", 2));
    EXPECT_TRUE(read("1", 0));
}

TEST(JsonTape, ComparesTheNamesOfSmallObjectsAlone)
{
    EXPECT_EQ(read(object_of(32)), parsed(object_of(32)));
    EXPECT_FALSE(read(object_of(33)));
}

TEST(JsonTape, OutgrowsItsFirstMemory)
{
    std::string text = "[";
    for (int i = 0; i != 5000; ++i)
        text += R"({"n":)" + std::to_string(i) + R"(,"text":"a\tb)" + std::to_string(i) + "\"},";
    text += "0]";
    EXPECT_TRUE(read(text));
    EXPECT_EQ(read(text), parsed(text));
}

TEST(JsonTape, HasATreeAsItIs)
{
    for (const auto sample : samples)
    {
        const auto tree = json::parse(sample);
        EXPECT_EQ(text_of(core::json_tape(tree).root().to_value()), text_of(tree));
    }
    const auto large = json::parse(object_of(1000));
    EXPECT_EQ(core::json_tape(large).root().find("n999").if_int64(), 999);
}

TEST(JsonView, FindsMembersByTheirWholeName)
{
    core::json_tape tape;
    ASSERT_TRUE(tape.read(R"({"aa":1,"ab":{"aa":2},"":3,"na":null})", depth));
    const auto root = tape.root();
    EXPECT_EQ(root.find("aa").if_int64(), 1);
    EXPECT_EQ(root.find("ab").find("aa").if_int64(), 2);
    EXPECT_EQ(root.find("").if_int64(), 3);
    EXPECT_TRUE(root.find("na").is_null());
    // a name of the same length and first character is another one
    EXPECT_FALSE(root.find("ac"));
    EXPECT_FALSE(root.find("a"));
    EXPECT_FALSE(root.find("aa").find("aa"));
    EXPECT_FALSE(core::json_view::empty_object().find("aa"));
}

/// What both ways of a parser make of a text: the document or the error, and whether halves were kept.
struct outcome
{
    std::string text;
    bool kept = false;

    friend bool operator==(const outcome&, const outcome&) = default;
};

outcome parse(std::string_view text, bool is_fast)
{
    core::fast_paths = is_fast;
    limits bounds;
    bounds.json_depth = 3;
    core::json_parser parser(bounds);
    core::fast_paths = true;
    core::json_tape tape;
    const auto document = parser.parse(text, tape, true);
    return {document ? text_of(document->to_value())
                     : document.error().code.to_string() + document.error().message,
            parser.has_kept_surrogates()};
}

outcome parse_tree(std::string_view text)
{
    limits bounds;
    bounds.json_depth = 3;
    core::json_parser parser(bounds);
    const auto document = parser.parse(text, json::storage_ptr(), true);
    return {document ? text_of(*document)
                     : document.error().code.to_string() + document.error().message,
            parser.has_kept_surrogates()};
}

TEST(JsonParser, GivesTheSameOnATapeAsInATree)
{
    for (const std::string_view text :
         {R"({"a":1})", R"({"a":1,"b":2,"a":3})", R"(["\ud83d"])", "[\"\xFF\"]", "[[[[1]]]]",
          "[[[1]]]", "[1", "", "{\"a\":\"\xF0\x9F\", \"b\":\"\\ude00\"}"})
    {
        const auto tree = parse_tree(text);
        EXPECT_EQ(parse(text, true), tree) << text;
        EXPECT_EQ(parse(text, false), tree) << text;
    }
    EXPECT_EQ(parse(R"({"a":1,"b":2,"a":3})", true).text, R"({"a":3,"b":2})");
    EXPECT_TRUE(parse(R"(["\ud83d"])", true).kept);
}

TEST(JsonParser, ForgetsTheHalvesOfTheDocumentBefore)
{
    core::json_parser parser((limits()));
    core::json_tape first;
    ASSERT_TRUE(parser.parse(R"(["\ud83d"])", first, true));
    ASSERT_TRUE(parser.has_kept_surrogates());
    core::json_tape second;
    ASSERT_TRUE(parser.parse("[]", second, true));
    EXPECT_FALSE(parser.has_kept_surrogates());
}

}  // namespace
}  // namespace regolo::test
