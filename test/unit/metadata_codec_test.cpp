#include "core/metadata_codec.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regolo::test {
namespace {

metadata read(std::vector<header> headers)
{
    metadata out;
    core::read_head({200, 11, "OK", std::move(headers)}, out);
    return out;
}

/// The only limit of the only header.
rate_limit only(std::string_view name, std::string_view value)
{
    const metadata out = read({{name, value}});
    EXPECT_EQ(out.rate_limits.all.size(), 1U) << name;
    return out.rate_limits.all.empty() ? rate_limit{} : out.rate_limits.all.front();
}

TEST(MetadataCodec, ReadsTheAccountsLimits)
{
    const metadata out = read({{"x-ratelimit-limit-requests", "100"},
                               {"X-RateLimit-Remaining-Requests", "99"},
                               {"x-ratelimit-reset-requests", "6m0s"},
                               {"x-ratelimit-remaining-tokens", "0"}});
    ASSERT_TRUE(out.rate_limits.requests);
    EXPECT_EQ(out.rate_limits.requests->limit, 100);
    EXPECT_EQ(out.rate_limits.requests->remaining, 99);
    EXPECT_EQ(out.rate_limits.requests->reset, "6m0s");
    ASSERT_TRUE(out.rate_limits.tokens);
    EXPECT_EQ(out.rate_limits.tokens->limit, std::nullopt);
    EXPECT_EQ(out.rate_limits.tokens->remaining, 0);
    EXPECT_EQ(out.rate_limits.tokens->reset, std::nullopt);
    EXPECT_EQ(out.rate_limits.all.size(), 2U);
}

TEST(MetadataCodec, NamesTheOtherSpellings)
{
    const std::vector<std::pair<std::string, std::string>> cases{
        {"x-ratelimit-api_key-remaining-requests", "api_key-requests"},
        {"x-ratelimit-model_per_key-remaining-tokens", "model_per_key-tokens"},
        {"x-ratelimit-a-b-remaining-tokens", "a-b-tokens"},
        {"x-ratelimit-remaining-requests-day", "requests-day"},
        {"llm_provider-x-ratelimit-remaining-requests", "llm_provider-requests"},
        {"LLM_Provider-X-RateLimit-api_key-Remaining-Tokens", "llm_provider-api_key-tokens"},
        {"x-litellm-key-remaining-requests-gpt-oss-120b", "key-requests-gpt-oss-120b"},
        {"x-litellm-key-remaining-tokens-limit-model", "key-tokens-limit-model"},
        {"x-regolo-key-remaining-tokens-m", "key-tokens-m"},
    };
    for (const auto& [header_name, name] : cases)
    {
        const rate_limit limit = only(header_name, "17");
        EXPECT_EQ(limit.name, name);
        EXPECT_EQ(limit.remaining, 17) << header_name;
        EXPECT_EQ(limit.limit, std::nullopt) << header_name;
        EXPECT_FALSE(read({{header_name, "17"}}).rate_limits.requests) << header_name;
    }
    EXPECT_EQ(only("x-litellm-key-rpm-limit", "60").limit, 60);
    EXPECT_EQ(only("x-litellm-key-rpm-limit", "60").name, "key-requests");
    EXPECT_EQ(only("x-litellm-key-tpm-limit", "60").name, "key-tokens");
    EXPECT_EQ(only("x-ratelimit-reset-tokens", " 2026-01-01 ").reset, "2026-01-01");
}

TEST(MetadataCodec, ReadsNumbersAsGatewaysWriteThem)
{
    const auto remaining = [](std::string_view value) {
        return only("x-ratelimit-remaining-tokens", value).remaining;
    };
    EXPECT_EQ(remaining("100.0"), 100);
    EXPECT_EQ(remaining("-1"), -1);
    EXPECT_EQ(remaining("1e3"), 1000);
    EXPECT_EQ(remaining("9223372036854775807"), 9223372036854775807);
}

TEST(MetadataCodec, TakesAbsentForAbsent)
{
    for (const std::string value : {"None", "none", "", "  ", "junk", "1.5", "nan", "inf",
                                    "9223372036854775808", "-9223372036854777856", "1e19"})
    {
        const metadata out = read(
            {{"x-ratelimit-remaining-requests", value}, {"x-litellm-attempted-retries", value}});
        EXPECT_TRUE(out.rate_limits.all.empty()) << value;
        EXPECT_FALSE(out.rate_limits.requests) << value;
        EXPECT_FALSE(out.gateway_retries) << value;
    }
    EXPECT_FALSE(read({{"x-ratelimit-reset-requests", "None"}}).rate_limits.requests);
    for (const std::string name :
         {"x-ratelimit-remaining", "x-ratelimit-remaining-", "x-ratelimit-", "x-ratelimit",
          "x-ratelimit-requests", "x-litellm-key-spend", "x-litellm-key-max-budget",
          "x-litellm-remaining-requests", "llm_provider-", "remaining-requests"})
    {
        EXPECT_TRUE(read({{name, "1"}}).rate_limits.all.empty()) << name;
    }
}

TEST(MetadataCodec, ReadsWhichLimitWasHit)
{
    const metadata out =
        read({{"rate_limit_type", "requests"}, {"reset_at", "2026-05-01 10:00:00 UTC"}});
    EXPECT_EQ(out.rate_limits.type, "requests");
    EXPECT_EQ(out.rate_limits.reset_at, "2026-05-01 10:00:00 UTC");
    EXPECT_EQ(read({{"rate_limit_type", "None"}}).rate_limits.type, "");
}

TEST(MetadataCodec, ReadsWhatTheGatewayDid)
{
    metadata out = read({{"X-LiteLLM-Response-Cost", "4.2e-05"},
                         {"x-litellm-attempted-retries", "1"},
                         {"x-litellm-attempted-fallbacks", "0"}});
    EXPECT_EQ(out.cost, 4.2e-05);
    EXPECT_EQ(out.gateway_retries, 1);
    EXPECT_EQ(out.gateway_fallbacks, 0);
    out = read({{"x-litellm-response-cost", "None"}, {"x-regolo-response-cost", "0.5"}});
    EXPECT_EQ(out.cost, 0.5);
    EXPECT_EQ(out.gateway_retries, std::nullopt);
    EXPECT_FALSE(read({{"x-litellm-attempted-retries", "2147483648"}}).gateway_retries);
    EXPECT_EQ(read({{"x-litellm-attempted-retries", "2147483647"}}).gateway_retries, 2147483647);
    EXPECT_FALSE(read({{"x-litellm-response-cost", "nan"}}).cost);
}

TEST(MetadataCodec, FindsTheRequestId)
{
    std::vector<header> headers{{"request-id", "d"},
                                {"x-regolo-call-id", "c"},
                                {"x-litellm-call-id", "b"},
                                {"X-Request-Id", " a "}};
    for (const std::string expected : {"a", "b", "c", "d", ""})
    {
        EXPECT_EQ(read(headers).request_id, expected);
        if (!headers.empty())
        {
            headers.pop_back();
        }
    }
    EXPECT_EQ(read({{"x-request-id", "None"}, {"x-litellm-call-id", "b"}}).request_id, "b");
}

TEST(MetadataCodec, ReplacesAnEarlierHeadAndNothingElse)
{
    metadata out = read({{"x-request-id", "a"},
                         {"x-ratelimit-remaining-requests", "1"},
                         {"x-litellm-response-cost", "1"}});
    out.call_id = "mine";
    out.attempts = 2;
    out.model = "m";
    core::read_head({503, 11, "", {{"a", "b"}}}, out);
    EXPECT_EQ(out.status, 503);
    EXPECT_EQ(out.find("A"), "b");
    EXPECT_EQ(out.headers.size(), 1U);
    EXPECT_EQ(out.request_id, "");
    EXPECT_TRUE(out.rate_limits.all.empty());
    EXPECT_FALSE(out.rate_limits.requests);
    EXPECT_FALSE(out.cost);
    EXPECT_EQ(out.call_id, "mine");
    EXPECT_EQ(out.attempts, 2);
    EXPECT_EQ(out.model, "m");
}

}  // namespace
}  // namespace regolo::test
