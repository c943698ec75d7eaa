#include "integration/client_fixture.hpp"

#include <regolo/testing/manual_clock.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

// Which connection a call runs on, and what becomes of it afterwards.

namespace regolo::test {

namespace {

/// Remembers why connections were closed; does something in the moment in which one is used again.
class close_watch final : public observer
{
public:
    std::function<void()> on_reuse;

    void connection_acquired(const call_event&, const connection_event& taken) noexcept override
    {
        if (taken.reused && on_reuse)
            std::exchange(on_reuse, nullptr)();
    }

    void connection_closed(const close_event& connection) noexcept override
    {
        const std::lock_guard lock(mutex_);
        ++reasons_[connection.reason];
    }

    [[nodiscard]] int count(close_reason why) const
    {
        const std::lock_guard lock(mutex_);
        const auto found = reasons_.find(why);
        return found == reasons_.end() ? 0 : found->second;
    }

private:
    mutable std::mutex mutex_;
    std::map<close_reason, int> reasons_;
};

/// Lets other work on the context run until the condition holds; the watchdog of `run` is the limit.
asio::awaitable<void> until(std::function<bool()> condition)
{
    const auto executor = co_await asio::this_coro::executor;
    while (!condition())
        co_await asio::post(executor, asio::use_awaitable);
}

/// Streams an answer and waits until its connection is back.
asio::awaitable<stream_outcome> stream_and_settle(const client& one)
{
    auto got = co_await stream_all(one, question());
    co_await until([&] { return one.stats().in_use == 0 && one.stats().draining == 0; });
    co_return got;
}

/// Every gauge of a client that has nothing to do and keeps `idle` connections.
void expect_at_rest(const client& one, std::size_t idle)
{
    const auto now = one.stats();
    EXPECT_EQ(now.connections, idle);
    EXPECT_EQ(now.connecting, 0U);
    EXPECT_EQ(now.in_use, 0U);
    EXPECT_EQ(now.idle, idle);
    EXPECT_EQ(now.draining, 0U);
    EXPECT_EQ(now.waiting, 0U);
    EXPECT_EQ(now.calls, 0U);
}

class Pool : public ::testing::TestWithParam<bool>
{
protected:
    Pool() { config.observer = watch; }

    /// Runs `use(client)`, a coroutine, to its end.
    template <class Use>
    void on_client(Use use, std::chrono::seconds watchdog = 30s)
    {
        const auto body = [&]() -> asio::awaitable<void> {
            const client one(co_await asio::this_coro::executor, config);
            co_await use(one);
        };
        run(body(), watchdog);
    }

    /// The answer to a stream whose body does not end with its last event.
    static script unended_stream()
    {
        return script()
            .expect_request()
            .start_stream()
            .event(chunk_json("Hello", "stop"))
            .event("[DONE]");
    }

    /// Has the server end the next connection that is used again, after the pool's last look at it.
    void end_on_reuse()
    {
        watch->on_reuse = [this] {
            const auto before = server.counts().fins_sent;
            server.close_connections();
            EXPECT_TRUE(server.wait_until([&] { return server.counts().fins_sent > before; }));
        };
    }

