// What chat and completion streams offer beside `next()`.

#include "integration/exchanges.hpp"

#include <regolo/testing/make_stream.hpp>
#include <regolo/testing/run.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>

#include <functional>
#include <map>

namespace regolo::test {

namespace {

using namespace std::chrono_literals;

chat_request hello(std::string model = "sim-chat") { return {std::move(model), "count to 5"}; }

constexpr std::string_view frame =
    R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[)";

std::string chunk_of(std::string_view choice) { return std::string(frame).append(choice) + "]}"; }

std::string text_chunk(std::string_view text)
{
    return chunk_of(R"({"index":0,"delta":{"content":")" + std::string(text) + R"("}})");
}

template <class T>
boost::system::error_code code_of(const result<T>& outcome)
{
    return outcome ? boost::system::error_code() : outcome.error().code;
}

/// What ends a function that returns no awaitable.
template <class Function>
error_info failure_of(Function function)
{
    try
    {
        function();
    }
    catch (const regolo::error& failure)
    {
        return failure.info();
    }
    ADD_FAILURE() << "it succeeded";
    return {};
}

class StreamHelpers : public ::testing::TestWithParam<bool>
{
protected:
    chat_stream open(chat_request request = hello(), call_options options = {})
    {
        return run_on(io_, client_.stream_chat(std::move(request), std::move(options)));
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

INSTANTIATE_TEST_SUITE_P(Transports, StreamHelpers, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

// ---- text

TEST_P(StreamHelpers, NextTextSkipsWhatAddsNone)
{
    auto stream = open({"sim-reasoning", "count to 3"});
    std::string text;
    std::size_t count = 0;
    while (auto piece = run_on(io_, stream.next_text()))
    {
        EXPECT_FALSE(piece->empty());
        text += *piece;
        EXPECT_EQ(stream.text(), text);
        ++count;
    }
    EXPECT_EQ(text, "1 2 3");
    EXPECT_EQ(count, 3U);
    EXPECT_FALSE(run_on(io_, stream.next_text()));
    EXPECT_EQ(stream.ended_as(), stream_end::done);
    EXPECT_FALSE(std::as_const(stream).final().reasoning().empty());

    auto plain = run_on(io_, client_.stream_completion({"sim-chat", "count to 3"}));
    text.clear();
    while (auto piece = run_on(io_, plain.next_text()))
        text += *piece;
    EXPECT_EQ(text, "1 2 3");
    EXPECT_EQ(plain.text(), text);
    EXPECT_EQ(plain.final().usage->completion_tokens, 3);
}

TEST_P(StreamHelpers, NextTextEndsAsNextDoes)
{
    auto stream = open(hello("cut-mid-stream"));
    std::string text;
    result<std::optional<std::string>> got{std::optional<std::string>()};
    do
    {
        text += got->value_or("");
        got = run_on(io_, try_await(stream.next_text()));
    } while (got && *got);
    ASSERT_FALSE(got);
    const auto again = run_on(io_, try_await(stream.next()));
    EXPECT_EQ(again.error().message, got.error().message);
    EXPECT_EQ(stream.text(), text);
    EXPECT_EQ(text, "1 2 3");
    EXPECT_EQ(failure_of([&] { static_cast<void>(stream.final()); }).message, got.error().message);

    chat_stream none;
    EXPECT_EQ(code_of(run_on(io_, try_await(none.next_text()))), asio::error::operation_aborted);
    EXPECT_EQ(code_of(run_on(io_, try_await(none.next_piece()))), asio::error::operation_aborted);
    EXPECT_EQ(code_of(run_on(io_, try_await(none.finish(1s)))), asio::error::operation_aborted);
    EXPECT_EQ(failure_of([&] { static_cast<void>(none.final()); }).code,
              asio::error::operation_aborted);
    EXPECT_EQ(none.text(), "");
}

// ---- pieces

TEST_P(StreamHelpers, PiecesTellChoicesAndToolCallsApart)
{
    auto request = chat_request("sim-reasoning", "Use get_weather and get_time in Paris");
    for (const auto* name : {"get_weather", "get_time"})
        request.tools.emplace_back(name, "", boost::json::object{{"type", "object"}});
    request.n = 2;
    const auto whole = run_on(io_, client_.chat(request));

    auto stream = open(request);
    std::map<std::int64_t, std::string> reasoning;
    std::map<std::pair<std::int64_t, std::int64_t>, tool_call> calls;
    std::map<std::int64_t, std::string> finish;
    std::vector<std::int64_t> order;
    std::optional<usage> tokens;
    while (auto piece = run_on(io_, stream.next_piece()))
    {
        switch (piece->kind)
        {
            case piece_kind::reasoning:
                reasoning[piece->choice] += piece->text;
                order.push_back(piece->choice);
                break;
            case piece_kind::tool_call:
            {
                auto& call = calls[{piece->choice, piece->tool_call.index.value()}];
                call.name += piece->tool_call.name;
                call.id += piece->tool_call.id;
                call.arguments += piece->tool_call.arguments;
                break;
            }
            case piece_kind::finish:
                finish[piece->choice] = piece->text;
                break;
            case piece_kind::usage:
                tokens = piece->usage;
                break;
            default:
                ADD_FAILURE() << piece->text;
        }
    }
    ASSERT_EQ(whole.choices.size(), 2U);
    for (const auto& choice : whole.choices)
    {
        EXPECT_EQ(reasoning[choice.index], choice.message.reasoning);
        EXPECT_EQ(finish[choice.index], "tool_calls");
        ASSERT_EQ(choice.message.tool_calls.size(), 2U);
        for (std::size_t i = 0; i != 2; ++i)
        {
            const auto& call = calls[{choice.index, static_cast<std::int64_t>(i)}];
            EXPECT_EQ(call.id, choice.message.tool_calls[i].id);
            EXPECT_EQ(call.name, choice.message.tool_calls[i].name);
            EXPECT_EQ(call.arguments, choice.message.tool_calls[i].arguments);
        }
    }
    ASSERT_GE(order.size(), 4U);
    EXPECT_EQ(std::vector(order.begin(), order.begin() + 4),
              (std::vector<std::int64_t>{0, 1, 0, 1}))
        << "they interleave";
    ASSERT_TRUE(tokens);
    EXPECT_EQ(tokens->completion_tokens, whole.usage->completion_tokens);
    EXPECT_FALSE(run_on(io_, stream.next_piece()));
    EXPECT_EQ(to_json(stream.final().message()), to_json(whole.message()));
}

TEST_P(StreamHelpers, PiecesSurviveANextInBetween)
{
    server_.enqueue(
        script()
            .expect_request()
            .start_stream()
            .event(chunk_of(R"({"index":0,"delta":{"reasoning":"r","content":"a"}},)"
                            R"({"index":1,"delta":{"content":"A"}})"))
            .event(text_chunk("b"))
            .event(chunk_of(R"({"index":0,"delta":{"content":"c"},"finish_reason":"stop"},)"
                            R"({"index":1,"delta":{},"finish_reason":"length"})"))
            .event("{broken")
            .end_stream());
    auto stream = open();
    EXPECT_EQ(run_on(io_, stream.next_piece())->text, "r");
    EXPECT_EQ(stream.text(), "a") << "the chunk counts from its first piece on";
    EXPECT_EQ(run_on(io_, stream.next())->text(), "b");
    EXPECT_EQ(stream.text(), "ab");
    EXPECT_EQ(run_on(io_, stream.next_piece())->text, "a");
    EXPECT_EQ(run_on(io_, stream.next_piece())->text, "A");
    EXPECT_EQ(run_on(io_, stream.next_piece())->text, "c");
    EXPECT_EQ(run_on(io_, stream.next_piece())->kind, piece_kind::finish);
    const auto last = run_on(io_, stream.next_piece());
    EXPECT_EQ(last->choice, 1);
    EXPECT_EQ(last->text, "length");
    for (int i = 0; i != 2; ++i)
        EXPECT_EQ(code_of(run_on(io_, try_await(stream.next_piece()))), errc::bad_response);
    EXPECT_EQ(stream.partial().choices.at(1).finish_reason, "length");
}

// ---- the whole answer

TEST_P(StreamHelpers, FinalIsThereAfterTheEndAlone)
{
    auto stream = open();
    const auto early = failure_of([&] { static_cast<void>(stream.final()); });
    EXPECT_EQ(early.code, errc::stream_open);
    EXPECT_NE(early.message.find("finish()"), std::string::npos);
    EXPECT_EQ(stream.ended_as(), stream_end::open) << "asking hurts nothing";
    while (run_on(io_, stream.next()))
    {}
    const auto copy = stream.final();
    EXPECT_EQ(copy.text(), "1 2 3 4 5");
    EXPECT_EQ(copy.object, "chat.completion");
    EXPECT_EQ(copy.metadata.status, 200);
    EXPECT_EQ(copy.metadata.model, "sim-chat");
    EXPECT_EQ(stream.final().text(), copy.text());
    const auto moved = std::move(stream).final();
    EXPECT_EQ(to_json(moved), to_json(copy));
    EXPECT_EQ(stream.text(), "");  // NOLINT: the stream itself was not moved

    auto closed = open();
    closed.close();
    EXPECT_EQ(failure_of([&] { static_cast<void>(closed.final()); }).code,
              asio::error::operation_aborted);
}

// ---- finish

TEST_P(StreamHelpers, FinishLearnsTheEnd)
{
    auto stream = open();
    EXPECT_EQ(run_on(io_, stream.next())->text(), "1");
    const auto answer = run_on(io_, stream.finish(10s));
    EXPECT_EQ(answer.text(), "1 2 3 4 5");
    EXPECT_EQ(answer.finish_reason(), "stop");
    EXPECT_EQ(answer.usage->completion_tokens, 5);
    EXPECT_EQ(answer.metadata.model, "sim-chat");
    EXPECT_EQ(stream.ended_as(), stream_end::done);
    EXPECT_FALSE(run_on(io_, stream.next()));
    EXPECT_EQ(to_json(run_on(io_, stream.finish(0s))), to_json(answer)) << "again";
    EXPECT_TRUE(run_until(io_, [&] { return client_.stats().idle == 1; }))
        << "the connection is given back";

    auto plain = run_on(io_, client_.stream_completion({"sim-chat", "count to 5"}));
    EXPECT_EQ(run_on(io_, plain.finish(10s)).text(), "1 2 3 4 5");
    EXPECT_EQ(plain.ended_as(), stream_end::done);
}

TEST_P(StreamHelpers, FinishClosesWhatNeverEnds)
{
    for (const auto limit : {0ms, 30ms})
    {
        auto stream = open(hello("sim-endless"));
        EXPECT_EQ(run_on(io_, stream.next())->text(), "1");
        const auto began = std::chrono::steady_clock::now();
        const auto answer = run_on(io_, stream.finish(limit));
        EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
        EXPECT_EQ(answer.text().substr(0, 1), "1");
        EXPECT_EQ(answer.finish_reason(), "");
        EXPECT_FALSE(answer.usage) << "unknown, not zero";
        EXPECT_EQ(stream.ended_as(), stream_end::closed);
        EXPECT_EQ(stream.partial().text(), answer.text());
        EXPECT_EQ(code_of(run_on(io_, try_await(stream.next()))), asio::error::operation_aborted);
        expect_closed();
    }
}

TEST_P(StreamHelpers, FinishClosesWhatStallsOrSendsCommentsAlone)
{
    for (const bool comments : {false, true})
    {
        SCOPED_TRACE(comments);
        auto answer = script().expect_request().start_stream().event(text_chunk("one"));
        if (comments)
        {
            answer.stream([](std::string& piece) { return (piece = "5\r\n: hi\n\r\n", true); },
                          1ms);
        }
        server_.enqueue(answer.stall());
        auto stream = open();
        const auto known = run_on(io_, stream.finish(40ms));
        EXPECT_EQ(known.text(), "one");
        EXPECT_EQ(stream.ended_as(), stream_end::closed);
        expect_closed();
    }
}

TEST_P(StreamHelpers, FinishTakesWhatHasArrivedAtItsLimit)
{
    server_.enqueue(script()
                        .expect_request()
                        .start_stream()
                        .event(text_chunk("one"))
                        .event(text_chunk("two"))
                        .stall());
    auto stream = open();
    EXPECT_EQ(run_on(io_, stream.next_text()), "one");
    EXPECT_EQ(code_of(run_on(io_, try_await(stream.next_for(1h)))), boost::system::error_code());
    // The third wait is not over when the time is: nothing is lost.
    EXPECT_EQ(run_on(io_, stream.finish(1ms)).text(), "onetwo");
}

TEST_P(StreamHelpers, FinishThrowsWhatBreaksTheStream)
{
    for (const char* model : {"error-mid-stream", "cut-mid-stream", "error-first-event-503"})
    {
        SCOPED_TRACE(model);
        auto config = config_for(server_);
        config.retry.max_retries = 3;
        const client patient(io_, config);
        auto stream = run_on(io_, patient.stream_chat(hello(model)));
        const auto outcome = run_on(io_, try_await(stream.finish(10s)));
        ASSERT_FALSE(outcome);
        EXPECT_FALSE(outcome.error().call_id.empty());
        EXPECT_EQ(outcome.error().attempts, 1) << "it begins nothing anew";
        EXPECT_EQ(stream.ended_as(), stream_end::failed);
        const auto again = run_on(io_, try_await(stream.finish(10s)));
        EXPECT_EQ(again.error().message, outcome.error().message);
    }
}

/// A `finish` that has had the first chunk and waits.
struct waiting_finish
{
    waiting_finish(asio::io_context& io, chat_stream& stream)
    {
        asio::co_spawn(
            io, try_await(stream.finish(10min)),
            asio::bind_cancellation_slot(
                signal.slot(), [this](std::exception_ptr failure, result<chat_response> outcome) {
                    is_over = true;
                    if (!failure && !outcome)
                        code = outcome.error().code;
                }));
        EXPECT_TRUE(run_until(io, [&] { return stream.text() == "one"; }));
        io.poll();
    }

    asio::cancellation_signal signal;
    bool is_over = false;
    boost::system::error_code code;
};

TEST_P(StreamHelpers, FinishIsCancelledAsNextIs)
{
    server_.enqueue(script().expect_request().start_stream().event(text_chunk("one")).stall());
    auto stream = open();
    waiting_finish finish(io_, stream);
    EXPECT_FALSE(finish.is_over);
    EXPECT_EQ(code_of(run_on(io_, try_await(stream.next()))), errc::operation_in_progress);
    EXPECT_EQ(code_of(run_on(io_, try_await(stream.next_piece()))), errc::operation_in_progress);
    EXPECT_EQ(code_of(run_on(io_, try_await(stream.finish(1s)))), errc::operation_in_progress);
    asio::post(io_, [&] {
        finish.signal.emit(asio::cancellation_type::terminal);
        EXPECT_EQ(client_.stats().in_use, 0U) << "the place is free at once";
    });
    EXPECT_TRUE(run_until(io_, [&] { return finish.is_over; }));
    EXPECT_EQ(finish.code, asio::error::operation_aborted);
    EXPECT_EQ(stream.ended_as(), stream_end::closed);
    EXPECT_EQ(stream.partial().text(), "one");
    expect_closed();
}

TEST_P(StreamHelpers, CancellationBetweenTwoChunksEndsTheStreamAsWell)
{
    // Each helper is cancelled in the moment in which a chunk comes that it passes over.
    const std::function<asio::awaitable<void>(chat_stream&)> helpers[] = {
        [](chat_stream& stream) -> asio::awaitable<void> {
            co_await try_await(stream.next_text());
        },
        [](chat_stream& stream) -> asio::awaitable<void> {
            co_await try_await(stream.next_piece());
        },
        [](chat_stream& stream) -> asio::awaitable<void> {
            co_await try_await(stream.finish(10min));
        }};
    for (const auto& helper : helpers)
    {
        gate more;
        auto answer = script().expect_request().start_stream().pause(more);
        server_.enqueue(
            answer.event(chunk_of(R"({"index":0,"delta":{"role":"assistant"}})")).stall());
        auto stream = open();
        asio::cancellation_signal signal;
        bool is_over = false;
        asio::co_spawn(io_, helper(stream),
                       asio::bind_cancellation_slot(signal.slot(),
                                                    [&](std::exception_ptr) { is_over = true; }));
        io_.restart();
        io_.poll();
        more.open();
        signal.emit(asio::cancellation_type::terminal);
        EXPECT_TRUE(run_until(io_, [&] { return is_over; }));
        EXPECT_EQ(stream.ended_as(), stream_end::closed);
        expect_closed();
    }
}

TEST_P(StreamHelpers, DroppedOrClosedUnderAFinish)
{
    for (const bool dropped : {false, true})
    {
        SCOPED_TRACE(dropped);
        server_.enqueue(script().expect_request().start_stream().event(text_chunk("one")).stall());
        auto stream = std::make_unique<chat_stream>(open());
        const waiting_finish finish(io_, *stream);
        if (dropped)
            stream.reset();
        else
            stream->close();
        EXPECT_TRUE(run_until(io_, [&] { return finish.is_over; }));
        EXPECT_EQ(finish.code, asio::error::operation_aborted);
        expect_closed();
    }
}

TEST_P(StreamHelpers, FinishObeysAStopToken)
{
    std::stop_source stop;
    call_options options;
    options.stop = stop.get_token();
    server_.enqueue(script().expect_request().start_stream().event(text_chunk("one")).stall());
    auto stream = open(hello(), options);
    const waiting_finish finish(io_, stream);
    stop.request_stop();
    EXPECT_TRUE(run_until(io_, [&] { return finish.is_over; }));
    EXPECT_EQ(finish.code, asio::error::operation_aborted);
    EXPECT_EQ(stream.text(), "one");
    expect_closed();
}

}  // namespace

}  // namespace regolo::test
