#include "client_state.hpp"
#include "integration/client_fixture.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Each time limit ends what it is there to end, with its own code and its value in the text.

namespace regolo::test {

namespace {

using tcp = asio::ip::tcp;
using clock = std::chrono::steady_clock;

constexpr auto limit = 200ms;

/// Names with the addresses that a test wants; without any, a look-up that hangs.
class test_resolver final : public net::resolver
{
public:
    explicit test_resolver(addresses known) : known_(std::move(known)) {}

    asio::awaitable<addresses> resolve(std::string, std::uint16_t) override
    {
        if (!known_.empty())
            co_return known_;
        net::one_shot never;
        co_await never.wait();
        co_return addresses();
    }

    void forget(const std::string&, std::uint16_t) override {}

private:
    addresses known_;
};

/// An address where nobody answers: the queue of its listener is full, so that the system drops each SYN.
class black_hole
{
public:
    explicit black_hole(const std::string& address)
    {
        acceptor_.open(tcp::v4());
        acceptor_.bind(tcp::endpoint(asio::ip::make_address(address), 0));
        acceptor_.listen(0);
        for (int i = 0; i < 4; ++i)
        {
            auto& filler = fillers_.emplace_back(io_);
            filler.async_connect(acceptor_.local_endpoint(), [](boost::system::error_code) {});
        }
        io_.poll();
    }

    [[nodiscard]] tcp::endpoint address() const { return acceptor_.local_endpoint(); }

private:
    asio::io_context io_;
    tcp::acceptor acceptor_{io_};
    std::list<tcp::socket> fillers_;
};

client client_on(asio::any_io_executor executor, client_config config,
                 net::resolver::addresses known)
{
    regolo::detail::client_state::seams outside;
    outside.names = std::make_shared<test_resolver>(std::move(known));
    return regolo::detail::client_access::make(regolo::detail::client_state::make(
        std::move(executor), std::move(config), std::move(outside)));
}

/// What a limit led to, and when.
struct fired
{
    fired() = default;

    error_info info;
    clock::duration took{};
};

template <class Operation>
asio::awaitable<fired> timed(Operation start)
{
    fired result;
    const auto since = clock::now();
    result.info = co_await failure_of(start());
    result.took = clock::now() - since;
    co_return result;
}

/// Keeps with the test's result how late it was.
void expect_late(clock::duration took)
{
    EXPECT_GE(took, limit - 1ms);
    EXPECT_LT(took, 3s);
    const auto late = std::chrono::duration_cast<std::chrono::microseconds>(took - limit);
    ::testing::Test::RecordProperty("late_us", std::to_string(late.count()));
}

void expect_fired(const fired& got, errc code, phase where, std::string_view name)
{
    EXPECT_EQ(got.info.code, code) << describe(got.info);
    EXPECT_EQ(to_string(got.info.where), to_string(where));
    EXPECT_TRUE(contains(describe(got.info), "200 ms"));
    EXPECT_TRUE(contains(describe(got.info), name));
    EXPECT_EQ(got.info.attempts, 1);
    expect_late(got.took);
}

class Limits : public ::testing::TestWithParam<bool>
{
protected:
    Limits() { config.retry.max_retries = 0; }

    /// What `ask` of a client with `config` ends with.
    template <class Ask>
    fired run_to_limit(Ask ask)
    {
        const auto body = [&]() -> asio::awaitable<fired> {
            const client one(co_await asio::this_coro::executor, config);
            auto got = co_await timed([&] { return ask(one); });
            EXPECT_EQ(one.stats().connections, 0U);
            EXPECT_EQ(one.stats().calls, 0U);
            co_return got;
        };
        return run(body());
    }

