// What a stream does between its head and its end, and how it lets go of its connection.

#include "integration/exchanges.hpp"

#include <regolo/testing/run.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <thread>

namespace regolo::test {

using namespace regolo::testing;

namespace {

using namespace std::chrono_literals;

std::string chunk_of(std::string_view text, std::string_view finish = "null")
{
    return R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,)"
           R"("delta":{"content":")" +
           std::string(text) + R"("},"finish_reason":)" + std::string(finish) + "}]}";
}

/// One chunk, then at the gate's opening another and the end.
script two_chunks(gate more)
{
    return script()
        .expect_request()
        .start_stream()
        .event(chunk_of("one"))
        .pause(std::move(more))
        .event(chunk_of("two", "\"stop\""))
        .event("[DONE]")
        .end_stream();
}

chat_request hello(std::string model = "sim-chat") { return {std::move(model), "count to 5"}; }

template <class T>
boost::system::error_code code_of(const result<T>& outcome)
{
    return outcome ? boost::system::error_code() : outcome.error().code;
}

class Stream : public ::testing::TestWithParam<bool>
{
protected:
    chat_stream open(const chat_request& request = hello(), call_options options = {})
    {
        return run_on(io_, client_.stream_chat(request, std::move(options)));
    }
    std::optional<chat_chunk> next(chat_stream& stream) { return run_on(io_, stream.next()); }
    result<std::optional<chat_chunk>> try_next(chat_stream& stream)
    {
        return run_on(io_, try_await(stream.next()));
    }
    void expect_closed()
    {
        EXPECT_TRUE(run_until(io_, [&] { return is_quiet(client_); }));
        EXPECT_TRUE(run_until_closed(io_, server_, [] { return 0U; }));
    }

    test_server server_{options_for(GetParam())};
    asio::io_context io_{1};
    client client_{io_, config_for(server_)};
};

