#include "core/api_error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <random>
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

/// All characters, or all but letters and digits, as "%2F" or as format says.
std::string escaped(std::string_view text, bool all, const char* format)
{
    std::string out;
    for (const char c : text)
    {
        const bool plain = !all && std::isalnum(static_cast<unsigned char>(c)) != 0;
        std::array<char, 16> code{};
        std::snprintf(code.data(), code.size(), format, static_cast<unsigned>(c));
        out += plain ? std::string(1, c) : code.data();
    }
    return out;
}

TEST(Redact, FindsTheKeyInEscapes)
{
    // Between its marks it is too short to be found as it is.
    const std::string marked = std::string("rg/k7Zt2+") + "Lw9X=Bn6M\"Rs8;41d\"3h";
    for (const auto& secret : {key, marked})
    {
        for (const bool all : {false, true})
        {
            for (const auto* format : {"%%%02X", "%%%02x", "%%25%02X", "%%2525%02x", "\\u%04x",
                                       "\\u%04X", "\\\\u%04x", "\\\\\\\\u%04x"})
            {
                const auto form = escaped(secret, all, format);
                EXPECT_EQ(redact("got " + form + "!", secret), "got [redacted]!") << form;
                EXPECT_EQ(redact(form + form, secret), "[redacted][redacted]") << form;
                EXPECT_EQ(core::redact_key("50% of C:\\a " + form, secret),
                          "50% of C:\\a [redacted]");
                metadata told;
                told.headers.emplace_back("location", "/?a=" + form);
                redact(told, secret);
                EXPECT_EQ(told.headers[0].value, "/?a=[redacted]");
                // a part of it
                const auto part = escaped(secret.substr(2, 12), all, format);
                EXPECT_EQ(redact('<' + part + '>', secret), "<[redacted]>") << part;
                const auto less = '<' + escaped(secret.substr(2, 7), all, format) + '>';
                EXPECT_EQ(core::redact_key(less, secret), less);
            }
        }
    }
    EXPECT_EQ(redact(R"(got rg\/k7Zt2+Lw9X=Bn6M\"Rs8;41d\"3h)", marked), "got [redacted]");
    EXPECT_EQ(redact(R"(got rg\\\/k7Zt2+Lw9X=Bn6M\\\"Rs8;41d\\\"3h)", marked), "got [redacted]");
    // what looks like an escape itself
    const std::string odd = std::string("a\\k7Zt%41+") + "Lw9X\\nBn6M";
    for (const auto* form :
         {R"(a\\k7Zt%41+Lw9X\\nBn6M)", R"(a\u005ck7Zt\u002541\u002bLw9X\u005cnBn6M)"})
        EXPECT_EQ(redact(form, odd), "[redacted]") << form;
    EXPECT_EQ(redact(R"(a%62cdefg\)", R"(abcdefg\)"), "[redacted]");
    // of the shortest key that is searched for, and of one that means less than it
    EXPECT_EQ(core::redact_key("a%62cd", "abcd"), "[redacted]");
    EXPECT_EQ(core::redact_key("a%62c ab%63", "a%62c"), "[redacted] ab%63");
    // what is none at the end of a text
    EXPECT_EQ(core::redact_key(R"(regolo-\u41)", key), R"(regolo-\u41)");
    for (const std::string_view text :
         {"\\", "%", "%2", "%25", "\\u", "\\u00", "100%\\n", "%zz\\u00zz"})
    {
        EXPECT_EQ(core::redact_key(text, marked), text);
        EXPECT_EQ(core::redact_key(marked + std::string(text), marked),
                  "[redacted]" + std::string(text));
    }
}

// An answer that breaks off may be nothing else. Where each backslash is counted at each place, this takes hours.
TEST(Redact, ReadsManyBackslashesOnce)
{
    const std::string many(std::size_t{1024} * 1024, '\\');
    const auto first = key.substr(0, 8);
    for (const auto& text : {many, key.substr(0, 6) + many, many + '<' + many})
        EXPECT_TRUE(core::redact_key(text, key) == text);
    EXPECT_EQ(core::redact_key(many + first, key), "[redacted]");
    EXPECT_TRUE(core::redact_key('<' + many + '<' + first, key) == '<' + many + "<[redacted]");
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

/// As the specification of `redact_key` says it, the slow way.
bool repeats(std::string_view text, std::string_view secret)
{
    const std::size_t part = std::min<std::size_t>(8, secret.size());
    for (std::size_t at = 0; at + part <= secret.size(); ++at)
    {
        if (text.find(secret.substr(at, part)) != std::string_view::npos)
            return true;
    }
    return false;
}

TEST(Redact, FindsEachPartOfAKeyAmongLookalikes)
{
    std::minstd_rand random;
    const auto below = [&](std::size_t bound) { return random() % bound; };
    int with_a_part = 0;
    for (const std::string_view secret :
         {"abababababcababababd", "regolo-this-is-the-key-of-a-test", "keys", "aaaaaaaaaaaa"})
    {
        for (int i = 0; i != 5000; ++i)
        {
            std::string text;
            for (std::size_t pieces = below(6); pieces-- != 0;)
            {
                text += secret.substr(below(secret.size()), below(11));
                text += std::string_view("ab.").substr(below(3), below(3));
            }
            const bool expected = repeats(text, secret);
            with_a_part += expected ? 1 : 0;
            const auto clean = core::redact_key(text, secret);
            EXPECT_EQ(clean != text, expected) << text;
            metadata told;
            told.headers.emplace_back("x-echo", text);
            redact(told, secret);
            EXPECT_EQ(told.headers[0].value, clean) << text;
            EXPECT_FALSE(repeats(clean, secret)) << text << " -> " << clean;
        }
    }
    EXPECT_GT(with_a_part, 1000);
}

}  // namespace
}  // namespace regolo::test
