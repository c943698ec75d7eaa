// Calls that let the server stream and hand the answer out whole (`call_options::as_stream`).

#include "integration/exchanges.hpp"

#include <regolo/testing/run.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <map>
#include <stop_token>

namespace regolo::test {

namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

call_options as_stream()
{
    call_options options;
    options.as_stream = true;
    return options;
}

std::string chunk_of(std::string_view text, std::string_view finish = "null")
{
    return R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,)"
           R"("delta":{"content":")" +
           std::string(text) + R"("},"finish_reason":)" + std::string(finish) + "}]}";
}

/// An answer in JSON, without what the simulation, as the gateway, tells in one of the two forms alone: the id, which is
/// another for every call, and the place of the stop reason.
template <class Answer>
json::value comparable(const Answer& answer)
{
    auto whole = to_json(answer).as_object();
    EXPECT_NE(whole.at("id"), "");
    whole.erase("id");
    for (auto& each : whole.at("choices").as_array())
    {
        auto& choice = each.as_object();
        const auto* fields = choice.if_contains("provider_specific_fields");
        if (fields == nullptr)
            continue;
        if (const auto reason = fields->at("stop_reason"); !reason.is_null())
            choice["stop_reason"] = reason;
        choice.erase("provider_specific_fields");
    }
    return whole;
}

void expect_same_metadata(const metadata& streamed, const metadata& whole)
{
    EXPECT_EQ(streamed.status, whole.status);
    EXPECT_EQ(streamed.model, whole.model);
    EXPECT_EQ(streamed.model_asked, whole.model_asked);
    EXPECT_EQ(streamed.attempts, whole.attempts);
    EXPECT_FALSE(streamed.call_id.empty());
    EXPECT_FALSE(streamed.request_id.empty());
    EXPECT_TRUE(streamed.timings.total);
}