INSTANTIATE_TEST_SUITE_P(Transports, Stream, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

TEST_P(Stream, TimedOutWaitLeavesItWhole)
{
    const gate more;
    server_.enqueue(two_chunks(more));
    auto stream = open();
    EXPECT_EQ(next(stream)->text(), "one");
    for (int i = 0; i != 3; ++i)
    {
        const auto waited = run_on(io_, try_await(stream.next_for(5ms)));
        ASSERT_FALSE(waited);
        EXPECT_EQ(waited.error().code, errc::wait_timeout);
        EXPECT_NE(waited.error().message.find("5 ms"), std::string::npos);
        EXPECT_EQ(stream.ended_as(), stream_end::open);
        chat_chunk meanwhile;
        EXPECT_FALSE(stream.try_next(meanwhile));
    }
    gate(more).open();
    EXPECT_EQ(run_on(io_, stream.next_for(10s))->text(), "two");
    EXPECT_FALSE(next(stream));
    EXPECT_EQ(stream.ended_as(), stream_end::done);
    EXPECT_EQ(stream.partial().text(), "onetwo");
    EXPECT_TRUE(run_until(io_, [&] { return client_.stats().idle == 1; }));
}

TEST_P(Stream, ChunkThatArrivesAfterATimeOutIsThere)
{
    gate more;
    server_.enqueue(two_chunks(more));
    auto stream = open();
    EXPECT_EQ(next(stream)->text(), "one");
    EXPECT_EQ(code_of(run_on(io_, try_await(stream.next_for(1ms)))), errc::wait_timeout);
    more.open();
    // The read goes on without a caller.
    chat_chunk found;
    EXPECT_TRUE(run_until(io_, [&] { return stream.try_next(found); }));
    EXPECT_EQ(found.text(), "two");
    EXPECT_FALSE(next(stream));
}

TEST_P(Stream, LimitThatHasPassedTakesWhatIsThere)
{
    auto stream = open();
    std::string text;
    for (;;)
    {
        const auto got = run_on(io_, try_await(stream.next_for(0ms)));
        if (!got)
        {
            ASSERT_EQ(got.error().code, errc::wait_timeout);
            continue;
        }
        if (!*got)
            break;
        text += (*got)->text();
    }
    EXPECT_EQ(text, "1 2 3 4 5");
}

TEST_P(Stream, SecondNextFailsAndHurtsNothing)
{
    gate more;
    server_.enqueue(two_chunks(more));
    auto stream = open();
    EXPECT_EQ(next(stream)->text(), "one");
    std::string text;
    asio::co_spawn(io_, stream.next(),
                   [&](std::exception_ptr failure, std::optional<chat_chunk> chunk) {
                       EXPECT_FALSE(failure);
                       text = chunk->text();
                   });
    io_.restart();
    io_.poll();
    for (int i = 0; i != 2; ++i)
    {
        const auto second = try_next(stream);
        EXPECT_EQ(code_of(second), errc::operation_in_progress);
        EXPECT_EQ(code_of(run_on(io_, try_await(stream.next_for(1ms)))),
                  errc::operation_in_progress);
        chat_chunk none;
        EXPECT_FALSE(stream.try_next(none));
    }
    more.open();
    EXPECT_TRUE(run_until(io_, [&] { return text == "two"; }));
    EXPECT_FALSE(next(stream));
    EXPECT_EQ(stream.ended_as(), stream_end::done);
}

TEST_P(Stream, CloseEndsAWaitingNext)
{
    server_.enqueue(two_chunks(gate()));
    auto stream = open();
    EXPECT_EQ(next(stream)->text(), "one");
    std::optional<error_info> failure;
    asio::co_spawn(io_, try_await(stream.next()),
                   [&](std::exception_ptr, auto outcome) { failure = outcome.error(); });
    io_.restart();
    io_.poll();
    stream.close();
    EXPECT_TRUE(run_until(io_, [&] { return failure.has_value(); }));
    EXPECT_EQ(failure->code, asio::error::operation_aborted);
    EXPECT_EQ(stream.ended_as(), stream_end::closed);
    EXPECT_EQ(code_of(try_next(stream)), asio::error::operation_aborted);
    EXPECT_EQ(stream.partial().text(), "one");
    stream.close();
    expect_closed();
}

TEST_P(Stream, CloseBetweenTwoChunksClosesTheConnectionAtOnce)
{
    server_.enqueue(two_chunks(gate()));
    auto stream = open();
    EXPECT_EQ(next(stream)->text(), "one");
    asio::post(io_, [&] {
        stream.close();
        EXPECT_TRUE(is_quiet(client_));
        EXPECT_TRUE(run_until_closed(io_, server_, [] { return 0U; }));
    });
    io_.restart();
    io_.run_one();
    EXPECT_EQ(stream.ended_as(), stream_end::closed);
    EXPECT_EQ(code_of(try_next(stream)), asio::error::operation_aborted);
}

TEST_P(Stream, CancellationClosesTheSocketInTheSameTurn)
{
    server_.enqueue(two_chunks(gate()));
    auto stream = open();
    EXPECT_EQ(next(stream)->text(), "one");
    asio::cancellation_signal signal;
    bool is_over = false;
    asio::co_spawn(io_, stream.next(),
                   asio::bind_cancellation_slot(
                       signal.slot(), [&](std::exception_ptr failure, std::optional<chat_chunk>) {
                           EXPECT_TRUE(failure);
                           is_over = true;
                       }));
    io_.restart();
    io_.poll();
    asio::post(io_, [&] {
        signal.emit(asio::cancellation_type::terminal);
        EXPECT_TRUE(is_quiet(client_) || client_.stats().calls == 1);
        EXPECT_EQ(client_.stats().in_use, 0U) << "the place is free at once";
        EXPECT_TRUE(run_until_closed(io_, server_, [] { return 0U; }));
    });
    EXPECT_TRUE(run_until(io_, [&] { return is_over; }));
    EXPECT_EQ(stream.ended_as(), stream_end::closed);
    expect_closed();
}

TEST_P(Stream, LosingARaceEndsIt)
{
    using namespace asio::experimental::awaitable_operators;
    server_.enqueue(two_chunks(gate()));
    auto stream = open();
    EXPECT_EQ(next(stream)->text(), "one");
    const auto sleep = [&]() -> asio::awaitable<void> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
        co_await timer.async_wait(asio::use_awaitable);
    };
    EXPECT_EQ(run_on(io_, stream.next() || sleep()).index(), 1U);
    EXPECT_EQ(stream.ended_as(), stream_end::closed);
    EXPECT_EQ(code_of(try_next(stream)), asio::error::operation_aborted);
    expect_closed();
}

