#include "integration/client_fixture.hpp"
#include "integration/seams.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

// Which failures are made good by another attempt, when, and which never are.

namespace regolo::test {

namespace {

using clock = std::chrono::steady_clock;

script refusal(int status, std::string_view more_headers = {})
{
    return script().expect_request().respond(
        status, "application/json",
        R"({"error":{"message":"not now","type":"some_error","code":")" + std::to_string(status) +
            "\"}}",
        more_headers);
}

script error_first(int code)
{
    return script()
        .expect_request()
        .start_stream()
        .event(R"({"error":{"message":"engine died","code":)" + std::to_string(code) + "}}")
        .event("[DONE]")
        .end_stream();
}

class Retry : public ::testing::Test
{
protected:
    stream_outcome ask(call_options options = {})
    {
        return run(stream_once(config, question(), std::move(options)));
    }

    test_server server{server_options::plain()};
    client_config config = config_for(server);
};

TEST_F(Retry, AnErrorThatOpensAStreamIsJudgedByItsCode)
{
    server.enqueue(error_first(503));
    const auto got = ask();
    EXPECT_FALSE(got.failure) << describe(*got.failure);
    EXPECT_FALSE(got.text.empty());
    EXPECT_EQ(got.ended_as, stream_end::done);
    EXPECT_EQ(got.attempts, 2);
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_F(Retry, AnErrorThatOpensAStreamMayBeFinal)
{
    server.enqueue(error_first(400));
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::bad_request);
    EXPECT_EQ(got.failure->attempts, 1);
    EXPECT_TRUE(contains(describe(*got.failure), "engine died"));
    EXPECT_EQ(server.counts().requests, 1U);
}

TEST_F(Retry, ErrorsThatOpenStreamsUseTheAttemptsUp)
{
    for (int i = 0; i < 3; ++i)
        server.enqueue(error_first(503));
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::unavailable);
    EXPECT_EQ(got.failure->attempts, 3);
    EXPECT_EQ(got.ended_as, stream_end::failed);
    EXPECT_EQ(server.counts().requests, 3U);
}

TEST_F(Retry, NeverAfterTheFirstChunk)
{
    server.enqueue(script()
                       .expect_request()
                       .start_stream()
                       .event(chunk_json("Hello "))
                       .event(R"({"error":{"message":"engine died","code":503}})")
                       .end_stream());
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::unavailable);
    EXPECT_EQ(got.text, "Hello ");
    EXPECT_EQ(server.counts().requests, 1U);
}

TEST_F(Retry, CallsAndConnectionsAreCounted)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        const auto answer = co_await one.chat(question("error-503-once"));
        EXPECT_EQ(answer.metadata.attempts, 2);
        EXPECT_TRUE(answer.metadata.reused_connection);
        const auto now = one.stats();
        EXPECT_EQ(now.calls_started, 1U);
        EXPECT_EQ(now.calls_failed, 0U);
        EXPECT_EQ(now.attempts, 2U);
        EXPECT_EQ(now.retries, 1U);
    };
    run(body());
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0].header("x-litellm-call-id"), requests[1].header("x-litellm-call-id"));
    EXPECT_FALSE(requests[0].header("x-litellm-call-id").empty());
}

TEST_F(Retry, StatusesOfThePolicy)
{
    for (const int status : {408, 409, 429, 500, 502, 503, 504, 529})
    {
        server.enqueue(refusal(status));
        EXPECT_EQ(ask().attempts, 2) << status;
    }
    for (const int status : {400, 401, 402, 403, 404, 413, 422})
    {
        server.enqueue(refusal(status));
        const auto got = ask();
        EXPECT_TRUE(got.failure) << status;
        EXPECT_EQ(got.attempts, 1) << status;
    }
}