class AsStream : public ::testing::TestWithParam<bool>
{
protected:
    result<chat_response> ask(chat_request request = {"sim-chat", "count to 5"},
                              call_options options = as_stream())
    {
        return run_on(io_, try_await(client_.chat(std::move(request), std::move(options))));
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

INSTANTIATE_TEST_SUITE_P(Transports, AsStream, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Tls" : "Plain"; });

// ---- the answer

std::map<std::string, chat_request> chat_requests()
{
    std::map<std::string, chat_request> all;
    all["plain"] = {"sim-chat", "Tell me something about Rome."};
    all["system"] = chat_request("sim-chat").system("Be short.").user("h\xC3\xA9llo \"there\"");
    all["reasoning"] = {"sim-reasoning", "count to 3"};
    all["tool"] = {"sim-chat", "Use get_weather for Paris!"};
    all["tools"] = {"sim-reasoning", "Use get_weather and get_time in Paris"};
    for (auto* request : {&all["tool"], &all["tools"]})
        for (const auto* name : {"get_weather", "get_time"})
            request->tools.emplace_back(
                name, "",
                json::object{{"type", "object"},
                             {"properties", {{"city", json::object{{"type", "string"}}}}}});
    all["stop"] = {"sim-chat", "count to 100"};
    all["stop"].stop = {"no", " 6"};
    all["length"] = {"sim-chat", "count to 100"};
    all["length"].max_tokens = 3;
    all["only reasoning"] = {"sim-reasoning", "hello"};
    all["only reasoning"].max_tokens = 2;
    all["logprobs"] = {"sim-chat", "count to 4"};
    all["logprobs"].logprobs = true;
    all["logprobs"].top_logprobs = 2;
    all["json"] = {"sim-chat", "hello"};
    all["json"].extra["response_format"] = {{"type", "json_object"}};
    for (const auto& [name, request] : std::map(all))
    {
        all[name + ", n=2"] = request;
        all[name + ", n=2"].n = 2;
    }
    return all;
}

TEST_P(AsStream, AnswerIsThatOfTheCallWithoutStreaming)
{
    for (const auto& [name, request] : chat_requests())
    {
        SCOPED_TRACE(name);
        const auto whole = run_on(io_, client_.chat(request));
        const auto streamed = ask(request);
        ASSERT_TRUE(streamed) << streamed.error().message;
        EXPECT_EQ(comparable(*streamed), comparable(whole));
        EXPECT_EQ(streamed->object, "chat.completion");
        EXPECT_TRUE(streamed->usage);
        expect_same_metadata(streamed->metadata, whole.metadata);
        EXPECT_EQ(streamed->doubts(), whole.doubts());
    }
    const auto sent = json::parse(server_.requests().back().body);
    EXPECT_EQ(sent.at("stream"), true);
    EXPECT_EQ(sent.at("stream_options").at("include_usage"), true);
}

TEST_P(AsStream, CompletionIsThatOfTheCallWithoutStreaming)
{
    for (const bool several : {false, true})
    {
        for (const auto* model : {"plain", "stop", "logprobs"})
        {
            SCOPED_TRACE(model);
            completion_request request("sim-chat", "count to 20");
            if (several)
                request.n = 2;
            if (model == std::string_view("stop"))
                request.stop = {" 6"};
            if (model == std::string_view("logprobs"))
                request.logprobs = 2;
            const auto whole = run_on(io_, client_.complete(request));
            const auto streamed = run_on(io_, client_.complete(request, as_stream()));
            EXPECT_EQ(comparable(streamed), comparable(whole));
            expect_same_metadata(streamed.metadata, whole.metadata);
            EXPECT_TRUE(streamed.metadata.timings.first_event);
        }
    }
}

TEST_P(AsStream, UsageIsUnknownWhereItWasNotAskedFor)
{
    chat_request request("sim-chat", "count to 5");
    request.include_usage = false;
    EXPECT_FALSE(ask(request)->usage);
}

TEST_P(AsStream, AnswerThatIsNotStreamedAllTheSame)
{
    server_.enqueue(script().expect_request().respond(
        200, "application/json",
        R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
        R"("message":{"role":"assistant","content":"whole"},"finish_reason":"stop"}]})"));
    const auto answer = ask();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->text(), "whole");
    EXPECT_EQ(answer->object, "chat.completion");
}

TEST_P(AsStream, PreviewShowsTheStreamingForm)
{
    const auto shown = client_.preview(chat_request("sim-chat", "hello"), as_stream());
    EXPECT_EQ(json::parse(shown.body).at("stream"), true);
}

TEST_P(AsStream, OtherCallsTakeNoNotice)
{
    EXPECT_TRUE(run_on(io_, client_.models(as_stream())).contains("sim-chat"));
    EXPECT_EQ(run_on(io_, client_.request({"GET", "/v1/models"}, as_stream())).metadata.status,
              200);
    auto stream = run_on(io_, client_.stream_chat({"sim-chat", "count to 2"}, as_stream()));
    EXPECT_EQ(run_on(io_, stream.next_text()), "1");
}

// ---- limits and errors

TEST_P(AsStream, ErrorsCarryWhatHadArrived)
{
    for (const char* model : {"error-mid-stream", "cut-mid-stream"})
    {
        SCOPED_TRACE(model);
        auto config = config_for(server_);
        config.retry.max_retries = 3;
        const client patient(io_, config);
        const auto stream =
            run_on(io_, try_await(read_all(patient.stream_chat({model, "count to 5"}))));
        const auto answer =
            run_on(io_, try_await(patient.chat({model, "count to 5"}, as_stream())));
        ASSERT_FALSE(answer);
        ASSERT_FALSE(stream);
        EXPECT_EQ(answer.error().code, stream.error().code) << "it fails as a stream does";
        EXPECT_EQ(answer.error().message, stream.error().message);
        EXPECT_EQ(answer.error().attempts, 1);
        EXPECT_EQ(answer.error().partial_text, "1 2 3");
        EXPECT_EQ(answer.error().metadata.model_asked, model);
        EXPECT_EQ(stream.error().partial_text, "") << "a stream has it itself";
        const auto plain =
            run_on(io_, try_await(patient.complete({model, "count to 5"}, as_stream())));
        EXPECT_EQ(plain.error().partial_text, "1 2 3");
    }
    expect_closed();
}

TEST_P(AsStream, TimeLimitsAreThoseOfAStream)
{
    auto options = as_stream();
    options.time.idle = 30ms;
    options.time.first_event = 30ms;
    server_.enqueue(script().expect_request().start_stream().event(chunk_of("one")).stall());
    const auto idle = ask({"sim-chat", "hello"}, options);
    EXPECT_EQ(idle.error().code, errc::idle_timeout);
    EXPECT_EQ(idle.error().partial_text, "one");
    server_.enqueue(script().expect_request().start_stream().stall());
    const auto first = ask({"sim-chat", "hello"}, options);
    EXPECT_EQ(first.error().code, errc::first_event_timeout);
    EXPECT_EQ(first.error().partial_text, "");
    options = as_stream();
    options.time.total = 30ms;
    EXPECT_EQ(ask({"stall-mid-stream", "hello there"}, options).error().code, errc::total_timeout);
    expect_closed();
}

TEST_P(AsStream, IsTriedAgainUntilTheFirstChunk)
{
    auto config = config_for(server_);
    config.retry.max_retries = 2;
    config.retry.initial_delay = 1ms;
    const client patient(io_, config);
    for (const char* model : {"error-503-once", "error-first-event-503-once"})
    {
        SCOPED_TRACE(model);
        const auto answer = run_on(io_, patient.chat({model, "count to 5"}, as_stream()));
        EXPECT_EQ(answer.text(), "1 2 3 4 5");
        EXPECT_EQ(answer.metadata.attempts, 2);
    }
    const auto refused =
        run_on(io_, try_await(patient.chat({"error-401", "count to 5"}, as_stream())));
    EXPECT_EQ(refused.error().code, errc::unauthorized);
}

TEST_P(AsStream, HasALimitForWhatItKeeps)
{
    auto config = config_for(server_);
    config.limits.body = 64 * 1024;
    const client narrow(io_, config);
    const auto answer = run_on(io_, try_await(narrow.chat({"sim-endless", "go"}, as_stream())));
    EXPECT_EQ(answer.error().code, errc::too_large);
    EXPECT_NE(answer.error().message.find("limits::body"), std::string::npos);
    EXPECT_TRUE(answer.error().partial_text.starts_with("1 2 3 "));
    EXPECT_TRUE(run_until(io_, [&] { return is_quiet(narrow); }));
}

// ---- ended by the caller

/// A call that has had its first chunk.
struct begun_call
{
    begun_call(asio::io_context& io, const test_server& server, asio::awaitable<chat_response> call)
    {
        asio::co_spawn(io, std::move(call),
                       asio::bind_cancellation_slot(
                           signal.slot(), [this](std::exception_ptr failure, chat_response answer) {
                               end.note(failure, std::string(answer.text()));
                           }));
        EXPECT_TRUE(run_until(io, [&] { return server.counts().requests != 0; }));
        for (int i = 0; i != 20; ++i)
            io.run_for(1ms);
    }

    asio::cancellation_signal signal;
    ending end;
};

script stalled_after(std::string_view text)
{
    return script().expect_request().start_stream().event(chunk_of(text)).stall();
}

TEST_P(AsStream, CancellingEndsTheStream)
{
    server_.enqueue(stalled_after("one"));
    begun_call begun(io_, server_, client_.chat({"sim-chat", "hello"}, as_stream()));
    EXPECT_FALSE(begun.end.is_done);
    asio::post(io_, [&] {
        begun.signal.emit(asio::cancellation_type::terminal);
        EXPECT_EQ(client_.stats().in_use, 0U) << "in the same turn";
    });
    EXPECT_TRUE(run_until(io_, [&] { return begun.end.is_done; }));
    EXPECT_FALSE(begun.end.other);
    if (!begun.end.by_asio)
    {
        EXPECT_EQ(begun.end.error.value().code, asio::error::operation_aborted);
        EXPECT_EQ(begun.end.error->partial_text, "one");
    }
    expect_closed();
}

TEST_P(AsStream, StopTokenAndCloseEndTheStream)
{
    std::stop_source stop;
    auto options = as_stream();
    options.stop = stop.get_token();
    for (const bool stopped : {true, false})
    {
        SCOPED_TRACE(stopped);
        server_.enqueue(stalled_after("one"));
        const begun_call begun(io_, server_, client_.chat({"sim-chat", "hello"}, options));
        if (stopped)
            stop.request_stop();
        else
            client_.close();
        EXPECT_TRUE(run_until(io_, [&] { return begun.end.is_done; }));
        const boost::system::error_code expected =
            stopped ? boost::system::error_code(asio::error::operation_aborted)
                    : errc::client_closed;
        EXPECT_EQ(begun.end.error.value().code, expected);
        EXPECT_EQ(begun.end.error->partial_text, "one");
        expect_closed();
        options.stop = {};
    }
}

TEST_P(AsStream, DroppedWithItsContext)
{
    auto io = std::make_unique<asio::io_context>(1);
    server_.enqueue(stalled_after("one"));
    {
        const client other(*io, config_for(server_));
        asio::co_spawn(*io, other.chat({"sim-chat", "hello"}, as_stream()),
                       [](std::exception_ptr, const chat_response&) { ADD_FAILURE(); });
        EXPECT_TRUE(run_until(*io, [&] { return server_.counts().requests != 0; }));
        for (int i = 0; i != 20; ++i)
            io->run_for(1ms);
    }
    io.reset();
    EXPECT_TRUE(server_.wait_until([&] { return server_.counts().open == 0; }, 5s));
}

// ---- in a fan-out

TEST_P(AsStream, FansOut)
{
    std::vector<chat_request> requests(20, chat_request("sim-chat", "count to 5"));
    requests.at(7) = {"cut-mid-stream", "count to 5"};
    fan_out_options options;
    options.max_in_flight = 4;
    auto answers = client_.fan_out(std::move(requests), options, as_stream());
    std::size_t count = 0;
    while (auto done = run_on(io_, answers.next()))
    {
        ++count;
        if (done->index == 7)
        {
            EXPECT_EQ(done->result.error().partial_text, "1 2 3");
            continue;
        }
        ASSERT_TRUE(done->result);
        EXPECT_EQ(done->result->text(), "1 2 3 4 5");
    }
    EXPECT_EQ(count, 20U);
    EXPECT_EQ(answers.progress().completion_tokens, 19 * 5);
    for (const auto& request : server_.requests())
        EXPECT_EQ(json::parse(request.body).at("stream"), true);

    std::vector<completion_request> texts(3, completion_request("sim-chat", "count to 5"));
    auto completions = client_.fan_out(std::move(texts), options, as_stream());
    while (auto done = run_on(io_, completions.next()))
        EXPECT_EQ(done->result->text(), "1 2 3 4 5");
}

TEST_P(AsStream, FanOutCountsAStreamUntilItsEnd)
{
    // One stream goes on while the other request is refused: the server has shown to take one at a time.
    gate more;
    server_.enqueue(script()
                        .expect_request()
                        .start_stream()
                        .event(chunk_of("one"))
                        .pause(more)
                        .event(chunk_of("two", "\"stop\""))
                        .event("[DONE]")
                        .end_stream());
    server_.enqueue(script().expect_request().respond(429, "application/json", "{}"));
    auto config = config_for(server_);
    config.retry.initial_delay = 1ms;
    const client other(io_, config);
    std::vector<chat_request> requests(2, chat_request("sim-chat", "count to 5"));
    auto answers =
        other.fan_out(std::move(requests), {.max_in_flight = 2, .max_retries = 3}, as_stream());
    const auto take = [&]() -> asio::awaitable<std::size_t> {
        std::size_t good = 0;
        while (auto done = co_await answers.next())
            good += done->result ? 1 : 0;
        co_return good;
    };
    std::optional<std::size_t> good;
    asio::co_spawn(io_, take(), [&](std::exception_ptr, std::size_t count) { good = count; });
    EXPECT_TRUE(run_until(io_, [&] { return other.stats().retries == 1; }));
    EXPECT_FALSE(run_until(
        io_, [&] { return server_.counts().requests > 2; }, 100ms));
    more.open();
    EXPECT_TRUE(run_until(io_, [&] { return good.has_value(); }));
    EXPECT_EQ(good, 2U);
}

}  // namespace

}  // namespace regolo::test