TEST_P(Stream, EmptyAndMovedFromHaveNothing)
{
    chat_stream none;
    EXPECT_EQ(code_of(try_next(none)), asio::error::operation_aborted);
    EXPECT_EQ(none.ended_as(), stream_end::closed);
    chat_chunk chunk;
    EXPECT_FALSE(none.try_next(chunk));
    EXPECT_EQ(none.partial().text(), "");
    EXPECT_EQ(none.metadata().status, 0);
    none.close();

    auto stream = open();
    auto moved = std::move(stream);
    EXPECT_EQ(code_of(try_next(stream)), asio::error::operation_aborted);  // NOLINT: on purpose
    stream.close();
    EXPECT_EQ(next(moved)->text(), "1");
    stream = std::move(moved);
    EXPECT_EQ(next(stream)->text(), " 2");
}

TEST_P(Stream, MayMoveUnderAWaitingNext)
{
    gate more;
    server_.enqueue(two_chunks(more));
    auto stream = open();
    EXPECT_EQ(next(stream)->text(), "one");
    std::string text;
    asio::co_spawn(io_, stream.next(), [&](std::exception_ptr, std::optional<chat_chunk> chunk) {
        text = chunk ? chunk->text() : "";
    });
    auto moved = std::make_unique<chat_stream>(std::move(stream));
    io_.restart();
    io_.poll();
    *moved = chat_stream(std::move(*moved));
    more.open();
    EXPECT_TRUE(run_until(io_, [&] { return text == "two"; }));
    EXPECT_FALSE(next(*moved));
}

TEST_P(Stream, AssignmentClosesTheOldOne)
{
    server_.enqueue(two_chunks(gate()));
    auto stream = open();
    stream = chat_stream();
    expect_closed();
}

TEST_P(Stream, DestroyedUnderAWaitingNext)
{
    server_.enqueue(two_chunks(gate()));
    auto stream = std::make_unique<chat_stream>(open());
    std::optional<error_info> failure;
    static_cast<void>(next(*stream));
    asio::co_spawn(io_, try_await(stream->next()),
                   [&](std::exception_ptr, auto outcome) { failure = outcome.error(); });
    io_.restart();
    io_.poll();
    stream.reset();
    EXPECT_TRUE(run_until(io_, [&] { return failure.has_value(); }));
    EXPECT_EQ(failure->code, asio::error::operation_aborted);
    expect_closed();
}

TEST_P(Stream, OutlivesItsClient)
{
    gate more;
    server_.enqueue(two_chunks(more));
    std::optional<client> other(std::in_place, io_, config_for(server_));
    auto stream = run_on(io_, other->stream_chat(hello()));
    other.reset();
    more.open();
    EXPECT_EQ(next(stream)->text(), "one");
    EXPECT_EQ(next(stream)->text(), "two");
    EXPECT_FALSE(next(stream));
    // Nobody is there to use the connection again.
    expect_closed();
}

TEST_P(Stream, RepeatsItsEnd)
{
    auto stream = open();
    while (next(stream))
    {}
    for (int i = 0; i != 2; ++i)
    {
        EXPECT_FALSE(next(stream));
        EXPECT_FALSE(run_on(io_, stream.next_for(1ms)));
        chat_chunk none;
        EXPECT_FALSE(run_on(io_, stream.next(none)));
        EXPECT_FALSE(stream.try_next(none));
    }
    EXPECT_EQ(stream.ended_as(), stream_end::done);
    EXPECT_EQ(stream.partial().text(), "1 2 3 4 5");
    EXPECT_EQ(stream.partial().finish_reason(), "stop");
    stream.close();
    EXPECT_EQ(stream.ended_as(), stream_end::done);
    EXPECT_TRUE(run_until(io_, [&] { return client_.stats().idle == 1; }));
}

TEST_P(Stream, RepeatsItsErrorAndKeepsWhatHadArrived)
{
    for (const char* model : {"error-mid-stream", "cut-mid-stream", "reset-mid-stream"})
    {
        SCOPED_TRACE(model);
        auto stream = open(hello(model));
        auto got = try_next(stream);
        std::string text;
        for (; got && *got; got = try_next(stream))
            text += (*got)->text();
        ASSERT_FALSE(got);
        // RST may overtake what is not read yet.
        if (std::string_view(model) != "reset-mid-stream")
        {
            EXPECT_EQ(text, "1 2 3");
        }
        EXPECT_EQ(stream.partial().text(), text);
        EXPECT_EQ(stream.ended_as(), stream_end::failed);
        const auto again = try_next(stream);
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().code, got.error().code);
        EXPECT_EQ(again.error().message, got.error().message);
        EXPECT_EQ(again.error().call_id, got.error().call_id);
        chat_chunk none;
        EXPECT_FALSE(stream.try_next(none));
        expect_closed();
    }
}