    test_server server{GetParam() ? server_options::https() : server_options::plain()};
    client_config config = config_for(server);
    std::shared_ptr<close_watch> watch = std::make_shared<close_watch>();
};

INSTANTIATE_TEST_SUITE_P(Servers, Pool, ::testing::Bool(), [](const auto& param) {
    return std::string(param.param ? "Tls" : "Plain");
});

// ---- servers that close what they said they would keep

TEST_P(Pool, StreamsOfAServerThatClosesAfterEachOne)
{
    server.on_request([](const received_request&) { return good_stream().fin(); });
    config.retry.max_retries = 0;
    constexpr std::size_t streams = 1000;
    on_client(
        [&](const client& one) -> asio::awaitable<void> {
            for (std::size_t i = 0; i < streams; ++i)
            {
                const auto got = co_await stream_all(one, question());
                EXPECT_FALSE(got.failure) << describe(*got.failure);
                EXPECT_EQ(got.text, "Hello Rome");
                EXPECT_EQ(got.attempts, 1);
                if (::testing::Test::HasFailure())
                    co_return;
            }
            EXPECT_EQ(one.stats().attempts, streams);
            EXPECT_EQ(one.stats().retries, 0U);
            EXPECT_EQ(one.stats().calls_failed, 0U);
        },
        60s);
    EXPECT_EQ(server.counts().requests, streams);
}

TEST_P(Pool, AnswersOfAServerThatClosesAfterEachOne)
{
    config.retry.max_retries = 0;
    constexpr std::size_t calls = 200;
    on_client(
        [&](const client& one) -> asio::awaitable<void> {
            for (std::size_t i = 0; i < calls; ++i)
            {
                const auto got = co_await try_await(one.chat(question("close-after")));
                EXPECT_TRUE(got.has_value()) << describe(got.error());
                if (::testing::Test::HasFailure())
                    co_return;
            }
        },
        60s);
    EXPECT_EQ(server.counts().requests, calls);
}

// The server closes while the request is under way: none of it has arrived before.
TEST_P(Pool, ReplaysOnceWhatMetADyingConnection)
{
    config.retry.max_retries = 0;
    config.retry.replay_stale = false;
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_and_settle(one);
        end_on_reuse();
        const auto got = co_await stream_and_settle(one);
        EXPECT_FALSE(got.failure) << describe(*got.failure);
        EXPECT_EQ(got.attempts, 1);
        EXPECT_FALSE(got.reused_connection);
        const auto now = one.stats();
        EXPECT_EQ(now.stale_replays, 1U);
        EXPECT_EQ(now.attempts, 2U);
        EXPECT_EQ(now.retries, 0U);
        EXPECT_EQ(now.connections_opened, 2U);
        expect_at_rest(one, 1);
    });
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_P(Pool, ReplaysOnceWhatADeadConnectionDidNotTake)
{
    config.retry.max_retries = 0;
    config.retry.replay_stale = false;
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_and_settle(one);
        watch->on_reuse = [&] {
            server.reset_connections();
            EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
        };
        const auto got = co_await stream_and_settle(one);
        EXPECT_FALSE(got.failure) << describe(*got.failure);
        EXPECT_EQ(one.stats().stale_replays, 1U);
    });
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_P(Pool, AReplayThatDiesIsNotReplayed)
{
    config.retry.max_retries = 0;
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_and_settle(one);
        end_on_reuse();
        server.enqueue(script().expect_part().expect_request().fin());
        const auto got = co_await stream_and_settle(one);
        EXPECT_TRUE(got.failure && got.failure->code == errc::connection_lost);
        EXPECT_TRUE(got.failure && got.failure->sent);
        EXPECT_EQ(one.stats().stale_replays, 1U);
        expect_at_rest(one, 0);
    });
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_P(Pool, WithoutReplayStaleARequestThatTheServerHasReadIsNotReplayed)
{
    config.retry.replay_stale = false;
    for (const bool reset : {false, true})
    {
        auto answers_once = script().expect_request().then(good_stream()).expect_request();
        server.enqueue(reset ? answers_once.rst() : answers_once.fin());
        on_client([&](const client& one) -> asio::awaitable<void> {
            co_await stream_and_settle(one);
            const auto got = co_await stream_and_settle(one);
            EXPECT_TRUE(got.failure && got.failure->code == errc::connection_lost);
            EXPECT_TRUE(got.failure && got.failure->sent);
            EXPECT_EQ(got.attempts, 1);
            EXPECT_EQ(one.stats().stale_replays, 0U);
        });
    }
    EXPECT_EQ(server.counts().requests, 4U);
}

