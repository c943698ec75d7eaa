#include "core/base64.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

namespace regolo::test {
namespace {

using core::decode_base64;
using core::encode_base64;

TEST(Base64, IsThatOfRfc4648)
{
    const std::pair<const char*, const char*> vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [bytes, text] : vectors)
    {
        EXPECT_EQ(encode_base64(bytes), text);
        EXPECT_EQ(decode_base64(text), bytes);
    }
}

TEST(Base64, BringsBackEveryShortText)
{
    for (int first = 0; first < 256; ++first)
    {
        const std::string one(1, static_cast<char>(first));
        ASSERT_EQ(decode_base64(encode_base64(one)), one);
        for (int second = 0; second < 256; ++second)
        {
            const auto two = one + static_cast<char>(second);
            ASSERT_EQ(decode_base64(encode_base64(two)), two);
            const auto three = two + static_cast<char>(first ^ second * 7);
            ASSERT_EQ(decode_base64(encode_base64(three)), three);
        }
    }
}

TEST(Base64, BringsBackEveryLength)
{
    std::mt19937 random(1);
    std::string bytes;
    for (int length = 0; length < 600; ++length)
    {
        const auto text = encode_base64(bytes);
        ASSERT_EQ(text.size(), (bytes.size() + 2) / 3 * 4);
        ASSERT_EQ(decode_base64(text), bytes);
        ASSERT_EQ(decode_base64(text.substr(0, text.find('='))), bytes);  // without padding
        bytes += static_cast<char>(random() & 0xFF);
    }
}

TEST(Base64, TakesEitherAlphabetAndWhiteSpace)
{
    EXPECT_EQ(decode_base64("+/+/"), "\xFB\xFF\xBF");
    EXPECT_EQ(decode_base64("-_-_"), "\xFB\xFF\xBF");
    EXPECT_EQ(decode_base64(" Zm9v\r\nYm\tFy\n"), "foobar");
    EXPECT_EQ(decode_base64("Zg= ="), "f");
}

TEST(Base64, RefusesWhatIsNone)
{
    for (const std::string text :
         {"Z", "Zg=", "Zg===", "Zm8==", "Zm9v=", "Zm9vY", "=", "====", "Z===", "Zg==Zg==", "Zm9v*",
          "Zm 9v.", "Zm9v\xC3\xA9", "data:,Zm9v"})
        EXPECT_FALSE(decode_base64(text)) << text;
    EXPECT_FALSE(decode_base64(std::string("Zm9v\0", 5)));
}

}  // namespace
}  // namespace regolo::test