TEST_P(Stream, ReusedChunkAndTryNextSeeEveryChunk)
{
    auto stream = open({"sim-chat", "count to 100"});
    std::string text;
    const auto read = [&]() -> asio::awaitable<void> {
        chat_chunk chunk;
        while (co_await stream.next(chunk))
        {
            do
                text += chunk.text();
            while (stream.try_next(chunk));
        }
    };
    run_on(io_, read());
    EXPECT_EQ(text, stream.partial().text());
    EXPECT_TRUE(text.starts_with("1 2 3 "));
    EXPECT_TRUE(text.ends_with(" 99 100"));
}

TEST_P(Stream, CompletionsAndEventsKeepTheSameRules)
{
    const completion_request request("sim-chat", "count to 5");
    auto texts = run_on(io_, client_.stream_completion(request));
    EXPECT_EQ(run_on(io_, texts.next())->text(), "1");
    EXPECT_EQ(texts.partial().text(), "1");
    while (run_on(io_, texts.next()))
    {}
    EXPECT_EQ(texts.ended_as(), stream_end::done);
    EXPECT_EQ(texts.partial().text(), "1 2 3 4 5");

    api_request raw("POST", "/v1/completions");
    raw.body = R"({"model":"sim-chat","prompt":"count to 2","stream":true})";
    auto events = run_on(io_, client_.stream_request(raw));
    std::size_t count = 0;
    while (auto event = run_on(io_, events.next()))
    {
        EXPECT_NE(event->data, "[DONE]");
        ++count;
    }
    EXPECT_GE(count, 2U);
    EXPECT_EQ(events.ended_as(), stream_end::done);
}

TEST_P(Stream, DroppedOnAForeignThreadFreesItsPlace)
{
    auto config = config_for(server_);
    config.pool.max_connections = 1;
    const client narrow(io_, config);
    server_.enqueue(two_chunks(gate()));
    auto stream = run_on(io_, narrow.stream_chat(hello()));
    EXPECT_EQ(run_on(io_, stream.next())->text(), "one");
    ending second;
    asio::co_spawn(io_, exchange_of(kind::chat, narrow),
                   [&](std::exception_ptr failure, std::string text) {
                       second.note(failure, std::move(text));
                   });
    EXPECT_TRUE(run_until(io_, [&] { return narrow.stats().waiting == 1; }));
    std::thread([dropped = std::move(stream)]() mutable {
        const chat_stream last(std::move(dropped));
    }).join();
    EXPECT_TRUE(run_until(io_, [&] { return second.is_done; }));
    EXPECT_FALSE(second.error);
    EXPECT_EQ(second.text, "1 2 3 4 5");
}

// ---- back-pressure

std::size_t pieces_so_far(const test_server& server)
{
    const auto all = server.requests();
    return all.empty() ? 0 : all.back().pieces_written;
}

/// Waits until the server could write nothing more for a while.
std::size_t stalled_at(const test_server& server, asio::io_context& io)
{
    std::size_t last = 0;
    do
    {
        last = pieces_so_far(server);
        io.restart();
        io.poll();
    } while (server.wait_until([&] { return pieces_so_far(server) > last; }, 200ms));
    return last;
}

TEST_P(Stream, NotAskingIsBackPressure)
{
    auto options = options_for(GetParam());
    options.send_buffer = 4096;
    options.simulation.tokens_per_write = 64;
    test_server server(options);
    client from(io_, config_for(server));
    auto stream = run_on(io_, from.stream_chat({"sim-endless", "go"}));
    EXPECT_TRUE(next(stream));
    // Only what the system buffers on the way is written: the client reads on for nobody.
    const auto first = stalled_at(server, io_);
    EXPECT_GT(first, 0U);
    // Asking goes on with it.
    const auto read = [&]() -> asio::awaitable<void> {
        chat_chunk chunk;
        while (pieces_so_far(server) <= first && co_await stream.next(chunk))
        {}
    };
    run_on(io_, read());
    EXPECT_GT(pieces_so_far(server), first);
    stream.close();
}

}  // namespace

}  // namespace regolo::test
