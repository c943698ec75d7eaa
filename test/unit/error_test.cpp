#include <regolo/error.hpp>
#include <regolo/json.hpp>

#include <boost/json/object.hpp>
#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace regolo::test {
namespace {

constexpr errc first_codes[] = {errc::no_key, errc::queue_timeout, errc::host_not_found,
                                errc::bad_request};
constexpr errc last_codes[] = {errc::not_started, errc::deadline_exceeded, errc::redirected,
                               errc::api_error};

error_info make(boost::system::error_code code, bool sent = false)
{
    error_info info;
    info.code = code;
    info.sent = sent;
    return info;
}

TEST(ErrorCategory, HasATextOfItsOwnForEachCode)
{
    EXPECT_STREQ(error_category().name(), "regolo");
    std::set<std::string> texts;
    std::size_t count = 0;
    for (std::size_t group = 0; group < std::size(first_codes); ++group)
    {
        for (int value = static_cast<int>(first_codes[group]);
             value <= static_cast<int>(last_codes[group]); ++value, ++count)
        {
            const std::string text = error_category().message(value);
            EXPECT_NE(text, "unknown error") << value;
            texts.insert(text);
        }
    }
    EXPECT_EQ(texts.size(), count);
    EXPECT_EQ(error_category().message(99999), "unknown error");
    const boost::system::error_code code = errc::truncated;
    EXPECT_EQ(code, make_error_code(errc::truncated));
}

TEST(Phase, HasAName)
{
    EXPECT_EQ(to_string(phase::prepare), "prepare");
    EXPECT_EQ(to_string(errc::rate_limited), "rate_limited");
    EXPECT_EQ(to_string(errc::no_key), "no_key");
    EXPECT_EQ(to_string(static_cast<errc>(77)), "unknown");
    EXPECT_EQ(to_string(phase::tls), "tls");
    EXPECT_EQ(to_string(phase::body), "body");
}

TEST(Describe, SaysWhatFailedAndWhatToDo)
{
    error_info info = make(errc::unauthorized, true);
    info.message = "the key is missing or was refused: check REGOLO_API_KEY";
    info.http_status = 401;
    info.server_message = "Invalid API Key";
    info.server_code = "401";
    info.server_type = "auth_error";
    info.request_id = "req-1";
    info.call_id = "call-1";
    info.attempts = 2;
    EXPECT_EQ(describe(info),
              "the key is missing or was refused: check REGOLO_API_KEY (HTTP 401); the server says "
              "\"Invalid API Key\" [attempts 2, request id req-1, call id call-1]");
}

TEST(Describe, AddsTheTextOfTheSystem)
{
    error_info info = make(make_error_code(boost::system::errc::connection_refused));
    info.where = phase::connect;
    EXPECT_EQ(describe(info), "Connection refused [phase connect]");
    info.message = "cannot connect to 127.0.0.1:1";
    EXPECT_EQ(describe(info), "cannot connect to 127.0.0.1:1: Connection refused [phase connect]");
    info.message = "Connection refused by 127.0.0.1:1";
    EXPECT_EQ(describe(info), "Connection refused by 127.0.0.1:1 [phase connect]");
}

TEST(Describe, IsNeverEmpty)
{
    EXPECT_EQ(describe(make(errc::truncated)), "the answer is incomplete");
}

TEST(Describe, IsOneLineWhateverTheServerSays)
{
    error_info info = make(errc::server_error);
    info.message = "failed";
    info.server_message = "a\nb\x1b[31m\x7f\xC2\x85\xE2\x80\xA8\xFF caff\xC3\xA8";
    EXPECT_EQ(describe(info),
              "failed; the server says \"a\\nb\\u001b[31m\\u007f\\u0085\\u2028\xEF\xBF\xBD "
              "caff\xC3\xA8\"");
}

TEST(Describe, CutsTheServersWordsAtACharacter)
{
    error_info info = make(errc::server_error);
    info.message = "failed";
    for (int i = 0; i < 500; ++i)
    {
        info.server_message += "\xC3\xA8";
    }
    EXPECT_EQ(describe(info), "failed; the server says \"" + info.server_message + "\"");
    const std::string shown = info.server_message;
    info.server_message += "\xC3\xA8";
    EXPECT_EQ(describe(info), "failed; the server says \"" + shown + "...\"");
}

TEST(IsRetryable, KnowsWhatWaitingHelps)
{
    for (const errc code :
         {errc::rate_limited, errc::unavailable, errc::server_error, errc::request_timeout,
          errc::conflict, errc::queue_timeout, errc::connect_timeout, errc::wait_timeout})
    {
        EXPECT_TRUE(is_retryable(make(code, true))) << make_error_code(code).message();
    }
    for (const errc code : {errc::no_key, errc::bad_url, errc::certificate_refused,
                            errc::tls_refused, errc::quota_exhausted, errc::unauthorized,
                            errc::bad_request, errc::not_found, errc::truncated, errc::idle_timeout,
                            errc::head_timeout, errc::client_closed, errc::host_not_found})
    {
        EXPECT_FALSE(is_retryable(make(code))) << make_error_code(code).message();
    }
}

TEST(IsRetryable, DependsOnWhetherTheRequestWasSent)
{
    const auto refused = make_error_code(boost::system::errc::connection_refused);
    EXPECT_TRUE(is_retryable(make(refused)));
    EXPECT_FALSE(is_retryable(make(refused, true)));
    EXPECT_TRUE(is_retryable(make(errc::connection_lost)));
    EXPECT_FALSE(is_retryable(make(errc::connection_lost, true)));
    EXPECT_TRUE(is_retryable(make(errc::total_timeout)));
    EXPECT_FALSE(is_retryable(make(errc::total_timeout, true)));
    EXPECT_FALSE(is_retryable(make(make_error_code(boost::system::errc::operation_canceled))));
    EXPECT_FALSE(is_retryable(error_info()));
}

TEST(IsRetryable, FollowsTheServer)
{
    error_info info = make(errc::server_error, true);
    info.should_retry = false;
    EXPECT_FALSE(is_retryable(info));
    info.code = errc::bad_request;
    info.should_retry = true;
    EXPECT_TRUE(is_retryable(info));
}

TEST(Error, SharesItsInformation)
{
    error_info info = make(errc::truncated);
    info.message = "cut";
    const error first(info);
    const error second = first;
    EXPECT_STREQ(second.what(), "cut");
    EXPECT_EQ(&first.info(), &second.info());
    EXPECT_EQ(second.code(), errc::truncated);
}

TEST(Error, IsWhatAResultThrows)
{
    error_info info = make(errc::too_large);
    info.message = "an event is too large";
    const result<int> failed = info;
    try
    {
        static_cast<void>(failed.value());
        FAIL() << "nothing was thrown";
    }
    catch (const error& thrown)
    {
        EXPECT_STREQ(thrown.what(), "an event is too large");
    }
}

TEST(ErrorJson, RoundTrips)
{
    error_info info = make(errc::rate_limited, true);
    info.where = phase::body;
    info.http_status = 429;
    info.message = "too many";
    info.server_message = "slow down";
    info.server_type = "t";
    info.server_code = "429";
    info.server_param = "p";
    info.call_id = "c";
    info.request_id = "r";
    info.retry_after = std::chrono::microseconds(1500000);
    info.should_retry = true;
    info.attempts = 3;
    info.partial_text = "half";
    const auto json = to_json(info);
    EXPECT_EQ(json.at("category"), "regolo");
    EXPECT_EQ(json.at("where"), "body");
    const auto back = from_json<error_info>(json);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(to_json(back.value()), json);
    EXPECT_EQ(back.value().code, errc::rate_limited);
    EXPECT_EQ(back.value().retry_after, info.retry_after);
}

TEST(ErrorJson, KeepsCodesOfTheSystem)
{
    const auto code = make_error_code(boost::system::errc::connection_refused);
    const auto back = from_json<error_info>(to_json(make(code)));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back.value().code, code);
}

TEST(ErrorJson, RefusesWhatIsNoError)
{
    EXPECT_EQ(from_json<error_info>(boost::json::value(1)).error().code, errc::bad_response);
    const boost::json::object wrong{{"message", 1}};
    const auto refused = from_json<error_info>(wrong);
    EXPECT_EQ(refused.error().message, "error.message has the wrong type");
}

}  // namespace
}  // namespace regolo::test