    test_server server{GetParam() ? server_options::https() : server_options::plain()};
    client_config config = config_for(server);
};

INSTANTIATE_TEST_SUITE_P(Servers, Limits, ::testing::Bool(), [](const auto& param) {
    return std::string(param.param ? "Tls" : "Plain");
});

auto chat = [](const client& one) { return one.chat(question()); };

TEST_P(Limits, Queue)
{
    config.pool.max_connections = 1;
    config.time.queue = limit;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        const auto held = co_await one.stream_chat(question("sim-endless"));
        const auto got = co_await timed([&] { return one.chat(question()); });
        expect_fired(got, errc::queue_timeout, phase::queue, "time_limits::queue");
        EXPECT_TRUE(contains(got.info.message, "connections in use: 1, "));
        EXPECT_TRUE(contains(got.info.message, "max_connections"));
        EXPECT_FALSE(got.info.sent);
        EXPECT_EQ(one.stats().waiting, 0U);
    };
    run(body());
}

TEST_P(Limits, Head)
{
    server.enqueue(script().expect_request().stall());
    config.time.head = limit;
    const auto got = run_to_limit(chat);
    expect_fired(got, errc::head_timeout, phase::head, "time_limits::head");
    EXPECT_TRUE(got.info.sent);
}

TEST_P(Limits, HeadThatTrickles)
{
    auto bytes =
        std::make_shared<std::string>(http_head(200, "x-slow: " + std::string(1000, '.') + "\r\n"));
    server.enqueue(script().expect_request().stream(
        [bytes](std::string& piece) {
            piece = bytes->substr(0, 1);
            bytes->erase(0, 1);
            return !piece.empty();
        },
        10ms));
    config.time.head = limit;
    const auto got = run_to_limit(chat);
    expect_fired(got, errc::head_timeout, phase::head, "time_limits::head");
}

TEST_P(Limits, FirstEvent)
{
    // Comments are life, but no event; the idle limit, though shorter, does not run yet.
    server.enqueue(script().expect_request().start_stream().stream(
        [](std::string& piece) {
            piece = http_chunk(": wait\n\n");
            return true;
        },
        20ms));
    config.time.first_event = limit;
    config.time.idle = 50ms;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto stream = co_await one.stream_chat(question());
        const auto got = co_await timed([&] { return stream.next(); });
        expect_fired(got, errc::first_event_timeout, phase::body, "time_limits::first_event");
        EXPECT_EQ(got.info.http_status, 200);
        EXPECT_EQ(one.stats().connections, 0U);
    };
    run(body());
}

TEST_P(Limits, IdleOfAStream)
{
    server.enqueue(script().expect_request().start_stream().event(chunk_json("Hello")).stall());
    config.time.idle = limit;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        auto stream = co_await one.stream_chat(question());
        co_await stream.next();
        const auto got = co_await timed([&] { return stream.next(); });
        expect_fired(got, errc::idle_timeout, phase::body, "time_limits::idle");
        EXPECT_EQ(stream.partial().text(), "Hello");
        EXPECT_EQ((co_await failure_of(stream.next())).code, errc::idle_timeout);
        EXPECT_EQ(one.stats().connections, 0U);
    };
    run(body());
}

TEST_P(Limits, CommentsAreLife)
{
    auto comments = std::make_shared<int>(0);
    server.enqueue(script()
                       .expect_request()
                       .start_stream()
                       .event(chunk_json("Hello "))
                       .stream(
                           [comments](std::string& piece) {
                               piece = http_chunk(": still here\n\n");
                               return ++*comments <= 8;
                           },
                           50ms)
                       .event(chunk_json("Rome", "stop"))
                       .event("[DONE]")
                       .end_stream());
    config.time.idle = limit;
    const auto got = run(stream_once(config, question()));
    EXPECT_FALSE(got.failure) << describe(*got.failure);
    EXPECT_EQ(got.text, "Hello Rome");
}

TEST_P(Limits, ASlowConsumerIsNoError)
{
    server.enqueue(script().expect_request().then(good_stream()));
    config.time.idle = 20ms;
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        auto stream = co_await one.stream_chat(question());
        co_await stream.next();
        asio::steady_timer rest(executor, 60ms);
        co_await rest.async_wait(asio::use_awaitable);
        const auto got = co_await read_stream(std::move(stream));
        EXPECT_FALSE(got.failure) << describe(*got.failure);
        EXPECT_EQ(got.text, "Rome");
    };
    run(body());
}

