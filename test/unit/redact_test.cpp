#include "core/api_error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace regolo::test {
namespace {

using core::redact;

struct row
{
    std::string_view text;
    std::string_view expected;
};

// put together here, so that nothing in the repository looks like a key
const std::string key = std::string("regolo") + "-A1b2C3d4E5f6G7h8-zz";

TEST(Redact, ReplacesTheKeyAndItsParts)
{
    EXPECT_EQ(redact("got " + key + "!", key), "got [redacted]!");
    EXPECT_EQ(redact("got " + key.substr(5, 8) + "!", key), "got [redacted]!");
    EXPECT_EQ(redact("got " + key.substr(0, 7) + " is short", key), "got regolo- is short");
    EXPECT_EQ(redact(key + key, key), "[redacted][redacted]");
    EXPECT_EQ(redact("abcd", "abcd"), "[redacted]");
    EXPECT_EQ(redact("a b c", "b"), "a b c");
}

TEST(Redact, FindsAPartWhereverItStands)
{
    // Each part of 8, between characters that the key has and that it has not; none of 7.
    for (std::size_t at = 0; at + 8 <= key.size(); ++at)
    {
        const auto part = key.substr(at, 8);
        for (const std::string around : {"", " ", "~", "o", "zz"})
        {
            const auto text = around + part + around;
            EXPECT_EQ(redact(text, key).find(part), std::string::npos) << text;
            metadata told;
            told.headers.emplace_back("x-" + text, text);
            redact(told, key);
            EXPECT_EQ(told.headers[0].name.find(part), std::string::npos) << text;
            EXPECT_EQ(told.headers[0].value.find(part), std::string::npos) << text;
        }
        const auto less = '<' + key.substr(at, 7) + '>';
        EXPECT_EQ(core::redact_key(less, key), less);
    }
    EXPECT_EQ(core::redact_key("abc abcd", "abc"), "abc abcd");  // too short to be searched for
}

TEST(Redact, ReplacesWhatLooksLikeAKey)
{
    const row rows[] = {
        {"Received API Key = sk-...8aSP, Key Hash (Token) =5699\xE2\x80\xA6 .",
         "Received API Key = [redacted], Key Hash (Token) =[redacted] ."},
        {"Incorrect API key provided: ab12**34. Find it",
         "Incorrect API key provided: [redacted]. "
         "Find it"},
        {"Authorization: Bearer abc123DEF456.x", "Authorization: Bearer [redacted]"},
        {"Key=0123456789abcdef0123456789abcdef0123456789abcdef over TPM=0",
         "Key=[redacted] over TPM=0"},
        {"for api_key: 5f2cff2a. Limit type: requests",
         "for api_key: [redacted]. Limit type: "
         "requests"},
        {"0123456789abcdef0123456789abcdef01234567", "[redacted]"},
        {"say sk-abcdefgh.", "say [redacted]."},
    };
    for (const row& each : rows)
    {
        EXPECT_EQ(redact(each.text, ""), each.expected);
        EXPECT_EQ(redact(each.text, key), each.expected);
    }
}

TEST(Redact, LeavesOrdinaryWordsAlone)
{
    for (const std::string_view text :
         {"", "the task-force is risk-free", "No key was sent: Bearer token expected",
          "max token: 4096", "missing key 'content1' in message 2", "req-0123456789abcdef",
          "model Qwen3-8B not found", "a sk- b", "keyboard=qwerty12"})
    {
        EXPECT_EQ(redact(text, key), text);
    }
}

TEST(Redact, CleansEveryTextOfAnError)
{
    error_info info;
    for (std::string* member :
         {&info.message, &info.server_message, &info.server_type, &info.server_code,
          &info.server_param, &info.request_id, &info.call_id, &info.partial_text,
          &info.metadata.request_id, &info.metadata.call_id})
    {
        *member = "x " + key;
    }
    info.metadata.headers.emplace_back("x-echo-" + key, key);
    info.metadata.model = "m " + key;
    info.metadata.rate_limits.type = key;
    info.metadata.rate_limits.reset_at = key;
    info.metadata.rate_limits.all.emplace_back().name = key;
    info.metadata.rate_limits.tokens.emplace().reset = key;
    redact(info, key);
    EXPECT_EQ(info.metadata.headers[0].name, "x-echo-[redacted]");
    EXPECT_EQ(info.metadata.model, "m [redacted]");
    EXPECT_EQ(info.metadata.rate_limits.type, "[redacted]");
    EXPECT_EQ(info.metadata.rate_limits.reset_at, "[redacted]");
    EXPECT_EQ(info.metadata.rate_limits.all.at(0).name, "[redacted]");
    EXPECT_EQ(info.metadata.rate_limits.tokens->reset, "[redacted]");
    for (const std::string* member :
         {&info.message, &info.server_message, &info.server_type, &info.server_code,
          &info.server_param, &info.request_id, &info.call_id, &info.partial_text,
          &info.metadata.request_id, &info.metadata.call_id})
    {
        EXPECT_EQ(*member, "x [redacted]");
    }
    EXPECT_EQ(info.metadata.headers[0].value, "[redacted]");
}

}  // namespace
}  // namespace regolo::test
