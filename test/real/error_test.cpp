// What a real server refuses, and how it says so.

#include "real/server.hpp"

#include <boost/json.hpp>

#include <string>

namespace regolo::test {

namespace {

asio::awaitable<error_info> chat_failure(chat_request request, call_options options = {})
{
    const auto api = co_await make_client();
    co_return co_await failure_of(api.chat(std::move(request), std::move(options)));
}

asio::awaitable<error_info> stream_failure(chat_request request, call_options options = {})
{
    const auto api = co_await make_client();
    const auto outcome = co_await stream_all(api, std::move(request), std::move(options));
    EXPECT_TRUE(outcome.failure) << outcome.text;
    co_return outcome.failure.value_or(error_info());
}

asio::awaitable<error_info> request_failure(api_request request)
{
    const auto api = co_await make_client();
    co_return co_await failure_of(api.request(std::move(request)));
}

chat_request ordered(std::string_view order)
{
    chat_request request;
    request.user(order);
    return request;
}

TEST(RealError, WrongKey)
{
    REGOLO_NEEDS("keys");
    call_options options;
    options.key = std::string_view("a-wrong-key");
    const auto whole = run(chat_failure(short_question(), options));
    EXPECT_EQ(whole.code, errc::unauthorized);
    EXPECT_EQ(whole.http_status, 401);
    EXPECT_EQ(whole.attempts, 1);
    EXPECT_FALSE(whole.server_message.empty());
    EXPECT_FALSE(contains(describe(whole), "a-wrong-key"));
    EXPECT_EQ(run(stream_failure(short_question(), options)).code, errc::unauthorized);
}

TEST(RealError, NoKey)
{
    REGOLO_NEEDS("keys");
    call_options options;
    options.remove_headers.emplace_back("Authorization");
    EXPECT_EQ(run(chat_failure(short_question(), options)).code, errc::unauthorized);
}

TEST(RealError, UnknownModel)
{
    REGOLO_NEEDS("model_check");
    auto request = short_question();
    request.model = "no-such-model";
    const auto failure = run(chat_failure(request));
    EXPECT_EQ(failure.code, errc::not_found);
    EXPECT_EQ(failure.attempts, 1);
    EXPECT_EQ(run(stream_failure(request)).code, errc::not_found);
}

TEST(RealError, UnknownPath)
{
    REGOLO_NEEDS("unknown_path");
    EXPECT_EQ(run(request_failure({"GET", "/v1/nowhere"})).code, errc::not_found);
    EXPECT_EQ(run(request_failure({"POST", "/v1/nowhere", "{}"})).code, errc::not_found);
}

TEST(RealError, RequestWithoutMessages)
{
    REGOLO_NEEDS("bad_request");
    auto model = client_config::from_environment().model;
    const boost::json::value body = {{"model", model}};
    const auto failure = run(request_failure({"POST", "/v1/chat/completions", body}));
    EXPECT_EQ(failure.code, errc::bad_request);
    EXPECT_EQ(failure.attempts, 1);
    EXPECT_TRUE(contains(failure.server_message, "messages"));
}

TEST(RealError, BrokenJson)
{
    REGOLO_NEEDS("broken_json");
    EXPECT_EQ(run(request_failure({"POST", "/v1/chat/completions", "{\"model\":"})).code,
              errc::bad_request);
}

TEST(RealError, PromptTooLong)
{
    REGOLO_NEEDS("context_limit");
    auto request = short_question();
    request.user(std::string(10'000, 'a'));
    const auto whole = run(chat_failure(request));
    EXPECT_EQ(whole.code, errc::bad_request);
    EXPECT_TRUE(contains(whole.server_message, "context"));
    EXPECT_EQ(run(stream_failure(request)).code, errc::bad_request);
}

TEST(RealError, HeadTimeout)
{
    REGOLO_NEEDS("endless_call");
    call_options options;
    options.time.head = 1ms;
    EXPECT_EQ(run(chat_failure(endless_question(), options)).code, errc::head_timeout);
}

TEST(RealError, TooManyRequests)
{
    REGOLO_NEEDS("scripted");
    call_options options;
    options.max_retries = 1;
    const auto failure = run(chat_failure(ordered("fail with 429"), options));
    EXPECT_EQ(failure.code, errc::rate_limited);
    EXPECT_EQ(failure.retry_after, 1s);
    EXPECT_EQ(failure.attempts, 2);
    EXPECT_TRUE(is_retryable(failure));
}

TEST(RealError, Overloaded)
{
    REGOLO_NEEDS("scripted");
    call_options options;
    options.max_retries = 0;
    EXPECT_EQ(run(chat_failure(ordered("fail with 503"), options)).code, errc::unavailable);
    EXPECT_EQ(run(stream_failure(ordered("fail with 503"), options)).code, errc::unavailable);
}

TEST(RealError, ServerError)
{
    REGOLO_NEEDS("scripted");
    call_options options;
    options.max_retries = 0;
    EXPECT_EQ(run(chat_failure(ordered("fail with 500"), options)).code, errc::server_error);
}

TEST(RealError, StreamThatBreaksOff)
{
    REGOLO_NEEDS("scripted");
    const auto failure = run(stream_failure(ordered("hang up in the middle")));
    EXPECT_TRUE(failure.code == errc::connection_lost || failure.code == errc::truncated)
        << describe(failure);
    EXPECT_EQ(failure.attempts, 1);
}

TEST(RealError, StreamThatStalls)
{
    REGOLO_NEEDS("scripted");
    call_options options;
    options.time.idle = 300ms;
    EXPECT_EQ(run(stream_failure(ordered("stall for seconds"), options)).code, errc::idle_timeout);
}

}  // namespace

}  // namespace regolo::test