TEST_P(Limits, IdleOfAWholeAnswer)
{
    server.enqueue(script().expect_request().send(
        http_head(200, "content-type: application/json\r\ncontent-length: 100\r\n") + "{"));
    config.time.idle = limit;
    const auto got = run_to_limit(chat);
    expect_fired(got, errc::idle_timeout, phase::body, "time_limits::idle");
}

TEST_P(Limits, AnErrorWhoseWordsDoNotComeIsThatError)
{
    const auto silent = [](int status) {
        return script().expect_request().send(
            http_head(status, "content-type: application/json\r\ncontent-length: 100\r\n") + "{");
    };
    server.enqueue(silent(503));
    server.enqueue(silent(400));
    config.time.idle = limit;
    config.retry.max_retries = 1;
    config.retry.initial_delay = 1ms;
    const auto got = run_to_limit(chat);
    EXPECT_EQ(got.info.code, errc::bad_request) << describe(got.info);
    EXPECT_EQ(got.info.attempts, 2);
    EXPECT_EQ(server.counts().requests, 2U);
}

TEST_P(Limits, Total)
{
    server.enqueue(script().expect_request().stall());
    config.time.total = limit;
    const auto got = run_to_limit(chat);
    expect_fired(got, errc::total_timeout, phase::head, "time_limits::total");
}

TEST_P(Limits, TotalOfAStreamThatIsNotRead)
{
    config.time.total = limit;
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        auto stream = co_await one.stream_chat(question("sim-endless"));
        co_await stream.next();
        asio::steady_timer rest(executor, limit + 20ms);
        co_await rest.async_wait(asio::use_awaitable);
        boost::system::error_code code;
        while (!code)
        {
            const auto chunk = co_await try_await(stream.next());
            if (!chunk)
                code = chunk.error().code;
        }
        EXPECT_EQ(code, errc::total_timeout);
        EXPECT_EQ(one.stats().connections, 0U);
    };
    run(body());
}

TEST_P(Limits, Deadline)
{
    server.enqueue(script().expect_request().stall());
    const auto got = run_to_limit([](const client& one) {
        call_options options;
        options.deadline = clock::now() + limit;
        return one.chat(question(), options);
    });
    EXPECT_EQ(got.info.code, errc::deadline_exceeded);
    EXPECT_TRUE(contains(describe(got.info), "call_options::deadline"));
    expect_late(got.took);
}

TEST_P(Limits, DeadlineThatHasPassed)
{
    const auto got = run_to_limit([](const client& one) {
        call_options options;
        options.deadline = clock::now() - 1s;
        return one.chat(question(), options);
    });
    EXPECT_EQ(got.info.code, errc::deadline_exceeded);
    EXPECT_FALSE(got.info.sent);
    EXPECT_EQ(got.info.attempts, 0);
    EXPECT_EQ(server.counts().requests, 0U);
}

TEST_P(Limits, OnesBeyondAllTimeAreNone)
{
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        call_options options;
        options.deadline = clock::time_point::max();
        auto stream = co_await one.stream_chat(question(), options);
        EXPECT_TRUE(co_await stream.next_for(std::chrono::nanoseconds::max()));
        options.deadline = clock::time_point::min();
        const auto late = co_await failure_of(one.chat(question(), options));
        EXPECT_EQ(late.code, errc::deadline_exceeded);
        options = {};
        options.time.idle = std::chrono::milliseconds::max();
        const auto refused = co_await failure_of(one.stream_chat(question(), options));
        EXPECT_EQ(refused.code, errc::bad_config);
    };
    run(body());
}

