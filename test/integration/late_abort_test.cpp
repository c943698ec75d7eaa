// What ends a call while its result is on its way from the client's context to the caller's, both stepped by hand.

#include "integration/client_fixture.hpp"

#include <regolo/observer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <stop_token>

namespace regolo::test {

namespace {

struct head_counter final : observer
{
    void head_received(const call_event&, const metadata&) noexcept override { ++heads; }
    int heads = 0;
};

/// Reads a stream to its end and returns the code of the error that it met.
asio::awaitable<boost::system::error_code> read_all(const client& from, chat_request request,
                                                    call_options options)
{
    const auto stream =
        co_await try_await(from.stream_chat(std::move(request), std::move(options)));
    if (!stream)
        co_return stream.error().code;
    auto open = std::move(const_cast<chat_stream&>(*stream));
    for (;;)
    {
        const auto chunk = co_await try_await(open.next());
        if (!chunk)
            co_return chunk.error().code;
        if (!*chunk)
            co_return boost::system::error_code();
    }
}

class LateAbort : public ::testing::TestWithParam<bool>
{
protected:
    /// Runs until `heads` response heads have arrived at the client and not yet at the caller, ends the call, and goes on.
    boost::system::error_code run_with(const chat_request& request, int heads)
    {
        asio::io_context own{1};
        asio::io_context callers{1};
        const auto seen = std::make_shared<head_counter>();
        auto config = config_for(server_);
        config.observer = seen;
        const client from(own, config);
        std::stop_source button;
        call_options options;
        options.stop = button.get_token();
        std::optional<boost::system::error_code> outcome;
        asio::co_spawn(callers, read_all(from, request, options),
                       [&](const std::exception_ptr& failure, boost::system::error_code code) {
                           EXPECT_FALSE(failure);
                           outcome = code;
                       });
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (seen->heads < heads && std::chrono::steady_clock::now() < end)
        {
            callers.restart();
            callers.poll();
            own.run_one_for(10ms);
        }
        EXPECT_EQ(seen->heads, heads);
        own.poll();
        if (GetParam())
            from.close();
        else
            button.request_stop();
        own.poll();
        while (!outcome && std::chrono::steady_clock::now() < end)
        {
            callers.restart();
            callers.poll();
            own.restart();
            own.poll();
        }
        from.close();
        own.restart();
        own.run_for(1s);
        EXPECT_EQ(from.stats().in_use, 0U);
        return outcome.value_or(make_error_code(errc::total_timeout));
    }

    [[nodiscard]] static boost::system::error_code expected()
    {
        return GetParam() ? make_error_code(errc::client_closed)
                          : boost::system::error_code(asio::error::operation_aborted);
    }

    test_server server_{server_options::plain()};
};

TEST_P(LateAbort, OfAHeadOnItsWayToTheCallerIsAnErrorAndNoCrash)
{
    EXPECT_EQ(run_with(chat_request("sim-endless", "count to 100000"), 1), expected());
}

TEST_P(LateAbort, OfASecondAttemptsHeadIsAnErrorAndNoCrash)
{
    server_.enqueue(script()
                        .expect_request()
                        .start_stream()
                        .event(R"({"error":{"message":"later","code":503}})")
                        .end_stream());
    EXPECT_EQ(run_with(chat_request("sim-endless", "count to 100000"), 2), expected());
}

INSTANTIATE_TEST_SUITE_P(By, LateAbort, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Close" : "StopToken"; });

TEST(BrokenBody, BehindAWholeHeadIsToldAfterWhatWasRight)
{
    test_server server(server_options::plain());
    const std::string event = "data: " + chunk_json("AB") + "\n\n";
    char size[32];
    std::snprintf(size, sizeof size, "%zx", event.size());
    server.enqueue(script()
                       .expect_request()
                       .send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n" +
                             std::string(size) + "\r\n" + event + "\r\nno chunk\r\n")
                       .fin());
    const auto failed = run(
        [&]() -> asio::awaitable<error_info> {
            const client from(co_await asio::this_coro::executor, config_for(server));
            auto stream = co_await from.stream_chat(question());
            const auto chunk = co_await stream.next();
            EXPECT_TRUE(chunk);
            EXPECT_EQ(chunk ? chunk->text() : "", "AB");
            const auto next = co_await try_await(stream.next());
            co_return next ? error_info() : next.error();
        }(),
        20s);
    EXPECT_EQ(failed.code, errc::bad_response);
    EXPECT_EQ(failed.where, phase::body);
    EXPECT_EQ(failed.http_status, 200);
}

TEST(EchoedKey, InAResponseHeaderIsNotTold)
{
    test_server server(server_options::plain());
    const std::string json = answer_json("hello");
    server.enqueue(script().expect_request().send(
        "HTTP/1.1 200 OK\r\nX-Echo: Bearer test-key\r\nContent-Type: application/json\r\n"
        "Content-Length: " +
        std::to_string(json.size()) + "\r\n\r\n" + json));
    const auto answer = run(
        [&]() -> asio::awaitable<chat_response> {
            const client from(co_await asio::this_coro::executor, config_for(server));
            co_return co_await from.chat(question());
        }(),
        20s);
    const auto echoed = answer.metadata.find("x-echo");
    ASSERT_TRUE(echoed);
    EXPECT_EQ(echoed->find("test-key"), std::string_view::npos) << *echoed;
}

}  // namespace

}  // namespace regolo::test