TEST_F(Retry, TheNumberIsAnOptionOfClientAndCall)
{
    config.retry.max_retries = 4;
    for (const auto& [told, attempts] : {std::pair(std::optional<int>(), 5), {0, 1}, {1, 2}})
    {
        for (int i = 0; i < attempts; ++i)
            server.enqueue(refusal(500));
        call_options options;
        options.max_retries = told;
        const auto got = ask(options);
        ASSERT_TRUE(got.failure);
        EXPECT_EQ(got.failure->attempts, attempts);
    }
    EXPECT_EQ(server.counts().requests, 8U);
}

TEST_F(Retry, ACallMayHaveItsOwnPolicy)
{
    config.retry.max_retries = 0;
    server.enqueue(refusal(500));
    call_options options;
    options.retry.emplace();
    options.retry->initial_delay = 1ms;
    EXPECT_EQ(ask(options).attempts, 2);
}

TEST_F(Retry, WaitsAsLongAsTheServerAsks)
{
    server.enqueue(refusal(429, "retry-after-ms: 120\r\n"));
    const auto body = [&]() -> asio::awaitable<void> {
        const auto one = without_jitter(co_await asio::this_coro::executor, config);
        const auto since = clock::now();
        const auto answer = co_await one.chat(question());
        EXPECT_EQ(answer.metadata.attempts, 2);
        EXPECT_GE(clock::now() - since, 120ms);
    };
    run(body());
}

TEST_F(Retry, A429HoldsTheWholeClientBackAndNoPlace)
{
    server.enqueue(refusal(429, "retry-after-ms: 150\r\n"));
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const auto one = without_jitter(executor, config);
        const auto since = clock::now();
        std::vector<clock::duration> done;
        const auto note = [&](std::exception_ptr failure, const chat_response&) {
            EXPECT_FALSE(failure);
            done.push_back(clock::now() - since);
        };
        asio::co_spawn(executor, one.chat(question()), note);
        while (one.stats().retries == 0)
            co_await asio::post(executor, asio::use_awaitable);
        EXPECT_EQ(one.stats().in_use, 0U);
        EXPECT_EQ(one.stats().connecting, 0U);
        asio::co_spawn(executor, one.chat(question()), note);
        while (done.size() != 2)
            co_await asio::post(executor, asio::use_awaitable);
        EXPECT_GE(done[0], 150ms);
        EXPECT_GE(done[1], 150ms);
    };
    run(body());
    EXPECT_EQ(server.counts().requests, 3U);
}

TEST_F(Retry, AWaitAboveTheCapFailsAtOnce)
{
    server.enqueue(refusal(429, "retry-after: 500\r\n"));
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::rate_limited);
    EXPECT_EQ(got.failure->attempts, 1);
    EXPECT_EQ(got.failure->retry_after, 500s);
    EXPECT_TRUE(contains(describe(*got.failure), "500 s"));
    EXPECT_TRUE(contains(describe(*got.failure), "retry_after_cap"));
}

TEST_F(Retry, ObeysXShouldRetry)
{
    server.enqueue(refusal(400, "x-should-retry: true\r\n"));
    EXPECT_EQ(ask().attempts, 2);
    server.enqueue(refusal(503, "x-should-retry: false\r\n"));
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->attempts, 1);
    EXPECT_EQ(got.failure->should_retry, false);
}

TEST_F(Retry, NeverForAnExhaustedQuota)
{
    server.enqueue(script().expect_request().respond(
        429, "application/json",
        R"({"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}})"));
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::quota_exhausted);
    EXPECT_EQ(got.failure->attempts, 1);
    const auto budget = run(chat_once(config, question("budget-exceeded")));
    ASSERT_TRUE(budget.has_error());
    EXPECT_EQ(budget.error().code, errc::quota_exhausted);
    EXPECT_EQ(budget.error().attempts, 1);
}

TEST_F(Retry, ARequestThatWasSentAndLostIsNotSentAgain)
{
    server.enqueue(script().expect_request().rst());
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::connection_lost);
    EXPECT_TRUE(got.failure->sent);
    EXPECT_FALSE(is_retryable(*got.failure));
    EXPECT_EQ(server.counts().requests, 1U);
}