TEST_P(Limits, TotalThatIsOverBeforeTheFirstAttempt)
{
    // The client's context does other things first.
    asio::io_context theirs;
    auto work = std::make_optional(asio::make_work_guard(theirs));
    config.time.total = 5ms;
    gate late;
    const client one(theirs, config);
    std::thread thread([&] {
        EXPECT_TRUE(late.wait());
        theirs.run();
    });
    const auto body = [&]() -> asio::awaitable<void> {
        asio::steady_timer open(co_await asio::this_coro::executor, 20ms);
        open.async_wait([&](boost::system::error_code) { late.open(); });
        const auto got = co_await failure_of(one.chat(question()));
        EXPECT_EQ(got.code, errc::total_timeout) << describe(got);
        EXPECT_TRUE(contains(describe(got), "5 ms"));
        EXPECT_EQ(got.attempts, 0);
    };
    run(body());
    one.close();
    work.reset();
    thread.join();
}

TEST_P(Limits, ZeroSwitchesALimitOff)
{
    server.enqueue(script().expect_request().pause(30ms).then(good_stream()));
    config.time.head = 10ms;
    call_options options;
    options.time.head = 0ms;
    const auto got = run(stream_once(config, question(), options));
    EXPECT_FALSE(got.failure) << describe(*got.failure);
}

/// Remembers when the connection of a call stood.
class connect_watch final : public observer
{
public:
    void connection_acquired(const call_event&, const connection_event&) noexcept override
    {
        at = clock::now();
    }

    clock::time_point at;
};

/// Stops its call when the connection stands.
class stopper final : public observer
{
public:
    void connection_acquired(const call_event&, const connection_event&) noexcept override
    {
        source.request_stop();
    }

    std::stop_source source;
};

TEST(Stop, BeforeTheRequestIsWrittenSendsNothing)
{
    for (const bool tls : {false, true})
    {
        test_server server(tls ? server_options() : server_options::plain());
        const auto watch = std::make_shared<stopper>();
        auto config = config_for(server);
        config.observer = watch;
        call_options options;
        options.stop = watch->source.get_token();
        const auto got = run(chat_once(config, question(), options));
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, asio::error::operation_aborted) << describe(got.error());
        EXPECT_FALSE(got.error().sent);
        EXPECT_NE(got.error().where, phase::send);
        EXPECT_EQ(server.counts().requests, 0U);
    }
}

/// Stops its call when it is told of that, once it is armed.
class armed_stopper final : public observer
{
public:
    enum class moment
    {
        connected,
        head
    };

    explicit armed_stopper(moment when) : when_(when) {}