// The server closes when it has read the next request: it may have worked on it, but most likely has not.
TEST_P(Pool, ReplaysOnceWhatWasReadByAServerThatClosesAtOnce)
{
    for (const bool reset : {false, true})
    {
        auto answers_once = script().expect_request().then(good_stream()).expect_request();
        server.enqueue(reset ? answers_once.rst() : answers_once.fin());
        config.retry.max_retries = 0;
        on_client([&](const client& one) -> asio::awaitable<void> {
            co_await stream_and_settle(one);
            const auto got = co_await stream_and_settle(one);
            EXPECT_FALSE(got.failure) << describe(*got.failure);
            EXPECT_EQ(got.attempts, 1);
            EXPECT_EQ(one.stats().stale_replays, 1U);
        });
    }
    EXPECT_EQ(server.counts().requests, 6U);
}

TEST_P(Pool, AFreshConnectionThatDiesIsNotStale)
{
    server.enqueue(script().expect_request().fin());
    on_client([&](const client& one) -> asio::awaitable<void> {
        const auto got = co_await stream_all(one, question());
        EXPECT_TRUE(got.failure && got.failure->code == errc::connection_lost);
        EXPECT_EQ(got.attempts, 1);
        EXPECT_EQ(one.stats().stale_replays, 0U);
    });
    EXPECT_EQ(server.counts().requests, 1U);
}

TEST_P(Pool, AnAnswerByteMeansThatTheConnectionWasAlive)
{
    server.enqueue(script().expect_request().then(good_stream()).expect_request().send("H").fin());
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_and_settle(one);
        const auto got = co_await stream_and_settle(one);
        EXPECT_TRUE(got.failure && got.failure->code == errc::connection_lost);
        EXPECT_EQ(one.stats().stale_replays, 0U);
    });
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_P(Pool, ACloseAfterASecondMayHaveBeenWorkedOn)
{
    server.enqueue(
        script().expect_request().then(good_stream()).expect_request().pause(1100ms).fin());
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_and_settle(one);
        const auto got = co_await stream_and_settle(one);
        EXPECT_TRUE(got.failure && got.failure->code == errc::connection_lost);
        EXPECT_TRUE(got.failure && got.failure->sent);
        EXPECT_EQ(one.stats().stale_replays, 0U);
    });
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_P(Pool, AFinEvictsAnIdleConnection)
{
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_and_settle(one);
        expect_at_rest(one, 1);
        server.close_connections();
        co_await until([&] { return one.stats().connections == 0; });
        expect_at_rest(one, 0);
    });
    EXPECT_EQ(watch->count(close_reason::closed_by_peer), 1);
}

// ---- places

TEST_P(Pool, WaitersAreServedInTheirOrderOnOneConnection)
{
    config.pool.max_connections = 1;
    gate first_has_arrived;
    gate go_on;
    server.enqueue(script().expect_request().open(first_has_arrived).pause(go_on).simulate());
    std::vector<int> order;
    const auto ask = [&](const client& one, int number) -> asio::awaitable<void> {
        call_options options;
        options.headers.emplace_back("x-number", std::to_string(number));
        co_await one.chat(question(), options);
        order.push_back(number);
    };
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        for (int i = 0; i < 5; ++i)
        {
            asio::co_spawn(executor, ask(one, i), [](std::exception_ptr) {});
            co_await until([&] { return one.stats().calls == static_cast<std::size_t>(i) + 1; });
            co_await until([&] {
                return one.stats().connecting + one.stats().in_use == 1 &&
                       one.stats().waiting == static_cast<std::size_t>(i);
            });
        }
        co_await until([&] { return first_has_arrived.is_open(); });
        go_on.open();
        co_await until([&] { return order.size() == 5; });
        EXPECT_EQ(one.stats().connections_opened, 1U);
        EXPECT_EQ(one.stats().connections_reused, 4U);
        expect_at_rest(one, 1);
    };
    run(body());
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
    int number = 0;
    for (const auto& request : server.requests())
        EXPECT_EQ(request.header("x-number"), std::to_string(number++));
}