TEST_F(Retry, AFailureTellsNothingOfAnEarlierAnswer)
{
    server.enqueue(refusal(503, "Connection: close\r\nx-request-id: of-the-first"));
    server.enqueue(script().expect_request().rst());
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::connection_lost);
    EXPECT_EQ(got.failure->attempts, 2);
    EXPECT_EQ(got.failure->http_status, 0);
    EXPECT_EQ(got.failure->metadata.status, 0);
    EXPECT_EQ(got.failure->request_id, "");
}

TEST_F(Retry, UnlessReplaySentIsOn)
{
    config.retry.replay_sent = true;
    server.enqueue(script().expect_request().rst());
    EXPECT_EQ(ask().attempts, 2);
    server.enqueue(script().expect_request().start_stream().fin());
    const auto got = ask();
    EXPECT_EQ(got.attempts, 2);
    EXPECT_FALSE(got.failure);
    EXPECT_EQ(server.counts().requests, 4U);
}

TEST_F(Retry, ButNotAfterTheFirstChunk)
{
    config.retry.replay_sent = true;
    server.enqueue(script().expect_request().start_stream().event(chunk_json("Hello ")).fin());
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::connection_lost);
    EXPECT_EQ(got.text, "Hello ");
    EXPECT_EQ(server.counts().requests, 1U);
}

TEST_F(Retry, AHandshakeThatFailsIsMadeAgain)
{
    test_server secure;
    secure.enqueue(script().open_with(opening::fin));
    secure.enqueue(script().open_with(opening::rst));
    const auto got = run(stream_once(config_for(secure), question()));
    EXPECT_FALSE(got.failure) << describe(*got.failure);
    EXPECT_EQ(got.attempts, 3);
}

TEST_F(Retry, NoAttemptStartsThatCannotFitTheDeadline)
{
    server.enqueue(refusal(503, "retry-after: 60\r\n"));
    call_options options;
    options.deadline = clock::now() + 5s;
    const auto since = clock::now();
    const auto got = ask(options);
    EXPECT_LT(clock::now() - since, 3s);
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::unavailable);
    EXPECT_EQ(got.failure->attempts, 1);
    EXPECT_TRUE(contains(describe(*got.failure), "no time is left for another attempt"));
}

TEST_F(Retry, TheDeadlineCoversAllAttempts)
{
    server.enqueue(refusal(503));
    server.enqueue(script().expect_request().stall());
    call_options options;
    options.deadline = clock::now() + 100ms;
    const auto got = ask(options);
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::deadline_exceeded);
    EXPECT_EQ(got.failure->attempts, 2);
}

TEST_F(Retry, TheTotalLimitCoversAllAttempts)
{
    config.time.total = 100ms;
    config.retry.initial_delay = 60ms;
    config.retry.max_retries = 10;
    server.on_request(
        [](const received_request&) { return script().respond(500, "text/plain", "no"); });
    const auto got = ask();
    ASSERT_TRUE(got.failure);
    EXPECT_LE(got.failure->attempts, 3);
}

TEST_F(Retry, AStopDuringTheWaitEndsIt)
{
    server.enqueue(refusal(503, "retry-after: 60\r\n"));
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        std::stop_source stop;
        call_options options;
        options.stop = stop.get_token();
        std::optional<error_info> ended;
        asio::co_spawn(executor, failure_of(one.chat(question(), options)),
                       [&](std::exception_ptr, error_info info) { ended = std::move(info); });
        while (one.stats().retries == 0)
            co_await asio::post(executor, asio::use_awaitable);
        stop.request_stop();
        while (!ended)
            co_await asio::post(executor, asio::use_awaitable);
        EXPECT_EQ(ended->code, asio::error::operation_aborted);
        EXPECT_EQ(one.stats().calls, 0U);
    };
    run(body());
}

}  // namespace

}  // namespace regolo::test