    void arm() { is_armed_ = true; }
    [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

    void connection_acquired(const call_event&, const connection_event&) noexcept override
    {
        stop_at(moment::connected);
    }
    void head_received(const call_event&, const metadata&) noexcept override
    {
        stop_at(moment::head);
    }

private:
    void stop_at(moment now)
    {
        if (is_armed_ && now == when_)
            source_.request_stop();
    }

    const moment when_;
    bool is_armed_ = false;
    std::stop_source source_;
};

/// Asks twice on one connection; the second call is stopped in that moment.
asio::awaitable<error_info> stopped_on_a_kept_connection(client_config config,
                                                         armed_stopper::moment when)
{
    const auto watch = std::make_shared<armed_stopper>(when);
    config.observer = watch;
    const client one(co_await asio::this_coro::executor, config);
    co_await one.chat(question());
    watch->arm();
    call_options options;
    options.stop = watch->token();
    co_return co_await failure_of(one.chat(question(), options));
}

// On a kept connection the call ends without having waited for anything.
TEST(Stop, OnAKeptConnectionIsToldToo)
{
    test_server server(server_options::plain());
    const auto failure =
        run(stopped_on_a_kept_connection(config_for(server), armed_stopper::moment::connected));
    EXPECT_EQ(failure.code, asio::error::operation_aborted) << describe(failure);
    EXPECT_FALSE(failure.sent);
    EXPECT_EQ(server.counts().accepted, 1U);
    EXPECT_EQ(server.counts().requests, 1U);
}

TEST(Stop, WithTheHeadCountsWhereTheBodyHasComeAlong)
{
    test_server server(server_options::plain());
    for (int i = 0; i != 2; ++i)
    {
        // short enough for one read
        server.enqueue(
            script().expect_request().respond(200, "application/json", answer_json("Rome")));
    }
    const auto failure =
        run(stopped_on_a_kept_connection(config_for(server), armed_stopper::moment::head));
    EXPECT_EQ(failure.code, asio::error::operation_aborted) << describe(failure);
    EXPECT_TRUE(failure.sent);
}

asio::awaitable<error_info> transcript_failure(client_config config, upload file)
{
    const client one(co_await asio::this_coro::executor, config);
    const transcription_request request("faster-whisper-large-v3", std::move(file));
    const auto got = co_await try_await(one.transcribe(request));
    co_return got ? error_info() : got.error();
}

asio::awaitable<std::string> slow_piece(bool is_last)
{
    asio::steady_timer rest(co_await asio::this_coro::executor, 60ms);
    co_await rest.async_wait(asio::use_awaitable);
    co_return is_last ? "" : "sound";
}

TEST(SendLimit, NoProgressWhileSending)
{
    const auto watch = std::make_shared<connect_watch>();
    auto how = server_options::plain();
    how.receive_buffer = 4096;
    test_server server(how);
    server.enqueue(script().stop_reading().stall());
    auto config = config_for(server);
    config.time.send = limit;
    config.retry.max_retries = 0;
    config.observer = watch;
    const auto body = [&]() -> asio::awaitable<fired> {
        const client one(co_await asio::this_coro::executor, config);
        chat_request large("sim-chat");
        large.user(std::string(32 * 1024 * 1024, 'x'));
        auto got = co_await timed([&] { return one.chat(large); });
        got.took = clock::now() - watch->at;
        co_return got;
    };
    const auto got = run(body());
    EXPECT_EQ(got.info.code, errc::send_timeout) << describe(got.info);
    EXPECT_EQ(got.info.where, phase::send);
    EXPECT_TRUE(contains(describe(got.info), "200 ms"));
    EXPECT_TRUE(contains(describe(got.info), "time_limits::send"));
    expect_late(got.took);
}

TEST(SendLimit, DoesNotCountTheTimeThatTheSourceTakes)
{
    test_server server(server_options::plain());
    auto config = config_for(server);
    config.time.send = 20ms;
    config.retry.max_retries = 0;
    const auto open = [] {
        return upload::reader([left = 2]() mutable { return slow_piece(--left == 0); });
    };
    const auto got = run(transcript_failure(config, upload::source(open, "a.wav")));
    EXPECT_FALSE(got.code) << describe(got);
}

TEST(ConnectLimit, CountsALookUpThatHangs)
{
    test_server server(server_options::plain());
    auto config = config_for(server);
    config.time.connect = limit;
    config.retry.max_retries = 0;
    const auto body = [&]() -> asio::awaitable<void> {
        const auto one = client_on(co_await asio::this_coro::executor, config, {});
        const auto got = co_await timed([&] { return one.chat(question()); });
        expect_fired(got, errc::connect_timeout, phase::resolve, "time_limits::connect");
        EXPECT_TRUE(contains(got.info.message, "look-up"));
        EXPECT_FALSE(got.info.sent);
    };
    run(body());
}

TEST(ConnectLimit, AContextMayEndWhileALookUpHangs)
{
    test_server server(server_options::plain());
    asio::io_context io{1};
    const auto one = client_on(io.get_executor(), config_for(server), {});
    asio::co_spawn(io, one.chat(question()), [](std::exception_ptr, const chat_response&) {});
    io.poll();
    EXPECT_EQ(one.stats().connecting, 1U);
}

TEST(ConnectLimit, CountsAnAddressThatDoesNotAnswer)
{
    const black_hole nobody("127.0.0.2");
    test_server server(server_options::plain());
    auto config = config_for(server);
    config.time.connect = limit;
    config.retry.max_retries = 0;
    const net::resolver::addresses known{nobody.address()};
    const auto body = [&]() -> asio::awaitable<void> {
        const auto one = client_on(co_await asio::this_coro::executor, config, known);
        const auto got = co_await timed([&] { return one.chat(question()); });
        expect_fired(got, errc::connect_timeout, phase::connect, "time_limits::connect");
        EXPECT_TRUE(contains(got.info.message, "the server does not answer"));
    };
    run(body());
}

TEST(ConnectLimit, CountsAHandshakeThatHangs)
{
    test_server server;
    server.enqueue(script().open_with(opening::never_handshake));
    auto config = config_for(server);
    config.time.connect = limit;
    config.retry.max_retries = 0;
    const auto body = [&]() -> asio::awaitable<void> {
        const client one(co_await asio::this_coro::executor, config);
        const auto got = co_await timed([&] { return one.chat(question()); });
        expect_fired(got, errc::connect_timeout, phase::tls, "time_limits::connect");
        EXPECT_TRUE(contains(got.info.message, "TLS handshake"));
    };
    run(body());
}

// It may be why there is no place. What the caller has ended himself is not, nor what is over.
TEST(ConnectLimit, IsToldToWhoWaitsForAPlace)
{
    test_server server;
    for (int i = 0; i < 3; ++i)
        server.enqueue(script().open_with(opening::never_handshake));
    auto config = config_for(server);
    config.pool.max_connections = 1;
    config.time.queue = limit;
    config.retry.max_retries = 0;
    const auto body = [&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const client one(executor, config);
        call_options brief;
        brief.time.connect = limit;
        const auto late = co_await failure_of(one.chat(question(), brief));
        EXPECT_EQ(late.code, errc::connect_timeout);
        call_options ended;
        ended.time.total = limit;
        const auto over = co_await failure_of(one.chat(question(), ended));
        EXPECT_EQ(over.code, errc::total_timeout);
        std::stop_source stop;
        call_options lasting;
        lasting.stop = stop.get_token();
        asio::co_spawn(executor, one.chat(question(), lasting),
                       [](const std::exception_ptr&, const chat_response&) {});
        while (one.stats().connecting != 1)
            co_await asio::post(executor, asio::use_awaitable);
        const auto waited = co_await failure_of(one.chat(question()));
        EXPECT_EQ(waited.code, errc::queue_timeout);
        EXPECT_TRUE(contains(waited.message, "last connect error: " + late.message));
        stop.request_stop();
        while (one.stats().connecting != 0)
            co_await asio::post(executor, asio::use_awaitable);
        const auto held = co_await one.stream_chat(question("sim-endless"));
        const auto again = co_await failure_of(one.chat(question()));
        EXPECT_EQ(again.code, errc::queue_timeout);
        EXPECT_FALSE(contains(again.message, "last connect error"));
    };
    run(body());
}

TEST(ConnectLimit, IsRetriedSinceNothingWasSent)
{
    test_server server;
    server.enqueue(script().open_with(opening::never_handshake));
    auto config = config_for(server);
    config.time.connect = limit;
    const auto got = run(stream_once(config, question()));
    EXPECT_FALSE(got.failure) << describe(*got.failure);
    EXPECT_EQ(got.attempts, 2);
}

TEST(ConnectLimit, UsesTheAttemptsUp)
{
    test_server server;
    for (int i = 0; i < 3; ++i)
        server.enqueue(script().open_with(opening::never_handshake));
    auto config = config_for(server);
    config.time.connect = 30ms;
    config.time.total = 5s;
    const auto got = run(stream_once(config, question()));
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::connect_timeout);
    EXPECT_EQ(got.failure->attempts, 3);
    EXPECT_TRUE(server.wait_until([&] { return server.counts().open == 0; }));
}

