#include "core/codec.hpp"
#include "support/golden.hpp"

#include <regolo/image.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace regolo::test {
namespace {

namespace json = boost::json;
using core::decode;

image_response answer_of(std::string_view body) { return decode<image_response>(body, {}).value(); }

/// An answer with one picture, whose members those are.
std::string with_image(std::string_view members)
{
    return R"({"data":[{)" + std::string(members) + "}]}";
}

std::string problem_of(std::string_view body)
{
    const auto answer = decode<image_response>(body, {});
    EXPECT_FALSE(answer) << body;
    EXPECT_TRUE(answer || answer.error().code == errc::bad_response);
    return answer ? std::string() : answer.error().message;
}

std::string_view type_of(std::string bytes)
{
    static image one;
    one.bytes = std::move(bytes);
    return one.media_type();
}

TEST(Images, ReadsAWholeAnswer)
{
    const auto answer = answer_of(golden("image_response"));
    EXPECT_EQ(answer.created, 1777282023);
    ASSERT_EQ(answer.data.size(), 2U);
    EXPECT_EQ(answer.bytes().size(), 159U);
    EXPECT_TRUE(answer.bytes().starts_with("\xFF\xD8\xFF\xE0"));
    EXPECT_TRUE(answer.bytes().ends_with("\xFF\xD9"));
    EXPECT_EQ(answer.data[0].media_type(), "image/jpeg");
    EXPECT_EQ(answer.data[0].revised_prompt, "A narrow street in Rome");
    EXPECT_EQ(answer.data[0].url, "");
    EXPECT_EQ(answer.bytes(1), "");
    EXPECT_EQ(answer.data[1].url, "https://files.example/1.png");
    EXPECT_EQ(answer.data[1].media_type(), "");
    EXPECT_EQ(answer.data[1].extra.at("seed"), 7);
    EXPECT_EQ(answer.bytes(2), "");
    EXPECT_EQ(answer.usage.value().total_tokens, 4);
    EXPECT_EQ(answer.usage->extra.at("input_tokens"), 4);
    EXPECT_EQ(answer.extra.at("hidden_params").at("model_id"), "a1");
}

TEST(Images, DecodesDataUris)
{
    const auto answer = answer_of(golden("image_response_data_uri"));
    EXPECT_EQ(answer.data.at(0).media_type(), "image/png");
    EXPECT_EQ(answer.bytes().size(), 69U);
    EXPECT_EQ(answer.data[0].url, "");
    for (const auto* uri : {"DATA:;BASE64,Zm9v", "data:image/png;name=a;base64,Zm9v"})
    {
        EXPECT_EQ(answer_of(with_image(R"("url":")" + std::string(uri) + '"')).bytes(), "foo");
        EXPECT_EQ(answer_of(with_image(R"("b64_json":")" + std::string(uri) + '"')).bytes(), "foo");
    }
    for (const std::string url : {"data:,foo", "data:base64", "http://a/data:;base64,Zm9v", ""})
    {
        const auto kept = answer_of(with_image(R"("url":")" + url + '"'));
        EXPECT_EQ(kept.data[0].url, url);
        EXPECT_EQ(kept.bytes(), "");
    }
    const auto both = answer_of(with_image(R"("b64_json":"Zm9v","url":"data:;base64,YmFy")"));
    EXPECT_EQ(both.bytes(), "foo");
    EXPECT_EQ(both.data[0].url, "data:;base64,YmFy");
}

TEST(Images, TellsTheMediaTypeFromTheBytes)
{
    EXPECT_EQ(type_of("\x89PNG\r\n\x1A\n...."), "image/png");
    EXPECT_EQ(type_of("\xFF\xD8\xFF"), "image/jpeg");
    EXPECT_EQ(type_of("GIF87a"), "image/gif");
    EXPECT_EQ(type_of("GIF89a."), "image/gif");
    EXPECT_EQ(type_of(std::string("RIFF\0\0\0\x01WEBPVP8 ", 16)), "image/webp");
    for (const std::string other : {"", "\x89PNG", "\xFF\xD8", "GIF8", "RIFF", "RIFFWEBP",
                                    "RIFF....WAVE", "<svg", "BM......"})
        EXPECT_EQ(type_of(other), "") << other;
}

TEST(Images, NamesWhatCannotBeRead)
{
    EXPECT_TRUE(has_part(problem_of("{}"), "no \"data\""));
    EXPECT_TRUE(has_part(problem_of(R"({"data":"x"})"), "\"data\" is not an array"));
    EXPECT_TRUE(has_part(problem_of(R"({"data":["x"]})"), "\"data[0]\" is not an object"));
    EXPECT_TRUE(has_part(problem_of(with_image(R"("b64_json":"Zm9*")")),
                         "\"data[0].b64_json\" is no base64"));
    EXPECT_TRUE(has_part(problem_of(with_image(R"("b64_json":7)")),
                         "\"data[0].b64_json\" is not a string"));
    EXPECT_TRUE(has_part(problem_of(with_image(R"("url":"data:image/png;base64,Zm9*")")),
                         "\"data[0].url\" is no base64"));
    const auto odd = answer_of(R"({"created":"x","data":[{"url":7,"revised_prompt":[]}]})");
    EXPECT_EQ(odd.extra.at("created"), "x");
    EXPECT_EQ(odd.data[0].extra, json::parse(R"({"url":7,"revised_prompt":[]})").as_object());
}

TEST(Images, SendsTheRequest)
{
    const image_request request("", "Rome");
    EXPECT_EQ(json::parse(core::encode(request, "m").value()),
              json::parse(R"({"model":"m","prompt":"Rome"})"));
    EXPECT_EQ(core::encode(request, "").error().code, errc::invalid_request);
    const auto all = from_json<image_request>(json::parse(golden("image_request"))).value();
    EXPECT_EQ(all.n, 2);
    EXPECT_EQ(all.style, "realistic");
    EXPECT_EQ(all.end_user, "u-1");
    EXPECT_EQ(json::parse(core::encode(all, "").value()), json::parse(golden("image_request")));
}

TEST(Images, SurviveDecodeEncodeDecode)
{
    expect_nothing_lost<image_request>(golden("image_request"), "request");
    expect_nothing_lost<image_response>(golden("image_response"), "base64");
    expect_round_trip<image_response>(parse_body(golden("image_response_data_uri")), "URI");
}

}  // namespace
}  // namespace regolo::test