TEST_P(Pool, ACancelledWaiterLeavesTheQueue)
{
    config.pool.max_connections = 1;
    gate go_on;
    server.enqueue(script().expect_request().pause(go_on).simulate());
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        int done = 0;
        const auto count = [&](std::exception_ptr, chat_response) { ++done; };
        asio::co_spawn(executor, one.chat(question()), count);
        co_await until([&] { return one.stats().in_use == 1; });
        std::stop_source stop;
        call_options options;
        options.stop = stop.get_token();
        boost::system::error_code ended;
        asio::co_spawn(executor, failure_of(one.chat(question(), options)),
                       [&](std::exception_ptr, error_info info) { ended = info.code; });
        co_await until([&] { return one.stats().waiting == 1; });
        asio::co_spawn(executor, one.chat(question()), count);
        co_await until([&] { return one.stats().waiting == 2; });
        stop.request_stop();
        co_await until([&] { return ended.failed(); });
        EXPECT_EQ(ended, asio::error::operation_aborted);
        EXPECT_EQ(one.stats().waiting, 1U);
        go_on.open();
        co_await until([&] { return done == 2; });
        expect_at_rest(one, 1);
    };
    run(body());
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_P(Pool, TheLastConnectionUsedIsTheNextOne)
{
    gate both;
    server.enqueue(script().expect_request().pause(both).then(good_stream()));
    server.enqueue(script().expect_request().pause(both).then(good_stream()));
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        int done = 0;
        const auto count = [&](std::exception_ptr, const stream_outcome&) { ++done; };
        asio::co_spawn(executor, stream_all(one, question()), count);
        asio::co_spawn(executor, stream_all(one, question()), count);
        co_await until([&] { return one.stats().in_use == 2; });
        both.open();
        co_await until([&] { return done == 2 && one.stats().idle == 2; });
        expect_at_rest(one, 2);
        for (int i = 0; i < 4; ++i)
            co_await stream_and_settle(one);
        expect_at_rest(one, 2);
    };
    run(body());
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 6U);
    for (std::size_t i = 3; i < 6; ++i)
        EXPECT_EQ(requests[i].connection, requests[2].connection);
}

TEST_P(Pool, KeepsNoMoreIdleConnectionsThanTold)
{
    config.pool.max_idle = 0;
    on_client([&](const client& one) -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i)
        {
            co_await stream_and_settle(one);
            expect_at_rest(one, 0);
        }
        EXPECT_EQ(one.stats().connections_opened, 3U);
    });
}

TEST_P(Pool, KeepsAsManyIdleConnectionsAsTold)
{
    config.pool.max_idle = 2;
    for (const std::size_t open : {2, 3})
    {
        on_client([&](const client& one) -> asio::awaitable<void> {
            std::vector<chat_stream> streams;
            for (std::size_t i = 0; i < open; ++i)
                streams.push_back(co_await one.stream_chat(question()));
            for (auto& stream : streams)
                co_await read_stream(std::move(stream));
            co_await until([&] { return one.stats().in_use == 0 && one.stats().draining == 0; });
            expect_at_rest(one, 2);
        });
    }
}

TEST_P(Pool, TheIdleLimitClosesAnIdleConnection)
{
    config.pool.idle_limit = 20ms;
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_all(one, question());
        co_await until([&] { return one.stats().connections == 0; });
    });
    EXPECT_EQ(watch->count(close_reason::idle), 1);
}

TEST_P(Pool, AKeepAliveHintShortensTheIdleLimit)
{
    server.on_request([](const received_request&) {
        return script().respond(200, "application/json", answer_json("yes"),
                                "keep-alive: timeout=0\r\n");
    });
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await one.chat(question());
        expect_at_rest(one, 0);
    });
    EXPECT_EQ(watch->count(close_reason::idle), 1);
}