TEST(ConnectLimit, TheTotalLimitGoesOnOverItsRetries)
{
    test_server server;
    for (int i = 0; i < 30; ++i)
        server.enqueue(script().open_with(opening::never_handshake));
    auto config = config_for(server);
    config.time.connect = 30ms;
    config.time.total = 100ms;
    config.retry.max_retries = 29;
    const auto since = clock::now();
    const auto got = run(stream_once(config, question()));
    EXPECT_LT(clock::now() - since, 3s);
    ASSERT_TRUE(got.failure);
    EXPECT_GT(got.failure->attempts, 1);
    EXPECT_LT(got.failure->attempts, 5);
    // Where the wait before the next attempt alone takes what is left, it is not waited for.
    if (got.failure->code != errc::total_timeout)
    {
        EXPECT_EQ(got.failure->code, errc::connect_timeout);
        EXPECT_TRUE(contains(describe(*got.failure), "no time is left"));
    }
}

TEST(HeadLimit, IsNotRetriedSinceTheServerMayBeWorking)
{
    test_server server(server_options::plain());
    server.enqueue(script().expect_request().stall());
    auto config = config_for(server);
    config.time.head = 30ms;
    const auto got = run(stream_once(config, question()));
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, errc::head_timeout);
    EXPECT_EQ(got.failure->attempts, 1);
}

