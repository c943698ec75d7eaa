#include "core/base64.hpp"

#include <regolo/message.hpp>

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <string>

namespace regolo::test {
namespace {

using namespace std::string_literals;

TEST(ContentPart, PutsAPictureIntoADataUri)
{
    const auto png = "\x89PNG\r\n\x1a\n rest"s;
    const auto part = content_part::image(png);
    EXPECT_EQ(part.type, "image_url");
    EXPECT_EQ(part.url, "data:image/png;base64," + core::encode_base64(png));
    EXPECT_EQ(content_part::image("\xff\xd8\xff\xe0 rest").url.substr(0, 23),
              "data:image/jpeg;base64,");
    EXPECT_EQ(content_part::image("BM rest", "image/bmp").url,
              "data:image/bmp;base64,Qk0gcmVzdA==");
    EXPECT_EQ(
        boost::json::serialize(to_json(chat_message::user({content_part::image("BM", "a/b")}))),
        R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"data:a/b;base64,Qk0="}}]})");
}

TEST(ContentPart, DoesNotGuessWhatAPictureIs)
{
    for (const auto& bytes : {"BM rest"s, ""s, "\x89PN"s})
    {
        try
        {
            static_cast<void>(content_part::image(bytes));
            FAIL();
        }
        catch (const error& refused)
        {
            EXPECT_EQ(refused.code(), errc::invalid_request);
        }
    }
}

}  // namespace
}  // namespace regolo::test