// Also where the connection goes back after the stream itself.
TEST_P(Pool, AKeepAliveHintOfAStreamShortensItAsWell)
{
    config.pool.idle_limit = std::chrono::hours(1);
    gate late;
    std::atomic<int> requests{0};
    server.on_request([&](const received_request&) {
        auto answer = script()
                          .start_stream("keep-alive: timeout=0\r\n")
                          .event(chunk_json("Rome", "stop"))
                          .event("[DONE]");
        if (++requests == 2)
            answer.pause(late);
        return answer.end_stream();
    });
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_all(one, question());
        co_await until([&] { return one.stats().connections == 0; });
        co_await stream_all(one, question());
        co_await until([&] { return one.stats().draining == 1; });
        late.open();
        co_await until([&] { return one.stats().connections == 0; });
    });
    EXPECT_EQ(requests, 2);
    EXPECT_EQ(watch->count(close_reason::idle), 2);
}

TEST_P(Pool, AnAgedConnectionIsNotUsedAgain)
{
    config.pool.max_age = 1ms;
    server.on_request([](const received_request&) {
        return script().pause(2ms).respond(200, "application/json", answer_json("yes"));
    });
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await one.chat(question());
        expect_at_rest(one, 0);
        co_await one.chat(question());
        EXPECT_EQ(one.stats().connections_opened, 2U);
    });
    EXPECT_EQ(watch->count(close_reason::aged), 2);
}

// ---- the rest of an ended stream

TEST_P(Pool, ALateEndOfTheBodyIsDrained)
{
    gate late;
    server.enqueue(unended_stream().pause(late).end_stream());
    on_client([&](const client& one) -> asio::awaitable<void> {
        const auto got = co_await stream_all(one, question());
        EXPECT_EQ(got.ended_as, stream_end::done);
        co_await until([&] { return one.stats().draining == 1; });
        EXPECT_EQ(one.stats().connections, 1U);
        EXPECT_EQ(one.stats().calls, 0U);
        late.open();
        co_await until([&] { return one.stats().idle == 1; });
        const auto again = co_await stream_all(one, question());
        EXPECT_TRUE(again.reused_connection);
    });
}

TEST_P(Pool, ADrainCountsAgainstTheMaximum)
{
    config.pool.max_connections = 1;
    gate late;
    server.enqueue(unended_stream().pause(late).end_stream());
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        co_await stream_all(one, question());
        bool done = false;
        asio::co_spawn(executor, stream_all(one, question()),
                       [&](std::exception_ptr, const stream_outcome& got) {
                           EXPECT_TRUE(got.reused_connection);
                           done = true;
                       });
        co_await until([&] { return one.stats().waiting == 1; });
        late.open();
        co_await until([&] { return done && one.stats().idle == 1; });
        expect_at_rest(one, 1);
    };
    run(body());
}

TEST_P(Pool, ADrainEndsAfterASecond)
{
    server.enqueue(unended_stream().stall());
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_all(one, question());
        co_await until([&] { return one.stats().draining == 1; });
        const auto since = std::chrono::steady_clock::now();
        co_await until([&] { return one.stats().connections == 0; });
        const auto took = std::chrono::steady_clock::now() - since;
        EXPECT_GT(took, 900ms);
        EXPECT_LT(took, 3s);
    });
    EXPECT_EQ(watch->count(close_reason::unusable), 1);
}

TEST_P(Pool, ADrainEndsAfter64Kilobytes)
{
    const std::string filler = http_chunk(": " + std::string(1000, '.') + "\n\n");
    gate read;
    server.enqueue(unended_stream().pause(read).stream([filler](std::string& piece) {
        piece = filler;
        return true;
    }));
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_all(one, question());
        co_await until([&] { return one.stats().draining == 1; });
        read.open();
        co_await until([&] { return one.stats().connections == 0; });
    });
    EXPECT_EQ(watch->count(close_reason::unusable), 1);
}