TEST(HappyEyeballs, ABlackHoleBeforeTheRightAddressCostsOneDelay)
{
    const black_hole nobody("127.0.0.2");
    for (const bool tls : {false, true})
    {
        test_server server(tls ? server_options::https() : server_options::plain());
        const tcp::endpoint right(asio::ip::make_address("127.0.0.1"), server.port());
        const net::resolver::addresses known{nobody.address(), right};
        const auto body = [&]() -> asio::awaitable<void> {
            const auto one =
                client_on(co_await asio::this_coro::executor, config_for(server), known);
            const auto since = clock::now();
            const auto answer = co_await one.chat(question());
            EXPECT_LT(clock::now() - since, 3s);
            EXPECT_EQ(answer.metadata.attempts, 1);
            const auto connect = answer.metadata.timings.connect.value_or(0ns);
            EXPECT_GE(connect, 249ms);
            ::testing::Test::RecordProperty(tls ? "tls_us" : "plain_us",
                                            std::to_string(connect.count() / 1000));
        };
        run(body());
    }
}

TEST(HappyEyeballs, ARefusedAddressCostsNothing)
{
    test_server server(server_options::plain());
    tcp::endpoint refused;
    {
        asio::io_context io;
        const tcp::acceptor gone(io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
        refused = gone.local_endpoint();
    }
    const tcp::endpoint right(asio::ip::make_address("127.0.0.1"), server.port());
    auto config = config_for(server);
    config.pool.connection_attempt_delay = 5s;
    const net::resolver::addresses known{refused, right};
    const auto body = [&]() -> asio::awaitable<void> {
        const auto one = client_on(co_await asio::this_coro::executor, config, known);
        const auto answer = co_await one.chat(question());
        EXPECT_EQ(answer.metadata.attempts, 1);
    };
    run(body(), 4s);
}

TEST(HappyEyeballs, AllRefusedIsOneError)
{
    test_server server(server_options::plain());
    tcp::endpoint refused;
    {
        asio::io_context io;
        const tcp::acceptor gone(io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
        refused = gone.local_endpoint();
    }
    auto config = config_for(server);
    config.retry.max_retries = 1;
    const net::resolver::addresses known{refused, refused};
    const auto body = [&]() -> asio::awaitable<void> {
        const auto one = client_on(co_await asio::this_coro::executor, config, known);
        const auto got = co_await failure_of(one.chat(question()));
        EXPECT_EQ(got.code, asio::error::connection_refused);
        EXPECT_EQ(got.where, phase::connect);
        EXPECT_EQ(got.attempts, 2);
        EXPECT_FALSE(got.sent);
        EXPECT_TRUE(contains(describe(got), "is the server running"));
    };
    run(body());
}

}  // namespace

}  // namespace regolo::test