// No time passes, so that it is the bytes that end it.
TEST_P(Pool, ADrainTakes64KilobytesAndNotOneMore)
{
    for (const std::size_t extra : {0, 1})
    {
        gate ended;
        gate end;
        const std::size_t size = 64 * 1024 + extra;
        const std::string frame = http_chunk(std::string(size - 8, '.'));
        ASSERT_EQ(frame.size(), size);
        server.enqueue(unended_stream().pause(ended).send(frame).pause(end).end_stream());
        const auto body = [&]() -> asio::awaitable<void> {
            const manual_clock clock;
            const auto one = make_client(co_await asio::this_coro::executor, config, clock);
            co_await stream_all(one, question());
            co_await until([&] { return one.stats().draining == 1; });
            ended.open();
            if (extra == 0)
                end.open();
            co_await until([&] { return one.stats().draining == 0; });
            EXPECT_EQ(one.stats().idle, extra == 0 ? 1U : 0U);
        };
        run(body());
        end.open();
    }
    EXPECT_EQ(watch->count(close_reason::unusable), 1);
}

TEST_P(Pool, CloseEndsADrain)
{
    server.enqueue(unended_stream().stall());
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await stream_all(one, question());
        co_await until([&] { return one.stats().draining == 1; });
        const auto since = std::chrono::steady_clock::now();
        one.close();
        co_await until([&] { return one.stats().connections == 0; });
        EXPECT_LT(std::chrono::steady_clock::now() - since, 500ms);
    });
}

// A body that only the connection's end delimits leaves nothing to wait for.
TEST_P(Pool, AConnectionThatCannotBeReusedIsNotDrained)
{
    server.enqueue(script()
                       .expect_request()
                       .send("HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: " +
                             chunk_json("Hello", "stop") + "\n\ndata: [DONE]\n\n")
                       .stall());
    on_client([&](const client& one) -> asio::awaitable<void> {
        const auto got = co_await stream_all(one, question());
        EXPECT_EQ(got.ended_as, stream_end::done);
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        expect_at_rest(one, 0);
    });
    EXPECT_EQ(watch->count(close_reason::finished), 1);
}

TEST_P(Pool, LeftoverBytesMeanNeverReuse)
{
    server.enqueue(script().expect_request().send(
        http_head(200, "content-type: application/json\r\ncontent-length: " +
                           std::to_string(answer_json("yes").size()) + "\r\n") +
        answer_json("yes") + "HTTP/1.1 200 OK\r\n"));
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await one.chat(question());
        expect_at_rest(one, 0);
        const auto again = co_await one.chat(question());
        EXPECT_FALSE(again.metadata.reused_connection);
    });
}

TEST_P(Pool, BytesThatCameWhileIdleMeanNeverReuse)
{
    gate more;
    gate sent;
    server.enqueue(script()
                       .expect_request()
                       .respond(200, "application/json", answer_json("yes"))
                       .pause(more)
                       .send("HTTP/1.1 200 OK\r\n\r\n"));
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await one.chat(question());
        more.open();
        co_await until([&] { return one.stats().connections == 0; });
        const auto again = co_await one.chat(question());
        EXPECT_FALSE(again.metadata.reused_connection);
        EXPECT_EQ(again.metadata.attempts, 1);
    });
}

TEST_P(Pool, AnErrorAnswerGivesItsConnectionBack)
{
    config.retry.max_retries = 0;
    on_client([&](const client& one) -> asio::awaitable<void> {
        co_await failure_of(one.chat(question("error-400")));
        expect_at_rest(one, 1);
        EXPECT_TRUE((co_await one.chat(question())).metadata.reused_connection);
    });
}

// ---- the end of a client

TEST_P(Pool, CloseEndsWhatIsInFlight)
{
    server.enqueue(script().expect_request().stall());
    server.enqueue(script().expect_request().start_stream().event(chunk_json("Hello")).stall());
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        error_info chat_ended;
        asio::co_spawn(executor, failure_of(one.chat(question())),
                       [&](std::exception_ptr, error_info info) { chat_ended = std::move(info); });
        co_await until([&] { return server.counts().requests == 1; });
        auto stream = co_await one.stream_chat(question());
        co_await stream.next();
        one.close();
        const auto ended = co_await failure_of(stream.next());
        EXPECT_EQ(ended.code, errc::client_closed);
        EXPECT_EQ(stream.ended_as(), stream_end::closed);
        co_await until([&] { return chat_ended.code.failed(); });
        EXPECT_EQ(chat_ended.code, errc::client_closed);
        EXPECT_EQ((co_await failure_of(one.chat(question()))).code, errc::client_closed);
        expect_at_rest(one, 0);
    };
    run(body());
}

TEST_P(Pool, AStreamOutlivesItsClient)
{
    gate go_on;
    const auto body = [&]() -> asio::awaitable<void> {
        chat_stream stream;
        {
            const client one(co_await asio::this_coro::executor, config);
            co_await one.models();
            server.enqueue(script()
                               .expect_request()
                               .start_stream()
                               .event(chunk_json("Hello "))
                               .pause(go_on)
                               .event(chunk_json("Rome", "stop"))
                               .event("[DONE]")
                               .end_stream());
            stream = co_await one.stream_chat(question());
        }
        go_on.open();
        const auto got = co_await read_stream(std::move(stream));
        EXPECT_EQ(got.text, "Hello Rome");
        co_await until([&] { return server.counts().open == 0; });  // nobody could use it again
    };
    config.pool.idle_limit = 1h;
    run(body());
    EXPECT_EQ(watch->count(close_reason::client_closed), 1);
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
}

// A place that becomes free while the context is being destroyed goes to a call that is being destroyed as well.
TEST_P(Pool, TheContextMayEndWhileCallsRunAndWait)
{
    config.pool.max_connections = 1;
    server.enqueue(script().expect_request().stall());
    {
        asio::io_context io{1};
        const client one(io, config);
        for (int i = 0; i < 3; ++i)
            asio::co_spawn(io, one.chat(question()),
                           [](std::exception_ptr, const chat_response&) {});
        run_on(io, until([&] { return one.stats().in_use == 1 && one.stats().waiting == 2; }));
    }
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
}

TEST_P(Pool, DrainLetsCallsFinish)
{
    gate go_on;
    server.enqueue(script().expect_request().pause(go_on).simulate());
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        bool answered = false;
        std::optional<bool> drained;
        asio::co_spawn(executor, one.chat(question()),
                       [&](std::exception_ptr failure, const chat_response& answer) {
                           answered = !failure && !answer.text().empty();
                       });
        co_await until([&] { return server.counts().requests == 1; });
        asio::co_spawn(executor, one.drain(10s),
                       [&](std::exception_ptr, bool whole) { drained = whole; });
        EXPECT_EQ((co_await failure_of(one.chat(question()))).code, errc::client_closed);
        EXPECT_FALSE(drained);
        go_on.open();
        co_await until([&] { return drained.has_value(); });
        EXPECT_TRUE(*drained);
        co_await until([&] { return answered; });
        expect_at_rest(one, 0);
    };
    run(body());
}

TEST_P(Pool, DrainCancelsTheRestAtItsLimit)
{
    server.enqueue(script().expect_request().start_stream().event(chunk_json("Hello ")).stall());
    on_client([&](const client& one) -> asio::awaitable<void> {
        auto stream = co_await one.stream_chat(question());
        co_await stream.next();
        EXPECT_FALSE(co_await one.drain(20ms));
        EXPECT_EQ((co_await failure_of(stream.next())).code, errc::client_closed);
        expect_at_rest(one, 0);
    });
}

TEST(PoolOrigins, EachOriginHasItsOwnPlaces)
{
    test_server plain(server_options::plain());
    test_server secure;
    auto config = config_for(plain);
    config.tls.ca_pem = secure.ca_pem();
    config.pool.max_connections = 1;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto held = co_await one.stream_chat(question("sim-endless"));
        call_options other;
        other.base_url = secure.url();
        other.key = "test-key";
        co_await one.chat(question(), other);
        EXPECT_EQ(one.stats().connections, 2U);
    };
    run(body());
}

}  // namespace

}  // namespace regolo::test
